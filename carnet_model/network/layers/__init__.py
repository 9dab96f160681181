"""The layers of the network: everything with parameters."""

from .embedding import ElementEmbedding
from .interaction import Interaction
from .mixing import Gate, Mixing
from .output import Assembly, Head, Output
from .radial import RadialBasis, RadialWeights
from .repulsion import Repulsion

__all__ = [
    "Assembly",
    "ElementEmbedding",
    "Gate",
    "Head",
    "Interaction",
    "Mixing",
    "Output",
    "RadialBasis",
    "RadialWeights",
    "Repulsion",
]

"""The layers of the network: everything with parameters."""

from .embedding import ElementEmbedding
from .interaction import Interaction
from .mixing import Gate, Mixing
from .output import Assembly, Head
from .radial import RadialBasis, RadialWeights

__all__ = [
    "Assembly",
    "ElementEmbedding",
    "Gate",
    "Head",
    "Interaction",
    "Mixing",
    "RadialBasis",
    "RadialWeights",
]

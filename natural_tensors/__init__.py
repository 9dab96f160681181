"""Irreducible Cartesian ("natural") tensors inside physical tensors, derived exactly."""

from . import elasticity
from .components import Components, Form
from .couplings import Coupling, coupling
from .errors import UnknownPartError, UnknownTensorError
from .harmonics import Harmonic, harmonic
from .operators import Embedding, Extraction, Operator
from .packing import from_spherical, pack_natural, to_spherical, unpack_natural
from .physical import PhysicalTensor, catalog
from .reductions import Reduction, reduction
from .rotations import rotation
from .surds import Surd
from .symmetry import IndexSymmetry, SignedPermutation, SymmetryError
from .version import CONVENTIONS, __version__
from .voigt import from_voigt, to_voigt

__all__ = [
    "CONVENTIONS",
    "Components",
    "Coupling",
    "Embedding",
    "Extraction",
    "Form",
    "Harmonic",
    "IndexSymmetry",
    "Operator",
    "PhysicalTensor",
    "Reduction",
    "SignedPermutation",
    "Surd",
    "SymmetryError",
    "UnknownPartError",
    "UnknownTensorError",
    "__version__",
    "catalog",
    "coupling",
    "elasticity",
    "from_spherical",
    "from_voigt",
    "harmonic",
    "pack_natural",
    "reduction",
    "rotation",
    "to_spherical",
    "to_voigt",
    "unpack_natural",
]

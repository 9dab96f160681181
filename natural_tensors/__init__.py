"""Irreducible Cartesian ("natural") tensors inside physical tensors, derived exactly."""

from .components import Components, Form
from .couplings import Coupling, coupling
from .harmonics import Harmonic, harmonic
from .operators import Embedding, Extraction, Operator
from .packing import from_spherical, pack_natural, to_spherical, unpack_natural
from .physical import PhysicalTensor, UnknownTensorError, catalog
from .reductions import Reduction, reduction
from .rotations import rotation
from .symmetry import IndexSymmetry, SignedPermutation, SymmetryError
from .version import __version__
from .voigt import from_voigt, to_voigt

CONVENTIONS = 1
"""Version of docs/conventions.md that this package follows."""

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
    "SymmetryError",
    "UnknownTensorError",
    "__version__",
    "catalog",
    "coupling",
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

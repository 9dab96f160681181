"""Irreducible Cartesian ("natural") tensors inside physical tensors, derived exactly."""

from . import elasticity
from .components import Components, Form
from .couplings import Coupling, coupling
from .crystals import CrystalTensor
from .errors import UnknownPartError, UnknownTensorError
from .forms import SymbolicForm, form, orientation
from .frames import Frame
from .harmonics import Harmonic, harmonic
from .operators import Embedding, Extraction, Operator
from .packing import from_spherical, pack_natural, to_spherical, unpack_natural
from .physical import PhysicalTensor, catalog
from .points import PointGroup, PointGroupError, point_group
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
    "CrystalTensor",
    "Embedding",
    "Extraction",
    "Form",
    "Frame",
    "Harmonic",
    "IndexSymmetry",
    "Operator",
    "PhysicalTensor",
    "PointGroup",
    "PointGroupError",
    "Reduction",
    "SignedPermutation",
    "Surd",
    "SymbolicForm",
    "SymmetryError",
    "UnknownPartError",
    "UnknownTensorError",
    "__version__",
    "catalog",
    "coupling",
    "elasticity",
    "form",
    "from_spherical",
    "from_voigt",
    "harmonic",
    "orientation",
    "pack_natural",
    "point_group",
    "reduction",
    "rotation",
    "to_spherical",
    "to_voigt",
    "unpack_natural",
]

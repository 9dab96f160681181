"""Irreducible Cartesian ("natural") tensors inside physical tensors, derived exactly."""

from . import elasticity, symbolic
from .crystals.forms import SymbolicForm, orientation
from .crystals.frames import Frame
from .crystals.point_groups import PointGroup, PointGroupError
from .crystals.tensor import CrystalTensor
from .decomposition.components import Components, Form
from .decomposition.operators import Embedding, Extraction, Operator
from .decomposition.reductions import Reduction
from .decomposition.symmetry import IndexSymmetry, SignedPermutation
from .decomposition.voigt import from_voigt, to_voigt
from .dimensions import form, point_group, reduction
from .errors import SymmetryError, UnknownPartError, UnknownTensorError
from .exact.surds import Surd
from .expressions.expression import Expression, expression
from .expressions.problems import ExpressionError
from .invariants.basis import InvariantBasis, invariant_basis
from .invariants.comparison import Comparison, same_up_to_rotation
from .invariants.counts import InvariantCounts, count_invariants
from .invariants.family import InvariantsError
from .invariants.group_basis import GroupInvariant, GroupInvariantBasis
from .invariants.invariant import Invariant
from .physical.catalog import catalog
from .physical.entry import PhysicalTensor
from .plane.reductions import PlaneReduction
from .so3.couplings import Coupling, coupling
from .so3.harmonics import Harmonic, harmonic
from .so3.packing import from_spherical, pack_natural, to_spherical, unpack_natural
from .so3.rotations import rotation
from .version import CONVENTIONS, __version__

__all__ = [
    "CONVENTIONS",
    "Comparison",
    "Components",
    "Coupling",
    "CrystalTensor",
    "Embedding",
    "Expression",
    "ExpressionError",
    "Extraction",
    "Form",
    "Frame",
    "GroupInvariant",
    "GroupInvariantBasis",
    "Harmonic",
    "IndexSymmetry",
    "Invariant",
    "InvariantBasis",
    "InvariantCounts",
    "InvariantsError",
    "Operator",
    "PhysicalTensor",
    "PlaneReduction",
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
    "count_invariants",
    "coupling",
    "elasticity",
    "expression",
    "form",
    "from_spherical",
    "from_voigt",
    "harmonic",
    "invariant_basis",
    "orientation",
    "pack_natural",
    "point_group",
    "reduction",
    "rotation",
    "same_up_to_rotation",
    "symbolic",
    "to_spherical",
    "to_voigt",
    "unpack_natural",
]

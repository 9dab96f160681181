"""Whether two tensors are the same but for a rotation: invariants to refute, a rotation to confirm.

Here numbers begin: tensors are float64, and compared to a tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np

from ..arrays import Floats, TensorLike
from ..crystals.point_groups import PointGroup
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction, reduction
from ..errors import InputError
from ..exact import symbols
from ..exact.floats import surd_to_float
from ..so3.blocks import Blocks
from ..so3.grids import exponential
from ..so3.maximize import Linear, maximize
from .basis import InvariantBasis, basis_under_rotations
from .counts import TensorClass, as_group, class_of, count_invariants, space_of
from .family import LIMIT
from .group_basis import GroupInvariant, basis_under_group
from .invariant import Invariant

TOLERANCE = 1e-8
"""Distance, relative to the norm, up to which tensors count as the same."""

ROUNDING = 2**12 * np.finfo(np.float64).eps
"""Error of a contraction relative to the product of the norms: sums of hundreds of products."""

HIGHEST = 4
"""The highest degree of the invariants compared."""

STARTS = 24
"""Climbs of the search for a rotation."""

REFINEMENTS = 6
"""Gauss-Newton steps after it; they converge quadratically where the tensors are the same."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What is known of two tensors and the rotations; obtain it from :func:`same_up_to_rotation`.

    Attributes:
        same: True when a rotation was found, False when an invariant differs, None when invariants
            agree and no rotation was found.
        degree: the highest degree of the invariants compared; 0 where an operation of a finite
            group was found at once.
        compared: how many were compared.
        witness: an invariant that differs by more than the tolerance allows, if there is one.
        values: its value for the first and for the second tensor.
        rotation: R with ``first = R second``, shape ``(3, 3)``; the best found where not the same.
            It inverts where it is improper.
        distance: ``|first - R second|`` over the larger norm; None where no rotation was sought.
    """

    same: bool | None
    degree: int
    compared: int
    witness: Invariant | GroupInvariant | None = None
    values: tuple[Any, Any] | None = None
    rotation: Floats | None = None
    distance: float | None = None

    def __bool__(self) -> bool:
        return self.same is True

    def __repr__(self) -> str:
        if self.witness is not None and self.values is not None:
            first, second = (f"{v:.6g}" if isinstance(v, float) else str(v) for v in self.values)
            return f"<Comparison: different, {self.witness} is {first} and {second}>"
        if self.same:
            return f"<Comparison: the same, rotation found, distance {self.distance:.1e}>"
        return (
            f"<Comparison: undecided, {self.compared} invariants up to degree {self.degree} agree "
            f"but the best rotation leaves a distance of {self.distance:.1e}>"
        )


def same_up_to_rotation(
    tensor: TensorClass,
    first: TensorLike,
    second: TensorLike,
    *,
    form: Form = "full",
    group: str | PointGroup = "SO(3)",
    tolerance: float = TOLERANCE,
) -> Comparison:
    """Say whether a rotation takes one tensor to another.

    Invariants that are unequal prove that none does: were the distance ``|first - R second|`` at
    most d, each natural part would change by at most d, and a contraction of parts by at most
    ``product(|X_i| + d) - product |X_i|`` (times √6 with a Levi-Civita symbol), because it is at
    most the product of their norms. Exact tensors are compared exactly. Where invariants are equal
    a rotation is sought, as in :func:`natural_tensors.so3.maximize.maximize`, and proves the rest.
    Under a crystallographic group every operation is tried, which decides.

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction.
        first: one tensor, of numbers or exact numbers.
        second: the other.
        form: how both are written, as in :meth:`natural_tensors.Reduction.decompose`.
        group: ``"SO(3)"``, ``"O(3)"`` to allow mirror images, or a crystallographic point group
            in its standard axes, perhaps magnetic.
        tolerance: distance, relative to the larger norm, up to which tensors count as the same.

    Raises:
        ValueError: when a shape does not fit, or the tolerance is not positive.
        InputError: when a tensor holds symbols without value, or for a group of one axis.
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance {tolerance!r} is not between 0 and 1")
    tensor_class = class_of(tensor)
    orthonormal = reduction(tensor_class.symmetry, basis="orthonormal")
    points = as_group(group)
    if not points.axes:
        return _by_operation(tensor_class, points, first, second, form, tolerance)
    if points.system != "spherical" or points.magnetic:
        raise InputError(
            f"tensors are compared under SO(3), O(3) or a crystallographic group, not {points}"
        )
    proper = points.name == "∞∞"
    basis = _basis(orthonormal, proper)
    a, b = (_packed(orthonormal, values, form) for values in (first, second))
    scale = float(max(np.linalg.norm(a), np.linalg.norm(b)))
    if symbols.is_exact(first) and symbols.is_exact(second):
        difference = _exactly_different(_basis(tensor_class, proper), first, second, form)
    else:
        difference = _different(basis, a, b, tolerance * scale)
    if difference is not None:
        witness, values = difference
        return Comparison(False, basis.degree, len(basis), witness, values)
    rotation, distance = _best_rotation(orthonormal, a, b)
    if basis.group == "O(3)" and orthonormal.parity < 0:
        other, farther = _best_rotation(orthonormal, a, -b)
        if farther < distance:
            rotation, distance = -other, farther
    relative = distance / scale if scale else 0.0
    same = True if relative <= tolerance else None
    return Comparison(same, basis.degree, len(basis), rotation=rotation, distance=relative)


def _by_operation(
    tensor_class: Reduction,
    group: PointGroup,
    first: TensorLike,
    second: TensorLike,
    form: Form,
    tolerance: float,
) -> Comparison:
    """Try every operation of a finite group; where none fits, name an invariant that differs."""
    flat = reduction(tensor_class.symmetry, basis="orthonormal")
    a, b = (_packed(flat, values, form) for values in (first, second))
    blocks = Blocks(tuple(weight for weight, _ in flat.copies))
    scale = float(max(np.linalg.norm(a), np.linalg.norm(b)))
    odd = space_of(tensor_class).time_reversal < 0
    best, nearest = None, np.inf
    for operation in group.operations:
        matrix = np.array([[surd_to_float(entry) for entry in row] for row in operation.matrix])
        sign = flat.parity if operation.determinant < 0 else 1
        sign *= -1 if odd and operation.time < 0 else 1
        gap = float(np.linalg.norm(a - sign * blocks.rotate(b, matrix * operation.determinant)))
        if gap < nearest:
            best, nearest = matrix, gap
    distance = nearest / scale if scale else 0.0
    if distance <= tolerance:
        return Comparison(True, 0, 0, rotation=best, distance=distance)
    counts = count_invariants(tensor_class, group, HIGHEST).numbers
    degree = next((d for d in range(HIGHEST, 0, -1) if max(counts[:d]) <= LIMIT), 1)
    basis = basis_under_group(tensor_class, degree, group, max(LIMIT, counts[0]))
    one, other = (basis.evaluate(values, form=form) for values in (first, second))
    gaps = [abs(float(x) - float(y)) for x, y in zip(one, other, strict=True)]
    place = int(np.argmax(gaps))
    return Comparison(
        False, degree, len(basis), basis.members[place], (one[place], other[place]), best, distance
    )


def _basis(reduction: Reduction, proper: bool) -> InvariantBasis:
    """Return the invariants up to the highest degree that has not too many."""
    counts = count_invariants(reduction, "SO(3)", HIGHEST).numbers
    degree = next((d for d in range(HIGHEST, 0, -1) if max(counts[:d]) <= LIMIT), 1)
    return basis_under_rotations(reduction, degree, proper, max(LIMIT, counts[0]))


def _packed(reduction: Reduction, values: TensorLike, form: Form) -> Floats:
    packed = reduction.pack(values, form=form)
    if symbols.is_exact(values):
        unknown = sorted(set().union(*(e.free_symbols for e in packed)), key=str)
        if unknown:
            raise InputError(
                f"the tensor holds the symbol {unknown[0]}; give it a value first, for example by "
                f"subs({{{unknown[0]}: 1}})"
            )
        packed = [float(entry) for entry in packed]
    array = np.asarray(packed, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"compare one tensor with one other, got a batch of shape {array.shape}")
    return array


def _different(
    basis: InvariantBasis, a: Floats, b: Floats, distance: float
) -> tuple[Invariant, tuple[float, float]] | None:
    """Return the member that differs most beyond what the distance allows, if one does."""
    reduction = basis.reduction
    blocks = Blocks(tuple(weight for weight, _ in reduction.copies))
    lengths = {
        key: float(max(np.linalg.norm(a[where]), np.linalg.norm(b[where])))
        for key, where in zip(reduction.copies, blocks.slices, strict=True)
    }
    # coordinates are compared; the full tensors may differ from them by rounding
    values = basis.evaluate(reduction.unpack(np.stack([a, b])))
    worst, excess = None, 1.0
    for member, (one, other) in zip(basis.members, values.T, strict=True):
        sizes = [lengths[key] for key in (*member.scalars, *member.parts)]
        whole = prod(sizes)
        allowed = prod(size + distance for size in sizes) - whole + ROUNDING * whole
        allowed *= sqrt(6) if member.contraction.epsilon else 1
        gap = abs(one - other)
        if gap > allowed * excess:
            worst, excess = (member, (float(one), float(other))), gap / allowed
    return worst


def _exactly_different(
    basis: InvariantBasis, first: TensorLike, second: TensorLike, form: Form
) -> tuple[Invariant, tuple[Any, Any]] | None:
    one, other = (basis.evaluate(values, form=form) for values in (first, second))
    for member, a, b in zip(basis.members, one, other, strict=True):
        if a != b and symbols.canonical(a - b) != 0:
            return member, (a, b)
    return None


def _best_rotation(reduction: Reduction, a: Floats, b: Floats) -> tuple[Floats, float]:
    """Return the rotation that brings b nearest to a, and the distance left."""
    blocks = Blocks(tuple(weight for weight, _ in reduction.copies))
    rotation = maximize(Linear(a), b, blocks.weights, starts=STARTS).rotation
    left = float(np.linalg.norm(a - blocks.rotate(b, rotation)))
    for _ in range(REFINEMENTS):
        rotated = blocks.rotate(b, rotation)
        change = (blocks.generators @ rotated).T
        step, *_ = np.linalg.lstsq(change, a - rotated, rcond=1e-6)
        nearer = exponential(step[None])[0] @ rotation
        gap = float(np.linalg.norm(a - blocks.rotate(b, nearer)))
        if gap >= left:
            break
        rotation, left = nearer, gap
    return rotation, left

"""Counts of the polynomial invariants of a class of tensors, degree by degree."""

from __future__ import annotations

from dataclasses import dataclass

from ..crystals.point_groups import PointGroup, point_group
from ..decomposition import reductions
from ..decomposition.reductions import Reduction
from ..decomposition.symmetry import IndexSymmetry
from ..exact.integers import as_integer
from ..physical.catalog import catalog
from .molien import Space, invariants_of_group

ROTATIONS = {"SO(3)": "∞∞", "O(3)": "∞∞m", "SO3": "∞∞", "O3": "∞∞m"}
"""The full rotation group without and with inversion, as limiting groups are named."""

TensorClass = str | IndexSymmetry | Reduction


def as_group(group: str | PointGroup) -> PointGroup:
    """Return a group by its symbol, also ``"SO(3)"`` and ``"O(3)"``.

    Raises:
        PointGroupError: when there is no such group.
    """
    if isinstance(group, PointGroup):
        return group
    return point_group(ROTATIONS.get(group, group) if isinstance(group, str) else group)


def as_degree(degree: object, least: int = 1) -> int:
    """Return an argument as a degree.

    Raises:
        TypeError: when it is no integer.
        ValueError: when it is too small.
    """
    number = as_integer(degree, "degree")
    if number < least:
        raise ValueError(f"degree {number} is too small; give {least}, {least + 1}, ...")
    return number


def class_of(tensor: TensorClass) -> Reduction:
    """Return the reduction of a class that is named by a string or an index symmetry."""
    return tensor if isinstance(tensor, Reduction) else reductions.reduction(tensor)


def space_of(reduction: Reduction, time_reversal: int | None = None) -> Space:
    """Return the weights and signs of a class; of a name, the catalogue's under time reversal.

    Raises:
        ValueError: when the sign under time reversal is neither 1 nor -1.
    """
    sign = time_reversal
    if sign is None:
        sign = catalog[reduction.name].time_reversal if reduction.name else 1
    if sign not in (1, -1):
        raise ValueError(f"time_reversal is {sign!r}; allowed: 1 (even) or -1 (odd)")
    weights = tuple(weight for weight, _ in reduction.copies)
    return Space(weights, reduction.parity, sign)


@dataclass(frozen=True, slots=True)
class InvariantCounts:
    """How many linearly independent invariants of each degree a class has under a group.

    Products of invariants count: of degree 2, the square of one of degree 1 too.

    Attributes:
        tensor: the class, by its name or its index symmetry.
        group: the group.
        numbers: of degree 1, 2, ...
    """

    tensor: str
    group: PointGroup
    numbers: tuple[int, ...]

    @property
    def degree(self) -> int:
        """The highest degree."""
        return len(self.numbers)

    @property
    def total(self) -> int:
        """Of all degrees together."""
        return sum(self.numbers)

    def __repr__(self) -> str:
        numbers = ", ".join(map(str, self.numbers))
        degrees = f"degrees 1 to {self.degree}" if self.degree > 1 else "degree 1"
        return f"InvariantCounts({self.tensor} under {self.group}, {degrees}: {numbers})"


def count_invariants(
    tensor: TensorClass,
    group: str | PointGroup = "SO(3)",
    degree: int = 4,
    *,
    time_reversal: int | None = None,
) -> InvariantCounts:
    """Count the polynomial invariants of a class of tensors under a group, exactly.

    >>> count_invariants("elastic", "SO(3)", 4).numbers
    (2, 7, 22, 63)
    >>> count_invariants("piezoelectric", "O(3)", 4).numbers  # an odd degree changes its sign
    (0, 5, 0, 43)
    >>> count_invariants("elastic", "m-3m", 4).numbers
    (3, 19, 105, 530)

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction.
        group: ``"SO(3)"``, ``"O(3)"``, or any group of :func:`natural_tensors.point_group`, also
            limiting or magnetic.
        degree: the highest degree; time and memory grow with its square.
        time_reversal: +1 or -1; the catalogue's for a name, otherwise +1.

    Raises:
        PointGroupError: when there is no such group.
        ValueError: when the degree is no positive integer.

    Source: T. Molien, Sitzungsber. Akad. Berlin 1897, 1152; H. Weyl, The Classical Groups (1946).
    """
    reduction, points, highest = class_of(tensor), as_group(group), as_degree(degree)
    series = invariants_of_group(space_of(reduction, time_reversal), points, highest)
    name = reduction.name or str(reduction.symmetry) or "scalar"
    return InvariantCounts(name, points, series[1:])

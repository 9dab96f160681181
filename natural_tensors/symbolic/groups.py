"""A point group that is stated for a tensor in symbols is one that leaves it alone."""

from __future__ import annotations

from itertools import product

from ..crystals.fitting import project
from ..crystals.point_groups import PointGroup, point_group
from ..errors import SymmetryError
from ..exact.symbols import Expression, canonical


def check_group(tensor: str, full: Expression, group: str | PointGroup | None) -> PointGroup:
    """Return the group of a tensor after checking it; that of no symmetry for None.

    Args:
        tensor: its name in the catalogue.
        full: the full array.
        group: what is stated.

    Raises:
        SymmetryError: when an operation of the group changes the tensor.
    """
    if group is None:
        return point_group("1")
    points = group if isinstance(group, PointGroup) else point_group(group)
    kept = project(tensor, full, points)
    for place in product(range(3), repeat=full.rank()):
        if canonical(full[place] - kept[place]) != 0:
            raise SymmetryError(
                f"the group {points} does not leave the {tensor} tensor alone: its entry "
                f"{place} is {full[place]} and would be {kept[place]}; leave the group out, or "
                "give axes that fit"
            )
    return points

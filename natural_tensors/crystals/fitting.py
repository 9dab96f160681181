"""Numeric tensors against point groups: projection, distance, and the class that fits best.

A point group leaves a linear space of tensors alone; in packed coordinates, which are orthonormal,
projection on it is a matrix. The distance of a tensor to a symmetry class *in any orientation* is
that to the nearest tensor that some rotated copy of the group leaves alone: a maximum over all
rotations, found from a grid and by Newton's method (:mod:`natural_tensors.so3.maximize`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from types import MappingProxyType
from typing import Any

import numpy as np

from ..arrays import Floats
from ..decomposition.reductions import Reduction, reduction
from ..decomposition.symmetry import IndexSymmetry
from ..exact import floats, linear, symbols
from ..so3 import blocks, maximize
from .forms import form
from .point_groups import GROUPS, PointGroup, point_group

DISTANCE_TOLERANCE = 0.02
"""Relative distance up to which a tensor is taken to have a symmetry, when nothing else is said."""


def _reduction_of(tensor: str | IndexSymmetry | Reduction) -> Reduction:
    return tensor if isinstance(tensor, Reduction) else reduction(tensor)


@lru_cache(maxsize=512)
def invariants(reduction: Reduction, group: PointGroup) -> Floats:
    """Return an orthonormal basis of what a group in its standard axes leaves alone.

    Args:
        reduction: the class of tensors.
        group: the point group.

    Returns:
        Packed coordinates, shape ``(independent, dimension)``.
    """
    rows = floats.rationals(form(reduction, group).table)  # type: ignore[arg-type]
    packed = reduction.pack(rows.reshape(reduction.dimension, -1).T, form="components")
    basis, _ = np.linalg.qr(packed.T)
    basis = np.ascontiguousarray(basis.T)
    basis.setflags(write=False)
    return basis


def project(
    tensor: str | IndexSymmetry | Reduction,
    values: Any,
    group: str | PointGroup,
    setting: Any = None,
    *,
    exact: bool = False,
) -> Any:
    """Return the nearest tensor that a point group leaves alone, in the Frobenius norm.

    Args:
        tensor: name or index symmetry of the class.
        values: full tensor, shape ``(3,)*rank``.
        group: point group or its symbol.
        setting: rotation from the axes of the tensor to the standard axes of the group, x' = R x,
            shape ``(3, 3)``; none when they are the same.
        exact: True keeps plain integers exact too.

    Returns:
        Shape ``(3,)*rank``, in the axes of the tensor: float64, or a SymPy array where the values
        or the setting are exact.
    """
    reduction = _reduction_of(tensor)
    points = group if isinstance(group, PointGroup) else point_group(group)
    if exact or symbols.is_exact(values) or symbols.is_exact(setting):
        return _projected_exactly(reduction, values, points, setting)
    rotation = np.eye(3) if setting is None else np.asarray(setting, dtype=np.float64)
    packed = reduction.pack(reduction.rotate(np.asarray(values, dtype=np.float64), rotation))
    basis = invariants(reduction, points)
    kept = reduction.unpack(packed @ basis.T @ basis)
    return np.asarray(reduction.rotate(kept, rotation.T), dtype=np.float64)


@lru_cache(maxsize=512)
def exact_projector(reduction: Reduction, group: PointGroup) -> tuple[list[list[int]], int]:
    """Return the projection of components on what a group in standard axes leaves alone.

    Integers, shape ``(components, components)``, and their denominator.
    """
    table = np.array(form(reduction, group).table, dtype=object).reshape(reduction.dimension, -1)
    if not table.size:
        return [[0] * reduction.dimension for _ in range(reduction.dimension)], 1
    common = lcm(*(int(Fraction(entry).denominator) for entry in table.reshape(-1)))
    basis = np.array([[int(entry * common) for entry in row] for row in table], dtype=object)
    weighted = basis * reduction.components.orbits.sizes[:, None]
    inverse = linear.inverse((weighted.T @ basis).astype(np.int64))
    below = lcm(*(entry.denominator for row in inverse for entry in row))
    whole = np.array([[int(entry * below) for entry in row] for row in inverse], dtype=object)
    return (basis @ whole @ weighted.T).tolist(), below


def _projected_exactly(reduction: Reduction, values: Any, group: PointGroup, setting: Any) -> Any:
    if setting is not None:
        values = reduction.rotate(values, setting, exact=True)
    components = reduction.convert(values, target="components", exact=True)
    projector, denominator = exact_projector(reduction, group)
    kept = symbols.combined(projector, denominator, list(components))
    full = reduction.convert(kept, source="components", target="full", exact=True)
    if setting is None:
        return full
    return reduction.rotate(full, symbols.rotation_matrix(setting).T, exact=True)


def distance_to_group(
    tensor: str | IndexSymmetry | Reduction,
    values: Any,
    group: str | PointGroup,
    setting: Any = None,
) -> float:
    """Return ``|T - projection| / |T|``: 0 when the group leaves the tensor alone, 1 at most.

    Arguments as in :func:`project`.
    """
    given = np.asarray(values, dtype=np.float64)
    size = float(np.linalg.norm(given))
    if size == 0:
        return 0.0
    return float(np.linalg.norm(given - project(tensor, given, group, setting))) / size


@dataclass(frozen=True, eq=False, repr=False)
class SymmetryClass:
    """One kind of symmetry that tensors of a class can have.

    Attributes:
        group: the largest of the 39 point groups that leave its tensors alone.
        groups: all of them that leave just these tensors alone, in standard axes.
        independent: number of constants in standard axes.
    """

    group: PointGroup
    groups: tuple[PointGroup, ...]
    independent: int

    @property
    def name(self) -> str:
        """The system of the groups and the largest of them: ``"cubic (m-3m)"``."""
        systems = {group.system for group in self.groups}
        hexagonal = self.group.system == "cylindrical" and "hexagonal" in systems
        system = "hexagonal" if hexagonal else self.group.system
        return f"{SYSTEM_WORDS.get(system, system)} ({self.group})"

    def __repr__(self) -> str:
        return f"SymmetryClass({self.name}, {self.independent} constants)"


SYSTEM_WORDS: Mapping[str, str] = MappingProxyType(
    {"cylindrical": "transversely isotropic", "spherical": "isotropic"}
)
"""What a limiting group means for a property."""


@dataclass(frozen=True, eq=False, repr=False)
class ClassFit:
    """The nearest tensor of a symmetry class, in the orientation where it is nearest.

    Attributes:
        symmetry: the class.
        distance: relative distance ``|T - nearest| / |T|``, 0 to 1.
        setting: rotation from the axes of the tensor to the standard axes of the group.
        values: the nearest tensor, in the axes of the tensor given, shape ``(3,)*rank``.
    """

    symmetry: SymmetryClass
    distance: float
    setting: Floats
    values: Floats

    @property
    def name(self) -> str:
        """Name of the class."""
        return self.symmetry.name

    @property
    def independent(self) -> int:
        """Number of constants of the class in its standard axes."""
        return self.symmetry.independent

    def __repr__(self) -> str:
        return f"ClassFit({self.name}: distance {self.distance:.3g}, {self.independent} constants)"


GENERIC_SEED = 20
"""Seed of the tensor that stands for all others when classes are told apart."""


NO_DISTANCE = 1e-6
"""Relative distance that is none: the search finds maxima of squares to some 1e-14."""


def _weights(reduction: Reduction) -> tuple[int, ...]:
    return tuple(weight for weight, _ in reduction.copies)


@lru_cache(maxsize=64)
def symmetry_classes(reduction: Reduction) -> tuple[SymmetryClass, ...]:
    """Return every kind of symmetry that tensors of a class can have, few constants first.

    Derived from the 32 crystallographic and 7 limiting groups: groups that leave the same tensors
    alone are one class, and a class whose generic tensor, suitably rotated, fits another one with
    fewer constants is none of its own (for elasticity 4/m, which rotated about its axis is 4/mmm).
    Elasticity has eight.

    Source: S. Forte and M. Vianello 1996, J. Elasticity 43, 81.
    """
    by_space: dict[bytes, list[PointGroup]] = {}
    for name in GROUPS:
        basis = invariants(reduction, point_group(name))
        by_space.setdefault(np.round(basis.T @ basis, 9).tobytes(), []).append(point_group(name))
    merged = [
        SymmetryClass(max(groups, key=_size), tuple(groups), len(invariants(reduction, groups[0])))
        for groups in by_space.values()
    ]
    merged.sort(key=lambda entry: entry.independent)
    kept: list[SymmetryClass] = []
    generator = np.random.default_rng(GENERIC_SEED)
    for entry in merged:
        basis = invariants(reduction, entry.group)
        generic = generator.normal(size=len(basis)) @ basis
        smaller = [other for other in kept if other.independent < entry.independent]
        spaces = [invariants(reduction, other.group) for other in smaller]
        if not any(_distance(reduction, generic, space)[0] < NO_DISTANCE for space in spaces):
            kept.append(entry)
    return tuple(kept)


def _size(group: PointGroup) -> tuple[int, int]:
    """Order groups by size: axes of full symmetry first, then operations or generators."""
    return len(group.axes), group.order or len(group.generators)


def _distance(reduction: Reduction, packed: Floats, basis: Floats) -> tuple[float, Floats]:
    """Return the least relative distance of a packed tensor to a space, and the rotation."""
    total = float(np.linalg.norm(packed))
    if total == 0 or len(basis) in (0, reduction.dimension):
        return (0.0 if total == 0 or len(basis) else 1.0), np.eye(3)
    best = maximize.maximize(maximize.SquaredNorm(basis), packed, _weights(reduction))
    rotated = blocks.Blocks(_weights(reduction)).rotate(packed, best.rotation)
    # the residual itself, not 1 - |V u|^2, keeps the digits of a small distance
    left = rotated - rotated @ basis.T @ basis
    return float(np.linalg.norm(left)) / total, best.rotation


def class_fits(tensor: str | IndexSymmetry | Reduction, values: Any) -> tuple[ClassFit, ...]:
    """Return the nearest tensor of every symmetry class, in any orientation, few constants first.

    Args:
        tensor: name or index symmetry of the class of tensors.
        values: full tensor, shape ``(3,)*rank``.

    Raises:
        SymmetryError: when the tensor violates its index symmetry.
    """
    reduction = _reduction_of(tensor)
    packed = np.asarray(reduction.pack(np.asarray(values, dtype=np.float64)))
    fits = []
    for entry in symmetry_classes(reduction):
        distance, setting = _distance(reduction, packed, invariants(reduction, entry.group))
        nearest = project(reduction, values, entry.group, setting)
        fits.append(ClassFit(entry, distance, setting, nearest))
    return tuple(fits)


def best_class(
    tensor: str | IndexSymmetry | Reduction, values: Any, tolerance: float = DISTANCE_TOLERANCE
) -> ClassFit:
    """Return the fit with the fewest constants whose distance is within a tolerance.

    Args:
        tensor: name or index symmetry of the class of tensors.
        values: full tensor, shape ``(3,)*rank``.
        tolerance: relative distance allowed.
    """
    return next(
        fit for fit in class_fits(tensor, values) if fit.distance <= tolerance + NO_DISTANCE
    )


def best_setting(
    tensor: str | IndexSymmetry | Reduction, values: Any, group: str | PointGroup
) -> tuple[float, Floats]:
    """Return the orientation of a group in which it fits a tensor best.

    Args:
        tensor: name or index symmetry of the class of tensors.
        values: full tensor, shape ``(3,)*rank``.
        group: point group or its symbol.

    Returns:
        The relative distance that is left, and the rotation from the axes of the tensor to the
        standard axes of the group, shape ``(3, 3)``.
    """
    reduction = _reduction_of(tensor)
    points = group if isinstance(group, PointGroup) else point_group(group)
    packed = np.asarray(reduction.pack(np.asarray(values, dtype=np.float64)))
    return _distance(reduction, packed, invariants(reduction, points))

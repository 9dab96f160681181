"""The same question in space and in the plane: ``dimension=3`` or ``dimension=2``."""

from __future__ import annotations

from typing import Any, Literal, overload

from .crystals import forms, point_groups
from .crystals.forms import SymbolicForm
from .crystals.point_groups import PointGroup
from .decomposition import reductions
from .decomposition.copies import Basis
from .decomposition.reductions import Reduction
from .decomposition.symmetry import IndexSymmetry
from .errors import InputError
from .plane import forms as plane_forms
from .plane import point_groups as plane_groups
from .plane import reductions as plane_reductions
from .plane.forms import PlaneForm
from .plane.point_groups import PlaneGroup
from .plane.reductions import PlaneReduction


class DimensionError(InputError, ValueError):
    """Neither space nor the plane."""


def _check(dimension: object) -> None:
    if isinstance(dimension, bool) or dimension not in (2, 3):
        raise DimensionError(f"dimension={dimension!r}; allowed: 3 (space) or 2 (the plane)")


@overload
def reduction(
    symmetry_or_name: str | IndexSymmetry,
    *,
    axial: bool = False,
    basis: Basis = "dual",
    dimension: Literal[3] = 3,
) -> Reduction: ...
@overload
def reduction(
    symmetry_or_name: str | IndexSymmetry,
    *,
    axial: bool = False,
    basis: Basis = "dual",
    dimension: Literal[2],
) -> PlaneReduction: ...
@overload
def reduction(
    symmetry_or_name: str | IndexSymmetry,
    *,
    axial: bool = False,
    basis: Basis = "dual",
    dimension: int,
) -> Reduction | PlaneReduction: ...
def reduction(
    symmetry_or_name: str | IndexSymmetry,
    *,
    axial: bool = False,
    basis: Basis = "dual",
    dimension: int = 3,
) -> Reduction | PlaneReduction:
    """Reduce a class of tensors to its natural tensors; exact, and cached in memory.

    Args:
        symmetry_or_name: an index symmetry such as ``"ijkl=jikl=klij"``, or a name of the
            catalogue.
        axial: True for a pseudo-tensor; for a name the catalogue knows it.
        basis: ``"dual"``: each copy is embedded by one orbit of delta/epsilon patterns and
            extracted by the inverse Gram matrix; ``"orthonormal"``: Gram-Schmidt of those.
        dimension: 3 for space; 2 for the plane, where an index is x or y and a name stands for
            the components of its tensor along these.

    Raises:
        SymmetryError: when the symmetry cannot be read or forces the tensor to be zero.
        UnknownTensorError: when the name is not in the catalogue.
        ValueError: when the basis or the dimension is unknown.
    """
    _check(dimension)
    if dimension == 2:
        return plane_reductions.reduction(symmetry_or_name, axial=axial, basis=basis)
    return reductions.reduction(symmetry_or_name, axial=axial, basis=basis)


@overload
def point_group(symbol: str, *, dimension: Literal[3] = 3) -> PointGroup: ...
@overload
def point_group(symbol: str, *, dimension: Literal[2]) -> PlaneGroup: ...
def point_group(symbol: str, *, dimension: int = 3) -> PointGroup | PlaneGroup:
    """Return a point group by its symbol.

    Args:
        symbol: Hermann-Mauguin, short or full, in any setting (``"m-3m"``, ``"-4m2"``,
            ``"112/m"``; monoclinic without full symbol has its axis along y), magnetic with primes
            (``"4'/mmm'"``; ``"4/mmm1'"`` is that of a non-magnetic crystal), limiting
            (``"∞/mm"``, ``"inf/mm"``), or Schoenflies (``"D4h"``).
        dimension: 3 for space; 2 for the plane, whose groups are 1, 2, m, 2mm, 4, 4mm, 3, 3m, 6,
            6mm, ∞ and ∞m.

    Raises:
        PointGroupError: when there is no such group, or its primes contradict each other.
        TypeError: when the symbol is no string.
    """
    _check(dimension)
    if dimension == 2:
        return plane_groups.point_group(symbol)
    return point_groups.point_group(symbol)


@overload
def form(
    tensor: str | IndexSymmetry | Reduction,
    group: str | PointGroup,
    *,
    axes: object = None,
    time_reversal: int | None = None,
    dimension: Literal[3] = 3,
) -> SymbolicForm: ...
@overload
def form(
    tensor: str | IndexSymmetry | PlaneReduction,
    group: str | PlaneGroup,
    *,
    dimension: Literal[2],
) -> PlaneForm: ...
def form(
    tensor: Any,
    group: Any,
    *,
    axes: object = None,
    time_reversal: int | None = None,
    dimension: int = 3,
) -> SymbolicForm | PlaneForm:
    """Derive the form of a tensor under a point group, exactly.

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction.
        group: a point group or its symbol; see :func:`natural_tensors.point_group`.
        axes: exact orthogonal matrix R from the standard axes of the group to those wanted,
            x' = R x, such as :func:`orientation` makes; standard axes when omitted.
        time_reversal: +1 or -1; the catalogue's for a name, otherwise +1. A time-odd tensor sees
            the operations with time reversal; without any the group is that of a magnetic crystal.
        dimension: 3 for space, 2 for the plane, which takes neither axes nor time reversal.

    Raises:
        PointGroupError: when there is no such group.
        ValueError: when the axes are not orthogonal, or the sign is another number.

    Source: F. E. Neumann's principle; tables in J. F. Nye, Physical Properties of Crystals (1985).
    """
    _check(dimension)
    if dimension == 3:
        return forms.form(tensor, group, axes=axes, time_reversal=time_reversal)
    if axes is not None or time_reversal is not None:
        raise DimensionError("a form in the plane takes no axes and no time_reversal; rotate it")
    return plane_forms.form(tensor, group)

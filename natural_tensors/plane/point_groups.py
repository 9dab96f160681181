"""Point groups of the plane: the ten of crystals and the two limiting ones.

Standard axes: the mirror that the second place of a symbol names stands across x, as in the plane
groups of the International Tables (p1m1, p2mm, p3m1) and in the standard axes of space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Literal

from ..crystals.point_groups import PointGroupError
from ..exact.surds import Surd

PlaneMatrix = tuple[tuple[Surd, Surd], tuple[Surd, Surd]]
Across = Literal["x", "y"]

GROUPS: Mapping[str, tuple[int, Across | None, str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "1": (1, None, "C1", "oblique", ()),
        "2": (2, None, "C2", "oblique", ()),
        "m": (1, "x", "D1", "rectangular", ("1m1", "1m", "Cs", "C1v", "C1h")),
        "2mm": (2, "x", "D2", "rectangular", ("mm2", "mm", "C2v")),
        "4": (4, None, "C4", "square", ()),
        "4mm": (4, "x", "D4", "square", ("4m", "C4v")),
        "3": (3, None, "C3", "hexagonal", ()),
        "3m": (3, "x", "D3", "hexagonal", ("3m1", "C3v")),
        "6": (6, None, "C6", "hexagonal", ()),
        "6mm": (6, "x", "D6", "hexagonal", ("6m", "C6v")),
        "∞": (0, None, "C∞", "circular", ("SO(2)",)),
        "∞m": (0, "x", "D∞", "circular", ("∞mm", "C∞v", "O(2)")),
    }
)
"""Name to fold of its rotations (0: all), mirror, Schoenflies symbol, system, other symbols."""

SETTINGS: Mapping[str, tuple[str, Across]] = MappingProxyType(
    {"11m": ("m", "y"), "31m": ("3m", "y")}
)
"""Symbols of the other setting, in which the mirror stands across y."""

NAMES = MappingProxyType(
    {word: name for name, facts in GROUPS.items() for word in (name, facts[2], *facts[4])}
)
"""Every symbol of standard axes to the name of its group."""


@dataclass(frozen=True, slots=True)
class PlaneOperation:
    """A rotation or mirror of the plane, exact.

    Attributes:
        matrix: orthogonal matrix R, active: x' = R x.
    """

    matrix: PlaneMatrix

    @property
    def determinant(self) -> int:
        """+1 for a rotation, -1 for a mirror."""
        (a, b), (c, d) = self.matrix
        return (a * d - b * c).sign()

    def __matmul__(self, other: PlaneOperation) -> PlaneOperation:
        """Return the operation that does ``other`` first."""
        (a, b), (c, d) = self.matrix
        (e, f), (g, h) = other.matrix
        return PlaneOperation(((a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h)))


def _turn(fold: int) -> PlaneOperation:
    """Return the rotation by 2 pi/fold."""
    cosine = Surd(Fraction({1: 2, 2: -2, 3: -1, 4: 0, 6: 1}[fold], 2))
    sine = Surd.root(1 - cosine.terms.get(1, Fraction(0)) ** 2)
    return PlaneOperation(((cosine, -sine), (sine, cosine)))


def _mirror(across: Across) -> PlaneOperation:
    sign = -1 if across == "x" else 1
    return PlaneOperation(((Surd(sign), Surd(0)), (Surd(0), Surd(-sign))))


@dataclass(frozen=True, eq=False, repr=False)
class PlaneGroup:
    """A point group of the plane; obtain one from :func:`point_group`.

    Attributes:
        symbol: as asked for, such as ``"31m"``.
        name: symbol in standard axes, such as ``"3m"``.
        schoenflies: such as ``"D3"``.
        system: ``"oblique"``, ``"rectangular"``, ``"square"``, ``"hexagonal"`` or ``"circular"``.
        fold: its rotations are those by multiples of 2 pi/fold; 0 when it has all rotations.
        across: the axis across which its first mirror stands; None without mirrors.
    """

    symbol: str
    name: str
    schoenflies: str
    system: str
    fold: int
    across: Across | None

    @cached_property
    def operations(self) -> tuple[PlaneOperation, ...]:
        """Every operation, identity first, rotations before mirrors.

        Raises:
            PointGroupError: for a limiting group, which has infinitely many.
        """
        if not self.fold:
            raise PointGroupError(
                f"{self.symbol} has infinitely many operations: all rotations"
                + (" and mirrors" if self.across else "")
            )
        turn = _turn(self.fold)
        rotations = [_turn(1)]
        for _ in range(self.fold - 1):
            rotations.append(turn @ rotations[-1])
        if self.across is None:
            return tuple(rotations)
        mirror = _mirror(self.across)
        return (*rotations, *(rotation @ mirror for rotation in rotations))

    @property
    def order(self) -> int | None:
        """Number of operations; None for a limiting group."""
        return len(self.operations) if self.fold else None

    def leaves_weight(self, weight: int) -> bool:
        """Say whether its rotations leave natural tensors of a weight alone."""
        return weight % self.fold == 0 if self.fold else weight == 0

    def mirror_signs(self, weight: int) -> tuple[int, ...]:
        """Return the sign that each element of the basis of a weight takes under its mirror.

        y -> -y conjugates ``(x + iy)^l``; x -> -x gives it the factor ``(-1)^l`` besides.
        """
        if weight == 0 or self.across is None:
            return (1,) * (2 if weight else 1)
        sign = (-1) ** weight if self.across == "x" else 1
        return sign, -sign

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlaneGroup):
            return NotImplemented
        return (self.name, self.across) == (other.name, other.across)

    def __hash__(self) -> int:
        return hash((self.name, self.across))

    def __reduce__(self) -> tuple[object, ...]:
        return point_group, (self.symbol,)

    def __str__(self) -> str:
        return self.symbol

    def __repr__(self) -> str:
        size = f"order {self.order}" if self.fold else "infinite order"
        return f"PlaneGroup({self.symbol}: {self.schoenflies}, {self.system}, {size})"


@lru_cache(maxsize=64)
def point_group(symbol: str) -> PlaneGroup:
    """Return a point group of the plane by its symbol.

    Args:
        symbol: Hermann-Mauguin, such as ``"4mm"`` or ``"31m"`` (mirror across y), ``"∞m"`` or
            ``"infm"``, or Schoenflies, such as ``"D4"`` (``"C4v"`` is read too).

    Raises:
        PointGroupError: when there is no such group.
        TypeError: when the symbol is no string.

    >>> point_group("31m"), point_group("D6").name
    (PlaneGroup(31m: D3, hexagonal, order 6), '6mm')
    """
    if not isinstance(symbol, str):
        raise TypeError(f"a plane point group is named by a string such as '4mm', got {symbol!r}")
    text = symbol.replace("_", "").replace(" ", "").replace("infinity", "∞").replace("inf", "∞")
    name, across = SETTINGS.get(text, (NAMES.get(text, ""), None))
    if not name:
        near = get_close_matches(text, [*NAMES, *SETTINGS], n=3)
        hint = f" The nearest: {', '.join(near)}." if near else ""
        raise PointGroupError(
            f"there is no point group {symbol!r} in the plane.{hint} The 10 of crystals and the 2 "
            f"limiting ones are {', '.join(GROUPS)} (inf is read for ∞); 11m and 31m have their "
            "mirror across y"
        )
    fold, standard, schoenflies, system, _ = GROUPS[name]
    shown = text if across else name
    return PlaneGroup(shown, name, schoenflies, system, fold, across or standard)

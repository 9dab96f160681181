"""Point groups, exact: crystallographic, limiting and magnetic, from their symbols.

A group is made from its Hermann-Mauguin symbol: each place of the symbol names an operation along
a direction that the crystal system fixes. Standard axes (rule 20) are those of J. F. Nye, Physical
Properties of Crystals (1985), and of IEEE Std 176-1987: z along the main axis, x along the twofold
axis or the normal of the mirror that the second place names; monoclinic y; cubic x, y, z along the
cube edges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cached_property, lru_cache
from types import MappingProxyType

from ..errors import InputError
from ..exact.surds import Surd
from .space_groups import point_group_symbols

Direction = tuple[int, int, int]
Matrix = tuple[tuple[Surd, Surd, Surd], tuple[Surd, Surd, Surd], tuple[Surd, Surd, Surd]]

X, Y, Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
DIAGONAL, FACE = (1, 1, 1), (1, 1, 0)

PLACES: Mapping[str, tuple[Direction, ...]] = MappingProxyType(
    {
        "triclinic": (Z,),
        "monoclinic": (X, Y, Z),
        "orthorhombic": (X, Y, Z),
        "tetragonal": (Z, X, FACE),
        "trigonal": (Z, X, Y),
        "hexagonal": (Z, X, Y),
        "cubic": (Z, DIAGONAL, FACE),
        "cylindrical": (Z, X, Y),
        "spherical": (Z, X, Y),
    }
)
"""Direction of each place of a symbol, in standard Cartesian axes."""

CRYSTALLOGRAPHIC: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "1": ("C1", "triclinic", ()),
        "-1": ("Ci", "triclinic", ()),
        "2": ("C2", "monoclinic", ("121", "211", "112")),
        "m": ("Cs", "monoclinic", ("1m1", "m11", "11m")),
        "2/m": ("C2h", "monoclinic", ("12/m1", "2/m11", "112/m")),
        "222": ("D2", "orthorhombic", ()),
        "mm2": ("C2v", "orthorhombic", ("2mm", "m2m")),
        "mmm": ("D2h", "orthorhombic", ("2/m2/m2/m",)),
        "4": ("C4", "tetragonal", ()),
        "-4": ("S4", "tetragonal", ()),
        "4/m": ("C4h", "tetragonal", ()),
        "422": ("D4", "tetragonal", ()),
        "4mm": ("C4v", "tetragonal", ()),
        "-42m": ("D2d", "tetragonal", ("-4m2",)),
        "4/mmm": ("D4h", "tetragonal", ("4/m2/m2/m",)),
        "3": ("C3", "trigonal", ()),
        "-3": ("C3i", "trigonal", ()),
        "32": ("D3", "trigonal", ("321", "312")),
        "3m": ("C3v", "trigonal", ("3m1", "31m")),
        "-3m": ("D3d", "trigonal", ("-3m1", "-31m", "-32/m", "-32/m1", "-312/m")),
        "6": ("C6", "hexagonal", ()),
        "-6": ("C3h", "hexagonal", ()),
        "6/m": ("C6h", "hexagonal", ()),
        "622": ("D6", "hexagonal", ()),
        "6mm": ("C6v", "hexagonal", ()),
        "-6m2": ("D3h", "hexagonal", ("-62m",)),
        "6/mmm": ("D6h", "hexagonal", ("6/m2/m2/m",)),
        "23": ("T", "cubic", ()),
        "m-3": ("Th", "cubic", ("m3", "2/m-3")),
        "432": ("O", "cubic", ()),
        "-43m": ("Td", "cubic", ()),
        "m-3m": ("Oh", "cubic", ("m3m", "4/m-32/m")),
    }
)
"""Name to Schoenflies symbol, crystal system, and other symbols or settings that are read."""

LIMITING: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "∞": ("C∞", "cylindrical", ()),
        "∞m": ("C∞v", "cylindrical", ("∞mm",)),
        "∞2": ("D∞", "cylindrical", ("∞22",)),
        "∞/m": ("C∞h", "cylindrical", ()),
        "∞/mm": ("D∞h", "cylindrical", ("∞/mmm",)),
        "∞∞": ("K", "spherical", ("2∞",)),
        "∞∞m": ("Kh", "spherical", ("m∞∞", "m-∞", "2/m-∞")),
    }
)
"""The seven groups of Curie, in the same form."""

GROUPS: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {**CRYSTALLOGRAPHIC, **LIMITING}
)

_TOKEN = re.compile(r"(-?[12346∞]'?(?:/m'?)?|m'?)")
_OVERLINE = re.compile("([1346∞])[\u0304\u0305]")
_GENERATORS_OF_SPHERE = {"∞∞": ("∞", "∞"), "∞∞m": ("∞", "∞", "m")}


class PointGroupError(InputError, ValueError):
    """A symbol that names no point group."""


def exact_matrix(rows: object) -> Matrix:
    """Return 3x3 exact numbers: integers, fractions or Surds, in nested sequences.

    Raises:
        TypeError: when an entry is not exact, such as 0.5.
        ValueError: when there are not three rows of three.
    """
    table = [list(row) for row in rows]  # type: ignore[attr-defined]
    if [len(row) for row in table] != [3, 3, 3]:
        raise ValueError(f"an exact rotation has three rows of three numbers, got {rows!r}")
    for entry in (entry for row in table for entry in row):
        if isinstance(entry, bool) or not isinstance(entry, int | Fraction | Surd):
            raise TypeError(
                f"entry {entry!r} is a {type(entry).__name__}; write exact numbers: int, Fraction "
                "or Surd.root(3)/2"
            )
    a, b, c = (tuple(e if isinstance(e, Surd) else Surd(e) for e in row) for row in table)
    return a, b, c  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Operation:
    """A rotation or rotation-inversion, perhaps with time reversal.

    Attributes:
        matrix: exact orthogonal matrix R, active: x' = R x.
        time: -1 when it reverses time as well.
    """

    matrix: Matrix
    time: int = 1

    def __matmul__(self, other: Operation) -> Operation:
        """Return the operation that does ``other`` first."""
        return Operation(product(self.matrix, other.matrix), self.time * other.time)

    @property
    def determinant(self) -> int:
        """+1 for a rotation, -1 for a rotation-inversion."""
        (a, b, c), (d, e, f), (g, h, i) = self.matrix
        value = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        return value.sign()

    @property
    def trace(self) -> int:
        """The trace of R, an integer in every crystallographic group."""
        total = self.matrix[0][0] + self.matrix[1][1] + self.matrix[2][2]
        return int(total.terms.get(1, Fraction(0)))


def product(left: Matrix, right: Matrix) -> Matrix:
    """Return the product of exact matrices."""
    columns = tuple(zip(*right, strict=True))
    return exact_matrix([[r[0] * c[0] + r[1] * c[1] + r[2] * c[2] for c in columns] for r in left])


def _turn(fold: int, axis: Direction) -> Matrix:
    """Return the rotation by 2 pi/fold about an axis: cos I + (1 - cos) uu + sin [u]."""
    cosine = Fraction({1: 2, 2: -2, 3: -1, 4: 0, 6: 1}[fold], 2)
    length = sum(x * x for x in axis)
    sine = Surd.root((1 - cosine * cosine) / length)  # divided by the length of the axis
    x, y, z = axis
    cross = ((0, -z, y), (z, 0, -x), (-y, x, 0))
    return exact_matrix(
        [
            [
                Surd((cosine if i == j else 0) + (1 - cosine) * axis[i] * axis[j] / length)
                + sine * cross[i][j]
                for j in range(3)
            ]
            for i in range(3)
        ]
    )


def _inverted(matrix: Matrix) -> Matrix:
    return exact_matrix([[-entry for entry in row] for row in matrix])


IDENTITY = Operation(_turn(1, Z))
TIME_REVERSAL = Operation(_turn(1, Z), -1)
INVERSION = Operation(_inverted(IDENTITY.matrix))


@dataclass(frozen=True, eq=False, repr=False)
class PointGroup:
    """A point group in its standard axes; obtain one from :func:`point_group`.

    Attributes:
        symbol: Hermann-Mauguin symbol as asked for, such as ``"-4m2"`` or ``"4'/mmm'"``.
        name: symbol of the group without regard to setting and time, such as ``"-42m"``.
        schoenflies: such as ``"D2d"``.
        system: crystal system; ``"cylindrical"`` or ``"spherical"`` for a limiting group.
        generators: operations that generate it, together with the rotations of `axes`.
        axes: axes of full rotational symmetry; none in a crystallographic group.
    """

    symbol: str
    name: str
    schoenflies: str
    system: str
    generators: tuple[Operation, ...]
    axes: tuple[Direction, ...] = ()

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation, identity first.

        Raises:
            PointGroupError: for a limiting group, which has infinitely many.
        """
        if self.axes:
            raise PointGroupError(
                f"{self.symbol} has infinitely many operations; its generators and axes define it"
            )
        return self.finite_part

    @cached_property
    def finite_part(self) -> tuple[Operation, ...]:
        """The operations that the generators make: all of them but for the rotations of `axes`."""
        return _closure(self.generators)

    @property
    def order(self) -> int | None:
        """Number of operations; None for a limiting group."""
        return None if self.axes else len(self.operations)

    @cached_property
    def centrosymmetric(self) -> bool:
        """Whether the inversion, without time reversal, belongs to it."""
        return INVERSION in self.finite_part

    @property
    def magnetic(self) -> bool:
        """Whether the symbol names an operation with time reversal."""
        return any(operation.time < 0 for operation in self.generators)

    @property
    def grey(self) -> bool:
        """Whether time reversal itself belongs to it, as in every non-magnetic crystal."""
        return TIME_REVERSAL in self.generators

    @cached_property
    def laue(self) -> str:
        """Name of its Laue class: the group with the inversion added."""
        wanted = _signature(point_group(self.name), INVERSION)
        return next(name for name in GROUPS if _signature(point_group(name)) == wanted)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PointGroup):
            return NotImplemented
        return self.symbol == other.symbol

    def __hash__(self) -> int:
        return hash(self.symbol)

    def __reduce__(self) -> tuple[object, ...]:
        return point_group, (self.symbol,)

    def __str__(self) -> str:
        return self.symbol

    def __repr__(self) -> str:
        size = "infinite order" if self.axes else f"order {self.order}"
        return f"PointGroup({self.symbol}: {self.schoenflies}, {self.system}, {size})"


@lru_cache(maxsize=512)
def _closure(generators: tuple[Operation, ...]) -> tuple[Operation, ...]:
    operations = [IDENTITY]
    known = {IDENTITY}
    for operation in operations:  # grows while it is walked
        for generator in generators:
            fresh = operation @ generator
            if fresh not in known:
                known.add(fresh)
                operations.append(fresh)
    return tuple(operations)


def _signature(
    group: PointGroup, *more: Operation
) -> tuple[tuple[Direction, ...], frozenset[Operation]]:
    """Return what tells groups in standard axes apart, a limiting one by its twofold turns."""
    turns = tuple(Operation(_turn(2, axis)) for axis in group.axes)
    return group.axes, frozenset(_closure((*group.generators, *turns, *more)))


# --- symbols --------------------------------------------------------------------------------------


def _names() -> Iterator[tuple[str, str]]:
    for name, (schoenflies, _, others) in GROUPS.items():
        for word in (name, schoenflies, *others):
            yield word, name


NAMES: Mapping[str, str] = MappingProxyType(dict(_names()) | {"S6": "-3", "C1h": "m", "S2": "-1"})
"""Every symbol that is read, without primes, to the name of its group."""


def _plain(symbol: str) -> str:
    """Return a symbol in the letters of `NAMES`: overlines, minus signs, ``inf``, ``1'``."""
    text = _OVERLINE.sub(r"-\1", symbol.replace("\u2212", "-")).replace("\u2032", "'")
    text = re.sub(r"inf(inity)?", "∞", text.replace("_", "").replace(" ", ""))
    return re.sub(r"^([CD])inf", r"\1∞", text)


@lru_cache(maxsize=512)
def point_group(symbol: str) -> PointGroup:
    """Return a point group by its symbol.

    Args:
        symbol: Hermann-Mauguin, short or full, in any setting (``"m-3m"``, ``"-4m2"``,
            ``"112/m"``; monoclinic without full symbol has its axis along y), magnetic with primes
            (``"4'/mmm'"``; ``"4/mmm1'"`` is that of a non-magnetic crystal), limiting
            (``"∞/mm"``, ``"inf/mm"``), or Schoenflies (``"D4h"``); also the symbol or number of a
            space group (``"Fm-3m"``, ``"225"``). What names a point group is one: ``"32"`` is 32,
            not space group 32, and 5, 8, 10, 12 are taken for axes that no crystal has.

    Raises:
        PointGroupError: when there is no such group, or its primes contradict each other.
        TypeError: when the symbol is no string.
    """
    if not isinstance(symbol, str):
        raise TypeError(f"a point group is named by a string such as 'm-3m', got {symbol!r}")
    text = _plain(symbol)
    grey = text.endswith("1'") and text not in ("1'", "-1'")
    body = text[:-2] if grey else text
    if body == "1'":
        grey, body = True, "1"
    bare = body.replace("'", "")
    name = NAMES.get(bare)
    if name is None and (of_space := _of_space_group(body)):
        body = bare = of_space
        name = NAMES[bare]
    if name is None:
        raise PointGroupError(_complaint(symbol, bare))
    if bare == GROUPS[name][0] or bare in ("S6", "C1h", "S2"):
        if "'" in body:
            raise PointGroupError(
                f"{symbol!r}: primes need a Hermann-Mauguin symbol; {bare} is {name}"
            )
        body = bare = name
    schoenflies, system, _ = GROUPS[name]
    generators, axes = _generators(body, name, system)
    if grey:
        generators = (*generators, TIME_REVERSAL)
    elif TIME_REVERSAL in _closure(generators):
        raise PointGroupError(
            f"{symbol!r}: its primes contradict each other: they make time reversal itself an "
            f"operation; write {name}1' for the group of a non-magnetic crystal"
        )
    return PointGroup(body + ("1'" if grey else ""), name, schoenflies, system, generators, axes)


def _of_space_group(text: str) -> str | None:
    """Return the symbol of the point group of a space group, None where a name is none of one."""
    known = [symbol for symbol in point_group_symbols(text) if symbol in NAMES]
    return known[0] if known and len({NAMES[symbol] for symbol in known}) == 1 else None


def _complaint(symbol: str, bare: str) -> str:
    near = get_close_matches(bare, list(NAMES), n=3)
    hint = f" The nearest: {', '.join(near)}." if near else ""
    return (
        f"there is no point group {symbol!r}.{hint} The 32 of crystals are "
        f"{', '.join(CRYSTALLOGRAPHIC)}; the limiting ones {', '.join(LIMITING)} "
        "(inf is read for ∞); a prime marks time reversal, as in 4'/mmm'; space groups go by "
        "symbol or number, as in Fm-3m or 225"
    )


def _generators(
    body: str, name: str, system: str
) -> tuple[tuple[Operation, ...], tuple[Direction, ...]]:
    tokens = list(_GENERATORS_OF_SPHERE.get(name, ())) or _TOKEN.findall(body)
    if name not in _GENERATORS_OF_SPHERE and "".join(tokens) != body:
        raise PointGroupError(f"{body!r} holds more than the axes {tokens} of a point group")
    places = PLACES[system]
    if system == "monoclinic" and len(tokens) == 1:
        places = (Y,)
    if name == "∞∞m":
        places = (Z, X, Z)
    operations: list[Operation] = []
    axes: list[Direction] = []
    for token, direction in zip(tokens, places, strict=False):
        axis, _, mirror = token.partition("/")
        if "∞" in axis:
            axes.append(direction)
        else:
            operations.append(_operation(axis, direction))
        if mirror:
            operations.append(_operation(mirror, direction))
    return tuple(op for op in operations if op != IDENTITY), tuple(axes)


def _operation(token: str, direction: Direction) -> Operation:
    time = -1 if token.endswith("'") else 1
    kind = token.rstrip("'")
    if kind == "m":
        return Operation(_inverted(_turn(2, direction)), time)
    turn = _turn(int(kind.lstrip("-")), direction)
    return Operation(_inverted(turn) if kind.startswith("-") else turn, time)

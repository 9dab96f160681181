"""Facts and slow reference computations that tests compare the package with.

Nothing here calls the package: symmetry strings are read, groups closed, tensors averaged,
characters counted, the natural projector derived and operators evaluated a second time, by the
plainest means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from math import isqrt, lcm
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
from hypothesis import strategies as st

if TYPE_CHECKING:  # for types alone
    from natural_tensors.decomposition.copies import Basis
    from natural_tensors.decomposition.operators import Operator

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]
"""Numbers of any kind, integers beyond 64 bits as objects."""
Exact = tuple[Array, int]
"""Integers over a denominator."""

LETTERS = "ijklmnopqr"
INDEX = (0, 1, 2)


@dataclass(frozen=True)
class Case:
    """A symmetry class with what is known about it."""

    name: str
    symmetry: str
    components: int
    multiplicities: tuple[tuple[int, int], ...]

    @property
    def rank(self) -> int:
        return len(self.symmetry.partition("=")[0])

    def __repr__(self) -> str:
        return self.name


def _pairs(count: int) -> str:
    """Return the symmetry of ``count`` symmetric index pairs that may be exchanged."""
    names = LETTERS[: 2 * count]
    terms = [names, names[1] + names[0] + names[2:]]
    for other in range(1, count):
        pairs = [names[2 * k : 2 * k + 2] for k in range(count)]
        pairs[0], pairs[other] = pairs[other], pairs[0]
        terms.append("".join(pairs))
    return "=".join(terms)


def _table(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (entry.split(":") for entry in text.split())
    return tuple((int(weight), int(count)) for weight, count in pairs)


# the tables of the oracles, typed from the literature and computed there by characters
GENERAL_TABLE = {
    2: "1 1 1",
    3: "1 3 2 1",
    4: "3 6 6 3 1",
    5: "6 15 15 10 4 1",
    6: "15 36 40 29 15 5 1",
    7: "36 91 105 84 49 21 6 1",
    8: "91 232 280 238 154 76 28 7 1",
    10: "603 1585 2025 1890 1398 837 405 155 45 9 1",
}
GENERAL = [
    Case(
        f"general-{rank}",
        LETTERS[:rank],
        3**rank,
        tuple(enumerate(map(int, GENERAL_TABLE[rank].split()))),
    )
    for rank in range(2, 7)
]
PHYSICAL = [
    Case("symmetric", "ij=ji", 6, _table("0:1 2:1")),
    Case("antisymmetric", "ij=-ji", 3, _table("1:1")),
    Case("piezoelectric", "ijk=ikj", 18, _table("1:2 2:1 3:1")),
    Case("symmetric-3", "ijk=jik=ikj", 10, _table("1:1 3:1")),
    Case("elastic", "ijkl=jikl=klij", 21, _table("0:2 2:2 4:1")),
    Case("photoelastic", "ijkl=jikl=ijlk", 36, _table("0:2 1:1 2:3 3:1 4:1")),
    Case("one-pair", "ijkl=jikl", 54, _table("0:2 1:3 2:4 3:2 4:1")),
    Case("third-harmonic", "ijkl=ikjl=ijlk", 30, _table("0:1 1:1 2:2 3:1 4:1")),
    Case("strain-gradient", "ijklmn=jiklmn=lmnijk", 171, _table("0:5 1:4 2:10 3:5 4:5 5:1 6:1")),
    Case("elastic-3", _pairs(3), 56, _table("0:3 2:3 3:1 4:2 6:1")),
]
FOURTH = Case("elastic-4", _pairs(4), 126, _table("0:4 2:5 3:1 4:4 5:1 6:2 8:1"))
FIFTH = Case("elastic-5", _pairs(5), 252, _table("0:5 2:7 3:2 4:6 5:2 6:4 7:1 8:2 10:1"))

CLASSES = PHYSICAL + GENERAL
"""Every class of oracles.md up to rank 6."""
PROVED = [*CLASSES, FOURTH]
"""The classes whose operators are proved exactly."""
EVERY = [*PROVED, FIFTH]
SMALL = [case for case in CLASSES if case.rank <= 4]
BASES: tuple[Basis, ...] = ("dual", "orthonormal")


# --- groups ---------------------------------------------------------------------------------

Element = tuple[tuple[int, ...], int]


def generators(symmetry: str) -> list[Element]:
    """Read ``"ij=-ji"`` as ``T[i] = sign T[i[slots]]``, with nothing of the package's parser."""
    first, *others = symmetry.replace(" ", "").split("=")
    outer = -1 if first.startswith("-") else 1
    names = first.lstrip("-+")
    found = []
    for term in others:
        sign = -1 if term.startswith("-") else 1
        found.append((tuple(names.index(letter) for letter in term.lstrip("-+")), sign * outer))
    return found


def closure(rank: int, given: list[Element]) -> set[Element]:
    """Return all products of the given elements."""
    group = {(tuple(range(rank)), 1)}
    frontier = set(group)
    while frontier:
        frontier = {
            (tuple(a[slot] for slot in b), s * t) for a, s in frontier for b, t in given
        } - group
        group |= frontier
    return group


@cache
def group_of(symmetry: str) -> frozenset[Element]:
    """Return the signed group of a symmetry string."""
    names = symmetry.partition("=")[0].strip().lstrip("-+").replace(" ", "")
    return frozenset(closure(len(names), generators(symmetry)))


def cycles(slots: tuple[int, ...]) -> tuple[int, ...]:
    """Return the cycle lengths of a permutation, ascending."""
    left, lengths = set(range(len(slots))), []
    while left:
        at, length = min(left), 0
        while at in left:
            left.remove(at)
            at, length = slots[at], length + 1
        lengths.append(length)
    return tuple(sorted(lengths))


def averaged(array: Array, group: Iterable[Element], rank: int) -> Array:
    """Return ``sum over the group of sign * permuted array`` on the last axes (not divided)."""
    batch = array.ndim - rank
    total: Array = np.zeros_like(array)
    for slots, sign in group:
        # component i of the result is component (i[slots[0]], i[slots[1]], ..) of the array
        axes = [*range(batch), *(batch + int(a) for a in np.argsort(slots))]
        total = total + sign * array.transpose(axes)
    return total


# --- multiplicities --------------------------------------------------------------------------


def by_recursion(rank: int) -> dict[int, int]:
    """Return the multiplicities of a general tensor, adding one vector at a time."""
    counts = {0: 1}
    for _ in range(rank):
        following: Counter[int] = Counter()
        for weight, count in counts.items():
            for other in (weight - 1, weight, weight + 1) if weight else (1,):
                following[other] += count
        counts = dict(following)
    return dict(sorted(counts.items()))


def by_characters(rank: int, group: Set[Element]) -> dict[int, int]:
    """Return the multiplicities from the character, in integers.

    A rotation by t about an axis, followed by a permutation with cycle lengths c, has the trace
    ``prod (z^c + 1 + z^-c)``, z = exp(it). The group mean has the coefficient a(m) at z^m; weight l
    occurs a(l) - a(l+1) times.
    """
    types: Counter[tuple[int, ...]] = Counter()
    for slots, sign in group:
        types[cycles(slots)] += sign
    total = [0] * (2 * rank + 1)
    for lengths, count in types.items():
        series = [0] * (2 * rank + 1)
        series[rank] = 1
        for length in lengths:
            series = [
                sum(series[k + d] for d in (-length, 0, length) if 0 <= k + d <= 2 * rank)
                for k in range(2 * rank + 1)
            ]
        total = [old + count * new for old, new in zip(total, series, strict=True)]
    assert all(value % len(group) == 0 for value in total)
    a = [value // len(group) for value in total[rank:]] + [0]
    counts = {weight: a[weight] - a[weight + 1] for weight in range(rank + 1)}
    return {weight: count for weight, count in counts.items() if count}


# --- natural tensors, exact --------------------------------------------------------------------


@cache
def harmonic_basis(weight: int) -> Array:
    """Return integer tensors, shape ``(2l+1, 3**l)``, spanning the natural tensors of a weight.

    Null space of the trace on symmetric tensors, by elimination; no harmonics are used.
    """
    monomials = [m for m in product(range(weight + 1), repeat=3) if sum(m) == weight]
    column = {m: number for number, m in enumerate(monomials)}
    traces = [m for m in product(range(weight + 1), repeat=3) if sum(m) == weight - 2]
    rows = []
    for m in traces:  # X_{m xx} + X_{m yy} + X_{m zz} = 0
        row = [0] * len(monomials)
        for axis in INDEX:
            row[column[tuple(p + 2 * (k == axis) for k, p in enumerate(m))]] = 1
        rows.append(row)
    if rows:
        kernel, nullity = flint.fmpz_mat(rows).nullspace()
        vectors = [[int(kernel[i, j]) for i in range(len(monomials))] for j in range(nullity)]
    else:
        vectors = [[int(i == j) for i in range(len(monomials))] for j in range(len(monomials))]
    place = [
        column[tuple(index.count(axis) for axis in INDEX)]
        for index in product(INDEX, repeat=weight)
    ]
    basis: Array = np.array(vectors, dtype=object)[:, place]
    return basis


@cache
def natural_projector(weight: int) -> Exact:
    """Return integers, shape ``(3**l, 3**l)``, over a denominator: the projector of a weight."""
    basis = harmonic_basis(weight)
    gram = flint.fmpq_mat(flint.fmpz_mat((basis @ basis.T).tolist()))
    inverse = gram.inv()
    size = len(basis)
    entries = [[inverse[i, j] for j in range(size)] for i in range(size)]
    denominator = lcm(*(int(entry.q) for row in entries for entry in row))
    numbers = np.array(
        [[int(entry.p) * (denominator // int(entry.q)) for entry in row] for row in entries],
        dtype=object,
    )
    result = basis.T @ numbers @ basis
    common = np.gcd.reduce([denominator, *(abs(int(x)) for x in result.reshape(-1) if x)])
    return (result // common).astype(np.int64), int(denominator // common)


def random_natural(weight: int, rng: np.random.Generator) -> Array:
    """Return a random integer natural tensor, not zero, shape ``(3,)*weight``."""
    basis = harmonic_basis(weight)
    mix = rng.choice([-4, -3, -2, -1, 1, 2, 3, 4], len(basis)).astype(object)
    return (mix @ basis).astype(np.int64).reshape((3,) * weight)


# --- the slow evaluator --------------------------------------------------------------------------


def levi_civita(i: int, j: int, k: int) -> int:
    return (i - j) * (j - k) * (k - i) // 2


@cache
def slow_pattern(
    deltas: tuple[tuple[int, int], ...],
    epsilon: tuple[int, ...],
    natural: tuple[int, ...],
    rank: int,
    weight: int,
) -> Exact:
    """Evaluate a pattern by loops over all index values; numerators and a denominator.

    Shape ``(3,)*rank + (3,)*weight``: ``prod delta * epsilon * P[carried indices, free indices]``.
    """
    projector, denominator = natural_projector(weight)
    P = projector.tolist()  # noqa: N806 (the field's symbol)
    table = []
    for i in product(INDEX, repeat=rank):
        row = [0] * 3**weight
        if all(i[a] == i[b] for a, b in deltas):
            legs = [i[slot] for slot in epsilon]
            choices: list[tuple[list[int], int]]
            if len(legs) == 2:
                choices = [([d], levi_civita(legs[0], legs[1], d)) for d in INDEX]
            else:
                choices = [([], levi_civita(legs[0], legs[1], legs[2]) if legs else 1)]
            for leg, sign in choices:
                if sign:
                    place = 0
                    for value in leg + [i[slot] for slot in natural]:
                        place = 3 * place + value
                    row = [old + sign * new for old, new in zip(row, P[place], strict=True)]
        table.append(row)
    return np.array(table, dtype=np.int64).reshape((3,) * (rank + weight)), denominator


def slow_operator(operator: Operator) -> Exact:
    """Evaluate an operator without its root: tensor indices first, then natural indices."""
    terms = list(operator.terms())
    common = lcm(*(coefficient.denominator for coefficient, _ in terms))
    total: Array = np.array(0, dtype=object)
    denominator = 1
    for coefficient, pattern in terms:
        array, denominator = slow_pattern(
            pattern.deltas, pattern.epsilon, pattern.natural, operator.rank, operator.weight
        )
        total = total + int(coefficient * common) * array.astype(object)
    return total, common * denominator


# --- small exact helpers -----------------------------------------------------------------------


def same_fraction(
    first: Array, first_denominator: int, second: Array, second_denominator: int
) -> bool:
    """Say whether two integer arrays over their denominators are equal, exactly."""
    return np.array_equal(
        np.asarray(first, dtype=object) * second_denominator,
        np.asarray(second, dtype=object) * first_denominator,
    )


def exact_root(square: Fraction) -> Fraction:
    """Return the rational root of a rational square."""
    top, bottom = isqrt(square.numerator), isqrt(square.denominator)
    assert top * top == square.numerator, square
    assert bottom * bottom == square.denominator, square
    return Fraction(top, bottom)


# --- numbers -------------------------------------------------------------------------------------


def random_tensor(symmetry: str, rng: np.random.Generator, batch: Sequence[int] = ()) -> Array:
    """Return random tensors of a class, averaged over its group by brute force."""
    rank = len(symmetry.partition("=")[0])
    array = rng.standard_normal((*batch, *(3,) * rank))
    group = group_of(symmetry)
    mean: Array = averaged(array, group, rank) / len(group)
    return mean


def rotated(array: Array, matrix: Array, rank: int) -> Array:
    """Apply a matrix to each of the last ``rank`` axes."""
    for axis in range(array.ndim - rank, array.ndim):
        array = np.moveaxis(np.tensordot(array, matrix, axes=([axis], [1])), -1, axis)
    return array


# --- at random -----------------------------------------------------------------------------------


@st.composite
def signed_strings(draw: st.DrawFn, highest_rank: int = 5) -> str:
    """Draw a symmetry string with random signed rearrangements; it may force zero."""
    letters = LETTERS[: draw(st.integers(1, highest_rank))]
    term = st.tuples(st.permutations(letters), st.sampled_from(["", "", "-"]))
    terms = draw(st.lists(term, max_size=3))
    return "=".join([letters, *(sign + "".join(names) for names, sign in terms)])


# --- SymPy expressions at all index values --------------------------------------------------------


def at_all_indices(
    expression: Any, letters: str, tables: Mapping[str, Exact] | None = None
) -> Exact:
    """Evaluate a rational expression in integer index symbols at all their values.

    Kronecker deltas, Levi-Civita symbols, indexed symbols (from ``tables``: name to integer array
    and denominator), sums, products. Nothing irrational is let through.

    Returns:
        Integers, shape ``(3,)*len(letters)``, and a denominator.
    """
    grids = np.meshgrid(*[np.arange(3)] * len(letters), indexing="ij", sparse=True)
    values = dict(zip(letters, grids, strict=True))
    numbers, denominator = _evaluate(expression, values, tables or {})
    return np.broadcast_to(numbers, (3,) * len(letters)), denominator


def _evaluate(expression: Any, values: Mapping[str, Any], tables: Mapping[str, Exact]) -> Exact:
    kind = type(expression).__name__
    total: Array
    if expression.is_Rational:
        return np.array(int(expression.p), dtype=object), int(expression.q)
    if kind in ("Add", "Mul"):
        parts = [_evaluate(part, values, tables) for part in expression.args]
        if kind == "Mul":
            total, denominator = np.array(1, dtype=object), 1
            for numbers, other in parts:
                total, denominator = total * numbers, denominator * other
            return total, denominator
        denominator = lcm(*(other for _, other in parts))
        total = np.array(0, dtype=object)
        for numbers, other in parts:
            total = total + numbers * (denominator // other)
        return total, denominator
    if kind == "KroneckerDelta":
        first, second = (_index(part, values) for part in expression.args)
        return np.asarray(first == second).astype(np.int64), 1
    if kind == "LeviCivita":
        i, j, k = (_index(part, values) for part in expression.args)
        return np.asarray(levi_civita(i, j, k)), 1
    if kind == "Indexed":
        numbers, denominator = tables[str(expression.base)]
        return numbers[tuple(_index(part, values) for part in expression.indices)], denominator
    if kind == "Symbol":
        return tables[str(expression)]
    if kind == "Sum":
        function, (dummy, low, high), *rest = expression.args
        if rest:
            function = type(expression)(function, *rest)
        assert (int(low), int(high)) == (0, 2)
        parts = [_evaluate(function, {**values, str(dummy): d}, tables) for d in INDEX]
        [denominator] = {other for _, other in parts}
        return np.asarray(sum(numbers for numbers, _ in parts)), denominator
    raise AssertionError(f"{expression} is not rational")


def _index(expression: Any, values: Mapping[str, Any]) -> Any:
    return int(expression) if expression.is_Integer else values[str(expression)]

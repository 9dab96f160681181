"""Index symmetry of a tensor: a string such as ``"ijkl=jikl=klij"`` made a signed group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase

import numpy as np

from ..errors import SymmetryError
from ..exact.integers import as_integer
from ..exact.orbits import Integers, SignedOrbits, signed_orbits

MAX_RANK = 14
"""The largest rank: 3**14 components take seconds and half a gigabyte."""


MINUS = ("-", "\u2212")
"""A hyphen, and the minus sign of printed formulas."""


@dataclass(frozen=True, slots=True)
class SignedPermutation:
    """The relation ``T[i_0, i_1, ...] = sign * T[i_slots[0], i_slots[1], ...]``."""

    slots: tuple[int, ...]
    sign: int

    def then(self, other: SignedPermutation) -> SignedPermutation:
        """Return the relation obtained by applying this one and then ``other``."""
        return SignedPermutation(
            tuple(self.slots[slot] for slot in other.slots), self.sign * other.sign
        )

    def component_map(self, axes: int = 3) -> Integers:
        """Return, for each flat component, the flat component it equals up to the sign.

        An index takes `axes` values: 3 in space, 2 in the plane.
        """
        rank = len(self.slots)
        flat = np.arange(axes**rank).reshape((axes,) * rank)
        return flat.transpose(np.argsort(self.slots, kind="stable")).reshape(-1)


@dataclass(frozen=True, slots=True)
class IndexSymmetry:
    """Symmetry of a tensor under permutations of its indices, with signs.

    Attributes:
        letters: one letter for each index slot, in order.
        generators: relations that generate the whole signed permutation group.
        axial: whether an improper rotation multiplies the tensor by an additional ``det R``.
    """

    letters: str
    generators: tuple[SignedPermutation, ...] = ()
    axial: bool = False

    @classmethod
    def parse(cls, text: str, *, axial: bool = False) -> IndexSymmetry:
        """Read a symmetry such as ``"ijkl=jikl=klij"``, ``"ij=-ji"`` or ``"ijk"``.

        The first term names the slots; each further term is the same tensor with its indices
        rearranged, with a sign where it changes. Any letters will do, spaces are ignored; the
        empty string is a scalar.

        Args:
            text: the symmetry.
            axial: True for a pseudo-tensor.

        Raises:
            SymmetryError: when a term cannot be read, or when the symmetry forces the tensor to
                be zero; the message marks the offending place.
            TypeError: when ``text`` is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(
                f"an index symmetry is a string such as 'ijkl=jikl=klij', got {text!r} "
                f"of type {type(text).__name__}"
            )
        return _parse(text, bool(axial))

    @classmethod
    def general(cls, rank: int, *, axial: bool = False) -> IndexSymmetry:
        """Return the class of all tensors of a rank, without any symmetry; rank 0 is a scalar."""
        rank = as_integer(rank, "rank")
        _check_rank(rank)
        letters = (ascii_lowercase[8:] + ascii_lowercase[:8])[:rank]
        return cls(letters, (), axial)

    @property
    def rank(self) -> int:
        """Number of Cartesian indices."""
        return len(self.letters)

    @property
    def parity(self) -> int:
        """Sign of the tensor under inversion: ``(-1)**rank``, reversed when axial."""
        return -1 if (self.rank % 2 == 1) != self.axial else 1

    @property
    def parity_letter(self) -> str:
        """The parity as e3nn prints it: ``"e"`` for even, ``"o"`` for odd."""
        return "e" if self.parity == 1 else "o"

    @property
    def elements(self) -> tuple[SignedPermutation, ...]:
        """The whole signed permutation group, identity first, by closure of the generators."""
        identity = SignedPermutation(tuple(range(self.rank)), 1)
        elements = {identity}
        frontier = [identity]
        while frontier:
            products = {a.then(g) for a in frontier for g in self.generators}
            frontier = list(products - elements)
            elements.update(frontier)
        return tuple(sorted(elements, key=lambda element: element.slots))

    @property
    def order(self) -> int:
        """Number of elements of the signed permutation group (by Schreier-Sims, not by listing)."""
        from sympy.combinatorics import Permutation, PermutationGroup

        if not self.generators:
            return 1
        n = self.rank
        ends = {1: [n, n + 1], -1: [n + 1, n]}  # two more points carry the sign
        group = PermutationGroup([Permutation([*g.slots, *ends[g.sign]]) for g in self.generators])
        return int(group.order())

    def __str__(self) -> str:
        terms = [self.letters] + [
            ("-" if g.sign < 0 else "") + "".join(self.letters[slot] for slot in g.slots)
            for g in self.generators
        ]
        return "=".join(terms)


@lru_cache(maxsize=256)
def component_orbits(
    rank: int, generators: tuple[SignedPermutation, ...], axes: int = 3
) -> SignedOrbits:
    """Return the orbits of the ``axes**rank`` components, in lexicographic order."""
    return signed_orbits([(g.component_map(axes), g.sign) for g in generators], axes**rank)


def _check_rank(rank: int) -> None:
    if not 0 <= rank <= MAX_RANK:
        raise SymmetryError(
            f"rank {rank} is not between 0 and {MAX_RANK}: a class of rank n is worked out on its "
            "3**n components"
        )


EXAMPLE = "write it like 'ijkl=jikl=klij', 'ij=-ji' or 'ijk'"


@dataclass(frozen=True, slots=True)
class _Term:
    """One term of a symmetry as it stands in the text.

    Attributes:
        text: the whole symmetry.
        start: where the term begins in it.
        length: of the term.
        sign: +1 or -1.
        places: its index letters, each with its place in the text.
    """

    text: str
    start: int
    length: int
    sign: int
    places: tuple[tuple[int, str], ...]

    @property
    def names(self) -> str:
        """The index letters."""
        return "".join(char for _, char in self.places)

    def error(self, reason: str, remedy: str, place: int | None = None) -> SymmetryError:
        """Return the error that marks the term, or one place in it."""
        start, length = (self.start, self.length) if place is None else (place, 1)
        marks = " " * start + "^" * max(length, 1)
        return SymmetryError(f"{reason}\n    {self.text}\n    {marks}\n{remedy}")


def _terms(text: str) -> list[_Term]:
    """Cut a symmetry into its terms; refuse what is no index letter, and letters that repeat."""
    terms = []
    start = 0
    for number, part in enumerate(text.split("=")):
        body = part.strip()
        at = start + (len(part) - len(part.lstrip()) if body else 0)
        start += len(part) + 1
        places = tuple(
            (at + offset, char)
            for offset, char in enumerate(body)
            if not char.isspace() and not (offset == 0 and char in ("+", *MINUS))
        )
        term = _Term(text, at, len(body), -1 if body.startswith(MINUS) else 1, places)
        if not places:
            scalar = "; the empty string is a scalar" if number == 0 else ""
            raise term.error(f"term {number + 1} names no index", EXAMPLE + scalar)
        for place, char in places:
            if not char.isalpha():
                raise term.error(f"{char!r} is not a letter", EXAMPLE, place)
        for _, char in places:
            if term.names.count(char) > 1:
                again = [p for p, c in places if c == char][1]
                raise term.error(
                    f"index {char!r} occurs {term.names.count(char)} times in {term.names!r}",
                    "each slot needs a letter of its own",
                    again,
                )
        terms.append(term)
    return terms


def _relation(first: _Term, term: _Term) -> SignedPermutation:
    """Return what a term says of the first; refuse other letters, and what makes T its negative."""
    letters, names = first.names, term.names
    remedy = f"every term rearranges the letters {letters!r}"
    for place, char in term.places:
        if char not in letters:
            raise term.error(f"index {char!r} is not in the first term {letters!r}", remedy, place)
    if len(names) != len(letters):
        missing = ", ".join(char for char in letters if char not in names)
        raise term.error(
            f"{names!r} has {len(names)} indices, {letters!r} has {len(letters)}: "
            f"missing {missing}",
            remedy,
        )
    relation = SignedPermutation(tuple(map(letters.index, names)), term.sign * first.sign)
    if relation.sign == -1 and names == letters:
        raise term.error(
            f"T_{letters} = -T_{letters} forces the tensor to be zero",
            "leave this term out or change its sign",
        )
    return relation


@lru_cache(maxsize=256)
def _parse(text: str, axial: bool) -> IndexSymmetry:
    if not text.strip():
        return IndexSymmetry("", (), axial)
    first, *others = _terms(text)
    rank = len(first.names)
    _check_rank(rank)
    generators: list[SignedPermutation] = []
    known = []  # how many generators are known after each term
    for term in others:
        relation = _relation(first, term)
        if relation not in generators and relation.slots != tuple(range(rank)):
            generators.append(relation)
        known.append(len(generators))
    if not component_orbits(rank, tuple(generators)).sizes.size:
        term = next(
            term
            for term, count in zip(others, known, strict=True)
            if not component_orbits(rank, tuple(generators[:count])).sizes.size
        )
        raise term.error(
            "with this term every component is forced to be zero",
            "its sign contradicts the terms before it, or more than three indices are "
            "antisymmetric in three dimensions",
        )
    return IndexSymmetry(first.names, tuple(generators), axial)

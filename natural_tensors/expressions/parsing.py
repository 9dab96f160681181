"""Reading an expression such as ``"1/2 C_ijkl e_ij e_kl"``: text to terms, every fault marked.

Grammar (spaces and ``*`` or ``·`` between factors are free)::

    expression = sum ["->" indices]
    sum        = ["+" | "-"] product { ("+" | "-") product }
    product    = factor { ["*"] factor | "/" integer }
    factor     = (integer | tensor | "(" sum ")") ["^" integer]
    tensor     = name ["_" indices]          indices = letters or "{" letters "}"
    name       = letter { letter | digit | "'" } ["(" weight "," copy ")"]
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from itertools import product as pairs

from .classes import ALIASES, BUILT_IN
from .problems import ExpressionError, pointed

EXAMPLE = "write it like 'C_ijkl n_j n_l', '1/2 C_ijkl e_ij e_kl' or 'a_i b_j - a_j b_i -> ij'"
FIRST_PRIVATE = 0xE000
"""Summed indices inside brackets get letters of their own from here on until the end."""
MOST_TERMS = 5000

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<arrow>->|→)|(?P<number>\d+(?P<float>\.\d*|[eE]\d+)?)"
    r"|(?P<name>[^\W\d_][^\W_]*'*(?:\(\d+,\d+\))?)|(?P<index>_(?:\{\s*)?)"
    r"|(?P<power>\*\*|\^)|(?P<sign>[-+\u2212])|(?P<times>[*·⋅])|(?P<over>/)|(?P<open>\()|(?P<close>\))"
)
_INDICES = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class ReadFactor:
    """A tensor as it stands in the text.

    Attributes:
        name: what it is called; one of the two isotropic symbols under its own name.
        indices: an index letter for each slot.
        place: where it begins in the text.
        length: how long it is there.
        letters: place of the first index letter.
    """

    name: str
    indices: str
    place: int
    length: int
    letters: int


@dataclass(frozen=True, slots=True)
class ReadTerm:
    """A product as it stands in the text, brackets multiplied out."""

    coefficient: Fraction
    factors: tuple[ReadFactor, ...]
    place: int
    length: int

    def counts(self) -> Counter[str]:
        """Return how often each index occurs."""
        return Counter("".join(factor.indices for factor in self.factors))

    def free(self) -> str:
        """Return the indices that occur once, in order of appearance."""
        return "".join(letter for letter, count in self.counts().items() if count == 1)

    def renamed(self, letters: dict[str, str]) -> ReadTerm:
        """Return the term with other index letters."""
        table = str.maketrans(letters)
        factors = tuple(replace(f, indices=f.indices.translate(table)) for f in self.factors)
        return replace(self, factors=factors)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def read(text: str, ranks: dict[str, int]) -> tuple[list[ReadTerm], str]:
    """Return the terms of an expression and its free indices.

    Args:
        text: the expression.
        ranks: number of indices of each tensor by name.

    Raises:
        ExpressionError: for anything that is wrong with it, marked.
    """
    if not isinstance(text, str):
        raise TypeError(f"an expression is a string such as 'C_ijkl n_j n_l', got {text!r}")
    return _Reader(text, ranks).expression()


class _Reader:
    """A parser by recursive descent; sums are lists of terms, brackets multiplied out."""

    def __init__(self, text: str, ranks: dict[str, int]) -> None:
        self.text = text
        self.ranks = ranks
        self.tokens = list(self._tokens())
        self.at = 0
        self.private = FIRST_PRIVATE
        self.original: dict[str, str] = {}

    # --- tokens -------------------------------------------------------------------------------

    def _tokens(self) -> Iterator[_Token]:
        place = 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            if match is None or match.lastgroup is None:
                raise self.fault(f"{self.text[place]!r} is not understood", place, 1, EXAMPLE)
            kind = "number" if match["number"] else match.lastgroup
            if match["float"]:
                raise self.fault(
                    f"{match['number']} is a decimal number",
                    place,
                    len(match[0]),
                    "expressions are exact: write a fraction such as 1/2",
                )
            if kind not in ("space", "index"):
                yield _Token(kind, match[0], place)
            place = match.end()
            if kind == "index":
                place = yield from self._indices(match, place)
        yield _Token("end", "", len(self.text))

    def _indices(self, match: re.Match[str], place: int) -> Generator[_Token, None, int]:
        braces = "{" in match[0]
        letters = _INDICES.match(self.text, place)
        if letters is None:
            raise self.fault(
                "no index follows",
                match.start(),
                max(place - match.start(), 1),
                "indices are letters, as in T_ij; a scalar has no underscore",
            )
        yield _Token("indices", letters[0], place)
        place = letters.end()
        if braces:
            end = re.compile(r"\s*\}").match(self.text, place)
            if end is None:
                raise self.fault(
                    "a brace is not closed", match.start(), place - match.start(), "write T_{ij}"
                )
            place = end.end()
        elif self.text[place : place + 1] == "_":
            raise self.fault(
                f"after the indices {letters[0]!r} an underscore cannot follow",
                place,
                1,
                "put a space between two tensors: C_ijkl n_j n_l",
            )
        return place

    def fault(self, reason: str, place: int, length: int, remedy: str) -> ExpressionError:
        """Return an error that marks a place."""
        return pointed(reason, self.text, place, length, remedy)

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    # --- grammar ------------------------------------------------------------------------------

    def expression(self) -> tuple[list[ReadTerm], str]:
        """Read the whole text."""
        if self.token.kind == "end":
            raise self.fault("the expression is empty", 0, 1, EXAMPLE)
        terms = self.sum()
        result = None
        if self.token.kind == "arrow":
            result = self.take()
            letters = self.result_letters(result)
        if self.token.kind != "end":
            token = self.token
            raise self.fault(
                f"{token.text!r} is out of place", token.place, len(token.text), EXAMPLE
            )
        for term in terms:
            self.check(term)
        free = terms[0].free()
        if result is not None:
            self.check_result(free, *letters)
            free = letters[0]
        return [self.finished(term) for term in terms], free

    def result_letters(self, arrow: _Token) -> tuple[str, int]:
        """Read what follows an arrow: letters, perhaps none, and where they begin."""
        place, letters = arrow.place + len(arrow.text), ""
        while self.token.kind in ("name", "open"):
            token = self.take()
            place = token.place if not letters else place
            letters += token.text
        return letters, place

    def check_result(self, free: str, letters: str, place: int) -> None:
        """Refuse a list of free indices that is not a rearrangement of those there are."""
        for offset, letter in enumerate(letters):
            if letter not in free:
                raise self.fault(
                    f"index {letter!r} of the result is no free index of the expression",
                    place + offset,
                    1,
                    f"its free indices are {free or 'none'}",
                )
            if letter in letters[:offset]:
                raise self.fault(
                    f"index {letter!r} stands twice in the result",
                    place + offset,
                    1,
                    "name each free index once",
                )
        for letter in free:
            if letter not in letters:
                raise self.fault(
                    f"a sum over {letter!r} is missing its partner: the index occurs once and is "
                    f"not in the result",
                    place,
                    max(len(letters), 1),
                    f"add {letter!r} to the result, or write it twice to sum over it",
                )

    def sum(self) -> list[ReadTerm]:
        """Read terms joined by signs; their free indices are checked to be the same."""
        terms: list[ReadTerm] = []
        sign = 1
        while True:
            while self.token.kind == "sign":
                sign *= 1 if self.take().text == "+" else -1
            terms += [replace(t, coefficient=sign * t.coefficient) for t in self.product()]
            if self.token.kind != "sign":
                break
            sign = 1
        wanted = set(terms[0].free())
        for term in terms[1:]:
            occurring = set(term.free())
            if occurring != wanted and term.coefficient and not self.thrice(term):
                self.refuse_unlike(term, occurring, wanted, terms[0])
        return terms

    def refuse_unlike(
        self, term: ReadTerm, occurring: set[str], wanted: set[str], first: ReadTerm
    ) -> None:
        """Say how the free indices of a term differ from those of the first."""
        show: Callable[[set[str]], str] = lambda letters: ", ".join(map(repr, sorted(letters)))  # noqa: E731
        missing, extra = wanted - occurring, occurring - wanted
        said = [f"lacks the free index {show(missing)}"] if missing else []
        said += [f"has the free index {show(extra)}"] if extra else []
        raise self.fault(
            f"this term {' and '.join(said)}, unlike the first one",
            term.place,
            term.length,
            f"every term needs the free indices of the first: {first.free() or 'none'}",
        )

    def product(self) -> list[ReadTerm]:
        """Read factors that stand side by side."""
        place = self.token.place
        total = [ReadTerm(Fraction(1), (), place, 1)]
        count = 0
        while True:
            token = self.token
            if token.kind == "times" and count:
                self.take()
                token = self.token
                if token.kind not in ("number", "name", "open"):
                    raise self.fault("a factor is missing", token.place, 1, EXAMPLE)
            if token.kind == "over" and count:
                total = self.divided(total)
                continue
            if token.kind not in ("number", "name", "open"):
                break
            total = self.multiplied(total, self.factor())
            count += 1
        if not count:
            token = self.token
            reason = f"{token.text!r} is out of place" if token.text else "a factor is missing"
            raise self.fault(reason, token.place, len(token.text), EXAMPLE)
        last = self.tokens[self.at - 1]
        end = last.place + len(last.text)
        return [replace(term, place=place, length=end - place) for term in total]

    def divided(self, terms: list[ReadTerm]) -> list[ReadTerm]:
        """Divide by an integer."""
        slash = self.take()
        token = self.token
        if token.kind != "number" or not int(token.text):
            raise self.fault(
                f"{token.text or 'nothing'} is not what an expression can be divided by",
                slash.place,
                token.place + max(len(token.text), 1) - slash.place,
                "divide by a whole number other than 0; give one over a tensor's scalar a name of "
                "its own, such as s, and declare s='scalar'",
            )
        number = int(self.take().text)
        return [replace(term, coefficient=term.coefficient / number) for term in terms]

    def factor(self) -> list[ReadTerm]:
        """Read a number, a tensor or a bracket, and its power."""
        token = self.take()
        if token.kind == "number":
            terms = [ReadTerm(Fraction(int(token.text)), (), token.place, len(token.text))]
        elif token.kind == "name":
            terms = [self.tensor(token)]
        else:
            terms = self.sum()
            if self.token.kind != "close":
                raise self.fault("a bracket is not closed", token.place, 1, "add ')'")
            self.take()
            terms = [self.with_private_sums(term) for term in terms]
        if self.token.kind != "power":
            return terms
        power = self.take()
        if self.token.kind != "number" or not int(self.token.text):
            raise self.fault(
                "the power is no whole number above 0", power.place, 1, "write it like s^2"
            )
        result = terms
        for _ in range(int(self.take().text) - 1):
            result = self.multiplied(result, [self.with_private_sums(term) for term in terms])
        return result

    def tensor(self, token: _Token) -> ReadTerm:
        """Read the indices of a tensor; its name is known to be one."""
        indices, letters = "", token.place + len(token.text)
        length = len(token.text)
        if self.token.kind == "indices" and self.adjoins(token):
            written = self.take()
            indices, letters = written.text, written.place
            length = written.place + len(written.text) - token.place
        name = token.text
        if name not in self.ranks:
            name = ALIASES.get(name, name)
        rank = BUILT_IN[name].rank if name in BUILT_IN else self.ranks.get(name)
        if rank is None:
            raise self.unknown(token)
        if rank != len(indices):
            raise self.fault(
                f"{token.text} has {rank} {'index' if rank == 1 else 'indices'}, and here "
                f"{len(indices) or 'none'}",
                token.place,
                length,
                f"give it {rank}, or declare another class for {token.text}"
                if name not in BUILT_IN
                else f"give it {rank}",
            )
        factor = ReadFactor(name, indices, token.place, length, letters)
        return ReadTerm(Fraction(1), (factor,), token.place, length)

    def adjoins(self, token: _Token) -> bool:
        """Say whether the next token's underscore touches a name."""
        between = self.text[token.place + len(token.text) : self.token.place]
        return between.startswith("_")

    def unknown(self, token: _Token) -> ExpressionError:
        """Say that a name stands for nothing."""
        known = [*self.ranks, "delta", "eps"]
        near = get_close_matches(token.text, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return self.fault(
            f"nothing says what {token.text} is",
            token.place,
            len(token.text),
            f"{hint}declare it by a name of the catalogue or an index symmetry, as in "
            f"expression(..., {token.text}='ij=ji') or --with {token.text}=ij=ji; known are "
            f"{', '.join(known)}",
        )

    # --- products -----------------------------------------------------------------------------

    def multiplied(self, left: list[ReadTerm], right: list[ReadTerm]) -> list[ReadTerm]:
        """Multiply sums term by term."""
        if len(left) * len(right) > MOST_TERMS:
            raise self.fault(
                f"multiplied out this has more than {MOST_TERMS} terms",
                left[0].place,
                1,
                "write fewer brackets or lower powers",
            )
        return [
            ReadTerm(a.coefficient * b.coefficient, a.factors + b.factors, a.place, a.length)
            for a, b in pairs(left, right)
        ]

    def with_private_sums(self, term: ReadTerm) -> ReadTerm:
        """Give the summed indices of a bracket letters that occur nowhere else."""
        names: dict[str, str] = {}
        for letter, count in term.counts().items():
            if count == 2:
                names[letter] = chr(self.private)
                self.original[chr(self.private)] = self.original.get(letter, letter)
                self.private += 1
        return term.renamed(names)

    def finished(self, term: ReadTerm) -> ReadTerm:
        """Give private indices ordinary letters again, their own where they are free for use."""
        counts = term.counts()
        taken = {letter for letter in counts if ord(letter) < FIRST_PRIVATE} | set(term.free())
        names: dict[str, str] = {}
        for letter in counts:
            if letter in self.original:
                wanted = self.original[letter]
                names[letter] = wanted if wanted not in taken else next(spare(taken))
                taken.add(names[letter])
        return term.renamed(names)

    def thrice(self, term: ReadTerm) -> bool:
        return any(count > 2 for count in term.counts().values())

    def check(self, term: ReadTerm) -> None:
        """Refuse an index that occurs three times, at its third place."""
        seen: Counter[str] = Counter()
        for factor in term.factors:
            for offset, letter in enumerate(factor.indices):
                seen[letter] += 1
                if seen[letter] > 2:
                    raise self.fault(
                        f"index {self.original.get(letter, letter)!r} occurs three times in one "
                        "product",
                        factor.letters + offset,
                        1,
                        "an index is free when it occurs once and summed when it occurs twice; "
                        "use another letter here",
                    )


SPARE = "ijklmnpqrstuvwabcdefghoxyz" + "αβγκμνρστφχψω" + "IJKLMNPQRSTUVWABCDEFGHOXYZ"


def spare(taken: Container[str]) -> Iterator[str]:
    """Yield index letters that are not taken."""
    return (letter for letter in SPARE if letter not in taken)


def spare_indices(taken: Container[str], count: int) -> Sequence[str]:
    """Return as many index letters that are not taken.

    Raises:
        ExpressionError: when there are not as many.
    """
    chosen = [letter for letter, _ in zip(spare(taken), range(count), strict=False)]
    if len(chosen) < count:
        raise ExpressionError(f"an expression has at most {len(SPARE)} different indices")
    return chosen

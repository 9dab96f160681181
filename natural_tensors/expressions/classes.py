"""What a factor of an expression is: its class of tensors, and its independent components."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb
from types import MappingProxyType

import numpy as np

from ..decomposition.components import independent_components
from ..decomposition.reductions import Reduction, reduction, resolve
from ..decomposition.symmetry import IndexSymmetry, SignedPermutation
from ..exact.integers import LEVI_CIVITA
from ..exact.orbits import Integers
from ..physical.catalog import catalog
from ..physical.entry import PhysicalTensor
from .problems import ExpressionError, pointed

DELTA, EPSILON = "#delta", "#epsilon"
"""Names of the two isotropic symbols inside a term; no tensor of the user has such a name."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {"δ": DELTA, "delta": DELTA, "ε": EPSILON, "ϵ": EPSILON, "eps": EPSILON, "epsilon": EPSILON}
)
"""What the two symbols may be called, unless a tensor of the expression has the name."""

STATEMENTS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "polar": ("axial", 0),
        "axial": ("axial", 1),
        "time-even": ("time", 1),
        "time-odd": ("time", -1),
    }
)
"""What may follow a symmetry string, after commas."""


@dataclass(frozen=True, eq=False)
class ComponentTable:
    """Every component of a tensor as an integer combination of independent quantities.

    The entries of flat component c are those from ``starts[c]`` to ``starts[c + 1]``; each is
    ``values[e]`` times the product of the quantities ``monomials[e]``.

    Attributes:
        starts: shape ``(3**rank + 1,)``.
        monomials: numbers of the quantities that are multiplied, shape ``(entries, degree)``.
        values: coefficients, shape ``(entries,)``.
    """

    starts: Integers
    monomials: Integers
    values: Integers


@dataclass(frozen=True)
class TensorClass:
    """The tensors that a factor may be.

    Attributes:
        symmetry: index symmetry, polar or axial.
        name: name in the catalogue, where it was declared by name.
        time_reversal: +1, -1, or None where nothing states it.
        natural: whether it is a natural tensor: symmetric in all indices, all traces zero.
    """

    symmetry: IndexSymmetry
    name: str | None = None
    time_reversal: int | None = None
    natural: bool = False

    @property
    def rank(self) -> int:
        """Number of indices."""
        return self.symmetry.rank

    @property
    def reduction(self) -> Reduction:
        """The reduction of its index symmetry."""
        return reduction(self.symmetry)

    @cached_property
    def elements(self) -> tuple[SignedPermutation, ...]:
        """The whole signed permutation group of its indices."""
        return self.symmetry.elements

    @property
    def dimension(self) -> int:
        """Number of independent components."""
        return len(self.labels)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Cartesian names of the independent components.

        Of a natural tensor those with at most one z; zz is -xx - yy.
        """
        labels = independent_components(self.symmetry).labels
        return tuple(x for x in labels if x.count("z") < 2) if self.natural else labels

    @cached_property
    def table(self) -> ComponentTable:
        """Every component in terms of the independent ones."""
        orbits = independent_components(self.symmetry).orbits
        if not self.natural:
            counts = np.abs(orbits.signs)
            kept = np.flatnonzero(counts)
            starts = np.concatenate([[0], np.cumsum(counts)])
            return ComponentTable(starts, orbits.position[kept, None], orbits.signs[kept])
        rows = _traceless_rows(self.rank, self.labels)
        return component_table([rows[position] for position in orbits.position.tolist()])

    def __str__(self) -> str:
        words = [self.name or str(self.symmetry) or "scalar"]
        if self.natural:
            words = ["scalar" if self.rank == 0 else f"natural tensor of weight {self.rank}"]
        if self.symmetry.axial:
            words.append("axial")
        if self.time_reversal is not None:
            words.append("time-even" if self.time_reversal == 1 else "time-odd")
        return ", ".join(words)


def component_table(rows: list[list[tuple[int, int]]]) -> ComponentTable:
    """Return a table from the terms ``(quantity, coefficient)`` of each component."""
    starts = np.cumsum([0, *map(len, rows)])
    entries = [entry for row in rows for entry in row]
    variables = np.array([variable for variable, _ in entries], dtype=np.int64)
    values = np.array([value for _, value in entries], dtype=np.int64)
    return ComponentTable(starts, variables.reshape(-1, 1), values)


def _traceless_rows(rank: int, labels: tuple[str, ...]) -> list[list[tuple[int, int]]]:
    """Write the components of a symmetric traceless tensor by those with at most one z.

    ``(z z)^k = (-1)^k (x x + y y)^k`` in every index pair.
    """
    rows = []
    number = {"".join(sorted(label)): place for place, label in enumerate(labels)}
    everything = IndexSymmetry.general(rank).letters
    symmetric = independent_components(IndexSymmetry(everything, symmetric_generators(rank)))
    for label in symmetric.labels:
        x, y, z = (label.count(axis) for axis in "xyz")
        k, odd = divmod(z, 2)
        row = []
        for j in range(k + 1):
            name = "x" * (x + 2 * j) + "y" * (y + 2 * (k - j)) + "z" * odd
            row.append((number[name], (-1) ** k * comb(k, j)))
        rows.append(row)
    return rows


def symmetric_generators(rank: int) -> tuple[SignedPermutation, ...]:
    """Return the exchanges of neighbouring indices."""
    return tuple(
        SignedPermutation((*range(i), i + 1, i, *range(i + 2, rank)), 1) for i in range(rank - 1)
    )


@lru_cache(maxsize=256)
def natural_class(weight: int, parity: int, time_reversal: int | None) -> TensorClass:
    """Return the class of natural tensors of a weight and parity."""
    letters = IndexSymmetry.general(weight).letters
    axial = parity != (-1) ** weight
    symmetry = IndexSymmetry(letters, symmetric_generators(weight), axial)
    return TensorClass(symmetry, None, time_reversal, natural=True)


BUILT_IN: Mapping[str, TensorClass] = MappingProxyType(
    {
        DELTA: TensorClass(IndexSymmetry.parse("ij=ji"), None, 1),
        EPSILON: TensorClass(IndexSymmetry.parse("ijk=jki=-jik", axial=True), None, 1),
    }
)
"""The two isotropic symbols as classes of tensors."""


@lru_cache(maxsize=2)
def symbol_table(name: str) -> ComponentTable:
    """Return the components of a delta or a Levi-Civita symbol: numbers, no quantities."""
    if name == DELTA:
        entries = {4 * i: 1 for i in range(3)}
        size = 9
    else:
        entries = {9 * a + 3 * b + c: sign for (a, b, c), sign in LEVI_CIVITA}
        size = 27
    counts = [int(place in entries) for place in range(size)]
    values = np.array([entries[place] for place in sorted(entries)], dtype=np.int64)
    nothing = np.zeros((len(values), 0), dtype=np.int64)
    return ComponentTable(np.cumsum([0, *counts]), nothing, values)


_NATURAL = re.compile(r"natural tensor of weight (\d+)")

Declared = str | IndexSymmetry | Reduction | PhysicalTensor | TensorClass
"""What may declare a factor."""


def _words(declared: str) -> list[tuple[str, int]]:
    """Return the words after the commas of a declaration, and where each begins."""
    found, place = [], 0
    for number, piece in enumerate(declared.split(",")):
        if number:
            found.append((piece.strip(), place + len(piece) - len(piece.lstrip())))
        place += len(piece) + 1
    return found


def _fault(
    name: str, declared: str, word: str, place: int, reason: str, remedy: str
) -> ExpressionError:
    """Return an error that marks a word of a declaration."""
    head = f"{name} = "
    return pointed(reason, head + declared, len(head) + place, len(word), remedy)


def tensor_class(name: str, declared: Declared) -> TensorClass:
    """Return the class that a declaration means.

    Args:
        name: what the expression calls the tensor, for messages.
        declared: a name of the catalogue, an index symmetry or ``natural tensor of weight 2``,
            followed by ``polar``, ``axial``,
            ``time-even`` or ``time-odd`` after commas where it is to be stated; an IndexSymmetry,
            a Reduction, or an entry of the catalogue.

    Raises:
        ExpressionError: when two statements contradict each other or a word is unknown.
        SymmetryError, UnknownTensorError: when the class cannot be read.
    """
    if isinstance(declared, TensorClass):
        return declared
    if isinstance(declared, IndexSymmetry):
        return TensorClass(declared)
    if isinstance(declared, PhysicalTensor):
        declared = declared.name
    if isinstance(declared, Reduction):
        time = catalog[declared.name].time_reversal if declared.name else None
        return TensorClass(declared.symmetry, declared.name, time)
    if not isinstance(declared, str):
        raise TypeError(
            f"{name} is declared by {declared!r}; give a name of the catalogue such as 'elastic', "
            "an index symmetry such as 'ij=ji', an IndexSymmetry or a Reduction"
        )
    symmetry_text, words = declared.split(",")[0].strip(), _words(declared)
    stated: dict[str, int] = {}
    for word, place in words:
        if word not in STATEMENTS:
            raise _fault(
                name, declared, word, place, f"{word!r} is not one of {', '.join(STATEMENTS)}",
                "write the class first, then what is stated, as in 'ij, axial, time-odd'",
            )  # fmt: skip
        key, value = STATEMENTS[word]
        if stated.setdefault(key, value) != value:
            reason = f"{name} is declared to be opposite things"
            raise _fault(name, declared, word, place, reason, "leave one out")
    if symmetry_text == "scalar":
        symmetry_text = ""
    if natural := _NATURAL.fullmatch(symmetry_text):
        weight = int(natural[1])
        parity = (-1) ** weight * (-1 if stated.get("axial") else 1)
        return natural_class(weight, parity, stated.get("time"))
    symmetry, known = resolve(
        symmetry_text, bool(stated.get("axial", 0)) and symmetry_text not in catalog
    )
    time = stated.get("time")
    if known is not None:
        entry = catalog[known]
        true = {"axial": int(entry.axial), "time": entry.time_reversal}
        for word, place in words:
            key, value = STATEMENTS[word]
            if value != true[key]:
                raise _fault(
                    name, declared, word, place,
                    f"the catalogue says that {entry.name} is "
                    f"{'axial' if entry.axial else 'polar'} and "
                    f"time-{'even' if entry.time_reversal == 1 else 'odd'}",
                    f"leave the word out, or give the symmetry {entry.symmetry!r} instead of the "
                    "name",
                )  # fmt: skip
        time = entry.time_reversal
    return TensorClass(symmetry, known, time)

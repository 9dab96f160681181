"""The weights inside a class of tensors derived a second time, by projectors, in SymPy alone.

A tensor of rank n is the column of its 3**n components, the last index running fastest. Index
symmetry and weights are then linear algebra with rational matrices:

- the mean of all signed rearrangements of the indices projects on the class;
- on weight l the square of the angular momentum is l (l + 1), so that a polynomial of it projects
  on weight l;
- the trace of a projector is the dimension of what it projects on.

No harmonics, patterns, Gram matrices or copies are used, and nothing of the package is imported.

Matrices are immutable ones throughout: SymPy multiplies those as matrices of rationals, but mutable
ones with immutable ones entry by entry, hundreds of times slower.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations, product
from typing import Any

import sympy

Matrix = Any  # SymPy's types are not read
Group = frozenset[tuple[str, int]]
"""Orders of the indices, each with its sign."""


# --- index symmetry -------------------------------------------------------------------------------


@cache
def signed_words(symmetry: str) -> Group:
    """Return every order of the indices with its sign.

    ``"ij=-ji"`` says ``T_ij = -T_ji`` and gives ``{("ij", 1), ("ji", -1)}``.
    """
    letters, *others = symmetry.split("=")
    terms = [(term.lstrip("-"), -1 if term.startswith("-") else 1) for term in others]
    words = [(letters, 1)]
    for word, sign in words:  # the list grows while it is read
        for term, other in terms:  # the term says something of T at all indices, so at the word
            new = term.translate(str.maketrans(letters, word)), sign * other
            if new not in words:
                words.append(new)
    return frozenset(words)


@cache
def class_projector(symmetry: str) -> Matrix:
    """Return the mean over the signed orders of the indices: the projector on the class."""
    letters, words = symmetry.partition("=")[0], signed_words(symmetry)
    row = {place: number for number, place in enumerate(product(range(3), repeat=len(letters)))}
    total = sympy.zeros(len(row))
    for place in row:
        value = dict(zip(letters, place, strict=True))
        for word, sign in words:
            total[row[place], row[tuple(value[letter] for letter in word)]] += sign
    return total.as_immutable() / len(words)


def symmetry_classes(rank: int) -> list[str]:
    """Return every symmetry class of a rank up to 4 once, up to the naming of the indices.

    A class is a group of permutations with a sign for each; up to rank 4 two generators reach all.
    Groups that say ``T = -T`` are left out; some of the others leave no tensor but zero too.
    """
    letters = "ijkl"[:rank]
    words = ["".join(word) for word in permutations(letters)]
    classes: list[str] = []
    known: set[Group] = set()
    for terms in product([*words, *("-" + word for word in words)], repeat=2):
        symmetry = "=".join([letters, *(term for term in dict.fromkeys(terms) if term != letters)])
        group = signed_words(symmetry)
        if (letters, -1) not in group and group not in known:
            classes.append(symmetry)
            known.update(renamed(group, letters, word) for word in words)
    return classes


def renamed(group: Group, letters: str, word: str) -> Group:
    """Return a group when the indices are named and ordered as in a word."""
    names, order = str.maketrans(letters, word), [word.index(letter) for letter in letters]
    terms = ((term.translate(names), sign) for term, sign in group)
    return frozenset(("".join(term[slot] for slot in order), sign) for term, sign in terms)


# --- rotation -------------------------------------------------------------------------------------


@cache
def squared_angular_momentum(rank: int) -> Matrix:
    """Return ``J^2 = -(K_x^2 + K_y^2 + K_z^2)`` on tensors of a rank.

    ``(L_a)_bc = -epsilon_abc`` rotates a vector infinitesimally about axis a. On a tensor it acts
    on one index after the other: ``K_a = L_a x 1 x 1 .. + 1 x L_a x 1 .. + ..``.
    """
    total = sympy.zeros(3**rank).as_immutable()
    for axis in range(3):
        one = sympy.Matrix(3, 3, lambda b, c, axis=axis: -sympy.LeviCivita(axis, b, c))
        all_indices = sympy.zeros(3**rank).as_immutable()
        for slot in range(rank):
            before, after = sympy.eye(3**slot), sympy.eye(3 ** (rank - slot - 1))
            all_indices += sympy.kronecker_product(before, one, after).as_immutable()
        total -= all_indices * all_indices
    return total


@cache
def weight_projector(rank: int, weight: int) -> Matrix:
    """Return the projector on weight l, ``prod_k (J^2 - k(k+1)) / (l(l+1) - k(k+1))``.

    A tensor of rank n holds the weights 0 to n, and k runs through all of them but l. Since J^2 is
    l(l+1) on weight l, the product is 1 there and 0 on every other weight.
    """
    square = squared_angular_momentum(rank)
    result = identity = sympy.eye(3**rank).as_immutable()
    for k in set(range(rank + 1)) - {weight}:
        step = weight * (weight + 1) - k * (k + 1)
        result = result * (square - k * (k + 1) * identity) / step
    return result


# --- what is inside a class -----------------------------------------------------------------------


def rank_of(symmetry: str) -> int:
    """Return the number of indices."""
    return len(symmetry.partition("=")[0])


def dimension(symmetry: str) -> int:
    """Return the number of independent components."""
    return int(class_projector(symmetry).trace())


@cache
def piece_projector(symmetry: str, weight: int) -> Matrix:
    """Return the projector on a weight inside a class.

    It is the product of both, which commute: a rotation does the same to every index.
    """
    return weight_projector(rank_of(symmetry), weight) * class_projector(symmetry)


def multiplicities(symmetry: str) -> dict[int, int]:
    """Return how often each weight l occurs: the dimension of its piece divided by 2l + 1."""
    counts = {
        weight: piece_projector(symmetry, weight).trace() / (2 * weight + 1)
        for weight in range(rank_of(symmetry) + 1)
    }
    assert all(count.is_Integer for count in counts.values()), counts
    return {weight: int(count) for weight, count in counts.items() if count}


def generic_tensor(rank: int) -> Any:
    """Return a tensor without any symmetry: a symbol for each of its 3**rank components."""
    names = ["_".join(["T", *place]) for place in product("xyz", repeat=rank)]
    return sympy.Array([sympy.Symbol(name, real=True) for name in names], (3,) * rank)


def piece(symmetry: str, weight: int, tensor: Any) -> Any:
    """Return what a tensor holds of a weight inside a class, as a tensor."""
    column = sympy.ImmutableMatrix(sympy.flatten(tensor))
    result = (piece_projector(symmetry, weight) * column).applyfunc(sympy.expand)
    return sympy.Array(sympy.flatten(result), tensor.shape)

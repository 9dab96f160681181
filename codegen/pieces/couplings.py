"""Couplings of two packed natural tensors to a third, on the values of a program."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from natural_tensors import coupling
from natural_tensors.exact.surds import Surd
from natural_tensors.so3.blocks import block_size
from natural_tensors.so3.harmonics import Normalization

from ..programs.lowering import Builder, Sums
from ..programs.program import Ref

Entries: TypeAlias = dict[tuple[int, int, int], Surd]
"""Packed components of first factor, second factor and result, to a coefficient."""


@cache
def _coupling_entries(l1: int, l2: int, l3: int, normalization: Normalization) -> Entries:
    return {
        place: Surd.root(radicand, number)
        for place, (number, radicand) in coupling(l1, l2, l3, normalization).exact().items()
    }


def couplings(l1: int, l2: int, l3: int, normalization: Normalization) -> Entries:
    """Return the packed entries of a coupling."""
    return _coupling_entries(l1, l2, l3, normalization)


def coupled(
    built: Builder,
    terms: Sequence[tuple[Entries, Sequence[Ref], Sequence[Ref], Ref | None]],
    weight: int,
) -> list[Ref]:
    """Return the sum of coupled pairs in a weight, each times its own factor if it has one.

    The coefficients of one path meet the second factor first: its combinations are shared by the
    rows, and where the second factor carries no channels they cost nothing.
    """
    total = Sums(built, block_size(weight))
    for entries, first, second, factor in terms:
        columns = sorted({(i, j) for i, j, _ in entries})
        products = [built.product(first[i], second[j]) for i, j in columns]
        rows: list[dict[int, Surd]] = [{} for _ in range(block_size(weight))]
        for (i, j, k), coefficient in entries.items():
            rows[k][columns.index((i, j))] = coefficient
        for k, value in enumerate(built.apply(rows, products)):
            total.add(k, value if factor is None else built.product(value, factor))
    return total.values()

"""The convolution in the frame of a bond, where couplings touch equal or opposite m only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from natural_tensors import harmonic
from natural_tensors.exact.surds import Surd
from natural_tensors.so3.harmonics import Normalization

from ..programs.lowering import MINUS, ONE, Builder, Sums
from ..programs.program import Ref
from .couplings import couplings
from .layout import Block, Path

Merged: TypeAlias = dict[tuple[Block, Block, bool], list[Ref]]
"""For source, target and oddness: one merged weight for each |m|."""

MergeMatrices: TypeAlias = dict[tuple[Block, Block, bool], list[dict[int, Surd]]]
"""For source, target and oddness: for each |m|, path to coefficient."""


def merge_matrices(path_list: Sequence[Path], normalization: Normalization) -> MergeMatrices:
    """Return how the paths of each pair of blocks merge into one number for each |m|.

    In the frame of the bond its harmonic has the component m = 0 only, with the value
    ``sqrt(squared norm)``; the coupling then joins m to m (even) or m to -m (odd).
    """
    rows: MergeMatrices = {}
    for number, path in enumerate(path_list):
        top = min(path.l1, path.l3)
        key = (path.source, path.target, path.odd)
        target = rows.setdefault(key, [{} for _ in range(top + 1)])
        entries = couplings(path.l1, path.l2, path.l3, normalization)
        value = Surd.root(harmonic(path.l2, normalization).squared_norm)
        for m in range(top + 1):
            place = (path.l1 + (-m if path.odd else m), path.l2, path.l3 + m)
            coefficient = entries.get(place)
            if coefficient is not None:
                target[m][number] = coefficient * value
    return rows


def merged_paths(built: Builder, matrices: MergeMatrices, weights: Sequence[Ref]) -> Merged:
    """Merge the weights of the paths into one number for each |m|."""
    return {key: built.apply(matrix, weights) for key, matrix in matrices.items()}


def aligned_product(
    built: Builder, target: Block, rotated: dict[Block, list[Ref]], merged: Merged
) -> list[Ref]:
    """Return one weight of the message in the frame of the bond.

    Args:
        built: collects the values.
        target: the weight.
        rotated: features in that frame.
        merged: weights of the paths, from :func:`merged_paths`.
    """
    l3 = target.weight
    sums = Sums(built, target.size)
    for (source, end, odd), numbers in merged.items():
        if end != target:
            continue
        for m in range(-len(numbers) + 1, len(numbers)):
            factor = numbers[abs(m)]
            place = source.weight + (-m if odd else m)
            sign = MINUS if odd and m < 0 else ONE
            sums.add(l3 + m, built.product(factor, rotated[source][place]), sign)
    return sums.values()

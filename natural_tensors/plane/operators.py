"""The operators of a reduction in the plane, exact and readable."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..decomposition.operators import Embedding, Extraction, Operator
from ..decomposition.patterns import Pattern
from ..exact.orbits import Integers
from .bases import EPSILON, PlaneBasis, plane_basis, plane_projector_terms


def placed(pattern: Pattern, rank: int, natural: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
    """Evaluate a pattern on natural tensors of the plane, yielding only what is not made zero.

    Args:
        pattern: where the natural tensor, the deltas and the epsilon go.
        rank: rank of the physical tensor.
        natural: tensors as flat columns, shape ``(2**weight, tensors)``.

    Returns:
        Flat component numbers, shape ``(entries,)``, and their values, ``(entries, tensors)``.
    """
    steps = [2 ** (rank - 1 - slot) for slot in range(rank)]
    places = np.zeros(1, dtype=np.int64)
    values = natural
    for slot in pattern.natural:
        places = (places[:, None] + np.arange(2) * steps[slot]).reshape(-1)
    if pattern.epsilon:
        first, second = (steps[slot] for slot in pattern.epsilon)
        offsets = [digits[0] * first + digits[1] * second for digits, _ in EPSILON]
        places = np.concatenate([places + offset for offset in offsets])
        values = np.concatenate([sign * values for _, sign in EPSILON])
    for a, b in pattern.deltas:
        places = (places[:, None] + np.arange(2) * (steps[a] + steps[b])).reshape(-1)
        values = np.repeat(values, 2, axis=0)
    return places, values


class PlaneOperator(Operator):
    """What an embedding and an extraction of the plane have in common.

    Shapes are those of :class:`Operator` with a 2 for each index, and the epsilon of a pattern has
    two indices: ``ε_xy = 1``.
    """

    axes: ClassVar[int] = 2

    @property
    def natural(self) -> PlaneBasis:
        """The integer basis of the weight."""
        return plane_basis(self.weight)

    def placed(self, pattern: Pattern, tensors: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
        """Evaluate a pattern on natural tensors, see the function of this name."""
        return placed(pattern, self.rank, tensors)

    def projector_terms(self) -> Iterator[tuple[Fraction, tuple[tuple[int, int], ...]]]:
        """Yield the projector onto natural tensors as a sum of products of deltas."""
        return plane_projector_terms(self.weight)


class PlaneEmbedding(PlaneOperator, Embedding):
    """Natural tensor to physical tensor, in the plane."""


class PlaneExtraction(PlaneOperator, Extraction):
    """Physical tensor to natural tensor, in the plane."""

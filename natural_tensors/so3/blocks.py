"""The layout of packed tensors of several weights, and what a rotation does to them.

The one home of the arithmetic of layouts: where the ``2l+1`` coordinates of a weight stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Floats
from .bases import as_weight
from .couplings import coupling
from .rotations import rotation


def block_size(weight: int) -> int:
    """Return the number of components of a weight, ``2l+1``.

    >>> block_size(2)
    5
    """
    return 2 * weight + 1


@lru_cache(maxsize=64)
def generators(weight: int) -> Floats:
    """Return the infinitesimal rotations of a weight about x, y and z.

    ``L_a = d/dt D(exp(t J_a))`` at t = 0, antisymmetric; ``generators(1)`` is J, the cross product
    from the left. ``[L_x, L_y] = L_z``.

    The rotation by a small vector v changes X by ``⟨l ε_apq v_p X_qb..⟩``, which is the coupling
    (1, l, l) of rule 15.

    Args:
        weight: the weight l.

    Returns:
        Shape ``(3, 2l+1, 2l+1)``, read-only.
    """
    weight = as_weight(weight)
    if weight == 0:
        result = np.zeros((3, 1, 1))
    else:
        result = np.array(coupling(1, weight, weight).to_array()).swapaxes(1, 2)
    result.setflags(write=False)
    return result


@dataclass(frozen=True)
class Blocks:
    """The layout of a packed tensor: one block of ``2l+1`` coordinates for each weight.

    >>> Blocks((0, 2, 2)).slices
    (slice(0, 1, None), slice(1, 6, None), slice(6, 11, None))
    >>> Blocks.up_to(2).weights, Blocks.up_to(2).size
    ((0, 1, 2), 9)

    Attributes:
        weights: the weight of each block, in order, such as ``(0, 0, 2, 2, 4)`` for elasticity.
    """

    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        for weight in self.weights:
            as_weight(weight)

    @classmethod
    def up_to(cls, weight: int, *, first: int = 0) -> Self:
        """Return the layout of one block for each weight from `first`, ascending."""
        return cls(tuple(range(first, weight + 1)))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of coordinates of each block."""
        return tuple(map(block_size, self.weights))

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return sum(self.sizes)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each block stands."""
        return one_after_another(self.sizes)

    @cached_property
    def entries(self) -> tuple[tuple[int, int], ...]:
        """Weight and number within its block, from 0, of each coordinate."""
        return tuple((weight, m) for weight in self.weights for m in range(block_size(weight)))

    @cached_property
    def matrix_slices(self) -> tuple[slice, ...]:
        """Where the entries of each block's matrix stand in a flat list of the matrices."""
        return one_after_another([size**2 for size in self.sizes])

    @property
    def matrix_size(self) -> int:
        """Number of entries of the matrices of all blocks."""
        return sum(size**2 for size in self.sizes)

    @cached_property
    def rotates(self) -> NDArray[np.bool_]:
        """Which coordinates a rotation can change: those of weight 1 and higher."""
        return np.array([weight > 0 for weight, _ in self.entries])

    @cached_property
    def generators(self) -> Floats:
        """The generators of all blocks, shape ``(3, size, size)``."""
        result = np.zeros((3, self.size, self.size))
        for weight, where in zip(self.weights, self.slices, strict=True):
            result[:, where, where] = generators(weight)
        return result

    def rotate(self, packed: ArrayLike, rotations: ArrayLike) -> Floats:
        """Return ``D(R) t``.

        Args:
            packed: t, shape ``batch + (size,)``.
            rotations: R, shape ``batch + (3, 3)``; the batch shapes broadcast.

        Raises:
            ValueError: when a shape does not fit or a matrix is not orthogonal.
        """
        tensor = self.check(packed)
        matrices = {weight: rotation(weight, rotations) for weight in set(self.weights) - {0}}
        batch = np.broadcast_shapes(tensor.shape[:-1], np.shape(rotations)[:-2])
        result = np.broadcast_to(tensor, (*batch, self.size)).copy()
        for weight, where in zip(self.weights, self.slices, strict=True):
            if weight:
                block = matrices[weight] @ tensor[..., where, None]
                result[..., where] = block[..., 0]
        return result

    def check(self, packed: ArrayLike) -> Floats:
        """Return packed coordinates as float64.

        Raises:
            ValueError: when the last axis has another length.
        """
        tensor = np.asarray(packed, dtype=np.float64)
        if tensor.ndim < 1 or tensor.shape[-1] != self.size:
            raise ValueError(
                f"packed coordinates of the weights {self.weights} end in the shape "
                f"({self.size},), got an array of shape {tensor.shape}"
            )
        return tensor


def one_after_another(sizes: Iterable[int]) -> tuple[slice, ...]:
    """Return where blocks of these sizes stand in a row."""
    return tuple(slice(a, b) for a, b in pairwise(accumulate(sizes, initial=0)))

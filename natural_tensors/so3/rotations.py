"""Rotation of packed natural tensors, exact or numeric."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import arrays
from ..arrays import Array, TensorLike
from ..exact import floats
from .bases import as_weight, natural_basis
from .couplings import contraction_table

if TYPE_CHECKING:
    import sympy


@lru_cache(maxsize=64)
def _step(weight: int) -> tuple[NDArray[Any], tuple[int, ...], tuple[int, ...]]:
    """Return ``<X_m, X_m' x e_i>`` between a weight and the one below, and the squared norms."""
    table = contraction_table((weight - 1, 1, weight))
    return table, natural_basis(weight - 1).norms, natural_basis(weight).norms


def rotation(weight: int, R: TensorLike) -> Array:  # noqa: N803 (the field's symbol)
    """Return the matrix D that rotates packed natural tensors of a weight: ``x' = D x``.

    Active and in the sense of ``X'_ab.. = R_ac R_bd .. X_cd..``, so ``rotation(1, R)`` is R and
    ``rotation(l, -1)`` is ``(-1)^l``. By the recursion
    ``D_l = C^T (D_(l-1) x R) C`` with the coupling C of (l-1, 1, l).

    Args:
        weight: the weight l.
        R: orthogonal 3x3 matrix, proper or improper: NumPy array or PyTorch tensor, shape
            ``batch + (3, 3)``, for a numeric result; a SymPy matrix for an exact one.

    Returns:
        Shape ``batch + (2l+1, 2l+1)``; a SymPy matrix when R is one.

    Raises:
        ValueError: when R is not orthogonal, or the weight is negative.
    """
    weight = as_weight(weight)
    if type(R).__module__.startswith("sympy"):
        return _exact_rotation(weight, R)
    matrix = arrays.as_floating(R)
    if matrix.ndim < 2 or tuple(matrix.shape[-2:]) != (3, 3):
        raise ValueError(f"a rotation is a 3x3 matrix, got shape {tuple(matrix.shape)}")
    arrays.check_orthogonal(matrix)
    if weight == 0:
        return matrix[..., :1, :1] * 0 + 1
    result = arrays.fresh(matrix)
    for step in range(2, weight + 1):
        table, below, above = _step(step)
        # an isometry from weight l into weight l-1 times a vector
        scale = floats.square_roots(below)[:, None, None] * floats.square_roots(above)
        isometry = arrays.like(table.astype(scale.dtype) / scale, matrix)
        result = arrays.sandwich(isometry, result, matrix)
    return result


def _exact_rotation(weight: int, R: sympy.Matrix) -> sympy.Matrix:  # noqa: N803
    import sympy

    if R.shape != (3, 3) or sympy.simplify(R * R.T - sympy.eye(3)) != sympy.zeros(3):
        raise ValueError("R R^T is not the identity: not a rotation")
    core = {(0, 0): sympy.S.One}  # in the integer basis, where a rational R stays rational
    for step in range(1, weight + 1):
        table, below, above = _step(step)
        entries = [(tuple(place), int(table[tuple(place)])) for place in np.argwhere(table != 0)]
        spread: dict[tuple[int, int, int], sympy.Expr] = {}
        for (m, i, n), number in entries:  # D R acting on the second factor of the integer basis
            for k in range(2 * step - 1):
                for j in range(3):
                    term = core.get((k, m), 0) * R[j, i] * sympy.Rational(number, below[m])
                    spread[k, j, n] = spread.get((k, j, n), 0) + term
        fresh: dict[tuple[int, int], sympy.Expr] = {}
        for (k, j, row), number in entries:
            for n in range(2 * step + 1):
                term = spread.get((k, j, n), 0) * sympy.Rational(number, above[row])
                fresh[row, n] = fresh.get((row, n), 0) + term
        core = fresh
    norms = natural_basis(weight).norms
    return sympy.Matrix(
        2 * weight + 1,
        2 * weight + 1,
        lambda row, n: (
            sympy.sympify(core.get((row, n), 0)) * sympy.sqrt(sympy.Rational(norms[row], norms[n]))
        ),
    )

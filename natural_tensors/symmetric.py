"""Batches of real symmetric matrices as they come in: checked, in float64, exactly symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import arrays
from .symmetry import SymmetryError

Floats = NDArray[np.float64]


def symmetric_matrices(
    values: Any, size: int, what: str, *, real: str, shape: str, symmetric: str
) -> Floats:
    """Return matrices as float64, exactly symmetric, after checking them.

    Args:
        values: shape ``batch + (size, size)``. May be asymmetric by rounding: half the digits of
            its own type, relative to the Frobenius norm. The symmetric part is returned.
        size: of a matrix.
        what: what messages call one, as in ``"stiffness"``.
        real: advice for complex numbers.
        shape: what has the shape, and advice for others.
        symmetric: advice for a matrix that is not symmetric.

    Raises:
        TypeError: when the entries are not real numbers.
        ValueError: when the shape is another or an entry is NaN or infinite.
        SymmetryError: when a matrix is not symmetric.
    """
    given = arrays.as_floating(values)
    tolerance = arrays.precision(given) ** 0.5
    array = arrays.to_numpy(given)
    if array.dtype.kind != "f":
        raise TypeError(f"a {what} is real, got an array of type {array.dtype}; {real}")
    matrix = array.astype(np.float64)
    if matrix.shape[-2:] != (size, size):
        raise ValueError(
            f"a {what} ends in the shape ({size}, {size}), got an array of shape "
            f"{matrix.shape}{shape}"
        )
    finite = np.isfinite(matrix)
    if not finite.all():
        place = _first(~finite)
        raise ValueError(
            f"{_which(what, place[:-2])} holds a number that is NaN or infinite: entry "
            f"{place[-2:]} is {matrix[place]}; remove or repair it first"
        )
    difference = np.abs(matrix - matrix.swapaxes(-1, -2))
    bad = difference > tolerance * np.linalg.norm(matrix, axis=(-2, -1))[..., None, None]
    if bad.any():
        *batch, row, column = _first(bad)
        worst = matrix[tuple(batch)]
        raise SymmetryError(
            f"{_which(what, tuple(batch))} is not symmetric: entry {(row, column)} is "
            f"{worst[row, column]:.6g} but entry {(column, row)} is {worst[column, row]:.6g} "
            f"(allowed: {tolerance:.1e} of the norm); {symmetric}"
        )
    result: Floats = matrix / 2 + matrix.swapaxes(-1, -2) / 2
    return result


def _first(condition: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the indices of the first place where a condition holds."""
    return tuple(int(index) for index in np.argwhere(condition)[0])


def _which(what: str, batch: tuple[int, ...]) -> str:
    if not batch:
        return f"the {what}"
    return f"{what} {batch[0] if len(batch) == 1 else batch}"

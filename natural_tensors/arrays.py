"""Arrays as they come in: NumPy or PyTorch, checked, symmetric where asked; and as lists."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import SymmetryError
from .exact.surds import Surd

if TYPE_CHECKING:
    import sympy

Array: TypeAlias = Any
"""A NumPy array or a PyTorch tensor; what comes in decides what goes out."""

TensorLike: TypeAlias = "ArrayLike | Fraction | Surd | Sequence[TensorLike] | sympy.Basic"
"""Numbers of any of these libraries, or exact and symbolic ones, alone or in nested lists."""

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can hold."""

INFINITY = math.inf


def is_torch(array: Any) -> bool:
    """Say whether an argument is a PyTorch tensor, without importing PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def as_floating(array: Any) -> Array:
    """Return a NumPy array or PyTorch tensor of floating or complex type; lists become arrays.

    Integers become float64. Lists of PyTorch tensors are not stacked.

    Raises:
        TypeError: when the entries are not numbers.
    """
    if is_torch(array):
        return array if array.is_floating_point() or array.is_complex() else array.double()
    try:
        result = np.asarray(array)
    except ValueError as error:
        raise TypeError(f"the nested lists do not form an array: {error}") from None
    if result.dtype.kind in "fc":
        return result
    if result.dtype.kind in "iub":
        return result.astype(np.float64)
    try:
        return result.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"expected numbers, got an array of type {result.dtype}; convert exact numbers with "
            "float() first"
        ) from None


def like(constant: NDArray[Any], array: Array) -> Array:
    """Return a constant with the library, device and (for floats) the precision of an array."""
    floating = constant.dtype.kind == "f"
    if is_torch(array):
        torch = sys.modules["torch"]
        kind = array.dtype if floating else torch.int64
        return torch.tensor(constant, dtype=kind, device=array.device)
    return constant.astype(array.dtype) if floating else constant


def fresh(array: Array) -> Array:
    """Return a copy that shares no memory."""
    return array.clone() if is_torch(array) else array.copy()


def take(array: Array, entries: Array) -> Array:
    """Return entries of the last axis."""
    if is_torch(array):
        return array[..., entries]
    return np.take(array, entries, axis=-1)


def concatenate(arrays: Sequence[Array]) -> Array:
    """Join along the last axis."""
    if is_torch(arrays[0]):
        return sys.modules["torch"].cat(list(arrays), dim=-1)
    return np.concatenate(arrays, axis=-1)


def segment_sums(array: Array, starts: NDArray[np.int64]) -> Array:
    """Sum pieces of the last axis, each from a start to the next one."""
    if not is_torch(array):
        return np.add.reduceat(array, starts, axis=-1)
    ends = [*starts[1:].tolist(), array.shape[-1]]
    owners = np.repeat(np.arange(len(starts)), np.array(ends) - starts)
    total = array.new_zeros((*array.shape[:-1], len(starts)))
    return total.index_add(-1, like(owners, array), array)


def in_chunks(work: Callable[[int, Array], Array], array: Array, size: int) -> Array:
    """Apply row-wise work to an array, to a NumPy array a chunk at a time.

    Args:
        work: takes the number of the first row and a chunk; returns as many rows.
        array: shape ``(rows, ...)``.
        size: rows in a chunk.
    """
    rows = array.shape[0]
    if is_torch(array) or rows <= size:
        return work(0, array)
    result = None
    for start in range(0, rows, size):
        piece = work(start, array[start : start + size])
        if result is None:
            result = np.empty((rows, piece.shape[1]), piece.dtype)
        result[start : start + size] = piece
    return result


def all_finite(array: Array) -> bool:
    """Say whether every entry is finite; mostly by one sum, which a NaN or infinity spoils."""
    if is_torch(array):
        return bool(sys.modules["torch"].isfinite(array.detach()).all())
    with np.errstate(invalid="ignore", over="ignore"):
        total = abs(array.sum())
    return math.isfinite(total) or bool(np.isfinite(array).all())


def everywhere(condition: Array) -> bool:
    """Say whether a condition holds for all entries."""
    return bool(condition.all())


def squared_norm(array: Array) -> Array:
    """Return the sum of squared magnitudes along the last axis."""
    if is_torch(array):
        return (array.abs() ** 2).sum(dim=-1)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.einsum("...i,...i->...", array, array)
    return (np.abs(array) ** 2).sum(axis=-1)


def to_numpy(array: Array) -> NDArray[Any]:
    """Return the values as a NumPy array on the CPU; bfloat16, unknown there, as float32."""
    if not is_torch(array):
        return np.asarray(array)
    values = array.detach().resolve_conj().resolve_neg().cpu()
    if values.dtype == sys.modules["torch"].bfloat16:
        values = values.float()
    return np.asarray(values.numpy())


def scaled(array: Array) -> Array:
    """Divide by the largest magnitude along the last axis, so that squares stay in range."""
    if is_torch(array):
        largest = array.detach().abs().amax(dim=-1, keepdim=True)
        return array / largest.where(largest > 0, 1)
    largest = np.abs(array).max(axis=-1, keepdims=True, initial=0)
    return array / np.where(largest > 0, largest, 1)


def same_library(*members: Array) -> None:
    """Refuse to mix NumPy arrays and PyTorch tensors."""
    if len({is_torch(array) for array in members}) > 1:
        raise TypeError("got NumPy arrays and PyTorch tensors together; convert one of them first")


def smallest_square(array: Array) -> float:
    """Return the squared norm above which a relative rounding error of it is still normal."""
    if is_torch(array):
        limits = sys.modules["torch"].finfo(array.dtype)
        return float(limits.tiny / limits.eps)
    info = np.finfo(array.dtype)
    return float(info.tiny / info.eps)


def precision(array: Array) -> float:
    """Return the distance from 1 to the next number of the array's type."""
    if is_torch(array):
        return float(sys.modules["torch"].finfo(array.dtype).eps)
    return float(np.finfo(array.dtype).eps)


def divided(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, NaN where both are zero, without a warning."""
    if is_torch(numerator):
        return numerator / denominator
    with np.errstate(invalid="ignore"):
        return np.divide(numerator, denominator)


def rotation_matrix(rotation: TensorLike, array: Array, axes: int = 3) -> Array:
    """Return an orthogonal matrix, 3x3 or 2x2, of the library and precision of an array.

    Raises:
        ValueError: when the matrix is not orthogonal; the message says by how much.
    """
    matrix = as_floating(rotation)
    if tuple(matrix.shape) != (axes, axes):
        raise ValueError(f"a rotation is a {axes}x{axes} matrix, got shape {tuple(matrix.shape)}")
    check_orthogonal(matrix)
    if is_torch(array) and is_torch(matrix):
        return matrix.to(array)
    return like(to_numpy(matrix).astype(np.float64), array)


def check_orthogonal(matrix: Array) -> None:
    """Refuse square matrices, on the last two axes, whose transpose is not their inverse."""
    values = to_numpy(matrix)
    gap = np.abs(values @ values.swapaxes(-1, -2) - np.eye(values.shape[-1])).max(initial=0)
    tolerance = precision(matrix) ** 0.5
    if not gap <= tolerance:
        raise ValueError(
            f"R R^T differs from the identity by {gap:.2e} (allowed {tolerance:.1e}): not a "
            "rotation; orthogonalize it first, for example by scipy.spatial.transform.Rotation"
        )


def contract(array: Array, matrix: Array, axis: int) -> Array:
    """Apply a matrix to one axis of an array."""
    if is_torch(array):
        torch = sys.modules["torch"]
        return torch.tensordot(array, matrix, dims=([axis], [1])).movedim(-1, axis)
    return np.moveaxis(np.tensordot(array, matrix, axes=([axis], [1])), -1, axis)


def determinant_sign(matrix: Array) -> int:
    """Return +1 for a proper rotation and -1 for an improper one."""
    return 1 if np.linalg.det(to_numpy(matrix).real) > 0 else -1


def unit_vectors(vectors: Array) -> Array:
    """Return vectors, shape ``(..., 3)``, divided by their length.

    Raises:
        ValueError: when a vector is zero, infinite or NaN, which has no direction.
    """
    values = np.abs(to_numpy(vectors)).max(axis=-1, initial=0).reshape(-1)
    bad = np.flatnonzero(~((values > 0) & np.isfinite(values)))
    if bad.size:
        raise ValueError(
            f"vector {int(bad[0])} has no direction: its length is zero, infinite or NaN"
        )
    vectors = scaled(vectors)
    if is_torch(vectors):
        return vectors / vectors.norm(dim=-1, keepdim=True)
    return vectors / np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))


def monomials(vectors: Array, exponents: NDArray[np.int64]) -> Array:
    """Return ``x**a y**b z**c`` for each row of exponents, shape ``(..., monomials)``."""
    stack = sys.modules["torch"].stack if is_torch(vectors) else np.stack
    columns = []
    for powers in exponents.tolist():
        column = vectors[..., 0] ** powers[0]
        for axis in (1, 2):
            column = column * vectors[..., axis] ** powers[axis]
        columns.append(column)
    return stack(columns, -1)


def sandwich(isometry: Array, left: Array, right: Array) -> Array:
    """Return ``sum C[k,j,m] left[k,k'] right[j,j'] C[k',j',n]``, batched over left and right."""
    below, middle, above = isometry.shape
    half = left @ isometry.reshape((below, middle * above))
    half = half.reshape((*half.shape[:-1], middle, above))
    half = right[..., None, :, :] @ half
    half = half.reshape((*half.shape[:-3], below * middle, above))
    return isometry.reshape((below * middle, above)).T @ half


def to_lists(values: ArrayLike) -> Json:
    """Return numbers, or arrays of them, as nested lists; what is not finite becomes None."""
    array = np.asarray(values)
    if array.ndim:
        return [to_lists(entry) for entry in array]
    number = array.item()
    return number if math.isfinite(number) else None


def symmetric_matrices(
    values: ArrayLike, size: int, what: str, *, real: str, shape: str, symmetric: str
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
    given = as_floating(values)
    tolerance = precision(given) ** 0.5
    array = to_numpy(given)
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

"""One natural tensor in its packed orthonormal coordinates, and in those of e3nn's harmonics."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import factorial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .. import arrays
from ..arrays import Array, TensorLike
from ..exact import floats, symbols
from ..exact.integers import double_factorial
from .bases import NaturalBasis, as_weight, natural_basis

SphericalNormalization = Literal["norm", "component", "integral"]
SPHERICAL: tuple[SphericalNormalization, ...] = get_args(SphericalNormalization)


@lru_cache(maxsize=32)
def natural_table(weight: int) -> NDArray[np.float64]:
    """Return the packed basis as flat tensors, shape ``(2l+1, 3**l)``, rows orthonormal."""
    return basis_table(natural_basis(weight))


@lru_cache(maxsize=64)
def basis_table(basis: NaturalBasis) -> NDArray[np.float64]:
    """Return a basis of natural tensors as flat tensors, a row each, orthonormal."""
    table = basis.tensors().astype(np.float64) / floats.square_roots(basis.norms)[:, None]
    table.setflags(write=False)
    return table


def pack_natural(natural: TensorLike, weight: int) -> Array:
    """Return the ``2l+1`` orthonormal coordinates of natural tensors, ``batch + (3,)*weight``.

    An isometry on natural tensors; of any other tensor it packs the symmetric traceless part.
    SymPy expressions and fractions stay exact, here and back.
    """
    weight = as_weight(weight)
    if symbols.is_exact(natural):
        array = symbols.expressions(natural)
    else:
        array = arrays.as_floating(natural)
    cut = array.ndim - weight
    if cut < 0 or tuple(array.shape[cut:]) != (3,) * weight:
        raise ValueError(
            f"a natural tensor of weight {weight} ends in the shape {(3,) * weight}, got "
            f"{tuple(array.shape)}"
        )
    rows = array.reshape((*array.shape[:cut], 3**weight))
    if symbols.is_exact(natural):
        return _packed_exactly(rows, weight)
    table = natural_table(weight)
    return rows @ arrays.like(table.T, rows)


def _packed_exactly(rows: symbols.Expressions, weight: int) -> symbols.Expression:
    """Return orthonormal coordinates of flat tensors, shape ``batch + (2l+1,)``, in SymPy."""
    basis = natural_basis(weight)
    table = basis.tensors().astype(object).tolist()
    packed = []
    for row in rows.reshape((-1, 3**weight)):
        for product, norm in zip(symbols.combined(table, 1, row), basis.norms, strict=True):
            packed += symbols.scaled([product], Fraction(1, norm))
    return symbols.as_result(packed, (*rows.shape[:-1], 2 * weight + 1))


def unpack_natural(packed: TensorLike, weight: int) -> Array:
    """Return natural tensors ``batch + (3,)*weight`` from coordinates ``batch + (2l+1,)``."""
    weight = as_weight(weight)
    if symbols.is_exact(packed):
        return _unpacked_exactly(packed, weight)
    table = natural_table(weight)
    rows = coordinates(packed, weight)
    tensors = rows @ arrays.like(table, rows)
    return tensors.reshape(tuple(rows.shape[:-1]) + (3,) * weight)


def _unpacked_exactly(packed: TensorLike, weight: int) -> symbols.Expression:
    basis = natural_basis(weight)
    rows = symbols.expressions(packed)
    _check_coordinates(rows.shape, weight)
    table = basis.tensors().astype(object).T.tolist()
    tensors = []
    for row in rows.reshape((-1, 2 * weight + 1)):
        lengths = [
            symbols.scaled([entry], Fraction(1, norm))[0]
            for entry, norm in zip(row, basis.norms, strict=True)
        ]
        tensors += symbols.combined(table, 1, lengths)
    return symbols.as_result(tensors, rows.shape[:-1] + (3,) * weight)


def to_spherical(
    packed: TensorLike, weight: int, normalization: SphericalNormalization = "integral"
) -> Array:
    """Return the coefficients of the surface ``X . n^l`` in the spherical harmonics of e3nn.

    ``X_ab.. n_a n_b .. = sum_m c_m Y_lm(n)`` for every unit vector n, with
    ``Y = e3nn.o3.spherical_harmonics(l, n, normalize=True, normalization=normalization)``.
    The order of the components is the same, so this is one factor for each weight; the packed
    coordinates themselves already rotate by e3nn's Wigner D.
    """
    rows = coordinates(packed, weight)
    return rows * _spherical_scale(weight, normalization)


def from_spherical(
    coefficients: TensorLike, weight: int, normalization: SphericalNormalization = "integral"
) -> Array:
    """Return packed coordinates from coefficients; the inverse of :func:`to_spherical`."""
    rows = coordinates(coefficients, weight)
    return rows / _spherical_scale(weight, normalization)


def coordinates(packed: TensorLike, weight: int) -> Array:
    """Return packed coordinates of a weight as an array, after checking their shape."""
    rows = arrays.as_floating(packed)
    _check_coordinates(tuple(rows.shape), weight)
    return rows


def _check_coordinates(shape: tuple[int, ...], weight: int) -> None:
    if not shape or shape[-1] != 2 * weight + 1:
        raise ValueError(
            f"packed coordinates of weight {weight} end in the shape ({2 * weight + 1},), got "
            f"{shape}"
        )


def _spherical_scale(weight: int, normalization: str) -> float:
    if normalization not in SPHERICAL:
        known = ", ".join(map(repr, SPHERICAL))
        raise ValueError(f"normalization {normalization!r} is not one of {known}")
    squared = Fraction(factorial(weight), double_factorial(2 * weight - 1))
    if normalization != "norm":
        squared /= 2 * weight + 1
    scale = float(floats.square_roots([squared])[0])
    return scale * (floats.FOUR_PI**0.5 if normalization == "integral" else 1)

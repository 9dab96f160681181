"""Checks of what is compared: finite numbers, one of each for each structure, stiffnesses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors import elasticity
from natural_tensors.arrays import Floats


def finite_numbers(values: ArrayLike, role: str) -> Floats:
    """Return finite numbers as float64 with the structures on the first axis.

    Args:
        values: shape ``(structures, ...)``.
        role: what messages call them, such as ``"predicted"``.

    Raises:
        ValueError: for a single number, or one that is NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    if not array.ndim:
        raise ValueError(f"{role} has the shape (crystals, ...), got the single number {array}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = tuple(int(index) for index in bad[0])
        raise ValueError(
            f"{role} holds a number that is NaN or infinite: entry {place} is {array[place]}; "
            "remove or repair it first"
        )
    return array


def checked_stiffnesses(values: ArrayLike, role: str) -> Floats:
    """Return Voigt stiffnesses, finite and symmetric; the message says which argument is not.

    Raises:
        ValueError: when they are not (SymmetryError for a matrix that is not symmetric).
    """
    try:
        return elasticity.check_stiffness(values)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{role}: {error}") from None


def check_same_shape(
    one: Floats, other: Floats, roles: tuple[str, str] = ("predicted", "reference")
) -> None:
    """Refuse two arrays that do not hold one entry of each for each structure.

    Raises:
        ValueError: when the shapes differ, or there are no structures.
    """
    if one.shape != other.shape:
        raise ValueError(
            f"{roles[0]} has shape {one.shape} but {roles[1]} {other.shape}; give one of each for "
            "each crystal, in the same order and form"
        )
    if not one.size:
        raise ValueError(f"got no crystals: shape {one.shape}; give at least one")

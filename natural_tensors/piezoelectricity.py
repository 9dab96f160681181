"""Directional and scalar properties of third-rank tensors that are symmetric in the last pair.

Piezoelectric tensors e (stress) and d (strain), or any other T_ijk = T_ikj, any batch, float64, as
full arrays of shape ``batch + (3, 3, 3)``. Results have the unit of the tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from . import arrays
from .arrays import Floats, Json, to_lists
from .decomposition.reductions import Reduction, reduction
from .so3.grids import direction_mesh, frames, unit_directions
from .so3.maximize import Linear, maximize

DIRECTIONS, STARTS = 1000, 8
"""Directions of the half sphere a search begins with, and how many of them it climbs from."""


CHUNK = 512
"""Tensors surveyed on the grid at once."""


VANISHES = 1e-12
"""A longitudinal response below this, relative to the norm, is zero in every direction."""


def _class() -> Reduction:
    return reduction("piezoelectric-stress")


def check_tensor(values: ArrayLike) -> Floats:
    """Return tensors as float64, exactly symmetric in the last pair, after checking them.

    Args:
        values: shape ``batch + (3, 3, 3)``; asymmetric by rounding at most.

    Raises:
        TypeError: when the entries are not real numbers.
        ValueError: when the shape is another or an entry is NaN or infinite.
        SymmetryError: when the last two indices do not commute.
    """
    array = arrays.to_numpy(arrays.as_floating(values))
    if array.dtype.kind != "f":
        raise TypeError(
            f"a piezoelectric tensor is real, got an array of type {array.dtype}; take its real "
            "part first"
        )
    _class().pack(array)  # which checks it, with the precision of its own type
    symmetric: Floats = _class().symmetrize(array.astype(np.float64))
    return symmetric


def longitudinal(tensor: ArrayLike, directions: ArrayLike) -> Floats:
    """Return the response along n to what acts along n: ``T_ijk n_i n_j n_k``.

    Args:
        tensor: shape ``batch + (3, 3, 3)``.
        directions: shape ``directions + (3,)``, not zero.

    Returns:
        Shape ``batch + directions``, unit of the tensor; it changes sign with n.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.
    """
    return _along(check_tensor(tensor), unit_directions(directions))


def _along(tensor: Floats, unit: Floats) -> Floats:
    cubes = unit[..., :, None, None] * unit[..., None, :, None] * unit[..., None, None, :]
    result: Floats = tensor.reshape(-1, 27) @ cubes.reshape(-1, 27).T
    return result.reshape((*tensor.shape[:-3], *unit.shape[:-1]))


def hydrostatic(tensor: ArrayLike) -> Floats:
    """Return the vector ``T_ijj``: the response to a unit tensor, such as pressure.

    Args:
        tensor: shape ``batch + (3, 3, 3)``.

    Returns:
        Shape ``batch + (3,)``, unit of the tensor.
    """
    return np.asarray(np.einsum("...ijj->...i", check_tensor(tensor)), dtype=np.float64)


@dataclass(frozen=True, eq=False, repr=False)
class PiezoelectricSummary:
    """What follows from each tensor of a batch; every number but shares in ``unit``.

    Attributes:
        unit: unit of the tensor, handed through.
        longitudinal_maximum: largest ``T_ijk n_i n_j n_k``, shape ``batch``. The smallest is its
            negative, in the opposite direction.
        longitudinal_direction: n of the maximum, a unit vector, shape ``batch + (3,)``; one of
            those that symmetry makes equal. NaN where the longitudinal response is zero in all.
        hydrostatic: the vector ``T_ijj``, shape ``batch + (3,)``.
        hydrostatic_norm: its length, shape ``batch``.
        largest_singular_value: of the 3x6 Mandel matrix: the largest response to a second-rank
            tensor of unit Frobenius norm; shape ``batch``.
        norm: Frobenius norm of the full tensor, shape ``batch``.
        weight_norms: norm of the part of weight 1, 2 and 3, each of shape ``batch``.
        weight_shares: their squares over that of the norm (rule 18); NaN for zero.
    """

    unit: str
    longitudinal_maximum: Floats
    longitudinal_direction: Floats
    hydrostatic: Floats
    hydrostatic_norm: Floats
    largest_singular_value: Floats
    norm: Floats
    weight_norms: Mapping[int, Floats]
    weight_shares: Mapping[int, Floats]

    def __repr__(self) -> str:
        if np.ndim(self.norm):
            return f"PiezoelectricSummary(batch of shape {np.shape(self.norm)}, {self.unit})"
        shares = ", ".join(f"{weight}: {share:.1%}" for weight, share in self.weight_shares.items())
        return (
            f"PiezoelectricSummary(longitudinal up to {self.longitudinal_maximum:.4g}, hydrostatic "
            f"{self.hydrostatic_norm:.4g}, largest {self.largest_singular_value:.4g}, norm "
            f"{self.norm:.4g} {self.unit}; weight {shares})"
        )

    def to_dict(self) -> dict[str, Json]:
        """Return nested lists for JSON; what has no value is None, the unit a field."""
        return {
            "unit": self.unit,
            "longitudinal_maximum": to_lists(self.longitudinal_maximum),
            "longitudinal_direction": to_lists(self.longitudinal_direction),
            "hydrostatic": to_lists(self.hydrostatic),
            "hydrostatic_norm": to_lists(self.hydrostatic_norm),
            "largest_singular_value": to_lists(self.largest_singular_value),
            "norm": to_lists(self.norm),
            "weight_norms": {str(k): to_lists(v) for k, v in self.weight_norms.items()},
            "weight_shares": {str(k): to_lists(v) for k, v in self.weight_shares.items()},
        }


def summary(tensor: ArrayLike, *, unit: str = "C/m^2") -> PiezoelectricSummary:
    """Return longitudinal, hydrostatic and largest response, norm and shares.

    Args:
        tensor: shape ``batch + (3, 3, 3)``, symmetric in the last pair.
        unit: its unit, handed through.

    Raises:
        TypeError: when the entries are not real numbers.
        ValueError: when the shape is another or an entry is NaN or infinite.
        SymmetryError: when the last two indices do not commute.
    """
    full = check_tensor(tensor)
    norm = np.linalg.norm(full.reshape((*full.shape[:-3], 27)), axis=-1)
    largest, direction = _largest_longitudinal(full, norm)
    pressure = hydrostatic(full)
    mandel = _class().convert(full, target="mandel")
    shares = _class().fractions(full)
    return PiezoelectricSummary(
        unit=unit,
        longitudinal_maximum=largest,
        longitudinal_direction=direction,
        hydrostatic=pressure,
        hydrostatic_norm=np.linalg.norm(pressure, axis=-1),
        largest_singular_value=np.linalg.svd(mandel, compute_uv=False)[..., 0],
        norm=norm,
        weight_norms={k: norm * np.sqrt(np.where(norm > 0, v, 0)) for k, v in shares.items()},
        weight_shares=shares,
    )


@cache
def _functional() -> Floats:
    """Return the packed functional that reads T_111."""
    tensor = np.zeros((3, 3, 3))
    tensor[0, 0, 0] = 1
    return np.asarray(_class().pack(tensor), dtype=np.float64)


def _largest_longitudinal(full: Floats, norm: Floats) -> tuple[Floats, Floats]:
    """Return the largest longitudinal response and its direction."""
    mesh = direction_mesh(DIRECTIONS)
    weights = [weight for weight, _ in _class().copies]
    flat = full.reshape(-1, 3, 3, 3)
    starts = np.empty((len(flat), STARTS, 3, 3))
    for begin in range(0, len(flat), CHUNK):
        chunk = slice(begin, begin + CHUNK)
        values = _along(flat[chunk], mesh.points)
        places = mesh.starts(np.abs(values), STARTS)
        signs = np.where(np.take_along_axis(values, places, axis=-1) < 0, -1.0, 1.0)
        starts[chunk] = frames(signs[..., None] * mesh.points[places])
    best = maximize(Linear(_functional()), _class().pack(flat), weights, starts=starts)
    direction = best.rotation[:, 0].reshape((*full.shape[:-3], 3))
    value = best.value.reshape(full.shape[:-3])
    zero = value <= VANISHES * norm
    return np.where(zero, 0.0, value)[()], np.where(zero[..., None], np.nan, direction)

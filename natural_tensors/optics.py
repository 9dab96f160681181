"""Crystal optics of a real dielectric tensor: indices, optic axes, birefringence.

A dielectric tensor here is the relative permittivity of a transparent, non-magnetic crystal at one
frequency: a real symmetric 3x3 matrix, any batch, float64, no unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import arrays
from .arrays import Floats, Json, symmetric_matrices, to_lists
from .so3.grids import frames, oriented

EQUAL = 1e-4
"""Principal values this close, relative to the largest, count as equal unless told otherwise."""


def check_dielectric(values: ArrayLike) -> Floats:
    """Return dielectric tensors as float64, exactly symmetric, after checking them.

    Args:
        values: shape ``batch + (3, 3)``. May be asymmetric by rounding: half the digits of its own
            type, relative to the Frobenius norm. The symmetric part is returned.

    Raises:
        TypeError: when the entries are not real numbers.
        ValueError: when the shape is another or an entry is NaN or infinite.
        SymmetryError: when a matrix is not symmetric.
    """
    return symmetric_matrices(
        values,
        3,
        "dielectric tensor",
        real="take its real part where absorption is weak",
        shape="",
        symmetric="an antisymmetric part belongs to a magnetic or lossy crystal, take "
        "(eps + eps.T) / 2 if it is noise",
    )


@dataclass(frozen=True, eq=False)
class LightWaves:
    """The two light waves along each direction of propagation.

    Attributes:
        indices: refractive indices, the smaller (the faster wave) first, shape
            ``batch + directions + (2,)``; NaN where a wave does not propagate.
        displacements: ``displacements[..., k, :]`` is the unit vector along D of wave k, with the
            sign of :func:`natural_tensors.so3.grids.oriented`; along an optic axis it is one
            choice of many. Shape ``batch + directions + (2, 3)``.
    """

    indices: Floats
    displacements: Floats


def light_waves(dielectric: ArrayLike, directions: ArrayLike) -> LightWaves:
    """Return the two refractive indices along directions n, and how the waves are polarized.

    D is perpendicular to n; there ``ε⁻¹`` is a 2x2 matrix with the eigenvalues ``1/n²``.

    Args:
        dielectric: shape ``batch + (3, 3)``.
        directions: directions of the wave vector, shape ``directions + (3,)``, not zero.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.

    Source: M. Born and E. Wolf 1999, Principles of Optics, 7th ed., sec. 15.2.
    """
    matrix = check_dielectric(dielectric)
    across = frames(directions)[..., 1:, :]
    batch, shape = matrix.shape[:-2], across.shape[:-2]
    inverse = _inverse(matrix).reshape((*batch, *(1 for _ in shape), 3, 3))
    plane = across @ inverse @ across.swapaxes(-1, -2)
    lost = np.isnan(plane[..., 0, 0])
    values, vectors = np.linalg.eigh(np.where(lost[..., None, None], np.eye(2), plane))
    squares = np.where((values > 0) & ~lost[..., None], values, np.nan)[..., ::-1]
    rows = vectors.swapaxes(-1, -2)[..., ::-1, :] @ across
    return LightWaves(squares**-0.5, oriented(np.where(lost[..., None, None], np.nan, rows)))


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of symmetric matrices, NaN where they are singular to rounding."""
    values, vectors = np.linalg.eigh(matrix)
    sizes = np.abs(values)
    floor = 3 * arrays.precision(matrix) * sizes.max(axis=-1, keepdims=True)
    singular = (sizes <= floor).any(axis=-1, keepdims=True)
    reciprocal = 1 / np.where(singular, np.nan, values)
    result: Floats = (vectors * reciprocal[..., None, :]) @ vectors.swapaxes(-1, -2)
    return result


@dataclass(frozen=True, eq=False, repr=False)
class OpticalSummary:
    """What follows from each dielectric tensor of a batch.

    Attributes:
        principal_values: of ε, ascending, shape ``batch + (3,)``.
        principal_axes: ``principal_axes[..., k, :]`` is the unit axis of value k, with the sign of
            :func:`natural_tensors.so3.grids.oriented`; shape ``batch + (3, 3)``.
        refractive_indices: square roots of the principal values, ascending, shape ``batch + (3,)``;
            NaN where a value is not positive.
        optical_class: ``"isotropic"``, ``"uniaxial"`` or ``"biaxial"``, shape ``batch``.
        sign: +1 optically positive, -1 negative, 0 when isotropic or not transparent, or biaxial
            with 2V = 90 degrees; shape ``batch``. Uniaxial: of ``n_e - n_o``. Biaxial: +1 when the
            axis of the largest index bisects the acute angle between the optic axes.
        optic_axes: the two directions in which both waves have one index, shape
            ``batch + (2, 3)``; twice the same when uniaxial, NaN when isotropic or not transparent.
        angle_2v_deg: acute angle between the optic axes, degrees, shape ``batch``; 0 when uniaxial,
            NaN when isotropic or not transparent.
        birefringence: largest minus smallest refractive index, shape ``batch``.
    """

    principal_values: Floats
    principal_axes: Floats
    refractive_indices: Floats
    optical_class: NDArray[np.str_]
    sign: NDArray[np.int64]
    optic_axes: Floats
    angle_2v_deg: Floats
    birefringence: Floats

    def __repr__(self) -> str:
        if np.ndim(self.birefringence):
            return f"OpticalSummary(batch of shape {np.shape(self.birefringence)})"
        indices = ", ".join(f"{index:.4f}" for index in self.refractive_indices)
        kind = {1: " positive", -1: " negative", 0: ""}[int(self.sign)]
        angle = f", 2V = {self.angle_2v_deg:.1f}°" if self.optical_class == "biaxial" else ""
        return (
            f"OpticalSummary(n = {indices}; {self.optical_class}{kind}, "
            f"birefringence {self.birefringence:.4f}{angle})"
        )

    def to_dict(self) -> dict[str, Json]:
        """Return nested lists for JSON; what has no value is None, the angle in degrees."""
        return {
            "principal_values": to_lists(self.principal_values),
            "principal_axes": to_lists(self.principal_axes),
            "refractive_indices": to_lists(self.refractive_indices),
            "optical_class": np.asarray(self.optical_class).tolist(),
            "sign": to_lists(self.sign),
            "optic_axes": to_lists(self.optic_axes),
            "angle_2v_deg": to_lists(self.angle_2v_deg),
            "birefringence": to_lists(self.birefringence),
        }


def summary(dielectric: ArrayLike, *, tolerance: float = EQUAL) -> OpticalSummary:
    """Return indices, optical class, optic axes and birefringence.

    With the principal values ``ε_1 ≤ ε_2 ≤ ε_3`` the optic axes of a biaxial crystal lie in the
    plane of the first and third axis, at the angle V from the third:
    ``tan² V = (1/ε_1 - 1/ε_2) / (1/ε_2 - 1/ε_3)``.

    Args:
        dielectric: shape ``batch + (3, 3)``.
        tolerance: principal values count as equal when they differ by at most this much of the
            largest magnitude. Three equal ones are isotropic, two uniaxial. If both neighbouring
            pairs are equal but the outer values are not, the closer pair is.

    Raises:
        ValueError: when the tolerance is not a number from 0 to below 1; and as
            :func:`check_dielectric`.

    Source: M. Born and E. Wolf 1999, Principles of Optics, 7th ed., sec. 15.3.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance {tolerance} is not from 0 to below 1; it is relative")
    values, vectors = np.linalg.eigh(check_dielectric(dielectric))
    axes = oriented(vectors.swapaxes(-1, -2))
    transparent = values[..., 0] > 0
    indices = np.sqrt(np.where(values > 0, values, np.nan))

    limit = tolerance * np.abs(values).max(axis=-1)
    low, high = values[..., 1] - values[..., 0], values[..., 2] - values[..., 1]
    isotropic = low + high <= limit
    uniaxial = ~isotropic & (np.minimum(low, high) <= limit)
    kinds = np.where(isotropic, "isotropic", np.where(uniaxial, "uniaxial", "biaxial"))

    reciprocal = 1 / np.where(transparent[..., None], values, np.nan)
    steps = np.sqrt(np.maximum(reciprocal[..., :2] - reciprocal[..., 1:], 0))
    slant = np.arctan2(steps[..., 0], steps[..., 1])  # V, from the axis of the largest index
    slant = np.where(uniaxial & transparent, np.where(low <= high, 0.0, np.pi / 2), slant)
    slant = np.where(isotropic, np.nan, slant)
    cosine, sine = np.cos(slant)[..., None], np.sin(slant)[..., None]
    third, first = cosine * axes[..., 2, :], sine * axes[..., 0, :]
    doubled = np.degrees(2 * slant)
    return OpticalSummary(
        principal_values=values,
        principal_axes=axes,
        refractive_indices=indices,
        optical_class=kinds,
        sign=np.nan_to_num(np.sign(90 - doubled)).astype(np.int64),
        optic_axes=oriented(np.stack([third + first, third - first], axis=-2)),
        angle_2v_deg=np.minimum(doubled, 180 - doubled),
        birefringence=indices[..., 2] - indices[..., 0],
    )

"""Young's modulus, compressibility, shear modulus and Poisson's ratio over all directions.

All of them follow from the compliance S. Directions need not be unit vectors. Results have the
shape ``batch + directions``; NaN where the stiffness is singular. In an unstable crystal the
compliance need not be positive: then E and G may be negative, and infinite where they change sign.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Floats
from ..so3.grids import frames, unit_directions
from .stiffness import compliance

PER_TPA = 1000.0
"""1/TPa in 1/GPa."""

PERPENDICULAR = 1e-6
"""Cosine between a direction and its transverse above which they are refused."""


def youngs_modulus(stiffness: ArrayLike, directions: ArrayLike) -> Floats:
    """Return Young's modulus in directions n, GPa.

    ``1/E(n) = S_ijkl n_i n_j n_k n_l``: stress over strain, both along n, of a pulled bar.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: shape ``directions + (3,)``, not zero.

    Returns:
        Shape ``batch + directions``, GPa.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.

    Source: J. F. Nye 1985, Physical Properties of Crystals, p. 143.
    """
    unit = unit_directions(directions)
    pull = strain(unit, unit)
    with np.errstate(divide="ignore"):
        return 1 / contraction(compliance(stiffness), pull, pull)


def linear_compressibility(stiffness: ArrayLike, directions: ArrayLike) -> Floats:
    """Return how a line along n shortens under hydrostatic pressure, 1/TPa.

    ``β(n) = S_ijkk n_i n_j``; negative where it lengthens. Three perpendicular directions add up to
    ``1 / K_R``.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: shape ``directions + (3,)``, not zero.

    Returns:
        Shape ``batch + directions``, 1/TPa.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.

    Source: J. F. Nye 1985, Physical Properties of Crystals, p. 146.
    """
    unit = unit_directions(directions)
    pressure = np.broadcast_to(np.array([1.0, 1, 1, 0, 0, 0]), (*unit.shape[:-1], 6))
    return PER_TPA * contraction(compliance(stiffness), strain(unit, unit), pressure)


def shear_modulus(stiffness: ArrayLike, directions: ArrayLike, transverse: ArrayLike) -> Floats:
    """Return the modulus of a shear of the planes across n along m, GPa.

    ``1/G(n, m) = 4 S_ijkl n_i m_j n_k m_l``, the same with n and m exchanged.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: n, shape ``directions + (3,)``, not zero.
        transverse: m, perpendicular to n; the shapes of n and m broadcast.

    Returns:
        Shape ``batch + directions``, GPa.

    Raises:
        ValueError: when a direction has no length, or n and m are not perpendicular.

    Source: A. Marmier et al. 2010, Comput. Phys. Commun. 181, 2102, eq. 12.
    """
    first, second = perpendicular(directions, transverse)
    shear = strain(first, second)
    with np.errstate(divide="ignore"):
        return 1 / (4 * contraction(compliance(stiffness), shear, shear))


def poisson_ratio(stiffness: ArrayLike, directions: ArrayLike, transverse: ArrayLike) -> Floats:
    """Return how much a bar pulled along n contracts along m, over its extension.

    ``ν(n, m) = - S_ijkl n_i n_j m_k m_l / S_ijkl n_i n_j n_k n_l``; negative where it widens.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: n, shape ``directions + (3,)``, not zero.
        transverse: m, perpendicular to n; the shapes of n and m broadcast.

    Returns:
        Shape ``batch + directions``, dimensionless.

    Raises:
        ValueError: when a direction has no length, or n and m are not perpendicular.

    Source: A. Marmier et al. 2010, Comput. Phys. Commun. 181, 2102, eq. 14.
    """
    first, second = perpendicular(directions, transverse)
    soft, pull = compliance(stiffness), strain(first, first)
    across = contraction(soft, pull, strain(second, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        return -across / contraction(soft, pull, pull)


def shear_range(stiffness: ArrayLike, directions: ArrayLike) -> tuple[Floats, Floats]:
    """Return the smallest and the largest shear modulus of the planes across n, GPa.

    Over all m: ``1/(4G)`` is a quadratic form of m in the plane, whose two eigenvalues bound it.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: n, shape ``directions + (3,)``, not zero.

    Returns:
        Minimum and maximum, each of shape ``batch + directions``, GPa; NaN where the form has both
        signs (in an unstable crystal), so that G grows without bound.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.
    """
    low, high, _ = shear_compliance(compliance(stiffness), frames(directions))
    bounded = low * high > 0
    with np.errstate(divide="ignore"):
        bounds = [np.where(bounded, 1 / (4 * value), np.nan) for value in (high, low)]
    return bounds[0], bounds[1]


def poisson_range(stiffness: ArrayLike, directions: ArrayLike) -> tuple[Floats, Floats]:
    """Return the smallest and the largest Poisson's ratio of a bar pulled along n.

    Over all m: the contraction is a quadratic form of m in the plane across n.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: n, shape ``directions + (3,)``, not zero.

    Returns:
        Minimum and maximum, each of shape ``batch + directions``, dimensionless; NaN where E(n) is
        infinite.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.
    """
    soft, frame = compliance(stiffness), frames(directions)
    low, high, _ = transverse_compliance(soft, frame)
    pull = strain(frame[..., 0, :], frame[..., 0, :])
    along = contraction(soft, pull, pull)
    along = np.where(along == 0, np.nan, along)
    one, other = -low / along, -high / along
    return np.minimum(one, other), np.maximum(one, other)


# --- contractions of the compliance ------------------------------------------------------------


def perpendicular(directions: ArrayLike, transverse: ArrayLike) -> tuple[Floats, Floats]:
    """Return two unit vectors, broadcast against each other, after checking their angle."""
    first, second = np.broadcast_arrays(unit_directions(directions), unit_directions(transverse))
    cosine = np.abs((first * second).sum(axis=-1))
    if not (cosine <= PERPENDICULAR).all():
        place = tuple(int(index) for index in np.argwhere(cosine > PERPENDICULAR)[0])
        pair = f"pair {place[0] if len(place) == 1 else place}" if place else "the pair"
        raise ValueError(
            f"{pair} of directions is not perpendicular: the cosine between {first[place]} and "
            f"{second[place]} is {cosine[place]:.3g} (allowed {PERPENDICULAR:.0e}); subtract the "
            "part along the first from the second"
        )
    return first, second


def strain(first: Floats, second: Floats) -> Floats:
    """Return ``(n m + m n) / 2`` as xx, yy, zz, yz, xz, xy, shape ``directions + (6,)``."""
    crossed = first[..., [1, 0, 0]] * second[..., [2, 2, 1]]
    crossed = crossed + first[..., [2, 2, 1]] * second[..., [1, 0, 0]]
    return np.concatenate([first * second, crossed / 2], axis=-1)


def contraction(soft: Floats, left: Floats, right: Floats) -> Floats:
    """Return ``S_ijkl a_ij b_kl``, shape ``batch + directions``.

    Args:
        soft: the compliance in Voigt form with its factors, shape ``batch + (6, 6)``; they stand
            for the components that a and b show once.
        left: a as xx, yy, zz, yz, xz, xy, shape ``directions + (6,)``.
        right: b, likewise.
    """
    batch, directions = soft.shape[:-2], left.shape[:-1]
    products = (left[..., :, None] * right[..., None, :]).reshape(-1, 36)
    with np.errstate(invalid="ignore"):
        result: Floats = soft.reshape(-1, 36) @ products.T
    return result.reshape((*batch, *directions))


def _eigenvalues(one: Floats, other: Floats, beside: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the eigenvalues of symmetric 2x2 matrices, and the angle of the larger's vector."""
    mean, half = (one + other) / 2, (one - other) / 2
    radius = np.hypot(half, beside)
    return mean - radius, mean + radius, np.arctan2(beside, half) / 2


def shear_compliance(soft: Floats, frame: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the bounds of ``S_ijkl n_i m_j n_k m_l`` over m, and the angle of the upper one.

    Args:
        soft: compliance, shape ``batch + (6, 6)``.
        frame: rows n and two unit vectors across it, shape ``directions + (3, 3)``; the angle
            counts from the first of these to the second.
    """
    first = strain(frame[..., 0, :], frame[..., 1, :])
    second = strain(frame[..., 0, :], frame[..., 2, :])
    return _eigenvalues(
        contraction(soft, first, first),
        contraction(soft, second, second),
        contraction(soft, first, second),
    )


def transverse_compliance(soft: Floats, frame: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the bounds of ``S_ijkl n_i n_j m_k m_l`` over m, and the angle of the upper one.

    The arguments are those of :func:`shear_compliance`.
    """
    n, a, b = np.moveaxis(frame, -2, 0)
    pull = strain(n, n)
    return _eigenvalues(
        contraction(soft, pull, strain(a, a)),
        contraction(soft, pull, strain(b, b)),
        contraction(soft, pull, strain(a, b)),
    )

"""Plane elastic waves: Christoffel matrix, velocities, and the Debye temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Floats
from ..so3.grids import direction_mesh, oriented, unit_directions
from .polycrystals import moduli
from .stability import MANDEL_PLACES
from .stiffness import check_stiffness

PASCAL = 1e9
"""GPa in Pa."""

PLANCK = 6.62607015e-34
"""h in J s, exact in the SI."""

BOLTZMANN = 1.380649e-23
"""k in J/K, exact in the SI."""

POLAR, AZIMUTHAL = 16, 64
"""Nodes of the average over directions: heights of the half sphere, and azimuths at each."""

CHUNK = 128
"""Crystals worked on at once."""

DIRECTIONS, STARTS = 500, 6
"""Directions that the search for the fastest and slowest wave begins with, and climbs."""

ROUNDS, SETTLED = 500, 1e-14
"""Steps of that search at most, and the relative change that ends it."""


def christoffel(stiffness: ArrayLike, directions: ArrayLike) -> Floats:
    """Return the Christoffel matrices of directions n, GPa.

    ``Γ_ik(n) = C_ijkl n_j n_l``; its eigenvalues are ``ρ v²`` of the three waves along n.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: shape ``directions + (3,)``, not zero.

    Returns:
        Symmetric, shape ``batch + directions + (3, 3)``, GPa.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.

    Source: B. A. Auld 1973, Acoustic Fields and Waves in Solids, vol. 1, eq. 7.29.
    """
    return _christoffel(check_stiffness(stiffness), unit_directions(directions))


def _contracted(matrix: Floats, vectors: Floats) -> Floats:
    """Return ``C_ijkl v_j v_l``, which is ``C_jilk v_j v_l`` too, of several vectors.

    Args:
        matrix: checked Voigt matrices, shape ``batch + (6, 6)``.
        vectors: shape ``(count, 3)``, or ``batch + (count, 3)``.

    Returns:
        Shape ``batch + (count, 3, 3)``.
    """
    places = MANDEL_PLACES
    full = matrix[..., places[:, :, None, None], places[None, None, :, :]]
    table = np.moveaxis(full, (-3, -1), (-4, -3)).reshape((*matrix.shape[:-2], 9, 9))
    pairs = vectors[..., :, None] * vectors[..., None, :]
    result = pairs.reshape((*vectors.shape[:-1], 9)) @ table
    result = result.reshape((*result.shape[:-1], 3, 3))
    symmetric: Floats = (result + result.swapaxes(-1, -2)) / 2
    return symmetric


def _christoffel(matrix: Floats, unit: Floats) -> Floats:
    result = _contracted(matrix, unit.reshape(-1, 3))
    return result.reshape((*matrix.shape[:-2], *unit.shape[:-1], 3, 3))


@dataclass(frozen=True, eq=False, repr=False)
class SoundWaves:
    """The three plane waves along each direction, slowest first.

    Attributes:
        velocities_m_s: phase velocities, shape ``batch + directions + (3,)``, m/s; NaN where
            ``ρ v²`` is negative, in an unstable crystal.
        polarizations: ``polarizations[..., k, :]`` is the unit displacement of wave k, with the
            sign of :func:`natural_tensors.so3.grids.oriented`; shape
            ``batch + directions + (3, 3)``. Where two velocities coincide it is one choice of many.
        group_velocities_m_s: ``group_velocities_m_s[..., k, :]`` is the velocity of the energy of
            wave k, ``C_ijkl p_i p_k n_l / (ρ v)``, whose part along n is the phase velocity; same
            shape, m/s. Where two velocities coincide it belongs to the polarization shown.
    """

    velocities_m_s: Floats
    polarizations: Floats
    group_velocities_m_s: Floats

    def __repr__(self) -> str:
        return f"SoundWaves(shape {self.velocities_m_s.shape[:-1]}, 3 waves each, m/s)"


def sound_velocities(
    stiffness: ArrayLike, directions: ArrayLike, density_kg_m3: ArrayLike
) -> SoundWaves:
    """Return velocities and polarizations of the plane waves along directions n.

    ``Γ(n) p = ρ v² p`` with the Christoffel matrix Γ.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        directions: shape ``directions + (3,)``, not zero.
        density_kg_m3: ρ in kg/m³, positive, a number or a shape that broadcasts to ``batch``.

    Raises:
        ValueError: when a direction has no length, or a density is not positive and finite.

    Source: B. A. Auld 1973, Acoustic Fields and Waves in Solids, vol. 1, ch. 7.
    """
    matrix, unit = check_stiffness(stiffness), unit_directions(directions)
    batch, shape = matrix.shape[:-2], unit.shape[:-1]
    density = positive(density_kg_m3, batch, "density_kg_m3")
    density = density.reshape((*batch, *(1 for _ in shape), 1))
    values, vectors = np.linalg.eigh(_christoffel(matrix, unit))
    polarizations = oriented(vectors.swapaxes(-1, -2))
    squared = np.where(values > 0, values, np.nan) * PASCAL / density
    velocities = np.sqrt(squared)
    count = int(np.prod(shape)) * 3
    carried = _contracted(matrix, polarizations.reshape((*batch, count, 3)))
    carried = carried.reshape((*polarizations.shape, 3)) @ unit[..., None, :, None]
    group = carried[..., 0] * PASCAL / (density * velocities)[..., None]
    return SoundWaves(velocities, polarizations, group)


def positive(value: ArrayLike, batch: tuple[int, ...], name: str) -> Floats:
    """Return a positive quantity for each member of the batch."""
    given = np.asarray(value, dtype=np.float64)
    bad = ~((given > 0) & np.isfinite(given))
    if bad.any():
        raise ValueError(f"{name} is {given[bad].flat[0]}; it must be positive and finite")
    try:
        return np.broadcast_to(given, batch)
    except ValueError:
        raise ValueError(
            f"{name} has the shape {given.shape}, which does not broadcast to the batch {batch} "
            "of the stiffness; give one number, or one for each member"
        ) from None


# --- over all directions -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class VelocityExtremes:
    """The slowest and the fastest wave of each crystal.

    Attributes:
        slowest_m_s: shape ``batch``, m/s; NaN where some wave has no real velocity.
        fastest_m_s: shape ``batch``, m/s.
        slowest_direction: propagation direction, shape ``batch + (3,)``, with the sign of
            :func:`natural_tensors.so3.grids.oriented`; one of those that symmetry makes equal.
        fastest_direction: likewise.
    """

    slowest_m_s: Floats
    fastest_m_s: Floats
    slowest_direction: Floats
    fastest_direction: Floats

    def __repr__(self) -> str:
        if np.ndim(self.slowest_m_s):
            return f"VelocityExtremes(batch of shape {np.shape(self.slowest_m_s)}, m/s)"
        return f"VelocityExtremes({self.slowest_m_s:.0f} to {self.fastest_m_s:.0f} m/s)"


def velocity_extremes(stiffness: ArrayLike, density_kg_m3: ArrayLike) -> VelocityExtremes:
    """Return the slowest and the fastest wave over all directions.

    ``ρ v² = C_ijkl p_i n_j p_k n_l`` is unchanged when n and p are exchanged. So the extreme over n
    and p is approached, without a step back, by making each in turn the eigenvector of the
    Christoffel matrix of the other. The search starts from the best 6 peaks of a grid of 500.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        density_kg_m3: ρ in kg/m³, positive, a number or a shape that broadcasts to ``batch``.

    Raises:
        ValueError: when a density is not positive and finite.
    """
    matrix = check_stiffness(stiffness)
    batch = matrix.shape[:-2]
    density = positive(density_kg_m3, batch, "density_kg_m3")
    flat = matrix.reshape(-1, 6, 6)
    ends = []
    for end in (0, 2):
        values, directions = np.empty(len(flat)), np.empty((len(flat), 3))
        for begin in range(0, len(flat), CHUNK):
            chunk = slice(begin, begin + CHUNK)
            values[chunk], directions[chunk] = _extreme_wave(flat[chunk], end)
        shaped = values.reshape(batch)
        squared = np.where(shaped > 0, shaped, np.nan) * PASCAL / density
        ends.append((np.sqrt(squared)[()], oriented(directions.reshape((*batch, 3)))))
    (slowest, slow_direction), (fastest, fast_direction) = ends
    return VelocityExtremes(slowest, fastest, slow_direction, fast_direction)


def _extreme_wave(matrix: Floats, end: int) -> tuple[Floats, Floats]:
    """Return the extreme eigenvalue (0: smallest, 2: largest) over directions, and where."""
    sign = 1 if end else -1
    mesh = direction_mesh(DIRECTIONS)
    surveyed = np.asarray(np.linalg.eigvalsh(_contracted(matrix, mesh.points))[..., end], float)
    vectors = mesh.points[mesh.starts(sign * surveyed, STARTS)]
    owner = np.repeat(np.arange(len(matrix)), STARTS)
    vectors, values = vectors.reshape(-1, 3), np.full(len(owner), np.nan)
    active = np.arange(len(owner))
    for _ in range(ROUNDS):
        given = vectors[active, None, :]
        squared, axes = np.linalg.eigh(_contracted(matrix[owner[active]], given)[:, 0])
        moved = np.abs(squared[:, end] - values[active]) > SETTLED * np.abs(squared).max(axis=-1)
        moved |= np.isnan(values[active])
        values[active], vectors[active] = squared[:, end], axes[..., end]
        active = active[moved]
        if not active.size:
            break
    best = np.arange(len(matrix)) * STARTS
    best += (sign * values).reshape(-1, STARTS).argmax(axis=-1)
    return values[best], vectors[best]


def debye_velocity(stiffness: ArrayLike, density_kg_m3: ArrayLike) -> Floats:
    """Return the mean velocity of Debye, m/s.

    ``v_D^-3`` is the mean of ``v^-3`` over all directions and the three waves. The sum over the
    waves is the trace of a matrix power, smooth over the sphere also where velocities coincide, so
    the average converges exponentially: Gauss-Legendre in z (32 nodes, 16 by inversion) times 64
    azimuths, exact to degree 31 in z. For the crystals of the textbook it is exact to 1e-9, and to
    some 1e-4 for Kelvin moduli as far apart as 1 to 100.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        density_kg_m3: ρ in kg/m³, positive, a number or a shape that broadcasts to ``batch``.

    Returns:
        Shape ``batch``, m/s; NaN where a velocity is not real.

    Raises:
        ValueError: when a density is not positive and finite.

    Source: G. A. Alers 1965, in Physical Acoustics (W. P. Mason, ed.) 3B, ch. 1.
    """
    matrix = check_stiffness(stiffness)
    batch = matrix.shape[:-2]
    density = positive(density_kg_m3, batch, "density_kg_m3")
    nodes, weights = _sphere(POLAR, AZIMUTHAL)
    flat = matrix.reshape(-1, 6, 6)
    means = np.zeros(len(flat))
    for begin in range(0, len(flat), CHUNK):
        chunk = slice(begin, begin + CHUNK)
        values = np.linalg.eigvalsh(_contracted(flat[chunk], nodes))
        slow = np.where(values > 0, values, np.nan) ** -1.5
        means[chunk] = slow.mean(axis=-1) @ weights
    velocity: Floats = means.reshape(batch) ** (-1 / 3) * np.sqrt(PASCAL / density)
    return velocity


def _sphere(polar: int, azimuthal: int) -> tuple[Floats, Floats]:
    """Return directions of the half sphere and weights that average an even function."""
    heights, weights = np.polynomial.legendre.leggauss(2 * polar)
    heights, weights = heights[polar:], weights[polar:]
    azimuth = 2 * np.pi * np.arange(azimuthal) / azimuthal
    radius = np.sqrt(1 - heights**2)
    columns = (
        radius[:, None] * np.cos(azimuth),
        radius[:, None] * np.sin(azimuth),
        np.broadcast_to(heights[:, None], (polar, azimuthal)),
    )
    nodes = np.stack(columns, axis=-1).reshape(-1, 3)
    return nodes, np.repeat(weights / azimuthal, azimuthal)


def debye_temperature(
    stiffness: ArrayLike, density_kg_m3: ArrayLike, atoms_per_m3: ArrayLike
) -> Floats:
    """Return the elastic Debye temperature, K.

    ``θ = (h / 2πk) (6π² n)^(1/3) v_D`` with the mean velocity of :func:`debye_velocity`: that of
    the low-temperature heat capacity when the constants are those near 0 K.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        density_kg_m3: ρ in kg/m³, positive, a number or a shape that broadcasts to ``batch``.
        atoms_per_m3: n, atoms (not formula units) per m³, likewise.

    Returns:
        Shape ``batch``, K; NaN where a velocity is not real.

    Raises:
        ValueError: when a density is not positive and finite.

    Source: P. Debye 1912, Ann. Phys. 344, 789.
    """
    velocity = debye_velocity(stiffness, density_kg_m3)
    return _temperature(velocity, atoms_per_m3)


def debye_temperature_isotropic(
    stiffness: ArrayLike, density_kg_m3: ArrayLike, atoms_per_m3: ArrayLike
) -> Floats:
    """Return the Debye temperature of the polycrystal, K.

    As :func:`debye_temperature`, with ``3 / v_D³ = 1 / v_l³ + 2 / v_t³``,
    ``ρ v_l² = K + 4/3 G`` and ``ρ v_t² = G`` from the moduli of Hill.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        density_kg_m3: ρ in kg/m³, positive, a number or a shape that broadcasts to ``batch``.
        atoms_per_m3: n, atoms (not formula units) per m³, likewise.

    Returns:
        Shape ``batch``, K; NaN where a velocity is not real.

    Raises:
        ValueError: when a density is not positive and finite.

    Source: O. L. Anderson 1963, J. Phys. Chem. Solids 24, 909.
    """
    hill = moduli(stiffness)
    shape = np.shape(hill.bulk_hill)
    density = positive(density_kg_m3, shape, "density_kg_m3")
    squares = [hill.bulk_hill + 4 * hill.shear_hill / 3, hill.shear_hill]
    along, across = (np.where(square > 0, square, np.nan) ** -1.5 for square in squares)
    velocity = ((along + 2 * across) / 3) ** (-1 / 3) * np.sqrt(PASCAL / density)
    return _temperature(velocity, atoms_per_m3)


def _temperature(velocity: Floats, atoms_per_m3: ArrayLike) -> Floats:
    atoms = positive(atoms_per_m3, np.shape(velocity), "atoms_per_m3")
    wavenumber = (6 * np.pi**2 * atoms) ** (1 / 3)
    result: Floats = PLANCK / (2 * np.pi * BOLTZMANN) * wavenumber * velocity
    return result

"""The smallest and largest directional properties of a crystal, over all directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Floats
from ..decomposition.reductions import reduction
from ..so3.grids import Grid, direction_mesh, frames, oriented
from ..so3.maximize import Linear, Maximum, Ratio, maximize
from .directional import PER_TPA, contraction, shear_compliance, strain, transverse_compliance
from .stability import MANDEL_PLACES
from .stiffness import VOIGT_FACTORS, check_stiffness, inverse

WEIGHTS = (0, 0, 2, 2, 4)
"""Weights of the packed blocks of an elastic tensor (rule 12)."""

DIRECTIONS = 2000
"""Directions of the half sphere that a search begins with: none is farther than 2.6 degrees."""

STARTS = 12
"""Points of that grid, at most, from which a search climbs."""

CHUNK = 128
"""Crystals surveyed on the grid at once."""


@dataclass(frozen=True, eq=False, repr=False)
class Extremes:
    """The smallest and the largest value of one property of each crystal, and where.

    Directions are unit vectors with the sign of :func:`natural_tensors.so3.grids.oriented`: the
    largest component is positive. A property that takes its extreme along several directions, as
    symmetry demands, shows one of them; an isotropic one shows any.

    Attributes:
        name: what prose calls the property.
        unit: ``"GPa"``, ``"1/TPa"`` or ``""`` for a pure number.
        minimum: shape ``batch``, in that unit; NaN where there is none.
        maximum: shape ``batch``, likewise.
        minimum_direction: n of the minimum, shape ``batch + (3,)``.
        maximum_direction: n of the maximum, shape ``batch + (3,)``.
        minimum_transverse: m of the minimum, perpendicular to n; None for a property of n alone.
        maximum_transverse: m of the maximum, likewise.
    """

    name: str
    unit: str
    minimum: Floats
    maximum: Floats
    minimum_direction: Floats
    maximum_direction: Floats
    minimum_transverse: Floats | None = None
    maximum_transverse: Floats | None = None

    @property
    def ratio(self) -> Floats:
        """Maximum over minimum, 1 when isotropic; NaN where the minimum is not positive."""
        positive = np.where(self.minimum > 0, self.minimum, np.nan)
        return np.asarray(self.maximum / positive)[()]

    def __repr__(self) -> str:
        if np.ndim(self.minimum):
            return f"Extremes({self.name}, batch of shape {np.shape(self.minimum)})"
        unit = f" {self.unit}" if self.unit else ""
        ends = []
        for value, n, m in (
            (self.minimum, self.minimum_direction, self.minimum_transverse),
            (self.maximum, self.maximum_direction, self.maximum_transverse),
        ):
            across = "" if m is None else f" across {_written(m)}"
            ends.append(f"{value:.4g}{unit} along {_written(n)}{across}")
        return f"Extremes({self.name}: {ends[0]} to {ends[1]})"


def _written(direction: Floats) -> str:
    rounded = np.round(direction, 3) + 0.0  # no minus in front of a zero
    return "[" + " ".join(f"{component:.3g}" for component in rounded) + "]"


@dataclass(frozen=True, eq=False, repr=False)
class DirectionalExtremes:
    """The extremes of the four directional properties of each crystal.

    Attributes:
        youngs: Young's modulus, GPa.
        linear_compressibility: 1/TPa.
        shear: shear modulus, GPa; the transverse direction is the one it moves along.
        poisson: Poisson's ratio.
    """

    youngs: Extremes
    linear_compressibility: Extremes
    shear: Extremes
    poisson: Extremes

    def __iter__(self) -> Iterator[Extremes]:
        """Go through the properties in the order of the attributes."""
        return iter((self.youngs, self.linear_compressibility, self.shear, self.poisson))

    def __repr__(self) -> str:
        return "DirectionalExtremes(\n" + "".join(f"  {one!r},\n" for one in self) + ")"


def extremes(stiffness: ArrayLike) -> DirectionalExtremes:
    """Return the smallest and largest directional properties, with their directions.

    Linear compressibility is a quadratic form of n and solved by its eigenvalues. For the others
    2000 directions n are tried, with the best m across each in closed form; from the peaks and
    the highest other points, 12 at most, :func:`natural_tensors.so3.maximize.maximize` climbs in n
    and m together, to some 1e-12 of the value. That the best of them is the best of all rests on
    the grid: E, G and ν are quotients of polynomials of degree 4 in the direction cosines. In 8,000
    random crystals a search with four times the directions gave nothing better.

    All is NaN where the stiffness is singular. Where 1/E, which is positive in a stable crystal,
    changes sign over the directions of an unstable one, E and ν have poles and no extremes: NaN.
    The same holds for G.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.

    Source: A. Marmier et al. 2010, Comput. Phys. Commun. 181, 2102, for the properties.
    """
    matrix = check_stiffness(stiffness)
    batch = matrix.shape[:-2]
    soft = inverse(matrix.reshape(-1, 6, 6))
    singular = np.isnan(soft[:, 0, 0])
    soft[singular] = UNIT_COMPLIANCE  # a stand-in, whose results NaN overwrites
    starts = _starts(soft)
    pull, shear, across = _functionals()
    packed = _packed(soft)

    softest, stiffest = _both_ends(pull, packed, starts[:, 0], starts[:, 1])
    pole = softest.value * stiffest.value <= 0
    with np.errstate(divide="ignore"):
        ends = (1 / softest.value, softest), (1 / stiffest.value, stiffest)
    youngs = _collect("Young's modulus", "GPa", batch, singular | pole, *ends)

    tame = np.where(pole[:, None], _packed(UNIT_COMPLIANCE), packed)
    least = maximize(Ratio(across, pull), tame, WEIGHTS, starts=starts[:, 2])
    most = maximize(Ratio(-across, pull), tame, WEIGHTS, starts=starts[:, 3])
    ends = (-least.value, least), (most.value, most)
    poisson = _collect("Poisson's ratio", "", batch, singular | pole, *ends, across=True)

    softest, stiffest = _both_ends(shear, packed, starts[:, 4], starts[:, 5])
    pole = softest.value * stiffest.value <= 0
    with np.errstate(divide="ignore"):
        ends = (0.25 / softest.value, softest), (0.25 / stiffest.value, stiffest)
    shears = _collect("shear modulus", "GPa", batch, singular | pole, *ends, across=True)
    return DirectionalExtremes(youngs, _compressibility(soft, batch, singular), shears, poisson)


UNIT_COMPLIANCE = np.diag(VOIGT_FACTORS)
"""That of an isotropic body with K = 1/3 and G = 1/2: every strain equals its stress."""
UNIT_COMPLIANCE.setflags(write=False)


def _packed(soft: Floats) -> Floats:
    result: Floats = reduction("elastic").pack(soft, form="voigt-compliance", invalid="ignore")
    return result


@cache
def _functionals() -> tuple[Floats, Floats, Floats]:
    """Return the packed functionals that read S_1111, S_1212 and S_1122."""
    tensors = np.zeros((3, 3, 3, 3, 3))
    tensors[0, 0, 0, 0, 0] = 1
    for place in ((0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0)):
        tensors[1][place] = 1 / 4
    for place in ((0, 0, 1, 1), (1, 1, 0, 0)):
        tensors[2][place] = 1 / 2
    pull, shear, across = reduction("elastic").pack(tensors)
    return pull, shear, across


def _starts(soft: Floats) -> Floats:
    """Return rotations near the extremes, shape ``(crystals, 6, STARTS, 3, 3)``.

    In order: largest and smallest S_1111, largest and smallest S_1122 / S_1111, largest and
    smallest S_1212. The rows of a rotation are n, m and their cross product.
    """
    mesh = direction_mesh(DIRECTIONS)
    frame = frames(mesh.points)
    result = np.empty((len(soft), 6, STARTS, 3, 3))
    for begin in range(0, len(soft), CHUNK):
        chunk = slice(begin, begin + CHUNK)
        pull = strain(mesh.points, mesh.points)
        along = contraction(soft[chunk], pull, pull)
        low, high, angle = transverse_compliance(soft[chunk], frame)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = low / along, high / along
        swapped = low > high  # where S_1111 is negative
        top, bottom = np.maximum(low, high), np.minimum(low, high)
        about_n = np.where(swapped, np.pi / 2, 0.0)
        result[chunk, 0] = _at_peaks(mesh, frame, along, np.zeros_like(along))
        result[chunk, 1] = _at_peaks(mesh, frame, -along, np.zeros_like(along))
        result[chunk, 2] = _at_peaks(mesh, frame, top, angle + about_n)
        result[chunk, 3] = _at_peaks(mesh, frame, -bottom, angle + np.pi / 2 + about_n)
        low, high, angle = shear_compliance(soft[chunk], frame)
        result[chunk, 4] = _at_peaks(mesh, frame, high, angle)
        result[chunk, 5] = _at_peaks(mesh, frame, -low, angle + np.pi / 2)
    return result


def _at_peaks(mesh: Grid, frame: Floats, values: Floats, angles: Floats) -> Floats:
    """Return the frames at the highest peaks, rotated about n, shape ``batch + (STARTS, 3, 3)``."""
    places = mesh.starts(values, STARTS)
    angle = np.take_along_axis(angles, places, axis=-1)
    cosine, sine, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    rows = [[zero + 1, zero, zero], [zero, cosine, sine], [zero, -sine, cosine]]
    about_n = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    result: Floats = about_n @ frame[places]
    return result


def _both_ends(
    functional: Floats, packed: Floats, high: Floats, low: Floats
) -> tuple[Maximum, Maximum]:
    """Return the largest and the smallest value of a component, from starts for each."""
    both, starts = np.concatenate([packed, -packed]), np.concatenate([high, low])
    best = maximize(Linear(functional), both, WEIGHTS, starts=starts)
    half = len(packed)
    return (
        Maximum(best.value[:half], best.rotation[:half]),
        Maximum(-best.value[half:], best.rotation[half:]),
    )


def _collect(
    name: str,
    unit: str,
    batch: tuple[int, ...],
    missing: NDArray[np.bool_],
    smallest: tuple[Floats, Maximum],
    largest: tuple[Floats, Maximum],
    *,
    across: bool = False,
) -> Extremes:
    """Put values and rotations in the form of the result, NaN where there is none."""
    values, vectors = [], []
    for value, place in (smallest, largest):
        values.append(np.where(missing, np.nan, value).reshape(batch)[()])
        rows = oriented(place.rotation[:, :2])
        rows[missing] = np.nan
        vectors.append(rows.reshape((*batch, 2, 3)))
    ends = [vector[..., 0, :] for vector in vectors]
    sides = [vector[..., 1, :] if across else None for vector in vectors]
    return Extremes(name, unit, *values, *ends, *sides)


def _compressibility(soft: Floats, batch: tuple[int, ...], singular: NDArray[np.bool_]) -> Extremes:
    """Return the extremes of ``S_ijkk n_i n_j``: an eigenvalue problem."""
    entries = soft[:, :, :3].sum(axis=-1) / VOIGT_FACTORS
    values, vectors = np.linalg.eigh(PER_TPA * entries[:, MANDEL_PLACES])
    axes = oriented(vectors.swapaxes(-1, -2))
    values[singular], axes[singular] = np.nan, np.nan
    values, axes = values.reshape((*batch, 3)), axes.reshape((*batch, 3, 3))
    return Extremes(
        "linear compressibility",
        "1/TPa",
        values[..., 0][()],
        values[..., 2][()],
        axes[..., 0, :],
        axes[..., 2, :],
    )

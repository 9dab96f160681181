"""What a tensor does along a direction: the functions that surfaces and sections draw."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from .. import elasticity, optics, piezoelectricity
from ..arrays import Floats
from ..crystals.tensor import CrystalTensor
from ..errors import InputError
from ..formatting import RAISED, did_you_mean

STEPS = 61
"""Polar angles of a sphere, poles included: every 3°, so that 30°, 45°, 60° and 90° are met."""


ELEVATION, AZIMUTH = np.radians(25.0), np.radians(42.0)
"""Where pictures are seen from: not along a diagonal, and x and y end beside the surface."""


TOWARDS = np.array(
    [np.cos(ELEVATION) * np.cos(AZIMUTH), np.cos(ELEVATION) * np.sin(AZIMUTH), np.sin(ELEVATION)]
)
"""Unit vector to the eye."""
TOWARDS.setflags(write=False)


METRES = 1000
"""In a kilometre."""


PLANES = {"xy": (0, 1), "yz": (1, 2), "zx": (2, 0)}
"""Planes of sections: the axis where the angle starts, and the one at 90°."""


class NoPictureError(InputError, ValueError):
    """A picture that this tensor does not have."""


@dataclass(frozen=True, eq=False)
class Property:
    """A number for every direction.

    Attributes:
        name: what :func:`surface` calls it, ``"shear-max"``.
        family: what it shares one section with, ``"Shear modulus"``.
        branch: which of the family it is, ``"largest"``; empty when it is alone.
        unit: of the values.
        values: unit vectors, shape ``batch + (3,)``, to numbers, shape ``batch``.
    """

    name: str
    family: str
    branch: str
    unit: str
    values: Callable[[Floats], Floats]

    @property
    def title(self) -> str:
        """The family and the branch."""
        return f"{self.family}, {self.branch}" if self.branch else self.family

    @property
    def heading(self) -> str:
        """Family and branch on lines of their own, with the unit."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.family}\n{self.branch}{unit}" if self.branch else self.family + unit

    @property
    def label(self) -> str:
        """The title with the unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


def properties(crystal: CrystalTensor) -> tuple[Property, ...]:
    """Return what can be drawn against direction; empty when nothing is known for the tensor.

    Elastic: Young's modulus, linear compressibility, the range of shear modulus and of Poisson's
    ratio over the transverse directions and, when the density is known, the velocities of sound.
    The moduli of an unstable crystal have poles: it has its longitudinal stiffness instead, and
    linear compressibility.

    Dielectric: the index ellipsoid, whose radius along n is the refractive index of light polarized
    along n; the indices of the two waves that travel along n; the permittivity ``ε_ij n_i n_j``.
    Piezoelectric: ``T_ijk n_i n_j n_k``, the response along n to a strain or stress along n.
    """
    kind = _KINDS.get(crystal.reduction.name or "")
    return () if kind is None else kind(crystal)


def find(crystal: CrystalTensor, name: str | None) -> Property:
    """Return a property by name, the first when no name is given.

    Raises:
        NoPictureError: when the tensor has no property of that name.
    """
    known = {entry.name: entry for entry in properties(crystal)}
    if not known:
        raise NoPictureError(
            f"no property of the tensor {crystal.tensor!r} is drawn against direction; those of "
            f"{', '.join(_KINDS)} are; parts() and matrix() draw any tensor"
        )
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        hint = did_you_mean(name, known)
        raise NoPictureError(
            f"property {name!r} is not one of {', '.join(known)}{hint}" + _why_fewer(crystal)
        )
    return known[name]


def _why_fewer(crystal: CrystalTensor) -> str:
    if crystal.reduction.name != "elastic":
        return ""
    if crystal.voigt is not None and not elasticity.is_stable(crystal.voigt):
        return "; the others have poles, because the crystal is not stable"
    if crystal.density_kg_m3 is None:
        return "; velocities of sound need a density"
    return ""


def written_unit(unit: str) -> str:
    """Return a unit as prose writes it: ``"C/m²"`` for ``"C/m^2"``."""
    return re.sub(r"\^(-?\d+)", lambda power: power[1].translate(RAISED), unit)


def families(shown: tuple[Property, ...]) -> dict[str, tuple[Property, ...]]:
    """Return properties that share a picture, by the name of their family."""
    names = dict.fromkeys(entry.family for entry in shown)
    return {name: tuple(entry for entry in shown if entry.family == name) for name in names}


def contract(values: Floats, directions: Floats) -> Floats:
    """Return ``T_ij.. n_i n_j ..`` for unit vectors n, shape ``batch``."""
    rows = np.broadcast_to(values, (*directions.shape[:-1], *values.shape))
    while rows.ndim >= directions.ndim:
        rank = rows.ndim - directions.ndim + 1
        along = directions.reshape(*directions.shape[:-1], *(1,) * (rank - 1), 3)
        rows = (rows * along).sum(axis=-1)
    return np.asarray(rows, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Sphere:
    """Directions as the corners of triangles.

    Attributes:
        directions: unit vectors, shape ``(corners, 3)``.
        triangles: three corners each, counterclockwise from outside, shape ``(triangles, 3)``.
    """

    directions: Floats
    triangles: NDArray[np.int64]


@lru_cache(maxsize=4)
def sphere(steps: int = STEPS) -> Sphere:
    """Return directions on rings of equal polar angle, twice as many on a ring as there are rings.

    Args:
        steps: polar angles, poles included.
    """
    around = 2 * (steps - 1)
    polar = np.linspace(0, np.pi, steps)[1:-1, None]
    azimuth = 2 * np.pi * np.arange(around)[None, :] / around
    rings = np.stack(
        [
            np.sin(polar) * np.cos(azimuth),
            np.sin(polar) * np.sin(azimuth),
            np.broadcast_to(np.cos(polar), (steps - 2, around)),
        ],
        axis=-1,
    )
    directions = np.concatenate([rings.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    north, south = len(directions) - 2, len(directions) - 1
    upper = np.arange(rings[..., 0].size).reshape(rings.shape[:2])
    later = np.roll(upper, -1, axis=1)
    one, two, three, four = upper[:-1], upper[1:], later[1:], later[:-1]
    corners = (
        (np.full(around, north), upper[0], later[0]),
        (one, two, three),
        (one, three, four),
        (np.full(around, south), later[-1], upper[-1]),
    )
    triangles = np.concatenate([np.stack(legs, axis=-1).reshape(-1, 3) for legs in corners])
    for array in (directions, triangles):
        array.setflags(write=False)
    return Sphere(directions, triangles)


def circle(plane: str, steps: int = 361) -> Floats:
    """Return unit vectors around a plane from its first axis, shape ``(steps, 3)``."""
    start, end = PLANES[plane]
    angles = np.linspace(0, 2 * np.pi, steps)
    directions = np.zeros((steps, 3))
    directions[:, start], directions[:, end] = np.cos(angles), np.sin(angles)
    return directions


def stiffness_of(crystal: CrystalTensor) -> Floats:
    """Return the Voigt matrix of a stiffness, GPa.

    Raises:
        NoPictureError: when it is in another unit, in which moduli would be wrong.
    """
    if crystal.unit not in ("GPa", ""):
        raise NoPictureError(
            f"the stiffness of {crystal.name} is in {crystal.unit!r}; allowed: 'GPa'; convert it "
            "with natural_tensors.elasticity.units.in_gpa"
        )
    matrix = crystal.voigt
    assert matrix is not None  # every tensor of this class has joined pairs
    return matrix


def _elastic(crystal: CrystalTensor) -> tuple[Property, ...]:
    matrix = stiffness_of(crystal)
    compressibility = partial(elasticity.linear_compressibility, matrix)
    linear = Property(
        "linear-compressibility", "Linear compressibility", "", "1/TPa", compressibility
    )
    if not elasticity.is_stable(matrix):
        stiff = Property(
            "longitudinal-stiffness",
            "Longitudinal stiffness",
            "",
            "GPa",
            partial(contract, crystal.values),
        )
        singular = not np.isfinite(compressibility(np.eye(3))).all()
        return (stiff,) if singular else (stiff, linear)
    youngs = partial(elasticity.youngs_modulus, matrix)
    return (
        Property("youngs", "Young's modulus", "", "GPa", youngs),
        linear,
        *_ends("shear", "Shear modulus", "GPa", partial(elasticity.shear_range, matrix)),
        *_ends("poisson", "Poisson's ratio", "", partial(elasticity.poisson_range, matrix)),
        *_velocities(matrix, crystal.density_kg_m3),
    )


def _ends(
    name: str, family: str, unit: str, function: Callable[[Floats], tuple[Floats, Floats]]
) -> tuple[Property, Property]:
    """Return the two ends of a range over the transverse directions."""
    return (
        Property(f"{name}-min", family, "smallest", unit, lambda n: function(n)[0]),
        Property(f"{name}-max", family, "largest", unit, lambda n: function(n)[1]),
    )


def _velocities(matrix: Floats, density: float | None) -> tuple[Property, ...]:
    if density is None:
        return ()

    def wave(place: int) -> Callable[[Floats], Floats]:
        def velocity(n: Floats) -> Floats:
            waves = elasticity.sound_velocities(matrix, n, density)
            return np.asarray(waves.velocities_m_s[..., place] / METRES)

        return velocity

    family = "Velocity of sound"
    return (
        Property("velocity-longitudinal", family, "longitudinal", "km/s", wave(2)),
        Property("velocity-fast", family, "fast transverse", "km/s", wave(1)),
        Property("velocity-slow", family, "slow transverse", "km/s", wave(0)),
    )


def _dielectric(crystal: CrystalTensor) -> tuple[Property, ...]:
    matrix = crystal.values
    permittivity = Property(
        "permittivity", "Permittivity", "", written_unit(crystal.unit), partial(contract, matrix)
    )
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        return (permittivity,)  # no light travels: the indicatrix is no ellipsoid
    inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)

    def wave(place: int) -> Callable[[Floats], Floats]:
        return lambda n: np.asarray(optics.light_waves(matrix, n).indices[..., place])

    return (
        Property("ellipsoid", "Index ellipsoid", "", "", lambda n: contract(inverse, n) ** -0.5),
        Property("index-fast", "Refractive index along n", "fast wave", "", wave(0)),
        Property("index-slow", "Refractive index along n", "slow wave", "", wave(1)),
        permittivity,
    )


def _piezoelectric(crystal: CrystalTensor) -> tuple[Property, ...]:
    along = partial(piezoelectricity.longitudinal, crystal.values)
    unit = written_unit(crystal.unit)
    return (Property("longitudinal", "Longitudinal response", "", unit, along),)


_KINDS: dict[str, Callable[[CrystalTensor], tuple[Property, ...]]] = {
    "elastic": _elastic,
    "dielectric": _dielectric,
    "piezoelectric": _piezoelectric,
    "piezoelectric-stress": _piezoelectric,
}

"""Equations of state: energy against volume under any calculator of ASE, and what is fitted to it.

At every volume the ions relax, and the shape of the cell with them unless it is held. So the bulk
modulus of a fit is that of the body under pressure, which is Reuss's average of the elastic
tensor; with the shape held it is Voigt's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from ase import eos

from natural_tensors.arrays import Floats, to_lists
from natural_tensors.errors import InputError, translated

from ..relaxation.relaxing import FORCE, Relaxation, Step, relax
from ..structures.geometry import Geometry
from ..structures.units import EV_PER_A3

POINTS = 11
"""Volumes, that at rest among them."""

SPAN = 0.06
"""Relative change of the volume at the two ends."""

ROUGH = 1e-3
"""eV an atom: a fit that is off by more, in root mean square, is warned of."""

FORMS = {"birch-murnaghan": "birchmurnaghan", "vinet": "vinet"}
"""Forms that are fitted (third order Birch 1947; Vinet et al. 1987), by their names in ASE."""


class EquationOfStateError(InputError, ValueError):
    """A crystal without an equation of state, or settings that make no sense."""


@dataclass(frozen=True)
class Fit:
    """A form fitted to energies and volumes in least squares.

    Attributes:
        form: one of `FORMS`.
        energy: at zero pressure, eV.
        volume: at zero pressure, cubic angstrom.
        bulk: bulk modulus at zero pressure, GPa.
        derivative: of the bulk modulus by the pressure, at zero pressure.
        residual: root mean square of what is left, eV.
    """

    form: str
    energy: float
    volume: float
    bulk: float
    derivative: float
    residual: float

    def energies(self, volumes: Floats) -> Floats:
        """Return the energy at volumes, eV."""
        function = getattr(eos, FORMS[self.form])
        bulk = self.bulk / EV_PER_A3
        values = function(volumes, self.energy, bulk, self.derivative, self.volume)
        return np.asarray(values, dtype=np.float64)

    def pressures(self, volumes: Floats) -> Floats:
        """Return the pressure at volumes, GPa."""
        step = 1e-4 * self.volume
        slope = (self.energies(volumes + step) - self.energies(volumes - step)) / (2 * step)
        return np.asarray(-slope * EV_PER_A3, dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class EquationOfState:
    """The energy of a crystal against its volume.

    Attributes:
        rest: the relaxation at zero pressure that it starts from.
        volumes: cubic angstrom, rising, shape ``(points,)``.
        energies: eV, shape ``(points,)``.
        structures: relaxed at each volume.
        shape: whether the shape of the cell relaxed.
        fits: one for each of `FORMS`.
    """

    rest: Relaxation
    volumes: Floats
    energies: Floats
    structures: tuple[Geometry, ...]
    shape: bool
    fits: tuple[Fit, ...]

    @property
    def atoms(self) -> int:
        """How many the energies and volumes are of."""
        return len(self.rest.structure)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the fits."""
        said = []
        first, last = self.volumes[0], self.volumes[-1]
        for fit in self.fits:
            if fit.residual / self.atoms > ROUGH:
                said.append(
                    f"{fit.form} misses the energies by {1e3 * fit.residual / self.atoms:.2g} meV "
                    "an atom: the crystal changed on the way, or the potential is rough"
                )
            if not first < fit.volume < last:
                said.append(f"{fit.form}: its volume at rest is outside of the volumes computed")
        return tuple(said)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds: eV and cubic angstrom of the cell, GPa."""
        return {
            "name": self.rest.name,
            "formula": self.rest.structure.formula,
            "atoms": self.atoms,
            "shape": "relaxed" if self.shape else "held",
            "volumes": to_lists(self.volumes),
            "energies": to_lists(self.energies),
            "fits": {fit.form: fit.to_dict() for fit in self.fits},
            "volume_change": self.rest.volume_change,
            "lattice": to_lists(self.rest.structure.cell),
            "warnings": list(self.warnings),
        }


def equation_of_state(
    calculator: Any,
    structure: Geometry,
    *,
    points: int = POINTS,
    span: float = SPAN,
    shape: bool = True,
    force: float = FORCE,
    tell: Callable[[Step], None] | None = None,
) -> EquationOfState:
    """Relax a crystal, then its ions and shape at volumes about that at rest, and fit the energies.

    Every volume starts from the structure of the one before, nearer to rest.

    Args:
        calculator: any calculator of ASE with forces and stress.
        structure: a crystal.
        points: number of volumes, odd, at least 5.
        span: relative change of the volume at the two ends.
        shape: relax the shape of the cell at each volume too.
        force: how far, eV/Å.
        tell: is called with every step of every relaxation.

    Raises:
        EquationOfStateError: when it is no crystal, a setting makes no sense, or nothing fits.
        RelaxationError: when a relaxation does not come to rest.
    """
    name = structure.name or structure.formula
    if structure.volume is None:
        raise EquationOfStateError(
            f"{name}: repeats along {sum(structure.periodic)} directions; a volume needs three"
        )
    if points < 5 or points % 2 == 0:
        raise EquationOfStateError(f"points is {points}; allowed: odd numbers from 5 on")
    if not 0 < span < 0.5:
        raise EquationOfStateError(f"span is {span:g}; allowed: more than 0, less than 0.5")
    rest = relax(calculator, structure, force=force, tell=tell)
    center = rest.at_rest()
    factors = np.linspace(1 - span, 1 + span, points)
    middle = points // 2
    reached: dict[int, tuple[Geometry, float]] = {middle: (center, rest.energy)}
    for direction in (-1, 1):
        last = center
        for place in range(middle + direction, points if direction > 0 else -1, direction):
            start = _scaled(last, float(factors[place]) * _volume(center))
            result = relax(calculator, start, cell=shape, fixed_volume=True, force=force, tell=tell)
            last = result.at_rest()
            reached[place] = (last, result.energy)
    structures = tuple(reached[place][0] for place in range(points))
    volumes = np.array([_volume(each) for each in structures])
    energies = np.array([reached[place][1] for place in range(points)])
    return EquationOfState(
        rest, volumes, energies, structures, shape, fits_of(volumes, energies, name)
    )


def fits_of(volumes: Floats, energies: Floats, name: str = "") -> tuple[Fit, ...]:
    """Return every form fitted to energies (eV) at volumes (cubic angstrom).

    Raises:
        EquationOfStateError: when one does not fit.
    """

    def unfit(reason: str) -> EquationOfStateError:
        return EquationOfStateError(
            f"{name or 'the crystal'}: its energies are those of no solid ({reason}): take other "
            "volumes (--span), or another potential"
        )

    fits = []
    for form, known in FORMS.items():
        with translated(unfit):
            model = eos.EquationOfState(volumes, energies, eos=known)
            model.fit(warn=False)
            energy, bulk, derivative, volume = map(float, model.eos_parameters)
        fit = Fit(form, energy, volume, bulk * EV_PER_A3, derivative, 0.0)
        gap = energies - fit.energies(volumes)
        fits.append(replace(fit, residual=float(np.sqrt(np.mean(gap**2)))))
    return tuple(fits)


def _scaled(structure: Geometry, volume: float) -> Geometry:
    """Return a crystal scaled to a volume, its shape and fractional positions as they were."""
    factor = (volume / _volume(structure)) ** (1 / 3)
    return replace(structure, positions=factor * structure.positions, cell=factor * structure.cell)


def _volume(structure: Geometry) -> float:
    assert structure.volume is not None
    return structure.volume


def picture(result: EquationOfState) -> Any:
    """Return a figure: energies an atom against volumes an atom, and the first fit.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    from matplotlib.figure import Figure

    from natural_tensors.pictures.colours import INK, SERIES

    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    axes = figure.subplots()
    fit, atoms = result.fits[0], result.atoms
    line = np.linspace(result.volumes[0], result.volumes[-1], 200)
    low = fit.energy / atoms
    axes.plot(line / atoms, 1e3 * (fit.energies(line) / atoms - low), color=SERIES[0], linewidth=1)
    axes.plot(result.volumes / atoms, 1e3 * (result.energies / atoms - low), "o", color=INK, ms=4)
    axes.set_xlabel("volume [Å³ an atom]")
    axes.set_ylabel("energy above rest [meV an atom]")
    title = f"{result.rest.name}: V₀ {fit.volume / atoms:.3f} Å³, K₀ {fit.bulk:.1f} GPa"
    axes.set_title(title, loc="left", fontsize=9)
    return figure

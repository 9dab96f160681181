"""Relaxation of ions and cell under a calculator of ASE: symmetry kept, convergence stated.

>>> from ase.build import bulk
>>> from ase.calculators.emt import EMT
>>> from carnet_model.structures.conversion import geometry
>>> found = relax(EMT(), geometry(bulk("Cu", "fcc", a=3.7)))
>>> found.converged, round(found.structure.volume, 1), found.symmetry
(True, 11.6, 'Fm-3m (225), kept')
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from ase.constraints import FixSymmetry
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS

from natural_tensors.arrays import Floats, to_lists
from natural_tensors.errors import InputError, reason_of

from ..prediction.domain import Domain
from ..structures.conversion import geometry
from ..structures.geometry import Geometry, GeometryError, structure_hash
from ..structures.symmetry import SYMPREC, symmetry_of
from ..structures.units import EV_PER_A3

FORCE = 0.005
"""eV/Å: the largest force (and, with the cell, stress times volume an atom) at rest."""

STEPS = 1000
"""Most steps of a relaxation."""

COARSE = 20.0
"""Times `FORCE` from which a quasi-Newton method takes over from damped dynamics."""

LARGEST_VOLUME = 3.0
"""Factor of the volume, either way, at which a relaxation has left what it was about."""

WARNED_VOLUME = 0.1
"""Relative change of the volume that is warned of."""


FARTHEST = 5.0
"""Times `SYMPREC` that an atom may be from where its space group has it."""


class RelaxationError(InputError, ValueError):
    """A structure that cannot be relaxed, or was not; the message says why."""


class InterruptedRelaxation(KeyboardInterrupt):
    """A relaxation that KeyboardInterrupt ended.

    Attributes:
        relaxation: what was reached.
    """

    def __init__(self, relaxation: Relaxation) -> None:
        super().__init__()
        self.relaxation = relaxation


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a relaxation.

    Attributes:
        number: of the step; 0 is the start.
        energy: eV.
        force: largest force that is still to vanish, eV/Å; with the cell also that of the stress.
        volume: cubic angstrom; None for what is no crystal.
        atoms: of ASE, with their results; they change afterwards.
    """

    number: int
    energy: float
    force: float
    volume: float | None
    atoms: Any


@dataclass(frozen=True, eq=False)
class Relaxation:
    """What a relaxation came to, at rest or not.

    Attributes:
        start: where it began.
        structure: where it ended, in the axes of the start.
        steps: how many it took.
        energy: at the end, eV; with a pressure, without its work.
        forces: at the end, eV/Å, shape ``(atoms, 3)``.
        stress: at the end, GPa, positive under tension, shape ``(3, 3)``; None for what has none.
        energy_change: eV an atom.
        cell: whether the lattice vectors moved.
        pressure: that was applied, GPa.
        reason: why it did not come to rest; empty when it did.
        symmetry: space groups, and whether it was kept.
        warnings: what else a reader should know.
    """

    start: Geometry
    structure: Geometry
    steps: int
    energy: float
    forces: Floats
    stress: Floats | None
    energy_change: float
    cell: bool
    pressure: float
    reason: str
    symmetry: str
    warnings: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether it came to rest."""
        return not self.reason

    @property
    def name(self) -> str:
        """The file, entry or id; the formula when nothing is stated."""
        return self.start.name or self.start.formula

    @cached_property
    def largest_force(self) -> float:
        """Largest force left, eV/Å."""
        return float(np.linalg.norm(self.forces, axis=1).max(initial=0))

    @cached_property
    def residual_stress(self) -> float | None:
        """Largest component of the stress beyond the pressure applied, GPa."""
        if self.stress is None:
            return None
        return float(np.abs(self.stress + self.pressure * np.eye(3)).max())

    @cached_property
    def volume_change(self) -> float | None:
        """Relative; None for what is no crystal."""
        return _volume_change(self.start, self.structure)

    @property
    def origin(self) -> str:
        """What tells the start of this relaxation from others: see `origin_of`."""
        return origin_of(self.start)

    def at_rest(self) -> Geometry:
        """Return the structure at the end.

        Raises:
            RelaxationError: when it did not come to rest.
        """
        if self.reason:
            raise RelaxationError(f"{self.name}: it did not come to rest: {self.reason}")
        return self.structure

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds: a record that is read as the structure at the end."""
        return {
            "id": self.name,
            "formula": self.structure.formula,
            "origin": self.origin,
            "converged": self.converged,
            "reason": self.reason or None,
            "steps": self.steps,
            "energy": self.energy,
            "energy_change": self.energy_change,
            "largest_force": self.largest_force,
            "stress": None if self.stress is None else to_lists(self.stress),
            "pressure": self.pressure,
            "cell": self.cell,
            "volume": self.structure.volume,
            "volume_change": self.volume_change,
            "symmetry": self.symmetry,
            "warnings": list(self.warnings),
            "structure": {
                "numbers": self.structure.numbers.tolist(),
                "lattice": to_lists(self.structure.cell),
                "positions": to_lists(self.structure.positions),
                "periodic": list(self.structure.periodic),
            },
        }

    def lines(self) -> list[str]:
        """Return the text of a relaxation, without its title and its warnings."""
        end = "converged" if self.converged else "NOT converged"
        left = [f"largest force {self.largest_force:.2g} eV/Å"]
        if self.residual_stress is not None:
            beyond = f" beyond the pressure of {self.pressure:g} GPa" if self.pressure else ""
            left.append(f"stress {self.residual_stress:.2g} GPa{beyond}")
        lines = [f"{end} after {self.steps} steps: {', '.join(left)}"]
        if self.volume_change is not None:
            fixed = "" if self.cell else ", the cell is fixed"
            lines.append(
                f"volume {self.start.volume:.2f} to {self.structure.volume:.2f} Å^3 "
                f"({100 * self.volume_change:+.2f} %){fixed}"
            )
        lines.append(f"energy {self.energy:.4f} eV ({self.energy_change:+.4f} eV an atom)")
        return [*lines, f"symmetry: {self.symmetry}"]


def relax(
    calculator: Any,
    structure: Geometry,
    *,
    cell: bool = True,
    force: float = FORCE,
    steps: int = STEPS,
    pressure: float = 0.0,
    fixed_volume: bool = False,
    symmetry: bool = True,
    tell: Callable[[Step], None] | None = None,
) -> Relaxation:
    """Relax a structure until forces, and with the cell the stress, vanish.

    Whatever happens after the first step, what was reached is returned, with a `reason`.

    Args:
        calculator: any calculator of ASE with forces, and with stress if the cell moves.
        structure: where the relaxation starts.
        cell: let the lattice vectors move as well; those of what is no crystal stay.
        force: stop below this largest force, eV/Å.
        steps: give up after this many.
        pressure: hydrostatic, GPa.
        fixed_volume: where the cell moves, its shape alone does.
        symmetry: keep the space group of the start (that within `SYMPREC`).
        tell: is called with every step.

    Raises:
        RelaxationError: when it cannot start: the calculator refuses the structure, or it is a
            gas, whose cell has no size at rest.
        InterruptedRelaxation: for KeyboardInterrupt; it holds what was reached.
    """
    moves = cell and all(structure.periodic)
    if moves and (reason := Domain.refusal(Domain().arrangement(structure))):
        raise RelaxationError(
            f"{structure.name or structure.formula}: it is made of {reason}\n"
            "the cell of a gas has no size at rest; carnet relax --fixed-cell (cell=False) relaxes "
            "the atoms alone"
        )
    unknown = _domain_of(calculator).unknown(structure.numbers)
    if unknown:
        raise RelaxationError(
            f"{structure.name or structure.formula}: this potential does not know "
            f"{', '.join(unknown)}\nit knows {_domain_of(calculator).known}; other elements take "
            "other weights"
        )
    atoms = structure.to_ase(calculator)
    held, obstacle = _hold_symmetry(atoms) if symmetry else (False, "")
    run = _Run(atoms, structure, moves, pressure, fixed_volume, tell)
    reason, interrupted = "", None
    try:
        reason = run.to_rest(force, steps)
    except KeyboardInterrupt as stop:
        reason, interrupted = f"interrupted at step {run.number}", stop
    final = run.last
    result = Relaxation(
        start=structure,
        structure=final,
        steps=run.number,
        energy=run.energy,
        forces=run.forces,
        stress=run.stress,
        energy_change=(run.energy - run.first_energy) / len(structure),
        cell=moves,
        pressure=pressure,
        reason=reason,
        symmetry=_symmetry_said(structure, final, held, obstacle),
        warnings=tuple(_warnings_for(calculator, structure, final, cell)),
    )
    if interrupted is not None:
        raise InterruptedRelaxation(result) from interrupted
    return result


def origin_of(structure: Geometry) -> str:
    """Return a short word that follows from a structure and that no reader takes for a number."""
    return f"x{structure_hash(structure)[:8]}"


class _LeftError(Exception):
    """A relaxation has left what it was about."""


class _Run:
    """A relaxation under way: the optimizers, and the last structure that was in order."""

    def __init__(
        self,
        atoms: Any,
        start: Geometry,
        cell: bool,
        pressure: float,
        fixed_volume: bool,
        tell: Callable[[Step], None] | None,
    ) -> None:
        self.atoms, self.start, self.tell = atoms, start, tell
        stressed = "stress" in getattr(atoms.calc, "implemented_properties", ())
        self._stressed = stressed and start.volume is not None
        if cell and not stressed:
            raise RelaxationError(
                f"{start.name or start.formula}: this calculator has no stress, and the cell "
                "moves by it\ncarnet relax --fixed-cell (cell=False) relaxes the atoms alone"
            )
        self.moving = atoms
        if cell:
            self.moving = FrechetCellFilter(
                atoms, scalar_pressure=pressure / EV_PER_A3, constant_volume=fixed_volume
            )
        self.number = 0
        self.last = start
        try:
            self._keep()
        except Exception as problem:  # of any calculator
            raise RelaxationError(
                f"{start.name or start.formula}: the calculator cannot compute it: "
                f"{reason_of(problem)}"
            ) from problem
        self.first_energy = self.energy

    def to_rest(self, force: float, steps: int) -> str:
        """Relax; return why it did not come to rest, nothing when it did."""
        half = steps - steps // 2
        done = False
        try:
            # far from a minimum the quasi-Newton step is no good: come near by damped dynamics
            for optimizer, limit in ((FIRE, COARSE * force), (LBFGS, force)):
                most = half if optimizer is FIRE else steps - self.number
                engine = optimizer(self.moving, logfile=None)
                before = self.number
                with _quiet():
                    for at_rest in engine.irun(fmax=limit, steps=most):
                        if engine.nsteps:
                            self.number = before + engine.nsteps
                            self._keep()
                        done = at_rest
        except _LeftError as problem:
            return str(problem)
        except InputError:  # of ours, from what is told
            raise
        except Exception as problem:  # of any calculator
            return f"the calculator failed after step {self.number}: {reason_of(problem)}"
        if done:
            return ""
        return (
            f"{self._largest():.3g} eV/Å are left after {self.number} steps, allowed are "
            f"{force:g}: start nearer to equilibrium, or allow more (carnet relax --steps, --force)"
        )

    def _keep(self) -> None:
        """Look at the structure as it is now: keep it, or say why it is lost.

        Raises:
            _LeftError: when the relaxation leaves what it was about.
        """
        energy = float(self.atoms.get_potential_energy())
        forces = np.array(self.atoms.get_forces(apply_constraint=False), dtype=np.float64)
        stress = None
        if self._stressed:
            raw = self.atoms.get_stress(voigt=False, apply_constraint=False)
            stress = np.array(raw, dtype=np.float64) * EV_PER_A3
        given = [np.array(energy), forces, *([] if stress is None else [stress])]
        if not all(np.isfinite(each).all() for each in given):
            raise _LeftError(f"the calculator returned no number at step {self.number}")
        try:
            reached = replace(geometry(self.atoms), name=self.start.name)
        except GeometryError as problem:
            what = str(problem).splitlines()[0].partition(": ")[2]
            raise _LeftError(f"it collapsed at step {self.number}: {what}") from None
        if reached.volume is not None and self.start.volume is not None:
            factor = reached.volume / self.start.volume
            if not 1 / LARGEST_VOLUME < factor < LARGEST_VOLUME:
                raise _LeftError(
                    f"its volume became {factor:.2g} times what it was, and it is no longer "
                    "followed: start nearer to equilibrium"
                )
        self.last, self.energy, self.forces, self.stress = reached, energy, forces, stress
        if self.tell is not None:
            self.tell(Step(self.number, energy, self._largest(), reached.volume, self.atoms))

    def _largest(self) -> float:
        """Return the largest force that is to vanish, that of the stress included, eV/Å."""
        return float(np.linalg.norm(self.moving.get_forces(), axis=1).max(initial=0))


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what ASE says of large steps, which end the relaxation where they matter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="FixSymmetry adjust_cell")
        yield


def _hold_symmetry(atoms: Any) -> tuple[bool, str]:
    """Let atoms move as their space group allows; return whether, and why not."""
    if not all(atoms.pbc):
        return False, f"it repeats along {sum(atoms.pbc)} directions"
    cell, positions = atoms.cell.array.copy(), atoms.positions.copy()
    try:
        constraint = FixSymmetry(atoms, symprec=SYMPREC)
        moved = float(np.abs(atoms.positions - positions).max())
        obstacle = "" if moved < FARTHEST * SYMPREC else "it is not symmetric enough"
    except Exception as problem:  # spglib and ASE fail in many ways
        obstacle = f"no symmetry can be held: {reason_of(problem)}"
    if obstacle:
        atoms.set_cell(cell)
        atoms.positions = positions
        return False, obstacle
    atoms.set_constraint(constraint)
    return True, ""


def _symmetry_said(start: Geometry, final: Geometry, held: bool, obstacle: str) -> str:
    """Say what became of the space group."""
    before, after = _space_group(start), _space_group(final)
    if held:
        return f"{before}, kept" + (f"; at the end it is {after}" if after != before else "")
    why = f"not held: {obstacle}" if obstacle else "not held"
    if not all(start.periodic):
        return why
    return f"{before}, {why}" + (f"; at the end it is {after}" if after != before else "")


def _domain_of(calculator: Any) -> Domain:
    """Return what a calculator of ours was trained on; of others nothing is known."""
    domain = getattr(calculator, "domain", None)
    return domain if isinstance(domain, Domain) else Domain()


def _space_group(structure: Geometry) -> str:
    try:
        found = symmetry_of(structure)
        return f"{found.dataset.international} ({found.number})"
    except GeometryError:
        return "unknown"


def _warnings_for(calculator: Any, start: Geometry, structure: Geometry, cell: bool) -> list[str]:
    """Return what a reader should know of a relaxed structure, as sentences."""
    said = volume_warnings(_volume_change(start, structure))
    count = sum(structure.periodic)
    if count < 3:
        rest = "only the atoms moved" if cell else "it is no crystal"
        said.append(f"it repeats along {count} directions: {rest}")
    domain = _domain_of(calculator)
    if count and not domain.crystals:
        said += domain.arrangement(structure)
    if domain.elements:
        first = structure.neighbours(calculator.networks.cutoff)[0]
        said += domain.warnings_for(structure, np.bincount(first, minlength=len(structure)))
    begun = [each for each in domain.too_near(start) if each not in said]
    return [*said, *(f"at the start {each}" for each in begun)]


def volume_warnings(change: float | None) -> list[str]:
    """Return what a reader should know of a relative change of the volume, if anything."""
    if change is None or abs(change) <= WARNED_VOLUME:
        return []
    return [f"the volume changed by {100 * change:.1f} % in the relaxation"]


def _volume_change(start: Geometry, end: Geometry) -> float | None:
    return None if start.volume is None or end.volume is None else end.volume / start.volume - 1

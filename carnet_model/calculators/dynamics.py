"""Simulations that end, or say so, where the potential no longer knows what it computes.

    from carnet_model.calculators.dynamics import DomainMonitor

    dynamics = VelocityVerlet(atoms, 2 * units.fs)
    dynamics.attach(DomainMonitor(dynamics), interval=10)
    dynamics.run(10_000)

Two signs are read. Of an ensemble, how far its networks disagree about the forces on an atom, the
root mean square deviation of the vector: the criterion by which active learning chooses structures
(L. Zhang et al. 2019, Phys. Rev. Materials 3, 023804). Of any potential, atoms nearer to each
other than any of their elements in training.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError
from natural_tensors.files.saving import check_suffix, write_bytes

from ..prediction.domain import NEARER, Domain
from ..structures.closest import Closest
from ..structures.geometry import CLOSEST
from ..structures.neighbours import neighbours

DISAGREEMENT = 0.3
"""eV/Å: disagreement about the force on an atom from which an ensemble is not to be trusted. In
active learning structures are commonly added from 0.05 on, and given up from 0.2 to 0.35 on."""

UNHEARD = 0.5
"""Share of the sum of the covalent radii below which atoms are too near, where no distance is
stated. The shortest bonds there are, of Cr2 (1.68 Å) and N2 (1.10 Å), have 0.60 and 0.77 of it."""

MOST = 100
"""Structures that are kept of a simulation that goes on."""

Reaction: TypeAlias = Literal["stop", "warn"]


class OutsideDomainError(InputError, RuntimeError):
    """A simulation has come where its potential is not to be trusted.

    Attributes:
        atoms: the structure.
        step: number of the step.
    """

    def __init__(self, message: str, atoms: Atoms, step: int) -> None:
        super().__init__(message)
        self.atoms, self.step = atoms, step


class OutsideDomainWarning(UserWarning):
    """The same, of a simulation that goes on."""


def disagreement(atoms: Atoms) -> Floats | None:
    """Return how far the networks of an ensemble disagree about the force on each atom.

    Args:
        atoms: with a calculator.

    Returns:
        Root mean square deviation of the vector, eV/Å, shape ``(atoms,)``; None of a calculator
        that has no ``forces_spread``, of a single network for instance.
    """
    if "forces_spread" not in getattr(atoms.calc, "implemented_properties", ()):
        return None
    spread: Floats = np.linalg.norm(atoms.calc.get_property("forces_spread", atoms), axis=1)
    return spread


class DomainMonitor:
    """Watches a simulation, or a relaxation, of ASE: attach it as any observer.

    Args:
        dynamics: of ASE: molecular dynamics or an optimizer. Its atoms may have any calculator;
            a `CarNetCalculator` brings the distances of its training set.
        disagreement: largest disagreement about the force on an atom, eV/Å; of no effect for a
            single network.
        nearer: share of a known distance below which two atoms are too near.
        closest: the shortest distances known between elements, in angstrom by ``"Na-Cl"``; those of
            the weights when left out. Where neither states any, half the sum of the covalent radii.
        reaction: ``"stop"`` raises, ``"warn"`` warns each time the simulation leaves the domain
            and lets it go on.
        path: an extended XYZ file for the structures where it left, written as each is found; its
            comments say why. No more than `MOST` are kept.

    Attributes:
        left: the structures, with energy and forces, and ``step`` and ``reason`` in their ``info``.
        largest: the largest disagreement so far, eV/Å; None for a single network.
        nearest: the smallest share of a known distance so far.

    Raises:
        InputError: for an argument that makes no sense.
    """

    def __init__(
        self,
        dynamics: Any,
        *,
        disagreement: float = DISAGREEMENT,
        nearer: float = NEARER,
        closest: dict[str, float] | None = None,
        reaction: Reaction = "stop",
        path: str | Path | None = None,
    ) -> None:
        for name, number in (("disagreement", disagreement), ("nearer", nearer)):
            if not 0 < number < np.inf:
                raise InputError(f"{name} is {number:g}; allowed: more than 0")
        if reaction not in get_args(Reaction):
            raise InputError(f"reaction is {reaction!r}; allowed: {', '.join(get_args(Reaction))}")
        if path is not None:
            check_suffix(str(path), (".xyz", ".extxyz"))
        try:
            stated = Closest.from_dict(closest or {})
        except ValueError as error:
            raise InputError(f"closest: {error}; allowed: {{'Na-Cl': 2.5}}") from None
        self.dynamics, self.path = dynamics, path
        self.disagreement, self.nearer, self.reaction = disagreement, nearer, reaction
        own = getattr(self.atoms.calc, "domain", Domain())
        self.closest = stated.or_else(own.closest).or_else(Closest.of_radii(UNHEARD / nearer))
        self.left: list[Atoms] = []
        self.largest: float | None = None
        self.nearest = np.inf
        self._outside = False

    @property
    def atoms(self) -> Atoms:
        """The structure as it is now."""
        atoms = self.dynamics.atoms
        while not isinstance(atoms, Atoms):  # an optimizer of a cell moves a filter around them
            atoms = atoms.atoms
        return atoms

    def __call__(self) -> None:
        """Look at the structure of this step.

        Raises:
            OutsideDomainError: when it is outside, and the reaction is to stop.
        """
        atoms, step = self.atoms, int(self.dynamics.nsteps)
        reasons = [*self._disagreement(atoms), *self._distances(atoms)]
        entered, self._outside = bool(reasons) and not self._outside, bool(reasons)
        if not entered:
            return
        reason = "; ".join(reasons)
        kept = self._keep(atoms, step, reason)
        message = f"step {step} of {atoms.symbols}: {reason}"
        if kept and self.path is not None:
            message += f"\nthe structure is in {self.path}"
        if self.reaction == "stop":
            raise OutsideDomainError(
                f"{message}\nwhat the potential says from here on is not to be trusted: train on "
                "such structures, or take smaller steps, a lower temperature",
                self.left[-1],
                step,
            )
        warnings.warn(message, OutsideDomainWarning, stacklevel=2)

    def _disagreement(self, atoms: Atoms) -> list[str]:
        """Say where the networks of an ensemble disagree too much."""
        forces = disagreement(atoms)
        if forces is None:
            return []
        atom = int(np.argmax(forces))
        self.largest = max(self.largest or 0.0, float(forces[atom]))
        if forces[atom] <= self.disagreement:
            return []
        return [
            f"the networks disagree by {forces[atom]:.3g} eV/Å about the force on atom {atom} "
            f"({atoms.symbols[atom]}), more than {self.disagreement:g}"
        ]

    def _distances(self, atoms: Atoms) -> list[str]:
        """Say which atoms are nearer than any in training."""
        reach = max(self.nearer * self.closest.largest(atoms.numbers), 2 * CLOSEST)
        pairs = neighbours(
            np.asarray(atoms.positions), np.asarray(atoms.cell.array), atoms.pbc.tolist(), reach
        )
        pair = self.closest.nearest(atoms.numbers, pairs.first, pairs.second, pairs.distances)
        if pair is None:
            return []
        self.nearest = min(self.nearest, pair.share)
        if pair.share >= self.nearer:
            return []
        return [f"{pair}, the shortest that is known"]

    def _keep(self, atoms: Atoms, step: int, reason: str) -> bool:
        """Keep a structure, on disk where a path was given; say whether there was room."""
        if len(self.left) >= MOST:
            return False
        copy = atoms.copy()
        copy.info |= {"step": step, "reason": reason}
        known = {k: v for k, v in atoms.calc.results.items() if k in ("energy", "forces", "stress")}
        copy.calc = SinglePointCalculator(copy, **known)
        self.left.append(copy)
        if self.path is not None:
            text = io.StringIO()
            write(text, self.left, format="extxyz")
            write_bytes(str(self.path), text.getvalue().encode())
        return True

"""Networks as calculators of ASE: energy, forces, stress, and whatever tensors they predict.

Use it as any calculator::

from carnet_model.calculators.ase import CarNetCalculator

atoms.calc = CarNetCalculator("my-potential")
atoms.get_forces()
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    CalculationFailed,
    Calculator,
    InputError,
    PropertyNotImplementedError,
    all_changes,
)
from ase.outputs import Properties, all_outputs

from natural_tensors.arrays import Floats

from ..compiled.mode import Mode
from ..cpp.files import Precision
from ..inference.choice import own_networks
from ..inference.networks import Networks, Response, ResponseError, check_precision, potential_of
from ..network.targets import Target
from ..prediction.predictor import Predictor, load
from ..prediction.signs import of_one_sign, sign_unknown
from ..structures.conversion import geometry
from ..structures.geometry import FLATTEST, Geometry, GeometryError
from .neighbour_list import NeighbourList

VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))
"""Rows and columns of a stress in ASE's order: xx, yy, zz, yz, xz, xy."""


POTENTIAL = ("energy", "free_energy", "forces", "stress")
"""Properties of a potential; no tensor target can be called so."""

TABULATED = 12
"""Most elements that tables hold beyond those of one structure: they grow with the square."""


class CarNetCalculator(Calculator):  # type: ignore[misc] # ASE states no types
    """Properties that a network, or an ensemble of them, predicts for the atoms of ASE.

    A network with a scalar in eV that is summed over the atoms has ``energy`` and ``free_energy``
    (eV, the same number), ``forces`` (eV/Å, shape ``(atoms, 3)``) and ``stress`` (eV/Å^3, positive
    under tension, shape ``(6,)`` in ASE's order xx, yy, zz, yz, xz, xy) where the cell has a
    volume. Every other target is a property under its own key,
    ``calc.get_property("dielectric", atoms)``: all Cartesian components in the axes of the atoms,
    shape ``(3,)*rank``, or ``(atoms,) + (3,)*rank`` for a property of atoms, in the unit of the
    target. Everything is double precision.

    Of an ensemble every property is the mean; its standard deviation over the networks (n - 1),
    not scaled, is beside it: ``energy_spread``, ``forces_spread`` and so on.

    Structures may repeat along any directions, or none: a cell along which ``pbc`` is False makes
    no images.

    Args:
        model: a name of weights that come with the package, the folder of a checkpoint, or a
            `Predictor`, which stays as it is.
        precision: ``"double"`` or ``"single"``.
        skin: the neighbour list reaches this much beyond the cutoff, in angstrom, and is kept
            until atoms or cell have moved so far that a pair might be missing; 0 builds it anew
            for every change. Results do not depend on it.
        compile: as in `compilation.compile_kernels`: ``"auto"``, ``"always"`` or ``"never"``.
        program: ``"auto"`` runs the C++ program of the checkpoint where it is built (``carnet
            build``), unless `compile` says something of PyTorch; ``"always"`` builds it now if
            need be; ``"never"`` is PyTorch. Results are equal to rounding.
        tables: read radial weights off tables (`radial_tables.tabulate`), made for the elements
            that occur when they first occur, and anew for those of one structure where they
            would hold more than `TABULATED`: faster in long runs, forces to 1e-5 of the largest.
            For many different crystals in turn leave it out.

    Attributes:
        neighbours: the neighbour list of the last structure.
        rebuilds: how often it was built.
        networks: what computes.
        domain: what the networks were trained on.
        tabulated: atomic numbers that the tables hold.
        compilation: one line that says why nothing was compiled; None when it was, with
            ``"never"``, and for a C++ program.

    Raises:
        ModelError: when there is no such model, or no such precision.
        ProgramError: when the C++ program is always to be taken, and cannot be built.
        InputError: for another argument that makes no sense, for elements that the weights do not
            know, and for a structure that cannot exist.
        PropertyNotImplementedError: for a property that the networks do not predict, or that this
            structure does not have: without a volume no stress and no property of crystals.
        CalculationFailed: when a number is not finite, or a bond too short for the tables.
    """

    ignored_changes = frozenset({"initial_charges", "initial_magmoms"})

    def __init__(
        self,
        model: str | Path | Predictor,
        *,
        precision: Precision = "double",
        skin: float = 0.5,
        compile: Mode = "auto",  # noqa: A002 - the word of the configuration
        tables: bool = False,
        program: Mode = "auto",
    ) -> None:
        if not 0 <= skin < np.inf:
            raise InputError(f"skin is {skin:g} Å; allowed: 0 and more")
        if compile not in get_args(Mode):
            raise InputError(f"compile is {compile!r}; allowed: {', '.join(get_args(Mode))}")
        if program not in get_args(Mode):
            raise InputError(f"program is {program!r}; allowed: {', '.join(get_args(Mode))}")
        check_precision(precision)
        super().__init__()
        chosen = "never" if program == "auto" and compile != "auto" else program
        if isinstance(model, Predictor):
            self.networks = own_networks(
                model.networks, precision, chosen, model.record.get("elements") or ()
            )
            given = model
        else:
            given = load(model, precision=precision, program=chosen)
            self.networks = given.networks
        self.domain, self._title = given.domain, given.title
        energy = _energy(self.networks)
        self._energy_key = None if energy is None else energy.key
        self._potential = energy is not None
        self._tensors = {each.key: each for each in self.networks.targets if each != energy}
        self._signless = {key for key in self._tensors if sign_unknown(given.record, key)}
        taken = sorted(self._tensors.keys() & set(POTENTIAL))
        if taken:
            raise InputError(
                f"{self._title}: predicts {', '.join(taken)} with unit and pooling "
                f"{[(self._tensors[k].unit, self._tensors[k].pooling) for k in taken]}, which is "
                "not what ASE calls so: give that target a title, or use a Predictor"
            )
        names = [*(POTENTIAL if self._potential else ()), *self._tensors]
        spreads = [f"{name}_spread" for name in names if name != "free_energy"]
        self.implemented_properties = names + (spreads if self.networks.count > 1 else [])
        self._crystals = {
            name
            for name, target in self._tensors.items()
            if target.pooling == "mean" and self.networks.needs_volume
        }
        self.compilation = self.networks.compile(compile)
        self._made_by = {"precision": precision, "compile": compile, "program": program}
        self._tables = tables
        self.tabulated: frozenset[int] = frozenset()
        self.neighbours = NeighbourList(self.networks.cutoff, float(skin))

    @property
    def rebuilds(self) -> int:
        """How often the neighbour list was built."""
        return self.neighbours.builds

    def _get_name(self) -> str:
        return "carnet"

    def __repr__(self) -> str:
        return f"CarNetCalculator({self._title}: {', '.join(self.implemented_properties)})"

    def set(self, **settings: object) -> dict[str, object]:
        """Refuse: a calculator stays as it was made.

        Raises:
            InputError: for any setting.
        """
        if settings:
            raise InputError(f"{', '.join(settings)} cannot be set: make another CarNetCalculator")
        return {}

    def todict(self, skip_default: bool = True) -> dict[str, str | float | bool]:
        """Return how the calculator was made, for ASE's databases."""
        return {
            "model": self._title,
            **self._made_by,
            "skin": self.neighbours.skin,
            "tables": self._tables,
        }

    def export_properties(self) -> Properties:
        """Return the results that ASE has a name for."""
        return Properties({k: value for k, value in self.results.items() if k in all_outputs})

    def get_property(
        self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True
    ) -> Any:
        """Return a property, a number or an array, computed unless it is known for these atoms.

        Args:
            name: one of `implemented_properties`.
            atoms: the structure; that of the last calculation when omitted.
            allow_calculation: otherwise None is returned for what is not known.

        Raises:
            PropertyNotImplementedError: when the networks, or these atoms, do not have it.
        """
        self._refuse_unknown([name])
        return super().get_property(name, atoms, allow_calculation)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = (),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute all properties that the structure has into `results`.

        Args:
            atoms: the structure; that of the last calculation when omitted.
            properties: those that must be among them.
            system_changes: what changed since the last calculation, in ASE's words.

        Raises:
            InputError, PropertyNotImplementedError, CalculationFailed: see the class.
        """
        super().calculate(atoms, properties, system_changes)
        if self.atoms is None:
            raise InputError("there are no atoms yet: pass atoms, or set atoms.calc")
        if system_changes:
            self.results = {}
        self._refuse_unknown(properties)
        requested = {name.removesuffix("_spread") for name in properties}
        missing = self._missing(self.atoms)
        for name in missing:
            if name in requested:
                raise PropertyNotImplementedError(f"{name} of {self.atoms.symbols}{missing[name]}")
        members = self._members(self.atoms, stress=self._potential and "stress" not in missing)
        for name in [key for key in members[0] if key not in missing]:
            values = np.stack([member[name] for member in members])
            if not np.isfinite(values).all():
                raise CalculationFailed(
                    f"{name} of {self.atoms.symbols}: the network returned a number that is not "
                    "finite; the structure is far from all it was trained on: check units and "
                    "distances"
                )
            if name in self._signless:
                values = of_one_sign(values, per_atom=self._tensors[name].pooling == "atoms")
            self.results[name] = _number_or_array(values.mean(axis=0))
            if len(values) > 1:
                self.results[f"{name}_spread"] = _number_or_array(values.std(axis=0, ddof=1))
        if self._potential:
            self.results["free_energy"] = self.results["energy"]

    def _refuse_unknown(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.implemented_properties:
                raise PropertyNotImplementedError(
                    f"{self._title} does not predict {name!r}; it predicts "
                    f"{', '.join(self.implemented_properties)}: other properties take other weights"
                )

    def _missing(self, atoms: Atoms) -> dict[str, str]:
        """Return the properties that a structure does not have, and why."""
        missing: dict[str, str] = {}
        if not _has_volume(atoms):
            reason = (
                f" needs the volume of a cell, and the lattice vectors are "
                f"{atoms.cell.array.tolist()}: set atoms.cell to three that span a volume (along a "
                "direction without repetition, the thickness)"
            )
            missing = dict.fromkeys(("stress", *self._crystals), reason)
        elif not atoms.pbc.any():
            reason = (
                " is a property of crystals, and it repeats along no direction: set atoms.pbc "
                "where it does"
            )
            missing = dict.fromkeys(self._crystals, reason)
        if not len(atoms):
            means = (name for name, target in self._tensors.items() if target.pooling == "mean")
            missing |= dict.fromkeys(means, " is a mean over atoms, and there are none")
        return missing

    def _members(self, atoms: Atoms, *, stress: bool) -> list[dict[str, Floats]]:
        """Return the properties that each network predicts."""
        if not len(atoms):
            return [self._without_atoms(stress) for _ in range(self.networks.count)]
        if not self.neighbours.fit(atoms) or (self._tables and not self.tabulated):
            self.neighbours.build(self._accepted(atoms))
        graph = self.neighbours.graph(atoms)
        keys = [*self._tensors, *([self._energy_key] if self._energy_key is not None else [])]
        try:
            response = self.networks.respond([graph], keys, derivatives=self._potential)
        except ResponseError as error:
            raise CalculationFailed(f"{atoms.symbols}: {error}") from error
        volume = abs(float(np.linalg.det(graph.cell)))
        return [
            self._in_ase_form(response, member, volume if stress else None)
            for member in range(self.networks.count)
        ]

    def _accepted(self, atoms: Atoms) -> Geometry:
        """Return the structure as the network takes it; tables hold its elements afterwards."""
        try:
            structure = geometry(atoms)
        except GeometryError as error:
            raise InputError(str(error)) from error
        unknown = self.domain.unknown(structure.numbers)
        if unknown:
            raise InputError(
                f"{structure.name}: these weights do not know {', '.join(unknown)}\n"
                f"they know {self.domain.known}; other elements take other weights"
            )
        present = frozenset(structure.numbers.tolist())
        if self._tables and not present <= self.tabulated:
            elements = self.tabulated | present
            if len(elements) > TABULATED:
                elements = present
            self.tabulated = frozenset()  # until they are made: an interruption leaves half of them
            try:
                self.networks.tabulate(sorted(elements))
            except ResponseError as error:
                raise InputError(f"tables: True, but {error}; choose tables=False") from error
            self.tabulated = elements
        return structure

    def _in_ase_form(
        self, response: Response, member: int, volume: float | None
    ) -> dict[str, Floats]:
        """Return what one network computed in the units and shapes of ASE."""
        results: dict[str, Floats] = {}
        for name, target in self._tensors.items():
            values = np.asarray(target.reduction.unpack(response.packed[name][member]))
            results[name] = values if target.pooling == "atoms" else np.asarray(values[0])
        if self._energy_key is not None and response.forces is not None:
            results["energy"] = response.packed[self._energy_key][member, 0, 0].reshape(())
            results["forces"] = response.forces[member]
            if volume is not None and response.strain_derivatives is not None:
                results["stress"] = response.strain_derivatives[member, 0][VOIGT] / volume
        return results

    def _without_atoms(self, stress: bool) -> dict[str, Floats]:
        """Return the properties of a structure without atoms: zeros."""
        results: dict[str, Floats] = {}
        if self._potential:
            results = {"energy": np.zeros(()), "forces": np.zeros((0, 3))}
        if stress:
            results["stress"] = np.zeros(6)
        for name, target in self._tensors.items():
            shape = (3,) * target.reduction.rank
            results[name] = np.zeros((0, *shape) if target.pooling == "atoms" else shape)
        return results


def _energy(networks: Networks) -> Target | None:
    """Return the target that is an energy in eV, the only unit that ASE knows."""
    target = potential_of(networks.targets)
    return target if target is not None and target.unit == "eV" else None


def _number_or_array(values: Floats) -> float | Floats:
    return values if values.ndim else float(values)


def _has_volume(atoms: Atoms) -> bool:
    box = atoms.cell.array
    if not np.isfinite(box).all():
        return False
    edges = float(np.prod(np.linalg.norm(box, axis=1)))
    return bool(abs(np.linalg.det(box)) > FLATTEST * edges > 0)

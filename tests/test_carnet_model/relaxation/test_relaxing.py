"""Relaxation under any calculator: to rest, symmetric, and to a reason whatever goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.relaxation.relaxing import (
    InterruptedRelaxation,
    RelaxationError,
    Step,
    relax,
)
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.symmetry import symmetry_of

COPPER = geometry(bulk("Cu", "fcc", a=3.7), name="copper")
AT_REST = 3.59  # Å, copper of effective medium theory


class Odd(EMT):  # type: ignore[misc] # ASE states no types
    """Effective medium theory that goes wrong from some call on."""

    def __init__(self, after: int, how: str) -> None:
        super().__init__()
        self.after, self.how, self.calls = after, how, 0
        self.draw = np.random.default_rng(0)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        self.calls += 1
        super().calculate(atoms, properties, system_changes)
        if self.how == "noise":
            self.results["forces"] += self.draw.normal(scale=0.02, size=(len(self.atoms), 3))
        if self.calls <= self.after:
            return
        if self.how == "raises":
            raise ValueError("too far\nfrom all it knows")
        if self.how == "interrupts":
            raise KeyboardInterrupt
        if self.how == "no number":
            self.results["forces"] = self.results["forces"] * np.nan
        if self.how == "inflates":
            self.results["stress"] = np.array([-0.5, -0.5, -0.5, 0, 0, 0])
        if self.how == "attracts":
            gap = self.atoms.positions[1] - self.atoms.positions[0]
            self.results["forces"] = np.array([gap, -gap]) * 20


class Stressless(EMT):  # type: ignore[misc] # ASE states no types
    implemented_properties = ("energy", "forces")


def volume(structure: Geometry) -> float:
    return float(abs(np.linalg.det(structure.cell)))


def test_a_crystal_comes_to_rest_and_says_how() -> None:
    steps: list[Step] = []
    found = relax(EMT(), COPPER, tell=steps.append)
    assert found.converged
    assert found.at_rest() is found.structure
    assert found.structure.volume == pytest.approx(AT_REST**3 / 4, rel=2e-3)
    assert found.volume_change == pytest.approx(volume(found.structure) / volume(COPPER) - 1)
    assert found.largest_force < 0.005
    assert found.residual_stress is not None
    assert found.residual_stress < 0.1
    assert found.name == "copper"
    assert [step.number for step in steps] == list(range(found.steps + 1))
    assert steps[0].force > 0.005 > steps[-1].force
    assert found.energy_change == pytest.approx(steps[-1].energy - steps[0].energy)
    assert found.energy_change < 0
    text = "\n".join(found.lines())
    for words in (f"converged after {found.steps} steps", "Fm-3m (225), kept", "eV an atom"):
        assert words in text


def test_what_json_holds_is_read_as_the_relaxed_structure() -> None:
    found = relax(EMT(), COPPER)
    document = found.to_dict()
    again = geometry(document)
    np.testing.assert_array_equal(again.positions, found.structure.positions)
    np.testing.assert_array_equal(again.cell, found.structure.cell)
    assert again.name == "copper"
    assert document["converged"] is True
    assert document["reason"] is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_symmetry_is_kept_against_noise(sign: float) -> None:
    # the same crystal by a left-handed cell too
    start = geometry(bulk("Cu", "hcp", a=2.6, c=4.3))
    start = Geometry(start.numbers, sign * start.positions, sign * start.cell, start.periodic)
    kept = relax(Odd(0, "noise"), start, steps=10)
    lost = relax(Odd(0, "noise"), start, steps=10, symmetry=False)
    assert symmetry_of(kept.structure, symprec=1e-6).number == 194
    assert symmetry_of(lost.structure, symprec=1e-6).number < 194
    assert kept.symmetry == "P6_3/mmc (194), kept"
    assert "not held" in lost.symmetry


def test_pressure_and_a_fixed_cell() -> None:
    pressed = relax(EMT(), COPPER, pressure=20.0)
    assert pressed.converged
    assert pressed.stress is not None
    np.testing.assert_allclose(np.diag(pressed.stress), -20, atol=0.1)
    assert volume(pressed.structure) < 0.95 * AT_REST**3 / 4
    assert "beyond the pressure of 20 GPa" in pressed.lines()[0]
    fixed = relax(EMT(), COPPER, cell=False)
    assert fixed.converged
    assert fixed.volume_change == 0
    assert fixed.residual_stress is not None
    assert fixed.residual_stress > 1
    assert "the cell is fixed" in "\n".join(fixed.lines())


def test_a_crystal_that_does_not_come_to_rest_is_kept() -> None:
    found = relax(EMT(), COPPER, steps=1)
    assert not found.converged
    assert found.steps == 1
    assert found.structure.volume != COPPER.volume
    assert found.lines()[0].startswith("NOT converged after 1 steps")
    with pytest.raises(RelaxationError, match=r"copper: it did not come to rest.*--steps"):
        found.at_rest()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raises", "the calculator failed after step 2: too far from all it knows"),
        ("no number", "returned no number"),
        ("inflates", "its volume became"),
        ("attracts", "it collapsed at step"),
    ],
)
def test_what_goes_wrong_under_way_leaves_the_last_structure(how: str, words: str) -> None:
    start = geometry(bulk("Cu", "hcp", a=2.7, c=4.4))
    found = relax(Odd(3, how), start, symmetry=False)
    assert words in found.reason
    assert found.steps >= 2
    assert found.structure is not start
    assert np.isfinite(found.forces).all()


def test_an_interruption_holds_what_was_reached() -> None:
    with pytest.raises(InterruptedRelaxation) as caught:
        relax(Odd(3, "interrupts"), COPPER)
    reached = caught.value.relaxation
    assert reached.reason == "interrupted at step 2"
    assert reached.start is COPPER


def test_molecules_gases_and_calculators_that_cannot_start() -> None:
    water = Atoms("Cu2", [[0, 0, 0], [2.4, 0, 0]])
    found = relax(EMT(), geometry(water))
    assert found.converged
    assert found.stress is None
    assert found.volume_change is None
    assert any("repeats along 0 directions: only the atoms moved" in w for w in found.warnings)
    assert "not held: it repeats along 0 directions" in found.symmetry
    gas = water.copy()
    gas.center(6)
    gas.pbc = True
    with pytest.raises(RelaxationError, match=r"separate molecules.*\n.*--fixed-cell"):
        relax(EMT(), geometry(gas))
    assert relax(EMT(), geometry(gas), cell=False).converged
    with pytest.raises(RelaxationError, match="no stress"):
        relax(Stressless(), COPPER)
    assert relax(Stressless(), COPPER, cell=False).stress is None
    with pytest.raises(RelaxationError, match=r"cannot compute it: .*EMT"):
        relax(EMT(), geometry(bulk("Si")))
    with pytest.raises(RelaxationError, match=r"does not know Cu\nit knows Si"):
        relax(CarNetCalculator("silicon"), COPPER)


def test_what_a_potential_has_not_seen_is_said() -> None:
    dense = geometry(bulk("Si", a=3.9))
    found = relax(CarNetCalculator("silicon"), dense, cell=False)
    assert any("range of the training set" in warning for warning in found.warnings)
    assert any("too near or many" in warning for warning in found.warnings)
    assert not [warning for warning in found.warnings if "at the start" in warning]
    freed = relax(CarNetCalculator("silicon"), dense)
    (said,) = [warning for warning in freed.warnings if "at the start" in warning]
    assert said.startswith("at the start atoms 0 (Si) and 1 (Si) are 1.69 Å apart")

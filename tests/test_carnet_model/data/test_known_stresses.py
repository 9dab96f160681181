"""Frames with stresses from moduli: those of a crystal that obeys its moduli, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from scipy.optimize import brentq

from carnet_model.calculators.elastic_constants import elastic_constants_of
from carnet_model.calculators.finite_differences import ion_response
from carnet_model.calculators.named import calculator_named
from carnet_model.data.known_stresses import held_by_symmetry, known_stresses, pressure
from carnet_model.data.records import LABELLED, THERE_ALREADY, record_of
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.units import EV_PER_A3
from natural_tensors import elasticity
from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError
from natural_tensors.files.saving import FileError


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def record(atoms: Atoms, **known: Any) -> dict[str, Any]:
    crystal = geometry(atoms)
    return record_of(crystal) | {"id": crystal.formula} | known


def test_a_potential_agrees_with_the_stresses_of_its_own_moduli(tmp_path: Path) -> None:
    """Effective medium theory as if it were DFT: fcc, whose ions are held."""
    crystal = bulk("Pd", "fcc", a=brentq(_tension, 3.8, 4.0))
    found = elastic_constants_of(EMT(), geometry(crystal))
    stiffness = np.asarray(found.prediction.stiffness)
    modulus = float(elasticity.moduli(stiffness).bulk_hill)
    source = tmp_path / "a.json"
    source.write_text(
        json.dumps([record(crystal, C=stiffness[np.triu_indices(6)].tolist(), K_VRH=modulus)])
    )
    output = tmp_path / "known.jsonl"
    assert known_stresses([source], output) == {LABELLED: 7}
    made = rows(output)
    assert [row["kind"] for row in made] == ["rest", "press", "press", *["strain"] * 4]
    found_stresses, known = [], []
    for row in made:
        atoms = Atoms(
            row["numbers"], positions=row["positions"], cell=row["lattice"], pbc=True,
            calculator=EMT(),
        )  # fmt: skip
        found_stresses.append(atoms.get_stress(voigt=False) * EV_PER_A3)
        known.append(np.array(row["stress"]) * EV_PER_A3)
        np.testing.assert_allclose(atoms.get_forces(), row["forces"], atol=1e-6)
    np.testing.assert_allclose(found_stresses[0], 0, atol=1e-5)
    for place in (1, 2):  # the potential hardens as it does, not by 4.5
        np.testing.assert_allclose(found_stresses[place], known[place], rtol=0.08, atol=1e-5)
    for place in (3, 5):  # of both signs, what is beyond the stiffness is of third order
        odd = (found_stresses[place] - found_stresses[place + 1]) / 2
        assert np.abs(odd - known[place]).max() < 0.01 * np.abs(known[place]).max()


def lonsdaleite() -> Atoms:
    """Hexagonal silicon, in which the layers of a double layer are as far apart as they like."""
    atoms = bulk("SiC", "wurtzite", a=3.84, c=6.3)
    atoms.numbers[:] = 14
    return atoms


@pytest.mark.parametrize("atoms", [bulk("Si"), lonsdaleite()], ids=["diamond", "lonsdaleite"])
def test_ions_that_symmetry_does_not_hold_move_as_a_potential_says(
    atoms: Atoms, tmp_path: Path
) -> None:
    """Silicon under its own potential: a shear moves the atoms against each other."""
    potential = calculator_named("silicon")
    found = elastic_constants_of(potential, geometry(atoms))
    crystal = found.prediction.structure.to_ase(None)
    stiffness = np.asarray(found.prediction.stiffness)
    source, output = tmp_path / "a.json", tmp_path / "known.jsonl"
    source.write_text(json.dumps([record(crystal, C=stiffness[np.triu_indices(6)].tolist())]))
    assert known_stresses([source], output) == {LABELLED: 1}
    found_there = {LABELLED: 4, THERE_ALREADY: 1}
    assert known_stresses([source], output, ions=ion_response(potential)) == found_there
    stresses = []
    for row in rows(output)[1:]:
        atoms = Atoms(
            row["numbers"], positions=row["positions"], cell=row["lattice"], pbc=True,
            calculator=potential,
        )  # fmt: skip
        # clamped ions have forces of 0.1 eV/Å; what is left is of second order
        assert np.abs(atoms.get_forces()).max() < 0.01
        stresses.append(atoms.get_stress(voigt=False) * EV_PER_A3)
    known = [np.array(row["stress"]) * EV_PER_A3 for row in rows(output)[1:]]
    for place in (0, 2):
        odd = (stresses[place] - stresses[place + 1]) / 2
        assert np.abs(odd - known[place]).max() < 0.01 * np.abs(known[place]).max()


def test_crystals_whose_ions_do_not_come_to_rest_or_move_too_far_are_counted(
    tmp_path: Path,
) -> None:
    def lost(structure: Geometry) -> Floats:
        raise InputError("no minimum")

    stiffness = np.diag([160.0, 160, 160, 80, 80, 80])
    source, output = tmp_path / "a.json", tmp_path / "known.jsonl"
    source.write_text(
        json.dumps([record(bulk("Si"), C=stiffness[np.triu_indices(6)].tolist(), K_VRH=90)])
    )
    # at rest and two under pressure, for which no ion moves
    assert known_stresses([source], output, ions=lost) == {LABELLED: 3, "ions not at rest": 1}
    far = known_stresses([source], output, ions=lambda structure: np.full((6, 6), 100.0))
    assert far == {THERE_ALREADY: 3, "ions move too far": 4}


def test_a_run_that_was_ended_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    fcc = [bulk(name, "fcc", a=a) for name, a in (("Pd", 3.9), ("Au", 4.1), ("Ag", 4.1))]
    source.write_text(json.dumps([record(atoms, K_VRH=150) for atoms in fcc]))
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    assert known_stresses([source], whole) == {LABELLED: 9}
    content = whole.read_text()
    cut.write_text(content[: 4 * len(content) // 9])  # within a line
    again = known_stresses([source], cut)
    assert again[LABELLED] + again[THERE_ALREADY] == 9
    assert again[THERE_ALREADY] == 4
    assert cut.read_text() == content
    parts = tmp_path / "parts.jsonl"
    written = [known_stresses([source], parts, part=(n, 2))[LABELLED] for n in (1, 2)]
    assert sum(written) == 9
    assert sorted(parts.read_text().splitlines()) == sorted(content.splitlines())


def test_a_crystal_of_two_files_has_each_frame_once(tmp_path: Path) -> None:
    """Its compressions from where K is known, its strains from where the tensor is."""
    stiffness = np.diag([300.0, 300, 300, 100, 100, 100])
    stiffness[:3, :3] += 100 * (1 - np.eye(3))
    gold, output = bulk("Au", "fcc", a=4.1), tmp_path / "known.jsonl"
    sources = [tmp_path / "a.json", tmp_path / "b.json"]
    sources[0].write_text(json.dumps([record(gold, K_VRH=170)]))
    sources[1].write_text(json.dumps([record(gold, C=stiffness[np.triu_indices(6)].tolist())]))
    assert known_stresses(sources, output) == {LABELLED: 7, THERE_ALREADY: 1}
    assert [row["kind"] for row in rows(output)] == ["rest", "press", "press", *["strain"] * 4]


def _tension(a: float) -> float:
    atoms = bulk("Pd", "fcc", a=a)
    atoms.calc = EMT()
    return float(np.trace(atoms.get_stress(voigt=False)))


def test_a_crystal_under_pressure_yields_as_its_stiffness_says(tmp_path: Path) -> None:
    """Zinc, soft along c: its stiffness times the strain is the pressure all round."""
    zinc = bulk("Zn", "hcp", a=2.66, c=4.95)
    stiffness = np.diag([179.0, 179, 69, 46, 46, 71.5])
    stiffness[0, 1] = stiffness[1, 0] = 36
    stiffness[:2, 2] = stiffness[2, :2] = 55
    source, output = tmp_path / "a.json", tmp_path / "known.jsonl"
    source.write_text(json.dumps([record(zinc, K_VRH=70)]))
    assert known_stresses([source], output) == {LABELLED: 1}  # its shape is not known
    known = record(zinc, K_VRH=70, C=stiffness[np.triu_indices(6)].tolist())
    source.write_text(json.dumps([known]))
    assert known_stresses([source], output) == {LABELLED: 2, THERE_ALREADY: 1}
    for row in rows(output)[1:]:
        strain = np.linalg.solve(zinc.cell.array, row["lattice"]) - np.eye(3)
        by_stiffness = stiffness[:3, :3] @ np.diag(strain)
        stated = np.array(row["stress"]) * EV_PER_A3
        pull = stated[0, 0]
        np.testing.assert_allclose(stated, pull * np.eye(3), atol=1e-9)
        # a volume changes by 5.4 % at most; (K' + 1) / 2 of that is what the stiffness leaves out
        np.testing.assert_allclose(by_stiffness, pull, rtol=0.15)


def test_pressure_is_the_modulus_at_rest_and_its_derivative() -> None:
    small = 1e-4
    slope = (pressure(80.0, 1 - small) - pressure(80.0, 1 + small)) / (2 * small)
    assert slope == pytest.approx(80.0, rel=1e-5)
    moduli = [
        -(pressure(80.0, v + 1e-5) - pressure(80.0, v - 1e-5)) / 2e-5 * v for v in (0.99, 1.01)
    ]
    change = (moduli[0] - moduli[1]) / (pressure(80.0, 0.99) - pressure(80.0, 1.01))
    assert change == pytest.approx(4.5, rel=1e-3)


@pytest.mark.parametrize(
    ("atoms", "expected"),
    [
        (bulk("CsCl", "cesiumchloride", a=4.1), (True, True)),
        (bulk("GaAs", "zincblende", a=5.65), (True, False)),
        (bulk("Mg", "hcp", a=3.2, c=5.2), (True, False)),
        (bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.38), (False, False)),
    ],
)
def test_what_symmetry_holds(atoms: Atoms, expected: tuple[bool, bool]) -> None:
    assert held_by_symmetry(geometry(atoms)) == expected


def test_doubtful_labels_and_other_parts_are_left_out(tmp_path: Path) -> None:
    stiffness = np.diag([300.0, 300, 300, 100, 100, 100])
    stiffness[:3, :3] += 100 * (1 - np.eye(3))
    upper = stiffness[np.triu_indices(6)].tolist()
    gold = bulk("Au", "fcc", a=4.1)
    records = [
        record(gold, K_VRH_mp2025=100, K_VRH_matbench=150),  # vintages differ
        record(gold, C=upper, suspect=True) | {"id": "mp-1"},
        record(bulk("AlP", "zincblende", a=5.5), K_VRH=80),  # reserved
        record(gold.repeat((2, 2, 1))),
        {"id": "none", "formula": "Au"},
    ]
    source, output = tmp_path / "a.json", tmp_path / "known.jsonl"
    source.write_text(json.dumps(records))
    assert known_stresses([source], output, most_atoms=2) == {
        LABELLED: 2,
        "not for training": 1,
        "too large": 1,
        "unreadable": 1,
    }
    assert {row["kind"] for row in rows(output)} == {"rest"}
    with pytest.raises(FileError, match="jsonl"):
        known_stresses([source], tmp_path / "a.json")

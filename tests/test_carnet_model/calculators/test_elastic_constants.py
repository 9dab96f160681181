"""Crystals under a potential: relaxed, and their elastic constants two ways."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import write

import carnet_model
from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.elastic_constants import (
    elastic_constants,
    elastic_constants_of,
    from_finite_strains,
)
from carnet_model.potentials.second_derivatives import MechanicsError
from carnet_model.prediction.predictor import Predictor
from carnet_model.relaxation.relaxing import RelaxationError, relax
from carnet_model.structures.conversion import geometry
from carnet_model.training import sample_cache
from carnet_model.training.config_reading import make_config
from carnet_model.training.run import train
from natural_tensors import elasticity
from tests.helpers.command_lines import carnet

pytestmark = pytest.mark.slow

CELLS = {"fcc": bulk("Cu", "fcc", a=3.61), "hcp": bulk("Cu", "hcp", a=2.56, c=4.18)}


@pytest.fixture(scope="module")
def copper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A potential that learnt the effective medium theory of copper, roughly."""
    folder = tmp_path_factory.mktemp("copper")
    generator = np.random.default_rng(0)
    bodies = []
    for number in range(40):
        body = CELLS["hcp" if number % 2 else "fcc"].copy()
        strain = 0.03 * generator.normal(size=(3, 3))
        body.set_cell(body.cell @ (np.eye(3) + strain + strain.T), scale_atoms=True)
        body.positions += 0.1 * generator.normal(size=body.positions.shape)
        body.calc = EMT()
        body.get_forces(), body.get_stress()
        bodies.append(body)
    write(folder / "copper.xyz", bodies, format="extxyz")
    labels = {"energy": {}, "forces": {}, "stress": {"form": "voigt", "unit": "eV/A^3"}}
    config = make_config(
        {
            "target": "energy",
            "data": [{"path": "copper.xyz", "labels": labels}],
            "network": {
                "channels": 8, "layers": 1, "weight": 2, "body_order": 3, "radial": 6,
                "radial_hidden": 8, "embedding": 4, "head_hidden": 8, "cutoff": 4.0,
            },
            "loss": {"stress": 10},
            "epochs": 80, "batch": 4, "threads": 1, "ema": 0.9, "seed": 1,
            "optimizer": {"lr": 0.02, "warmup_steps": 10},
        },
        folder=folder,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_cache, "cache_folder", lambda: folder / "cache")
        return train(config, progress=False).checkpoint


@pytest.fixture(scope="module")
def predictor(copper: Path) -> Predictor:
    return carnet_model.load(copper, precision="double")


def strained(name: str) -> Atoms:
    body = CELLS[name].copy()
    body.set_cell(body.cell * 1.01, scale_atoms=True)
    return body


@pytest.mark.parametrize("name", CELLS)
def test_two_ways_to_the_elastic_constants(predictor: Predictor, name: str) -> None:
    found = elastic_constants(predictor, geometry(strained(name)), force=1e-4)
    stiffness = found.prediction.stiffness
    assert stiffness is not None
    other = from_finite_strains(
        CarNetCalculator(predictor), found.prediction.structure, strain=2e-3, force=1e-5
    )
    # finite strains err by strain^2 times fifth-order constants: some 1e-4 of the largest
    np.testing.assert_allclose(stiffness, other, rtol=0, atol=2e-3 * np.abs(other).max())
    assert found.mechanics is not None
    assert np.abs(found.mechanics.stress).max() < 0.01
    assert elasticity.is_stable(stiffness)
    softening = np.abs(found.mechanics.clamped - stiffness).max()
    # every atom of fcc is a centre of inversion, those of hcp are none: only these move
    assert (softening > 0.5) == (name == "hcp")
    assert found.volume_change < 0


def test_the_potential_is_about_that_it_learnt(predictor: Predictor) -> None:
    """Effective medium theory by finite strains: the bulk modulus to a quarter."""
    found = elastic_constants(predictor, geometry(CELLS["fcc"])).prediction
    exact = relax(EMT(), geometry(CELLS["fcc"])).at_rest()
    truth = elasticity.moduli(from_finite_strains(EMT(), exact))
    assert found.moduli is not None
    assert found.moduli.bulk_hill == pytest.approx(truth.bulk_hill, rel=0.25)
    assert found.structure.volume == pytest.approx(exact.volume, rel=0.02)


def test_what_is_not_relaxed_is_refused(predictor: Predictor) -> None:
    moved = CELLS["hcp"].copy()
    moved.positions[0] += [0.2, 0, 0]
    with pytest.raises(MechanicsError, match="relax the structure"):
        elastic_constants(predictor, geometry(moved), relaxed=False)
    with pytest.raises(RelaxationError, match=r"are left after 1 steps.*--force"):
        relax(CarNetCalculator(predictor), geometry(moved), force=1e-9, steps=1).at_rest()


def test_any_calculator_gives_what_the_second_derivatives_do(predictor: Predictor) -> None:
    calculator = CarNetCalculator(predictor)
    found = elastic_constants_of(calculator, geometry(strained("hcp")), title="theirs")
    exact = elastic_constants(predictor, geometry(strained("hcp")))
    assert found.mechanics is None
    assert found.prediction.model == "theirs"
    assert found.volume_change == pytest.approx(exact.volume_change, abs=1e-4)
    theirs, ours = found.prediction.stiffness, exact.prediction.stiffness
    assert theirs is not None
    assert ours is not None
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-2 * np.abs(ours).max())


def test_any_calculator_refuses_what_is_not_at_rest() -> None:
    moved = CELLS["hcp"].copy()
    moved.positions[0] += [0.2, 0, 0]
    with pytest.raises(MechanicsError, match="relax the structure"):
        elastic_constants_of(EMT(), geometry(moved), relaxed=False)
    with pytest.raises(MechanicsError, match="repeats along 0 directions"):
        elastic_constants_of(EMT(), geometry(molecule("H2O")))


def test_the_command(copper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("cu.cif", CELLS["fcc"])
    shown = carnet("elastic", "cu.cif", "-m", str(copper), "--by-strain").stdout
    for words in ("in the relaxation", "bulk modulus", "largest difference", "mechanically stable"):
        assert words in shown
    document = json.loads(carnet("elastic", "cu.cif", "-m", str(copper), "--json").stdout)
    assert np.array(document["elastic"][0]["stiffness"]).shape == (6, 6)
    assert "needed: energy, forces" in carnet("elastic", "cu.cif", "-m", "elastic", code=2).stderr
    assert "no such" in carnet("elastic", "none.cif", "-m", str(copper), code=1).stderr
    write("water.xyz", molecule("H2O"))
    write("si.cif", bulk("Si"))
    for file, words in (
        ("water.xyz", "repeats along 0 directions"),
        ("si.cif", "does not know Si"),
    ):
        assert words in carnet("elastic", file, "-m", str(copper), code=1).stderr

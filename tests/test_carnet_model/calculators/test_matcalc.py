"""matcalc itself: its elastic constants with our calculator, and the network in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from pymatgen.io.ase import AseAtomsAdaptor

import carnet_model
from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.elastic_constants import elastic_constants
from carnet_model.prediction.result import PredictionError
from carnet_model.structures.conversion import geometry
from carnet_model.structures.units import EV_PER_A3
from carnet_model.weights.shipped import ModelError
from tests.helpers.paths import STRUCTURES

pytest.importorskip("matcalc")

from matcalc import ChainedCalc, ElasticityCalc, RelaxCalc

from carnet_model.calculators.matcalc import CarNetElasticityCalc

if TYPE_CHECKING:
    from natural_tensors.arrays import Floats

# what it imports is deprecated here and there
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

OF_A_FIT = {"residuals_sum", "r2_score_mean"}
CLOSE = {"relax_deformed_structures": True, "fmax": 1e-4, "r2_min": -1, "relax_structure": False}


@pytest.fixture(scope="module")
def relaxed() -> Atoms:
    """Silicon where its potential is at rest."""
    result = RelaxCalc(CarNetCalculator("silicon"), fmax=1e-4).calc(bulk("Si"))
    atoms: Atoms = AseAtomsAdaptor.get_atoms(result["final_structure"])
    return atoms


@pytest.fixture(scope="module")
def network() -> CarNetElasticityCalc:
    return CarNetElasticityCalc(units_GPa=True)


def voigt(result: dict[str, Any]) -> Floats:
    return np.asarray(result["elastic_tensor"].voigt, dtype=np.float64)


def test_its_elastic_constants_are_the_second_derivatives(relaxed: Atoms) -> None:
    strains = (-0.002, 0.002)
    theirs = ElasticityCalc(
        CarNetCalculator("silicon"),
        norm_strains=strains, shear_strains=strains, units_GPa=True, **CLOSE,
    ).calc(relaxed)  # fmt: skip
    exact = elastic_constants(
        carnet_model.load("silicon", precision="double"), geometry(relaxed), force=1e-4
    ).prediction.stiffness
    assert exact is not None
    assert exact[3, 3] > 50
    # ions that are 1e-4 eV/Å from rest, some 1e-5 Å, leave 0.05 GPa at this strain
    assert np.allclose(voigt(theirs), exact, atol=0.15)


def test_the_network_answers_with_the_keys_and_units_of_theirs(
    relaxed: Atoms, network: CarNetElasticityCalc
) -> None:
    theirs = ElasticityCalc(CarNetCalculator("silicon"), r2_min=-1, relax_structure=False).calc(
        relaxed
    )
    gpa, plain = network.calc(relaxed), CarNetElasticityCalc(network.predictor).calc(relaxed)
    assert set(theirs) - OF_A_FIT <= set(gpa)
    for name in ("elastic_tensor", "bulk_modulus_vrh", "shear_modulus_vrh", "youngs_modulus"):
        assert theirs["_units"][name] == plain["_units"][name] == "eV/A^3"
        assert gpa["_units"][name] == "GPa"
        assert np.allclose(gpa[name], np.asarray(plain[name]) * EV_PER_A3)
        assert type(plain[name]) in (type(theirs[name]), float)
    assert plain["uncertainty"]["relative"] == gpa["uncertainty"]["relative"]
    assert gpa["uncertainty"]["bulk"] == pytest.approx(plain["uncertainty"]["bulk"] * EV_PER_A3)


def test_the_network_answers_what_it_predicts(network: CarNetElasticityCalc) -> None:
    (quartz,) = carnet_model.read_geometries(STRUCTURES / "quartz.cif")
    assert isinstance(quartz, carnet_model.Geometry)
    atoms = quartz.to_ase()
    result, expected = network.calc(atoms), carnet_model.load("elastic").predict(quartz)
    assert expected.moduli is not None
    assert expected.stiffness is not None
    assert np.allclose(voigt(result), expected.stiffness, rtol=1e-5, atol=1e-4)
    assert result["elastic_tensor"].k_vrh == pytest.approx(result["bulk_modulus_vrh"], rel=1e-6)
    assert result["elastic_tensor"].g_vrh == pytest.approx(result["shear_modulus_vrh"], rel=1e-6)
    assert result["youngs_modulus"] == pytest.approx(float(expected.moduli.youngs_hill), rel=1e-5)
    of_dict = network.calc({"structure": AseAtomsAdaptor.get_structure(atoms), "name": "quartz"})
    assert of_dict["name"] == "quartz"
    assert np.allclose(voigt(of_dict), voigt(result), rtol=1e-5, atol=1e-4)


def test_a_chain_predicts_what_was_relaxed(network: CarNetElasticityCalc) -> None:
    chain = ChainedCalc([RelaxCalc(CarNetCalculator("silicon"), fmax=0.01), network])
    result = chain.calc(bulk("Si"))
    alone = network.calc(result["final_structure"])
    assert result["_units"]["elastic_tensor"] == "GPa"
    assert set(result["_units"]) > set(alone["_units"])  # those of the relaxation too
    assert np.allclose(voigt(result), voigt(alone))
    assert not np.allclose(voigt(result), voigt(network.calc(bulk("Si"))), atol=0.5)


def test_many_structures_go_together_and_one_that_fails_costs_no_other(
    network: CarNetElasticityCalc,
) -> None:
    several = [bulk("Cu"), bulk("Si"), Atoms("Po", cell=[3, 3, 3], pbc=True), bulk("Al")]
    results = list(network.calc_many(several, allow_errors=True))
    assert [result is None for result in results] == [False, False, True, False]
    for atoms, result in zip(several, results, strict=True):
        if result is not None:
            assert np.allclose(voigt(result), voigt(network.calc(atoms)), rtol=1e-4, atol=1e-3)
    with pytest.raises(PredictionError, match="do not know Po"):
        list(network.calc_many(several))


def test_a_potential_is_refused() -> None:
    with pytest.raises(ModelError, match="predicts energy; allowed: elastic"):
        CarNetElasticityCalc("silicon")

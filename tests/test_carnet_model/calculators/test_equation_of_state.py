"""Equations of state: fits, and bulk moduli against elastic tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import write

from carnet_model.calculators.elastic_constants import elastic_constants_of
from carnet_model.calculators.equation_of_state import (
    EquationOfStateError,
    equation_of_state,
    fits_of,
    picture,
)
from carnet_model.structures.conversion import geometry
from carnet_model.structures.units import EV_PER_A3
from natural_tensors.arrays import Floats
from natural_tensors.pictures.output import save
from tests.helpers.command_lines import carnet, carnet_error
from tests.helpers.paths import STRUCTURES


def birch_murnaghan(volumes: Floats, bulk_modulus: float, slope: float, volume: float) -> Floats:
    """The third-order form as it is in print (F. Birch 1947, Phys. Rev. 71, 809), eV."""
    strain = ((volume / volumes) ** (2 / 3) - 1) / 2
    factor = 9 * volume * bulk_modulus / EV_PER_A3 / 2
    return np.asarray(factor * strain**2 * (1 + (slope - 4) * strain))


def test_a_form_is_fitted_exactly() -> None:
    volumes = np.linspace(37, 43, 7)
    birch, vinet = fits_of(volumes, 1.5 + birch_murnaghan(volumes, 98.0, 4.3, 40.2))
    assert birch.form == "birch-murnaghan"
    assert (birch.energy, birch.volume) == pytest.approx((1.5, 40.2))
    assert (birch.bulk, birch.derivative) == pytest.approx((98.0, 4.3), rel=1e-5)
    assert birch.residual < 1e-9 < vinet.residual
    assert vinet.bulk == pytest.approx(98.0, rel=5e-3)
    near = np.array([40.2 * 0.999])
    assert birch.pressures(near)[0] == pytest.approx(0.098, rel=1e-2)


def layered() -> Atoms:
    """Copper and gold in turn along z, tetragonal: soft along one axis more than others."""
    return Atoms("CuAu", cell=[2.8, 2.8, 3.7], scaled_positions=[[0, 0, 0], [0.5] * 3], pbc=True)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [True, False])
def test_the_bulk_modulus_is_that_of_the_elastic_tensor(shape: bool) -> None:
    result = equation_of_state(EMT(), geometry(layered()), shape=shape, span=0.03, force=1e-4)
    rest = result.rest.structure
    moduli = elastic_constants_of(EMT(), rest, relaxed=False, force=1e-4).prediction.moduli
    assert moduli is not None
    assert moduli.bulk_voigt - moduli.bulk_reuss > 4  # they can be told apart
    expected = float(moduli.bulk_reuss if shape else moduli.bulk_voigt)
    for fit in result.fits:
        assert fit.bulk == pytest.approx(expected, abs=1.2)  # this potential is not smooth
        assert fit.volume == pytest.approx(rest.volume, rel=1e-3)
    ratios = [each.cell[2, 2] / each.cell[0, 0] for each in result.structures]
    assert (np.ptp(ratios) > 1e-3) == shape
    assert result.volumes / (rest.volume or 0) == pytest.approx(np.linspace(0.97, 1.03, 11))
    assert not result.warnings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"points": 4}, "points is 4; allowed: odd"),
        ({"points": 3}, "points is 3"),
        ({"span": 0.0}, "span is 0; allowed: more than 0"),
        ({"span": 0.6}, "span is 0.6"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: Any, words: str) -> None:
    with pytest.raises(EquationOfStateError, match=words):
        equation_of_state(EMT(), geometry(bulk("Cu")), **options)
    with pytest.raises(EquationOfStateError, match="repeats along 0 directions"):
        equation_of_state(EMT(), geometry(molecule("H2O")))


def test_rough_energies_and_a_minimum_outside_are_warned_of() -> None:
    copper = equation_of_state(EMT(), geometry(bulk("Cu")), points=5)
    assert not copper.warnings
    volumes = copper.volumes
    bumps = copper.energies + 0.01 * np.array([1, -1, 1, -1, 1])
    rough = type(copper)(
        copper.rest, volumes, bumps, copper.structures, True, fits_of(volumes, bumps)
    )
    assert "misses the energies by" in rough.warnings[0]
    aside = type(copper)(
        copper.rest, volumes + 4, copper.energies, copper.structures, True, copper.fits
    )
    assert "outside of the volumes" in aside.warnings[0]
    with pytest.raises(EquationOfStateError, match="those of no solid"):
        fits_of(volumes, np.full(5, np.nan), "lead")


@pytest.mark.slow
def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = carnet(
        "eos", str(STRUCTURES / "si.cif"), "-m", "silicon", "--points", "5", "--elastic",
        "-o", "si.json", "--picture", "si.svg",
    ).stdout  # fmt: skip
    for words in (
        "Si, silicon", "5 volumes, ions and shape of the cell relaxed", "birch-murnaghan", "vinet",
        "GPa (Reuss, which this K0 is)", "written to si.json",
    ):  # fmt: skip
        assert words in shown
    (found,) = json.loads(Path("si.json").read_text())["equations_of_state"]
    assert found["fits"]["birch-murnaghan"]["bulk"] == pytest.approx(87.9, abs=0.5)
    assert found["elastic_bulk"]["reuss"] == pytest.approx(87.9, abs=0.5)
    assert len(found["volumes"]) == len(found["energies"]) == 5
    assert "<svg" in Path("si.svg").read_text()
    write("cu.cif", bulk("Cu"))
    emt = ("--calculator", "ase.calculators.emt:EMT")
    document = json.loads(carnet("eos", "cu.cif", *emt, "--json", "--fixed-shape").stdout)
    assert document["equations_of_state"][0]["shape"] == "held"
    assert document["equations_of_state"][0]["fits"]["vinet"]["bulk"] == pytest.approx(134, abs=1)
    assert "does not know Cu" in carnet_error("eos", "cu.cif", "-m", "silicon", code=1)
    two = ("cu.cif", "cu.cif", "--picture", "a.png")
    assert "leave it out" in carnet_error("eos", *two, "-m", "silicon")
    assert "--points is 6" in carnet_error("eos", "cu.cif", "--points", "6")
    assert ".json" in carnet_error("eos", "cu.cif", "-o", "a.csv")


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    copper = equation_of_state(EMT(), geometry(bulk("Cu")), points=5)
    save(picture(copper), tmp_path / "cu.png")
    assert (tmp_path / "cu.png").read_bytes().startswith(b"\x89PNG")

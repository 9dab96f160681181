"""The shipped crystals: complete, unchanged, and physically what they claim to be."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors import examples
from natural_tensors.arrays import Floats
from tests.helpers.paths import DATA

SHARED = DATA / "examples_dejong.json"
CUBIC = [name for name in examples.names() if examples.load(name).crystal_system == "cubic"]
ELASTIC = [name for name in examples.names() if examples.load(name).tensor == "elastic"]


def shipped(file: str) -> bytes:
    return files("natural_tensors.examples").joinpath(file).read_bytes()


def averages(stiffness: Floats) -> tuple[float, float, float, float]:
    """Return K and G after Voigt, then after Hill, from the textbook sums over a 6x6 matrix."""

    def sums(matrix: NDArray[np.floating[Any]]) -> tuple[float, float, float]:
        block = matrix[:3, :3]
        diagonal = float(np.trace(block))
        return diagonal, float(block.sum()) - diagonal, float(np.trace(matrix[3:, 3:]))

    a, b, c = sums(stiffness)
    bulk, shear = (a + b) / 9, (a - b / 2 + 3 * c) / 15
    a, b, c = sums(np.linalg.inv(stiffness))
    return bulk, shear, (bulk + 1 / (a + b)) / 2, (shear + 15 / (4 * a - 2 * b + 3 * c)) / 2


@pytest.mark.parametrize("name", examples.names())
def test_every_example_comes_apart_and_together(name: str) -> None:
    example = examples.load(name)
    form = cast("nt.Form", example.form)
    for basis in ("dual", "orthonormal"):
        target = nt.reduction(example.tensor, basis=basis)
        back = target.reconstruct(target.decompose(example.values, form=form), form=form)
        assert np.abs(back - example.values).max() <= 1e-13 * np.abs(example.values).max()
    assert sum(target.fractions(example.values, form=form).values()) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", examples.names())
def test_every_example_says_what_it_is(name: str) -> None:
    example = examples.load(name)
    assert example.name == name
    assert example.tensor in nt.catalog
    assert example.unit
    assert len(example.source) > 20
    assert example.crystal_system in {
        "cubic", "hexagonal", "trigonal", "tetragonal", "orthorhombic", "monoclinic", "triclinic"
    }  # fmt: skip
    with pytest.raises(ValueError, match="read-only"):
        example.values[0, 0] = 1


@pytest.mark.parametrize("name", ELASTIC)
def test_every_stiffness_is_stable(name: str) -> None:
    assert np.linalg.eigvalsh(examples.load(name).values).min() > 0


@pytest.mark.parametrize("name", CUBIC)
def test_cubic_crystals_have_no_weight_two(name: str) -> None:
    example = examples.load(name)
    shares = nt.reduction("elastic").fractions(example.values, form="voigt")
    assert shares[2] < 2e-4  # mp-1067 is noisy; the others have none


def test_the_dft_crystals_are_the_published_file() -> None:
    if not SHARED.exists():
        pytest.skip("the shared data folder is not here")
    assert shipped("dejong2015.json") == SHARED.read_bytes()


def test_the_dft_crystals_have_their_published_moduli() -> None:
    entries = json.loads(shipped("dejong2015.json"))
    assert len(entries) == 41
    for entry in entries:
        example = examples.load(entry["id"])
        assert example.formula == entry["formula"]
        assert np.allclose(example.values, example.values.T)
        bulk, shear = averages(example.values)[2:]
        assert bulk == pytest.approx(entry["K_VRH"], rel=0.02)
        assert shear == pytest.approx(entry["G_VRH"], rel=0.06)


@pytest.mark.parametrize(
    ("name", "bulk", "shear"),
    [
        ("copper", 137.1, 54.6),  # Simmons and Wang 1971
        ("silicon", 97.8, 68.1),
        ("tungsten", 310.8, 160.2),
    ],
)
def test_voigt_averages_of_textbook_crystals(name: str, bulk: float, shear: float) -> None:
    lame = nt.reduction("elastic").decompose(examples.load(name).values, form="voigt")
    assert lame[0, 0] + 2 * lame[0, 1] / 3 == pytest.approx(bulk, abs=0.06)
    assert lame[0, 1] == pytest.approx(shear, abs=0.06)
    assert (bulk, shear) == pytest.approx(averages(examples.load(name).values)[:2], abs=0.06)


@pytest.mark.parametrize(
    ("name", "bulk", "shear"),
    [
        ("forsterite", 129.5, 81.1),  # Bass 1995
        ("periclase", 163.2, 130.2),  # Sinogeikin and Bass 1999
        ("diamond", 442.3, 535.7),  # McSkimin and Andreatch 1972, Hill average
        ("quartz", 37.8, 44.4),
    ],
)
def test_hill_averages_of_textbook_crystals(name: str, bulk: float, shear: float) -> None:
    assert averages(examples.load(name).values)[2:] == pytest.approx((bulk, shear), abs=0.3)


def test_tungsten_is_isotropic_and_zinc_is_not() -> None:
    target = nt.reduction("elastic")
    assert target.fractions(examples.load("tungsten").values, form="voigt")[0] > 0.9999
    assert target.fractions(examples.load("zinc").values, form="voigt")[2] > 0.05


def test_the_three_tensors_of_quartz_agree() -> None:
    stiffness, d, e = (examples.load(name).values for name in ("quartz", "quartz-d", "quartz-e"))
    assert np.abs(d @ stiffness / 1000 - e).max() < 3e-4  # pC/N x GPa is mC/m^2
    d_full = nt.from_voigt(d, form="voigt-compliance")
    c_full = nt.from_voigt(stiffness)
    assert np.abs(np.einsum("ijk,jklm->ilm", d_full, c_full) / 1000 - nt.from_voigt(e)).max() < 3e-4


def test_names_are_found_whatever_their_case_and_formulas_as_written() -> None:
    assert examples.load("MP-559").formula == "YPd3"
    assert examples.load("Silicon") is examples.load("Si")
    assert examples.load("YPd3").lattice is not None
    assert len(set(examples.names())) == len(examples.names()) == 54


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("slicon", "there is no example 'slicon'. The nearest: silicon. Run"),
        ("unobtainium", "see all 54"),
        ("SiO2", "'SiO2' is the formula of 3 examples: quartz (Alpha quartz), quartz-d"),
    ],
)
def test_unknown_and_ambiguous_names(name: str, message: str) -> None:
    with pytest.raises(examples.UnknownExampleError) as caught:
        examples.load(name)
    assert message in str(caught.value)

"""The figures of the card of the general potential, measured again; some where the data are."""

from __future__ import annotations

from pathlib import Path

import pytest
from ase.data import atomic_numbers

import carnet_model
from benchmarks import __main__ as benchmarks
from benchmarks.universal import frames, volumes
from carnet_model.weights.shipped import folder_of
from tests.helpers.cards import card, figures, printed
from tests.helpers.paths import DATA

CARD = card("universal")
MOST_MEGABYTES = 12

pytestmark = pytest.mark.slow


def measured(row: str, folder: Path, capsys: pytest.CaptureFixture[str], *second: str) -> list[str]:
    """Return the cells that the benchmark prints for the weights, of the line that begins so."""
    arguments = ["universal", row, "--calculator", "universal", "--data", str(DATA)]
    assert benchmarks.main([*arguments, "-o", str(folder)]) == 0
    return printed(capsys.readouterr().out, "universal", *second)


def test_elements_and_size_are_those_of_the_card() -> None:
    model = carnet_model.load("universal", program="never")
    sizes = [sum(each.numel() for each in one.parameters()) for one in model.models]
    assert " and ".join(f"{size:,}" for size in sizes) + " parameters" in CARD
    size = sum(file.stat().st_size for file in folder_of("universal").iterdir()) / 1e6
    assert size < MOST_MEGABYTES
    assert f" {size:.1f} MB" in CARD
    assert set(range(1, atomic_numbers["Pu"] + 1)) - set(model.record["elements"]) == {
        atomic_numbers[gas] for gas in ("Po", "At", "Rn", "Fr", "Ra")
    }


def test_phonons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("phonopy")
    cells = measured("phonons", tmp_path, capsys, "all modes")
    (mean,) = figures(CARD, "phonons of six crystals at Γ, X and L, mean, %")
    assert float(cells[3]) == pytest.approx(mean, abs=0.2)  # relaxations end at 0.001 eV/Å


@pytest.mark.skipif(not (DATA / frames.FILE).is_file(), reason="the data sets are not at hand")
def test_forces_far_from_equilibrium(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = measured("frames", tmp_path, capsys, "all")
    (forces,) = figures(CARD, "forces far from equilibrium, 206 frames, meV/Å")
    (energy,) = figures(CARD, "their energies, meV an atom")
    assert int(cells[2]) == 206
    assert float(cells[3].split()[0]) == pytest.approx(forces, abs=1)
    assert float(cells[5].split()[0]) == pytest.approx(energy, abs=2)


@pytest.mark.skipif(not (DATA / volumes.FILE).is_file(), reason="the data sets are not at hand")
def test_volumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "COUNT", 60)
    cells = measured("volumes", tmp_path, capsys)
    mean, median = figures(CARD, "volumes of sixty of these, which the tests repeat")
    assert float(cells[3]) == pytest.approx(median, abs=0.02)
    # one crystal of molecules that ends elsewhere changes the mean by tenths
    assert float(cells[1]) == pytest.approx(mean, abs=0.3)

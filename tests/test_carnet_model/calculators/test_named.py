"""Calculators by name: ours, announced ones, well-known ones, and what is refused."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from carnet_model.calculators import named
from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.named import GROUP, WELL_KNOWN, CalculatorError, calculator_named
from carnet_model.weights.shipped import folder_of

MINE = """
from ase.calculators.emt import EMT
ready = EMT()
def made(): return EMT()
class Holder: inner = EMT
def broken(): raise OSError(2, "no weights there")
number = 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the current folder."""
    (tmp_path / "calculators_of_mine.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "script_of_mine.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("calculators_of_mine", "script_of_mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "calculators_of_mine"


def test_shipped_weights_and_folders_are_ours() -> None:
    for name in ("silicon", str(folder_of("silicon"))):
        found = calculator_named(name)
        assert isinstance(found, CarNetCalculator)
        assert found.todict()["precision"] == "double"


def test_objects_of_modules(mine: str) -> None:
    before = list(sys.path)
    first = calculator_named(f"{mine}:ready")
    assert calculator_named(f"{mine}:ready") is first
    for place in (f"{mine}:made", f"{mine}:Holder.inner", "ase.calculators.emt:EMT"):
        atoms = bulk("Cu", "fcc", a=3.7)
        atoms.calc = calculator_named(place)
        assert atoms.get_potential_energy() < 1
        assert atoms.calc is not first
    assert sys.path == before


def test_entry_points_of_others(mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("theirs", "ase.calculators.emt:EMT", GROUP)]
    points.append(EntryPoint("lost", "no_such_package_of_theirs:x", GROUP))
    monkeypatch.setattr(named, "entry_points", lambda group: points if group == GROUP else [])
    assert isinstance(calculator_named("theirs"), EMT)
    with pytest.raises(CalculatorError, match=r"lost: the entry point .*no_such_package"):
        calculator_named("lost")
    with pytest.raises(CalculatorError, match=r"did you mean 'theirs'"):
        calculator_named("their")


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_names_say_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = WELL_KNOWN[name].place.partition(":")[0]
    monkeypatch.setitem(sys.modules, module, None)  # as where it is not installed
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
    with pytest.raises(CalculatorError, match=f"pip install {WELL_KNOWN[name].packages}"):
        calculator_named(name.upper())


def test_well_known_names_are_made_with_their_settings(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = named.Source("ase.calculators.emt:EMT", "ase", {"label": "set"})
    monkeypatch.setattr(named, "WELL_KNOWN", {"copper": source})
    assert calculator_named("copper").label == "set"
    monkeypatch.setattr(named, "WELL_KNOWN", {"copper": named.Source(f"{mine}:broken", "theirs")})
    with pytest.raises(CalculatorError, match=r"no weights there\nits weights are fetched"):
        calculator_named("copper")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("elastic", "computes elastic.*; needed: energy, forces"),
        ("no-such-name", "there is no calculator 'no-such-name'"),
        ("silicn", "did you mean 'silicon'"),
        ("no_such_module:x", "no_such_module cannot be imported"),
        ("calculators_of_mine:absent", "calculators_of_mine has no absent"),
        ("calculators_of_mine:number", "is int, no calculator of ASE"),
        ("calculators_of_mine:broken", "it cannot be made: no weights there"),
        ("script_of_mine:x", "it ends the program"),
        (":x", "names no module"),
    ],
)
def test_refusals(mine: str, place: str, words: str) -> None:
    with pytest.raises(CalculatorError, match=words):
        calculator_named(place)

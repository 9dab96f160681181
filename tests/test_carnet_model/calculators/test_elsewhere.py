"""Calculators of other environments; here the other one is this one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed
from ase.calculators.emt import EMT

from carnet_model.calculators.answering import answer, made
from carnet_model.calculators.named import CalculatorError, calculator_named


def test_a_calculator_elsewhere_answers_as_it_does_here() -> None:
    calculator = calculator_named(f"{sys.executable} ase.calculators.emt:EMT")
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=0)
    atoms.calc, here = calculator, atoms.copy()
    here.calc = EMT()
    assert atoms.get_potential_energy() == pytest.approx(here.get_potential_energy())
    assert atoms.get_forces() == pytest.approx(here.get_forces())
    assert atoms.get_stress() == pytest.approx(here.get_stress())
    atoms.numbers[0] = 14
    with pytest.raises(CalculationFailed, match=r"EMT: NotImplementedError: No EMT-potential"):
        atoms.get_forces()
    atoms.numbers[0] = 29  # the next structure is another
    assert atoms.get_forces() == pytest.approx(here.get_forces())


def test_modules_of_the_current_folder_are_found_and_what_they_print_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text(
        "from ase.calculators.emt import EMT\ndef make():\n    print('made')\n    return EMT()\n"
    )
    monkeypatch.chdir(tmp_path)
    calculator = calculator_named(f"{sys.executable} theirs:make")
    assert calculator.implemented_properties == ["energy", "forces", "stress"]


def test_what_answers_elsewhere_needs_no_stress() -> None:
    calculator = made("ase.calculators.emt:EMT")
    calculator.implemented_properties = ["energy", "forces"]
    structure = {"numbers": [29], "positions": [[0, 0, 0]], "cell": [9, 9, 9], "pbc": [1, 1, 1]}
    assert sorted(answer(calculator, structure)) == ["energy", "forces"]
    molecule = {"numbers": [29, 29], "positions": [[0, 0, 0], [0, 0, 2.2]]}
    assert sorted(answer(made("ase.calculators.emt:EMT"), molecule)) == ["energy", "forces"]
    assert answer(calculator, {**structure, "numbers": [14]})["error"].startswith("NotImpl")


def test_an_environment_without_the_calculator_says_why() -> None:
    with pytest.raises(CalculatorError, match=r"in that environment: .*No module named 'nothing'"):
        calculator_named(f"{sys.executable} nothing:here")


def test_an_environment_that_is_none_is_named() -> None:
    with pytest.raises(CalculatorError, match=r"there is no program nowhere/bin/python to run"):
        calculator_named("nowhere/bin/python ase.calculators.emt:EMT")

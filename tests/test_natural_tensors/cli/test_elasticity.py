"""The command elasticity: exact, equal to the numeric path, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from natural_tensors import elasticity
from natural_tensors.crystals.forms import form
from natural_tensors.files.exact_entries import read_entry
from natural_tensors.symbolic.stiffness import stiffness
from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")

CUBIC = """C11, C12, C12, 0, 0, 0
C12, C11, C12, 0, 0, 0
C12, C12, C11, 0, 0, 0
0, 0, 0, C44, 0, 0
0, 0, 0, 0, C44, 0
0, 0, 0, 0, 0, C44
"""


def document_of(*arguments: str) -> Any:
    return json.loads(run("elasticity", *arguments, "--json").stdout)


def real(text: str, names: list[str]) -> sympy.Expr:
    """Return what SymPy alone makes of a text, given the names of its symbols."""
    return sympy.sympify(text, locals={name: sympy.Symbol(name, real=True) for name in names})


def test_a_cubic_crystal_in_print() -> None:
    text = run("elasticity", "m-3m").stdout
    lines = [line.strip() for line in text.splitlines()]
    for line in (
        "K_V = (C11 + 2*C12)/3",
        "K_R = (C11 + 2*C12)/3",
        "G_V = (C11 - C12 + 3*C44)/5",
        "G_R = 5*C44*(C11 - C12)/(3*C11 - 3*C12 + 4*C44)",
        "Zener's ratio: 2*C44/(C11 - C12)",
        "[1 0 0]  C11; C44 (x2)",
        "[1 1 0]  C44; (C11 + C12 + 2*C44)/2; (C11 - C12)/2",
        "[1 1 1]  (C11 + 2*C12 + 4*C44)/3; (C11 - C12 + C44)/3 (x2)",
        "Cauchy relations: C12 - C44 = 0",
        "Kelvin moduli: C11 + 2*C12; C11 - C12 (x2); 2*C44 (x3)",
        "stable if and only if, at zero load",
    ):
        assert line in lines
    assert lines[-3:] == ["C11 + 2*C12 > 0", "C11 - C12 > 0", "C44 > 0"]


def test_youngs_modulus_is_that_of_the_library() -> None:
    found = document_of("m-3m")
    printed = read_entry(found["youngs"]["E(n)"])
    expected = stiffness("m-3m").youngs_modulus()
    assert sympy.cancel(printed / expected) == 1
    along = document_of("m-3m", "-d", "1 1 1", "-d", "1, -1, 0")["youngs"]
    assert read_entry(along["E[1 1 1]"]) == stiffness("m-3m").youngs_modulus([1, 1, 1])
    assert list(along) == ["E[1 1 1]", "E[1 -1 0]"]


@pytest.mark.parametrize("group", ["m-3m", "4/m", "-3m", "mmm"])
def test_strings_read_back_and_agree_with_numbers(group: str) -> None:
    found = document_of(group, "--direction", "1 2 2")
    names = found["symbols"]
    generator = np.random.default_rng(5)
    values = {name: float(generator.uniform(0.5, 1)) for name in names}
    values |= {"C11": 9.0, "C22": 8.0, "C33": 7.0}  # dominant: positive definite

    def number(text: str) -> float:
        read, again = real(text, names), read_entry(text)
        assert sympy.cancel(read - again) == 0
        return float(again.subs({sympy.Symbol(k, real=True): v for k, v in values.items()}))

    matrix = np.array([[number(entry) for entry in row] for row in found["stiffness"]])
    assert np.allclose(
        matrix @ [[number(entry) for entry in row] for row in found["compliance"]], np.eye(6)
    )
    moduli = elasticity.moduli(matrix)
    assert number(found["voigt"]["K"]) == pytest.approx(float(moduli.bulk_voigt))
    assert number(found["voigt"]["G"]) == pytest.approx(float(moduli.shear_voigt))
    assert number(found["reuss"]["K"]) == pytest.approx(float(moduli.bulk_reuss))
    assert number(found["reuss"]["G"]) == pytest.approx(float(moduli.shear_reuss))
    normal = np.array([1, 2, 2]) / 3
    soft = np.linalg.inv(matrix)
    strain = np.outer(normal, normal)
    stress = np.array([strain[0, 0], strain[1, 1], strain[2, 2],
                       strain[1, 2], strain[0, 2], strain[0, 1]])  # fmt: skip
    assert 1 / number(found["youngs"]["E[1 2 2]"]) == pytest.approx(stress @ soft @ stress)
    squares = [number(square) for square in found["waves"][0]["squares"]]
    if found["waves"][0]["polynomial"] is None:
        full = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
        rows = matrix[full][:, :, full]
        christoffel = np.einsum("ijkl,j,l", rows, normal, normal)
        assert sorted(squares) == pytest.approx(np.linalg.eigvalsh(christoffel))


def test_pressure() -> None:
    assert document_of("m-3m", "--pressure", "P")["stability"] == [
        "C11 + 2*C12 + P", "C11 - C12 - 2*P", "C44 - P",
    ]  # fmt: skip
    assert "under the pressure 10" in run("elasticity", "m-3m", "-p", "10").stdout


def test_monoclinic_and_triclinic_stay_readable() -> None:
    monoclinic = document_of("2/m")
    assert monoclinic["reuss_and_youngs_in"] == "compliance"
    assert monoclinic["reuss"]["K"] == "1/(S11 + 2*S12 + 2*S13 + S22 + 2*S23 + S33)"
    crystal = stiffness("2/m")
    known = {
        sympy.Symbol(f"S{i + 1}{j + 1}", real=True): crystal.compliance[i, j]
        for i in range(6) for j in range(i, 6)
    }  # fmt: skip
    constants = {s: sympy.Integer(7 + n if str(s)[1] == str(s)[2] else 1 + n % 2)
                 for n, s in enumerate(crystal.constants)}  # fmt: skip
    found = read_entry(monoclinic["reuss"]["G"]).subs(known).subs(constants)
    matrix = np.array(crystal.matrix.subs(constants).tolist(), dtype=float)
    assert float(found) == pytest.approx(float(elasticity.moduli(matrix).shear_reuss))
    text = run("elasticity", "1").stdout
    assert max(map(len, text.splitlines())) < 5000
    assert "entries of up to 12841 characters, which --json has" in text


def test_groups_with_a_bar_need_no_quotes() -> None:
    assert run("elasticity", "-3m").stdout == run("elasticity", "--", "-3m").stdout


def test_a_file_finds_its_group() -> None:
    Path("c.csv").write_text(CUBIC)
    from_file, from_group = document_of("c.csv"), document_of("m-3m")
    assert from_file == from_group
    assert document_of("c.csv", "--group", "mmm")["group"] == "mmm"
    Path("numbers.json").write_text(json.dumps(np.diag([3, 3, 3, 1, 1, 1]).tolist()))
    assert document_of("numbers.json")["voigt"]["G"] == "6/5"
    piped = json.loads(run("elasticity", "-", "--json", stdin=CUBIC).stdout)
    assert piped == from_group


def test_letters_of_sympy_are_names() -> None:
    text = CUBIC.replace("C11", "E").replace("C12", "I").replace("C44", "S")
    Path("c.csv").write_text(text)
    found = document_of("c.csv")
    assert found["symbols"] == ["E", "I", "S"]
    assert found["stability"] == ["E + 2*I", "E - I", "S"]
    assert real(found["zener"], found["symbols"]) == read_entry("2*S/(E - I)")


def test_latex() -> None:
    lines = run("elasticity", "m-3m", "--latex").stdout.splitlines()
    assert (lines[0], lines[-1]) == (r"\begin{aligned}", r"\end{aligned}")
    assert r"A &= \frac{2 C_{44}}{C_{11} - C_{12}} \\" in lines
    assert r"\rho v^2_{[1\,0\,0]} &= C_{11},\; C_{44},\; C_{44} \\" in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["m-7m"], "nor a file of that name"),
        (["m-3m", "--direction", "1 1"], "is no direction"),
        (["m-3m", "--direction", "0 0 0"], "is no direction"),
        (["m-3m", "--direction", "1 0.5 0"], "0.5 is a decimal number"),
        (["m-3m", "--pressure", "P^2"], "write powers as"),
        (["m-3m", "--group", "mmm"], "--group goes with a FILE"),
        (["m-3m", "--presure", "P"], "--presure"),
        (["--presure"], "there is no option --presure"),
        (["nothing.csv"], "there is no such file"),
        (["floats.csv"], "line 1, column 1: 1.5 is a decimal number"),
        (["small.csv"], "is no elastic tensor"),
    ],
)
def test_what_is_wrong(arguments: list[str], words: str) -> None:
    Path("floats.csv").write_text(CUBIC.replace("C11", "1.5"))
    Path("small.csv").write_text("a, b\nb, a\n")
    assert words in message(run("elasticity", *arguments, code=2))


def test_a_matrix_that_is_no_stiffness_is_refused() -> None:
    Path("c.csv").write_text(CUBIC.replace("C12, C12, C11", "C13, C12, C11"))
    assert "violates ijkl=jikl=klij" in message(run("elasticity", "c.csv", code=1))
    Path("c.csv").write_text(CUBIC)
    hexagonal = message(run("elasticity", "c.csv", "-g", "6/mmm", code=1))
    assert "6/mmm does not leave the matrix alone" in hexagonal
    Path("c.csv").write_text(CUBIC.replace("C12", "C11"))
    assert "it has no compliance" in message(run("elasticity", "c.csv", code=1))


def test_every_laue_class_is_told_at_once() -> None:
    for group in ("6/mmm", "6/m", "4/mmm", "-3", "m-3"):
        found = document_of(group)
        assert found["symbols"] == list(form("elastic", group).parameters)

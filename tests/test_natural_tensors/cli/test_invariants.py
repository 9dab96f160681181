"""The command invariants as users meet it, and what it refuses."""

from __future__ import annotations

import json

import pytest

from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC
from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")


def test_counts_of_all_groups() -> None:
    document = json.loads(run("invariants", "elastic", "--json").stdout)
    assert document["groups"]["SO(3)"] == [2, 7, 22, 63]
    assert list(document["groups"]) == ["SO(3)", "O(3)", *CRYSTALLOGRAPHIC]
    lines = run("invariants", "piezoelectric").stdout.splitlines()
    assert any(line.split() == ["SO(3)", "·", "5", "7", "43"] for line in lines)
    assert any(line.split() == ["O(3)", "·", "5", "·", "43"] for line in lines)


def test_counts_of_one_group_to_a_degree() -> None:
    text = run("invariants", "elastic", "--group", "m-3m", "--degree", "6").stdout
    assert ["6", "10144"] in [line.split() for line in text.splitlines()]
    found = run("invariants", "--symmetry", "ij=ji", "-g", "inf/mm", "-d", "2", "--json").stdout
    assert json.loads(found)["groups"] == {"inf/mm": [2, 5]}


def test_formulas() -> None:
    text = run("invariants", "elastic", "--formulas").stdout
    assert "degree 4: 63, 16 of them no products" in text
    assert "  X(4,0)_abcd X(4,0)_abef X(4,0)_cdef" in text.splitlines()
    document = json.loads(
        run("invariants", "piezoelectric", "--formulas", "--products", "-g", "O(3)",
            "--json").stdout
    )  # fmt: skip
    assert document["counts"] == [0, 5, 0, 43]
    assert len(document["invariants"]) == 48
    assert all(entry["parity"] == 1 for entry in document["invariants"])
    lines = run("invariants", "dielectric", "--formulas", "--latex").stdout.splitlines()
    assert lines[1] == r"X^{(2,0)}_{ab}\,X^{(2,0)}_{ab}"


def test_formulas_under_a_point_group() -> None:
    text = run("invariants", "dielectric", "--formulas", "--group", "∞m", "--degree", "2").stdout
    assert "U1 = ε11 - ε22" in text
    assert "U1**2 + U2**2" in text
    assert "ε33**2" not in text  # a product
    document = json.loads(
        run("invariants", "elastic", "--formulas", "-g", "m-3m", "-d", "2", "--json").stdout
    )
    assert (document["group"], document["counts"]) == ("m-3m", [3, 19])
    assert document["coordinates"] == {}
    assert document["invariants"][0]["formula"] == "C11 + C22 + C33"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["elastic", "--formulas", "--group", "mmm"], "2826 invariants, more than 1000"),
        (["elastic", "--products"], "go with --formulas"),
        (["--symmetry", "ijklmn", "--formulas"], "invariants, more than 1000"),
        (["elastic", "--formulas", "--degree", "6"], "up to degree 5"),
        (["elastic", "--group", "7m"], "there is no point group '7m'"),
        (["elastic", "--degree", "0"], "greater than or equal to 1"),
        (["elastik"], "elastic"),
        ([], "name a tensor"),
    ],
)
def test_what_is_refused(arguments: list[str], words: str) -> None:
    assert words in message(run("invariants", *arguments, code=2))

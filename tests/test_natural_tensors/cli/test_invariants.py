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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["elastic", "--group", "7"], "there is no point group '7'"),
        (["elastic", "--degree", "0"], "greater than or equal to 1"),
        (["elastik"], "elastic"),
        ([], "name a tensor"),
    ],
)
def test_what_is_refused(arguments: list[str], words: str) -> None:
    assert words in message(run("invariants", *arguments, code=2))

"""The command form as users meet it, and what it refuses."""

from __future__ import annotations

import json

import pytest

from natural_tensors.crystals.point_groups import GROUPS
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")


def test_a_form_as_json() -> None:
    found = json.loads(run("form", "elastic", "--group", "m-3m", "--json").stdout)
    assert found["independent"] == 3
    assert found["parameters"] == ["C11", "C12", "C44"]
    assert found["per_weight"] == {"0": 2, "2": 0, "4": 1}
    assert found["relations"]["C66"] == "C44"
    assert found["relations"]["C14"] == "0"
    assert len(found["relations"]) == 21 - 3
    assert found["matrix"][5][5] == "C44"
    assert found["schoenflies"] == "Oh"
    found = json.loads(run("form", "piezoelectric", "--group", "32", "--json").stdout)
    assert (found["independent"], found["relations"]["d26"]) == (2, "-2 d11")


def test_counts_for_every_group_as_json() -> None:
    found = json.loads(run("form", "elastic", "--json").stdout)["groups"]
    assert [entry["group"] for entry in found] == list(GROUPS)
    assert [entry["independent"] for entry in found][:10] == [21, 21, 13, 13, 13, 9, 9, 9, 7, 7]


def test_a_form_in_print() -> None:
    text = run("form", "elastic", "-g", "6/mmm").stdout
    assert "(C11 - C12)/2" in text
    assert "5 independent constants: 2 of weight 0, 2 of weight 2, 1 of weight 4" in text
    text = run("form", "third-order-elastic", "-g", "432").stdout
    assert "independent: C111, C112, C123, C144, C155, C456" in text
    text = run("form", "elastic", "-g", "m-3m", "--z", "1 1 1", "--x", "1 -1 0").stdout
    assert "z along (√3/3, √3/3, √3/3)" in text
    assert run("form", "elastic", "-g", "m-3m", "--latex").stdout.startswith(r"\left[")
    text = run("form", "magnetization", "-g", "4/m").stdout
    assert "in a non-magnetic crystal, 4/m1', it vanishes" in text
    assert "1 independent constant: 1 of weight 2" in run("form", "--symmetry", "ij=ji", "--axial",
                                                          "-g", "-42m").stdout  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["elastic", "--group", "5"], "there is no point group '5'"),
        (["elastik", "--group", "32"], "elastic"),
        (["elastic", "--z", "1 1 1", "--group", "32"], "--z and --x go together"),
        (["elastic", "--z", "1 1 1", "--x", "1 0 0", "--group", "32"], "is not perpendicular"),
        (["elastic", "--z", "1 1 a", "--x", "1 0 0", "--group", "32"], "give three integers"),
        (["elastic", "--z", "1 1 1", "--x", "1 -1 0"], "go with --group"),
        (["--group", "32"], "name a tensor"),
        (["third-order-elastic", "-g", "32", "--latex"], "is no matrix"),
    ],
)
def test_forms_that_are_refused(arguments: list[str], message: str) -> None:
    assert message in run("form", *arguments, code=2).stderr

"""The commands list, show and examples as users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import natural_tensors as nt
from natural_tensors import examples, limits
from natural_tensors.files import reading
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture(scope="module")
def whole_list() -> str:
    return str(run("list").stdout)


def test_the_list_has_every_tensor_uncut(whole_list: str) -> None:
    lines = {line.split()[0]: line for line in whole_list.splitlines() if line}
    for name, entry in nt.catalog.items():
        assert entry.symmetry in [*lines[name].split(), ""]
        assert lines[name].endswith(entry.unit)
    assert "…" not in whole_list
    assert not any(line.endswith(" ") for line in whole_list.splitlines())
    assert "5x0e+7x2e+2x3e+6x4e+2x5e+4x6e+1x7e+2x8e+1x10e" in lines["fifth-order-elastic"]
    assert f"{len(nt.catalog)} of {len(nt.catalog)} tensors" in whole_list


def test_the_list_is_filtered() -> None:
    names = [row["name"] for row in json.loads(run("list", "PIEZO", "--json").stdout)["tensors"]]
    assert "piezoelectric" in names
    assert "elastic" not in names
    rows = json.loads(run("list", "--rank", "1", "--json").stdout)["tensors"]
    assert {row["rank"] for row in rows} == {1}
    assert "none of the" in run("list", "nothing of the kind").stdout


def test_show_explains_a_tensor() -> None:
    text = run("show", "elastic").stdout
    for fragment in (
        "Elastic stiffness, C (elastic)",
        "ijkl=jikl=klij (polar, rank 4)",
        "stress σ_ij = C_ijkl ε_kl",
        "[[V2][V2]]",
        "2x0e+2x2e+1x4e, 21 independent components",
        "T_ijkl = X(0,0) δ_ij δ_kl + X(0,1) (δ_ik δ_jl + δ_il δ_jk) + ",
        "X(0,0) = 2/15 T_aabb - 1/15 T_abab",
    ):
        assert fragment in text


def test_show_by_symmetry_in_every_way() -> None:
    by_option = run("show", "--symmetry", "ijk=ikj").stdout
    assert run("show", "ijk=ikj").stdout == by_option
    assert "2x1o+1x2o+1x3o, 18 independent components" in by_option
    assert "2x1e+1x2e+1x3e" in run("show", "--symmetry", "ijk=ikj", "--axial").stdout
    assert "√10/5" in run("show", "ijk=ikj", "--basis", "orthonormal").stdout
    assert "1x0e, 1 independent component\n" in run("show", "energy").stdout


def test_show_as_latex_and_json() -> None:
    target = nt.reduction("elastic", basis="orthonormal")
    assert run("show", "elastic", "--basis", "orthonormal", "--latex").stdout == (
        target.latex() + "\n"
    )
    found = json.loads(run("show", "elastic", "--json").stdout)
    assert found["name"] == "elastic"
    assert found["multiplicities"] == {"0": 2, "2": 2, "4": 1}
    assert (found["rank"], found["dimension"], found["parity"]) == (4, 21, 1)
    assert found["copies"] == [[0, 0], [0, 1], [2, 0], [2, 1], [4, 0]]
    assert found["formulas"]["latex"] == nt.reduction("elastic").latex()
    assert found["axial"] is False
    general = json.loads(run("show", "--symmetry", "ij", "--axial", "--json").stdout)
    assert (general["name"], general["axial"], general["irreps"]) == (None, True, "1x0o+1x1o+1x2o")


def test_large_classes_do_not_flood_the_screen() -> None:
    text = run("show", "fourth-order-elastic").stdout
    assert len(text) < 2000
    assert "characters; --formulas all prints them" in text
    assert json.loads(run("show", "fourth-order-elastic", "--json").stdout)["formulas"]["text"]
    assert nt.reduction("fourth-order-elastic").formula() in (
        run("show", "fourth-order-elastic", "--formulas", "all").stdout
    )
    assert "Formulas" not in run("show", "elastic", "--formulas", "none").stdout


def test_the_examples_are_listed_and_shown() -> None:
    text = run("examples").stdout
    rows = json.loads(run("examples", "--json").stdout)["examples"]
    assert [row["name"] for row in rows] == list(examples.names())
    for row in rows:
        assert row["source"] in text
    zinc = run("examples", "Zn").stdout
    assert "symmetry  hexagonal, point group 6/mmm\n" in zinc
    assert "  163.68   36.4    53       0       0       0\n" in zinc
    Path("a.json").write_text(run("examples", "quartz-d", "--json").stdout)
    found = reading.read_tensor("a.json")
    assert (found.tensor, found.form, found.unit) == ("piezoelectric", "voigt-compliance", "pC/N")


def test_what_floods_is_not_worked_out_to_be_counted() -> None:
    text = run("show", "--symmetry", "ijklmnopqr").stdout  # hours of work, if it were written
    assert "its formulas take about 6,8" in text or "terms; --formulas all prints them" in text


def test_heavy_formulas_say_what_they_cost_and_have_a_limit() -> None:
    refused = run("show", "--symmetry", "ijklmnopq", "--formulas", "all", code=2)
    assert "more than the limit formulas of 300,000 terms" in refused.stderr
    with limits.changed(copies=1000):
        heavy = run("show", "--symmetry", "ijklmno", "--formulas", "all", code=2)
    assert "note: the formulas have about" in heavy.stderr
    assert "Ctrl-C ends it" in heavy.stderr
    assert "weight 0 of 7" in heavy.stderr
    assert "more than the limit copies of 1,000 numbers" in heavy.stderr

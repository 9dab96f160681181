"""The commands with ``--dimension 2``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from natural_tensors import cli, reduction

GRAPHENE = "352, 63, 0\n63, 352, 0\n0, 0, 144.5\n"


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app.app, list(words))
    assert result.exit_code == code, result.output
    return result.output


def in_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_show_says_what_is_inside() -> None:
    text = run("show", "elastic", "--dimension", "2")
    assert "2x0e+1x2+1x4, 6 independent components" in text
    assert "X(4,0)_abcd = ⟨T_abcd⟩" in text
    assert "inversion" not in text
    document = in_json("show", "--symmetry", "ij", "--dimension", "2")
    assert document["irreps"] == "1x0e+1x0o+1x2"
    assert (document["plane"], document["pseudoscalars"]) == (True, 1)
    assert "varepsilon_{ij}" in run("show", "--symmetry", "ij", "--dimension", "2", "--latex")


def test_form_under_one_group_and_under_all() -> None:
    text = run("form", "elastic", "--dimension", "2", "--group", "4")
    assert "C11   C12   C16" in text
    assert "C26 = -C16" in text
    assert in_json("form", "piezoelectric", "--dimension", "2", "-g", "31m")["parameters"] == [
        "d11"
    ]
    counts = {row["group"]: row["independent"] for row in
              in_json("form", "elastic", "--dimension", "2")["groups"]}  # fmt: skip
    assert len(counts) == 12
    assert (counts["1"], counts["2mm"], counts["4mm"], counts["6"]) == (6, 4, 3, 2)
    assert "square" in run("form", "elastic", "--dimension", "2")
    run("form", "elastic", "--dimension", "2", "--group", "m-3m", code=2)
    run("form", "elastic", "--dimension", "2", "--z", "0 0 1", code=2)


def test_a_matrix_is_a_stiffness_of_the_plane(tmp_path: Path) -> None:
    path = tmp_path / "graphene.csv"
    path.write_text(GRAPHENE, encoding="utf-8")
    text = run("decompose", str(path), "--dimension", "2")
    assert "note: taken for 'elastic' by its shape" in text
    assert "K = 207.5, G = 144.5, E = 340.724, nu = 0.178977 (Hill)" in text
    assert "mechanically stable" in text
    document = in_json("decompose", str(path), "--dimension", "2")
    assert document["form"] == "voigt"
    assert document["moduli"]["K"] == pytest.approx(207.5)
    assert document["polar"]["T0"] == pytest.approx(144.5)
    assert document["shares"]["4"] == pytest.approx(0, abs=1e-20)
    assert document["stable"] is True
    values = {(part["weight"], part["copy"]): part["values"] for part in document["parts"]}
    elastic = reduction("elastic", dimension=2)
    back = elastic.reconstruct({key: np.array(part) for key, part in values.items()}, form="voigt")
    np.testing.assert_allclose(back, np.loadtxt(path, delimiter=","), atol=1e-10)


def test_other_shapes_batches_and_projection(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([[1, 2], [3, 4]]), encoding="utf-8")
    text = run("decompose", str(path), "--dimension", "2", "--verbose")
    assert "0o" in text
    assert "X(2,0)" in text
    refused = run("decompose", str(path), "--dimension", "2", "--symmetry", "ij=ji", code=1)
    assert "--project" in refused or not refused
    run("decompose", str(path), "--dimension", "2", "--symmetry", "ij=ji", "--project")
    path.write_text(json.dumps([np.eye(3).tolist()] * 4), encoding="utf-8")
    assert "means over the batch" in run("decompose", str(path), "--dimension", "2")


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(np.eye(6).tolist()), encoding="utf-8")
    run("decompose", str(path), "--dimension", "2", code=2)
    run("decompose", str(path), "--dimension", "2", "--tensor", "elastic", code=2)
    run("decompose", str(path), "--dimension", "2", "-o", str(tmp_path / "p.json"), code=2)
    run("show", "elastic", "--dimension", "4", code=2)
    run("show", "--dimension", "2", code=2)
    run("form", "--dimension", "2", code=2)
    run("show", "--symmetry", "ijk=-jik=-ikj", "--dimension", "2", code=2)

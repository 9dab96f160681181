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
    result = CliRunner().invoke(cli.app.app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # notes go to standard error


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


def test_parts_are_written_and_put_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("elastic", (4, 3, 3)), ("ij", (2, 2)), ("piezoelectric", (2, 3))):
        values = rng.normal(size=shape)
        values = values + values.swapaxes(-1, -2) if name == "elastic" else values
        path, parts, back = (tmp_path / f"{name}{end}.json" for end in ("", "-parts", "-back"))
        path.write_text(json.dumps(values.tolist()), encoding="utf-8")
        stated = ("--symmetry", name) if name == "ij" else ("--tensor", name)
        text = run("decompose", str(path), "--dimension", "2", *stated, "-o", str(parts))
        assert f"wrote {parts}" in text.replace("\n", "")
        assert "in the plane" in run("reconstruct", str(parts), "-o", str(back))
        document = json.loads(back.read_text(encoding="utf-8"))
        assert document["plane"] is True
        np.testing.assert_allclose(document["tensor"], values, rtol=1e-12, atol=1e-14)
        document = in_json("reconstruct", str(parts), "--form", "full")
        assert np.shape(document["tensor"])[-1] == 2


def test_symbols_of_a_group_and_of_a_file(tmp_path: Path) -> None:
    text = run("decompose", "--tensor", "elastic", "--dimension", "2", "--group", "4")
    assert "xxxy = -xyyy = C16" in text
    assert "K = λ + μ = (C11 + C12)/2, G = μ = (C11 - C12 + 2*C66)/4" in text
    path, parts, back = (tmp_path / name for name in ("c.csv", "parts.json", "back.csv"))
    path.write_text("C11, C12, 0\nC12, C11, 0\n0, 0, 1/2*C11 - C12/2\n", encoding="utf-8")
    text = run("decompose", str(path), "--dimension", "2", "-o", str(parts))
    assert "X(4,0), 4 = 0" in text
    assert "put together again it is the same tensor, exactly" in text
    run("reconstruct", str(parts), "-o", str(back))
    assert back.read_text(encoding="utf-8").splitlines()[2] == "0, 0, C11/2 - C12/2"
    path.write_text("a, b\n-b, a\n", encoding="utf-8")
    document = in_json("decompose", str(path), "--dimension", "2", "--symmetry", "ij")
    values = {(part["weight"], part["copy"]): part["values"] for part in document["parts"]}
    assert (values[0, 0], values[0, 1]) == ("a", "b")
    refused = ("decompose", str(path), "--dimension", "2", "--symmetry", "ij=ji")
    run(*refused, code=1)
    run(*refused, "--project")


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(np.eye(6).tolist()), encoding="utf-8")
    run("decompose", str(path), "--dimension", "2", code=2)
    run("decompose", str(path), "--dimension", "2", "--tensor", "elastic", code=2)
    run("decompose", str(path), "--dimension", "2", "--tensor", "elastic", "-g", "4", code=2)
    run("decompose", "--dimension", "2", "--tensor", "elastic", "-g", "m-3m", code=2)
    run("decompose", "--dimension", "2", "--example", "copper", code=2)
    run("show", "elastic", "--dimension", "4", code=2)
    run("show", "--dimension", "2", code=2)
    run("form", "--dimension", "2", code=2)
    run("show", "--symmetry", "ijk=-jik=-ikj", "--dimension", "2", code=2)

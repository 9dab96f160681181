"""The commands decompose and reconstruct as users meet them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import natural_tensors as nt
from natural_tensors import examples
from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run

COPPER = examples.load("copper").values
RANDOM = np.random.default_rng(11)


pytestmark = pytest.mark.usefixtures("own_folder")


def error_of(*arguments: str, code: int = 2, stdin: str | bytes | None = None) -> str:
    return message(run(*arguments, code=code, stdin=stdin))


def written(values: Any, file: str = "a.json", **stated: Any) -> str:
    """Write a JSON file and return its name."""
    data = np.asarray(values).tolist()
    Path(file).write_text(json.dumps({"tensor": data, **stated} if stated else data))
    return file


def test_a_part_that_is_absent_is_said() -> None:
    run("decompose", "--example", "zinc", "-o", "parts.json")
    document = json.loads(Path("parts.json").read_text())
    assert run("reconstruct", "parts.json").stderr == ""
    del document["parts"][0]
    Path("parts.json").write_text(json.dumps(document))
    told = run("reconstruct", "parts.json").stderr
    assert "parts.json holds no part (0, 0): taken as zero" in told


@pytest.mark.parametrize("name", examples.names()[::3])
def test_examples_there_and_back(name: str) -> None:
    example = examples.load(name)
    text = run("decompose", "--example", name).stdout
    assert text.startswith(f"{name} ({example.formula}): ")
    assert f", in {example.unit}" in text
    parts = run("decompose", "--example", name, "--json").stdout
    found = json.loads(run("reconstruct", "-", "--json", stdin=parts).stdout)
    assert np.abs(np.array(found["tensor"]) - example.values).max() <= (
        1e-13 * np.abs(example.values).max()
    )
    assert (found["form"], found["unit"]) == (example.form, example.unit)


def test_what_decompose_says_about_copper() -> None:
    text = run("decompose", "--example", "copper").stdout
    assert re.search(r"X\(0,1\) +0e +54\.64 +54\.64 +24\.70 %", text)
    assert re.search(r"X\(0,0\) +0e +100\.64 +100\.64 +94\.65 % +69\.95 %", text)
    assert "94.65 % isotropic (weight 0), 5.35 % weight 4; nothing of weight 2" in text
    assert "K = λ + 2/3 μ = 137.067 GPa, G = μ = 54.64 GPa: the Voigt averages" in text
    assert re.search(r"differs by \d\.\de-1[5-7] of its norm", text)


def test_the_parts_document_holds_everything() -> None:
    found = json.loads(run("decompose", "--example", "copper", "--json").stdout)
    assert found["natural_tensors"] == nt.__version__
    assert found["conventions"] == nt.CONVENTIONS
    assert (found["class"], found["symmetry"]) == ("elastic", "ijkl=jikl=klij")
    assert (found["axial"], found["basis"], found["batch"]) == (False, "dual", [])
    assert found["moduli"] == pytest.approx({"K": 411.2 / 3, "G": 54.64})
    assert sum(found["shares"]["weight"].values()) == pytest.approx(1)
    assert sum(found["shares"]["copy"].values()) == pytest.approx(1)
    parts = nt.reduction("elastic").decompose(COPPER, form="voigt")
    for part in found["parts"]:
        expected = parts[part["weight"], part["copy"]]
        assert np.array_equal(part["values"], expected)
        assert part["norm"] == pytest.approx(np.linalg.norm(expected))
    assert found["round_trip"] < 1e-15


def test_verbose_prints_the_numbers_of_every_part() -> None:
    text = run("decompose", "--example", "quartz-e", "-v").stdout
    assert "X(2,0)\n   0.0135333   0           0\n   0           0.0135333   0\n" in text
    assert "X(3,0), packed, m = -3 .. 3 (rule 11)\n  -0.0855    0        -0.33114 " in text


@pytest.mark.parametrize("basis", ["dual", "orthonormal"])
@pytest.mark.parametrize(
    ("name", "form", "batch"),
    [
        ("elastic", "full", ()),
        ("elastic", "components", (4,)),
        ("compliance", "voigt-compliance", ()),
        ("third-order-elastic", "voigt", (2,)),
        ("piezoelectric", "mandel", (2, 3)),
        ("nmr-shielding", "full", ()),
        ("torque", "full", (5,)),
        ("rotational-strength", "full", ()),
        ("hall", "components", ()),
    ],
)
def test_any_class_there_and_back(name: str, form: str, batch: tuple[int, ...], basis: str) -> None:
    target = nt.reduction(name)
    values = target.unpack(RANDOM.normal(size=(*batch, target.dimension)), form=form)  # type: ignore[arg-type]
    np.save("a.npy", values)
    arguments = ("--tensor", name, "--form", form, "--basis", basis)
    run("decompose", "a.npy", *arguments, "-v", "-o", "parts.json")
    stored = json.loads(Path("parts.json").read_text())
    assert (stored["batch"], stored["basis"], stored["form"]) == (list(batch), basis, form)
    run("reconstruct", "parts.json", "-o", "b.npy")
    assert np.abs(np.load("b.npy") - values).max() < 1e-13 * np.abs(values).max()


def test_the_same_stiffness_from_every_source() -> None:
    expected = run("decompose", "--example", "copper").stdout.splitlines()[4:]
    np.save("a.npy", COPPER)
    Path("a.csv").write_text("\n".join(" ".join(map(str, row)) for row in COPPER))
    written(nt.from_voigt(COPPER), "full.json", **{"class": "stiffness", "unit": "GPa"})
    for source in ("a.npy", "a.csv", "full.json"):
        found = run("decompose", source, "--tensor", "elastic").stdout.splitlines()
        assert found[5:10] == expected[1:6]
    piped = run("decompose", "-", stdin=Path("a.npy").read_bytes()).stdout
    assert "note: taken for 'elastic' by its shape; choose with --tensor or --symmetry" in piped


def test_a_guess_never_spoils_json() -> None:
    result = run("decompose", written(np.eye(3)), "--json")
    assert json.loads(result.stdout)["class"] == "dielectric"
    assert result.stderr.startswith("note: taken for 'dielectric' by its shape")


def test_options_win_over_the_file() -> None:
    written(np.eye(3), **{"class": "dielectric", "unit": "1", "name": "vacuum"})
    assert (
        "vacuum: Relative permittivity, ε (dielectric), in 1\n" in run("decompose", "a.json").stdout
    )
    assert "(stress)" in run("decompose", "a.json", "--tensor", "stress").stdout
    axial = run("decompose", "a.json", "--symmetry", "ij", "--axial", "--json").stdout
    assert json.loads(axial)["axial"] is True


def test_an_axial_class_from_a_file() -> None:
    written(np.eye(3), symmetry="ij=ji", axial=True)
    assert "1x0o+1x2o" in run("decompose", "a.json").stdout


def test_a_tensor_that_violates_its_symmetry_is_refused_or_symmetrized() -> None:
    matrix = COPPER + np.diag([0.5] * 5, 1)
    message = error_of("decompose", written(matrix), "--tensor", "elastic", code=1)
    assert message.startswith("error: a.json: the tensor violates ijkl=jikl=klij: ")
    assert "symmetrize it with --project" in message
    assert "invalid=" not in message
    text = run("decompose", "a.json", "--tensor", "elastic", "--project").stdout
    assert "note: symmetrized first: that changed no entry by more than 0.25" in text
    run("decompose", "a.json", "--project", "-o", "parts.json")
    run("reconstruct", "parts.json", "-o", "b.npy")
    assert np.allclose(np.load("b.npy"), (matrix + matrix.T) / 2)


def test_a_batch_is_summarised() -> None:
    stack = np.stack([COPPER, np.zeros((6, 6)), examples.load("zinc").values])
    np.save("a.npy", stack)
    run("decompose", "a.npy", "--tensor", "elastic", "-o", "parts.json")
    text = run("decompose", "a.npy", "--tensor", "elastic").stdout
    assert "form      3 tensors, each 6 x 6 (Voigt, no factors)" in text
    assert re.search(r"X\(0,0\) +0e +0 +48\.\d+ +100\.64 +\d+\.\d\d % ", text)
    assert "on average " in text
    assert "K = λ + 2/3 μ = 0 .. 137.067, G" in text
    shares = json.loads(Path("parts.json").read_text())["shares"]
    assert shares["weight"]["0"][1] is None
    assert shares["weight"]["2"][0] == pytest.approx(0)
    assert " tensor 2\n" in run("reconstruct", "parts.json").stdout


def test_zero_and_scalars() -> None:
    assert "zero: no part has a share" in run("decompose", written(np.zeros((6, 6)))).stdout
    text = run("decompose", "-", "--tensor", "energy", stdin="3.5\n").stdout
    assert re.search(r"X\(0,0\) +0e +3\.5 +3\.5 +100\.00 % +100\.00 %", text)
    assert "100.00 % isotropic (weight 0)" in text


def test_single_precision_is_read_as_such() -> None:
    values = examples.load("zinc").values.astype(np.float32)
    np.save("a.npy", values)
    text = run("decompose", "a.npy", "-o", "parts.json").stdout
    assert re.search(r"differs by \d\.\de-0[678] of its norm", text)


@pytest.mark.parametrize(
    ("form", "fragment"),
    [
        ("auto", "  168.4  121.4  121.4    0      0      0\n"),
        ("full", " [x, y]\n   0    75.4   0\n  75.4   0     0\n   0     0     0\n"),
        ("voigt-compliance", " 301.6\n"),
        ("components", "\nyzyz         75.4\n"),
    ],
)
def test_reconstruct_prints_any_form(form: str, fragment: str) -> None:
    run("decompose", "--example", "copper", "-o", "parts.json")
    assert fragment in run("reconstruct", "parts.json", "--form", form).stdout


@pytest.mark.parametrize("suffix", [".json", ".npy", ".csv", ".txt"])
def test_reconstruct_writes_what_decompose_reads(suffix: str) -> None:
    run("decompose", "--example", "forsterite", "-o", "parts.json")
    assert f"wrote out{suffix}" in run("reconstruct", "parts.json", "-o", f"out{suffix}").stdout
    again = json.loads(run("decompose", f"out{suffix}", "--json").stdout)
    first = json.loads(Path("parts.json").read_text())
    for old, new in zip(first["parts"], again["parts"], strict=True):
        assert np.allclose(old["values"], new["values"], rtol=0, atol=1e-12)


def test_large_results_are_cut_in_print_only() -> None:
    np.save("a.npy", np.stack([COPPER] * 40))
    run("decompose", "a.npy", "-o", "parts.json")
    text = run("reconstruct", "parts.json", "-o", "b.npy").stdout
    assert " tensor 26\n" in text
    assert "... 13 more; -o FILE writes all" in text
    assert np.load("b.npy").shape == (40, 6, 6)


@pytest.mark.parametrize(
    ("change", "code", "fragment"),
    [
        ({"values": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, 1, "not symmetric and traceless"),
        ({"values": [1, 2]}, 2, "(2, 0) ends in the shape (3, 3), got (2,)"),
        ({"copy": 7}, 2, "(2, 7) is not a part of ij=ji"),
        ({"values": [[[0, 0, 0]] * 3] * 2}, 2, "batch shape"),
    ],
)
def test_parts_that_make_no_tensor(change: dict[str, Any], code: int, fragment: str) -> None:
    run("decompose", written(np.diag([1, 2, 3])), "-o", "parts.json")
    document = json.loads(Path("parts.json").read_text())
    document["parts"][1] |= change
    Path("parts.json").write_text(json.dumps(document))
    message = error_of("reconstruct", "parts.json", code=code)
    assert message.startswith("error: parts.json: ")
    assert fragment in message
    assert "invalid=" not in message


def test_nothing_half_written_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    message = error_of("decompose", "--example", "zinc", "-o", "parts.json")
    assert "parts.json: cannot be written: No space left on device" in message
    assert os.listdir() == []

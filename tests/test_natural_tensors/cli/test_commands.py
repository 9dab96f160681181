"""The command line, as its users meet it: output, messages, exit codes, and its guide executed."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import natural_tensors as nt
from natural_tensors import cli, examples, terminal
from natural_tensors.files import reading
from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run
from tests.helpers.paths import ROOT

GUIDE = ROOT / "docs" / "command-line.md"
COMMANDS = (
    "list", "show", "form", "decompose", "reconstruct", "report", "examples", "harmonic",
    "coupling",
)  # fmt: skip
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


# --- the program ----------------------------------------------------------------------------------


def test_version() -> None:
    assert run("--version").stdout == f"natural-tensors {nt.__version__} (conventions 1)\n"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_command_the_help_is_shown(arguments: list[str]) -> None:
    text = run(*arguments).stdout
    assert "Exit codes: 0 done; 1 a tensor refused" in text
    for command in COMMANDS:
        assert f" {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_that_work(command: str) -> None:
    text = run(command, "--help").stdout
    lines = text[text.index("Examples:") :].splitlines()[1:]
    shown = [line.strip() for line in lines if line.strip()]
    assert shown
    for line in shown:
        assert line.startswith("natural-tensors ")
        assert len(line) < 78  # or a terminal would break it


def test_the_examples_of_the_help_pages_run(examples_in_help: list[str]) -> None:
    assert len(examples_in_help) > 20
    for line in examples_in_help:
        assert execute(line)[1] == 0, line


@pytest.fixture
def examples_in_help() -> list[str]:
    Path("stiffness.csv").write_text("\n".join(",".join(map(str, row)) for row in COPPER))
    np.save("many.npy", np.stack([np.eye(3)] * 2))
    run("examples", "quartz-d", "--json")
    Path("d.json").write_text(run("examples", "quartz-d", "--json").stdout)
    Path("tensor.json").write_text(run("examples", "zinc", "--json").stdout.replace("GPa", "kbar"))
    Path("measured.json").write_text(run("examples", "quartz", "--json").stdout)
    found = []
    for command in ("", *COMMANDS):
        text = run(*command.split(), "--help").stdout
        lines = text[text.index("Examples:") :].splitlines()[1:]
        found += [line.strip() for line in lines if line.strip()]
    return found


def execute(line: str) -> tuple[str, int]:
    """Run a line of a shell, and return its output and exit code.

    It may join commands of ours by pipes, and end in a file.
    """
    line, _, target = line.partition(" > ")
    data, output, code = None, "", 0
    for command in line.split(" | "):
        program, *arguments = shlex.split(command)
        assert program == "natural-tensors"
        result = CliRunner().invoke(
            cli.app.app, arguments, input=data, prog_name="natural-tensors", catch_exceptions=False
        )
        data, output, code = result.stdout, result.output, result.exit_code
    if target:
        Path(target).write_text(output)
        return "", code
    return output, code


@pytest.mark.parametrize("origin", ["/elsewhere/codegen/__init__.py", None])
def test_a_foreign_codegen_is_reported(origin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "find_spec", lambda _: SimpleNamespace(origin=origin))
    result = run("coupling", "1", "1", "1", "--json")
    assert json.loads(result.stdout)["odd"] is True
    assert result.stderr.startswith("warning: the package codegen that Python finds is not ours: ")
    assert (origin or "there is none") in result.stderr
    assert "pip uninstall codegen" in result.stderr


def test_no_warning_when_codegen_is_ours() -> None:
    assert run("harmonic", "0").stderr == ""


# --- as a program of its own ----------------------------------------------------------------------


def program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "natural_tensors", *arguments],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def test_pipes_carry_nothing_but_json() -> None:
    first = program("decompose", "--example", "zinc", "--json")
    assert (first.returncode, first.stderr) == (0, "")
    second = program("reconstruct", "-", "--json", input=first.stdout)
    assert (second.returncode, second.stderr) == (0, "")
    assert np.allclose(json.loads(second.stdout)["tensor"], examples.load("zinc").values)


def test_a_failing_program() -> None:
    found = program("decompose", "missing.json")
    assert found.returncode == 2
    assert (found.stdout, found.stderr) == ("", "error: missing.json: there is no such file\n")


def test_an_encoding_without_greek() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    found = program("show", "dielectric", "--json", env=environment)
    assert found.returncode == 0
    assert "\\u03b4" in found.stdout
    assert json.loads(found.stdout)["formulas"]["text"].startswith("T_ij = X(0,0) δ_ij")


def test_a_folder_named_codegen_in_the_way() -> None:
    Path("codegen").mkdir()
    Path("codegen/__init__.py").touch()
    found = program("harmonic", "1")
    assert found.returncode == 0
    assert "is not ours" in found.stderr


def test_colour_is_for_terminals() -> None:
    main_end, its_end = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "natural_tensors", "harmonic", "1"],
        stdout=its_end, env={**os.environ, "TERM": "xterm", "NO_COLOR": ""},
    )  # fmt: skip
    assert child.wait() == 0
    os.close(its_end)
    assert b"\x1b[1mHarmonic of weight 1" in os.read(main_end, 10_000)
    os.close(main_end)
    assert "\x1b" not in run("harmonic", "1").stdout


# --- list and show --------------------------------------------------------------------------------


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


# --- decompose and reconstruct --------------------------------------------------------------------


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


# --- what is wrong with a command -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fragments"),
    [
        ("lst", ["No such command 'lst'", "for help: natural-tensors --help"]),
        ("--bogus", ["No such option: --bogus"]),
        ("show", ["name a tensor, or give its --symmetry"]),
        ("show elastic --symmetry ij", ["give NAME or --symmetry, not both"]),
        ("show elastik", ["no physical tensor 'elastik'. The nearest: elastic"]),
        (
            "show --symmetry ijk=ijj",
            ["index 'j' occurs 2 times", "\n      ijk=ijj\n            ^\n"],
        ),
        ("show --symmetry ij=-ij", ["forces the tensor to be zero"]),
        ("show elastic --axial", ["elastic is a polar tensor: leave --axial out"]),
        (
            "show elastic --basis dul",
            ["'dul' is not one of dual, orthonormal; did you mean 'dual'"],
        ),
        ("show elastic --formulas some", ["'--formulas': 'some' is not one of auto, all, none"]),
        ("list --rank many", ["'--rank'"]),
        ("decompose", ["give one FILE, - for standard input, or --example NAME"]),
        ("decompose a.json --example zinc", ["give one FILE"]),
        ("decompose nothing.json", ["nothing.json: there is no such file"]),
        ("decompose --example slicon", ["no example 'slicon'. The nearest: silicon"]),
        ("decompose --example SiO2", ["is the formula of 3 examples"]),
        ("decompose a.json --tensor elastic", ["no elastic tensor", "6 x 6 (voigt"]),
        ("decompose a.json --tensor stress --form vogt", ["did you mean 'voigt'?"]),
        ("decompose a.json --form voigt", ["no dielectric tensor", "axes: 6 (voigt)"]),
        ("decompose a.json --axial", ["--axial goes with --symmetry"]),
        ("decompose a.json --tensor stress --symmetry ij", ["--tensor or --symmetry, not both"]),
        ("decompose a.json -o parts.csv", ["suffix '.csv' names no format", "allowed: .json"]),
        ("decompose a.json -o no/parts.json", ["there is no directory"]),
        ("reconstruct", ["Missing argument 'FILE'"]),
        ("reconstruct a.json", ["a.json: holds no parts of a tensor"]),
        ("reconstruct a.json -o a.xyz", ["suffix '.xyz' names no format"]),
        ("harmonic -- -1", ["'WEIGHT'"]),
        ("harmonic two", ["'WEIGHT'"]),
        ("harmonic 2 --normalization norm", ["'norm' is not one of legendre, orthonormal"]),
        ("coupling 3 1 1", ["weights 3 and 1 do not couple to 1: they reach 2 to 4"]),
        ("coupling 1 1", ["Missing argument 'L3'"]),
        ("examples slicon", ["no example 'slicon'"]),
    ],
)
def test_bad_commands_are_explained(line: str, fragments: list[str]) -> None:
    written(np.eye(3))
    message = error_of(*line.split())
    for fragment in fragments:
        assert fragment in message
    assert "Invalid value: " not in message


def test_a_form_without_symmetric_pairs_is_explained() -> None:
    run("decompose", written(np.eye(3)), "--symmetry", "ij", "-o", "parts.json")
    message = error_of("reconstruct", "parts.json", "--form", "voigt")
    assert "parts.json: form 'voigt' joins symmetric index pairs and this class has none" in message


def test_standard_input_is_named_in_messages() -> None:
    assert error_of("decompose", "-", stdin="").startswith("error: standard input: is empty")
    assert "standard input: line 1, column 2 is 'x'" in error_of("decompose", "-", stdin="1 x")


# --- examples, harmonics, couplings ---------------------------------------------------------------


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


def test_harmonics() -> None:
    text = run("harmonic", "2").stdout
    assert "3/2 (n_a n_b - 1/3 δ_ab)" in text
    assert " 0   √6/4 (-x² + 2 y² - z²)\n" in text
    assert run("harmonic", "2", "--latex").stdout == nt.harmonic(2).latex() + "\n"
    found = json.loads(run("harmonic", "3", "--normalization", "component", "--json").stdout)
    assert [row["m"] for row in found["packed"]] == list(range(-3, 4))
    assert found["squared_norm"] == "7"
    assert found["packed"][3]["latex"].endswith("x^{2}\\,y + 2\\,y^{3} - 3\\,y\\,z^{2}\\right)")


def test_couplings() -> None:
    text = run("coupling", "1", "1", "1").stdout
    assert "Z_a = ε_abc X_b Y_c" in text
    assert "6 packed entries" in text
    assert run("coupling", "2", "2", "4", "--latex").stdout == nt.coupling(2, 2, 4).latex() + "\n"
    found = json.loads(run("coupling", "2", "1", "2", "--json").stdout)
    table = nt.coupling(2, 1, 2).to_array()
    for entry in found["entries"]:
        i, j, k = entry["m"]
        assert table[i + 2, j + 1, k + 2] == pytest.approx(entry["value"])
    assert len(found["entries"]) == np.count_nonzero(table)
    assert "more; --json prints all" in run("coupling", "6", "6", "6").stdout


# --- the guide ------------------------------------------------------------------------------------


def console_blocks() -> Iterator[tuple[str, str]]:
    """Yield every command of the guide with the output it shows."""
    for block in re.findall(r"```console\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            yield command, output


def settled(text: str) -> str:
    """Return output without what differs between machines and versions."""
    text = re.sub(r"\d\.\de-1\d of its norm", "rounding", text)
    text = re.sub(r"\d\.\d MB$", "size", text, flags=re.MULTILINE)
    return text.replace(f'"natural_tensors": "{nt.__version__}"', '"natural_tensors": "0.1.0"')


def test_the_guide_shows_what_happens() -> None:
    commands = list(console_blocks())
    assert len(commands) > 12
    for command, expected in commands:
        program_name, _, file = command.partition(" ")
        if program_name == "cat" and not Path(file).exists():
            Path(file).write_text(expected)
        found = Path(file).read_text() if program_name == "cat" else execute(command)[0]
        assert settled(found) == settled(expected), command

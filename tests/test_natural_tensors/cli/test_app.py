"""The program natural-tensors: its help, its streams, its guide executed."""

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
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import natural_tensors as nt
from natural_tensors import cli, examples
from tests.helpers.command_lines import natural_tensors as run
from tests.helpers.paths import ROOT

GUIDE = ROOT / "docs" / "command-line.md"
COMMANDS = (
    "list", "show", "form", "decompose", "reconstruct", "report", "examples", "harmonic",
    "coupling", "elasticity",
)  # fmt: skip
COPPER = examples.load("copper").values


pytestmark = pytest.mark.usefixtures("own_folder")


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
    form = json.loads(run("form", "elastic", "--group", "mmm", "--json").stdout)
    Path("symbols.csv").write_text("\n".join(", ".join(row) for row in form["matrix"]))
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


def test_no_warning_when_codegen_is_ours() -> None:
    assert run("harmonic", "0").stderr == ""


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
    assert (found.returncode, found.stderr) == (0, "")  # what needs no codegen goes on
    refused = program("generate", "elastic")
    assert refused.returncode == 2
    assert "the package codegen that belongs to natural-tensors is another one" in refused.stderr


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

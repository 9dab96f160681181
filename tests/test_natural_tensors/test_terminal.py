"""How a command line speaks and fails: announced commands, tables, hints."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.text import Text
from typer.testing import CliRunner

from natural_tensors import cli, installation, terminal
from tests.helpers.paths import ROOT

GROUP = "natural_tensors.commands"
ANOTHER = '''
def register(app):
    @app.command()
    def hello():
        """Greet."""
        print("good morning")
'''


def announce(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> None:
    known = [EntryPoint(name, value, GROUP) for name, value in entries]
    monkeypatch.setattr(terminal, "entry_points", lambda group: known if group == GROUP else [])


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app.app, arguments, prog_name="natural-tensors")
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def commands_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_an_announced_command_is_listed_and_loaded_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "another_package.py").write_text(ANOTHER)
    monkeypatch.syspath_prepend(str(tmp_path))
    announce(monkeypatch, ("hello", "another_package:register"))
    assert run("hello") == (0, "good morning\n", "")
    assert "Greet." in run("--help")[1]


@pytest.mark.parametrize("origin", [None, "/other/codegen/__init__.py"])
def test_a_command_whose_package_cannot_be_loaded_says_so_once(
    monkeypatch: pytest.MonkeyPatch, origin: str | None
) -> None:
    announce(monkeypatch, ("generate", "codegen.cli:register"))
    found = None if origin is None else SimpleNamespace(origin=origin)
    monkeypatch.setattr(installation, "find_spec", lambda _: found)
    code, output, messages = run("generate", "elastic")
    assert (code, output) == (2, "")
    assert messages.startswith("error: the package codegen that belongs to natural-tensors is ")
    assert messages.count("\n") == 1
    assert (origin or "nowhere to be found") in messages
    assert "│ generate " not in run("--help")[1]  # and what needs no codegen goes on in silence
    assert run("list")[0] == 0
    assert not run("list")[2]


def test_a_command_missing_for_want_of_an_installation_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announce(monkeypatch)
    code, output, messages = run("generate", "elastic")
    assert (code, output) == (2, "")
    assert "error: No such command 'generate'" in messages
    assert "Python finds no installation" in messages
    assert "pip install -e ." in messages


def test_an_unknown_command_of_an_installed_program_has_no_such_excuse() -> None:
    code, _, messages = run("generat")
    assert code == 2
    assert "No such command 'generat'" in messages
    assert "installation" not in messages


def test_tables_are_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    terminal.say_table(("name", ">value"), [("a", "1"), (long, "22")])
    head, rule, first, second = capsys.readouterr().out.splitlines()
    assert head.startswith("name")
    assert head.endswith("value")
    assert set(rule) <= {"─", " "}
    assert first.endswith("     1")
    assert second == f"{long}      22"


def test_nothing_said_acts_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b[2J\x9b"  # Rich drops \r itself
    terminal.say(f"{evil}\nnext", Text(evil, style="bold"))
    terminal.say_table(("name",), [(f"{evil}\n",)])
    terminal.say_facts({"name": evil})
    terminal.warn("error", f"{evil}\nadvice\n", "bold red")
    output = capsys.readouterr()
    assert not set("\x1b\x9b") & set(output.out + output.err)
    assert output.out.count(r"a\x1b[2J\x9b") == 4
    assert "\nnext\n" in output.out
    assert output.err == "error: a\\x1b[2J\\x9b\n  advice\n"


def test_facts_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say_facts({"symmetry": "ij=ji", "unit": ""})
    assert capsys.readouterr().out == "symmetry  ij=ji\n"


def test_what_to_install_is_said_and_other_broken_imports_are_raised() -> None:
    missing = ModuleNotFoundError(name="plotly.io")
    assert "pip install 'natural-tensors[report]'" in terminal.missing_package(
        {"plotly": "report"}, missing
    )
    with pytest.raises(ModuleNotFoundError):
        terminal.missing_package({}, missing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_one_line() -> None:
    command = [sys.executable, "-m", "natural_tensors", "list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "error: the output: No space left on device\n"


def test_a_reader_that_has_enough_ends_a_command_in_silence() -> None:
    command = [sys.executable, "-m", "natural_tensors", "list"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1

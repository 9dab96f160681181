"""The program `carnet`: version, help, what to install."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

import natural_tensors as nt
from carnet_model import cli
from natural_tensors.terminal import missing_package
from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.tiny_models import write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


COMMANDS = (
    "predict", "evaluate", "train", "models", "join", "elastic", "export", "data dejong2015",
    "data check", "relax", "phonons", "eos",
)  # fmt: skip


def test_version() -> None:
    assert run("--version").stdout == f"carnet {nt.__version__} (conventions 1)\n"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_command_the_help_is_shown(arguments: list[str]) -> None:
    text = run(*arguments).stdout
    assert "Exit codes: 0 done; 1 no structure could be predicted" in text
    for command in ("predict", "evaluate", "train", "data", "models"):
        assert f" {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str) -> None:
    text = run(*command.split(), "--help").stdout
    lines = text[text.index("Examples:") :].splitlines()[1:]
    shown = [line.strip() for line in lines if line.strip()]
    assert shown
    for line in shown:
        assert shlex.split(line)[: 1 + len(command.split())] == ["carnet", *command.split()]
        assert len(line) < 78  # or a terminal would break it


@pytest.mark.parametrize("package", ["torch", "pymatgen"])
@pytest.mark.parametrize("command", ["predict si.cif", "evaluate some.json -o report"])
def test_what_to_install_is_said(
    package: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.app, "find_spec", lambda name: None if name == package else True)
    text = error_of(*command.split())
    assert f"the package {package} is not installed" in text
    assert "pip install 'natural-tensors[carnet]'" in text


def test_an_import_that_fails_later_is_explained_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'lightning.x'", name="lightning.x")

    monkeypatch.setattr("carnet_model.cli.predict.load", absent)
    text = error_of("predict", "si.cif")
    assert "the package lightning is not installed" in text
    assert "pip install 'natural-tensors[train]'" in text


def test_other_missing_modules_are_not_explained_away() -> None:
    with pytest.raises(ModuleNotFoundError):
        missing_package({}, ModuleNotFoundError("No module named 'else'", name="else"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "Missing argument 'FILES...'"),
        (["predict", "si.cif", "-o", "out.xlsx"], "the suffix '.xlsx' names no format"),
        (["predict", "si.cif", "--format", "jsno"], "did you mean 'json'?"),
        (["predict", "si.cif", "--precision", "half"], "'half' is not one of single, double"),
        (["predict", "si.cif", "-m", "elastik"], "did you mean 'elastic'?"),
        (["predict", "si.cif", "-m", "."], "model.json cannot be read"),
        (["predict", "si.cif", "-o", "nowhere/out.json"], "there is no directory"),
        (["predict", "si.cif", "--batch", "0"], "greater than or equal to 1"),
        (["evaluate", "some.json"], "Missing option '--output'"),
        (["evaluate", "none.json", "-o", "report"], "there is no such file"),
        (["evaluate", "some.json", "-o", "r", "--split", "vla"], "did you mean 'val'?"),
        (["evaluate", "some.json", "-o", "r", "--split", "reserved"], "is of the split 'reserved'"),
        (["evaluate", "some.json", "-o", "r", "--key", "elasticity"], "has no 'elasticity'"),
        (["train", "nothing.yaml"], "nothing.yaml: cannot be read"),
        (["data", "check", "some.json", "--drop"], "need --output"),
        (["data", "check", "some.json", "-o", "x.json"], "--output needs one of them"),
        (["data", "dejong2015", "x.txt"], "the suffix '.txt' names no format"),
    ],
)
def test_wrong_input_is_explained(arguments: list[str], message: str) -> None:
    write_crystals(2)
    assert message in error_of(*arguments)
    assert not Path("x.json").exists()

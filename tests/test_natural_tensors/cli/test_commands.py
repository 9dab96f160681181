"""What is said about bad commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.command_lines import message
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")


def error_of(*arguments: str, code: int = 2, stdin: str | bytes | None = None) -> str:
    return message(run(*arguments, code=code, stdin=stdin))


def written(values: Any, file: str = "a.json", **stated: Any) -> str:
    """Write a JSON file and return its name."""
    data = np.asarray(values).tolist()
    Path(file).write_text(json.dumps({"tensor": data, **stated} if stated else data))
    return file


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
    text = error_of("decompose", "-", stdin="1 0.5x")
    assert "standard input: line 1, column 2: 0.5" in text

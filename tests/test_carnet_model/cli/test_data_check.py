"""The command `data check`: labels that violate their symmetry, and what mends them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from carnet_model.data.label_checks import rotate
from natural_tensors import from_voigt, to_voigt
from tests.helpers.command_lines import carnet as run
from tests.helpers.tiny_models import CRYSTALS, RECORDS, stiffness, write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def wrong_frames() -> str:
    """Write three crystals: a good one, one in axes of its own, one with nonsense for a label."""
    good, rotated, nonsense = (dict(RECORDS[place]) for place in (0, 9, 16))
    from carnet_model.structures.symmetry import known_frames as frames

    _, rotation = next(iter(frames(CRYSTALS[rotated["id"]])))
    if np.allclose(np.abs(rotation), np.eye(3)):
        rotation = np.eye(3)[[2, 0, 1]]
    other = rotate(np.asarray(from_voigt(stiffness(rotated))), np.eye(3)[[2, 0, 1]][None])[0]
    rotated["C"] = np.asarray(to_voigt(other))[np.triu_indices(6)].tolist()
    nonsense["C"] = np.arange(1.0, 22).tolist()
    Path("data.json").write_text(json.dumps([good, rotated, nonsense]))
    return "data.json"


def test_check_finds_labels_that_violate_their_symmetry() -> None:
    result = run("data", "check", wrong_frames(), code=1)
    assert "3 labels checked against their point groups, 2 violate them" in result.stdout
    assert "--average: take the mean over the point group" in result.stdout
    write_crystals(9)
    clean = run("data", "check", "some.json", "--tolerance", "0.1")
    assert "9 labels checked" in clean.stdout
    assert ", 0 violate them" in clean.stdout


def test_check_writes_what_is_left_in_the_form_it_was_read() -> None:
    wrong_frames()
    run("data", "check", "data.json", "--drop", "-o", "dropped.json")
    (kept,) = json.loads(Path("dropped.json").read_text())
    assert kept["id"] == "mp-559"
    assert np.allclose(kept["C"], RECORDS[0]["C"])
    assert kept["spacegroup"] == RECORDS[0]["spacegroup"]
    text = run("data", "check", "data.json", "--average", "-o", "averaged.json").stdout
    assert "3 of 3 examples written to averaged.json" in text
    assert ", 0 violate them" in run("data", "check", "averaged.json").stdout
    left = run("data", "check", "data.json", "--repair", "-o", "repaired.json").stderr
    remaining = run("data", "check", "repaired.json", code=1).stdout
    assert "2 of them still violate their point group" in left
    assert ", 2 violate them" in remaining
    named = run("data", "check", "data.json", "--form", "upper", code=1).stdout
    assert "3 labels checked" in named  # under the usual key


def test_positions_too_far_apart_to_be_equivalent() -> None:
    write_crystals(3)
    for distance in ("0", "1"):  # at which spglib does not end, or returns what it makes up
        told = run("data", "check", "some.json", "--symprec", distance, code=2).stderr
        assert "'--symprec'" in told


def test_check_of_other_labels() -> None:
    records = [{**RECORDS[9], "eps": [[3.0, 0, 0], [0, 3.0, 0], [0, 0, 4.0]]}]
    Path("eps.json").write_text(json.dumps(records))
    text = run("data", "check", "eps.json", "--label", "dielectric", "--key", "eps").stdout
    assert "dielectric: 1 labels checked" in text

"""The command `select`: a table, a file in the order of the choice, and what is left out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.tiny_models import RECORDS, saved, write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def write_stretched(count: int) -> str:
    """Write crystals that are no longer those of the training set."""
    records = [
        {
            **{key: record[key] for key in ("id", "numbers", "frac")},
            "lattice": (1.1 * np.array(record["lattice"])).tolist(),
        }
        for record in RECORDS[:count]
    ]
    Path("pool.json").write_text(json.dumps(records))
    return "pool.json"


def test_the_chosen_are_written_in_their_order() -> None:
    text = run("select", write_stretched(9), "-n", "4", "-o", "next.csv").stdout
    assert "4 of 9 structures chosen; 0 are in the training set, 0 cannot be predicted" in text
    assert "written to next.csv" in text
    names = [row["name"] for row in csv.DictReader(Path("next.csv").read_text().splitlines())]
    assert len(set(names)) == 4
    places = [text.index(name) for name in names]
    assert places == sorted(places)


def test_a_known_pool_one_network_and_a_wrong_ending_are_refused() -> None:
    assert "3 are known" in error_of("select", write_crystals(3))
    saved(Path("alone"), members=1)
    assert "one network has no uncertainty" in error_of(
        "select", write_stretched(2), "--model", "alone"
    )
    assert ".extxyz" in error_of("select", "pool.json", "-o", "next.docx")

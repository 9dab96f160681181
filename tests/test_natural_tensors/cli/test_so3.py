"""The commands harmonic and coupling as users meet them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import natural_tensors as nt
from tests.helpers.command_lines import natural_tensors as run

pytestmark = pytest.mark.usefixtures("own_folder")


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

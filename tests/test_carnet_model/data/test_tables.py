"""Labels in the columns of a table beside structure files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from carnet_model.data.examples import DatasetError
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from tests.helpers.copper import (
    STIFFNESS,
    check_copper,
    table,
)


def test_a_table_beside_structure_files(tmp_path: Path) -> None:
    names = [(i, j) for i in range(6) for j in range(6)]
    whole = {f"C{i + 1}{j + 1}": STIFFNESS[i, j] for i, j in names}
    half = {f"C_{i + 1}{j + 1}": STIFFNESS[i, j] for i, j in names if i <= j}
    for columns, form in (
        (whole, "voigt"),
        (half, "voigt"),
        (half, "upper"),
        ({"C": json.dumps(STIFFNESS.tolist())}, "voigt"),
    ):
        source = LabelSource("elastic", "C", form)  # type: ignore[arg-type]
        folder = table(tmp_path / "t", columns)
        check_copper(read_examples(folder, source))
        check_copper(read_examples(folder / "labels.csv", source))


def test_a_table_of_rank_two(tmp_path: Path) -> None:
    letters = ["xx", "yy", "zz", "yz", "xz", "xy"]
    folder = table(tmp_path / "six", {f"eps_{pair}": k + 1.0 for k, pair in enumerate(letters)})
    for form in ("voigt", "full"):
        (example,) = read_examples(folder, LabelSource("dielectric", "eps", form))
        assert np.allclose(example.labels["dielectric"], [[1, 6, 5], [6, 2, 4], [5, 4, 3]])
    nine = {f"s{i}{j}": 3.0 * i + j for i in (1, 2, 3) for j in (1, 2, 3)}
    (example,) = read_examples(table(tmp_path / "nine", nine), LabelSource("s", symmetry="ij"))
    assert np.allclose(example.labels["s"], [[4, 5, 6], [7, 8, 9], [10, 11, 12]])


def test_a_table_with_a_gap_or_a_missing_file_says_so(tmp_path: Path) -> None:
    columns = {"eps_xx": 1.0, "eps_yy": 1.0}
    with pytest.raises(DatasetError, match=r"row 1 \(cu.vasp\).*not finite"):
        read_examples(table(tmp_path / "t", columns), LabelSource("dielectric", "eps"))
    (tmp_path / "t" / "cu.vasp").rename(tmp_path / "t" / "au.vasp")
    with pytest.raises(DatasetError, match=r"no structure file 'cu.vasp'[^\n]*\nfiles there: au"):
        read_examples(tmp_path / "t", LabelSource("dielectric", "eps"))

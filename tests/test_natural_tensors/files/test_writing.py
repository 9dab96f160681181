"""What is written is read back, and nothing is half written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import natural_tensors as nt
from natural_tensors.arrays import to_lists
from natural_tensors.files import reading, saving, writing
from natural_tensors.files.saving import FileError

RANDOM = np.random.default_rng(7)


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize("suffix", [".json", ".npy", ".csv", ".txt", ".CSV"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3, 3), (2, 6), (5,), ()])
def test_what_is_written_is_read_back(suffix: str, shape: tuple[int, ...]) -> None:
    values = RANDOM.normal(size=shape)
    document = writing.about(nt.reduction("dielectric"), "full", "1", None)
    document["tensor"] = to_lists(values)
    writing.write_tensor("a" + suffix, document, values)
    assert np.array_equal(reading.read_tensor("a" + suffix).values, values)


def test_a_table_says_what_it_holds_and_has_its_limits() -> None:
    document = writing.about(nt.reduction("elastic"), "voigt", "GPa", "Cu")
    writing.write_tensor("a.csv", document, np.eye(2))
    assert Path("a.csv").read_text() == (
        "# name Cu, class elastic, symmetry ijkl=jikl=klij, form voigt, unit GPa\n"
        "1.0, 0.0\n0.0, 1.0\n"
    )
    with pytest.raises(FileError, match=r"cannot hold an array of shape 3 x 3 x 3 x 3"):
        writing.write_tensor("a.csv", document, np.ones((3,) * 4))


@pytest.mark.parametrize("path", ["a.xlsx", "a", "a.npz"])
def test_an_unknown_suffix(path: str) -> None:
    with pytest.raises(FileError, match=r"names no format\nallowed: \.json, \.npy, \.csv, \.txt"):
        writing.write_tensor(path, {}, np.ones(3))


def test_json_is_readable_by_people_and_has_no_nan() -> None:
    text = saving.to_json({"a": [1.0] * 40, "b": [[1.0] * 30] * 2, "c": [{"d": "δ"}], "e": []})
    assert len(text.splitlines()) == 9
    assert json.loads(text)["c"] == [{"d": "δ"}]
    assert to_lists(np.array([1.0, np.nan])) == [1.0, None]
    assert to_lists(np.float64(2.0)) == 2.0


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("a.json").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(FileError, match=r"a\.json: cannot be written: No space left on device"):
        writing.write_json("a.json", {"new": 1})
    assert Path("a.json").read_text() == "old"
    assert os.listdir() == ["a.json"]


def test_places_that_cannot_be_written() -> None:
    with pytest.raises(FileError, match=r"there is no directory .*nowhere\ncreate it first"):
        writing.write_json("nowhere/a.json", {})
    Path("folder.json").mkdir()
    with pytest.raises(FileError, match=r"folder\.json: is a directory"):
        writing.write_json("folder.json", {})


def test_links_are_followed_and_pipes_are_not_replaced() -> None:
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    writing.write_json("link.json", {"a": 1})
    assert Path("link.json").is_symlink()
    assert json.loads(Path("real.json").read_text()) == {"a": 1}
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    writing.write_json("pipe", {"a": 1})
    assert json.loads(os.read(reader, 100)) == {"a": 1}
    os.close(reader)
    assert sorted(os.listdir()) == ["link.json", "pipe", "real.json"]

"""Files: tables that no spreadsheet runs, what killed processes leave, where caches go."""

from __future__ import annotations

import csv
import os
import stat
from pathlib import Path

import pytest

from natural_tensors.files import saving
from natural_tensors.files.saving import FileError, make_folder, write_bytes
from tests.helpers.processes import dead_process


def test_the_cache_folder_is_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", "/somewhere")
    assert saving.cache_folder() == Path("/somewhere")
    monkeypatch.delenv("NATURAL_TENSORS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert saving.cache_folder() == Path("/caches/natural-tensors")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert saving.cache_folder() == Path.home() / ".cache" / "natural-tensors"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place, words in (
        ("file/a.json", "there is no directory"),
        ("none/a.json", "there is no directory"),
        (".", "is a directory"),
        ("a\0b", "holds the character NUL"),
        ("x" * 300, "File name too long"),
    ):
        with pytest.raises(FileError, match=words):
            write_bytes(str(tmp_path / place), b"")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_folders_are_made_or_refused(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for place, words in (("file", "File exists"), ("file/b", "Not a directory"), ("\0", "NUL")):
        with pytest.raises(FileError, match=f"no folder can be made there: .*{words}"):
            make_folder(tmp_path / place)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are elsewhere")
def test_a_cache_of_code_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a" / "cache"
    before = os.umask(0)
    try:
        assert saving.open_cache(folder) == folder
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for mode in (0o720, 0o702):
        folder.chmod(mode)
        with pytest.raises(
            saving.FileError, match=rf"others may write .*mode {mode:o}\)\n.*chmod go-w"
        ):
            saving.open_cache(folder)
    folder.chmod(0o755)
    saving.open_cache(folder)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    if folder.stat().st_uid:  # what belongs to the administrator is trusted
        with pytest.raises(saving.FileError, match="belongs to user"):
            saving.open_cache(folder)


def test_without_a_home_there_is_no_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    for variable in ("NATURAL_TENSORS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(saving.NoFolderError, match="set HOME"):
        saving.cache_folder()


@pytest.mark.parametrize(
    "cell", ["-1.5", "+2e-3", "-.5", "1.", "-inf", "nan", "5", "", "C11", "a=b", "mp-30", "'", "–1"]
)
def test_numbers_and_plain_text_stay_as_they_are(cell: str) -> None:
    text = saving.to_csv(["name", "n"], [{"name": cell, "n": -1.5}])
    (row,) = csv.DictReader(text.splitlines())
    assert row == {"name": cell, "n": "-1.5"}


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", " =1", "\t=1", "-mp-30", "-1e5x",
     "--1", "\uff1d1"],
)  # fmt: skip
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    text = saving.to_csv(["=name"], [{"=name": cell}])
    (row,) = csv.DictReader(text.splitlines())
    assert row == {"'=name": f"'{cell}"}


def test_rows_may_lack_cells_and_hold_what_csv_quotes() -> None:
    text = saving.to_csv(["a", "b"], [{"b": 'x, "y"'}, {"a": 1, "c": 3}])
    assert text == 'a,b\n,"x, ""y"""\n1,\n'


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    dead = dead_process()
    gone = [f".a.json.new.{dead}.7.tmp", f".model.old.{dead}.7.tmp"]
    kept = [
        saving.temporary(tmp_path / "a.json").name,  # this process runs
        ".a.json.new.1.1.tmp",  # so does the first, of another user
        f"a.json.new.{dead}.7.tmp", f".a.json.{dead}.tmp", ".notes.tmp", "a.json",
    ]  # fmt: skip
    for name in (gone[0], *kept):
        (tmp_path / name).write_text("x")
    (tmp_path / gone[1]).mkdir()
    (tmp_path / gone[1] / "weights").write_text("x")
    assert [path.name for path in saving.leftovers(tmp_path)] == sorted(gone)
    assert saving.leftovers(tmp_path, "model", "new") == []
    saving.remove_leftovers(tmp_path, "b.json")
    assert (tmp_path / gone[0]).exists()
    saving.remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)
    saving.remove_leftovers(tmp_path / "nowhere")


def test_a_number_that_no_process_has(tmp_path: Path) -> None:
    name = f".a.new.{10**30}.1.tmp"
    (tmp_path / name).write_text("x")
    saving.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == []

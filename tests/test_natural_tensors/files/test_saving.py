"""Where files that are kept go."""

from __future__ import annotations

from pathlib import Path

import pytest

from natural_tensors.files import saving
from natural_tensors.files.saving import FileError, make_folder, write_bytes


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

"""Where files that are kept go."""

from __future__ import annotations

import os
import stat
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

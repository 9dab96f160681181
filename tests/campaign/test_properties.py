"""Any JSON, any text: readers return, or raise the error they promise."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.kinds import kind_of_bytes
from carnet_model.structures.reading import read_geometries
from natural_tensors.errors import InputError
from natural_tensors.files import reading, recognition
from natural_tensors.files.decoding import DecodingError, decode_json, decode_npy
from natural_tensors.files.exact_entries import EntryError, read_entry

NUMBERS = st.one_of(
    st.integers(-3, 120), st.floats(), st.sampled_from([10**20, 10**400, -(2**63), 0.5, 1e300])
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=6))
KEYS = st.sampled_from(
    [*reading.TENSOR_KEYS, *reading.PARTS_KEYS, *reading.PART_KEYS, "numbers", "lattice", "frac",
     "positions", "pos", "periodic", "structure", "molecule", "id", "@module", "@class", "sites",
     "species", "element", "occu", "abc", "xyz", "matrix", "pbc", "dtype", "data", "input_array"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["pymatgen.core.structure", "Structure", "Molecule", "numpy", "array", "complex128", "elastic",
     "ElasticTensor", "ij=ji", "ijkl=jikl=klij", "voigt", "full", "Si", "D", "x", "Si4+"]
)  # fmt: skip
TREES = st.recursive(
    st.one_of(LEAVES, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(st.one_of(KEYS, st.text(max_size=3)), inner, max_size=6),
        st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=25,
)
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@quick
@given(TREES)
def test_any_tree_is_a_structure_or_an_error(tree: Any) -> None:
    with suppress(GeometryError):
        assert isinstance(geometry(tree, name="here"), Geometry)


@quick
@given(TREES, st.sampled_from([reading.read_any_tensor, reading.read_tensor, reading.read_parts]))
def test_any_tree_is_a_tensor_or_an_error(tmp_path: Path, tree: Any, read: Any) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(tree))
    with suppress(InputError):
        record = read(str(path))
        if read is reading.read_tensor:
            recognition.recognize(record).full()


@quick
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    kind_of_bytes(content)
    with suppress(DecodingError):
        decode_npy(b"\x93NUMPY\x01\x00" + content)
    for name in ("a.json", "a.csv", "a.npy"):
        (tmp_path / name).write_bytes(content)
        with suppress(InputError):
            reading.read_any_tensor(str(tmp_path / name))


@quick
@given(st.text(max_size=200), st.sampled_from(["a.cif", "a.xyz", "POSCAR", "a.json", "a.csv.gz"]))
def test_any_text_is_structures_or_errors(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    assert all(isinstance(entry, Geometry | GeometryError) for entry in read_geometries(path))


@quick
@given(st.text(alphabet="0123456789abC+-*/() .\u2212sqrtcoin^\n", max_size=40))
def test_any_text_is_an_entry_or_an_error(text: str) -> None:
    with suppress(EntryError):
        read_entry(text)


@pytest.mark.parametrize("depth", [59, 61, 900, 100_000])
def test_depth_never_ends_a_process(depth: int) -> None:
    for opened, closed in ("[]", ('{"a":', "}")):
        with suppress(DecodingError):
            decode_json(opened * depth + "1" + closed * depth)

"""Tensors and their parts from files: every format, every complaint."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from monty.serialization import dumpfn
from pymatgen.analysis.elasticity import ElasticTensor

import natural_tensors as nt
from natural_tensors.files import reading, recognition, writing
from natural_tensors.files.saving import FileError

MATRIX = [[1.5, 2.0, 0.0], [2.0, -1.0, 0.25], [0.0, 0.25, 3.0]]


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.json", json.dumps(MATRIX)),
        ("a.json", json.dumps({"tensor": MATRIX})),
        ("a.json", json.dumps({"values": MATRIX, "unit": None})),
        ("a.csv", "# a comment\n1.5, 2, 0\n2,-1,.25\n0,0.25,3 # another\n"),
        ("a.csv", "1.5;2;0\n2;-1;0.25\n0;0.25;3"),
        ("a.txt", "\r\n  1.5 2 0\r\n2\t-1 2.5e-1\r\n0 .25 3\r\n\r\n"),
        ("a.dat", "\ufeff1.5 2 0\n2 -1 0.25\n0 0.25 3\n"),
        ("noname", "\n [[1.5, 2, 0], [2, -1, 0.25], [0, 0.25, 3]]"),
    ],
)
def test_the_same_matrix_in_every_text_format(file: str, text: str) -> None:
    Path(file).write_text(text, encoding="utf-8", newline="")
    found = reading.read_tensor(file)
    assert found.values.tolist() == MATRIX
    assert found.origin == file
    assert (found.tensor, found.axial, found.form, found.unit, found.name) == (None,) * 5


@pytest.mark.parametrize("kind", ["float64", "float32", "int16", ">f8", "uint8", "float16"])
def test_npy_of_every_kind_of_number(kind: str) -> None:
    values = np.array([[1, 2], [3, 4]], dtype=kind)
    np.save("a.npy", values)
    found = reading.read_tensor("a.npy").values
    assert np.array_equal(found, values)
    assert found.dtype in (np.float32, np.float64)
    Path("a.npy").rename("without-suffix")
    assert np.array_equal(reading.read_tensor("without-suffix").values, values)


def test_an_object_says_what_it_holds() -> None:
    stated = {
        "class": "elastic", "symmetry": "ijkl=klij=jikl", "axial": False, "form": "voigt",
        "unit": "GPa", "name": "Cu", "source": "x", "tensor": np.eye(6).tolist(),
    }  # fmt: skip
    Path("a.json").write_text(json.dumps(stated))
    found = reading.read_tensor("a.json")
    assert (found.tensor, found.axial, found.form) == ("elastic", False, "voigt")
    assert (found.unit, found.name) == ("GPa", "Cu")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3.5", ()),
        ("1 2 3", (3,)),
        ("1\n2\n3\n", (3,)),
        ("1 2\n3 4\n\n5 6\n7 8\n\n\n9 10\n11 12", (3, 2, 2)),
        ("1 2 3\n\n4 5 6\n", (2, 3)),
    ],
)
def test_the_shape_of_a_text_table(text: str, shape: tuple[int, ...]) -> None:
    Path("a.txt").write_text(text)
    assert reading.read_tensor("a.txt").values.shape == shape


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(b"[[1, 2], [3, 4]]"))
    monkeypatch.setattr(sys, "stdin", stream)
    found = reading.read_tensor("-")
    assert found.origin == "standard input"
    assert found.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("file", "content", "fragments"),
    [
        ("a.json", "", ["a.json: is empty", "expected a tensor"]),
        ("a.csv", " \n\n", ["is empty"]),
        ("a.csv", "# only\n#comments\n", ["comments only"]),
        ("a.json", "[[1, 2], [3,]]", ["line 1, column 13 is not JSON", '{"tensor": [...]']),
        ("a.json", '{"tensor": [1,\n 2', ["line 2, column 3"]),
        ("a.json", "[1, [2]]", ["entry [1] is a list of 1 numbers, but entry [0] is a number"]),
        ("a.json", "[[1, 2], [3]]", ["entry [1] is a list of 1 numbers", "[0] is a list of 2"]),
        ("a.json", '[[1, "x"]]', ['entry [0][1] is "x", not a number']),
        ("a.json", "[1, true]", ["entry [1] is true, not a number"]),
        ("a.json", "[1, null]", ["entry [1] is null"]),
        ("a.json", "[[], []]", ["entry [0] is an empty list"]),
        ("a.json", "[]", ["the tensor is an empty list"]),
        ("a.json", "[1, NaN]", ["entry [1] is nan, not a finite number", "compute it again"]),
        ("a.json", "[[1, -Infinity]]", ["entry [0][1] is -inf"]),
        ("a.json", "[1e999]", ["entry [0] is inf"]),
        ("a.json", f"[1{'0' * 400}]", ["beyond the range of float64"]),
        ("a.json", "[" * 61 + "1" + "]" * 61, ["nested too deeply; allowed: 60 lists"]),
        ("a.json", "[" * 900 + "]" * 900, ["nested too deeply"]),
        ("a.json", "[" * 100_000, ["nested too deeply"]),
        ("a.json", f"[1{'0' * 5000}]", ["an integer of thousands of digits"]),
        ("a.json", '"text"', ['the tensor is "text", not a number']),
        ("a.json", '{"tensr": [1]}', ["unknown key 'tensr'; did you mean 'tensor'?", "allowed: "]),
        ("a.json", '{"tensor": [1], "untis": "GPa"}', ["'untis'; did you mean 'unit'?"]),
        ("a.json", '{"unit": "GPa"}', ["neither 'tensor' nor 'values'"]),
        ("a.json", '{"tensor": [1], "values": [1]}', ["both 'tensor' and 'values'"]),
        ("a.json", '{"tensor": [1], "axial": "no"}', ["'axial' is \"no\"", "true or false"]),
        ("a.json", '{"tensor": [1], "unit": 3}', ["key 'unit' is 3; allowed: a string"]),
        ("a.json", '{"tensor": [1], "form": "vogt"}', ["'vogt'; did you mean 'voigt'?", "mandel"]),
        ("a.json", '{"tensor": [1], "class": "elastc"}', ["a.json: there is no", "elastic"]),
        ("a.json", '{"tensor": [1], "symmetry": "ij=ii"}', ["a.json: index 'i' occurs 2 times"]),
        (
            "a.json",
            '{"tensor": [1], "class": "elastic", "symmetry": "ijkl=jikl"}',
            ["class 'elastic' has the symmetry ijkl=jikl=klij, but 'symmetry' says 'ijkl=jikl'"],
        ),
        ("a.json", '{"tensor": [1], "class": "elastic", "axial": true}', ["polar tensor"]),
        ("a.json", '{"parts": []}', ["holds the parts", "reconstruct FILE"]),
        ("a.csv", "1 2\n3 4 5\n", ["row 2 has 3 numbers, the first row has 2"]),
        ("a.csv", "1 2\n3 4\n\n5 6\n7\n", ["row 2 of matrix 2 has 1 numbers"]),
        ("a.csv", "1 2\n3 4\n\n5 6\n", ["matrix 2 has 1 rows, the first has 2"]),
        ("a.csv", "c11,c12\n1,2\n", ["line 1, column 1 is 'c11', not a number", "# before"]),
        ("a.csv", "1,,2\n", ["line 1, column 2 is empty"]),
        ("a.csv", "1,2\n3,nan\n", ["line 2, column 2 is nan, not a finite number"]),
        ("a.npy", b"\x93NUMPY garbage", ["no NPY file that can be read", "numpy.save"]),
        ("a.npy", "[1]", ["no NPY file"]),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", ["neither UTF-8 text nor NPY", "numpy.save"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_explained(
    file: str, content: str | bytes, fragments: list[str]
) -> None:
    Path(file).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(FileError) as caught:
        reading.read_tensor(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    for fragment in fragments:
        assert fragment in message


def npy(header: str, numbers: bytes = b"", version: int = 1) -> bytes:
    """Return an NPY file with any header."""
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode() + numbers


LARGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,)}"


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (npy(LARGE), "claims 80000000000 bytes of numbers, and 0 are there"),
        (npy(LARGE, bytes(800), version=3), "claims 80000000000 bytes of numbers, and 800"),
        (npy(LARGE.replace("10000000000", "-1")), "a.npy: is no NPY file"),
        (npy(LARGE.replace("10000000000", "9" * 5000)), "a.npy: is no NPY file"),
        (npy(LARGE.replace("<f8", "O")), "Object arrays cannot be loaded"),
        (npy(LARGE.replace("<f8", "<f8,<f8")), "a.npy: is no NPY file"),
        (npy("("), "a.npy: is no NPY file"),
        (npy("[" * 900), "a.npy: is no NPY file"),
        (npy("{}"), "a.npy: is no NPY file"),
        (npy(LARGE, version=9), "a.npy: is no NPY file"),
        (npy(LARGE)[:9], "a.npy: is no NPY file"),
    ],
)
def test_broken_headers_of_npy(content: bytes, fragment: str) -> None:
    Path("a.npy").write_bytes(content)
    with pytest.raises(FileError) as caught:
        reading.read_tensor("a.npy")
    assert fragment in str(caught.value)


def test_a_complex_tensor_without_imaginary_part_is_real() -> None:
    np.save("a.npy", np.eye(3) + 0j)
    assert np.array_equal(reading.read_tensor("a.npy").values, np.eye(3))
    dumpfn({"tensor": np.eye(3) + 0j, "class": "dielectric"}, "a.json")
    assert np.array_equal(reading.read_tensor("a.json").values, np.eye(3))
    dumpfn(np.eye(3) * 1j, "a.json")
    with pytest.raises(FileError, match=r"a\.json: holds complex numbers"):
        reading.read_tensor("a.json")


def test_tensors_as_carnet_writes_them() -> None:
    stiffness = np.diag([165.0, 165, 165, 80, 80, 80]) + np.pad(np.full((3, 3), 64.0), (0, 3))
    good = {"name": "Si", "stiffness": stiffness.tolist()}
    failed = {"name": "lost", "error": "there is no such file"}
    document: dict[str, Any] = {"class": "elastic", "unit": "GPa", "form": "voigt"}
    for entries, shape in (([good], (6, 6)), ([good, failed, good], (2, 6, 6))):
        Path("a.json").write_text(json.dumps(document | {"predictions": entries}))
        record = reading.read_tensor("a.json")
        assert (record.tensor, record.unit, record.values.shape) == ("elastic", "GPa", shape)
        assert np.array_equal(record.values.reshape(-1, 6, 6)[-1], stiffness)
    dielectric = {"class": "dielectric", "unit": "1", "predictions": [{"tensor": [[1, 0, 0]] * 3}]}
    Path("a.json").write_text(json.dumps(dielectric))
    assert reading.read_tensor("a.json").values.shape == (3, 3)
    for empty in ([failed], [], ["text"]):
        Path("a.json").write_text(json.dumps(document | {"predictions": empty}))
        with pytest.raises(FileError, match="unknown key 'predictions'"):
            reading.read_tensor("a.json")


@pytest.mark.parametrize("voigt", [False, True])
def test_tensors_as_pymatgen_writes_them(voigt: bool) -> None:
    stiffness = np.diag([165.0, 165, 165, 80, 80, 80]) + np.pad(np.full((3, 3), 64.0), (0, 3))
    tensor = ElasticTensor.from_voigt(stiffness)
    for written, name, unit in (
        (tensor, "elastic", "GPa"),
        (tensor.compliance_tensor, "compliance", "1/GPa"),
    ):
        Path("a.json").write_text(json.dumps(written.as_dict(voigt=voigt)))
        record = reading.read_tensor("a.json")
        assert (record.tensor, record.unit) == (name, unit)
        assert np.allclose(recognition.recognize(record).full(), written)


@pytest.mark.parametrize(
    ("array", "fragment"),
    [
        (np.array([1 + 2j]), "complex numbers"),
        (np.array(["a"]), "instead of numbers"),
        (np.array([None]), "no NPY file that can be read"),
        (np.array([True]), "bool instead of numbers"),
        (np.zeros((0, 6, 6)), "holds no number: an array of shape 0 x 6 x 6"),
        (np.array([[1.0, np.nan]]), "entry [0][1] is nan"),
    ],
)
def test_arrays_that_are_no_tensors(array: Any, fragment: str) -> None:
    np.save("a.npy", array, allow_pickle=True)
    with pytest.raises(FileError, match=r"a\.npy") as caught:
        reading.read_tensor("a.npy")
    assert fragment in str(caught.value)


def test_missing_files_and_folders() -> None:
    Path("stiffness.json").write_text("[1]")
    with pytest.raises(FileError, match=r"no such file; did you mean 'stiffness\.json'\?"):
        reading.read_tensor("stifness.json")
    with pytest.raises(FileError, match="there is no such file"):
        reading.read_tensor("nowhere/at/all.json")
    Path("folder").mkdir()
    with pytest.raises(FileError, match="folder: is a directory"):
        reading.read_tensor("folder")
    with pytest.raises(FileError, match=r"cannot be read: Not a directory"):
        reading.read_tensor("stiffness.json/inside")


def parts_document(**changes: Any) -> dict[str, Any]:
    target = nt.reduction("dielectric")
    document = writing.about(target, "full", "1", "water")
    document["basis"] = "dual"
    document["parts"] = [
        {"weight": weight, "copy": copy, "values": part.tolist()}
        for (weight, copy), part in target.decompose(MATRIX).items()
    ]
    return document | changes


def test_parts_are_read_back() -> None:
    writing.write_json("parts.json", parts_document())
    found = reading.read_parts("parts.json")
    assert found.reduction is nt.reduction("dielectric")
    assert (found.form, found.unit, found.name) == ("full", "1", "water")
    assert np.allclose(found.reduction.reconstruct(found.parts), MATRIX, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"conventions": 2}, "follow conventions 2, this version knows 1"),
        ({"conventions": None}, "follow conventions None"),
        ({"basis": "dul"}, "'dul'; did you mean 'dual'?"),
        ({"class": None, "symmetry": None}, "does not say whose parts"),
        ({"parts": []}, "key 'parts' is []"),
        ({"parts": {"0,0": 1}}, "allowed: a list of parts"),
        ({"parts": [1]}, "part 0: is 1; allowed: an object with weight, copy"),
        ({"parts": [{"weight": 0, "values": 1}]}, "part 0: needs the keys"),
        ({"parts": [{"weight": "0", "copy": 0, "values": 1}]}, "a whole number"),
        ({"parts": [{"wieght": 0}]}, "unknown key 'wieght'; did you mean 'weight'?"),
        ({"parts": [{"weight": 0, "copy": 0, "values": [None]}]}, "part 0: entry [0] is null"),
        ({"parts": [{"weight": 0, "copy": 0, "values": 1.0}] * 2}, "(0, 0) was given before"),
        ({"tensor": [1]}, "unknown key 'tensor'"),
    ],
)
def test_parts_that_cannot_be_read(changes: dict[str, Any], fragment: str) -> None:
    writing.write_json("parts.json", parts_document(**changes))
    with pytest.raises(FileError, match=r"^parts\.json: ") as caught:
        reading.read_parts("parts.json")
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("[1, 2]", "holds no parts"),
        ('{"tensor": [1]}', "holds no parts"),
        ('{"prts": [1]}', "'prts'; did you mean 'parts'?"),
    ],
)
def test_a_file_without_parts(text: str, fragment: str) -> None:
    Path("a.json").write_text(text)
    with pytest.raises(FileError) as caught:
        reading.read_parts("a.json")
    assert fragment in str(caught.value)

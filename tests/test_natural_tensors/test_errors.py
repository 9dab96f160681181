"""What the readers of other libraries raise, in one line of ours."""

from __future__ import annotations

import json

import pytest

from natural_tensors.errors import InputError, SymmetryError, reason_of, translated
from natural_tensors.files.decoding import DecodingError, decode_json, stated_tensor


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (RecursionError("maximum recursion depth exceeded"), "it is nested too deeply"),
        (MemoryError(), "it asks for more memory than there is"),
        (EOFError("Ran out of input"), "it ends early"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), "it is no UTF-8 text"),
        (PermissionError(13, "Permission denied", "x"), "Permission denied"),
        (KeyError("lattice"), "it has no 'lattice'"),
        (KeyError(), "an entry is missing"),
        (ValueError("embedded null byte"), "a name in it holds the character NUL"),
        (ValueError("one\n  two\x1b[31m"), "one two?[31m"),
        (ValueError("x" * 1000), "x" * 300),
        (TypeError(), "TypeError"),
    ],
)
def test_a_reason_is_one_line(problem: Exception, reason: str) -> None:
    assert reason_of(problem) == reason


def test_errors_of_others_become_ours_and_ours_stay() -> None:
    with (
        pytest.raises(InputError, match=r"^a: it has no 'x'$") as caught,
        translated(lambda reason: InputError(f"a: {reason}")),
    ):
        {"a": 1}["x"]
    assert caught.value.__cause__ is None
    with pytest.raises(SymmetryError), translated(InputError):
        raise SymmetryError("ours")
    with (
        pytest.raises(DecodingError, match=r"^ours again$"),
        translated(DecodingError, keep=DecodingError),
    ):
        raise SymmetryError("ours\nagain")
    with pytest.raises(KeyboardInterrupt), translated(InputError):
        raise KeyboardInterrupt


def test_depth_is_bounded_where_it_matters() -> None:
    deep = json.dumps({"a": [{"b": 1}] * 3})
    for _ in range(57):
        deep = f'{{"a": 0, "b": {deep}}}'
    decode_json(deep)
    with pytest.raises(DecodingError, match="allowed: 60"):
        decode_json(f"[{deep}]")
    assert decode_json("7") == 7


@pytest.mark.parametrize(
    "text",
    [
        '{"@module": "numpy", "@class": "array", "dtype": "complex128", "data": 1}',
        '{"@module": "numpy", "@class": "array", "dtype": "complex128", "data": [[1], [2]]}',
    ],
)
def test_arrays_that_are_not_real_are_refused(text: str) -> None:
    with pytest.raises(DecodingError, match="complex"):
        decode_json(text)


def test_objects_stay_objects() -> None:
    text = '{"@module": "os", "@class": "system", "data": "echo"}'
    assert decode_json(text) == json.loads(text)
    assert stated_tensor({"@class": "Anything", "input_array": [1]}) is None
    assert stated_tensor([1]) is None

"""Tensors and their parts from files: JSON, text tables and NPY."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from lzma import LZMAError
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from ..decomposition.base import ReductionBase
from ..decomposition.components import FORMS, Form
from ..decomposition.copies import BASES, Basis
from ..errors import SymmetryError, UnknownTensorError, reason_of
from ..exact.symbols import Expressions
from ..formatting import did_you_mean
from ..limits import LimitError
from ..version import CONVENTIONS
from .contents import read_contents, read_stream
from .decoding import DecodingError, decode_json, decode_npy, decode_text, stated_tensor
from .exact_entries import EntryError, read_entry
from .recognition import tensor_class
from .records import ExactParts, ExactRecord, Parts, PartsRecord, TensorRecord, Values, times
from .saving import file_error
from .tables import Table, read_table

STANDARD_INPUT = "-"
NPY_MAGIC = b"\x93NUMPY"


ABOUT_KEYS = ("class", "symmetry", "axial", "form", "unit", "name", "source")
OUR_KEYS = ("natural_tensors", "conventions")
TENSOR_KEYS = ("tensor", "values", "report", "symbols", "plane", "formula", *ABOUT_KEYS, *OUR_KEYS)
PARTS_KEYS = (
    "parts",
    "basis",
    "batch",
    "shares",
    "moduli",
    "round_trip",
    "symbols",
    "plane",
    "polar",
    "stable",
    *ABOUT_KEYS,
    *OUR_KEYS,
)
PART_KEYS = ("weight", "copy", "norm", "values")

Kind = TypeVar("Kind", bool, str, int)
Entry = TypeVar("Entry", bound=np.generic)
WANTED = {bool: "true or false", str: "a string", int: "a whole number"}


def read_tensor(path: str) -> TensorRecord:
    """Read a tensor or a batch from JSON, a text table or NPY; ``-`` is standard input.

    JSON is a nested list, or an object with ``tensor`` (or ``values``) and what else is known:
    ``class`` or ``symmetry``, ``axial``, ``form``, ``unit``, ``name``, ``formula``, ``source``. A
    text table has one row a line, commas, semicolons or blanks between the numbers, ``#`` before
    comments and empty lines between the matrices of a batch.

    Raises:
        FileError: when it cannot be read; the message names the file, the place and the remedy.
    """
    data, origin = _content(path)
    return _numeric_record(data, origin)


def read_exact_tensor(path: str) -> ExactRecord:
    """Read a tensor or a batch whose entries are integers, or text such as ``(C11 - C12)/2``.

    JSON and text tables as in :func:`read_tensor`; names are real symbols, and nothing passes
    through a float.

    Raises:
        FileError: when it cannot be read, or an entry is a decimal number.
    """
    data, origin = _content(path)
    return _exact_record(data, origin)


def read_any_tensor(path: str) -> TensorRecord | ExactRecord:
    """Read a tensor of numbers, or an exact one where any entry is text other than a number.

    Raises:
        FileError: when it cannot be read.
    """
    data, origin = _content(path)
    stated = data if not isinstance(data, dict) else [data.get(k) for k in ("tensor", "values")]
    return _exact_record(data, origin) if _has_text(stated) else _numeric_record(data, origin)


def read_parts(path: str, in_plane: Callable[..., ReductionBase] | None = None) -> PartsRecord:
    """Read a tensor taken apart, as ``natural-tensors decompose`` writes it; ``-`` as above.

    Args:
        path: the file.
        in_plane: returns the reduction in the plane of a class; without it parts of tensors in
            the plane are refused.

    Raises:
        FileError: when it cannot be read.
    """
    data, origin = _content(path)
    if not isinstance(data, dict) or "parts" not in data:
        if isinstance(data, dict):
            _check_keys(data, PARTS_KEYS + TENSOR_KEYS, origin)
        raise file_error(
            origin,
            "holds no parts of a tensor",
            "reconstruct reads what `natural-tensors decompose FILE -o parts.json` writes",
        )
    return _parts_object(data, origin, in_plane)


def _numeric_record(data: object, origin: str) -> TensorRecord:
    if isinstance(data, dict):
        values = _array(data[_checked_key(data, origin)], origin)
        named, axial = _stated_class(data, origin)
        formula = _field(data, "formula", str, origin)
        return TensorRecord(origin, values, named, axial, *_about(data, origin), formula)
    if isinstance(data, np.ndarray):
        return TensorRecord(origin, data)
    if isinstance(data, Table):
        return TensorRecord(origin, data.numbers(origin))
    return TensorRecord(origin, _array(data, origin))


def _exact_record(data: object, origin: str) -> ExactRecord:
    if isinstance(data, dict):
        values = _exact_array(data[_checked_key(data, origin)], origin)
        named, axial = _stated_class(data, origin)
        return ExactRecord(origin, values, named, axial, *_about(data, origin))
    if isinstance(data, np.ndarray):
        raise file_error(
            origin,
            "holds floating-point numbers, which are not exact",
            'write the entries as text in JSON or CSV: "1/3", "C11 - C12"',
        )
    if isinstance(data, Table):
        return ExactRecord(origin, data.expressions(origin))
    return ExactRecord(origin, _exact_array(data, origin))


def _has_text(data: object) -> bool:
    """Say whether an entry is text, in a table text that is no number."""
    if isinstance(data, Table):
        return bool(data.texts)
    return isinstance(data, str) or (isinstance(data, list) and any(map(_has_text, data)))


def _exact_array(data: object, origin: str) -> Expressions:
    """Return nested lists of integers and text as an array of expressions."""
    _shape(data, origin, (), exact=True)

    def read(item: object, place: tuple[int, ...]) -> object:
        if isinstance(item, list):
            return [read(entry, (*place, i)) for i, entry in enumerate(item)]
        if isinstance(item, float) and not math.isfinite(item):
            raise file_error(origin, f"{_entry(place)} is {item}, not a finite number")
        try:
            return read_entry(str(item))
        except EntryError as error:
            advice = "in JSON, text stands in quotes" if isinstance(item, float) else ""
            problem = f"{error}\n{advice}" if advice else str(error)
            raise file_error(f"{origin}: {_entry(place)}", problem) from None

    return np.array(read(data, ()), dtype=object)


def _content(path: str) -> tuple[object, str]:
    """Return what a file holds, and what messages call it.

    An array, a text table, or decoded JSON.
    """
    if path == STANDARD_INPUT:
        raw, origin, suffix = read_stream(sys.stdin.buffer), "standard input", ""
    else:
        raw, origin, suffix = _bytes(Path(path)), path, Path(path).suffix.lower()
    if not raw.strip():
        raise file_error(origin, "is empty", "expected a tensor as JSON, a table of numbers or NPY")
    if raw.startswith(NPY_MAGIC) or suffix == ".npy":
        return _npy(raw, origin), origin
    try:
        text = decode_text(raw)
    except DecodingError:
        raise file_error(
            origin, "is neither UTF-8 text nor NPY", "write it as JSON, CSV or with numpy.save"
        ) from None
    if suffix == ".json" or text.lstrip()[0] in "[{":
        return _json(text, origin), origin
    return read_table(text, origin), origin


def _bytes(path: Path) -> bytes:
    try:
        return read_contents(path)
    except LimitError as error:
        raise file_error(str(path), str(error)) from None
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.glob("*")]
        raise file_error(
            str(path), f"there is no such file{did_you_mean(path.name, beside, 0.8)}"
        ) from None
    except IsADirectoryError:
        raise file_error(str(path), "is a directory", "name a file in it") from None
    except (OSError, EOFError, LZMAError) as error:
        raise file_error(str(path), f"cannot be read: {reason_of(error)}") from error


def _npy(raw: bytes, origin: str) -> Values:
    try:
        return _finite(decode_npy(raw), origin)
    except DecodingError as error:
        remedy = "write it with numpy.save(file, array): one array of real numbers"
        raise file_error(origin, str(error), remedy) from None


def _json(text: str, origin: str) -> object:
    try:
        decoded: object = decode_json(text)
    except DecodingError as error:
        raise file_error(
            origin,
            str(error),
            'expected a nested list of numbers, or an object such as {"tensor": [...], '
            '"class": "elastic"}',
        ) from None
    stated = stated_tensor(decoded)
    if stated is None:
        return decoded
    known = {
        "class": stated.tensor, "form": stated.form, "unit": stated.unit, "formula": stated.formula,
    }  # fmt: skip
    return {"tensor": stated.values, **{key: value for key, value in known.items() if value}}


def _array(data: object, origin: str) -> Values:
    """Return nested lists as an array."""
    _shape(data, origin, ())
    try:
        values = np.array(data, dtype=np.float64)
    except OverflowError:
        raise file_error(origin, "holds a number beyond the range of float64") from None
    return _finite(values, origin)


def _shape(
    data: object, origin: str, place: tuple[int, ...], exact: bool = False
) -> tuple[int, ...]:
    """Return the shape of nested lists, refusing what is no number or not rectangular."""
    if isinstance(data, list):
        if not data:
            raise file_error(origin, f"{_entry(place)} is an empty list, not numbers")
        first, *others = (_shape(item, origin, (*place, i), exact) for i, item in enumerate(data))
        for number, other in enumerate(others, start=1):
            if other != first:
                raise file_error(
                    origin,
                    f"{_entry((*place, number))} is {_extent(other)}, but "
                    f"{_entry((*place, 0))} is {_extent(first)}",
                    "the lists of one level need as many entries",
                )
        return (len(data), *first)
    if isinstance(data, bool) or not isinstance(data, int | float | str if exact else int | float):
        raise file_error(origin, f"{_entry(place)} is {_shown(data)}, not a number")
    return ()


def _extent(shape: tuple[int, ...]) -> str:
    return f"a list of {times(shape)} numbers" if shape else "a number"


def _shown(data: object) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def _entry(place: tuple[int, ...]) -> str:
    return "entry " + "".join(f"[{index}]" for index in place) if place else "the tensor"


def _finite(values: Values, origin: str) -> Values:
    if not values.size:
        raise file_error(origin, f"holds no number: an array of shape {times(values.shape)}")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        place = tuple(bad[0].tolist())
        raise file_error(
            origin,
            f"{_entry(place)} is {values[place]}, not a finite number",
            "remove the tensor it belongs to, or compute it again",
        )
    return values


def _check_keys(data: Mapping[str, object], allowed: Sequence[str], origin: str) -> None:
    for key in data:
        if key not in allowed:
            raise file_error(
                origin,
                f"unknown key {key!r}{did_you_mean(key, allowed)}",
                f"allowed: {', '.join(dict.fromkeys(allowed))}",
            )


def _field(data: Mapping[str, object], key: str, kind: type[Kind], origin: str) -> Kind | None:
    """Return an entry that may be missing or null, of one type."""
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        wanted = WANTED[kind]
        raise file_error(origin, f"key {key!r} is {_shown(value)}; allowed: {wanted}")
    return value


def _choice(
    data: Mapping[str, object], key: str, allowed: Sequence[str], origin: str
) -> str | None:
    value = _field(data, key, str, origin)
    if value is not None and value not in allowed:
        raise file_error(
            origin,
            f"key {key!r} is {value!r}{did_you_mean(value, allowed)}",
            f"allowed: {', '.join(allowed)}",
        )
    return value


def _checked_key(data: dict[str, object], origin: str) -> str:
    """Return the key of the tensor in an object whose keys are right."""
    if "parts" in data:
        raise file_error(
            origin,
            "holds the parts of a tensor, not the tensor",
            "put it together first: natural-tensors reconstruct FILE -o tensor.json",
        )
    _check_keys(data, TENSOR_KEYS, origin)
    given = [key for key in ("tensor", "values") if key in data]
    if len(given) != 1:
        state = "both 'tensor' and 'values'" if given else "neither 'tensor' nor 'values'"
        raise file_error(origin, f"has {state}", 'put the numbers under one key: {"tensor": [...]}')
    return given[0]


def _about(data: dict[str, object], origin: str) -> tuple[Form | None, str | None, str | None]:
    """Return form, unit and name as an object states them."""
    return (
        cast("Form | None", _choice(data, "form", FORMS, origin)),
        _field(data, "unit", str, origin),
        _field(data, "name", str, origin),
    )


def _stated_class(data: dict[str, object], origin: str) -> tuple[str | None, bool | None]:
    """Return the class an object states, and whether it is axial, after checking them."""
    axial = _field(data, "axial", bool, origin)
    named = [_field(data, key, str, origin) for key in ("class", "symmetry")]
    stated: list[str] = [text for text in named if text is not None]
    try:
        groups = [tensor_class(text, axial=axial).symmetry for text in stated if text.strip()]
    except (SymmetryError, UnknownTensorError) as error:
        raise file_error(origin, str(error)) from error
    if len(groups) == 2 and groups[0].elements != groups[1].elements:
        raise file_error(
            origin,
            f"class {stated[0]!r} has the symmetry {groups[0]}, but 'symmetry' says {stated[1]!r}",
            "leave one of them out",
        )
    return (stated[0] if stated else None), axial


def _parts_object(
    data: dict[str, object], origin: str, in_plane: Callable[..., ReductionBase] | None
) -> PartsRecord:
    _check_keys(data, PARTS_KEYS, origin)
    conventions = _field(data, "conventions", int, origin)
    if conventions != CONVENTIONS:
        raise file_error(
            origin,
            f"its parts follow conventions {conventions}, this version knows {CONVENTIONS}",
            "decompose the tensor again with this version",
        )
    named, axial = _stated_class(data, origin)
    if named is None:
        raise file_error(
            origin,
            "does not say whose parts it holds",
            "add \"symmetry\", such as 'ijkl=jikl=klij'",
        )
    basis = cast("Basis", _choice(data, "basis", BASES, origin) or "dual")
    parts = _parts(data["parts"], origin)
    reduce: Callable[..., ReductionBase] = tensor_class
    if _field(data, "plane", bool, origin):
        if in_plane is None:
            raise file_error(origin, "holds the parts of a tensor in the plane, not in space")
        reduce = in_plane
    return PartsRecord(
        origin, reduce(named, axial=bool(axial), basis=basis), parts, *_about(data, origin)
    )


def _parts(entries: object, origin: str) -> Parts | ExactParts:
    if not isinstance(entries, list) or not entries:
        raise file_error(origin, f"key 'parts' is {_shown(entries)}; allowed: a list of parts")
    given: dict[tuple[int, int], tuple[object, str]] = {}
    for number, entry in enumerate(entries):
        where = f"{origin}: part {number}"
        if not isinstance(entry, dict):
            raise file_error(
                where, f"is {_shown(entry)}; allowed: an object with {', '.join(PART_KEYS)}"
            )
        _check_keys(entry, PART_KEYS, where)
        weight, copy = (_field(entry, key, int, where) for key in ("weight", "copy"))
        if weight is None or copy is None or "values" not in entry:
            raise file_error(where, "needs the keys 'weight', 'copy' and 'values'")
        if (weight, copy) in given:
            raise file_error(where, f"({weight}, {copy}) was given before")
        given[weight, copy] = (entry["values"], where)
    if any(_has_text(values) for values, _ in given.values()):
        return {key: _exact_array(*stated) for key, stated in given.items()}
    return {key: _array(*stated) for key, stated in given.items()}

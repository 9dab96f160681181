"""Tensors and their parts in files: JSON, text tables and NPY, written atomically."""

from __future__ import annotations

import io
import json
import math
import os
import re
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from . import CONVENTIONS
from .components import FORMS, Form
from .errors import UnknownTensorError
from .physical import ENGINEERING
from .reductions import BASES, Basis, Reduction, reduction
from .symmetry import SymmetryError
from .version import __version__

Values = NDArray[np.floating[Any]]
Parts = dict[tuple[int, int], Values]

STANDARD_INPUT = "-"
NPY_MAGIC = b"\x93NUMPY"
ARRAY_SUFFIXES = (".json", ".npy", ".csv", ".txt")

ABOUT_KEYS = ("class", "symmetry", "axial", "form", "unit", "name", "source")
OUR_KEYS = ("natural_tensors", "conventions")
TENSOR_KEYS = ("tensor", "values", "report", *ABOUT_KEYS, *OUR_KEYS)
PARTS_KEYS = ("parts", "basis", "batch", "shares", "moduli", "round_trip", *ABOUT_KEYS, *OUR_KEYS)
PART_KEYS = ("weight", "copy", "norm", "values")

UNSETTLED = frozenset(
    {
        "piezo-optic",
        "piezoresistance",
        "electrostriction",
        "kerr",
        "magnetostriction",
        "magnetoresistance",
        "cotton-mouton",
        "piezogyration",
        "magnetoelectric-beta",
        "magnetoelectric-gamma",
    }
)
"""Tensors whose Voigt matrices carry different factors in different tables: never guessed."""


class FileError(ValueError):
    """A file that cannot be read as a tensor, or cannot be written."""


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """A tensor, or a batch of them, as a file states it; what it leaves open is None.

    Attributes:
        origin: what messages call the file.
        values: the numbers, float64 or float32, all finite.
        tensor: name in the catalogue or index symmetry.
        axial: True for a pseudo-tensor, where stated.
        form: form of `values`, where stated.
        unit: unit of `values`.
        name: what the tensor belongs to, such as a crystal.
    """

    origin: str
    values: Values
    tensor: str | None = None
    axial: bool | None = None
    form: Form | None = None
    unit: str | None = None
    name: str | None = None


@dataclass(frozen=True, eq=False)
class PartsRecord:
    """A tensor taken apart, as ``natural-tensors decompose`` writes it.

    Attributes:
        origin: what messages call the file.
        reduction: the class of the tensor, in the basis of the parts.
        parts: ``{(weight, copy): array of shape batch + (3,)*weight}``.
        form: the form the tensor was read in, where stated.
        unit: unit of the parts.
        name: what the tensor belongs to.
    """

    origin: str
    reduction: Reduction
    parts: Parts
    form: Form | None = None
    unit: str | None = None
    name: str | None = None


def _fault(origin: str, problem: str, *advice: str) -> FileError:
    return FileError("\n".join((f"{origin}: {problem}", *advice)))


def _nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    near = get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def times(shape: Sequence[int]) -> str:
    """Write a shape as ``6 x 6``."""
    return " x ".join(map(str, shape)) or "a single number"


# --- the class of a tensor and the form it is written in ------------------------------------------


def tensor_class(text: str, *, axial: bool | None = None, basis: Basis = "dual") -> Reduction:
    """Return the reduction of a named tensor or an index symmetry; ``""`` is a scalar.

    Raises:
        SymmetryError: when the symmetry cannot be read.
        UnknownTensorError: when the name is not in the catalogue.
    """
    return reduction(text, axial=bool(axial), basis=basis)


def guess_class(record: TensorRecord) -> str:
    """Return the class that the shape of an array suggests, where it suggests only one.

    Raises:
        FileError: when it suggests none or several.
    """
    values = record.values
    for size, suggestion in (((6, 6), "elastic"), ((3, 6), "piezoelectric-stress")):
        if _one_batch_axis(values.shape, size):
            return suggestion
    if _one_batch_axis(values.shape, (21,)) or _one_batch_axis(values.shape, (3, 3, 3, 3)):
        return "elastic"
    if _one_batch_axis(values.shape, (3, 3)):
        symmetric = np.allclose(values, values.swapaxes(-1, -2), rtol=0, atol=_slack(values))
        return "dielectric" if symmetric else "ij"
    raise _fault(
        record.origin,
        f"an array of shape {times(values.shape)} does not say what tensor it is",
        "name it with --tensor (see `natural-tensors list`), or give its index symmetry, such as "
        "--symmetry 'ijk=ikj'",
    )


def _one_batch_axis(shape: tuple[int, ...], size: tuple[int, ...]) -> bool:
    """Say whether a shape is a size, or a batch of it that cannot be mistaken for an index."""
    batch = shape[: len(shape) - len(size)]
    if shape[len(batch) :] != size:
        return False
    return not batch or (len(batch) == 1 and batch[0] not in (3, 6))


def _slack(values: Values) -> float:
    return float(np.finfo(values.dtype).eps ** 0.5 * np.abs(values).max(initial=0))


def _layouts(target: Reduction) -> dict[Form, tuple[int, ...]]:
    """Return the shape of a tensor of a class in every form it has."""
    forms = FORMS if target.components.pairs else FORMS[:2]
    return {form: target.components.layout(form).shape for form in forms}


def matrix_form(target: Reduction) -> Form | None:
    """Return the form in which tables print a tensor with joined index pairs, if there is one."""
    if not target.components.pairs or target.name in UNSETTLED:
        return None
    return "voigt-compliance" if target.name in ENGINEERING else "voigt"


def choose_form(target: Reduction, record: TensorRecord, asked: Form | None) -> Form:
    """Return the form of an array: as asked for, as the file states, or else as it fits.

    An array that fits several is full before Voigt before components; which Voigt form is the
    custom of the tensor (:func:`matrix_form`).

    Raises:
        FileError: when the array does not fit, or the custom of the tensor is unsettled.
    """
    shapes = _layouts(target)
    shape = record.values.shape

    def fits(form: Form) -> bool:
        size = shapes[form]
        return len(shape) >= len(size) and shape[len(shape) - len(size) :] == size

    stated = asked or record.form
    if stated:
        if stated in shapes and fits(stated):
            return stated
        raise _misfit(record, target, {stated: shapes[stated]} if stated in shapes else shapes)
    if fits("full"):
        return "full"
    if "voigt" in shapes and fits("voigt"):
        custom = matrix_form(target)
        if custom:
            return custom
        raise _fault(
            record.origin,
            f"tables disagree on the factors in the Voigt matrix of {target.name}",
            "say what an off-diagonal pair carries: --form voigt (nothing), voigt-compliance (2), "
            "mandel (√2);",
            "where only one of the pairs carries the 2, as in Nye's π_mn, divide it out first",
        )
    if fits("components"):
        return "components"
    raise _misfit(record, target, shapes)


def _misfit(
    record: TensorRecord, target: Reduction, shapes: Mapping[Form, tuple[int, ...]]
) -> FileError:
    grouped: dict[tuple[int, ...], list[str]] = {}
    for form, size in shapes.items():
        grouped.setdefault(size, []).append(form)
    allowed = "; ".join(f"{times(size)} ({', '.join(forms)})" for size, forms in grouped.items())
    return _fault(
        record.origin,
        f"an array of shape {times(record.values.shape)} is no {target.name or target.symmetry} "
        "tensor",
        f"allowed, after any batch axes: {allowed}",
        "choose the class with --tensor or --symmetry, the form with --form",
    )


# --- reading --------------------------------------------------------------------------------------


def read_tensor(path: str) -> TensorRecord:
    """Read a tensor or a batch from JSON, a text table or NPY; ``-`` is standard input.

    JSON is a nested list, or an object with ``tensor`` (or ``values``) and what else is known:
    ``class`` or ``symmetry``, ``axial``, ``form``, ``unit``, ``name``, ``source``. A text table has
    one row a line, commas, semicolons or blanks between the numbers, ``#`` before comments and
    empty lines between the matrices of a batch.

    Raises:
        FileError: when it cannot be read; the message names the file, the place and the remedy.
    """
    data, origin = _content(path)
    if isinstance(data, dict):
        return _tensor_object(data, origin)
    if isinstance(data, np.ndarray):
        return TensorRecord(origin, data)
    return TensorRecord(origin, _array(data, origin))


def read_parts(path: str) -> PartsRecord:
    """Read a tensor taken apart, as ``natural-tensors decompose`` writes it; ``-`` as above.

    Raises:
        FileError: when it cannot be read.
    """
    data, origin = _content(path)
    if not isinstance(data, dict) or "parts" not in data:
        if isinstance(data, dict):
            _check_keys(data, PARTS_KEYS + TENSOR_KEYS, origin)
        raise _fault(
            origin,
            "holds no parts of a tensor",
            "reconstruct reads what `natural-tensors decompose FILE -o parts.json` writes",
        )
    return _parts_object(data, origin)


def _content(path: str) -> tuple[Any, str]:
    """Return what a file holds: an array, or decoded JSON; and what messages call the file."""
    if path == STANDARD_INPUT:
        raw, origin, suffix = sys.stdin.buffer.read(), "standard input", ""
    else:
        raw, origin, suffix = _bytes(Path(path)), path, Path(path).suffix.lower()
    if not raw.strip():
        raise _fault(origin, "is empty", "expected a tensor as JSON, a table of numbers or NPY")
    if raw.startswith(NPY_MAGIC) or suffix == ".npy":
        return _npy(raw, origin), origin
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _fault(
            origin, "is neither UTF-8 text nor NPY", "write it as JSON, CSV or with numpy.save"
        ) from None
    if suffix == ".json" or text.lstrip()[0] in "[{":
        return _json(text, origin), origin
    return _table(text, origin), origin


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.glob("*")]
        raise _fault(
            str(path), f"there is no such file{_nearest(path.name, beside, 0.8)}"
        ) from None
    except IsADirectoryError:
        raise _fault(str(path), "is a directory", "name a file in it") from None
    except OSError as error:
        raise _fault(str(path), f"cannot be read: {error.strerror}") from error


def _npy(raw: bytes, origin: str) -> Values:
    remedy = "write it with numpy.save(file, array): one array of real numbers"
    try:
        array = np.load(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise _fault(origin, f"is no NPY file that can be read: {error}", remedy) from error
    if array.dtype.kind == "c":
        raise _fault(
            origin, "holds complex numbers", "save real and imaginary part: their parts just add up"
        )
    if array.dtype.kind not in "iuf":
        raise _fault(origin, f"holds {array.dtype} instead of numbers", remedy)
    values = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    return _finite(values, origin)


def _json(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _fault(
            origin,
            f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}",
            'expected a nested list of numbers, or an object such as {"tensor": [...], '
            '"class": "elastic"}',
        ) from None
    except RecursionError:
        raise _fault(origin, "is nested too deeply for a tensor") from None


def _table(text: str, origin: str) -> Values:
    blocks: list[list[list[float]]] = [[]]
    for number, line in enumerate(text.splitlines(), start=1):
        body = line.partition("#")[0].strip()
        if body:
            blocks[-1].append(_row(body, number, origin))
        elif not line.strip() and blocks[-1]:
            blocks.append([])
    blocks = [block for block in blocks if block]
    if not blocks:
        raise _fault(origin, "holds comments only, no number")
    _check_rectangular(blocks, origin)
    array = np.array(blocks)
    # one matrix is no batch, one row or one column is a vector, one number is a number
    return array.reshape([size for size in array.shape if size > 1])


def _row(body: str, line: int, origin: str) -> list[float]:
    if "," in body and ";" in body:
        raise _fault(
            origin,
            f"line {line} has both commas and semicolons",
            "separate numbers by one of them, and write decimals with a point",
        )
    words = re.split(r"[,;]", body) if re.search(r"[,;]", body) else body.split()
    row = []
    for column, word in enumerate(words, start=1):
        place = f"line {line}, column {column}"
        try:
            value = float(word)
        except ValueError:
            raise _fault(
                origin,
                f"{place} is {word.strip()!r}, not a number"
                if word.strip()
                else f"{place} is empty",
                "write numbers separated by commas or blanks, and # before headings and comments",
            ) from None
        if not math.isfinite(value):
            raise _fault(origin, f"{place} is {word.strip()}, not a finite number")
        row.append(value)
    return row


def _check_rectangular(blocks: list[list[list[float]]], origin: str) -> None:
    width, height = len(blocks[0][0]), len(blocks[0])
    for number, block in enumerate(blocks, start=1):
        for row, numbers in enumerate(block, start=1):
            if len(numbers) != width:
                matrix = f" of matrix {number}" if len(blocks) > 1 else ""
                raise _fault(
                    origin,
                    f"row {row}{matrix} has {len(numbers)} numbers, the first row has {width}",
                    "every row needs as many numbers",
                )
        if len(block) != height:
            raise _fault(
                origin,
                f"matrix {number} has {len(block)} rows, the first has {height}",
                "an empty line starts the next matrix of a batch; all are of one shape",
            )


def _array(data: Any, origin: str) -> Values:
    """Return nested lists as an array."""
    _shape(data, origin, ())
    try:
        values = np.array(data, dtype=np.float64)
    except OverflowError:
        raise _fault(origin, "holds a number beyond the range of float64") from None
    return _finite(values, origin)


def _shape(data: Any, origin: str, place: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of nested lists, refusing what is no number or not rectangular."""
    if isinstance(data, list):
        if not data:
            raise _fault(origin, f"{_entry(place)} is an empty list, not numbers")
        first, *others = (_shape(item, origin, (*place, i)) for i, item in enumerate(data))
        for number, other in enumerate(others, start=1):
            if other != first:
                raise _fault(
                    origin,
                    f"{_entry((*place, number))} is {_extent(other)}, but "
                    f"{_entry((*place, 0))} is {_extent(first)}",
                    "the lists of one level need as many entries",
                )
        return (len(data), *first)
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise _fault(origin, f"{_entry(place)} is {_shown(data)}, not a number")
    return ()


def _extent(shape: tuple[int, ...]) -> str:
    return f"a list of {times(shape)} numbers" if shape else "a number"


def _shown(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def _entry(place: tuple[int, ...]) -> str:
    return "entry " + "".join(f"[{index}]" for index in place) if place else "the tensor"


def _finite(values: Values, origin: str) -> Values:
    if not values.size:
        raise _fault(origin, f"holds no number: an array of shape {times(values.shape)}")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        place = tuple(bad[0].tolist())
        raise _fault(
            origin,
            f"{_entry(place)} is {values[place]}, not a finite number",
            "remove the tensor it belongs to, or compute it again",
        )
    return values


# --- objects --------------------------------------------------------------------------------------


def _check_keys(data: Mapping[str, Any], allowed: Sequence[str], origin: str) -> None:
    for key in data:
        if key not in allowed:
            raise _fault(
                origin,
                f"unknown key {key!r}{_nearest(key, allowed)}",
                f"allowed: {', '.join(dict.fromkeys(allowed))}",
            )


def _field(data: Mapping[str, Any], key: str, kind: type, origin: str) -> Any:
    """Return an entry that may be missing or null, of one type."""
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        wanted = {bool: "true or false", str: "a string", int: "a whole number"}[kind]
        raise _fault(origin, f"key {key!r} is {_shown(value)}; allowed: {wanted}")
    return value


def _choice(data: Mapping[str, Any], key: str, allowed: Sequence[str], origin: str) -> str | None:
    value: str | None = _field(data, key, str, origin)
    if value is not None and value not in allowed:
        raise _fault(
            origin,
            f"key {key!r} is {value!r}{_nearest(value, allowed)}",
            f"allowed: {', '.join(allowed)}",
        )
    return value


def _tensor_object(data: dict[str, Any], origin: str) -> TensorRecord:
    if "parts" in data:
        raise _fault(
            origin,
            "holds the parts of a tensor, not the tensor",
            "put it together first: natural-tensors reconstruct FILE -o tensor.json",
        )
    _check_keys(data, TENSOR_KEYS, origin)
    found = [key for key in ("tensor", "values") if key in data]
    if len(found) != 1:
        state = "both 'tensor' and 'values'" if found else "neither 'tensor' nor 'values'"
        raise _fault(origin, f"has {state}", 'put the numbers under one key: {"tensor": [...]}')
    named, axial = _stated_class(data, origin)
    return TensorRecord(
        origin,
        _array(data[found[0]], origin),
        named,
        axial,
        cast("Form | None", _choice(data, "form", FORMS, origin)),
        _field(data, "unit", str, origin),
        _field(data, "name", str, origin),
    )


def _stated_class(data: dict[str, Any], origin: str) -> tuple[str | None, bool | None]:
    """Return the class an object states, and whether it is axial, after checking them."""
    axial: bool | None = _field(data, "axial", bool, origin)
    named = [_field(data, key, str, origin) for key in ("class", "symmetry")]
    stated: list[str] = [text for text in named if text is not None]
    try:
        groups = [tensor_class(text, axial=axial).symmetry for text in stated if text.strip()]
    except (SymmetryError, UnknownTensorError) as error:
        raise _fault(origin, str(error)) from error
    if len(groups) == 2 and groups[0].elements != groups[1].elements:
        raise _fault(
            origin,
            f"class {stated[0]!r} has the symmetry {groups[0]}, but 'symmetry' says {stated[1]!r}",
            "leave one of them out",
        )
    return (stated[0] if stated else None), axial


def _parts_object(data: dict[str, Any], origin: str) -> PartsRecord:
    _check_keys(data, PARTS_KEYS, origin)
    conventions = _field(data, "conventions", int, origin)
    if conventions != CONVENTIONS:
        raise _fault(
            origin,
            f"its parts follow conventions {conventions}, this version knows {CONVENTIONS}",
            "decompose the tensor again with this version",
        )
    named, axial = _stated_class(data, origin)
    if named is None:
        raise _fault(
            origin,
            "does not say whose parts it holds",
            "add \"symmetry\", such as 'ijkl=jikl=klij'",
        )
    basis = cast("Basis", _choice(data, "basis", BASES, origin) or "dual")
    parts = _parts(data["parts"], origin)
    return PartsRecord(
        origin,
        tensor_class(named, axial=axial, basis=basis),
        parts,
        cast("Form | None", _choice(data, "form", FORMS, origin)),
        _field(data, "unit", str, origin),
        _field(data, "name", str, origin),
    )


def _parts(entries: Any, origin: str) -> Parts:
    if not isinstance(entries, list) or not entries:
        raise _fault(origin, f"key 'parts' is {_shown(entries)}; allowed: a list of parts")
    parts: Parts = {}
    for number, entry in enumerate(entries):
        where = f"{origin}: part {number}"
        if not isinstance(entry, dict):
            raise _fault(
                where, f"is {_shown(entry)}; allowed: an object with {', '.join(PART_KEYS)}"
            )
        _check_keys(entry, PART_KEYS, where)
        weight, copy = (_field(entry, key, int, where) for key in ("weight", "copy"))
        if weight is None or copy is None or "values" not in entry:
            raise _fault(where, "needs the keys 'weight', 'copy' and 'values'")
        if (weight, copy) in parts:
            raise _fault(where, f"({weight}, {copy}) was given before")
        parts[weight, copy] = _array(entry["values"], where)
    return parts


# --- writing --------------------------------------------------------------------------------------


def about(target: Reduction, form: Form, unit: str | None, name: str | None) -> dict[str, Any]:
    """Return what every file of ours says about the tensor in it."""
    return {
        "natural_tensors": __version__,
        "conventions": CONVENTIONS,
        "name": name,
        "class": target.name,
        "symmetry": str(target.symmetry),
        "axial": target.symmetry.axial,
        "unit": unit,
        "form": form,
    }


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


def check_suffix(path: str, allowed: Sequence[str]) -> None:
    """Refuse an output file whose suffix names no format, before any work is done."""
    if Path(path).suffix.lower() not in allowed:
        raise _fault(
            path,
            f"the suffix {Path(path).suffix!r} names no format",
            f"allowed: {', '.join(allowed)}",
        )


def write_json(path: str, document: Mapping[str, Any]) -> None:
    """Write an object as JSON, the whole file or nothing.

    Raises:
        FileError: when the file cannot be written.
    """
    write_bytes(path, (to_json(document) + "\n").encode())


def write_tensor(path: str, document: Mapping[str, Any], values: Values) -> None:
    """Write a tensor in the format that the suffix names, the whole file or nothing.

    Args:
        path: ends in .json, .npy, .csv or .txt.
        document: what JSON holds; a table says it in its first line.
        values: the numbers, for the other formats.

    Raises:
        FileError: when the format is unknown, cannot hold the array, or writing fails.
    """
    check_suffix(path, ARRAY_SUFFIXES)
    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        write_json(path, document)
    elif suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, values)
        write_bytes(path, buffer.getvalue())
    else:
        write_bytes(path, _as_table(path, document, values, ", " if suffix == ".csv" else " "))


def _as_table(path: str, document: Mapping[str, Any], values: Values, between: str) -> bytes:
    if values.ndim > 3:
        raise _fault(
            path,
            f"a table cannot hold an array of shape {times(values.shape)}",
            "write .json or .npy, or choose a form with fewer indices by --form",
        )
    stated = [
        f"{key} {document[key]}"
        for key in ("name", "class", "symmetry", "form", "unit")
        if document.get(key)
    ]
    matrices = values.reshape((-1, *values.shape[-2:])) if values.ndim > 1 else [[values.ravel()]]
    blocks = [
        "\n".join(between.join(repr(float(entry)) for entry in row) for row in matrix)
        for matrix in matrices
    ]
    return ("# " + ", ".join(stated) + "\n" + "\n\n".join(blocks) + "\n").encode()


def cache_folder() -> Path:
    """Return where to keep what can be made again: ``NATURAL_TENSORS_CACHE``, or the user's."""
    chosen = os.environ.get("NATURAL_TENSORS_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "natural-tensors"


def write_bytes(path: str, content: bytes) -> None:
    """Write a file as a whole: under another name first, then renamed into place.

    Raises:
        FileError: when it cannot be written; no partial file is left.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise _fault(path, "is a directory", "name a file in it")
    if not target.parent.is_dir():
        raise _fault(path, f"there is no directory {target.parent}", "create it first")
    special = target.exists() and not target.is_file()  # a pipe or device is not to be replaced
    place = (
        target
        if special
        else target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    )
    try:
        with place.open("wb") as file:
            file.write(content)
        if not special:
            os.replace(place, target)
    except OSError as error:
        raise _fault(path, f"cannot be written: {error.strerror}") from error
    finally:
        if not special:
            place.unlink(missing_ok=True)

"""Text, JSON and arrays of NumPy from bytes: one decoder for every reader.

Of what pymatgen and monty add (``@module`` and ``@class``), arrays and tensors are known by name
and become numbers; no module is imported and no class is looked up for the sake of a file.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..decomposition.components import Form
from ..errors import InputError, reason_of, translated
from .records import Values

DEEPEST = 60
"""Lists and objects inside one another."""


COMPLEX = (
    "holds complex numbers, not only real ones; save real and imaginary part by themselves: their "
    "parts just add up"
)
"""Said of an array whose imaginary part is not zero everywhere."""


class DecodingError(InputError, ValueError):
    """Bytes that are no text, or a text that is no JSON; the message lacks the file's name."""


def decode_text(raw: bytes) -> str:
    """Return UTF-8 text, without its byte order mark.

    Raises:
        DecodingError: when it is none.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DecodingError("is no UTF-8 text") from None


def decode_json(text: str) -> Any:
    """Return what a JSON text says; arrays of NumPy as pymatgen writes them become lists.

    Raises:
        DecodingError: when it is no JSON, is nested more than `DEEPEST` deep, or holds a number
            that cannot be read.
    """
    try:
        decoded = json.loads(text, object_hook=_plain)
    except json.JSONDecodeError as error:
        raise DecodingError(
            f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise DecodingError(_too_deep()) from None
    except DecodingError:
        raise
    except (ValueError, TypeError) as error:
        raise DecodingError(f"is not JSON that can be read: {reason_of(error)}") from None
    _check_depth(decoded)
    return decoded


def _check_depth(decoded: object) -> None:
    level = [decoded]
    for _ in range(DEEPEST):
        level = [entry for outer in level for entry in _entries(outer)]
        if not level:
            return
    raise DecodingError(_too_deep())


def _entries(outer: object) -> Iterable[object]:
    """Return the lists and objects that stand directly in another."""
    if isinstance(outer, dict):
        return [entry for entry in outer.values() if isinstance(entry, list | dict)]
    if isinstance(outer, list):
        return [entry for entry in outer if isinstance(entry, list | dict)]
    return ()


def _too_deep() -> str:
    return f"is nested too deeply; allowed: {DEEPEST} lists or objects inside one another"


def _plain(record: dict[str, Any]) -> Any:
    """Return the numbers of an array that monty wrote; any other object unchanged."""
    if record.get("@module") != "numpy" or record.get("@class") != "array":
        return record
    data = record.get("data")
    if not str(record.get("dtype", "")).startswith("complex"):
        return data
    if not isinstance(data, list) or len(data) != 2:
        raise DecodingError("holds a complex array without its real and imaginary part")
    if _any(data[1]):
        raise DecodingError(COMPLEX)
    return data[0]


def _any(numbers: object) -> bool:
    """Say whether nested lists hold anything but zeros."""
    return any(map(_any, numbers)) if isinstance(numbers, list) else bool(numbers)


def decode_npy(raw: bytes) -> Values:
    """Return the array of an NPY file, float64 or float32.

    Raises:
        DecodingError: when it is damaged, claims more than it holds, or holds no real numbers.
    """
    with translated(lambda reason: DecodingError(f"is no NPY file that can be read: {reason}")):
        _check_npy_size(raw)
        array = np.load(io.BytesIO(raw), allow_pickle=False)
    if array.dtype.kind == "c":
        if array.imag.any():
            raise DecodingError(COMPLEX)
        array = array.real
    if array.dtype.kind not in "iuf":
        raise DecodingError(f"holds {array.dtype} instead of numbers")
    exact = array.dtype in (np.float32, np.float64)
    values: Values = array if exact else array.astype(np.float64)
    return values


def _check_npy_size(raw: bytes) -> None:
    """Raise ValueError unless an NPY file holds as much as its header claims.

    NumPy would reserve the memory first, whatever the file holds.
    """
    file = io.BytesIO(raw)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0
    if version != (1, 0):  # 3.0 differs in the encoding of names, which arrays of numbers lack
        header = np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    claimed, present = math.prod(shape) * dtype.itemsize, len(raw) - file.tell()
    if claimed > present and not dtype.hasobject:
        raise ValueError(f"its header claims {claimed} bytes of numbers, and {present} are there")


@dataclass(frozen=True)
class StatedTensor:
    """A tensor as pymatgen's ``as_dict`` writes it, or ``carnet``.

    Attributes:
        values: nested lists.
        tensor: name in the catalogue; None for a class that does not say it.
        form: ``"full"``, or the Voigt form of the class.
        unit: of the values; None where it is left open.
        formula: of what it is the tensor of; None where it is left open.
    """

    values: Any
    tensor: str | None
    form: Form
    unit: str | None
    formula: str | None = None


PYMATGEN_TENSORS: Mapping[str, tuple[str | None, Form, str | None]] = {
    "ElasticTensor": ("elastic", "voigt", "GPa"),
    "ComplianceTensor": ("compliance", "voigt-compliance", "1/GPa"),
    "PiezoTensor": ("piezoelectric-stress", "voigt", "C/m^2"),
    "Tensor": (None, "voigt", None),
}
"""Classes of pymatgen: name in the catalogue, Voigt form, unit."""


def stated_tensor(record: object) -> StatedTensor | None:
    """Return the tensor that an object states as another program does; None for others.

    Objects of pymatgen (``as_dict``), and what ``carnet predict`` and ``carnet elastic`` write: the
    tensor of one prediction, or a list of those of several.
    """
    if not isinstance(record, Mapping):
        return None
    if isinstance(record.get("predictions"), list):
        return _predicted(record)
    known = PYMATGEN_TENSORS.get(str(record.get("@class")))
    if "input_array" not in record or known is None:
        return None
    name, voigt, unit = known
    return StatedTensor(
        record["input_array"], name, voigt if record.get("voigt") is True else "full", unit
    )


def _predicted(document: Mapping[Any, Any]) -> StatedTensor | None:
    """Return the tensors of a document of predictions; those that failed have none."""
    key = "stiffness" if document.get("class") == "elastic" else "tensor"
    entries = [entry for entry in document["predictions"] if isinstance(entry, Mapping)]
    entries = [entry for entry in entries if key in entry]
    tensors = [entry[key] for entry in entries]
    if not tensors:
        return None
    name, unit = document.get("class"), document.get("unit")
    formula = entries[0].get("formula") if len(entries) == 1 else None
    return StatedTensor(
        tensors[0] if len(tensors) == 1 else tensors,
        name if isinstance(name, str) else None,
        "voigt" if key == "stiffness" else "full",
        unit if isinstance(unit, str) else None,
        formula if isinstance(formula, str) else None,
    )

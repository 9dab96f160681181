"""What ``model.json`` of a checkpoint says, checked before anything is made of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.errors import InputError, translated
from natural_tensors.files.decoding import DecodingError, decode_json, decode_text

from ..network.targets import Target
from ..structures.closest import Closest

FORMAT = 3
"""Number of the format of checkpoints; a newer one is refused, an older one is upgraded."""

MODEL, WEIGHTS = "model.json", "weights.safetensors"
"""Names of the files of a checkpoint."""

MOST_MEMBERS = 1000
"""Networks of an ensemble."""


class CheckpointError(InputError, ValueError):
    """A checkpoint that cannot be read or written."""


def read_record(place: Path) -> dict[str, Any]:
    """Return the record of a checkpoint.

    Raises:
        CheckpointError: when it is missing or damaged, or a newer version wrote it.
    """

    def unreadable(reason: str) -> CheckpointError:
        return CheckpointError(
            f"{place}: {MODEL} cannot be read: {reason}; name a folder that holds {MODEL} and "
            f"{WEIGHTS}"
        )

    with translated(unreadable):
        raw = (place / MODEL).read_bytes()
    try:
        record = decode_json(decode_text(raw))
    except DecodingError as error:
        raise CheckpointError(f"{place}: {MODEL}: {error}; copy it again") from None
    number = record.get("format") if isinstance(record, dict) else None
    if type(number) is not int or number < 1:
        raise CheckpointError(f"{place}: {MODEL} states no format; it is no checkpoint")
    if number > FORMAT:
        raise CheckpointError(
            f"{place}: has format {number}, written by version {record.get('version')}; this "
            f"version ({__version__}) reads formats up to {FORMAT}: install a newer one"
        )
    if record.get("conventions") != CONVENTIONS:
        raise CheckpointError(
            f"{place}: follows conventions {record.get('conventions')}, this version "
            f"{CONVENTIONS}: install version {record.get('version')}, or train again"
        )
    return _upgraded(dict(record))


def _upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of an older format with what the present one says of targets and errors."""
    if record["format"] == 1 and isinstance(record.get("target"), dict):  # one target, no list
        stated = {"title": "", "unit": record.pop("unit", ""), **record.pop("target")}
        record["targets"] = [stated]
    scales = record.pop("spread_scale", None)
    if isinstance(scales, dict):  # formats 1 and 2: factors on the spread, for 68 % alone
        record["intervals"] = {
            name: {"constant": 0.0, "powers": [1.0, 0.0, 0.0], "likely": scale, "sure": None}
            for name, scale in scales.items()
        }
    if record["format"] == 2:  # all else is as it was; tensors of format 1 had other names
        record["format"] = FORMAT
    return record


def read_weights(place: Path, record: Mapping[str, Any]) -> bytes:
    """Return the file of weights of a checkpoint, whose digest its record states.

    Raises:
        CheckpointError: when it is missing or damaged.
    """

    def unreadable(reason: str) -> CheckpointError:
        return CheckpointError(
            f"{place}: {WEIGHTS} cannot be read: {reason}; copy the whole folder"
        )

    with translated(unreadable):
        raw = (place / WEIGHTS).read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != record.get("sha256"):
        raise CheckpointError(
            f"{place}: {WEIGHTS} has the SHA-256 {digest}, {MODEL} states "
            f"{record.get('sha256')}; one of them is damaged or from another checkpoint: copy "
            "the folder again"
        )
    return raw


def misfit_error(place: Path, record: Mapping[str, Any], reason: str) -> CheckpointError:
    """Return an error about a checkpoint that says what this version does not know."""
    return CheckpointError(
        f"{place}: does not fit this version ({__version__}): {reason}; it was written by "
        f"version {record.get('version')}"
    )


def targets_of(record: Mapping[str, Any]) -> tuple[Target, ...]:
    """Return what the networks of a checked record predict.

    Raises:
        ValueError: when a tensor has another symmetry than when the record was written.
    """
    targets = []
    for stated in record["targets"]:
        known = {key: value for key, value in stated.items() if key != "symmetry"}
        targets.append(Target(**known))
        if targets[-1].symmetry != stated["symmetry"]:
            raise ValueError(
                f"{stated['tensor']} was {stated['symmetry']} and is {targets[-1].symmetry} now"
            )
    return tuple(targets)


def check_record(record: Mapping[str, Any]) -> None:
    """Refuse a record, upgraded to the present format, that is not what `save` writes.

    Raises:
        ValueError: naming the entry, what it is and what is allowed.
    """
    for key, (holds, allowed) in ENTRIES.items():
        value = record.get(key)
        if not holds(value):
            shown = f"is {value!r}"[:100] if key in record else "is missing"
            raise ValueError(f"{key!r} {shown}; allowed: {allowed}")
    if len(record["networks"]) != record["members"]:
        raise ValueError(f"{record['members']} members, but {len(record['networks'])} networks")


def _several(holds: Callable[[Any], bool], least: int = 0) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(holds, value))


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_target(value: Any) -> bool:
    words = ("tensor", "pooling", "title", "unit", "symmetry")
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(word), str) for word in words)
        and all(isinstance(value.get(flag), bool) for flag in ("axial", "positive"))
        and value["pooling"] in ("mean", "sum", "atoms")
    )


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any, low: float = -math.inf) -> bool:
    return type(value) in (int, float) and low <= value < math.inf


def _is_error_model(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _is_number(value.get("constant"))
        and isinstance(value.get("powers"), list)
        and len(value["powers"]) == 3
        and all(_is_number(power, 0) for power in value["powers"])
        and _is_number(value.get("likely"), 0)
        and (value.get("sure", 0) is None or _is_number(value.get("sure"), 0))
    )


def _are_intervals(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_error_model, value.values())))


def _are_distances(value: Any) -> bool:
    if value is None:
        return True
    try:
        Closest.from_dict(value)
    except (AttributeError, TypeError, ValueError):
        return False
    return True


ENTRIES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "targets": (_several(_is_target, 1), "objects with tensor, pooling, unit, ... of each target"),
    "members": (_whole(1, MOST_MEMBERS), f"a whole number, 1 .. {MOST_MEMBERS}"),
    "networks": (_several(_is_object, 1), "the settings of each network"),
    "elements": (_several(_whole(1, 118)), "atomic numbers, 1 .. 118"),
    "seeds": (_several(_whole(0, 2**64)), "whole numbers"),
    "fingerprint": (lambda value: isinstance(value, str), "text"),
    "metrics": (_is_object, "an object"),
    "config": (_is_object, "an object"),
    "intervals": (
        _are_intervals,
        "nothing, or objects with finite numbers: constant, three powers, likely, sure",
    ),
    "closest": (_are_distances, "nothing, or distances in angstrom by two elements, 'Na-Cl'"),
    "reference": (lambda value: value is None or isinstance(value, str), "text, or nothing"),
}
"""The entries that are read, whether they hold, and what is allowed."""

"""The C++ programs of checkpoints: opened where they are built, and built.

Nothing here loads PyTorch before a checkpoint has to be read by it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from natural_tensors.errors import InputError, translated

from ..cpp import kept
from ..cpp.files import Precision, ProgramError
from ..cpp.library import Network
from ..data.fingerprints import Fingerprints
from ..weights.arrays import arrays_in, fingerprints_from
from ..weights.record import (
    FORMAT,
    MODEL,
    CheckpointError,
    check_record,
    misfit_error,
    read_record,
    read_weights,
    targets_of,
)
from .program import ProgramNetworks

if TYPE_CHECKING:  # it loads PyTorch
    from ..network.model import CarNet

VARIABLE = "NATURAL_TENSORS_PROGRAMS"
"""Variable of the environment that says what becomes of C++ programs."""

Use = Literal["auto", "use", "never"]
"""Those that are built are used, and others built in the background; used only; neither."""


class UseError(InputError, ValueError):
    """A variable of the environment that says nothing known."""


def use() -> Use:
    """Return what the environment says of C++ programs.

    Raises:
        UseError: when it is none of the words allowed.
    """
    said = os.environ.get(VARIABLE) or "auto"
    for word in get_args(Use):
        if said == word:
            return word  # type: ignore[no-any-return]
    raise UseError(f"{VARIABLE} is {said!r}; allowed: {', '.join(get_args(Use))}")


def key_of(folder: Path, record: Mapping[str, Any], precision: Precision) -> str:
    """Return under which name the cache keeps the program of a checkpoint."""
    text = (folder / MODEL).read_bytes()
    content = f"{hashlib.sha256(text).hexdigest()} {record.get('sha256')}"
    return kept.key_of(content, precision)


def opened(
    folder: Path, precision: Precision
) -> tuple[ProgramNetworks, Mapping[str, Any], Fingerprints | None] | None:
    """Return the program of a checkpoint, its record and its fingerprints, if it is built.

    Args:
        folder: of the checkpoint.
        precision: of the program.

    Raises:
        CheckpointError: when the checkpoint is missing or damaged.
    """
    record = read_record(folder)
    if record["format"] != FORMAT:
        return None
    network = kept.find(key_of(folder, record, precision))
    if network is None:
        return None
    with translated(lambda reason: misfit_error(folder, record, reason), keep=CheckpointError):
        check_record(record)
        raw = read_weights(folder, record)
        return (
            _networks(network, folder, record, precision),
            record,
            fingerprints_from(arrays_in(raw)),
        )


def _networks(
    network: Network, folder: Path, record: Mapping[str, Any], precision: Precision
) -> ProgramNetworks:
    def load() -> tuple[CarNet, ...]:
        from ..weights import checkpoint
        from .pytorch import TorchNetworks

        return TorchNetworks(checkpoint.load(folder).models, precision).models

    volume = any(bool(each.get("volume", True)) for each in record["networks"])
    return ProgramNetworks(network, targets_of(record), precision, volume, load)


def build_program(folder: Path, precision: Precision) -> tuple[ProgramNetworks, bool]:
    """Return the program of a checkpoint, and whether it had to be built for that.

    Args:
        folder: of the checkpoint.
        precision: of the program.

    Raises:
        CheckpointError: when the checkpoint is missing or damaged.
        ProgramError: when it cannot be built, or the cache cannot hold it.
    """
    if found := opened(folder, precision):
        return found[0], False
    from ..cpp.building import build
    from ..cpp.writing import write
    from ..weights import checkpoint

    stored = checkpoint.load(folder)
    if (number := read_record(folder)["format"]) != FORMAT:
        raise ProgramError(
            f"{folder}: has the older format {number}, which PyTorch alone reads; carnet join "
            f"{folder} -o FOLDER writes it in the present one"
        )
    key = key_of(folder, stored.record, precision)
    try:
        place = kept.place_of(key)
        written = write(stored.models, place, name=kept.NAME, elements=stored.record["elements"])
        network = build(written, precision=precision)
        kept.keep(key, written, network)
    except OSError as error:
        raise ProgramError(
            f"the cache cannot hold a program: {error}; set NATURAL_TENSORS_CACHE to a folder of "
            "your own"
        ) from None
    return _networks(network, folder, stored.record, precision), True


def program_of(
    models: Sequence[CarNet], precision: Precision, elements: Sequence[int]
) -> ProgramNetworks:
    """Return networks that no checkpoint holds as a program, built now.

    Args:
        models: with the same targets and cutoff.
        precision: of the program.
        elements: atomic numbers that it knows; all when empty.

    Raises:
        ProgramError: when it cannot be built.
    """
    from ..cpp.building import build
    from ..cpp.writing import write

    folder = tempfile.TemporaryDirectory(prefix="natural-tensors-")
    written = write(models, folder.name, name=kept.NAME, elements=elements)
    network = build(written, precision=precision)
    volume = any(model.settings.volume for model in models)

    def load() -> tuple[CarNet, ...]:
        from .pytorch import TorchNetworks

        return TorchNetworks(models, precision).models

    weakref.finalize(load, folder.cleanup)  # the files are read as long as copies hold this
    return ProgramNetworks(network, models[0].targets, precision, volume, load)

"""Built programs of checkpoints, kept in the cache: found without asking a compiler or PyTorch.

A program has a folder of its own, ``programs/KEY`` in the cache. The key is a hash of the
checkpoint, of the code that writes programs, of the processor and of the precision; so a folder
serves as long as nothing that it depends on changes. ``program.json`` in it is written last.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.files.saving import (
    FileError,
    cache_folder,
    is_intact,
    open_cache,
    remove_leftovers,
    write_bytes,
)

from .files import Precision, ProgramError, Written
from .library import INTERFACE, Network

NAME = "network"
"""What programs in the cache are called."""

ENTRY = "program.json"
"""The file that names the library of a program."""

PLACES = "programs"
"""The folder of the cache that holds a folder for each program."""

GENERATORS = ("carnet_model", "codegen", "natural_tensors")
"""Folders, beside each other, whose content decides what a program is."""


def key_of(checkpoint: str, precision: Precision) -> str:
    """Return the name of the folder of a program.

    Args:
        checkpoint: a hash of all that a checkpoint holds.
        precision: that of the program.
    """
    parts = (checkpoint, precision, str(INTERFACE), generator(), _processor())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@cache
def generator(root: Path | None = None) -> str:
    """Return a hash of the code that writes programs, by the names and dates of its files.

    Args:
        root: the folder of the packages; that of this one when omitted.
    """
    root = Path(__file__).parents[2] if root is None else root
    lines = [f"{__version__} {CONVENTIONS} {np.dtype(np.float64).byteorder}"]
    for place in GENERATORS:
        for file in sorted((root / place).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                state = file.stat()
                lines.append(f"{file.relative_to(root)} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _processor() -> str:
    """Return what a library that was built for this processor may run on."""
    about = [platform.system(), platform.machine(), platform.processor()]
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        wanted = ("model name", "flags", "Features", "CPU part")  # x86 and ARM
        about += sorted({line for line in text.splitlines() if line.startswith(wanted)})
    return "\n".join(about)


def place_of(key: str) -> Path:
    """Return the folder of a program, which need not be there.

    Raises:
        OSError: when the cache cannot be made.
        FileError: when another user owns it, or may write it.
    """
    return open_cache(cache_folder()) / PLACES / key


def find(key: str, elements: Sequence[int] = ()) -> Network | None:
    """Return the program of a key; None when there is none, or it is damaged.

    Args:
        key: as :func:`key_of` returns it.
        elements: as :class:`Network` takes them.
    """
    with suppress(OSError, FileError, ProgramError, ValueError, TypeError, KeyError):
        place = place_of(key)
        entry = json.loads((place / ENTRY).read_bytes())
        library = place.parents[1] / Path(entry["library"]).name
        if is_intact(library):
            return Network(library, place / f"{NAME}.safetensors", elements)
    return None


def keep(key: str, written: Written, network: Network) -> None:
    """Note that a program was written into its place and built.

    Raises:
        ProgramError: when the cache cannot hold it.
    """
    place = place_of(key)
    if network.library.parent != place.parents[1]:
        raise ProgramError(
            f"the library was built in {network.library.parent}, as nothing may run from the cache "
            f"{place.parents[1]}: set NATURAL_TENSORS_CACHE to another folder"
        )
    remove_leftovers(place)
    entry = {"library": network.library.name, "version": __version__, "source": written.source.name}
    write_bytes(str(place / ENTRY), json.dumps(entry, indent=1).encode())

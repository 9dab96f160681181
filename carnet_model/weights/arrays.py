"""What travels with networks: the fingerprints of their training set, as arrays.

Nothing here loads PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from ..data.fingerprints import Fingerprints

Arrays = Mapping[str, NDArray[Any]]
"""Arrays of any type by name."""

HEAD = "arrays."
"""How the names of what is no parameter of a network begin in a file of weights."""


def arrays_in(raw: bytes) -> Arrays:
    """Return the arrays in a file of weights that are no parameters."""
    return {
        name[len(HEAD) :]: values for name, values in load(raw).items() if name.startswith(HEAD)
    }


def arrays_of(fingerprints: Fingerprints) -> dict[str, NDArray[Any]]:
    """Return fingerprints as arrays: text becomes UTF-8, a line each."""

    def encoded(lines: Sequence[str]) -> NDArray[np.uint8]:
        clean = [line.replace("\n", " ") for line in lines]
        return np.frombuffer("\n".join(clean).encode(), dtype=np.uint8).copy()

    return {
        "identifiers": encoded(fingerprints.identifiers),
        "formulas": encoded(fingerprints.formulas),
        "signatures": fingerprints.signatures,
    }


def fingerprints_from(arrays: Arrays) -> Fingerprints | None:
    """Return the fingerprints that `arrays_of` wrote as arrays; None when there are none."""
    if not {"identifiers", "formulas", "signatures"} <= arrays.keys():
        return None
    texts = [arrays[name].tobytes().decode().split("\n") for name in ("identifiers", "formulas")]
    signatures = np.asarray(arrays["signatures"], dtype=np.float16)
    if not len(signatures):
        return Fingerprints((), (), signatures)
    return Fingerprints(tuple(texts[0]), tuple(texts[1]), signatures)

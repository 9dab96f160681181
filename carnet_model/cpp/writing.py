"""Networks written out as C++: a program, its interface in C, and the weights beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from codegen.network.shape import Array, NetworkShape
from codegen.network.source import Member, NetworkProgram
from natural_tensors import CONVENTIONS, __version__
from natural_tensors.files import saving

from ..network.model import CarNet
from ..network.targets import Target
from ..structures.elements import ELEMENTS
from .files import ProgramError, Written
from .weights import shape_of, weights_of


def write(
    networks: Sequence[CarNet],
    folder: str | Path,
    *,
    name: str = "",
    elements: Collection[int] = (),
    target: str | None = None,
) -> Written:
    """Write a network, or the members of an ensemble, as a program that needs only a compiler.

    Args:
        networks: with the same targets and cutoff.
        folder: where the files go, made when it is missing; files of that name are replaced.
        name: what they are called, and what the names of the interface begin with; that of the
            folder when left out.
        elements: atomic numbers that the program knows; all when left out.
        target: key of the one tensor that is kept; all when left out.

    Raises:
        ProgramError: when the name is no name in C, or there is no such target.
    """
    place = Path(folder)
    chosen = name or re.sub(r"\W", "_", place.resolve().name)
    if not re.fullmatch(r"[A-Za-z]\w*", chosen, flags=re.ASCII):
        raise ProgramError(
            f"{chosen!r} cannot begin the names of a C interface: choose a name of letters, digits "
            "and underscores, a letter first"
        )
    targets = _chosen(networks[0].targets, target)
    species = sorted(set(elements) or range(1, ELEMENTS))
    shapes: list[NetworkShape] = []
    arrays: dict[str, NDArray[np.generic]] = {}
    for number, network in enumerate(networks):
        shape = shape_of(network, len(species), targets)
        values = dict(weights_of(network, shape, species, targets))
        shapes.append(shape)
        for array in shape.arrays:
            arrays[f"{number}.{array.name}"] = _stored(array, values[array.name])
    # one entry: the library writes several in any order
    content = save(arrays, {"network": f"{chosen}, natural-tensors {__version__}"})
    head = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + head])
    members = []
    for number, shape in enumerate(shapes):
        entries = [table[f"{number}.{array.name}"] for array in shape.arrays]
        offsets = tuple(entry["data_offsets"][0] for entry in entries)
        doubles = tuple(entry["dtype"] == "F64" for entry in entries)
        members.append(Member(shape, offsets, doubles, f"{number}."))
    cutoff = float(networks[0].settings.cutoff)
    program = NetworkProgram(
        name=chosen,
        title=f"{chosen}: {', '.join(each.key for each in targets)} from "
        f"{len(networks)} network{'s' if len(networks) > 1 else ''}; "
        f"natural-tensors {__version__}.",
        members=tuple(members),
        cutoff=cutoff,
        elements=tuple(species),
        description={
            "name": chosen,
            "version": __version__,
            "conventions": CONVENTIONS,
            "length": "angstrom",
            "cutoff": cutoff,
            "layers": max(network.settings.layers for network in networks),
            "members": len(networks),
            "elements": species,
            "targets": [_description(each) for each in targets],
        },
        header=head,
        size=len(content),
        hash=fnv1a(content),
    )
    place.mkdir(parents=True, exist_ok=True)
    files = [place / f"{chosen}{suffix}" for suffix in (".cpp", ".h", ".safetensors")]
    texts = (program.source().encode(), program.interface().encode(), content)
    for path, text in zip(reversed(files), reversed(texts), strict=True):
        saving.write_bytes(str(path), text)
    return Written(chosen, *files)


def _chosen(targets: Sequence[Target], key: str | None) -> tuple[Target, ...]:
    chosen = tuple(target for target in targets if key in (None, target.key))
    if not chosen:
        raise ProgramError(
            f"this network does not predict {key!r}; it predicts "
            f"{', '.join(target.key for target in targets)}"
        )
    return chosen


def _description(target: Target) -> dict[str, object]:
    return {
        "key": target.key,
        "tensor": target.tensor,
        "symmetry": target.symmetry,
        "axial": target.reduction.symmetry.axial,
        "rank": target.reduction.rank,
        "pooling": target.pooling,
        "unit": target.unit,
        "potential": target.potential,
    }


def _stored(array: Array, values: Tensor) -> NDArray[np.generic]:
    """Return an array as it stands in the file; in single precision where that loses nothing."""
    wide = np.ascontiguousarray(values.detach().cpu().double().numpy()).reshape(array.shape)
    narrow = wide.astype(np.float32)
    return wide if array.exact or not np.array_equal(narrow, wide) else narrow


def fnv1a(content: bytes) -> int:
    """Return the FNV-1a hash of eight bytes at a time, then of the single ones that are left.

    Fowler, Noll and Vo; http://www.isthe.com/chongo/tech/comp/fnv/
    """
    value, prime, mask = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1
    whole = len(content) // 8 * 8
    for word in np.frombuffer(content[:whole], dtype="<u8").tolist():
        value = (value ^ word) * prime & mask
    for byte in content[whole:]:
        value = (value ^ byte) * prime & mask
    return value

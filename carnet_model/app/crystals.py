"""The crystals that come with the package, as files that can be asked about.

Well-known structures, and the crystals and tensors of `natural_tensors.examples`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

from natural_tensors import examples
from natural_tensors.arrays import to_lists
from natural_tensors.examples.shipped import Example, entries
from natural_tensors.files.saving import to_json

from ..structures import well_known
from ..structures.well_known import STRUCTURE
from .answers import Answer, refused


class Shipped(BaseModel):
    """A crystal, or a tensor of one.

    Attributes:
        name: what to ask for.
        title: what a list shows.
        holds: a structure to predict, or a tensor that was measured or computed.
        source: where it comes from.
    """

    name: str
    title: str
    holds: Literal["structure", "measured", "computed"]
    source: str


def shipped() -> list[Shipped]:
    """Return what there is: structures first."""
    return [about for about, _ in _documents().values()]


def content(name: str) -> Answer:
    """Return a structure or a tensor as JSON."""
    if name not in _documents():
        return refused(
            f"no crystal {name[:60]!r} comes with the package\nGET /api/crystals lists all", 404
        )
    return Answer((to_json(_documents()[name][1]) + "\n").encode())


@cache
def _documents() -> dict[str, tuple[Shipped, dict[str, Any]]]:
    return {about.name: (about, document) for about, document in _each()}


def _each() -> Iterator[tuple[Shipped, dict[str, Any]]]:
    for entry in well_known.entries():
        about = Shipped(
            name=entry["name"], title=entry["title"], holds="structure", source=entry["source"]
        )
        yield about, {"id": entry["name"]} | {key: entry[key] for key in STRUCTURE}
    computed = {entry["id"]: entry for entry in entries("dejong2015")}
    known = [examples.load(name) for name in examples.names()]
    for example in known:
        if example.name in computed:
            about = Shipped(
                name=example.name, title=example.title, holds="structure", source=example.source
            )
            entry = computed[example.name]
            yield about, {"id": example.formula} | {key: entry[key] for key in STRUCTURE}
    for example in known:
        yield _tensor(example, "computed" if example.name in computed else "measured")


def _tensor(
    example: Example, holds: Literal["measured", "computed"]
) -> tuple[Shipped, dict[str, Any]]:
    what = "" if example.tensor == "elastic" else f", {example.tensor}"
    about = Shipped(
        name=f"{example.name}-{holds}",
        title=f"{example.title}{what}",
        holds=holds,
        source=example.source,
    )
    return about, {
        "tensor": to_lists(example.values),
        "class": example.tensor,
        "form": example.form,
        "unit": example.unit,
        "name": f"{example.title}, {holds}",
        "source": example.source,
    }

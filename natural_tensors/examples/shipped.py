"""The shipped crystals, read from the files that lie beside this one.

`textbook.json` states measured constants, each with its source. `dejong2015.json` holds elastic
tensors of de Jong et al. 2015 (Sci. Data 2, 150009; Dryad, CC0) in the Cartesian frame of the
lattice stored beside them; each is the upper triangle of the Voigt matrix, row by row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from ..arrays import Floats
from ..errors import LookupFailedError

DEJONG_SOURCE = "DFT (PBE), M. de Jong et al. 2015, Sci. Data 2, 150009; {}"

Vectors = tuple[tuple[float, ...], ...]


Source = Literal["textbook", "dejong2015"]


class UnknownExampleError(LookupFailedError):
    """No example goes by the name asked for, or several do."""


@dataclass(frozen=True, eq=False)
class Example:
    """One tensor of one crystal.

    >>> from natural_tensors import examples
    >>> copper = examples.load("copper")
    >>> copper.tensor, copper.unit, copper.values.shape
    ('elastic', 'GPa', (6, 6))

    Attributes:
        name: what :func:`load` calls it: a word, or an identifier of the Materials Project.
        title: what prose calls it.
        formula: chemical formula.
        tensor: name of the tensor in the catalogue.
        form: form of `values`, as in :meth:`Reduction.decompose`.
        values: the tensor, read-only.
        unit: unit of `values`.
        source: where the numbers come from.
        crystal_system: one of the seven.
        point_group: Hermann-Mauguin symbol of the crystal class, where stated.
        spacegroup: number of the space group, where stated.
        lattice: rows are the lattice vectors in angstrom, in the frame of `values`, where known.
    """

    name: str
    title: str
    formula: str
    tensor: str
    form: str
    values: Floats
    unit: str
    source: str
    crystal_system: str
    point_group: str | None = None
    spacegroup: int | None = None
    lattice: Vectors | None = None


def names() -> tuple[str, ...]:
    """Return the names of all examples: the textbook first, then de Jong's by identifier."""
    return tuple(_examples())


def load(name: str) -> Example:
    """Return an example by name (upper or lower case), or by formula where only one has it.

    Raises:
        UnknownExampleError: when there is none or several; the message says which.
    """
    examples = _examples()
    if name.casefold() in examples:
        return examples[name.casefold()]
    same = [example for example in examples.values() if example.formula == name]
    if len(same) == 1:
        return same[0]
    if same:
        known = ", ".join(f"{example.name} ({example.title})" for example in same)
        raise UnknownExampleError(f"{name!r} is the formula of {len(same)} examples: {known}")
    words = {word: None for e in examples.values() for word in (e.name, e.formula)}
    near = get_close_matches(name, words, n=3)
    hint = f" The nearest: {', '.join(near)}." if near else ""
    raise UnknownExampleError(
        f"there is no example {name!r}.{hint} "
        f"Run `natural-tensors examples` to see all {len(examples)}."
    )


@cache
def _examples() -> dict[str, Example]:
    known = [_textbook(entry) for entry in entries("textbook")]
    known += [_dejong(entry) for entry in entries("dejong2015")]
    return {example.name: example for example in known}


def entries(source: Source) -> list[dict[str, Any]]:
    """Return the entries of a source as published, with what an :class:`Example` leaves out.

    Args:
        source: ``"textbook"``, or ``"dejong2015"``, whose entries also hold the atoms and the
            published averages of the moduli.
    """
    text = files(__package__).joinpath(f"{source}.json").read_text(encoding="utf-8")
    published: list[dict[str, Any]] = json.loads(text)
    return published


def _textbook(entry: dict[str, Any]) -> Example:
    return Example(**{**entry, "values": _frozen(np.array(entry["values"], dtype=np.float64))})


def _dejong(entry: dict[str, Any]) -> Example:
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6)] = entry["C"]
    return Example(
        name=entry["id"],
        title=f"{entry['formula']} ({entry['crystal_system']})",
        formula=entry["formula"],
        tensor="elastic",
        form="voigt",
        values=_frozen(upper + np.triu(upper, 1).T),
        unit="GPa",
        source=DEJONG_SOURCE.format(entry["id"]),
        crystal_system=entry["crystal_system"],
        spacegroup=entry["spacegroup"],
        lattice=tuple(tuple(row) for row in entry["lattice"]),
    )


def _frozen(values: Floats) -> Floats:
    values.setflags(write=False)
    return values

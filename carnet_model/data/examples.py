"""Examples: structures with labels, and which of them may be trained on.

A tenth of all formulas, by a hash, is reserved for evaluation and never trained on.

>>> split_of("Cu"), split_of("AlN"), split_of("Al")
('train', 'reserved', 'val')
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, overload

import numpy as np

from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError

from ..structures.geometry import Geometry, reduced_formula

Split = Literal["reserved", "val", "train"]

PREDICTED = "predicted"
"""Source of examples whose labels a model has made: who learnt from them does not know them."""


RESERVED_BELOW, VALIDATION_BELOW = 10, 18
"""Formulas with a bucket below the first are reserved, the next up to the second validate."""


class DatasetError(InputError, ValueError):
    """A record or a file that cannot serve as examples."""


def dataset_error(origin: str, problem: str, *advice: str) -> DatasetError:
    """Return an error about an entry: what is wrong, then advice, a line each."""
    return DatasetError("\n".join((f"{origin}: {problem}", *advice)))


@lru_cache(maxsize=65536)
def bucket(formula: str) -> int:
    """Return the bucket of a formula, 0 .. 99; the formula is reduced by pymatgen first.

    Raises:
        GeometryError: when it is no chemical formula.
    """
    text = reduced_formula(formula)
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16) % 100


def split_of(formula: str) -> Split:
    """Return where a crystal of this formula belongs.

    Raises:
        GeometryError: when it is no chemical formula.
    """
    number = bucket(formula)
    if number < RESERVED_BELOW:
        return "reserved"
    return "val" if number < VALIDATION_BELOW else "train"


@dataclass(frozen=True, eq=False)
class Example:
    """One structure with what is known about it.

    Attributes:
        geometry: the structure.
        labels: by name. A tensor is full, shape ``(3,)*rank``, in the frame of the geometry; a
            scalar has shape ``()``; a label of the atoms has the atoms as first axis, and NaN for
            an atom without one. Units: those that the sources of the labels keep.
        weight: factor of this example in a loss.
        identifier: what reports call it.
        source: where it comes from.
        notes: the other entries of the record.
    """

    geometry: Geometry
    labels: Mapping[str, Floats]
    weight: float = 1.0
    identifier: str = ""
    source: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise dataset_error(
                self.identifier or "an example",
                f"its weight is {self.weight}",
                "a weight is a number from 0 upwards",
            )

    @property
    def formula(self) -> str:
        """Reduced formula."""
        return self.geometry.formula

    @property
    def reserved(self) -> bool:
        """Whether it is a crystal that must never be trained on."""
        return any(self.geometry.periodic) and split_of(self.formula) == "reserved"

    @property
    def split(self) -> Split:
        """Where it belongs: reserved by its formula, else as its record says, else by formula."""
        if self.reserved:
            return "reserved"
        stated = self.notes.get("split")
        if stated == "train" or stated == "val":
            return "val" if stated == "val" else "train"
        if not any(self.geometry.periodic):
            return "train"
        return split_of(self.formula)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels) or "no labels"
        return f"Example({self.identifier or '-'}: {self.formula}, {labels})"


def without_reserved(examples: Iterable[Example]) -> tuple[list[Example], int]:
    """Leave out the crystals that must never be trained on; also say how many these were."""
    everything = list(examples)
    kept = [example for example in everything if not example.reserved]
    return kept, len(everything) - len(kept)


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """What was read, and what was left out.

    Attributes:
        items: the examples.
        reserved: number of crystals left out because they must never be trained on.
        faults: a DatasetError for each record left out because it is bad.
    """

    items: tuple[Example, ...]
    reserved: int = 0
    faults: tuple[DatasetError, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return (
            f"{len(self)} examples; left out: {self.reserved} reserved, {len(self.faults)} faulty"
        )

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
    return number_of(reduced_formula(formula)) % 100


def number_of(text: str) -> int:
    """Return a large number that follows from a text, evenly distributed."""
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)


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
        """Where it belongs when nobody divides otherwise: see `Division`."""
        return Division().split_of(self)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels) or "no labels"
        return f"Example({self.identifier or '-'}: {self.formula}, {labels})"


@dataclass(frozen=True)
class Division:
    """Who validates, of what may be trained on.

    Attributes:
        by: ``"note"``: as its record says, where it says nothing by its bucket; ``"formula"``: by
            its bucket alone.
        validation: the first bucket that validates, and the first that does not: of the formula of
            a crystal, of the identifier of anything else, whose isomers share a formula.
    """

    by: Literal["note", "formula"] = "note"
    validation: tuple[int, int] = (RESERVED_BELOW, VALIDATION_BELOW)

    def states(self, example: Example) -> Split | None:
        """Return where the record of an example says that it belongs; None where nobody asks it."""
        stated = example.notes.get("split") if self.by == "note" else None
        return None if stated not in ("train", "val") else "val" if stated == "val" else "train"

    def split_of(self, example: Example) -> Split:
        """Return where an example belongs; reserved crystals are, whatever is said of them."""
        if example.reserved:
            return "reserved"
        stated = self.states(example)
        if stated is not None:
            return stated
        crystal = any(example.geometry.periodic)
        number = bucket(example.formula) if crystal else number_of(example.identifier) % 100
        first, end = self.validation
        return "val" if first <= number < end else "train"


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

"""Samples of a training: structures with their graphs and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..data.examples import Example
from ..network.graph import Graph
from .label_tensors import Labels
from .scales import Scales


@dataclass(frozen=True, eq=False)
class Sample:
    """One structure as training sees it.

    Attributes:
        example: the structure and what the file said.
        graph: its graph.
        labels: by the key of the target, of its systems: one, or one for each atom.
    """

    example: Example
    graph: Graph
    labels: Mapping[str, Labels]


@dataclass(frozen=True, eq=False)
class Samples:
    """Everything a training takes from the data.

    Attributes:
        train: the training set.
        val: the validation set.
        scales: by the key of the target.
        neighbours: mean over structures of the number of neighbours of an atom.
        fingerprint: of the training set.
        remarks: what was left out, for whom it concerns.
    """

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    scales: Mapping[str, Scales]
    neighbours: float
    fingerprint: str
    remarks: tuple[str, ...]

    @property
    def elements(self) -> list[int]:
        """Atomic numbers that occur in the training set."""
        return sorted({int(z) for sample in self.train for z in sample.graph.numbers})

"""Everything a training takes from the data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..network.targets import Target
from .sample_store import StoredSamples
from .scales import Scales, scales_of


@dataclass(frozen=True, eq=False)
class Samples:
    """Training and validation set, and what the first says about sizes.

    Attributes:
        train: the training set.
        val: the validation set.
        scales: by the key of the target.
        neighbours: mean over structures of the number of neighbours of an atom.
        elements: atomic numbers that occur in the training set.
        fingerprint: of the training set.
        remarks: what was left out, for whom it concerns.
    """

    train: StoredSamples
    val: StoredSamples
    scales: Mapping[str, Scales]
    neighbours: float
    elements: list[int]
    fingerprint: str
    remarks: tuple[str, ...]

    @cached_property
    def contents(self) -> str:
        """Return a SHA-256 of both sets, to which the order of the structures matters."""
        return hashlib.sha256(self.train.contents() + self.val.contents()).hexdigest()

    @classmethod
    def of(
        cls,
        train: StoredSamples,
        val: StoredSamples,
        targets: Sequence[Target],
        remarks: Sequence[str] = (),
    ) -> Samples:
        """Return the samples of two sets.

        Args:
            train: the training set, not empty.
            val: the validation set.
            targets: what is predicted.
            remarks: what was left out.
        """
        numbers = train.numbers
        sizes = np.array([len(each) for each in numbers])
        return cls(
            train=train,
            val=val,
            scales={
                target.key: scales_of(target, train.labels(target), numbers) for target in targets
            },
            neighbours=max(float(np.mean(train.edges / sizes)), 1.0),
            elements=np.unique(np.concatenate(numbers)).tolist(),
            fingerprint=train.fingerprint(),
            remarks=tuple(remarks),
        )

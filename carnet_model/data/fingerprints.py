"""Fingerprints of training sets: what a network was trained on, and whether it saw a structure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from natural_tensors.formatting import visible

from ..structures.geometry import Geometry
from ..structures.signature import SHELL_CENTRES, distance, signature
from .examples import Example


def fingerprint(examples: Iterable[Example]) -> str:
    """Return a SHA-256 of identifiers, formulas, weights and labels of examples, in any order."""
    return joined_fingerprint(map(fingerprint_of, examples))


def fingerprint_of(example: Example) -> str:
    """Return a SHA-256 of identifier, formula, weight and labels of one example."""
    digest = hashlib.sha256(f"{example.identifier}\0{example.formula}\0{example.weight!r}".encode())
    for name in sorted(example.labels):
        values = np.ascontiguousarray(example.labels[name], dtype="<f8") + 0.0  # -0 is 0
        digest.update(f"\0{name}{values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def joined_fingerprint(fingerprints: Iterable[str]) -> str:
    """Return the fingerprint of a set from those of its examples, in any order."""
    return hashlib.sha256("\n".join(sorted(fingerprints)).encode()).hexdigest()


DUPLICATE = 0.02
"""Crystals of one formula whose signatures are this near are called near duplicates.

Other descriptions of one crystal stay below 0.002 (rounding to float16), a volume that differs by
5 % is at 0.013; related stackings (SiC 2H and 3C: 0.014) are near duplicates too, mirror images the
same crystal."""


class Nearest(NamedTuple):
    """The structure of a training set that is most like another one.

    Attributes:
        identifier: of the structure of the training set.
        distance: of the signatures; up to `DUPLICATE` it is the same crystal, or nearly so.
        volume: volume per atom of the other structure over that of this one, minus 1.
    """

    identifier: str
    distance: float
    volume: float

    @property
    def shape(self) -> float:
        """What the distance would be at equal volumes."""
        return float(np.sqrt(max(self.distance**2 - (np.log1p(self.volume) / 4) ** 2, 0.0)))


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Signatures of the structures a model has seen, small enough to travel with it.

    Attributes:
        identifiers: of each structure.
        formulas: reduced formulas.
        signatures: shape ``(structures, 16)``, float16.
    """

    identifiers: tuple[str, ...]
    formulas: tuple[str, ...]
    signatures: NDArray[np.float16]

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Fingerprints:
        """Collect the signatures of examples."""
        all_examples = list(examples)
        rows = [signature(example.geometry) for example in all_examples]
        return cls(
            tuple(example.identifier for example in all_examples),
            tuple(example.formula for example in all_examples),
            np.array(rows, dtype=np.float16).reshape(-1, 1 + 3 * len(SHELL_CENTRES)),
        )

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, formula in enumerate(self.formulas):
            places.setdefault(formula, []).append(place)
        return places

    def nearest(self, structure: Geometry) -> Nearest | None:
        """Return the nearest structure of the same formula, if any."""
        places = self._places.get(structure.formula)
        if not places:
            return None
        own = signature(structure)
        gaps = distance(own, self.signatures[places])
        best = int(np.argmin(gaps))
        volume = float(np.expm1(own[0] - float(self.signatures[places[best], 0])))
        return Nearest(visible(self.identifiers[places[best]]), float(gaps[best]), volume)

    def __len__(self) -> int:
        return len(self.identifiers)

    def __repr__(self) -> str:
        return f"Fingerprints({len(self)} structures, {len(set(self.formulas))} formulas)"

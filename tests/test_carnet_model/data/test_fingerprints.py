"""Fingerprints know labels and crystals, whatever their order and description."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.build import bulk

from carnet_model.data.examples import Example
from carnet_model.data.fingerprints import DUPLICATE, Fingerprints, Nearest, fingerprint
from carnet_model.structures.conversion import geometry
from tests.helpers.copper import (
    COPPER,
    FULL,
    examples_of,
)


def test_the_fingerprint_knows_labels_but_no_order() -> None:
    examples = examples_of(COPPER, bulk("Au"))
    first = fingerprint(examples)
    assert len(first) == 64
    assert fingerprint(reversed(examples)) == first
    assert fingerprint(examples[:1]) != first
    other = examples_of(COPPER, bulk("Au"))
    other[0] = Example(other[0].geometry, {"elastic": FULL + 1e-9}, identifier="c0")
    assert fingerprint(other) != first
    zero = [Example(geometry(COPPER), {"a": sign * np.zeros(3)}) for sign in (1.0, -1.0)]
    assert fingerprint(zero[:1]) == fingerprint(zero[1:])


def test_near_duplicates_are_near_and_other_structures_are_not() -> None:
    known = examples_of(COPPER, bulk("ZnS", "zincblende", a=5.4), bulk("Fe", "bcc", a=2.87))
    prints = Fingerprints.of(known)
    assert prints.signatures.dtype == np.float16
    assert prints.signatures.nbytes == 3 * 32

    def nearest(crystal: Any) -> Nearest:
        found = prints.nearest(geometry(crystal))
        assert found is not None
        return found

    identifier, gap, volume = nearest(COPPER.repeat(2))
    assert identifier == "c0"
    assert gap < 0.002
    assert abs(volume) < 0.002
    stretched = nearest(bulk("Cu", a=3.65))
    assert stretched.distance < DUPLICATE  # another functional
    assert stretched.shape < 0.002
    assert abs(stretched.volume - ((3.65 / 3.6) ** 3 - 1)) < 0.002  # stored in half precision
    assert nearest(bulk("Cu", "bcc", a=2.87))[1] > DUPLICATE
    assert nearest(bulk("ZnS", "rocksalt", a=5.1))[1] > DUPLICATE
    assert nearest(bulk("Fe", "fcc", a=3.6))[1] > DUPLICATE
    assert prints.nearest(geometry(bulk("Au"))) is None
    assert repr(prints) == "Fingerprints(3 structures, 3 formulas)"

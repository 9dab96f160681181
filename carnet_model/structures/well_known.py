"""Well-known crystals that come with the package, and the elastic tensors measured on them.

`crystals.json` holds the structures, each with its source, in the axes that the measurements in
`natural_tensors.examples` are stated in.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from natural_tensors import examples
from natural_tensors.arrays import Floats
from natural_tensors.examples.shipped import Example

from .conversion import geometry
from .geometry import Geometry, GeometryError
from .signature import signature
from .symmetry import canonical

STRUCTURE = ("numbers", "lattice", "frac")
"""Keys of an entry that make the structure."""

SAME_SHAPE = 0.02
"""Root mean square difference of the counts of two signatures up to which it is one crystal."""

SAME_VOLUME = 0.1
"""Difference of the logarithms of their volumes: DFT misses that of quartz by 8 %."""


@cache
def entries() -> tuple[dict[str, Any], ...]:
    """Return what is stated of each: ``name``, ``title``, ``source``, and its structure."""
    text = files(__package__).joinpath("crystals.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))


def measurement_of(structure: Geometry) -> Example | None:
    """Return the elastic tensor measured on a crystal, in the standard axes of its point group.

    None for crystals that do not come with the package.

    >>> from ase.build import bulk
    >>> copper = measurement_of(geometry(bulk("Cu")))
    >>> copper.name, copper.source
    ('copper', 'W. C. Overton and J. Gaffney 1955, Phys. Rev. 98, 969; 300 K')
    >>> measurement_of(geometry(bulk("Cu", "bcc", a=2.87)))
    """
    if not all(structure.periodic) or structure.formula not in _by_formula():
        return None
    name, known = _by_formula()[structure.formula]
    gap = signature(structure) - known
    shape = float(np.sqrt(np.mean(gap[1:] ** 2)))
    if shape > SAME_SHAPE or abs(gap[0]) > SAME_VOLUME:
        return None
    example = examples.load(name)
    try:
        group, _ = canonical(structure)
    except GeometryError:
        return None
    return example if group.name == example.point_group else None  # stackings are alike in shape


@cache
def _by_formula() -> dict[str, tuple[str, Floats]]:
    """Return name and signature of each; no two have one formula."""
    found = {}
    for entry in entries():
        crystal = geometry({key: entry[key] for key in STRUCTURE})
        found[crystal.formula] = (entry["name"], signature(crystal))
    return found

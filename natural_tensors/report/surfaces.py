"""What the script of a page draws: the values of every property on one grid of directions."""

from __future__ import annotations

from base64 import b64encode

import numpy as np

from ..arrays import Json, to_lists
from ..crystals.tensor import CrystalTensor
from ..pictures.colours import ACCENT, bounds, signed_stops, unsigned_stops
from ..pictures.directional import STEPS, TOWARDS, Property, properties, sphere


def scene(crystal: CrystalTensor) -> dict[str, Json]:
    """Return the surfaces of all properties, for JSON.

    ``steps`` says how many polar angles the grid of directions has
    (:func:`natural_tensors.pictures.directional.sphere`), which the script makes again; ``eye`` is
    the unit vector to the eye, ``lattice`` the directions of the lattice vectors or None. A surface
    has its ``name``, ``heading`` in lines, ``unit``, the range and the colours of its map, and its
    ``values`` as float32, little-endian, in base64: half the bytes of JSON, and more digits than a
    page shows.
    """
    lattice = crystal.frame.lattice
    return {
        "steps": STEPS,
        "eye": to_lists(TOWARDS),
        "accent": ACCENT,
        "lattice": None
        if lattice is None
        else to_lists(lattice / np.linalg.norm(lattice, axis=1)[:, None]),
        "surfaces": [_surface(entry) for entry in properties(crystal)],
    }


def _surface(entry: Property) -> dict[str, Json]:
    values = entry.values(sphere().directions)
    low, high = bounds(values)
    stops = signed_stops(low, high) if low < 0 else unsigned_stops()
    return {
        "name": entry.name,
        "heading": list(entry.heading.split("\n")),
        "unit": entry.unit,
        "low": low,
        "high": high,
        "stops": [[place, colour] for place, colour in stops],
        "values": b64encode(values.astype("<f4").tobytes()).decode(),
    }

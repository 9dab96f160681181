"""Structures as OPTIMADE states them, the interface that databases of materials share.

Source: the OPTIMADE specification 1.2, entry type ``structures``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .geometry import geometry_error


def is_optimade(record: Mapping[str, Any]) -> bool:
    """Say whether a record is an entry of OPTIMADE, or its attributes alone."""
    return "species_at_sites" in attributes_of(record)


def attributes_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attributes of an entry; those of a table lie in the record itself."""
    inner = record.get("attributes")
    return inner if isinstance(inner, Mapping) else record


def plain_record(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an entry as a dict with ``numbers``, ``lattice``, ``positions`` and ``periodic``.

    Args:
        record: an entry, or its attributes; lengths in angstrom, as the specification has them.
        name: what messages call it.

    Raises:
        GeometryError: when a site is disordered or holds no element.
    """
    from pymatgen.core import Element

    attributes = attributes_of(record)
    content = {
        str(kind["name"]): (list(kind["chemical_symbols"]), list(kind.get("concentration") or [1]))
        for kind in attributes.get("species") or ()
    }
    numbers = []
    for site, kind in enumerate(attributes["species_at_sites"]):
        symbols, shares = content.get(str(kind), ([str(kind)], [1]))
        if len(symbols) != 1 or abs(float(shares[0]) - 1) > 1e-8:
            raise geometry_error(
                name,
                f"site {site} is disordered: {kind} is {', '.join(map(str, symbols))}",
                "every site must hold one element with concentration 1; choose an ordered cell",
            )
        if not Element.is_valid_symbol(symbols[0]):
            raise geometry_error(
                name, f"site {site} holds {symbols[0]!r}, no element", "replace it by an element"
            )
        numbers.append(int(Element(symbols[0]).Z))
    lattice = attributes.get("lattice_vectors")
    repeats = attributes.get("dimension_types") or [int(lattice is not None)] * 3
    plain = {
        "numbers": numbers,
        "positions": attributes.get("cartesian_site_positions"),
        "periodic": [bool(each) for each in repeats],
    }
    if lattice is not None:  # rows that do not repeat may be null
        plain["lattice"] = [[0.0 if x is None else x for x in row] for row in lattice]
    return plain

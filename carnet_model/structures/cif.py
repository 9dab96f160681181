"""Structures from CIF files, each data block of one, with what pymatgen would overlook."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from .conversion import from_pymatgen
from .geometry import Geometry, GeometryError, geometry_error
from .plain_cif import plain_structure

CIF_TOLERANCE = 1e-4
"""How far, in fractions of the cell, CIF coordinates are moved to n/3 or n/6, and sites merged."""


Entry = tuple[str, Callable[[str], Geometry]]
"""The id of an entry, if it has one, and how to read it under the name it is given."""


_CIF_ITEMS = re.compile(r"_(cell|atom_site|symmetry|space_group)", re.IGNORECASE)
_CIF_SYMBOL = re.compile(r"[A-Za-z]{1,2}")


def cif_entries(text: str) -> Iterator[Entry]:
    """Yield the data blocks of a CIF file as structures to read.

    Raises:
        GeometryError: when it has no data block; a bad block raises when it is read.
    """
    blocks = _cif_blocks(text)
    if not blocks:
        raise GeometryError("the CIF has no line that starts with data_")
    # a block about the publication (data_global) is no structure, unless there is nothing else
    atoms = [block for block in blocks if "_atom_site_fract_x" in block.lower()]
    for block in atoms or blocks:
        yield "", partial(_cif_structure, block)


def _cif_blocks(text: str) -> list[str]:
    blocks: list[list[str]] = []
    quoted = False
    for line in text.splitlines():
        if line.startswith(";"):
            quoted = not quoted
        elif line.lstrip().lower().startswith("data_"):
            if quoted:  # running text, which pymatgen would take for a new block
                line = f"| {line}"
            else:
                blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return ["\n".join(lines) + "\n" for lines in blocks]


def _cif_structure(block: str, name: str) -> Geometry:
    """Return the structure of a data block, read by pymatgen unless it is plain.

    Raises:
        GeometryError: when it is none.
    """
    _check_ascii(block, name)
    if plain := plain_structure(block, CIF_TOLERANCE):
        return Geometry(*plain, (True, True, True), name)
    return _by_pymatgen(block, name)


def _by_pymatgen(block: str, name: str) -> Geometry:
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parser = CifParser.from_str(
            block, site_tolerance=CIF_TOLERANCE, frac_tolerance=CIF_TOLERANCE
        )
        data = parser.as_dict()
        _check_symbols(next(iter(data.values()), {}), name)
        _check_transformations(next(iter(data.values()), {}), name)
        structure = parser.parse_structures(primitive=False, on_error="raise")[0]
    messages = [str(entry.message) for entry in caught] + list(parser.warnings)
    for message in messages:
        if "implicit hydrogens" in message:
            raise geometry_error(name, "has hydrogen without positions", "add the hydrogen atoms")
        if message.startswith(("Missing elements", "Incorrect stoichiometry")):
            if not _states_formula(data):
                continue
            raise geometry_error(
                name,
                f"the atoms do not make up the stated formula: {' '.join(message.split())}",
                "add the missing atoms, or correct or remove _chemical_formula_sum",
            )
    return from_pymatgen(structure, name)


def _states_formula(data: Mapping[str, Mapping[str, object]]) -> bool:
    return any(block.get("_chemical_formula_sum") for block in data.values())


def _check_ascii(block: str, name: str) -> None:
    """Refuse what pymatgen would silently delete: "Nä" is no nitrogen, "−z" is not z."""
    headers: list[str] = []
    in_header = False
    for number, line in enumerate(block.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].lower() == "loop_":
            headers, in_header = [], True
        elif words[0].startswith("_"):
            headers = [*headers, words[0]] if in_header and len(words) == 1 else [words[0]]
            in_header = in_header and len(words) == 1
        else:
            in_header = False
        if not line.isascii() and any(_CIF_ITEMS.match(header) for header in headers):
            letter = next(letter for letter in line if not letter.isascii())
            raise geometry_error(
                name,
                f"line {number} of the data block has {letter!r}, not ASCII: {line.strip()[:60]!r}",
                "element symbols, coordinates and symmetry are plain ASCII in a CIF; write the "
                "intended letter, digit or minus sign",
            )


def _check_transformations(block: Mapping[str, Any], name: str) -> None:
    """Refuse powers in a change of basis, which pymatgen would work out: 9**9**9**9 never ends."""
    for key, value in block.items():
        if "transform" in key and "**" in str(value):
            raise geometry_error(
                name, f"{key} is {str(value)[:60]!r}", "write a change of basis as a,b,c;0,0,0"
            )


def _check_symbols(block: Mapping[str, Any], name: str) -> None:
    from pymatgen.core import Element

    for key in ("_atom_site_type_symbol", "_atom_site_label"):
        symbols = block.get(key)
        if symbols is None:
            continue
        for site, symbol in enumerate([symbols] if isinstance(symbols, str) else symbols):
            match = _CIF_SYMBOL.match(symbol)
            letters = match.group().title() if match else ""
            if not any(map(Element.is_valid_symbol, (letters, letters[:1]))):
                raise geometry_error(
                    name,
                    f"site {site} is {symbol!r}, which names no element",
                    "write an element symbol as _atom_site_type_symbol; leave vacancies out",
                )
        return

"""Structures from the objects of other libraries: pymatgen, ASE, dictionaries.

>>> from ase.build import bulk
>>> geometry(bulk("NaCl", "rocksalt", a=5.64), name="halite")
Geometry(halite: NaCl, 2 atoms, periodic abc)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from natural_tensors.arrays import Floats
from natural_tensors.errors import translated

from .geometry import Geometry, GeometryError, float_array, geometry_error
from .optimade import is_optimade, plain_record


def geometry(structure: object, *, name: str = "") -> Geometry:
    """Return a structure of another library, or of decoded JSON, as a Geometry.

    Args:
        structure: a Geometry, a pymatgen Structure or Molecule, ASE Atoms, a dict of pymatgen, a
            dict with a pymatgen dict under ``structure`` or ``molecule``, or a dict with
            ``numbers``, ``lattice`` (rows; absent for a molecule), ``frac`` or ``positions``
            (``pos``), and optionally ``periodic`` and ``id``, or an entry of OPTIMADE. Other keys
            are left alone.
        name: what messages call it; otherwise the ``id`` or the formula.

    Raises:
        GeometryError: when it is none of these, a site is disordered, or it cannot exist.
    """
    if isinstance(structure, Geometry):
        return structure
    if isinstance(structure, Mapping):
        return _from_dict(structure, name)
    if _is_from(structure, "pymatgen") and hasattr(structure, "sites"):
        return from_pymatgen(structure, name)
    if _is_from(structure, "ase") and hasattr(structure, "get_atomic_numbers"):
        return _from_ase(structure, name)
    raise geometry_error(
        name,
        f"a {type(structure).__name__} is no structure",
        "allowed: Geometry, pymatgen Structure or Molecule, ase Atoms, or a dict with numbers, "
        "lattice and frac or positions; files are read by read_geometries",
    )


def _is_from(structure: object, library: str) -> bool:
    return any(base.__module__.partition(".")[0] == library for base in type(structure).__mro__)


def from_pymatgen(structure: Any, name: str) -> Geometry:
    """Return a structure of pymatgen; refuse sites that are shared or partly empty."""
    name = name or structure.composition.hill_formula.replace(" ", "")
    numbers = []
    for index, site in enumerate(structure):
        if len(site.species) != 1 or abs(site.species.num_atoms - 1) > 1e-8:
            raise _disordered(name, index, str(site.species_string))
        number = getattr(site.specie, "Z", 0)
        if not isinstance(number, int) or not _is_element(site.specie):
            raise geometry_error(
                name, f"site {index} holds {site.specie}, no element", "replace it by an element"
            )
        numbers.append(number)
    lattice = getattr(structure, "lattice", None)
    return Geometry(
        np.array(numbers, dtype=np.int64),
        structure.cart_coords,
        np.zeros((3, 3)) if lattice is None else lattice.matrix,
        (False, False, False) if lattice is None else tuple(lattice.pbc),
        name,
    )


def _is_element(species: object) -> bool:
    return type(species).__name__ in ("Element", "Species")


def _disordered(name: str, site: int, content: str) -> GeometryError:
    return geometry_error(
        name,
        f"site {site} is disordered: {content}",
        "every site must hold one element with occupancy 1; choose an ordered cell, for instance "
        "by pymatgen's OrderDisorderedStructureTransformation",
    )


def _from_ase(atoms: Any, name: str) -> Geometry:
    name = name or str(atoms.symbols)
    kinds = atoms.arrays.get("spacegroup_kinds")
    for kind, content in (atoms.info.get("occupancy") or {}).items():
        if len(content) != 1 or any(abs(share - 1) > 1e-8 for share in content.values()):
            where = 0 if kinds is None else int(np.argmax(kinds == int(kind)))
            raise _disordered(name, where, ", ".join(f"{k}:{v:g}" for k, v in content.items()))
    return Geometry(
        atoms.get_atomic_numbers(), atoms.get_positions(), atoms.cell.array, tuple(atoms.pbc), name
    )


def _from_dict(record: Mapping[str, Any], name: str) -> Geometry:
    name = name or str(record.get("id") or "")
    if str(record.get("@module", "")).startswith("pymatgen"):
        kind = record.get("@class")
        if kind in ("Structure", "IStructure", "Molecule", "IMolecule"):
            with translated(
                lambda reason: geometry_error(
                    name, f"is no complete {kind} of pymatgen: {reason}", "write it by as_dict()"
                )
            ):
                return _from_pymatgen_dict(record, name)
    for key in ("structure", "molecule"):
        if isinstance(record.get(key), Mapping):
            return _from_dict(record[key], name)
    if is_optimade(record):
        with translated(
            lambda reason: geometry_error(
                name,
                f"is no complete structure of OPTIMADE: {reason}",
                "ask for species, species_at_sites, lattice_vectors, cartesian_site_positions",
            )
        ):
            record = plain_record(record, name)
    return _from_our_dict(record, name)


def _from_pymatgen_dict(record: Mapping[str, Any], name: str) -> Geometry:
    """Return a Structure or Molecule from lattice, species and places alone.

    Nothing else in it is looked at: pymatgen itself imports whatever modules its properties name.
    """
    lattice = record.get("lattice")
    numbers, places = [], []
    for index, site in enumerate(record["sites"]):
        numbers.append(_number_of(site["species"], index, name))
        places.append(site["xyz" if lattice is None else "abc"])
    elements = np.array(numbers, dtype=np.int64)
    positions = float_array(places, name, "places of the sites")
    if lattice is None:
        return Geometry(elements, positions, np.zeros((3, 3)), (False,) * 3, name)
    cell = float_array(lattice["matrix"], name, "lattice vectors")
    flags = lattice.get("pbc", (True, True, True))
    return Geometry(elements, _cartesian(positions, cell, name), cell, flags, name)


def _number_of(species: Sequence[Mapping[str, Any]], site: int, name: str) -> int:
    """Return the atomic number of the one element of a site."""
    from pymatgen.core import Element

    shares = [float(entry.get("occu", 1)) for entry in species]
    if len(species) != 1 or abs(shares[0] - 1) > 1e-8:
        content = ", ".join(
            f"{entry['element']}:{share:g}" for entry, share in zip(species, shares, strict=True)
        )
        raise _disordered(name, site, content or "nothing")
    symbol = str(species[0]["element"])
    if not Element.is_valid_symbol(symbol):
        raise geometry_error(
            name, f"site {site} holds {symbol[:20]!r}, no element", "replace it by an element"
        )
    return int(Element(symbol).Z)


def _cartesian(fractions: Floats, cell: Floats, name: str) -> Floats:
    if fractions.ndim != 2 or fractions.shape[1:] != (3,) or cell.shape != (3, 3):
        raise geometry_error(
            name,
            f"frac has shape {fractions.shape}, lattice {cell.shape}",
            "frac has three numbers for each atom, lattice three rows of three",
        )
    return fractions @ cell


def _from_our_dict(record: Mapping[str, Any], name: str) -> Geometry:
    places = next((key for key in ("frac", "positions", "pos") if key in record), None)
    if "numbers" not in record or places is None:
        raise geometry_error(
            name,
            f"holds no structure; its keys are {', '.join(map(str, list(record)[:8])) or 'none'}",
            "needed: numbers, lattice (but for a molecule), and frac or positions; or a dict "
            "written by pymatgen",
        )
    if "lattice" not in record and places == "frac":
        raise geometry_error(name, "has frac but no lattice", "add the lattice vectors as rows")
    cell = float_array(record.get("lattice", np.zeros((3, 3))), name, "lattice vectors")
    positions = float_array(record[places], name, places)
    if places == "frac":
        positions = _cartesian(positions, cell, name)
    flags = record.get("periodic", "lattice" in record)
    return Geometry(record["numbers"], positions, cell, flags, name)

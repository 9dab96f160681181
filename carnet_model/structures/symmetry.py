"""The symmetry of a crystal and its frames."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from natural_tensors import (
    Frame,
    PointGroup,
    PointGroupError,
)
from natural_tensors.arrays import Floats
from natural_tensors.crystals.frames import BondVectors, canonical_frame

from .geometry import Geometry, GeometryError

FrameName = Literal["structure", "canonical", "ieee"]
FRAMES: tuple[FrameName, ...] = get_args(FrameName)


SYMPREC = 0.01
"""Distance (angstrom) within which spglib takes positions for equivalent."""


BOND_CUTOFF = 9.0
"""Å: how far the bonds reach that decide a canonical frame; beyond, they count below 1e-4."""


def symmetry_dataset(thing: Geometry, *, symprec: float = SYMPREC) -> Any:
    """Return what spglib finds for a crystal (its SpglibDataset).

    Raises:
        GeometryError: when it is no crystal, or spglib finds no symmetry.
    """
    found = _spglib("get_symmetry_dataset", thing, symprec=symprec)
    if found is None:
        raise GeometryError(
            f"{thing.name or 'the structure'}: spglib finds no symmetry within {symprec} Å\n"
            "choose a smaller symprec, and check for atoms that overlap"
        )
    return found


def primitive(thing: Geometry, *, symprec: float = SYMPREC) -> Geometry:
    """Return a crystal in its primitive cell, in the frame it has.

    Raises:
        GeometryError: when it is no crystal, or spglib finds no symmetry.
    """
    symmetry_dataset(thing, symprec=symprec)  # says what is wrong
    lattice, fractional, numbers = _spglib(
        "standardize_cell", thing, to_primitive=True, no_idealize=True, symprec=symprec
    )
    return Geometry(numbers, fractional % 1.0 @ lattice, lattice, thing.periodic, thing.name)


def _reduced(thing: Geometry, symprec: float) -> tuple[Geometry, Any]:
    """Return a crystal in a primitive cell, itself if it is one, and what spglib finds for that.

    A supercell may have fewer operations than its crystal.
    """
    found = symmetry_dataset(thing, symprec=symprec)
    if len(np.unique(found.mapping_to_primitive)) == len(thing):
        return thing, found
    small = primitive(thing, symprec=symprec)
    return small, symmetry_dataset(small, symprec=symprec)


def _spglib(function: str, thing: Geometry, **options: Any) -> Any:
    import spglib

    if not all(thing.periodic):
        raise GeometryError(
            f"{thing.name or 'the structure'}: is no crystal, it repeats along "
            f"{sum(thing.periodic)} directions\na space group needs three"
        )
    cell = (thing.cell, thing.fractional, thing.numbers)
    with warnings.catch_warnings():
        # spglib announces that it will raise instead of returning None; both are handled here
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return getattr(spglib, function)(cell, **options)
        except Exception as error:  # the class of its error differs between versions
            raise GeometryError(f"{thing.name or 'the structure'}: spglib: {error}") from None


def point_group_rotations(thing: Geometry, *, symprec: float = SYMPREC) -> Floats:
    """Return the operations of the point group as Cartesian matrices, in the structure's frame.

    Args:
        thing: a crystal, or a molecule (through pymatgen).
        symprec: distance (angstrom) within which positions in a crystal are equivalent; that of
            a molecule is `MOLECULAR_TOLERANCE`.

    Returns:
        Orthogonal matrices, improper ones included, shape ``(operations, 3, 3)``.

    Raises:
        GeometryError: for a slab or wire, a linear molecule or an atom (an infinite group), or
            when no symmetry is found.
    """
    if not any(thing.periodic):
        return _molecular_group(thing)
    return _operations(*_reduced(thing, symprec))


def _operations(small: Geometry, found: Any) -> Floats:
    """Return the operations that spglib found for a crystal as Cartesian matrices."""
    integers = np.unique(np.asarray(found.rotations), axis=0)
    basis = small.cell.T  # columns are lattice vectors
    matrices = basis @ integers @ np.linalg.inv(basis)
    # the lattice fits its group within symprec only; the nearest orthogonal matrices are exact
    left, _, right = np.linalg.svd(matrices)
    return np.asarray(left @ right, dtype=np.float64)


MOLECULAR_TOLERANCE = 0.05
"""Distance (angstrom) within which atoms of a molecule are equivalent."""


def _molecular_group(thing: Geometry) -> Floats:
    from pymatgen.core import Molecule
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    centred = thing.positions - thing.positions.mean(axis=0)
    if np.linalg.matrix_rank(centred, tol=0.05 * len(thing) ** 0.5) < 2:
        raise GeometryError(
            f"{thing.name or 'the structure'}: is an atom or a linear molecule, whose group is "
            "infinite\nsuch labels are not checked"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks about precision, none about this molecule
        analyzer = PointGroupAnalyzer(
            Molecule(thing.numbers.tolist(), thing.positions), tolerance=MOLECULAR_TOLERANCE
        )
        operations = analyzer.get_symmetry_operations()
    matrices = np.array([operation.rotation_matrix for operation in operations])
    left, _, right = np.linalg.svd(matrices)
    return np.asarray(left @ right, dtype=np.float64)


def known_frames(thing: Geometry, *, symprec: float = SYMPREC) -> Iterator[tuple[str, Floats]]:
    """Yield the axes that labels are usually stated in, where they can be had.

    Yields:
        Their name, and the rotation R, shape ``(3, 3)``, from the structure's frame to them: a
        tensor of the structure's frame, rotated by R, is the tensor in those axes.
    """
    ieee = _ieee_rotation(thing, symprec)
    if ieee is not None:
        yield "the IEEE axes of pymatgen", ieee
    standard = np.asarray(symmetry_dataset(thing, symprec=symprec).std_rotation_matrix)
    yield "the standard axes of spglib", standard
    for what, cell in _cells_of_parameters(thing.cell):
        # cell = thing.cell R^T
        rotation = np.asarray(np.linalg.solve(thing.cell, cell).T, dtype=np.float64)
        if np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
            yield what, rotation


def _ieee_rotation(thing: Geometry, symprec: float) -> Floats | None:
    from pymatgen.core import Lattice, Structure
    from pymatgen.core.tensors import Tensor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of spglib as pymatgen calls it
        try:
            structure = Structure(Lattice(thing.cell), thing.numbers.tolist(), thing.fractional)
            rotation = np.array(Tensor.get_ieee_rotation(structure))
        except Exception:  # it fails in many ways where the cell is odd: then it is no candidate
            return None
    return rotation if np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) else None


def _cells_of_parameters(cell: Floats) -> Iterable[tuple[str, Floats]]:
    from ase.geometry import cell_to_cellpar, cellpar_to_cell
    from pymatgen.core import Lattice

    parameters = cell_to_cellpar(cell)
    yield "the axes pymatgen gives a CIF", np.array(Lattice.from_parameters(*parameters).matrix)
    yield "the axes ASE gives a CIF", np.array(cellpar_to_cell(parameters))


def structure_frame(thing: Geometry) -> Frame:
    """Return the frame a structure is stated in: that of its own lattice vectors."""
    return Frame("structure", np.eye(3), thing.cell if thing.cell.any() else None)


def canonical(thing: Geometry, *, symprec: float = SYMPREC) -> tuple[PointGroup, Frame]:
    """Return the point group of a crystal and its canonical frame (rule 21).

    The frame depends neither on the lattice vectors chosen, nor on the cell, the origin, the order
    of the atoms or the axes of the file; a mirror image gets the same even tensors.

    Args:
        thing: a crystal.
        symprec: of spglib, angstrom.

    Raises:
        GeometryError: when it is no crystal, or its symmetry does not fit its lattice.
    """
    small, found = _reduced(thing, symprec)
    operations = _operations(small, found)
    first, second, shifts, _ = small.neighbours(BOND_CUTOFF)
    vectors = small.positions[second] + shifts @ small.cell - small.positions[first]
    bonds = BondVectors(first, second, vectors, small.numbers)
    try:
        group, frame = canonical_frame(operations, small.cell, bonds)
    except PointGroupError as error:
        raise GeometryError(f"{thing.name or 'the structure'}: {error}", thing.name) from None
    return group, replace(frame, lattice=thing.cell @ frame.rotation.T)


def frame_of(thing: Geometry, name: FrameName, *, symprec: float = SYMPREC) -> Frame:
    """Return a frame of a structure by name.

    Args:
        thing: the structure.
        name: ``"structure"``: its own axes; ``"canonical"``: see :func:`canonical`; ``"ieee"``:
            the axes of pymatgen's ``convert_to_ieee``, whose signs depend on how the lattice
            vectors are listed.
        symprec: of spglib, angstrom.

    Raises:
        ValueError: when the name is unknown.
        GeometryError: when the structure has no such frame.
    """
    if name == "structure":
        return structure_frame(thing)
    if name == "canonical":
        return canonical(thing, symprec=symprec)[1]
    if name != "ieee":
        raise ValueError(f"frame {name!r} is not one of {', '.join(map(repr, FRAMES))}")
    rotation = _ieee_rotation(thing, symprec) if all(thing.periodic) else None
    if rotation is None:
        raise GeometryError(
            f"{thing.name or 'the structure'}: pymatgen finds no IEEE axes\n"
            "the canonical frame follows the same standard"
        )
    return structure_frame(thing).turned("ieee", rotation)


def rotated(thing: Geometry, frame: Frame) -> Geometry:
    """Return a structure in the axes of a frame."""
    return replace(
        thing, positions=thing.positions @ frame.rotation.T, cell=thing.cell @ frame.rotation.T
    )


RELAXED = 0.1
"""Positions equivalent within this distance (angstrom) fix the space group: the structures were
relaxed by DFT, and finer tolerances miss symmetry that the stiffness was computed with."""


SYSTEMS = (
    (2, "triclinic"), (15, "monoclinic"), (74, "orthorhombic"), (142, "tetragonal"),
    (167, "trigonal"), (194, "hexagonal"), (230, "cubic"),
)  # fmt: skip

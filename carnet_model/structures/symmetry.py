"""The symmetry of a structure: its space group and point group, its primitive cell, its frames.

>>> from ase.build import bulk
>>> from carnet_model.structures.conversion import geometry
>>> copper = symmetry_of(geometry(bulk("Cu", cubic=True)))
>>> copper.number, copper.system, len(copper.primitive), len(copper.rotations)
(225, 'cubic', 1, 48)
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from natural_tensors import Frame, PointGroup, PointGroupError
from natural_tensors.arrays import Floats
from natural_tensors.crystals.frames import BondVectors, axis_words, canonical_frame

from .geometry import Geometry, geometry_error

FrameName = Literal["structure", "canonical", "ieee"]
FRAMES: tuple[FrameName, ...] = get_args(FrameName)


SYMPREC = 0.01
"""Distance (angstrom) within which spglib takes positions for equivalent."""


RELAXED = 0.1
"""The same (angstrom) for structures relaxed by DFT: finer tolerances miss symmetry that their
properties were computed with."""

MOLECULAR_TOLERANCE = 0.05
"""Distance (angstrom) within which atoms of a molecule are equivalent."""

LARGEST_GROUP = 240
"""Operations of a finite group of a molecule; the icosahedron has 120."""

AVERAGES = 4
"""Times the positions of a molecule are averaged over its group: each squares what is left."""

BOND_CUTOFF = 9.0
"""Bonds up to this length (angstrom) decide a canonical frame; longer ones count below 1e-4."""

SYSTEMS = {
    "triclinic": 2,
    "monoclinic": 15,
    "orthorhombic": 74,
    "tetragonal": 142,
    "trigonal": 167,
    "hexagonal": 194,
    "cubic": 230,
}
"""The crystal systems, each with the number of its last space group."""


@dataclass(frozen=True, eq=False)
class CrystalSymmetry:
    """The symmetry of one crystal; spglib is asked when a part is first needed, and once.

    Attributes:
        structure: the crystal.
        symprec: distance (angstrom) within which positions are equivalent.
    """

    structure: Geometry
    symprec: float = SYMPREC

    @cached_property
    def dataset(self) -> Any:
        """What spglib says of the cell as it is given (its SpglibDataset).

        Raises:
            GeometryError: when it is no crystal, or spglib finds no symmetry.
        """
        dataset = _ask_spglib("get_symmetry_dataset", self.structure, symprec=self.symprec)
        if dataset is None:
            raise geometry_error(
                self.structure.name,
                f"spglib finds no symmetry within {self.symprec} Å",
                "choose a smaller symprec, and check for atoms that overlap",
            )
        return dataset

    @property
    def number(self) -> int:
        """Number of the space group, 1 to 230."""
        return int(self.dataset.number)

    @property
    def system(self) -> str:
        """Crystal system, such as ``"cubic"``."""
        return next(name for name, last in SYSTEMS.items() if self.number <= last)

    @cached_property
    def primitive(self) -> Geometry:
        """The crystal in its primitive cell, in the frame it has."""
        _ = self.dataset  # raises the error that says what is wrong
        given = self.structure
        found = _ask_spglib(
            "standardize_cell", given, to_primitive=True, no_idealize=True, symprec=self.symprec
        )
        if found is None:
            raise geometry_error(
                given.name,
                f"spglib finds no primitive cell within {self.symprec} Å",
                "choose a smaller symprec",
            )
        lattice, fractional, numbers = found
        return Geometry(numbers, fractional % 1.0 @ lattice, lattice, given.periodic, given.name)

    @cached_property
    def of_primitive(self) -> CrystalSymmetry:
        """The symmetry of a primitive cell: this one, if the cell is primitive.

        A supercell may have fewer operations than its crystal.
        """
        if len(np.unique(self.dataset.mapping_to_primitive)) == len(self.structure):
            return self
        return CrystalSymmetry(self.primitive, self.symprec)

    @cached_property
    def rotations(self) -> Floats:
        """The operations of the point group as Cartesian matrices, ``(operations, 3, 3)``."""
        smallest = self.of_primitive
        integers = np.unique(np.asarray(smallest.dataset.rotations), axis=0)
        basis = smallest.structure.cell.T  # columns are lattice vectors
        # the lattice fits its group within symprec only
        return _nearest_orthogonal(basis @ integers @ np.linalg.inv(basis))

    @cached_property
    def canonical(self) -> tuple[PointGroup, Frame]:
        """Point group and canonical frame: see the function :func:`canonical`."""
        small, given = self.of_primitive.structure, self.structure
        first, second, shifts, _ = small.neighbours(BOND_CUTOFF)
        vectors = small.positions[second] + shifts @ small.cell - small.positions[first]
        bonds = BondVectors(first, second, vectors, small.numbers)
        try:
            group, frame = canonical_frame(self.rotations, small.cell, bonds)
        except PointGroupError as error:
            raise geometry_error(given.name, str(error)) from None
        lattice = given.cell @ frame.rotation.T
        return group, replace(frame, lattice=lattice, axes=axis_words(group, lattice))


def symmetry_of(structure: Geometry, *, symprec: float = SYMPREC) -> CrystalSymmetry:
    """Return the symmetry of a crystal; asked again of the same object, the same result.

    The last 64 are kept. Errors are raised by what is asked of it.

    Args:
        structure: a crystal.
        symprec: distance (angstrom) within which positions are equivalent.
    """
    return _kept(structure, symprec)


_kept = lru_cache(maxsize=64)(CrystalSymmetry)


def primitive(structure: Geometry, *, symprec: float = SYMPREC) -> Geometry:
    """Return a crystal in its primitive cell, in the frame it has.

    Raises:
        GeometryError: when it is no crystal, or spglib finds no symmetry.
    """
    return symmetry_of(structure, symprec=symprec).primitive


def _ask_spglib(function: str, structure: Geometry, **options: Any) -> Any:
    import spglib

    if not all(structure.periodic):
        raise geometry_error(
            structure.name,
            f"is no crystal, it repeats along {sum(structure.periodic)} directions",
            "a space group needs three",
        )
    cell = (structure.cell, structure.fractional, structure.numbers)
    with warnings.catch_warnings():
        # spglib announces that it will raise instead of returning None; both are handled here
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return getattr(spglib, function)(cell, **options)
        except Exception as error:  # the class of its error differs between versions
            raise geometry_error(structure.name, f"spglib: {error}") from None


def _nearest_orthogonal(matrices: Floats) -> Floats:
    left, _, right = np.linalg.svd(matrices)
    return np.asarray(left @ right, dtype=np.float64)


def point_group_rotations(structure: Geometry, *, symprec: float = SYMPREC) -> Floats:
    """Return the operations of the point group as Cartesian matrices, in the structure's frame.

    Args:
        structure: a crystal, or a molecule (through pymatgen).
        symprec: distance (angstrom) within which positions in a crystal are equivalent; that of
            a molecule is `MOLECULAR_TOLERANCE`.

    Returns:
        Orthogonal matrices, improper ones included, shape ``(operations, 3, 3)``.

    Raises:
        GeometryError: for a slab or wire, a linear molecule or an atom (an infinite group), or
            when no symmetry is found.
    """
    if not any(structure.periodic):
        return _molecular_rotations(structure)
    return symmetry_of(structure, symprec=symprec).rotations.copy()


def _molecular_rotations(molecule: Geometry) -> Floats:
    from pymatgen.core import Molecule
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    centred = molecule.positions - molecule.positions.mean(axis=0)
    if np.linalg.matrix_rank(centred, tol=0.05 * len(molecule) ** 0.5) < 2:
        raise geometry_error(
            molecule.name,
            "is an atom or a linear molecule, whose group is infinite",
            "such labels are not checked",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about precision, none about this molecule
        analyzer = PointGroupAnalyzer(
            Molecule(molecule.numbers.tolist(), molecule.positions), tolerance=MOLECULAR_TOLERANCE
        )
    rough = _nearest_orthogonal(np.array([each.rotation_matrix for each in analyzer.symmops]))
    return _group_of_permutations(molecule, centred, rough)


def _group_of_permutations(molecule: Geometry, centred: Floats, rough: Floats) -> Floats:
    """Return the group that operations within a tolerance generate, exact to rounding.

    Of atoms that are a little out of place the operations are too, and their products are others
    without end. Which atom goes where, and whether hands change, tells them apart; the matrices are
    those of the positions averaged over the group.

    Raises:
        GeometryError: when they generate no group that leaves the molecule as it is.
    """
    strange = molecule.numbers[:, None] != molecule.numbers
    generators: dict[tuple[int, ...], None] = {}
    for rotation in rough:
        gaps = np.linalg.norm((centred @ rotation.T)[:, None] - centred, axis=-1)
        order = np.where(strange, np.inf, gaps).argmin(axis=1)
        generators[(1 if np.linalg.det(rotation) > 0 else -1, *map(int, order))] = None
    members: dict[tuple[int, ...], None] = {}
    fresh = generators
    while fresh and len(members) <= LARGEST_GROUP:
        members |= fresh
        products = (
            (first[0] * second[0], *(first[1 + atom] for atom in second[1:]))
            for first in generators
            for second in fresh
        )
        fresh = dict.fromkeys(each for each in products if each not in members)
    found = np.array(list(members))
    hands, orders = found[:, 0], found[:, 1:]
    positions = centred
    for _ in range(AVERAGES):
        matrices = _best_rotations(positions, positions[orders], hands)
        positions = np.mean(positions[orders] @ matrices, axis=0)
    moved = float(np.linalg.norm(positions - centred, axis=1).max())
    if fresh or moved > MOLECULAR_TOLERANCE:
        raise geometry_error(
            molecule.name,
            f"is symmetric within {MOLECULAR_TOLERANCE} Å by operations that make no group",
            "relax it further, or make it symmetric",
        )
    return _best_rotations(positions, positions[orders], hands)


def _best_rotations(positions: Floats, moved: Floats, hands: NDArray[np.int64]) -> Floats:
    """Return the matrices of such determinants that bring positions nearest to others each."""
    left, _, right = np.linalg.svd(np.swapaxes(moved, 1, 2) @ positions)
    left[:, :, -1] *= (hands * np.sign(np.linalg.det(left @ right)))[:, None]
    return np.asarray(left @ right, dtype=np.float64)


def known_frames(structure: Geometry, *, symprec: float = SYMPREC) -> Iterator[tuple[str, Floats]]:
    """Yield the axes that labels are usually stated in, where they can be had.

    Yields:
        Their name, and the rotation R, shape ``(3, 3)``, from the structure's frame to them: a
        tensor of the structure's frame, rotated by R, is the tensor in those axes.
    """
    ieee = _ieee_rotation(structure)
    if ieee is not None:
        yield "the IEEE axes of pymatgen", ieee
    dataset = symmetry_of(structure, symprec=symprec).dataset
    yield "the standard axes of spglib", np.asarray(dataset.std_rotation_matrix)
    for axes, cell in _cells_of_parameters(structure.cell):
        # cell = structure.cell R^T
        rotation = np.asarray(np.linalg.solve(structure.cell, cell).T, dtype=np.float64)
        if np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
            yield axes, rotation


def _ieee_rotation(crystal: Geometry) -> Floats | None:
    from pymatgen.core import Lattice, Structure
    from pymatgen.core.tensors import Tensor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of spglib as pymatgen calls it
        try:
            structure = Structure(
                Lattice(crystal.cell), crystal.numbers.tolist(), crystal.fractional
            )
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


def structure_frame(structure: Geometry) -> Frame:
    """Return the frame a structure is stated in: that of its own lattice vectors."""
    return Frame("structure", np.eye(3), structure.cell if structure.cell.any() else None)


def canonical(structure: Geometry, *, symprec: float = SYMPREC) -> tuple[PointGroup, Frame]:
    """Return the point group of a crystal and its canonical frame (rule 21).

    The frame depends neither on the lattice vectors chosen, nor on the cell, the origin, the order
    of the atoms or the axes of the file; a mirror image gets the same even tensors.

    Args:
        structure: a crystal.
        symprec: of spglib, angstrom.

    Raises:
        GeometryError: when it is no crystal, or its symmetry does not fit its lattice.
    """
    return symmetry_of(structure, symprec=symprec).canonical


def frame_of(structure: Geometry, name: FrameName, *, symprec: float = SYMPREC) -> Frame:
    """Return a frame of a structure by name.

    Args:
        structure: the structure.
        name: ``"structure"``: its own axes; ``"canonical"``: see :func:`canonical`; ``"ieee"``:
            the axes of pymatgen's ``convert_to_ieee``, whose signs depend on how the lattice
            vectors are listed.
        symprec: of spglib, angstrom.

    Raises:
        ValueError: when the name is unknown.
        GeometryError: when the structure has no such frame.
    """
    if name == "structure":
        return structure_frame(structure)
    if name == "canonical":
        return canonical(structure, symprec=symprec)[1]
    if name != "ieee":
        raise ValueError(f"frame {name!r} is not one of {', '.join(map(repr, FRAMES))}")
    rotation = _ieee_rotation(structure) if all(structure.periodic) else None
    if rotation is None:
        raise geometry_error(
            structure.name,
            "pymatgen finds no IEEE axes",
            "the canonical frame follows the same standard",
        )
    return structure_frame(structure).turned("ieee", rotation)


def rotated(structure: Geometry, frame: Frame) -> Geometry:
    """Return a structure in the axes of a frame."""
    turn = frame.rotation.T
    return replace(structure, positions=structure.positions @ turn, cell=structure.cell @ turn)

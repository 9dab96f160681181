"""Phonons under any calculator of ASE: displacements, forces, and what phonopy makes of them.

A mode is imaginary where the potential falls along it. Frequencies at wave vectors that fit the
supercell are those of its forces; between them they are interpolated, and acoustic branches of a
supercell that is too small may dip below zero there. So an instability is told from that noise by
where it is: see `Phonons.verdict`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from ase import Atoms, units
from phonopy import Phonopy
from phonopy.file_IO import parse_BORN
from phonopy.harmonic.dynmat_to_fc import get_commensurate_points
from phonopy.structure.atoms import PhonopyAtoms
from phonopy.structure.cells import get_primitive, guess_primitive_matrix

from natural_tensors.arrays import Floats, to_lists
from natural_tensors.errors import InputError, translated

from ..structures.geometry import Geometry

LENGTH = 12.0
"""Å: as far apart are opposite faces of a supercell, at least."""

DISTANCE = 0.01
"""Å: length of the displacements, as in phonopy."""

MESH = 60.0
"""Å: of a mesh of wave vectors there are about so many over the length of a lattice vector."""

IMAGINARY = 0.1
"""THz: frequencies are imaginary from here on. Forces in single precision leave some hundredths."""

COULOMB = units.Hartree * units.Bohr
"""e^2 / 4πε0, eV Å: what phonopy multiplies charges by, unless their file says."""

STILL = 1e-3
"""THz: a lower frequency is none, and has no part in thermal properties."""

SEGMENT = 0.005
"""1/Å: two wave vectors of a band structure are no farther apart."""

SAME = 1e-5
"""Fractions of reciprocal lattice vectors up to which two wave vectors are one."""

MOLE = 96.48533212
"""kJ/mol in an electronvolt."""

KELVIN = 47.99243073
"""h/k: kelvin in a terahertz."""

Verdict: TypeAlias = Literal["stable", "interpolated", "unstable"]

Supercell: TypeAlias = tuple[int, int, int]


class PhononError(InputError, ValueError):
    """A structure without phonons, or settings that make no sense."""


@dataclass(frozen=True, eq=False)
class Point:
    """Frequencies at a wave vector.

    Attributes:
        label: of a special point, ``"Γ"``, ``"X"``; empty elsewhere.
        q: in the reciprocal lattice vectors of the primitive cell, shape ``(3,)``.
        frequencies: THz, rising, imaginary ones negative, shape ``(modes,)``; at Γ without the
            three translations in `softest`, and with them here.
        exact: whether a wave of this vector fits the supercell.
        softest: the lowest frequency, THz.
    """

    label: str
    q: Floats
    frequencies: Floats
    exact: bool
    softest: float

    @property
    def place(self) -> str:
        """Label and wave vector, as in ``"X (1/2 0 1/2)"``."""
        vector = f"({' '.join(map(_fraction, self.q.tolist()))})"
        return f"{self.label} {vector}" if self.label else vector

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {
            "label": self.label or None,
            "q": to_lists(self.q),
            "frequencies": to_lists(self.frequencies),
            "exact": self.exact,
        }


@dataclass(frozen=True, eq=False)
class Thermal:
    """What harmonic lattice vibrations make of a crystal, for each atom, at constant volume.

    Attributes:
        temperature: K.
        zero_point: energy at 0 K, eV.
        free_energy: eV, the zero-point energy included.
        entropy: J/(mol K).
        heat_capacity: J/(mol K).
        debye: Debye temperature of the second moment of the frequencies, K: that of the heat
            capacity at high temperature (G. Grimvall, Thermophysical Properties of Materials, 1999,
            ch. 6).
    """

    temperature: float
    zero_point: float
    free_energy: float
    entropy: float
    heat_capacity: float
    debye: float


@dataclass(frozen=True, eq=False)
class Bands:
    """Frequencies along a path of special points.

    Attributes:
        distances: 1/Å from the start, shape ``(points,)`` for each piece of the path.
        frequencies: THz, shape ``(points, modes)`` for each piece.
        labels: of the two ends of each piece.
    """

    distances: tuple[Floats, ...]
    frequencies: tuple[Floats, ...]
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Phonons:
    """Phonons of a crystal under a potential.

    Attributes:
        structure: the crystal, at rest; its primitive cell where the supercell was chosen here.
        engine: phonopy's own object, which goes on from here.
        supercell: multiples of the lattice vectors of the structure.
        displacements: supercells whose forces were computed.
        points: the special points of the lattice (ASE's, after Setyawan and Curtarolo 2010).
        exact: the softest point among those that fit the supercell.
        between: the softest point of all that were looked at.
        bands: frequencies along the path of special points.
        density: THz, and states a THz and primitive cell, shape ``(2, frequencies)``.
        thermal: None for a crystal that is unstable.
        charges: whether Born charges split the polar modes near Γ.
        threshold: THz below zero from which a frequency counts as imaginary.
    """

    structure: Geometry
    engine: Any
    supercell: Supercell
    displacements: int
    points: tuple[Point, ...]
    exact: Point
    between: Point
    bands: Bands
    density: Floats
    thermal: Thermal | None
    charges: bool
    threshold: float

    @cached_property
    def verdict(self) -> Verdict:
        """Say what imaginary frequencies mean.

        ``"unstable"``: one is at a wave vector that fits the supercell, where it is what the forces
        say: the crystal gains energy by that displacement. ``"interpolated"``: only between such
        wave vectors, where a larger supercell may raise it. ``"stable"``: there is none.
        """
        if self.exact.softest < -self.threshold:
            return "unstable"
        return "interpolated" if self.between.softest < -self.threshold else "stable"

    def verdict_lines(self) -> list[str]:
        """Return the verdict as text."""
        if self.verdict == "unstable":
            return [
                f"unstable: {-self.exact.softest:.2f}i THz at {self.exact.place}, a wave that fits "
                "the supercell: the crystal gains energy by this displacement"
            ]
        if self.verdict == "interpolated":
            return [
                "imaginary only between waves that fit the supercell: "
                f"{-self.between.softest:.2f}i THz at {self.between.place}",
                "a larger supercell says whether that is interpolation; near Γ, carnet elastic",
            ]
        lowest = self.exact.softest
        where = (
            f": of the waves that fit the supercell the lowest has {lowest:.2f} THz, at "
            f"{self.exact.place}"
        )
        return [f"no imaginary modes{where if np.isfinite(lowest) else ''}"]

    @property
    def polar(self) -> bool:
        """Whether polar modes at Γ may miss their longitudinal part: several elements, no charges.

        Only an insulator has it; a potential does not know which crystals insulate.
        """
        return not self.charges and len(set(self.structure.numbers.tolist())) > 1

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds; frequencies in THz, imaginary ones negative."""
        worst = {"unstable": self.exact, "interpolated": self.between}.get(self.verdict)
        return {
            "name": self.structure.name or self.structure.formula,
            "formula": self.structure.formula,
            "verdict": self.verdict,
            "imaginary": None if worst is None else worst.to_dict(),
            "lowest": self.exact.softest if np.isfinite(self.exact.softest) else None,
            "threshold": self.threshold,
            "points": [each.to_dict() for each in self.points],
            "primitive": to_lists(np.asarray(self.engine.primitive.cell)),
            "supercell": list(self.supercell),
            "displacements": self.displacements,
            "born_charges": self.charges,
            "thermal": None if self.thermal is None else vars(self.thermal),
            "density_of_states": to_lists(self.density),
            "lattice": to_lists(self.structure.cell),
            "positions": to_lists(self.structure.positions),
            "numbers": self.structure.numbers.tolist(),
        }


def phonons(
    calculator: Any,
    structure: Geometry,
    *,
    supercell: Supercell | None = None,
    length: float = LENGTH,
    distance: float = DISTANCE,
    mesh: float | Supercell = MESH,
    temperature: float = 300.0,
    threshold: float = IMAGINARY,
    born: str | Path | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Phonons:
    """Return the phonons of a crystal that is at rest under a potential.

    Force constants get the symmetry of the crystal, of permutations and of translations; forces
    that are left in the crystal are taken off those of displaced atoms.

    Args:
        calculator: any calculator of ASE with forces.
        structure: a crystal at rest.
        supercell: multiples of its lattice vectors; when left out, of those of its primitive cell,
            chosen by `length`.
        length: least distance between opposite faces of the supercell, Å.
        distance: length of the displacements, Å.
        mesh: of wave vectors, for the density of states: numbers, or a length (`MESH`).
        temperature: of `Thermal`, K.
        threshold: THz below zero from which a frequency counts as imaginary.
        born: a file ``BORN`` of phonopy, with Born effective charges and the dielectric tensor of
            the primitive cell.
        tell: is called before each supercell with its number and how many there are.

    Raises:
        PhononError: when it is no crystal, a setting makes no sense, or charges cannot be read.
    """
    name = structure.name or structure.formula
    if structure.volume is None:
        raise PhononError(
            f"{name}: repeats along {sum(structure.periodic)} directions; phonons here need three"
        )
    _check(length=length, distance=distance, temperature=temperature, threshold=threshold)
    if supercell is None:  # fewer atoms reach as far
        structure = primitive_of(structure)
    chosen = supercell_of(structure, length) if supercell is None else supercell
    if min(chosen) < 1:
        raise PhononError(f"supercell is {chosen}; allowed: three whole numbers from 1 on")
    engine = _displaced(structure, chosen, distance)
    displaced = engine.supercells_with_displacements
    forces = []
    for number, each in enumerate([engine.supercell, *displaced]):
        if tell is not None:
            tell(number, len(displaced) + 1)
        forces.append(np.asarray(calculator.get_property("forces", _atoms(each)), dtype=np.float64))
    engine.forces = np.array(forces[1:]) - forces[0]
    engine.produce_force_constants(calculate_full_force_constants=False)
    engine.symmetrize_force_constants(show_drift=False)
    if born is not None:
        with translated(lambda reason: PhononError(f"{born}: no charges of {name}: {reason}")):
            charges = parse_BORN(engine.primitive, filename=str(born))
            charges.setdefault("factor", COULOMB)
            engine.nac_params = charges
    return _analysed(engine, structure, chosen, mesh, temperature, threshold)


def primitive_of(structure: Geometry) -> Geometry:
    """Return the primitive cell of a crystal, as phonopy chooses it, in the same axes."""
    cell = _cell(structure)
    primitive = get_primitive(cell, guess_primitive_matrix(cell))
    return Geometry(
        primitive.numbers, primitive.positions, primitive.cell, (True,) * 3, structure.name
    )


def supercell_of(structure: Geometry, length: float = LENGTH) -> Supercell:
    """Return the fewest multiples of the lattice vectors whose faces are so far apart.

    More than one are even, so that the waves at the boundary of the zone fit, where crystals are
    often unstable.

    Args:
        structure: a crystal.
        length: Å.
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.cell), axis=0)
    fewest = np.ceil(length / heights - 1e-6).astype(int).clip(1)
    first, second, third = np.where(fewest > 1, fewest + fewest % 2, 1).tolist()
    return first, second, third


def _check(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0 < number < np.inf:
            raise PhononError(f"{name} is {number:g}; allowed: more than 0")


def _displaced(structure: Geometry, supercell: Supercell, distance: float) -> Any:
    """Return phonopy's object of a crystal, with its displacements."""
    cell = _cell(structure)
    primitive = guess_primitive_matrix(cell)  # "auto" would warn of itself
    with warnings.catch_warnings():  # of supercells less symmetric than the crystal, as any may be
        warnings.filterwarnings("ignore", message=".*Point group symmetries of supercell")
        engine = Phonopy(cell, supercell_matrix=np.diag(supercell), primitive_matrix=primitive)
    engine.generate_displacements(distance=distance)
    return engine


def _cell(structure: Geometry) -> PhonopyAtoms:
    sign = 1.0 if np.linalg.det(structure.cell) > 0 else -1.0  # a left-handed cell, as -a -b -c
    return PhonopyAtoms(
        numbers=structure.numbers, positions=structure.positions, cell=sign * structure.cell
    )


def _atoms(cell: Any) -> Atoms:
    return Atoms(
        numbers=cell.numbers, scaled_positions=cell.scaled_positions, cell=cell.cell, pbc=True
    )


def _analysed(
    engine: Any,
    structure: Geometry,
    supercell: Supercell,
    mesh: float | Supercell,
    temperature: float,
    threshold: float,
) -> Phonons:
    """Return the phonons of force constants."""
    primitive = np.asarray(engine.primitive.cell)
    multiples = np.rint(engine.supercell.cell @ np.linalg.inv(primitive)).astype(int)
    path = Atoms(cell=primitive, pbc=True).cell.bandpath()
    names = dict.fromkeys(_names(path.path.replace(",", "")))
    special = {name.replace("G", "Γ"): path.special_points[name] for name in names}
    look = _Look(engine, multiples, special, engine.primitive_symmetry.reciprocal_operations)
    points = look.at(list(special.values()))
    bands, along = _bands(engine, path.path, path.special_points)
    engine.run_mesh(mesh, is_gamma_center=True)  # others may break the symmetry of the lattice
    sampled = engine.mesh
    engine.run_total_dos(use_tetrahedron_method=True)
    density = np.array([engine.total_dos.frequency_points, engine.total_dos.dos])
    softest = [sampled.qpoints[int(np.argmin(sampled.frequencies.min(axis=1)))], along]
    # phonopy has the lattice vectors as columns
    fitting = look.at(list(get_commensurate_points(multiples.T)))
    exact = min(fitting, key=lambda each: each.softest)
    between = min([*look.at(softest), *points, exact], key=lambda each: each.softest)
    thermal = None if exact.softest < -threshold else _thermal(engine, temperature)
    return Phonons(
        structure=structure,
        engine=engine,
        supercell=supercell,
        displacements=len(engine.displacements),
        points=tuple(points),
        exact=exact,
        between=between,
        bands=bands,
        density=density,
        thermal=thermal,
        charges=engine.nac_params is not None,
        threshold=threshold,
    )


@dataclass(frozen=True, eq=False)
class _Look:
    """Frequencies at wave vectors."""

    engine: Any
    multiples: Any
    special: Any
    rotations: Any

    def at(self, vectors: Sequence[Floats]) -> list[Point]:
        """Return the points of wave vectors."""
        run = self.engine.run_qpoints(np.array(vectors), with_eigenvectors=True)
        return [
            self._point(np.asarray(q), frequencies, modes)
            for q, frequencies, modes in zip(
                vectors, run.frequencies, run.eigenvectors, strict=True
            )
        ]

    def _point(self, q: Floats, frequencies: Floats, modes: Any) -> Point:
        held = frequencies
        if _alike(q, np.zeros(3)):  # translations, which cost nothing, are no instability
            masses = np.sqrt(self.engine.primitive.masses)
            still = np.kron(masses / np.linalg.norm(masses), np.eye(3))
            held = frequencies[np.argsort(np.linalg.norm(still @ modes, axis=0))[:-3]]
        images = np.concatenate([self.rotations @ q, -self.rotations @ q])  # the same waves
        named = [
            name
            for same in (q[None], images)  # K and U of one lattice are the same waves
            for name, place in self.special.items()
            if any(_alike(image, place) for image in same)
        ]
        fits = self.multiples @ q
        return Point(
            label=named[0] if named else "",
            q=q,
            frequencies=np.asarray(frequencies, dtype=np.float64),
            exact=bool(np.abs(fits - np.rint(fits)).max() < SAME),
            softest=float(held.min(initial=np.inf)),
        )


def _alike(one: Floats, other: Floats) -> bool:
    gap = one - other
    return bool(np.abs(gap - np.rint(gap)).max() < SAME)


def _bands(engine: Any, path: str, special: Any) -> tuple[Bands, Floats]:
    """Return the frequencies along a path, and the wave vector of the lowest."""
    reciprocal = np.linalg.inv(np.asarray(engine.primitive.cell)).T
    pieces, labels, connected = [], [], []
    for stretch in path.split(","):
        names = _names(stretch)
        for one, other in pairwise(names):
            span = float(np.linalg.norm((special[other] - special[one]) @ reciprocal))
            count = max(int(np.ceil(span / SEGMENT)), 2) + 1
            pieces.append(np.linspace(special[one], special[other], count))
            labels.append((one.replace("G", "Γ"), other.replace("G", "Γ")))
            connected.append(other != names[-1])
    flat = [
        name
        for number, pair in enumerate(labels)
        for name in (pair if not number or not connected[number - 1] else pair[1:])
    ]
    engine.run_band_structure(pieces, path_connections=connected, labels=flat)
    run = engine.band_structure
    lowest = [float(values.min()) for values in run.frequencies]
    piece = int(np.argmin(lowest))
    row = int(np.argmin(run.frequencies[piece].min(axis=1)))
    bands = Bands(tuple(run.distances), tuple(run.frequencies), tuple(labels))
    return bands, np.asarray(pieces[piece][row])


def _names(stretch: str) -> list[str]:
    """Return the labels of a path: a letter, then digits."""
    names: list[str] = []
    for letter in stretch:
        if letter.isdigit():
            names[-1] += letter
        else:
            names.append(letter)
    return names


def _thermal(engine: Any, temperature: float) -> Thermal:
    """Return thermal properties from the frequencies on a mesh; imaginary ones are left out."""
    # translations have no frequency but rounding, and would add to the entropy
    engine.run_thermal_properties(temperatures=[0.0, temperature], cutoff_frequency=STILL)
    known, atoms, sampled = engine.thermal_properties, len(engine.primitive), engine.mesh
    squares = np.clip(sampled.frequencies, 0, None) ** 2
    mean = float(np.average(squares.mean(axis=1), weights=sampled.weights))
    return Thermal(
        temperature=temperature,
        zero_point=float(known.free_energy[0]) / MOLE / atoms,
        free_energy=float(known.free_energy[1]) / MOLE / atoms,
        entropy=float(known.entropy[1]) / atoms,
        heat_capacity=float(known.heat_capacity[1]) / atoms,
        debye=KELVIN * float(np.sqrt(5 / 3 * mean)),
    )


def _fraction(number: float) -> str:
    """Return a component of a wave vector: a fraction where it is a simple one."""
    for below in (1, 2, 3, 4, 5, 6, 8):
        above = round(number * below)
        if abs(number * below - above) < SAME:
            return str(above) if below == 1 else f"{above}/{below}"
    return f"{number:.3f}"

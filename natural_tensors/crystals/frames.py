"""Cartesian frames of crystals: what a tensor's x, y, z are, and a frame that nothing can change.

The canonical frame (rule 21) is the frame of IEEE Std 176-1987 with the choices it leaves open
decided by the crystal itself. Axes of the point group and shortest lattice vectors fix it up to
the turns that keep the group in its standard setting but are no symmetry of the crystal, such as
the half turn about the threefold axis of quartz, which gives C14 its other sign. Among those the
frame with the larger *score* is taken: a fixed function without symmetry, summed over the bonds of
the crystal as the frame sees them. An even function is asked first, which cannot tell a crystal
from its mirror image or inverse, so that enantiomorphs get the same even tensors; where it cannot
decide, an odd one tells the two ends of a polar axis apart.

Nothing here depends on how the lattice is described, on the cell, or on the axes of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import arrays
from ..arrays import Floats
from ..exact import floats
from ..so3.blocks import block_size
from ..so3.harmonics import harmonic
from ..so3.rotations import rotation
from .point_groups import CRYSTALLOGRAPHIC, PointGroup, PointGroupError, point_group

LENGTH_TOLERANCE = 2e-3
"""Relative difference below which two lattice vectors count as equally long."""


ANGLE_TOLERANCE = 0.03
"""Largest entry by which a rotated operation may miss one of the standard group: some 2 degrees."""


LATTICE_TOLERANCE = 0.1
"""Fraction of a lattice vector by which the image of another may miss the lattice."""


TIE = 1e-6
"""Difference of two scores, relative to the sum of magnitudes, that is a difference."""


BOND_RANGE = 3.0
"""Å: a bond of length r weighs exp(-(r / BOND_RANGE)²) in the score."""


CHARGE_POWER = 0.7
"""Atomic numbers count by this power: of themselves, integers cancel by chance (Li + Mg = P)."""


EVEN, ODD = (2, 4, 6), (1, 3, 5)
"""Weights of the two scores; together they see every operation that is no symmetry of a crystal."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The Cartesian axes that the components of a tensor refer to.

    Attributes:
        name: ``"structure"`` (the axes of the lattice vectors as they were given), ``"canonical"``,
            ``"ieee"`` (as pymatgen chooses it) or ``"given"`` (what a file states, unknown here).
        rotation: takes vectors from the axes of the structure to these, x' = R x, shape ``(3, 3)``.
        lattice: rows are the lattice vectors in these axes, angstrom, shape ``(3, 3)``; None where
            unknown.
        axes: what x, y and z are along, in words; empty where there is nothing to say.
        decided: whether the crystal itself decides the frame; False when its score cannot tell two
            frames apart in which tensors may differ.
    """

    name: str
    rotation: Floats
    lattice: Floats | None = None
    axes: tuple[str, str, str] = ("", "", "")
    decided: bool = True

    def __post_init__(self) -> None:
        arrays.check_orthogonal(np.asarray(self.rotation, dtype=np.float64))

    def turned(self, name: str, turn: Floats) -> Frame:
        """Return the frame that a further rotation leads to, under another name."""
        lattice = None if self.lattice is None else self.lattice @ turn.T
        return replace(
            self, name=name, rotation=turn @ self.rotation, lattice=lattice, axes=("", "", "")
        )

    def __str__(self) -> str:
        words = [f"{axis}: {what}" for axis, what in zip("xyz", self.axes, strict=True) if what]
        return f"{self.name} axes" + (f" ({', '.join(words)})" if words else "")


@dataclass(frozen=True, eq=False)
class BondVectors:
    """Vectors between the atoms of a cell and their neighbours, each pair in both orders.

    Attributes:
        first: atom of the cell that a vector starts from, shape ``(bonds,)``.
        second: atom of the cell whose image it leads to, shape ``(bonds,)``.
        vectors: angstrom, in the axes of the lattice, shape ``(bonds, 3)``.
        numbers: atomic number of each atom of the cell, shape ``(atoms,)``.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    vectors: Floats
    numbers: NDArray[np.int64]


def _kinds(matrices: Floats) -> Counter[tuple[int, int]]:
    """Count operations by determinant and trace, which no axes change."""
    traces = np.rint(np.trace(matrices, axis1=-2, axis2=-1)).astype(int)
    signs = np.rint(np.linalg.det(matrices)).astype(int)
    return Counter(zip(signs.tolist(), traces.tolist(), strict=True))


@cache
def _by_kinds() -> Mapping[frozenset[tuple[tuple[int, int], int]], str]:
    """Return the name of each of the 32 groups by the kinds of its operations."""
    return {
        frozenset(
            Counter((op.determinant, op.trace) for op in point_group(name).operations).items()
        ): name
        for name in CRYSTALLOGRAPHIC
    }


def identify(operations: ArrayLike) -> PointGroup:
    """Return which of the 32 point groups a list of operations is.

    Args:
        operations: every operation once, orthogonal matrices in any axes, ``(order, 3, 3)``.

    Raises:
        PointGroupError: when it is none of them.
    """
    given = np.asarray(operations, dtype=np.float64)
    kinds = _kinds(given)
    name = _by_kinds().get(frozenset(kinds.items()))
    if name is None:
        raise PointGroupError(
            f"{len(given)} operations with (determinant, trace) {dict(kinds)} are none of the "
            "32 point groups; give every operation of the group once"
        )
    return point_group(name)


def matrices(group: PointGroup) -> Floats:
    """Return the operations of a group in its standard axes, shape ``(order, 3, 3)``."""
    return np.array(
        [[[floats.surd_to_float(e) for e in row] for row in op.matrix] for op in group.operations]
    )


def _short_vectors(lattice: Floats) -> Floats:
    """Return lattice vectors, shortest first, among them the shortest along every symmetry axis."""
    reduced = np.array(lattice, dtype=np.float64)
    while True:  # pairwise reduction: coefficients of short vectors are small afterwards
        reduced = reduced[np.argsort(np.linalg.norm(reduced, axis=1), kind="stable")]
        steps = [
            (i, j, np.rint(reduced[i] @ reduced[j] / (reduced[j] @ reduced[j])))
            for i in range(3)
            for j in range(i)
        ]
        shorter = [
            (i, reduced[i] - n * reduced[j])
            for i, j, n in steps
            if np.linalg.norm(reduced[i] - n * reduced[j]) < np.linalg.norm(reduced[i]) * (1 - 1e-9)
        ]
        if not shorter:
            break
        reduced[shorter[0][0]] = shorter[0][1]
    coefficients = np.array([c for c in product(range(-4, 5), repeat=3) if any(c)])
    vectors = coefficients @ reduced
    return vectors[np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")]


def _along(vectors: Floats, direction: Floats) -> float:
    """Return the length of the shortest lattice vector along a direction, infinite if none is."""
    lengths = np.linalg.norm(vectors, axis=1)
    misses = np.linalg.norm(np.cross(vectors, direction), axis=1)
    hits = np.flatnonzero(misses < ANGLE_TOLERANCE * lengths)
    return float(lengths[hits[0]]) if hits.size else float("inf")


def _axes(operations: Floats) -> Floats:
    """Return unit vectors along the axes of the proper parts of operations, both senses."""
    axes: list[Floats] = []
    for matrix in operations:
        proper = matrix * np.sign(np.linalg.det(matrix))
        if np.trace(proper) > 2.5:  # the identity has no axis
            continue
        # the projector on the axis is the mean over the cyclic group it generates
        powers = [np.linalg.matrix_power(proper, n) for n in range(12)]
        axis = np.linalg.eigh(np.mean(powers, axis=0))[1][:, 2]
        for sense in (axis, -axis):
            if not any(np.abs(sense - old).max() < ANGLE_TOLERANCE for old in axes):
                axes.append(sense)
    return np.array(axes).reshape(-1, 3)


def _shortest(vectors: Floats) -> Floats:
    """Return unit vectors along all lattice vectors as short as the first."""
    lengths = np.linalg.norm(vectors, axis=1)
    kept = lengths <= lengths[0] * (1 + LENGTH_TOLERANCE)
    return np.asarray(vectors[kept] / lengths[kept, None], dtype=np.float64)


def _upright(vectors: Floats, axis: Floats, perpendicular: bool) -> Floats:
    """Return the vectors perpendicular to an axis, or those that are not along it."""
    lengths = np.linalg.norm(vectors, axis=1)
    if perpendicular:
        kept = np.abs(vectors @ axis) < ANGLE_TOLERANCE * lengths
    else:
        kept = np.linalg.norm(np.cross(vectors, axis), axis=1) > ANGLE_TOLERANCE * lengths
    return np.asarray(vectors[kept], dtype=np.float64)


def _pairs(group: PointGroup, axes: Floats, vectors: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield directions of z and x that may do, not yet exactly perpendicular."""
    if group.system == "triclinic":
        for z in _shortest(vectors):
            for a in _shortest(_upright(vectors, z, perpendicular=False)):
                yield z, a
    elif group.system == "monoclinic":
        for y in axes:
            for z in _shortest(_upright(vectors, y, perpendicular=True)):
                yield z, np.cross(y, z)
    elif len(axes) == 2:  # a single axis: the lattice says where x is
        for z in axes:
            for x in _shortest(_upright(vectors, z, perpendicular=True)):
                yield z, x
    else:
        for z, x in product(axes, axes):
            if abs(z @ x) < ANGLE_TOLERANCE:
                yield z, x


def _rows(z: Floats, x: Floats) -> Floats:
    """Return the rotation whose rows are the new axes, z exactly as given."""
    third = z / np.linalg.norm(z)
    first = x - (x @ third) * third
    first = first / np.linalg.norm(first)
    return np.array([first, np.cross(third, first), third])


def _same_set(rotated: Floats, standard: Floats) -> bool:
    gaps = np.abs(rotated[:, None] - standard[None]).max(axis=(-2, -1))
    return bool((gaps.min(axis=1) < ANGLE_TOLERANCE).all())


def standard_frames(operations: ArrayLike, lattice: ArrayLike) -> tuple[PointGroup, Floats]:
    """Return every frame in which a group has its standard setting and the lattice its order.

    Along z, then along x, the lattice has the shortest vectors that the setting allows:
    c < a < b in an orthorhombic crystal (a < b in mm2, whose z is the twofold axis); monoclinic y
    along the axis and z along the shortest vector across it; triclinic z along the shortest vector
    and the next in the xz plane.

    Args:
        operations: the point group in the axes of the structure, shape ``(order, 3, 3)``.
        lattice: rows are lattice vectors, angstrom.

    Returns:
        The group, and proper rotations R, x' = R x, shape ``(frames, 3, 3)``.
    """
    given = np.asarray(operations, dtype=np.float64)
    group = identify(given)
    standard = matrices(group)
    cell = np.asarray(lattice, dtype=np.float64)
    # in multiples of the lattice vectors every operation is a matrix of integers
    multiples = cell @ given.swapaxes(1, 2) @ np.linalg.inv(cell)
    miss = float(np.abs(multiples - np.rint(multiples)).max())
    if miss > LATTICE_TOLERANCE:
        raise PointGroupError(
            f"the operations of {group} do not fit the lattice: one takes a lattice vector "
            f"{miss:.2f} of another away from the nearest; give both in the same Cartesian axes, "
            "and a primitive cell"
        )
    vectors = _short_vectors(cell)
    kept: list[tuple[tuple[float, float], Floats]] = []
    for z, x in _pairs(group, _axes(given), vectors):
        rows = _rows(z, x)
        if _same_set(rows @ given @ rows.T, standard):
            kept.append(((_along(vectors, rows[2]), _along(vectors, rows[0])), rows))
    if not kept:
        raise PointGroupError(
            f"no axes bring the operations into the standard setting of {group}: their axes are "
            "not at the angles of the group; make them orthogonal first"
        )
    for place in (0, 1):
        least = min(lengths[place] for lengths, _ in kept) * (1 + LENGTH_TOLERANCE)
        kept = [entry for entry in kept if entry[0][place] <= least]
    return group, np.array([rows for _, rows in kept])


def _moments(bonds: BondVectors, weights: tuple[int, ...], odd: bool) -> list[Floats]:
    """Return sums of harmonics over the bonds, packed, one of each weight.

    With q = Z^0.7, even: each bond counts q_i q_j. Odd: q_i (q_i + s_i) q_j with the near
    surroundings s_i of the first atom, so that the two directions of a bond do not cancel. (Those
    as far as the bonds reach, with the atom itself, are nearly the same for all atoms.)
    """
    lengths = np.linalg.norm(bonds.vectors, axis=1)
    decay = np.exp(-((lengths / BOND_RANGE) ** 2))
    charges = bonds.numbers**CHARGE_POWER
    share = decay * charges[bonds.first] * charges[bonds.second]
    if odd:
        surroundings = np.bincount(
            bonds.first, decay**4 * charges[bonds.second], minlength=len(charges)
        )
        share = share * (charges + surroundings)[bonds.first]
    share = share / np.abs(share).sum()
    return [share @ harmonic(weight, "orthonormal")(bonds.vectors) for weight in weights]


def _scores(
    frames: Floats, standard: Floats, bonds: BondVectors, weights: tuple[int, ...], odd: bool
) -> Floats:
    """Return the score of each frame."""
    total = np.zeros(len(frames))
    for weight, moment in zip(weights, _moments(bonds, weights, odd), strict=True):
        size = block_size(weight)
        # any coefficients without symmetry would do; these stay as they are
        coefficients = np.sin(np.arange(1, size + 1) ** 2 * 0.7 + weight)
        # averaged over the group, frames that differ by a symmetry have equal scores to rounding
        over_group = rotation(weight, standard).mean(axis=0)
        total += rotation(weight, frames) @ moment @ over_group.T @ coefficients
    return total


def canonical_frame(
    operations: ArrayLike, lattice: ArrayLike, bonds: BondVectors
) -> tuple[PointGroup, Frame]:
    """Return the point group of a crystal and its canonical frame (rule 21).

    Args:
        operations: its point group in the axes of the structure, shape ``(order, 3, 3)``.
        lattice: rows are lattice vectors, angstrom, of any cell.
        bonds: all neighbours within some 2.5 times `BOND_RANGE` or more.

    Returns:
        The group, and the frame; tensors in it have the form of `form(tensor, group)`.

    Raises:
        PointGroupError: when the operations are no point group, or do not fit the lattice.
    """
    group, frames = standard_frames(operations, lattice)
    standard = matrices(group)
    if len(bonds.vectors):
        for weights, odd in ((EVEN, False), (ODD, True)):
            scores = _scores(frames, standard, bonds, weights, odd)
            frames = frames[scores >= scores.max() - TIE]
    cell = np.asarray(lattice, dtype=np.float64)
    # what is left differs by a symmetry of the crystal: one of them, with c up and then b along y
    chosen = max(
        frames, key=lambda rotation: tuple(np.rint(1e3 * cell @ rotation.T)[::-1, ::-1].ravel())
    )
    decided = _same_set(frames @ chosen.T, standard)
    vectors = cell @ chosen.T
    return group, Frame("canonical", chosen, vectors, axis_words(group, vectors), decided)


def axis_words(group: PointGroup, lattice: Floats) -> tuple[str, str, str]:
    """Say what stands along x, y and z: an element of the group, a lattice direction.

    Args:
        group: in its standard axes.
        lattice: rows are the lattice vectors, in the same axes, to which the indices refer.
    """
    standard, words = matrices(group), []
    for axis in np.eye(3):
        pieces = [_element(standard, axis), _lattice_direction(lattice, axis)]
        words.append(", ".join(piece for piece in pieces if piece))
    return words[0], words[1], words[2]


def _element(standard: Floats, axis: Floats) -> str:
    """Return the element of the highest order along an axis: ``"3-fold axis"``, ``"mirror"``."""
    best = (0, "")
    for matrix in standard:
        sign = int(np.sign(np.linalg.det(matrix)))
        proper = matrix * sign
        if np.abs(proper @ axis - axis).max() > ANGLE_TOLERANCE:
            continue
        fold = {2: 6, 1: 4, 0: 3, -1: 2}.get(int(np.rint(np.trace(proper))), 1)
        if fold == 1:
            continue
        rank = 2 * fold + (sign > 0)
        if sign < 0:
            text = "normal of a mirror" if fold == 2 else f"-{fold} axis"
        else:
            text = f"{fold}-fold axis"
        best = max(best, (rank, text))
    return best[1]


def _lattice_direction(lattice: Floats, axis: Floats) -> str:
    """Return the lattice direction along an axis, such as ``"[001]"``; nothing when none is."""
    for size in range(1, 5):
        for indices in product(range(-size, size + 1), repeat=3):
            vector = np.array(indices) @ lattice
            length = float(np.linalg.norm(vector))
            along = float(vector @ axis)
            if length and along > 0 and np.linalg.norm(vector - along * axis) < 1e-3 * length:
                return "[" + " ".join(map(str, indices)) + "]"
    return ""

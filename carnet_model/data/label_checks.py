"""Labels against the symmetry of their own crystals: which violate it, how far, what may mend it.

A property tensor is invariant under the point group of its crystal (Neumann). One that is not was
computed badly, belongs to another structure, or is stated in other axes than the lattice vectors
beside it; published sets have all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from natural_tensors import catalog
from natural_tensors.arrays import Floats

from ..structures.geometry import GeometryError
from ..structures.symmetry import SYMPREC, known_frames, point_group_rotations
from .examples import DatasetError, Example

TOLERANCE = 0.05
"""Share of its norm by which a label may violate the point group."""


def rotate(tensor: Floats, rotations: Floats, *, axial: bool = False) -> Floats:
    """Return a tensor under each of several operations: T'_ij.. = R_ia R_jb .. T_ab.. (rule 16).

    Args:
        tensor: shape ``(3,)*rank``.
        rotations: orthogonal matrices, shape ``(operations, 3, 3)``.
        axial: True for a pseudo-tensor, which takes a further det R.

    Returns:
        Shape ``(operations,) + (3,)*rank``.
    """
    count = len(rotations)
    result = np.broadcast_to(tensor, (count, *np.shape(tensor))).astype(np.float64)
    shape = result.shape
    for _ in range(result.ndim - 1):
        # contract the first index and put it last: after `rank` rounds all are back in order
        flat = result.reshape(count, 3, -1)
        result = (flat.transpose(0, 2, 1) @ np.swapaxes(rotations, 1, 2)).reshape(shape)
    if axial:
        signs = np.sign(np.linalg.det(rotations))
        result = result * signs.reshape(-1, *(1,) * (result.ndim - 1))
    return np.asarray(result, dtype=np.float64)


def average(tensor: Floats, rotations: Floats, *, axial: bool = False) -> Floats:
    """Return the mean of a tensor over a group: the nearest tensor that the group leaves alone.

    Args:
        tensor: shape ``(3,)*rank``.
        rotations: every operation of the group, shape ``(operations, 3, 3)``.
        axial: True for a pseudo-tensor.
    """
    return np.asarray(rotate(tensor, rotations, axial=axial).mean(axis=0), dtype=np.float64)


def symmetry_violation(tensor: Floats, rotations: Floats, *, axial: bool = False) -> float:
    """Return ``|T - average| / |T|``: 0 when the group leaves the tensor alone, 1 at most."""
    size = float(np.linalg.norm(tensor))
    if size == 0:
        return 0.0
    return float(np.linalg.norm(tensor - average(tensor, rotations, axial=axial))) / size


@dataclass(frozen=True)
class Finding:
    """A label that violates its point group.

    Attributes:
        index: place of the example.
        identifier: its identifier.
        formula: its reduced formula.
        residual: share of the norm that the group removes.
    """

    index: int
    identifier: str
    formula: str
    residual: float


@dataclass(frozen=True, eq=False)
class LabelReport:
    """What a check of one label over many examples says.

    Attributes:
        name: the label.
        tolerance: above which a residual is reported.
        residuals: of every example, NaN where it was not checked, shape ``(examples,)``.
        findings: labels above the tolerance, the worst first.
        skipped: reasons why examples were not checked, with their numbers.
    """

    name: str
    tolerance: float
    residuals: Floats
    findings: tuple[Finding, ...]
    skipped: Mapping[str, int]

    @property
    def checked(self) -> int:
        """Number of labels that were checked."""
        return int(np.isfinite(self.residuals).sum())


def _axial(name: str, axial: bool | None) -> bool:
    if axial is not None:
        return axial
    return catalog[name].axial if name in catalog else False


def _tensor(example: Example, name: str) -> Floats:
    if name not in example.labels:
        raise DatasetError(
            f"{example.identifier or 'an example'}: has no label {name!r}\n"
            f"it has {', '.join(example.labels) or 'none'}"
        )
    return example.labels[name]


def check(
    examples: Sequence[Example],
    name: str,
    *,
    axial: bool | None = None,
    symprec: float = SYMPREC,
    tolerance: float = TOLERANCE,
) -> LabelReport:
    """Hold one label of every example against the point group of its structure.

    Args:
        examples: with the label or without.
        name: name of the label.
        axial: whether it is a pseudo-tensor; otherwise the catalogue says it, or it is not.
        symprec: of spglib, angstrom.
        tolerance: report residuals above it.

    Returns:
        The report. Scalars, labels of single atoms, slabs, wires and linear molecules are
        counted as not checked.
    """
    pseudo = _axial(name, axial)
    residuals = np.full(len(examples), np.nan)
    skipped: dict[str, int] = {}
    for index, example in enumerate(examples):
        reason = _reason_to_skip(example, name)
        if not reason:
            try:
                group = point_group_rotations(example.geometry, symprec=symprec)
                residuals[index] = symmetry_violation(example.labels[name], group, axial=pseudo)
            except GeometryError as error:
                reason = str(error).partition(": ")[2].partition("\n")[0]
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
    order = np.argsort(-np.nan_to_num(residuals), kind="stable")
    findings = tuple(
        Finding(int(i), examples[i].identifier, examples[i].formula, float(residuals[i]))
        for i in order
        if residuals[i] > tolerance
    )
    return LabelReport(name, tolerance, residuals, findings, skipped)


def _reason_to_skip(example: Example, name: str) -> str:
    if name not in example.labels:
        return "without this label"
    shape = example.labels[name].shape
    if not shape:
        return "scalars, which every group leaves alone"
    return "" if set(shape) == {3} and not _of_atoms(example, name) else "labels of single atoms"


def _of_atoms(example: Example, name: str) -> bool:
    if name not in catalog:
        return False
    return example.labels[name].ndim > catalog[name].rank


@dataclass(frozen=True, eq=False)
class Repair:
    """One way to mend a label.

    Attributes:
        kind: ``"average"``: take the mean over the point group; ``"frame"``: the tensor was
            stated in other axes, and is rotated from them (then averaged); ``"drop"``.
        what: the same in words.
        residual: share of the norm that violates the point group after it, before averaging.
        example: the example with the mended label; None for ``"drop"``.
    """

    kind: Literal["average", "frame", "drop"]
    what: str
    residual: float
    example: Example | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} (residual {self.residual:.3g})"


def repair(
    example: Example,
    name: str,
    *,
    axial: bool | None = None,
    symprec: float = SYMPREC,
    tolerance: float = TOLERANCE,
) -> tuple[Repair, ...]:
    """Return ways to mend a label that violates its point group, the most likely first.

    Axes are offered when the tensor, rotated from them into the frame of the structure, fits
    within the tolerance and it did not before: the IEEE axes as pymatgen chooses them, the standard
    axes of spglib, and the axes that pymatgen and ASE give to a cell of the same lengths and
    angles. A fit cannot tell apart axes that differ by a symmetry of the lattice the crystal lacks
    (the sign of C14): compare with another source.

    Raises:
        DatasetError: when the example has no such label, or it is of single atoms.
        GeometryError: when the structure has no point group to compare with.
    """
    tensor = _tensor(example, name)
    if set(tensor.shape) != {3} or _of_atoms(example, name):
        raise DatasetError(
            f"{example.identifier}: {name} has shape {tensor.shape}\n"
            "only tensors of a whole structure are mended"
        )
    pseudo = _axial(name, axial)
    group = point_group_rotations(example.geometry, symprec=symprec)
    before = symmetry_violation(tensor, group, axial=pseudo)

    def mended(kind: Literal["average", "frame"], what: str, new: Floats) -> Repair:
        labels = {**example.labels, name: average(new, group, axial=pseudo)}
        after = symmetry_violation(new, group, axial=pseudo)
        return Repair(kind, what, after, replace(example, labels=labels))

    offers: list[Repair] = []
    if before > tolerance:
        for what, rotation in known_frames(example.geometry, symprec=symprec):
            back = rotate(tensor, rotation.T[None], axial=pseudo)[0]
            if symmetry_violation(back, group, axial=pseudo) <= tolerance:
                offers.append(mended("frame", f"it is stated in {what}", back))
    offers.sort(key=lambda offer: offer.residual)
    offers.append(mended("average", "take the mean over the point group", tensor))
    offers.append(Repair("drop", "leave the example out", 0.0, None))
    return tuple(offers)

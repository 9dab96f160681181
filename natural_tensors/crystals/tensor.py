"""A tensor of a crystal with all that it takes to read it: unit, frame, point group, origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..decomposition.reductions import Reduction, reduction
from ..decomposition.voigt import written_form
from . import fitting
from .fitting import ClassFit
from .forms import SymbolicForm, form
from .frames import Frame
from .point_groups import PointGroup

SAME = 1e-9
"""Two components of an orthonormal basis closer than this are equal by symmetry."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Another tensor of the same crystal and kind, in the same axes, to compare with.

    Attributes:
        title: what it is: ``"predicted by elastic, 6 networks"``.
        values: all Cartesian components, shape ``(3,)*rank``, in the unit of the other.
    """

    title: str
    values: Floats


@dataclass(frozen=True, eq=False, repr=False)
class CrystalTensor:
    """One tensor of one crystal, in a stated frame.

    Attributes:
        tensor: name in the catalogue, or an index symmetry.
        values: all Cartesian components in `frame`, shape ``(3,)*rank``.
        unit: unit of `values`, such as ``"GPa"``.
        frame: the axes that the components refer to.
        name: what titles and messages call the crystal.
        formula: chemical formula.
        group: its point group.
        setting: rotation from `frame` to the standard axes of the group, shape ``(3, 3)``.
        spacegroup: symbol and number, ``"P3_221 (154)"``.
        density_kg_m3: mass density.
        atoms_per_m3: atoms in a cubic metre.
        source: where the numbers come from.
        uncertainty: as in a prediction: ``"stiffness"`` (6, 6), ``"bulk"``, ``"shear"``,
            ``"youngs"``, in `unit`, and ``"relative"``.
        notes: what a reader should be warned of.
        beside: other tensors of this crystal to compare with.
    """

    tensor: str
    values: Floats
    unit: str
    frame: Frame
    name: str
    formula: str | None = None
    group: PointGroup | None = None
    setting: Floats | None = None
    spacegroup: str | None = None
    density_kg_m3: float | None = None
    atoms_per_m3: float | None = None
    source: str = ""
    uncertainty: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()

    @cached_property
    def reduction(self) -> Reduction:
        """The class of the tensor."""
        return reduction(self.tensor)

    @cached_property
    def voigt(self) -> Floats | None:
        """The matrix of joined pairs as tables print it, 6x6 or 3x6; None where there is none."""
        reduction = self.reduction
        written_as = written_form(reduction)
        if written_as == "full":
            return None
        matrix = np.asarray(reduction.convert(self.values, target=written_as), dtype=np.float64)
        return matrix if matrix.ndim == 2 else None

    # --- frames -------------------------------------------------------------------------------

    def turned(self, frame: Frame, turn: Floats) -> CrystalTensor:
        """Return the same tensor in other axes.

        Args:
            frame: what to call them.
            turn: rotation from the present axes to them, x' = R x, shape ``(3, 3)``.
        """
        setting = None if self.setting is None else self.setting @ turn.T
        spread = {key: value for key, value in self.uncertainty.items() if np.ndim(value) == 0}

        def rotated(values: Floats) -> Floats:
            return np.asarray(self.reduction.rotate(values, turn), dtype=np.float64)

        return replace(
            self,
            values=rotated(self.values),
            beside=tuple(replace(each, values=rotated(each.values)) for each in self.beside),
            frame=frame,
            setting=setting,
            uncertainty=MappingProxyType(spread),  # the spread of single components turns with them
        )

    def in_frame(self, name: str) -> CrystalTensor:
        """Return the tensor in the axes of the structure, or in the standard axes of its group.

        Args:
            name: ``"structure"`` or ``"standard"``.

        Raises:
            ValueError: for another name, or when the point group is unknown.
        """
        if name == "structure":
            turn = self.frame.rotation.T
        elif name == "standard" and self.setting is not None:
            turn = self.setting
        else:
            raise ValueError(
                f"{name!r} is no frame of {self.name}; allowed: 'structure'"
                + (", 'standard'" if self.setting is not None else "; its point group is unknown")
            )
        return self.turned(self.frame.turned(name, turn), turn)

    def with_setting(self, setting: Floats) -> CrystalTensor:
        """Return the tensor with other standard axes of its group."""
        return replace(self, setting=setting)

    def with_notes(self, notes: tuple[str, ...]) -> CrystalTensor:
        """Return the tensor with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def with_beside(self, *others: Beside) -> CrystalTensor:
        """Return the tensor with further ones to compare with."""
        return replace(self, beside=(*self.beside, *others))

    # --- symmetry -----------------------------------------------------------------------------

    @cached_property
    def form(self) -> SymbolicForm | None:
        """What the point group leaves of the tensor, in the standard axes of the group."""
        return None if self.group is None else form(self.tensor, self.group)

    def distance(self, other: Beside) -> float:
        """Return the Frobenius norm of the difference over that of the other tensor."""
        size = float(np.linalg.norm(other.values))
        return float(np.linalg.norm(self.values - other.values)) / size if size else np.inf

    @cached_property
    def residual(self) -> float | None:
        """Share of the norm that the point group would remove; None without a group."""
        if self.group is None:
            return None
        return fitting.distance_to_group(self.tensor, self.values, self.group, self.setting)

    def projected(self) -> CrystalTensor:
        """Return the nearest tensor that the point group leaves alone.

        Raises:
            ValueError: when the point group is unknown.
        """
        if self.group is None:
            raise ValueError(f"the point group of {self.name} is unknown; state it first")
        values = fitting.project(self.tensor, self.values, self.group, self.setting)
        return replace(self, values=values)

    @cached_property
    def pattern(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Which entries of the printed matrix the point group makes equal.

        Returns:
            Labels and signs, of the shape of `voigt` or, for rank 2, ``(3, 3)``: entries of one
            label above 0 are equal up to their signs; 0 where symmetry makes the entry vanish, -1
            where it is a combination of others. None without a group or without a matrix.
        """
        if self.group is None or (self.voigt is None and self.reduction.rank != 2):
            return None
        reduction = self.reduction
        rotation = np.eye(3) if self.setting is None else self.setting
        basis = reduction.unpack(fitting.invariants(reduction, self.group))
        tensors = np.array([reduction.rotate(tensor, rotation.T) for tensor in basis])
        stacked = tensors.reshape(-1, *(3,) * reduction.rank)
        rows = np.asarray(reduction.convert(stacked, target=written_form(reduction)))
        return _equal_entries(np.moveaxis(rows, 0, -1))

    @cached_property
    def class_fits(self) -> tuple[ClassFit, ...]:
        """The nearest tensor of every symmetry class, in any orientation; few constants first."""
        return fitting.class_fits(self.tensor, self.values)

    def __repr__(self) -> str:
        what = f"{self.name}: {self.tensor}" + (f" [{self.unit}]" if self.unit else "")
        group = f", {self.group}" if self.group is not None else ""
        return f"CrystalTensor({what}, {self.frame.name} axes{group})"


def _equal_entries(rows: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Label entries, each given by its components in a basis, by equality up to the sign."""
    shape = rows.shape[:-1]
    labels = np.zeros(shape, dtype=np.int64)
    signs = np.zeros(shape, dtype=np.int64)
    heads: list[tuple[int, Floats]] = []
    for place in np.ndindex(shape):
        row = rows[place]
        if np.linalg.norm(row) < SAME:
            continue
        for label, head in heads:
            if np.abs(row - head).max() < SAME or np.abs(row + head).max() < SAME:
                labels[place] = label
                signs[place] = 1 if np.abs(row - head).max() < SAME else -1
                break
        else:
            combined = np.array([head for _, head in heads]).reshape(len(heads), len(row))
            if np.linalg.matrix_rank(np.vstack([combined, row]), tol=1e-7) == len(heads):
                labels[place], signs[place] = -1, 1
                continue
            heads.append((len(heads) + 1, row))
            labels[place], signs[place] = len(heads), 1
    return labels, signs

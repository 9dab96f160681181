"""Predictions and failures: what is predicted for a structure, or why nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from natural_tensors import CrystalTensor, Frame, elasticity, to_voigt
from natural_tensors.arrays import Floats, to_lists
from natural_tensors.elasticity import Moduli
from natural_tensors.errors import InputError
from natural_tensors.examples.shipped import Example
from natural_tensors.formatting import visible

from ..structures.geometry import Geometry, GeometryError
from ..structures.symmetry import rotated
from ..structures.tensors import crystal_tensor
from ..structures.well_known import measurement_of
from . import text
from .domain import DOUBTFUL

UNREACHED = "the run ended before its turn"
"""Reason of a structure whose turn did not come."""


class PredictionError(InputError, ValueError):
    """A structure without a prediction, asked for alone.

    Attributes:
        failure: what went wrong.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True)
class Failure:
    """A structure of a list for which there is no prediction.

    Attributes:
        name: the file, entry or id.
        reason: why.
        remedy: what helps.
        structure: the structure, where it could be read.
    """

    name: str
    reason: str
    remedy: str = ""
    structure: Geometry | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("name", "reason", "remedy"):
            object.__setattr__(self, name, visible(getattr(self, name)))

    @classmethod
    def of(cls, error: InputError, name: str) -> Failure:
        """Return what an error says about a structure.

        Args:
            error: its message is ``name: reason``, then lines of advice.
            name: used when the error has none.
        """
        first, *advice = str(error).splitlines() or ["cannot be read"]
        own = (error.name if isinstance(error, GeometryError) else "") or name
        for start in (own, "the structure"):
            first = first.removeprefix(f"{start}: ")
        return cls(own, first, "; ".join(line.strip() for line in advice))

    @classmethod
    def unexpected(cls, structure: object, error: Exception, advice: str = "") -> Failure:
        """Return what a structure becomes that something unforeseen happened to."""
        words = str(error).strip().splitlines() or [""]
        kind = "memory is too small" if isinstance(error, MemoryError) else type(error).__name__
        reason = f"it could not be computed: {kind}: {words[0][:300]}".rstrip(": ")
        return cls(
            str(getattr(structure, "name", "")),
            reason,
            "; ".join(filter(None, ("the other structures are not affected", advice))),
        ).of_structure(structure)

    @classmethod
    def unreached(cls, entry: Geometry | Failure) -> Failure:
        """Return what an input is in the results of a run that ended before its turn."""
        if isinstance(entry, Failure):
            return entry
        return cls(entry.name or entry.formula, UNREACHED, "run it again", entry)

    @property
    def is_unreached(self) -> bool:
        """Whether nothing is wrong but that the run ended before its turn."""
        return self.reason == UNREACHED

    def of_structure(self, entry: object) -> Failure:
        """Return the failure with the structure it is about, where there is one."""
        return replace(self, structure=entry) if isinstance(entry, Geometry) else self

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {"name": self.name, "error": self.reason, "remedy": self.remedy}

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" + (f"\n{self.remedy}" if self.remedy else "")


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """The tensor of one structure, in the Cartesian axes of the lattice vectors beside it.

    Attributes:
        structure: what it is the tensor of, in the axes of `frame`.
        frame: how these axes lie in the crystal.
        target: name or index symmetry of the tensor.
        unit: of the tensor; GPa for stiffness.
        tensor: all Cartesian components, shape ``(3,)*rank``; for a property of atoms
            ``(atoms,) + (3,)*rank``.
        uncertainty: half the widths of intervals that hold 68 % of the errors of unseen
            compositions, and under ``NAME_95`` of those that hold 95 %; plain deviations over the
            ensemble where its errors were never measured; empty for a single network.
            ``"relative"``: of the tensor as a whole, by its Frobenius norm, the number to rank by.
            For stiffness also ``"stiffness"``, shape ``(6, 6)``, and ``"bulk"``, ``"shear"``,
            ``"youngs"`` of the Hill averages, all in GPa; otherwise ``"tensor"``, of the shape of
            the tensor.
        warnings: why this prediction deserves less trust than others.
        known: identifier of the training structure that this is, or nearly is.
        per_atom: whether the first axis of the tensor is that of the atoms.
        model: what computed it.
        reference: what its labels are, so what errors are counted from: ``"PBE at 0 K"``.
        forces: of an energy only: minus its gradient, eV/Å, shape ``(atoms, 3)``.
        stress: of an energy in three lattice vectors only: eV/Å^3, positive under tension, shape
            ``(3, 3)``.
        strangeness: share of unseen crystals whose atoms have more usual bonds, 0 to 1: how far a
            crystal is from the known ones (`structures.bonding.strangeness`); 1 of what has vacuum
            in it or no bonds; None of other properties than those of crystals.
        relaxation: how the structure was relaxed before it was predicted, None where it was not:
            ``"model"``, ``"converged"``, ``"steps"``, ``"largest_force"`` (eV/Å) and
            ``"volume_change"`` (relative, None for what is no crystal).
    """

    structure: Geometry
    frame: Frame
    target: str
    unit: str
    tensor: Floats
    uncertainty: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    known: str | None = None
    per_atom: bool = False
    model: str = ""
    reference: str = ""
    forces: Floats | None = None
    stress: Floats | None = None
    strangeness: float | None = None
    relaxation: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The file, entry or id; the formula when nothing is stated."""
        return self.structure.name or self.formula

    @property
    def formula(self) -> str:
        """Reduced formula."""
        return self.structure.formula

    @property
    def lattice(self) -> Floats:
        """Rows are the lattice vectors that define the frame, angstrom, shape ``(3, 3)``.

        Zero where nothing repeats.
        """
        return self.structure.cell

    @cached_property
    def stiffness(self) -> Floats | None:
        """Voigt matrix xx, yy, zz, yz, xz, xy without factors, GPa, shape ``(6, 6)``.

        None for other tensors than ``elastic``.
        """
        if self.target != "elastic":
            return None
        return symmetric_voigt(self.tensor)

    @cached_property
    def moduli(self) -> Moduli | None:
        """Averages of Voigt, Reuss and Hill and anisotropy; None unless a stiffness."""
        return None if self.stiffness is None else elasticity.moduli(self.stiffness)

    @cached_property
    def stable(self) -> bool | None:
        """Whether every homogeneous strain costs energy (Born); None unless a stiffness."""
        return None if self.stiffness is None else bool(elasticity.is_stable(self.stiffness))

    @cached_property
    def measured(self) -> Example | None:
        """The elastic tensor measured on this crystal, in the standard axes of its point group.

        None for other tensors, and for all but a few well-known crystals.
        """
        return None if self.stiffness is None else measurement_of(self.structure)

    @property
    def doubtful(self) -> bool:
        """Whether a warning says that the structure is no body at rest: `stable` means nothing."""
        return any(warning.startswith(DOUBTFUL) for warning in self.warnings)

    def crystal(self) -> CrystalTensor:
        """Return the tensor with its point group, density and standard axes.

        Raises:
            GeometryError: when the structure is no crystal.
        """
        back = Frame("structure", self.frame.rotation.T)
        known = f"{self.known} of the training set is this structure, or nearly"
        meaning = f"±: {text.meaning(self.uncertainty, self.reference)}"
        return crystal_tensor(
            rotated(self.structure, back),
            self.target,
            self.tensor,
            unit=self.unit,
            frame=self.frame,
            source=self.model,
            uncertainty=self.uncertainty,
            notes=(
                *([meaning] if self.uncertainty else []),
                *([known] if self.known else []),
                *self.warnings,
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers for JSON; None where something does not exist."""
        tensor = (
            {"tensor": to_lists(self.tensor)}
            if self.stiffness is None or self.moduli is None
            else {
                "stiffness": to_lists(self.stiffness),
                "moduli": {
                    entry.name: to_lists(getattr(self.moduli, entry.name))
                    for entry in fields(Moduli)
                },
                "stable": self.stable,
            }
        )
        return {
            "name": self.name,
            "formula": self.formula,
            "target": self.target,
            "unit": self.unit,
            **tensor,
            **({} if self.forces is None else {"forces": to_lists(self.forces)}),
            **({} if self.stress is None else {"stress": to_lists(self.stress)}),
            "uncertainty": {key: to_lists(value) for key, value in self.uncertainty.items()}
            or None,
            "frame": {"name": self.frame.name, "rotation": to_lists(self.frame.rotation)},
            "lattice": to_lists(self.lattice),
            **({} if self.relaxation is None else {"relaxation": dict(self.relaxation)}),
            "known": self.known,
            "strangeness": self.strangeness,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        if self.moduli is None:
            size = float(np.linalg.norm(self.tensor))
            return f"Prediction({self.name}: {self.formula}, {self.target}, |T| = {size:.4g})"
        return (
            f"Prediction({self.name}: {self.formula}, K = {self.moduli.bulk_hill:.1f} GPa, "
            f"G = {self.moduli.shear_hill:.1f} GPa)"
        )

    def __str__(self) -> str:
        title = self.formula if self.name in ("", self.formula) else f"{self.formula}  {self.name}"
        return "\n".join([title, *self.lines()])

    def lines(self) -> list[str]:
        """Return the text of a result, without its title."""
        if self.stiffness is not None and self.moduli is not None:
            lines = text.of_stiffness(
                self.stiffness,
                self.moduli,
                self.uncertainty,
                doubtful=self.doubtful,
                reference=self.reference,
                measured=self.measured,
            )
        elif self.forces is not None:
            lines = text.of_energy(
                self.target,
                self.unit,
                float(self.tensor),
                self.forces,
                self.stress,
                self.uncertainty.get("tensor"),
            )
        else:
            lines = text.of_tensor(
                self.target, self.unit, self.tensor, self.uncertainty, reference=self.reference
            )
        if self.lattice.any():
            lines += ["", *text.of_frame(self.frame, self.lattice)]
        if self.relaxation is not None:
            lines.append(text.of_relaxation(self.relaxation))
        if self.known or self.warnings or self.strangeness is not None:
            lines.append("")
        if self.known:
            lines.append(f"known: {self.known} of the training set is this structure, or nearly")
        if self.strangeness is not None:
            lines.append(text.of_strangeness(self.strangeness))
        return [*lines, *(f"warning: {warning}" for warning in self.warnings)]


def symmetric_voigt(tensors: Floats) -> Floats:
    """Return full stiffness tensors as Voigt matrices, exactly symmetric, ``(..., 6, 6)``."""
    matrix = np.asarray(to_voigt(tensors), dtype=np.float64)
    return np.asarray((matrix + matrix.swapaxes(-1, -2)) / 2, dtype=np.float64)

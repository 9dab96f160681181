"""Where a label stands in a file, in which form and unit; and weights by what a record says.

>>> source = LabelSource("elastic", key="C", form="voigt", unit="kbar")
>>> source.shape, source.unit_kept, source.factor
((6, 6), 'GPa', 0.1)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors import Reduction, catalog, reduction
from natural_tensors.arrays import Floats
from natural_tensors.files.decoding import stated_tensor
from natural_tensors.files.label_forms import LABEL_FORMS, LabelFormName

from ..structures.periodic_table import SYMBOLS
from ..structures.units import UNITS
from .examples import dataset_error


@dataclass(frozen=True)
class LabelSource:
    """Where a label stands in a record, and how it is written.

    Attributes:
        name: what the label is called: a name of the catalogue, an index symmetry, or any name
            when `symmetry` says the class or the form is ``"scalar"``.
        key: key or column of the record, dots for keys within keys; the name when empty.
        form: ``"full"``, ``"voigt"``, ``"voigt-compliance"``, ``"mandel"``, ``"components"``: as
            in `natural_tensors`; ``"upper"``: the upper triangle, row by row, of the matrix in
            Voigt form without factors (of the 3x3 matrix for rank 2); ``"vasp"``: a stress as
            VASP prints it, xx yy zz xy yz zx and positive under compression; ``"scalar"``.
        unit: unit of the numbers; empty takes them as they are.
        kept: unit in which the label is kept, where neither name nor `unit` says it.
        symmetry: index symmetry, where the name does not say it.
        axial: True for a pseudo-tensor given by an index symmetry.
        sites: for a label of single atoms, the key of the atoms' indices; ``"all"`` when every
            atom has one.
        optional: leave a record without this label in, without it.
        tolerance: how far a tensor may be from its index symmetry, as a share of its norm; it is
            then replaced by the nearest tensor that has it.

    Raises:
        DatasetError: when the form, the class or the unit is unknown.
    """

    name: str
    key: str = ""
    form: LabelFormName = "full"
    unit: str = ""
    kept: str = ""
    symmetry: str = ""
    axial: bool = False
    sites: str = ""
    optional: bool = False
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        if self.form not in LABEL_FORMS:
            raise dataset_error(
                f"label {self.name}",
                f"form {self.form!r} is unknown",
                f"allowed: {', '.join(LABEL_FORMS)}",
            )
        try:
            tensor_class = self.reduction
        except (ValueError, KeyError) as error:
            raise dataset_error(
                f"label {self.name}", str(error), "name the class by symmetry=, such as 'ij=ji'"
            ) from None
        self.factor  # noqa: B018  # an unknown unit is refused here, not at the first record
        if tensor_class is not None:
            self.shape  # noqa: B018  # so is a form that the class has not

    @property
    def reduction(self) -> Reduction | None:
        """The class of the tensor; None for a scalar."""
        if self.form == "scalar":
            return None
        return reduction(self.symmetry or self.name, axial=self.axial)

    @property
    def rank(self) -> int:
        """Number of Cartesian indices."""
        return 0 if self.reduction is None else self.reduction.rank

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one label as it stands in the file.

        Raises:
            DatasetError: when the class has no such form.
        """
        tensor_class = self.reduction
        if tensor_class is None:
            return ()
        try:
            return LABEL_FORMS[self.form].shape(tensor_class)
        except ValueError as error:
            raise dataset_error(f"label {self.name}", str(error), "choose another form") from None

    @property
    def unit_kept(self) -> str:
        """Unit in which the label is kept; empty when nothing is known about it."""
        if self.kept:
            return self.kept
        if entry := catalog.get(self.name):
            return entry.working_unit
        return next((kept for kept, known in UNITS.items() if self.unit in known), self.unit)

    @property
    def factor(self) -> float:
        """What a number of the file is multiplied by.

        Raises:
            DatasetError: when the unit cannot be converted.
        """
        if not self.unit or self.unit == self.unit_kept:
            return 1.0
        allowed = UNITS.get(self.unit_kept, {})
        if self.unit in allowed:
            return allowed[self.unit]
        known = ", ".join(allowed) or self.unit_kept or "none"
        raise dataset_error(
            f"label {self.name}",
            f"unit {self.unit!r} is unknown",
            f"allowed: {known}; or leave the unit out: the numbers are then taken as they are, "
            "and predictions are in the same unit",
        )

    def read(self, value: ArrayLike, origin: str) -> Floats:
        """Return one label, or those of several atoms, as full tensors in the unit kept.

        Args:
            value: the numbers; flat lists take the shape of the form. A tensor as pymatgen's
                ``as_dict`` writes it says its form itself.
            origin: what messages call the record.

        Raises:
            DatasetError: for a wrong shape, a number that is not finite, or a tensor farther from
                its index symmetry than `tolerance`.
        """
        if stated := stated_tensor(value):
            return replace(self, form=stated.form).read(stated.values, origin)
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise dataset_error(
                origin, f"{self.name} is no table of numbers: {str(value)[:60]}", "write numbers"
            ) from None
        shape = self.shape
        size = int(np.prod(shape))
        if not self.sites and array.ndim == 1 and array.size == size:
            array = array.reshape(shape)
        if self.sites and array.ndim == 2 and array.shape[1:] == (size,):
            array = array.reshape(-1, *shape)
        expected = array.shape[:1] + shape if self.sites else shape
        if array.shape != expected or array.ndim < len(shape) + bool(self.sites):
            raise dataset_error(
                origin,
                f"{self.name} has shape {array.shape}; form {self.form!r} needs "
                f"{('atoms', *shape) if self.sites else shape}",
                f"choose the form that fits: {', '.join(LABEL_FORMS)}",
            )
        if not np.isfinite(array).all():
            raise dataset_error(
                origin, f"{self.name} holds a number that is not finite", "leave the record out"
            )
        return self._full(array, origin) * self.factor

    def written(self, label: Floats) -> Floats:
        """Return a label, or those of several atoms, as :meth:`read` takes it."""
        tensor_class = self.reduction
        if tensor_class is None:
            return label / self.factor
        return LABEL_FORMS[self.form].write(tensor_class, label) / self.factor

    def _full(self, array: Floats, origin: str) -> Floats:
        tensor_class = self.reduction
        if tensor_class is None:
            return array
        given = LABEL_FORMS[self.form].read(tensor_class, array)
        nearest = np.asarray(tensor_class.symmetrize(given.values, form=given.form))
        size = float(np.linalg.norm(given.values))
        gap = float(np.linalg.norm(given.values - nearest))
        if gap > self.tolerance * size:
            raise dataset_error(
                origin,
                f"{self.name} violates its index symmetry {tensor_class.symmetry} by "
                f"{gap / size:.2g} of its norm, more than {self.tolerance:g}",
                "check form and order of the components, or raise the tolerance of the LabelSource",
            )
        full = tensor_class.convert(nearest, source=given.form, target="full", invalid="ignore")
        return np.asarray(full, dtype=np.float64)


@dataclass(frozen=True)
class WeightRule:
    """A factor for the weight of examples whose notes and elements match.

    ``WeightRule({"suspect": True}, 0.3)`` matches a list `suspect` that is not empty;
    ``WeightRule({"source": ["a", "b"]}, 0.5)`` matches either value.

    >>> WeightRule({"source": ["a", "b"]}, 0.5).matches({"source": "b"})
    True
    >>> WeightRule({}, 2.0, elements=("O", "F")).matches({}, [12, 8])
    True

    Attributes:
        when: all must hold. True or False compare with the truth of the note, where absent is
            false; a list matches when it holds the note; anything else must be equal.
        weight: the factor.
        elements: symbols, one of which the structure must hold; none asks for nothing.
    """

    when: Mapping[str, Any]
    weight: float
    elements: Sequence[str] = ()

    def matches(self, notes: Mapping[str, Any], numbers: Iterable[int] = ()) -> bool:
        """Say whether the rule applies to these notes and atomic numbers."""
        return all(self._holds(notes.get(key), wanted) for key, wanted in self.when.items()) and (
            not self.elements or bool({SYMBOLS[number] for number in numbers} & set(self.elements))
        )

    @staticmethod
    def _holds(note: object, wanted: object) -> bool:
        if isinstance(wanted, bool):
            return bool(note) is wanted
        if isinstance(wanted, list | tuple | set | frozenset):
            return note in wanted or note == wanted
        return bool(note == wanted)


def weight_of(
    rules: Iterable[WeightRule], notes: Mapping[str, Any], numbers: Iterable[int]
) -> float:
    """Return the product of the factors of the rules that match these notes and atomic numbers."""
    return math.prod(rule.weight for rule in rules if rule.matches(notes, numbers))

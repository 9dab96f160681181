"""What the numbers of a file are: the class of the tensor, its form and its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..decomposition.components import FORMS, Form
from ..decomposition.copies import Basis
from ..decomposition.reductions import Reduction, reduction
from .records import ExactRecord, TensorRecord, Values, times
from .saving import FileError, file_error


def tensor_class(text: str, *, axial: bool | None = None, basis: Basis = "dual") -> Reduction:
    """Return the reduction of a named tensor or an index symmetry; ``""`` is a scalar.

    Raises:
        SymmetryError: when the symmetry cannot be read.
        UnknownTensorError: when the name is not in the catalogue.
    """
    return reduction(text, axial=bool(axial), basis=basis)


@dataclass(frozen=True, eq=False)
class Recognized:
    """Numbers of which is known what they are.

    Attributes:
        reduction: the class of the tensor.
        form: the form the numbers are in.
        values: a tensor in that form, or a batch of them.
        guessed: whether the class was guessed from the shape.
    """

    reduction: Reduction
    form: Form
    values: Values
    guessed: bool = False

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the leading axes, empty for a single tensor."""
        size = len(self.reduction.components.layout(self.form).shape)
        return self.values.shape[: self.values.ndim - size]

    def full(self) -> Values:
        """Return all Cartesian components, ``batch + (3,)*rank``.

        Raises:
            SymmetryError: when the tensor violates its index symmetry.
        """
        return np.asarray(self.reduction.convert(self.values, source=self.form, target="full"))


def recognize(
    record: TensorRecord,
    reduction: Reduction | None = None,
    form: Form | None = None,
    basis: Basis = "dual",
) -> Recognized:
    """Return what the numbers of a record are: as asked for, as it states, or as its shape says.

    Args:
        record: what was read.
        reduction: the class asked for; that of the record, or a guess from its shape, when omitted.
        form: the form asked for; as :func:`choose_form` finds it when omitted.
        basis: of the copies of a class that was not asked for.

    Raises:
        FileError: when nothing says what they are, or they do not fit the class or the form.
    """
    reduction, form, guessed = recognize_class(record, reduction, form, basis)
    return Recognized(reduction, form, record.values, guessed)


def recognize_class(
    record: TensorRecord | ExactRecord,
    reduction: Reduction | None = None,
    form: Form | None = None,
    basis: Basis = "dual",
) -> tuple[Reduction, Form, bool]:
    """Return the class and the form of what was read, and whether the class was guessed.

    Args and errors are those of :func:`recognize`.
    """
    guessed = reduction is None and record.tensor is None
    if reduction is None:
        text = guess_class(record) if record.tensor is None else record.tensor
        reduction = tensor_class(text, axial=record.axial, basis=basis)
    return reduction, choose_form(reduction, record, form), guessed


def guess_class(record: TensorRecord | ExactRecord) -> str:
    """Return the class that the shape of an array suggests, where it suggests only one.

    Raises:
        FileError: when it suggests none or several.
    """
    values = record.values
    for size, suggestion in (((6, 6), "elastic"), ((3, 6), "piezoelectric-stress")):
        if _one_batch_axis(values.shape, size):
            return suggestion
    if _one_batch_axis(values.shape, (21,)) or _one_batch_axis(values.shape, (3, 3, 3, 3)):
        return "elastic"
    if _one_batch_axis(values.shape, (3, 3)):
        return "dielectric" if _symmetric(record) else "ij"
    raise file_error(
        record.origin,
        f"an array of shape {times(values.shape)} does not say what tensor it is",
        "name it with --tensor (see `natural-tensors list`), or give its index symmetry, such as "
        "--symmetry 'ijk=ikj'",
    )


def _one_batch_axis(shape: tuple[int, ...], size: tuple[int, ...]) -> bool:
    """Say whether a shape is a size, or a batch of it that cannot be mistaken for an index."""
    batch = shape[: len(shape) - len(size)]
    if shape[len(batch) :] != size:
        return False
    return not batch or (len(batch) == 1 and batch[0] not in (3, 6))


def _symmetric(record: TensorRecord | ExactRecord) -> bool:
    """Say whether matrices equal their transposes, numbers up to rounding."""
    if isinstance(record, ExactRecord):
        return bool((record.values == record.values.swapaxes(-1, -2)).all())
    values = record.values
    slack = float(np.finfo(values.dtype).eps ** 0.5 * np.abs(values).max(initial=0))
    return np.allclose(values, values.swapaxes(-1, -2), rtol=0, atol=slack)


def _layouts(reduction: Reduction) -> dict[Form, tuple[int, ...]]:
    """Return the shape of a tensor of a class in every form it has."""
    forms = FORMS if reduction.components.pairs else FORMS[:2]
    return {form: reduction.components.layout(form).shape for form in forms}


def choose_form(
    reduction: Reduction, record: TensorRecord | ExactRecord, asked: Form | None
) -> Form:
    """Return the form of an array: as asked for, as the file states, or else as it fits.

    An array that fits several is full before Voigt before components; which Voigt form is the
    custom of the tensor (`Reduction.voigt_form`).

    Raises:
        FileError: when the array does not fit, or the custom of the tensor is unsettled.
    """
    shapes = _layouts(reduction)
    shape = record.values.shape

    def fits(form: Form) -> bool:
        size = shapes[form]
        return len(shape) >= len(size) and shape[len(shape) - len(size) :] == size

    stated = asked or record.form
    if stated:
        if stated in shapes and fits(stated):
            return stated
        raise _misfit(record, reduction, {stated: shapes[stated]} if stated in shapes else shapes)
    if fits("full"):
        return "full"
    if "voigt" in shapes and fits("voigt"):
        if reduction.voigt_form:
            return reduction.voigt_form
        raise file_error(
            record.origin,
            f"tables disagree on the factors in the Voigt matrix of {reduction.name}",
            "say what an off-diagonal pair carries: --form voigt (nothing), voigt-compliance (2), "
            "mandel (√2);",
            "where only one of the pairs carries the 2, as in Nye's π_mn, divide it out first",
        )
    if fits("components"):
        return "components"
    raise _misfit(record, reduction, shapes)


def _misfit(
    record: TensorRecord | ExactRecord, reduction: Reduction, shapes: Mapping[Form, tuple[int, ...]]
) -> FileError:
    grouped: dict[tuple[int, ...], list[str]] = {}
    for form, size in shapes.items():
        grouped.setdefault(size, []).append(form)
    wanted = reduction.name or reduction.symmetry
    allowed = "; ".join(f"{times(size)} ({', '.join(forms)})" for size, forms in grouped.items())
    return file_error(
        record.origin,
        f"an array of shape {times(record.values.shape)} is no {wanted} tensor",
        f"allowed, after any batch axes: {allowed}",
        "choose the class with --tensor or --symmetry, the form with --form",
    )

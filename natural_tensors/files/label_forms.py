"""The forms that data sets write tensors in: each says how it is read and how it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from ..arrays import Floats
from ..decomposition.components import FORMS, VOIGT_LABELS, Form
from ..decomposition.reductions import Reduction
from .recognition import Recognized

LabelFormName = Literal[
    "full", "components", "voigt", "voigt-compliance", "mandel", "upper", "scalar", "vasp"
]

Headings = tuple[str, ...]
"""What may follow the name of a label in the heading of a column: ``("12", "xy")``."""


class LabelForm(ABC):
    """One way to write the tensors of a class as an array of numbers.

    Every method raises ValueError for a class that has no such form.
    """

    @abstractmethod
    def shape(self, reduction: Reduction) -> tuple[int, ...]:
        """Return the shape of one tensor."""

    @abstractmethod
    def read(self, reduction: Reduction, numbers: Floats) -> Recognized:
        """Return numbers, ``batch + shape``, as a form of :class:`Reduction`."""

    @abstractmethod
    def write(self, reduction: Reduction, full: Floats) -> Floats:
        """Return full tensors, ``batch + (3,)*rank``, as numbers in this form."""

    def columns(self, reduction: Reduction) -> tuple[Headings, ...]:
        """Return for each number, in order, the headings that its column may have in a table."""
        return _columns(self.shape(reduction))


@dataclass(frozen=True)
class TensorForm(LabelForm):
    """A form of :class:`Reduction`: full, components, Voigt or Mandel."""

    form: Form

    def shape(self, reduction: Reduction) -> tuple[int, ...]:
        """Return the shape of one tensor."""
        return reduction.components.layout(self.form).shape

    def columns(self, reduction: Reduction) -> tuple[Headings, ...]:
        """Return the headings that the column of each number may have."""
        if self.form != "components":
            return super().columns(reduction)
        labels = enumerate(reduction.components.labels, start=1)
        return tuple((str(place), letters) for place, letters in labels)

    def read(self, reduction: Reduction, numbers: Floats) -> Recognized:
        """Return the numbers as a form of the class."""
        return Recognized(reduction, self.form, numbers)

    def write(self, reduction: Reduction, full: Floats) -> Floats:
        """Return full tensors as numbers."""
        return np.asarray(reduction.convert(full, target=self.form), dtype=np.float64)


class Scalar(LabelForm):
    """One number, whatever the class is called."""

    def shape(self, reduction: Reduction) -> tuple[int, ...]:
        """Return the shape of one tensor."""
        return ()

    def read(self, reduction: Reduction, numbers: Floats) -> Recognized:
        """Return the numbers as a form of the class."""
        return Recognized(reduction, "full", numbers)

    def write(self, reduction: Reduction, full: Floats) -> Floats:
        """Return full tensors as numbers."""
        return full


class UpperTriangle(LabelForm):
    """The upper triangle, row by row, of the 3x3 matrix or of the Voigt matrix without factors."""

    def shape(self, reduction: Reduction) -> tuple[int, ...]:
        """Return the shape of one tensor."""
        size = self._size(reduction)
        return (size * (size + 1) // 2,)

    def read(self, reduction: Reduction, numbers: Floats) -> Recognized:
        """Return the numbers as a form of the class."""
        size = self._size(reduction)
        first, second = np.triu_indices(size)
        matrix = np.zeros((*numbers.shape[:-1], size, size))
        matrix[..., first, second] = numbers
        matrix[..., second, first] = numbers
        return Recognized(reduction, self._form(reduction), matrix)

    def write(self, reduction: Reduction, full: Floats) -> Floats:
        """Return full tensors as numbers."""
        matrix = np.asarray(reduction.convert(full, target=self._form(reduction)))
        first, second = np.triu_indices(self._size(reduction))
        return np.asarray(matrix[..., first, second], dtype=np.float64)

    def columns(self, reduction: Reduction) -> tuple[Headings, ...]:
        """Return the headings that the column of each number may have."""
        size = self._size(reduction)
        square = _columns((size, size))
        return tuple(square[i * size + j] for i in range(size) for j in range(i, size))

    @staticmethod
    def _form(reduction: Reduction) -> Form:
        return "full" if reduction.rank == 2 else "voigt"

    def _size(self, reduction: Reduction) -> int:
        shape = reduction.components.layout(self._form(reduction)).shape
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                f"form 'upper' needs a square matrix, and that of "
                f"{reduction.name or reduction.symmetry} has shape {shape}"
            )
        return shape[0]


class VaspStress(LabelForm):
    """A stress as VASP prints it: xx yy zz xy yz zx, positive under compression."""

    PLACES = (0, 1, 2, 4, 5, 3)
    """Where it has the components of the Voigt form, xx yy zz yz zx xy."""

    def shape(self, reduction: Reduction) -> tuple[int, ...]:
        """Return the shape of one tensor."""
        if reduction.dimension != 6 or reduction.rank != 2:
            raise ValueError(f"form 'vasp' is one of a stress, ij=ji, not {reduction.symmetry}")
        return (6,)

    def read(self, reduction: Reduction, numbers: Floats) -> Recognized:
        """Return the numbers as a form of the class."""
        return Recognized(reduction, "voigt", -numbers[..., self.PLACES])

    def write(self, reduction: Reduction, full: Floats) -> Floats:
        """Return full tensors as numbers."""
        voigt = np.asarray(reduction.convert(full, target="voigt"), dtype=np.float64)
        return -voigt[..., np.argsort(self.PLACES)]

    def columns(self, reduction: Reduction) -> tuple[Headings, ...]:
        """Return the headings that the column of each number may have."""
        letters = np.array(VOIGT_LABELS)[np.argsort(self.PLACES)]
        return tuple((str(place), str(word)) for place, word in enumerate(letters, start=1))


def _columns(shape: tuple[int, ...]) -> tuple[Headings, ...]:
    """Return digits and letters of every entry, and those of its mirror image in a matrix."""
    if not shape:
        return ()
    letters = {3: "xyz", 6: VOIGT_LABELS}

    def headings(place: tuple[int, ...]) -> Headings:
        words = (letters[size][index] for size, index in zip(shape, place, strict=True))
        return "".join(str(index + 1) for index in place), "".join(words)

    mirrored = len(shape) == 2 and shape[0] == shape[1]
    return tuple(
        headings(place) + (headings(place[::-1]) if mirrored else ())
        for place in np.ndindex(*shape)
    )


LABEL_FORMS: Mapping[LabelFormName, LabelForm] = MappingProxyType(
    {
        **{form: TensorForm(form) for form in FORMS},
        "upper": UpperTriangle(),
        "scalar": Scalar(),
        "vasp": VaspStress(),
    }
)

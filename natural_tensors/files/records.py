"""What a file of tensors or of parts holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..decomposition.base import ReductionBase
from ..decomposition.components import Form
from ..exact.symbols import Expressions

Values = NDArray[np.floating[Any]]
Parts = dict[tuple[int, int], Values]
ExactParts = dict[tuple[int, int], Expressions]


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """A tensor, or a batch of them, as a file states it; what it leaves open is None.

    Attributes:
        origin: what messages call the file.
        values: the numbers, float64 or float32, all finite.
        tensor: name in the catalogue or index symmetry.
        axial: True for a pseudo-tensor, where stated.
        form: form of `values`, where stated.
        unit: unit of `values`.
        name: what the tensor belongs to, such as a crystal.
        formula: of what it belongs to.
    """

    origin: str
    values: Values
    tensor: str | None = None
    axial: bool | None = None
    form: Form | None = None
    unit: str | None = None
    name: str | None = None
    formula: str | None = None


@dataclass(frozen=True, eq=False)
class ExactRecord:
    """A tensor, or a batch of them, whose entries are expressions; otherwise as above.

    Attributes:
        origin: what messages call the file.
        values: the entries, SymPy expressions.
        tensor: name in the catalogue or index symmetry.
        axial: True for a pseudo-tensor, where stated.
        form: form of `values`, where stated.
        unit: unit of `values`.
        name: what the tensor belongs to, such as a crystal.
    """

    origin: str
    values: Expressions
    tensor: str | None = None
    axial: bool | None = None
    form: Form | None = None
    unit: str | None = None
    name: str | None = None


@dataclass(frozen=True, eq=False)
class PartsRecord:
    """A tensor taken apart, as ``natural-tensors decompose`` writes it.

    Attributes:
        origin: what messages call the file.
        reduction: the class of the tensor, in the basis of the parts.
        parts: ``{(weight, copy): array of shape batch + (3,)*weight}``, all numbers or all
            expressions; in the plane a 2 stands for each 3.
        form: the form the tensor was read in, where stated.
        unit: unit of the parts.
        name: what the tensor belongs to.
    """

    origin: str
    reduction: ReductionBase
    parts: Parts | ExactParts
    form: Form | None = None
    unit: str | None = None
    name: str | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the parts are expressions."""
        return any(part.dtype == object for part in self.parts.values())


def times(shape: Sequence[int]) -> str:
    """Write a shape as ``6 x 6``."""
    return " x ".join(map(str, shape)) or "a single number"

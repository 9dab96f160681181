"""A tensor that was pasted, taken apart: its parts, their shares, and the formulas of its class."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy

from natural_tensors import Reduction
from natural_tensors.arrays import to_lists
from natural_tensors.decomposition.components import Form
from natural_tensors.errors import InputError, SymmetryError
from natural_tensors.files import reading, recognition
from natural_tensors.files.records import ExactRecord, times
from natural_tensors.files.saving import to_json
from natural_tensors.formatting import number

from ..prediction.predictor import Predictor
from .answers import Answer
from .questions import Question

NOISE = 1e-12
"""A component below this share of the largest entry is rounding."""

FEW_SYMBOLS = 9
"""Shares of the norm are quotients of squares: they are worked out up to this many symbols."""

Array = Any  # of numbers, or of SymPy expressions
Parts = Mapping[tuple[int, int], Array]


def decompose(networks: Predictor, question: Question) -> Answer:
    """Answer with the parts of a tensor, as numbers or exactly, and the formulas, in LaTeX."""
    record = reading.read_any_tensor(question.file.safe_name)
    asked = recognition.tensor_class(question.kind) if question.kind else None
    reduction, form, guessed = recognition.recognize_class(record, asked)
    exact = isinstance(record, ExactRecord)
    values = record.values
    size = len(reduction.components.layout(form).shape)
    if values.ndim > size:
        raise InputError(
            f"it holds {times(values.shape[: values.ndim - size])} tensors\npaste one of them"
        )
    notes = []
    if guessed:
        notes.append(f"taken for {reduction.name or reduction.symmetry} by its shape")
    if question.project:
        values = reduction.symmetrize(values, form=form, exact=exact)
        notes.append("symmetrized first")
    try:
        parts = reduction.decompose(values, form=form, exact=exact)
    except SymmetryError as error:
        reason = str(error).partition("; use invalid=")[0]
        raise InputError(f"{reason}\nsymmetrize it first, or choose another class") from None
    document = {
        "name": record.name,
        "class": reduction.name or str(reduction.symmetry),
        "symmetry": str(reduction.symmetry),
        "irreps": str(reduction.irreps),
        "form": form,
        "unit": record.unit,
        "exact": exact,
        "notes": notes,
        "parts": _shown_exactly(reduction, form, values, parts)
        if exact
        else _shown(reduction, form, values, parts),
        "formulas": reduction.latex(),
    }
    return Answer((to_json(document) + "\n").encode(errors="backslashreplace"))


def _shown(reduction: Reduction, form: Form, values: Array, parts: Parts) -> list[dict[str, Any]]:
    """Return the parts of numbers, each with its norm and share."""
    shares = reduction.fractions(values, per="copy", form=form)
    noise = NOISE * float(np.abs(values).max(initial=0.0))
    return [
        {
            "weight": weight,
            "copy": copy,
            "norm": float(np.linalg.norm(part)),
            "share": to_lists(shares[weight, copy]),
            "values": to_lists(part),
            "latex": _latex(
                (weight, copy), np.asarray(part), lambda entry: number(entry, noise=noise)
            ),
        }
        for (weight, copy), part in parts.items()
    ]


def _shown_exactly(
    reduction: Reduction, form: Form, values: Array, parts: Parts
) -> list[dict[str, Any]]:
    """Return the parts of expressions; norm and share as text, without a share of many symbols."""
    symbols = set().union(*(sympy.sympify(entry).free_symbols for entry in np.ravel(values)))
    shares: Mapping[tuple[int, int], Any] = {}
    if len(symbols) <= FEW_SYMBOLS:
        shares = reduction.fractions(values, per="copy", form=form, exact=True)
    return [
        {
            "weight": weight,
            "copy": copy,
            "norm": None,
            "share": sympy.latex(shares[weight, copy]) if shares else None,
            "values": np.vectorize(str, otypes=[object])(_array(part)).tolist(),
            "latex": _latex((weight, copy), _array(part), sympy.latex),
        }
        for (weight, copy), part in parts.items()
    ]


def _array(part: Array) -> Array:
    """Return a part of expressions as an array of objects, whatever SymPy keeps it in."""
    return np.array(part.tolist() if hasattr(part, "tolist") else part, dtype=object)


def _latex(key: tuple[int, int], part: Array, written: Any) -> str:
    """Return a part in LaTeX: a number, a vector, a matrix, or its distinct components."""
    weight, copy = key
    name = f"X^{{({weight},{copy})}}"
    if weight == 0:
        return f"{name} = {written(part[()])}"
    if weight < 3:
        rows = np.atleast_2d(part).T if weight == 1 else part
        body = r" \\ ".join(" & ".join(written(entry) for entry in row) for row in rows)
        return rf"{name} = \begin{{pmatrix}} {body} \end{{pmatrix}}"
    lines = []
    for indices in combinations_with_replacement(range(3), weight):
        text = written(part[indices])
        if text != "0":
            letters = "".join("xyz"[index] for index in indices)
            lines.append(rf"{name}_{{{letters}}} &= {text}")
    if not lines:
        return f"{name} = 0"
    return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"

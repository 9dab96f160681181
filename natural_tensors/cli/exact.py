"""Tensors of expressions on the command line: taken apart and put together exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import typer
from rich.text import Text

from ..crystals.forms import form as crystal_form
from ..decomposition.base import ReductionBase
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction
from ..dimensions import reduction as reduction_of
from ..errors import SymmetryError
from ..exact.symbols import Expression, Expressions, canonical
from ..files import writing
from ..files.records import ExactRecord, times
from ..terminal import RefusedError, say, say_facts
from .expressions import (
    common_factor,
    component_lines,
    entries_of,
    listed,
    matrix_lines,
    shown,
    symbols_of,
    to_strings,
)
from .form import asked_group
from .printing import FORM_MEANS, content_of, irrep_of, symmetry_text, title_of

FEW_SYMBOLS = 9
"""Shares of the norm are quotients of squares: they are worked out up to this many symbols."""


@dataclass(frozen=True, eq=False)
class ExactTaken:
    """A tensor of expressions, or a batch, taken apart.

    Attributes:
        record: what was read, or the form under a point group.
        reduction: its class.
        form: the form of the entries.
        values: the entries, symmetrized if asked for.
        parts: ``{(weight, copy): batch + (3,)*weight}``; in the plane a 2 stands for each 3.
        notes: what was decided without being asked.
    """

    record: ExactRecord
    reduction: ReductionBase
    form: Form
    values: Expressions
    parts: dict[tuple[int, int], Expressions]
    notes: tuple[str, ...]

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the leading axes."""
        return self.values.shape[: self.values.ndim - len(self._layout)]

    @property
    def _layout(self) -> tuple[int, ...]:
        return self.reduction.components.layout(self.form).shape

    @cached_property
    def symbols(self) -> list[str]:
        """Names of the symbols in it."""
        return symbols_of(listed(self.values))

    @property
    def round_trip(self) -> int:
        """Number of entries that reconstruction does not give back: none."""
        back = entries_of(self.reduction.reconstruct(self.parts, form=self.form, exact=True))
        pairs = zip(listed(back), listed(self.values), strict=True)
        return sum(canonical(a - b) != 0 for a, b in pairs)

    @cached_property
    def moduli(self) -> dict[str, Expressions]:
        """Voigt averages of bulk (in the plane, area) and shear modulus, for a stiffness."""
        if self.reduction.name != "elastic":
            return {}
        axes = self.reduction.components.axes
        dual = reduction_of("elastic", dimension=axes)
        lame = dual.decompose(self.values, form=self.form, exact=True)
        first, shear = entries_of(lame[0, 0]), entries_of(lame[0, 1])
        bulk = first.copy()
        for place in np.ndindex(first.shape):
            bulk[place] = canonical(first[place] + 2 * shear[place] / axes)
        return {"K": bulk, "G": shear}

    def norm(self, key: tuple[int, int]) -> Expressions:
        """Frobenius norm of a part, of the shape of the batch."""
        import sympy

        rows = self.parts[key].reshape((-1, self.reduction.components.axes ** key[0]))
        norms = [sympy.sqrt(canonical(sum(entry**2 for entry in row))) for row in rows]
        return np.array(norms, dtype=object).reshape(self.batch)


def form_record(reduction: Reduction, symbol: str) -> ExactRecord:
    """Return what a point group leaves of a class of tensors, in symbols."""
    points = asked_group(symbol)
    assert points is not None
    symbolic = crystal_form(reduction, points)
    return ExactRecord(
        f"the form under {points.name}",
        entries_of(symbolic.to_sympy()),
        form=symbolic.written_as,
        name=f"under {points.name}",
    )


def take_apart_exactly(
    record: ExactRecord,
    reduction: ReductionBase,
    written: Form,
    notes: Sequence[str],
    project: bool,
) -> ExactTaken:
    """Return a tensor of expressions, checked and taken apart.

    Args:
        record: what was read.
        reduction: its class.
        written: the form of its entries.
        notes: what was decided without being asked.
        project: whether it is symmetrized first.

    Raises:
        RefusedError: when it violates its index symmetry.
    """
    notes = [*notes]
    values = record.values
    if project:
        values = entries_of(reduction.symmetrize(values, form=written, exact=True))
        notes.append("symmetrized first")
    try:
        parts = reduction.decompose(values, form=written, exact=True)
    except SymmetryError as error:
        reason = str(error).partition("; use invalid=")[0]
        raise RefusedError(
            f"{record.origin}: {reason}\n"
            "symmetrize it with --project, or choose another class with --tensor or --symmetry"
        ) from None
    arrays = {key: entries_of(part) for key, part in parts.items()}
    return ExactTaken(record, reduction, written, values, arrays, tuple(notes))


def exact_document(taken: ExactTaken) -> dict[str, Any]:
    """Return what JSON holds of a tensor taken apart: every entry as text."""
    record = taken.record
    document = writing.about(taken.reduction, taken.form, record.unit, record.name)
    document |= {
        "basis": taken.reduction.basis,
        "batch": list(taken.batch),
        "symbols": taken.symbols,
        "parts": [
            {"weight": key[0], "copy": key[1], "norm": to_strings(taken.norm(key)),
             "values": to_strings(part)}
            for key, part in taken.parts.items()
        ],
    }  # fmt: skip
    if len(taken.symbols) <= FEW_SYMBOLS:
        values, form = taken.values, taken.form
        weights = taken.reduction.fractions(values, form=form, exact=True)
        copies = taken.reduction.fractions(values, per="copy", form=form, exact=True)
        document["shares"] = {
            "weight": {str(weight): to_strings(share) for weight, share in weights.items()},
            "copy": {f"{w},{c}": to_strings(share) for (w, c), share in copies.items()},
        }
    document["moduli"] = {key: to_strings(value) for key, value in taken.moduli.items()}
    document["round_trip"] = taken.round_trip
    return document


def say_exactly(taken: ExactTaken) -> None:
    """Print a tensor taken apart: of each part its distinct components that are not 0."""
    record, reduction = taken.record, taken.reduction
    say_exact_heading(reduction, taken.form, record.unit, record.name, taken.batch, taken.symbols)
    say(*(f"note: {note}" for note in taken.notes))
    for place in np.ndindex(taken.batch):
        if place:
            say("", f"tensor {', '.join(map(str, place))}")
        say("")
        for key, parts in taken.parts.items():
            _say_part(key, np.asarray(parts[place], dtype=object), reduction)
        if taken.moduli:
            bulk, shear = (shown(taken.moduli[name][place]) for name in "KG")
            part = "2/3 μ" if reduction.components.axes == 3 else "μ"
            say("", f"Voigt averages: K = λ + {part} = {bulk}, G = μ = {shear},",
                "with λ = X(0,0), μ = X(0,1) of the dual basis")  # fmt: skip
    wrong = taken.round_trip
    again = f"it differs in {wrong} entries" if wrong else "it is the same tensor, exactly"
    say("", f"put together again {again}")


def _say_part(key: tuple[int, int], part: Expressions, reduction: ReductionBase) -> None:
    weight, copy = key
    head = f"X({weight},{copy}), {irrep_of(reduction, weight, copy)}"
    if weight == 0:
        say(f"{head} = {shown(part[()])}")
        return
    lines = component_lines(part)
    if not lines:
        say(f"{head} = 0")
        return
    factor = common_factor(part)
    say(f"{head}, proportional to {factor}:" if factor is not None else f"{head}:")
    say(*(f"  {line}" for line in lines))


def say_exact_heading(
    reduction: ReductionBase,
    form: Form,
    unit: str | None,
    name: str | None,
    batch: tuple[int, ...],
    symbols: list[str],
) -> None:
    """Print what a tensor of expressions is."""
    title = title_of(reduction) + (f", in {unit}" if unit else "")
    if name is not None:
        title = f"{title} {name}" if name.startswith("under ") else f"{name}: {title}"
    say(Text(title, style="bold"))
    count = f"{times(batch)} tensors, each " if batch else ""
    size = reduction.components.layout(form).shape
    say_facts(
        {
            "symmetry": f"{symmetry_text(reduction)}; {content_of(reduction)}",
            "form": f"{count}{times(size)} ({FORM_MEANS[form]})",
            "basis": reduction.basis,
            "symbols": ", ".join(symbols) or "none; exact numbers",
        }
    )


def say_exact_tensor(reduction: ReductionBase, form: Form, values: Expressions) -> None:
    """Print a tensor of expressions, or a batch: a matrix, or its independent components."""
    size = len(reduction.components.layout(form).shape)
    batch = values.shape[: values.ndim - size]
    components = values
    if size > 2:
        converted = reduction.convert(values, source=form, target="components", exact=True)
        components = entries_of(converted)
    for place in np.ndindex(batch):
        if place:
            say("", f"tensor {', '.join(map(str, place))}")
        one: Expression = np.asarray(components[place], dtype=object)
        if size <= 2 and form != "components":
            say(*(f"  {line}" for line in matrix_lines(one)))
            continue
        named = zip(reduction.components.labels, one.flat, strict=True)
        say(*(f"  {label} = {shown(value)}" for label, value in named if value != 0))


def exact_rows(path: str, values: Expressions) -> str:
    """Return a text table of expressions, an empty line between matrices.

    Raises:
        BadParameter: when a table cannot hold the array.
    """
    if values.ndim > 3:
        raise typer.BadParameter(
            f"{path}: a table cannot hold an array of shape {times(values.shape)}; "
            "write .json, or choose a form with fewer indices by --form"
        )
    matrices = values.reshape((-1, *values.shape[-2:])) if values.ndim > 1 else [[values.ravel()]]
    return "\n\n".join(
        "\n".join(", ".join(str(entry) for entry in row) for row in matrix) for matrix in matrices
    )

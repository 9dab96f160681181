"""What the commands print of tensors in the plane, when asked with ``--dimension 2``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import typer
from rich.text import Text

from ..arrays import to_lists
from ..decomposition.components import Form
from ..decomposition.copies import Basis
from ..errors import SymmetryError
from ..exact.symbols import Expressions
from ..files import writing
from ..files.records import ExactRecord, TensorRecord, Values, times
from ..files.saving import file_error
from ..formatting import number, percent
from ..physical.catalog import catalog
from ..plane.elasticity import NumericSheet, sheet
from ..plane.forms import form
from ..plane.point_groups import GROUPS, point_group
from ..plane.reductions import PlaneReduction, reduction
from ..terminal import RefusedError, say, say_facts, say_json, say_table
from .expressions import entries_of
from .printing import (
    FORM_MEANS,
    ROUNDING,
    content_of,
    irrep_of,
    say_array,
    symmetry_text,
    title_of,
)

BY_SHAPE: dict[tuple[int, ...], str] = {(3, 3): "elastic", (2, 3): "piezoelectric", (2, 2): "ij",
                                        (2,): "i", (3,): "ij=ji"}  # fmt: skip
"""What a matrix or a list without a class is taken for."""


def asked_class(
    name: str | None, symmetry: str | None, axial: bool, basis: str
) -> PlaneReduction | None:
    """Return the class in the plane that the command line names, if it names one."""
    if name is not None and symmetry is not None:
        raise typer.BadParameter("give the name of a tensor or --symmetry, not both")
    text = symmetry if name is None else name
    if text is None:
        return None
    return reduction(text, axial=axial, basis=cast("Basis", basis))


# --- show -----------------------------------------------------------------------------------------


def say_class(chosen: PlaneReduction) -> None:
    """Print what is inside a class."""
    say(Text(title_of(chosen), style="bold"), "")
    kind = "axial" if chosen.symmetry.axial else "polar"
    facts = {"symmetry": f"{symmetry_text(chosen)} ({kind}, rank {chosen.rank})"}
    if chosen.name:
        entry = catalog[chosen.name]
        facts |= {"meaning": entry.relation, "source": entry.source}
    say_facts(facts | {"irreps": content_of(chosen)})
    say("")
    rows = [("0", "even", str(chosen.scalars), "1"), ("0", "odd", str(chosen.pseudoscalars), "1")]
    rows += [(str(w), "", str(n), "2") for w, n in chosen.multiplicities.items() if w]
    say_table(
        (">weight", "under a mirror", ">copies", ">components of each"),
        [row for row in rows if row[2] != "0"],
    )


def class_document(chosen: PlaneReduction, with_formulas: bool) -> dict[str, Any]:
    """Return what JSON says of a class."""
    formulas = {"text": chosen.formula(), "latex": chosen.latex()} if with_formulas else None
    return {
        "name": chosen.name,
        "plane": True,
        "symmetry": str(chosen.symmetry),
        "axial": chosen.symmetry.axial,
        "rank": chosen.rank,
        "dimension": chosen.dimension,
        "irreps": chosen.irreps,
        "multiplicities": {str(weight): n for weight, n in chosen.multiplicities.items()},
        "pseudoscalars": chosen.pseudoscalars,
        "basis": chosen.basis,
        "copies": [list(key) for key in chosen.copies],
        "components": list(chosen.components.labels),
        "formulas": formulas,
    }


# --- form -----------------------------------------------------------------------------------------


def show_form(chosen: PlaneReduction, group: str | None, latex: bool, as_json: bool) -> None:
    """Print the form that a point group of the plane leaves, or the counts under every group."""
    if group is None:
        _say_counts(chosen, as_json)
        return
    derived = form(chosen, group)
    if as_json:
        say_json(
            {
                "class": chosen.name,
                "plane": True,
                "symmetry": str(chosen.symmetry),
                "axial": chosen.symmetry.axial,
                "group": derived.group.symbol,
                "form": derived.written_as,
                "independent": derived.independent,
                "per_weight": {str(weight): n for weight, n in derived.per_weight.items()},
                "parameters": list(derived.parameters),
                "relations": dict(derived.relations),
            }
        )
    elif latex:
        say(derived.latex())
    else:
        say(Text(f"{title_of(chosen)} under {derived.group}", style="bold"), "")
        lines = derived.matrix_lines()
        say(*(f"  {line}" for line in lines))
        say("", "independent: " + (", ".join(derived.parameters) or "none"))
        say("", *derived.relation_lines())


def _say_counts(chosen: PlaneReduction, as_json: bool) -> None:
    forms = {name: form(chosen, name) for name in GROUPS}
    if as_json:
        rows = [
            {"group": name, "independent": derived.independent,
             "parameters": list(derived.parameters)}
            for name, derived in forms.items()
        ]  # fmt: skip
        say_json({"class": chosen.name, "plane": True, "groups": rows})
        return
    say(Text(f"{title_of(chosen)}, under every point group", style="bold"), "")
    weights = list(chosen.multiplicities)
    say_table(
        ("group", "system", ">independent", *(f">weight {weight}" for weight in weights)),
        [
            (name, point_group(name).system, str(derived.independent),
             *(str(derived.per_weight[weight] or "·") for weight in weights))
            for name, derived in forms.items()
        ],
    )  # fmt: skip


# --- decompose ------------------------------------------------------------------------------------


def form_record(chosen: PlaneReduction, symbol: str) -> ExactRecord:
    """Return what a point group of the plane leaves of a class, in symbols."""
    derived = form(chosen, symbol)
    name = f"under {derived.group.symbol}"
    entries = entries_of(derived.to_sympy())
    return ExactRecord(f"the form {name}", entries, form=derived.written_as, name=name)


def recognized(
    record: TensorRecord | ExactRecord, chosen: PlaneReduction | None, basis: str, stated: str
) -> tuple[PlaneReduction, Form, bool]:
    """Return the class and the form of a tensor of the plane, and whether the class was guessed.

    Raises:
        FileError: when its shape says no class.
    """
    guessed = chosen is None and record.tensor is None
    if chosen is None:
        text = _guessed(record) if record.tensor is None else record.tensor
        chosen = reduction(text, axial=bool(record.axial), basis=cast("Basis", basis))
    if stated != "auto":
        return chosen, cast("Form", stated), guessed
    return chosen, record.form or _form(chosen, record.values), guessed


def decompose(
    record: TensorRecord, chosen: PlaneReduction, written: Form, notes: Sequence[str],
    project: bool,
) -> tuple[dict[str, Any], Callable[[bool], None]]:  # fmt: skip
    """Take a tensor of the plane apart; return it as JSON holds it, and what prints it.

    Raises:
        FileError: when its shape does not fit.
        RefusedError: when it violates its index symmetry.
    """
    values = record.values
    try:
        parts = chosen.decompose(values, form=written, invalid="project" if project else "raise")
        shares = chosen.fractions(values, form=written, invalid="project" if project else "raise")
    except SymmetryError as error:
        reason = str(error).partition("; use invalid=")[0]
        raise RefusedError(f"{record.origin}: {reason}\nsymmetrize it with --project") from None
    except ValueError as error:
        raise file_error(record.origin, str(error)) from None
    elastic = None
    if chosen.name == "elastic" and not project:
        elastic = cast("NumericSheet", sheet(values, form=written))

    def say_it(verbose: bool) -> None:
        """Print the parts, and of a stiffness its moduli."""
        _say_parts(record, chosen, written, notes, parts, shares, verbose)
        if elastic is not None:
            say("", repr(elastic) if not elastic.stiffness[0].ndim else repr(elastic)[1:-1])

    return _document(record, chosen, written, parts, shares, elastic), say_it


def _guessed(record: TensorRecord | ExactRecord) -> str:
    for length in (2, 1):
        guess = BY_SHAPE.get(record.values.shape[-length:])
        if guess and record.values.ndim >= length:
            return guess
    raise file_error(
        record.origin,
        f"nothing says what an array of shape {times(record.values.shape)} is in the plane",
        "give its --tensor or --symmetry",
    )


def _form(chosen: PlaneReduction, values: Values | Expressions) -> Form:
    """Return the first form whose shape the last axes have."""
    voigt = chosen.voigt_form or "voigt"
    layout = chosen.components.layout
    candidates: list[Form] = ["full", *([voigt] if chosen.components.pairs else [])]
    for candidate in candidates:
        shape = layout(candidate).shape
        if values.shape[values.ndim - len(shape) :] == shape:
            return candidate
    return "components" if values.shape == (chosen.dimension,) else "full"


def _document(
    record: TensorRecord, chosen: PlaneReduction, written: Form, parts: dict[tuple[int, int], Any],
    shares: dict[int, Any], elastic: NumericSheet | None,
) -> dict[str, Any]:  # fmt: skip
    size = len(chosen.components.layout(written).shape)
    document = writing.about(chosen, written, record.unit, record.name)
    document |= {
        "basis": chosen.basis,
        "batch": list(record.values.shape[: record.values.ndim - size]),
        "parts": [
            {"weight": w, "copy": c, "values": to_lists(part)} for (w, c), part in parts.items()
        ],
        "shares": {str(weight): to_lists(share) for weight, share in shares.items()},
    }
    if elastic is not None:
        document["moduli"] = {
            "K": to_lists(elastic.area_modulus),
            "G": to_lists(elastic.shear_modulus),
            "E": to_lists(elastic.young_modulus),
            "nu": to_lists(elastic.poisson_ratio),
        }
        document["polar"] = {k: to_lists(v) for k, v in elastic.polar_parameters.items()}
        document["stable"] = elastic.stable.tolist()
    return document


def _say_parts(
    record: TensorRecord, chosen: PlaneReduction, written: Form, notes: Sequence[str],
    parts: dict[tuple[int, int], Any], shares: dict[int, Any], verbose: bool,
) -> None:  # fmt: skip
    title = title_of(chosen) + (f", in {record.unit}" if record.unit else "")
    say(Text(f"{record.name}: {title}" if record.name else title, style="bold"))
    shape = chosen.components.layout(written).shape
    say_facts(
        {
            "symmetry": f"{symmetry_text(chosen)}; {content_of(chosen)}",
            "form": f"{times(shape)} ({FORM_MEANS[written]})",
            "basis": chosen.basis,
        }
    )
    say(*(f"note: {note}" for note in notes), "")
    largest = float(np.abs(record.values).max(initial=0))
    noise = ROUNDING * float(np.finfo(record.values.dtype).eps) * largest
    rows = []
    for (weight, copy), part in parts.items():
        norms = np.sqrt(np.sum(part.reshape((*part.shape[: part.ndim - weight], -1)) ** 2, axis=-1))
        share = np.atleast_1d(shares[weight])
        single = not weight and not np.ndim(part)
        rows.append(
            (
                f"X({weight},{copy})",
                irrep_of(chosen, weight, copy),
                number(float(np.mean(norms)), noise=noise),
                number(float(part), noise=noise) if single else "",
                percent(float(np.nanmean(share))) if copy == 0 else "",
            )
        )
    say_table(("part", "irrep", ">norm", ">value", ">share of weight"), rows)
    if parts and next(iter(parts.values())).ndim > next(iter(parts))[0]:
        say("", "norms and shares are means over the batch")
    if verbose:
        for (weight, copy), part in parts.items():
            say("", f"X({weight},{copy})")
            say_array(part, weight, noise)

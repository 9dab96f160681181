"""The commands that say what is known: list, show, examples."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer
from rich.text import Text

from .. import examples, limits
from ..arrays import to_lists
from ..decomposition.base import ReductionBase
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction
from ..files import recognition, records, writing
from ..formatting import matrix
from ..physical.catalog import catalog
from ..physical.entry import PhysicalTensor
from ..so3.blocks import block_size
from ..terminal import examples_of, one_of, say, say_facts, say_json, say_table, warn
from . import plane
from .app import app
from .options import (
    AxialOption,
    BasisOption,
    DimensionOption,
    JsonOption,
    LatexOption,
    SymmetryOption,
    asked_class,
)
from .printing import FORM_MEANS, content_of, parity_word, symmetry_text, title_of

FLOOD = 4000
"""Characters of formulas that ``show`` prints without being asked to; JSON has them all."""

SHORTEST = 30
"""Characters that the formulas of a copy take at least: its term, and the line that extracts it."""

LONG = 10_000
"""Terms of formulas that take a while."""

CHARACTERS = 22
"""Of a term, about."""


@app.command(
    "list",
    epilog=examples_of("natural-tensors", "list", "list piezo", "list --rank 4", "list --json"),
)
def list_tensors(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only what mentions this.")
    ] = None,
    rank: Annotated[
        int | None, typer.Option("--rank", min=0, help="Only tensors with so many indices.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the physical tensors that have a name here.

    The irreps are in the notation of e3nn: 2x0e+1x4e is two scalars and one part
    of weight 4, all even under inversion.
    """
    wanted = {
        field: [catalog[name] for name in names if _wanted(catalog[name], field, text, rank)]
        for field, names in catalog.fields
    }
    chosen = [(field, entries) for field, entries in wanted.items() if entries]
    if as_json:
        rows = [_catalog_row(entry, field) for field, entries in chosen for entry in entries]
        say_json({"tensors": rows})
        return
    if not chosen:
        say(f"none of the {len(catalog)} tensors fits; `natural-tensors list` shows them all")
        return
    columns = ("name", "symbol", ">rank", "symmetry", "irreps", "time reversal", "unit")
    table: list[tuple[str, ...]] = []
    for field, entries in chosen:
        table.append((f"# {field}",))
        for entry in entries:
            row = _catalog_row(entry, field)
            row["time reversal"] = parity_word(entry.time_reversal)
            table.append(tuple(str(row[column.lstrip(">")]) for column in columns))
    say_table(columns, table)
    count = sum(len(entries) for _, entries in chosen)
    say("", f"{count} of {len(catalog)} tensors; `natural-tensors show NAME` explains one")


def _wanted(entry: PhysicalTensor, field: str, text: str | None, rank: int | None) -> bool:
    words = (entry.name, entry.title, entry.symmetry, entry.jahn, entry.relation, field)
    known = " ".join((*words, *entry.aliases)).casefold()
    return (text is None or text.casefold() in known) and rank in (None, entry.rank)


def _catalog_row(entry: PhysicalTensor, field: str) -> dict[str, Any]:
    # asked for by its symmetry, so that all tensors of one class share one reduction
    reduction = recognition.tensor_class(entry.symmetry, axial=entry.axial)
    return {
        "name": entry.name,
        "title": entry.title,
        "field": field,
        "symbol": entry.symbol,
        "rank": entry.rank,
        "symmetry": entry.symmetry,
        "axial": entry.axial,
        "dimension": reduction.dimension,
        "irreps": reduction.irreps,
        "time_reversal": entry.time_reversal,
        "jahn": entry.jahn,
        "unit": entry.unit,
        "aliases": list(entry.aliases),
    }


# --- show -----------------------------------------------------------------------------------------


@app.command(
    epilog=examples_of(
        "natural-tensors",
        "show elastic",
        "show elastic --basis orthonormal",
        "show --symmetry 'ijk=ikj'",
        "show --symmetry 'ij=-ji' --axial --json",
        "show third-order-elastic --latex > formulas.tex",
        "show elastic --dimension 2",
    )
)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name from `natural-tensors list`.")
    ] = None,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    basis: BasisOption = "dual",
    formulas: Annotated[
        str,
        typer.Option(
            "--formulas",
            metavar="auto|all|none",
            callback=one_of(("auto", "all", "none")),
            help="auto leaves out those of a class so large that they would flood the screen.",
        ),
    ] = "auto",
    dimension: DimensionOption = 3,
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Explain a tensor: its irreducible parts and the formulas that lead to them and back."""
    reduction = (
        asked_class(name, symmetry, axial, basis, "NAME")
        if dimension == 3
        else plane.asked_class(name, symmetry, axial, basis)
    )
    if reduction is None:
        raise typer.BadParameter("name a tensor, or give its --symmetry 'ijk=ikj'")
    wanted = latex or (formulas != "none" and (as_json or formulas == "all"))
    terms = _check_formulas(reduction, wanted)
    floods = len(reduction.copies) * SHORTEST > FLOOD
    text = ""
    if formulas != "none" and not (as_json or latex) and (wanted or not floods):
        text = reduction.formula()
    shown = formulas == "all" or 0 < len(text) <= FLOOD
    if as_json:
        if isinstance(reduction, Reduction):
            say_json(_class_document(reduction, formulas != "none"))
        else:
            say_json(plane.class_document(reduction, formulas != "none"))
    elif latex:
        say(reduction.latex())
    else:
        if isinstance(reduction, Reduction):
            _say_class(reduction)
        else:
            plane.say_class(reduction)
        if shown:
            say("", Text(f"Formulas ({basis} basis)", style="bold"), text)
            say("", "repeated indices are summed; ⟨ ⟩ is the symmetric traceless part")
        elif formulas == "auto":
            size = f"{len(text):,} characters" if text else f"about {terms:,} terms"
            say("", f"its formulas take {size}; --formulas all prints them")


def _check_formulas(reduction: ReductionBase, wanted: bool) -> int:
    """Return about how many terms the formulas have; say so, and go on, where that takes long.

    Each weight is derived here, so that there is something to say while the time passes.

    Raises:
        LimitError: when they are wanted and are more than the limit ``formulas``.
    """
    counts = reduction.multiplicities
    terms = sum(count * (count + 1) for count in counts.values())
    if not wanted:
        return terms
    limits.check("formulas", terms, f"{reduction.symmetry} has formulas of about {terms:,}")
    if terms > LONG:
        size = f"about {terms:,} terms, {CHARACTERS * terms // 1_000_000 + 1} MB"
        warn("note", f"the formulas have {size}: this takes minutes; Ctrl-C ends it", "bold")
        for weight, count in counts.items():
            warn("note", f"weight {weight} of {max(counts)}: {count:,} copies", "bold")
            reduction.weight_space(weight)
        warn("note", "writing the formulas", "bold")
    return terms


def _say_class(reduction: Reduction) -> None:
    say(Text(title_of(reduction), style="bold"), "")
    kind = "axial" if reduction.symmetry.axial else "polar"
    facts = {
        "symmetry": f"{symmetry_text(reduction)} ({kind}, rank {reduction.rank})",
        "inversion": parity_word(reduction.parity),
    }
    if reduction.name:
        entry = catalog[reduction.name]
        facts |= {
            "meaning": entry.relation,
            "time reversal": parity_word(entry.time_reversal),
            "Jahn symbol": entry.jahn,
            "unit": entry.unit,
            "also called": ", ".join(entry.aliases),
            "source": entry.source,
        }
    say_facts(facts | {"irreps": content_of(reduction)})
    say("")
    say_table(
        (">weight", "parity", ">copies", ">components of each"),
        [
            (str(weight), parity_word(reduction.parity), str(count), str(block_size(weight)))
            for weight, count in reduction.multiplicities.items()
        ],
    )


def _class_document(reduction: Reduction, with_formulas: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": reduction.name,
        "symmetry": str(reduction.symmetry),
        "axial": reduction.symmetry.axial,
        "rank": reduction.rank,
        "dimension": reduction.dimension,
        "parity": reduction.parity,
        "irreps": reduction.irreps,
        "multiplicities": {str(weight): n for weight, n in reduction.multiplicities.items()},
        "basis": reduction.basis,
        "copies": [list(key) for key in reduction.copies],
        "components": list(reduction.components.labels),
    }
    if reduction.name:
        entry = catalog[reduction.name]
        document |= {
            "title": entry.title,
            "symbol": entry.symbol,
            "relation": entry.relation,
            "time_reversal": entry.time_reversal,
            "jahn": entry.jahn,
            "unit": entry.unit,
            "aliases": list(entry.aliases),
            "source": entry.source,
        }
    document["formulas"] = (
        {"text": reduction.formula(), "latex": reduction.latex()} if with_formulas else None
    )
    return document


@app.command(
    "examples",
    epilog=examples_of(
        "natural-tensors", "examples", "examples quartz", "examples mp-559 --json > C.json"
    ),
)
def list_examples(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this one: a name or a formula.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the crystals shipped with the package, or print one.

    With --json, one crystal is printed as a file that decompose reads.
    """
    if name is not None:
        _say_example(examples.load(name), as_json)
        return
    shipped = [examples.load(word) for word in examples.names()]
    keys = ("name", "formula", "crystal_system", "tensor", "unit", "source")
    rows = [{key: getattr(example, key) for key in keys} for example in shipped]
    if as_json:
        say_json({"examples": rows})
        return
    say_table([key.replace("_", " ") for key in keys], [tuple(row.values()) for row in rows])
    say("", "`natural-tensors decompose --example NAME` takes one apart")


def _say_example(example: examples.Example, as_json: bool) -> None:
    form = cast("Form", example.form)
    if as_json:
        reduction = recognition.tensor_class(example.tensor)
        document = writing.about(reduction, form, example.unit, example.name)
        say_json(document | {"source": example.source, "tensor": to_lists(example.values)})
        return
    group = f", point group {example.point_group}" if example.point_group else ""
    group += f", space group {example.spacegroup}" if example.spacegroup else ""
    say(Text(example.title, style="bold"))
    say_facts(
        {
            "name": example.name,
            "formula": example.formula,
            "symmetry": example.crystal_system + group,
            "tensor": f"{example.tensor}, in {example.unit}",
            "form": f"{records.times(example.values.shape)} ({FORM_MEANS[form]})",
            "source": example.source,
        }
    )
    say("", *(f"  {line}" for line in matrix(example.values)))

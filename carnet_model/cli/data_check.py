"""The command ``data check``: labels against the symmetry of their crystals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer

from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, say, warn

from ..data.examples import Example
from ..data.label_checks import TOLERANCE, Repair
from ..data.labels import LabelSource
from ..data.reading import read_examples
from ..structures.symmetry import SYMPREC
from .app import data
from .labelled_data import label_source
from .options import FormOption, KeyOption, UnitOption


@data.command(
    "check",
    epilog=examples_of(
        "carnet",
        "data check data.json.gz",
        "data check data.json.gz --repair --drop -o mended.json",
        "data check dielectric.json --label dielectric --key eps --form full",
    ),
)
def check(
    path: Annotated[str, typer.Argument(metavar="DATA", help="Structures with labels.")],
    label: Annotated[
        str,
        typer.Option("--label", metavar="NAME", help="A named tensor, or an index symmetry."),
    ] = "elastic",
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, help="Share of its norm by which a label may be off."),
    ] = TOLERANCE,
    symprec: Annotated[
        float,
        typer.Option(
            "--symprec", min=1e-6, max=0.3, help="Å, within which positions are equivalent."
        ),
    ] = SYMPREC,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Rotate labels that fit when stated in other known axes."),
    ] = False,
    average: Annotated[
        bool,
        typer.Option("--average", help="Replace violating labels by their mean over the group."),
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Leave out labels still violating.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the mended data go, as .json."),
    ] = None,
) -> None:
    """Hold every label against the point group of its crystal: a wrong frame is the usual error.

    Reports labels that violate it, how far, and what would mend them. The exit code is 1 when
    there are any and none of --repair, --average, --drop says what to do.
    """
    from ..data import label_checks
    from ..data.text import check_text

    mending = repair or average or drop
    if mending != (output is not None):
        raise typer.BadParameter(
            "--repair, --average and --drop need --output, and --output needs one of them"
        )
    if output is not None:
        saving.check_suffix(output, (".json",))
    source = label_source(label, key, form, unit)
    examples = read_examples(path, source, for_training=False, on_error="skip")
    for fault in examples.faults:
        warn("warning", str(fault), "bold yellow")
    report = label_checks.check(examples, label, symprec=symprec, tolerance=tolerance)
    say(check_text(report))
    kept: list[Example | None] = list(examples)
    untouched = 0
    for finding in report.findings:
        offers = label_checks.repair(
            examples[finding.index], label, symprec=symprec, tolerance=tolerance
        )
        frames = [offer for offer in offers if offer.kind == "frame"]
        chosen = None
        if repair and frames:
            chosen = frames[0]
        elif average:
            chosen = next(offer for offer in offers if offer.kind == "average")
        elif drop:
            chosen = offers[-1]
        untouched += chosen is None
        if chosen is not None:
            kept[finding.index] = chosen.example
        say(f"  {finding.identifier}: {chosen if chosen is not None else _offered(offers)}")
    if output is None:
        if report.findings:
            raise typer.Exit(1)
        return
    left = [example for example in kept if example is not None]
    rows = [_record(example, source) for example in left]
    text = "[\n" + ",\n".join(json.dumps(row, default=_json) for row in rows) + "\n]\n"
    saving.write_bytes(output, text.encode())
    say("", f"{len(left)} of {len(examples)} examples written to {output}")
    if untouched:
        warn("warning", f"{untouched} of them still violate their point group", "bold yellow")


def _offered(offers: Sequence[Repair]) -> str:
    """Return what could be done, the likeliest first."""
    flags = {"frame": "--repair", "average": "--average", "drop": "--drop"}
    return "; or ".join(f"{flags[offer.kind]}: {offer.what}" for offer in offers)


def _record(example: Example, source: LabelSource) -> dict[str, Any]:
    """Return an example as a record that the same label options read again."""
    structure = example.geometry
    record: dict[str, Any] = {
        "id": example.identifier,
        "formula": example.formula,
        **{name: value for name, value in example.notes.items() if name not in ("id", "formula")},
        "numbers": structure.numbers.tolist(),
        "positions": structure.positions.tolist(),
        "periodic": list(structure.periodic),
    }
    if structure.cell.any():
        record["lattice"] = structure.cell.tolist()
    record[source.key or source.name] = source.written(example.labels[source.name]).tolist()
    return record


def _json(value: object) -> object:
    """Return what JSON has for numbers and arrays of NumPy, and for anything else its text."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)

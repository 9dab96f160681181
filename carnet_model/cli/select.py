"""The command ``select``: what to compute next."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, say, say_table, warn

from ..prediction import formats
from ..prediction.inputs import read
from ..prediction.predictor import Predictor, load
from ..prediction.result import Failure, Prediction
from .app import app, check_extras
from .options import PROGRESS_FROM, ModelOption, TargetOption

SHOWN = 20
"""Chosen structures that are printed."""

Writer: TypeAlias = Callable[[Sequence[Prediction | Failure], Predictor], str]


def _as_json(results: Sequence[Prediction | Failure], predictor: Predictor) -> str:
    return saving.to_json(formats.as_document(results, predictor)) + "\n"


WRITERS: Mapping[str, Writer] = {
    ".extxyz": formats.as_extxyz,
    ".xyz": formats.as_extxyz,
    ".csv": formats.as_csv,
    ".json": _as_json,
}
"""How the chosen structures are written, by the ending of the file."""


@app.command(
    "select",
    epilog=examples_of(
        "carnet",
        "select pool/ -n 100 -o next.extxyz",
        "select candidates.extxyz -n 20 --model runs/ensemble",
    ),
)
def select(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="POOL...", help="Files and folders, as predict reads them."),
    ],
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, help="How many to choose.")
    ] = 100,
    model: ModelOption = "elastic",
    target: TargetOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the chosen structures with their predictions: .extxyz, .csv, .json.",
        ),
    ] = None,
) -> None:
    """Choose what to compute next: structures that the networks disagree on, unlike each other.

    The first is the one with the largest spread of the ensemble; each further one is what the
    chosen leave most uncertain, as near structures err alike. Those that the training set
    holds are left out. The model is an ensemble.
    """
    check_extras()
    if output is not None:
        saving.check_suffix(output, tuple(WRITERS))
    from ..selection.pool import select as choose

    predictor = load(model, target=target)
    pool = list(read(paths))
    shown = sys.stderr.isatty() and len(pool) >= PROGRESS_FROM
    found = choose(predictor, pool, count, progress=shown)
    for failure in found.failures:
        warn("error", str(failure), "bold red")
    if output is not None:
        text = WRITERS[Path(output).suffix.lower()](found.chosen, predictor)
        saving.write_bytes(output, text.encode(errors="backslashreplace"))
    rows = [
        (str(place), result.name, result.formula, f"{spread:.3g}", f"{left:.3g}")
        for place, (result, spread, left) in enumerate(
            zip(found.chosen, found.uncertainty, found.left, strict=True), start=1
        )
    ]
    say_table((">", "name", "formula", ">uncertainty", ">left"), rows[:SHOWN])
    if len(rows) > SHOWN:
        say(f"and {len(rows) - SHOWN} more{'' if output else '; -o FILE writes all'}")
    say(
        "",
        f"{len(rows)} of {found.pool} structures chosen; {found.known} are in the training set, "
        f"{len(found.failures)} cannot be predicted",
        "uncertainty: spread of the ensemble; left: what those above leave of it",
    )
    if output is not None:
        say(f"written to {output}")

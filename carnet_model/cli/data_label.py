"""The command ``data label``: structures with what a model predicts for them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from natural_tensors.errors import InputError
from natural_tensors.terminal import examples_of, say

from .app import check_extras, data
from .data_moduli import OutputOption
from .options import PROGRESS_FROM, ModelOption, StructuresArgument, TargetOption


@data.command(
    "label",
    epilog=examples_of(
        "carnet", "data label structures.json.gz --most-atoms 12 --spread 0.3 -o taught.json.gz"
    ),
)
def label(
    paths: StructuresArgument,
    output: OutputOption,
    model: ModelOption = "elastic",
    target: TargetOption = None,
    spread: Annotated[
        float | None,
        typer.Option(
            "--spread",
            metavar="SHARE",
            min=0,
            help="Leave out tensors that are more uncertain than this share of their size.",
        ),
    ] = None,
    most_atoms: Annotated[
        int | None,
        typer.Option(
            "--most-atoms", metavar="N", min=1, help="Leave out structures with more atoms."
        ),
    ] = None,
) -> None:
    """Write structures with the tensors that a model predicts, to teach a smaller network.

    What is left out is counted: structures that cannot be read, are refused or doubtful, and those
    of reserved compositions.
    """
    check_extras()
    from ..data.text import counts_text
    from ..prediction import labelling
    from ..prediction.inputs import read
    from ..prediction.predictor import load
    from ..prediction.progress import progress_bar

    predictor = load(model, target=target)
    if predictor.target.potential:
        raise InputError(
            f"{predictor.title} predicts energies; a tensor is needed\n"
            "name a model of tensors by --model: `carnet models` lists those that are shipped"
        )
    entries = list(read(paths))
    shown = sys.stderr.isatty() and len(entries) >= PROGRESS_FROM
    with progress_bar(len(entries), shown) as advance:
        counts = labelling.label(
            entries, predictor, output, spread=spread, most_atoms=most_atoms, advance=advance
        )
    say(counts_text(counts, output))

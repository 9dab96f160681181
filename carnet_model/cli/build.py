"""The command ``build``: the C++ program of a network, built and kept for all that predicts."""

from __future__ import annotations

import time
from typing import Annotated, get_args

import typer

from natural_tensors.terminal import examples_of, none_or_one_of, say

from ..cpp.files import Precision
from ..inference.networks import PRECISIONS
from ..inference.programs import build_program
from ..prediction.predictor import found
from .app import app, check_extras


@app.command(
    "build",
    epilog=examples_of(
        "carnet", "build elastic", "build runs/mine/model", "build elastic --precision single"
    ),
)
def build(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Shipped weights, or the folder of a checkpoint.")
    ] = "elastic",
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="TYPE",
            callback=none_or_one_of(PRECISIONS),
            help="single (predict takes it) or double (the calculator of ASE does); both when "
            "left out.",
        ),
    ] = None,
) -> None:
    """Build the C++ program of a network: predictions start in a second, without PyTorch.

    It is kept in the cache, where predict and the calculator of ASE find it, for this processor
    and this version; whoever has it needs no compiler any more. What is built already stays.
    """
    check_extras()
    folder = found(model)
    for kind in get_args(Precision):
        if precision in (None, kind):
            start = time.monotonic()
            networks, fresh = build_program(folder, kind)
            took = f"built in {time.monotonic() - start:.1f} s" if fresh else "is built already"
            say(f"{model}, {kind} precision: {took}", f"  {networks.network.weights.parent}")

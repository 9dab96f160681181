"""The command that exports a potential to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from natural_tensors.cli import say

from .. import prediction
from ..prediction import Precision
from .program import PrecisionOption, app, check_extras, examples_of


@app.command(
    "export",
    epilog=examples_of(
        "export runs/mine/model -o mine.pt2",
        "export runs/mine/model -o mine.pt2 --aot --precision single",
    ),
)
def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Shipped weights, or the folder of a checkpoint.")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where it goes: .pt2.")
    ],
    aot: Annotated[
        bool,
        typer.Option(
            "--aot", help="Compile for this processor: minutes now, faster to load and to run."
        ),
    ] = False,
    precision: PrecisionOption = "double",
) -> None:
    """Write a potential to one file that PyTorch alone runs, for torch-sim and LAMMPS.

    The file is compared with the network before it is kept.
    """
    check_extras()
    from .. import exporting

    predictor = prediction.load(model, precision=cast(Precision, precision))
    found = exporting.export(predictor, output, aot=aot)
    size = Path(output).stat().st_size / 1e6
    say(str(found), f"written to {output}: {size:.1f} MB")

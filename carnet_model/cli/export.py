"""The command ``export``: a potential in one file that PyTorch alone runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from natural_tensors.terminal import examples_of, fail, say

from ..prediction.predictor import Precision, load
from .app import app, check_extras
from .options import PrecisionOption


@app.command(
    "export",
    epilog=examples_of(
        "carnet",
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
    from ..export.exported import ExportError
    from ..export.exporting import export

    predictor = load(model, precision=cast(Precision, precision))
    try:
        exported = export(predictor, output, aot=aot)
    except ExportError as error:
        fail(2, str(error))
    size = Path(output).stat().st_size / 1e6
    say(str(exported), f"written to {output}: {size:.1f} MB")

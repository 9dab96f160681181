"""Options that several commands of ``carnet`` share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from natural_tensors.elasticity.units import PRESSURES
from natural_tensors.files.label_forms import LABEL_FORMS
from natural_tensors.terminal import none_or_one_of, one_of

from ..inference.networks import PRECISIONS

SPLITS = ("all", "train", "val", "reserved")
"""Which examples of a file are meant."""

PROGRESS_FROM = 20
"""As many structures show a progress bar on a terminal."""


StructuresArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES...", help="CIF, POSCAR, extended XYZ, JSON, ASE databases, folders."
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="NAME", help="Shipped weights, or the folder of a checkpoint."
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        metavar="NAME",
        help="Which tensor of a model that predicts several; its first when left out.",
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="TYPE",
        callback=one_of(PRECISIONS),
        help="single computes in float32, double in float64.",
    ),
]
BatchOption = Annotated[
    int | None,
    typer.Option("--batch", metavar="N", min=1, help="Most structures computed at once."),
]
MostAtomsOption = Annotated[
    int | None,
    typer.Option("--most-atoms", metavar="N", min=1, help="Leave out larger crystals."),
]
PartOption = Annotated[
    str | None,
    typer.Option("--part", metavar="I/N", help="Do one part of the crystals only."),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="Key or column of the label.")
]
FormOption = Annotated[
    str | None,
    typer.Option(
        "--form",
        metavar="FORM",
        callback=none_or_one_of(tuple(LABEL_FORMS)),
        help="How the label is written: upper is the upper triangle of the Voigt matrix.",
    ),
]
UnitOption = Annotated[
    str | None,
    typer.Option("--unit", metavar="UNIT", help=f"Unit of the label: {', '.join(PRESSURES)}, ..."),
]


def share_of(option: str, text: str | None) -> tuple[int, int]:
    """Return which share of how many the text of an option, such as 3/100, means; without, all.

    Raises:
        typer.BadParameter: when it means none.
    """
    if text is None:
        return 1, 1
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise typer.BadParameter(f"{option} {text}: allowed are shares such as 1/100 .. 100/100")
    return int(match[1]), int(match[2])

"""Options that several commands of ``carnet`` share."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from natural_tensors import catalog
from natural_tensors.elasticity.units import PRESSURES
from natural_tensors.files.label_forms import LABEL_FORMS, LabelFormName
from natural_tensors.terminal import (
    none_or_one_of,
    one_of,
)

from ..data.labels import LabelSource
from ..network.targets import Target
from ..prediction import predictor

SPLITS = ("all", "train", "val", "reserved")


PROGRESS_FROM = 20
"""As many structures show a progress bar on a terminal."""


ModelOption = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="NAME", help="Shipped weights, or the folder of a checkpoint."
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target", "-t", metavar="NAME",
        help="Which tensor of a model that predicts several; its first when left out.",
    ),
]  # fmt: skip
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision", metavar="TYPE", callback=one_of(predictor.PRECISIONS),
        help="single computes in float32, double in float64.",
    ),
]  # fmt: skip
BatchOption = Annotated[
    int | None,
    typer.Option("--batch", metavar="N", min=1, help="Most structures computed at once."),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="Key or column of the label.")
]
FormOption = Annotated[
    str | None,
    typer.Option(
        "--form", metavar="FORM", callback=none_or_one_of(tuple(LABEL_FORMS)),
        help="How the label is written: upper is the upper triangle of the Voigt matrix.",
    ),
]  # fmt: skip
UnitOption = Annotated[
    str | None,
    typer.Option("--unit", metavar="UNIT", help=f"Unit of the label: {', '.join(PRESSURES)}, ..."),
]


def label_source(
    name: str, key: str | None, form: str | None, unit: str | None, target: Target | None = None
) -> LabelSource:
    """Return where a label stands; a stiffness as in this project's JSON when nothing is said."""
    ours = name == "elastic" and key is None and form is None
    return LabelSource(
        name,
        key=key or ("C" if ours else name),
        form=cast(LabelFormName, form or ("upper" if ours else "full")),
        unit=unit or ("GPa" if name == "elastic" else ""),
        kept="" if target is None else target.unit,
        symmetry=target.tensor if target else "" if name in catalog else name,
        axial=target is not None and target.axial,
        sites="all" if target and target.pooling == "atoms" else "",
    )

"""Options that several commands of ``natural-tensors`` share."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from ..decomposition.components import FORMS
from ..decomposition.copies import BASES, Basis
from ..decomposition.reductions import Reduction
from ..files import recognition
from ..physical.catalog import catalog
from ..so3.harmonics import NORMALIZATIONS
from ..terminal import one_of

FileArgument = Annotated[
    str | None, typer.Argument(metavar="FILE", help="JSON, CSV, TXT or NPY; - reads stdin.")
]
ExampleOption = Annotated[
    str | None,
    typer.Option("--example", metavar="NAME", help="A crystal of `natural-tensors examples`."),
]
TensorOption = Annotated[
    str | None,
    typer.Option("--tensor", metavar="NAME", help="What it is: `natural-tensors list`."),
]
FormOption = Annotated[
    str,
    typer.Option(
        "--form",
        metavar="FORM",
        callback=one_of(("auto", *FORMS)),
        help=f"How the numbers are written: {', '.join(FORMS)}; auto reads it from the file "
        "or the shape.",
    ),
]
SymmetryOption = Annotated[
    str | None,
    typer.Option(
        "--symmetry", metavar="RELATIONS", help="Index symmetry, such as 'ijk=ikj' or 'ij=-ji'."
    ),
]
AxialOption = Annotated[
    bool, typer.Option("--axial", help="A pseudo-tensor: inversion gives it another sign.")
]
BasisOption = Annotated[
    str,
    typer.Option(
        "--basis",
        metavar="BASIS",
        callback=one_of(BASES),
        help="dual: each copy is one pattern of deltas; orthonormal: Gram-Schmidt of those.",
    ),
]
NormalizationOption = Annotated[
    str,
    typer.Option(
        "--normalization",
        metavar="SCALE",
        callback=one_of(NORMALIZATIONS),
        help=f"{', '.join(NORMALIZATIONS)}: rules 14 and 15 of the conventions.",
    ),
]
DimensionOption = Annotated[
    int,
    typer.Option("--dimension", metavar="D", min=2, max=3, help="3 for space, 2 for the plane."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
LatexOption = Annotated[bool, typer.Option("--latex", help="Print the formulas as LaTeX only.")]
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the result to a file.")
]


def asked_class(
    name: str | None, symmetry: str | None, axial: bool, basis: str, option: str
) -> Reduction | None:
    """Return the class that the command line names, if it names one."""
    if name is not None and symmetry is not None:
        raise typer.BadParameter(f"give {option} or --symmetry, not both")
    text = symmetry if name is None else name
    if text is None and axial:
        raise typer.BadParameter("--axial goes with --symmetry; a file says it itself")
    if text is None:
        return None
    if axial and text in catalog and not catalog[text].axial:
        raise typer.BadParameter(
            f"{catalog[text].name} is a polar tensor: leave --axial out, or give its --symmetry"
        )
    return recognition.tensor_class(text, axial=axial or None, basis=cast("Basis", basis))

"""The command ``report``: a page about a crystal and its tensor."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from natural_tensors import CrystalTensor
from natural_tensors.crystals.tensor import Beside
from natural_tensors.files import saving
from natural_tensors.terminal import examples_of, one_of

from ..prediction import predictor
from ..prediction.predictor import Predictor
from ..prediction.result import Failure, Prediction
from ..structures.geometry import Geometry
from ..structures.symmetry import FRAMES, FrameName
from .app import app, check_extras
from .options import ModelOption


@app.command(
    "report",
    epilog=examples_of(
        "carnet",
        "report quartz.cif",
        "report quartz.cif -o quartz.html --frame structure",
        "report quartz.cif --tensor measured.json --axes ieee",
        "report POSCAR --tensor piezo.json --kind piezoelectric-stress",
    ),
)
def report(
    path: Annotated[str, typer.Argument(metavar="STRUCTURE", help="CIF, POSCAR, JSON, ...")],
    model: ModelOption = "elastic",
    tensor: Annotated[
        str | None,
        typer.Option(
            "--tensor", metavar="FILE", help="Show this tensor instead of a predicted one."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="NAME", help="What the tensor of the file is."),
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="Unit of the tensor of the file.")
    ] = None,
    axes: Annotated[
        str,
        typer.Option(
            "--axes",
            metavar="FRAME",
            callback=one_of(FRAMES),
            help=f"{', '.join(FRAMES)}: the axes that the tensor of the file is stated in.",
        ),
    ] = "structure",
    frame: Annotated[
        str,
        typer.Option(
            "--frame",
            metavar="FRAME",
            callback=one_of(FRAMES),
            help=f"{', '.join(FRAMES)}: the axes that the page shows.",
        ),
    ] = "canonical",
    project: Annotated[
        bool,
        typer.Option("--project", help="Take the mean of the tensor over the point group."),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page: .html; NAME.html if none."),
    ] = None,
) -> None:
    """Write a page about a crystal: its tensor, surfaces to turn, moduli, symmetry, stability.

    One HTML file that needs no network. The tensor is predicted, or read from --tensor, which is
    then held against the point group of the structure; a stiffness, such as carnet elastic -o
    derives from a potential, stands beside a prediction, and both beside their distance.
    """
    if output is not None:
        saving.check_suffix(output, (".html",))
    if tensor is None and (kind or unit or project or axes != "structure"):
        raise typer.BadParameter("--kind, --unit, --axes and --project go with --tensor FILE")
    check_extras("matplotlib", "jinja2")
    from natural_tensors.report.command import write_report

    from ..structures import measured

    structure = measured.read_structure(path)
    shown = cast(FrameName, frame)
    if tensor is None:
        write_report(predicted(structure, predictor.load(model), frame=shown), output)
        return
    stated = measured.measured(
        structure,
        tensor,
        kind=kind,
        unit=unit,
        axes=cast(FrameName, axes),
        frame=shown,
        project=project,
    )
    direct = _direct(structure, stated, model, shown)
    if direct is None or direct.moduli is None:
        write_report(stated, output)
        return
    beside = Beside(f"predicted by {direct.model}", direct.tensor)
    write_report(
        stated.with_beside(beside), output, expected_bulk_gpa=float(direct.moduli.bulk_hill)
    )


def _direct(
    structure: Geometry, stated: CrystalTensor, model: str, frame: FrameName
) -> Prediction | None:
    """Return what networks predict to stand beside a stiffness; None where they cannot tell."""
    if stated.tensor != "elastic":
        return None
    (result,) = predictor.load(model).predict([structure], frame=frame)
    return None if isinstance(result, Failure) else result


def predicted(structure: Geometry, predictor: Predictor, *, frame: FrameName) -> CrystalTensor:
    """Return the tensor that networks predict for a crystal.

    Args:
        structure: the crystal.
        predictor: the networks.
        frame: the axes of the tensor.

    Raises:
        PredictionError: when there is no prediction.
        GeometryError: when it is no crystal.
    """
    return predictor.predict(structure, frame=frame).crystal()

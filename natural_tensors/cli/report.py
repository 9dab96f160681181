"""The command ``report``: a page about one tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ..crystals import fitting
from ..crystals.checks import in_usual_unit, misfit
from ..crystals.frames import Frame
from ..crystals.point_groups import (
    PointGroup,
)
from ..crystals.tensor import CrystalTensor
from ..examples import load
from ..files import records, saving
from ..terminal import RefusedError, examples_of
from .app import app
from .decompose import Taken, read_input, take_apart
from .form import asked_group
from .options import (
    AxialOption,
    ExampleOption,
    FileArgument,
    FormOption,
    SymmetryOption,
    TensorOption,
    asked_class,
)


@app.command(
    "report",
    epilog=examples_of(
        "natural-tensors",
        "report --example quartz",
        "report stiffness.csv --group m-3m -o copper.html",
        "report tensor.json --unit kbar --density 2650",
        "report measured.json --group 32 --fit",
    ),
)
def report_tensor(
    file: FileArgument = None,
    example: ExampleOption = None,
    tensor: TensorOption = None,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    written_as: FormOption = "auto",
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="UNIT", help="Unit of the numbers; GPa for a stiffness."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", "-g", metavar="SYMBOL", help="Point group, in its standard axes."),
    ] = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Find the axes in which the group fits, instead of standard."),
    ] = False,
    project: Annotated[
        bool,
        typer.Option("--project", help="Symmetrize what violates its index symmetry or group."),
    ] = False,
    density: Annotated[
        float | None,
        typer.Option("--density", metavar="KG/M3", min=0, help="Mass density, for sound."),
    ] = None,
    atoms: Annotated[
        float | None,
        typer.Option("--atoms", metavar="N/M3", min=0, help="Atoms in 1 m^3, for Debye."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page: .html; NAME.html if none."),
    ] = None,
) -> None:
    """Write a page about a tensor: surfaces to turn, matrix, moduli, symmetry, stability.

    One HTML file that needs no network. A structure file is read by `carnet report`, which
    finds point group, frame and density itself.
    """
    from ..report.command import write_report  # needs jinja2

    if output is not None:
        saving.check_suffix(output, (".html",))
    taken = take_apart(
        read_input(file, example),
        asked_class(tensor, symmetry, axial, "dual", "--tensor"),
        "dual",
        written_as,
        project,
    )
    crystal = _crystal(taken, unit, asked_group(group or _known_group(example)), density, atoms)
    crystal = _settled(crystal, fit, project)
    write_report(crystal, output, taken.notes)


def _known_group(example: str | None) -> str | None:
    return None if example is None else load(example).point_group


def _crystal(
    taken: Taken,
    unit: str | None,
    group: PointGroup | None,
    density: float | None,
    atoms: float | None,
) -> CrystalTensor:
    if taken.tensor.batch:
        raise saving.FileError(
            f"{taken.record.origin}: holds {records.times(taken.tensor.batch)} tensors\n"
            "a page shows one; take it out first"
        )
    reduction, record = taken.tensor.reduction, taken.record
    name = reduction.name or str(reduction.symmetry)
    full = np.asarray(taken.tensor.full(), np.float64)
    try:
        values, shown = in_usual_unit(name, full, unit or record.unit)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    origin = record.origin if record.origin != "standard input" else "tensor"
    return CrystalTensor(
        tensor=name,
        values=values,
        unit=shown,
        frame=Frame("given", np.eye(3)),
        name=record.name or Path(origin.removeprefix("example ")).stem,
        group=group,
        setting=None if group is None else np.eye(3),
        density_kg_m3=density or None,
        atoms_per_m3=atoms or None,
        source=origin,
    )


def _settled(crystal: CrystalTensor, fit: bool, project: bool) -> CrystalTensor:
    """Return the tensor with the axes of its group, refused when the group does not fit."""
    if crystal.group is None:
        if fit:
            raise typer.BadParameter("--fit goes with --group")
        return crystal
    if fit:
        _, setting = fitting.best_setting(crystal.tensor, crystal.values, crystal.group)
        crystal = crystal.with_setting(setting)
    wrong = misfit(crystal)
    if wrong and not project:
        raise RefusedError(
            f"{crystal.name}: {wrong}\n--fit finds the axes of the group, --project takes the mean"
        )
    return crystal.projected() if project else crystal

"""The command ``report``: a page about one tensor."""

from __future__ import annotations

from typing import Annotated

import typer

from ..crystals import fitting
from ..crystals.checks import misfit
from ..crystals.tensor import CrystalTensor
from ..examples import load
from ..files import saving
from ..terminal import RefusedError, examples_of
from .app import app
from .decompose import read_input, take_apart
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
    from ..report.stated import stated_tensor

    if output is not None:
        saving.check_suffix(output, (".html",))
    taken = take_apart(
        read_input(file, example),
        asked_class(tensor, symmetry, axial, "dual", "--tensor"),
        "dual",
        written_as,
        project,
    )
    crystal = stated_tensor(
        taken.record,
        taken.tensor,
        unit=unit,
        group=asked_group(group or _known_group(example)),
        density_kg_m3=density,
        atoms_per_m3=atoms,
    )
    crystal = _settled(crystal, fit, project)
    write_report(crystal, output, taken.notes)


def _known_group(example: str | None) -> str | None:
    return None if example is None else load(example).point_group


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

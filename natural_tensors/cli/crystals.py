"""The commands about crystals: the form a point group leaves to a tensor; the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.text import Text

from .. import files, fitting
from ..crystals import CrystalTensor
from ..doubts import doubts, in_usual_unit, misfit
from ..forms import SymbolicForm, form, orientation
from ..frames import Frame
from ..points import CRYSTALLOGRAPHIC, LIMITING, Matrix, PointGroup, PointGroupError, point_group
from ..reductions import Reduction
from .printing import FORM_MEANS, symmetry_text, title_of
from .program import (
    AxialOption,
    ExampleOption,
    FileArgument,
    FormOption,
    JsonOption,
    LatexOption,
    RefusedError,
    SymmetryOption,
    TensorOption,
    app,
    examples_of,
    say,
    say_facts,
    say_json,
    say_table,
    target_class,
    warn,
)
from .tensors import Taken, read_input, take_apart

LINES = 60
"""Relations of a tensor without a matrix that are printed; JSON has them all."""


def _group(symbol: str | None) -> PointGroup | None:
    try:
        return None if symbol is None else point_group(symbol)
    except PointGroupError as error:
        raise typer.BadParameter(str(error)) from None


def _direction(option: str, text: str) -> tuple[int, ...]:
    words = text.replace(",", " ").split()
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        raise typer.BadParameter(
            f"{option} {text!r} is no direction; give three integers, such as {option} '1 -1 0'"
        ) from None


def _axes(z: str | None, x: str | None) -> Matrix | None:
    if z is None and x is None:
        return None
    if z is None or x is None:
        raise typer.BadParameter("--z and --x go together: two perpendicular directions")
    try:
        return orientation(_direction("--z", z), _direction("--x", x))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command(
    "form",
    epilog=examples_of(
        "form elastic --group m-3m",
        "form piezoelectric --group 32 --json",
        "form elastic",
        "form elastic --group m-3m --z '1 1 1' --x '1 -1 0'",
        "form magnetoelectric --group \"4'/m'm'm\"",
        "form --symmetry 'ijk=ikj' --group -6m2 --latex",
    ),
)
def show_form(
    name: Annotated[
        str | None, typer.Argument(metavar="TENSOR", help="Name from `natural-tensors list`.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "-g",
            metavar="SYMBOL",
            help="Point group: m-3m, -4m2, 112/m, Oh, inf/mm, 4'/mmm'. All 39 when left out.",
        ),
    ] = None,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    z: Annotated[
        str | None,
        typer.Option(
            "--z", metavar="'H K L'", help="Direction of the new z axis, in standard axes."
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option("--x", metavar="'U V W'", help="Direction of the new x axis, across it."),
    ] = None,
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Derive what a point group leaves of a tensor: what vanishes, and what is equal.

    Standard axes: z along the main axis, x along the twofold axis or across the mirror that the
    second place of the symbol names; monoclinic y; cubic along the edges. --z and --x turn them.
    Without --group, the number of independent constants under every group.
    """
    target = target_class(name, symmetry, axial, "dual", "TENSOR")
    if target is None:
        raise typer.BadParameter("name a tensor, or give its --symmetry 'ijk=ikj'")
    points, axes = _group(group), _axes(z, x)
    if points is None:
        if axes is not None or latex:
            raise typer.BadParameter("--z, --x and --latex go with --group")
        _say_counts(target, as_json)
        return
    found = form(target, points, axes=axes)
    if as_json:
        say_json(_document(found))
    elif latex:
        try:
            say(found.latex())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    else:
        _say_form(found)


def _say_form(found: SymbolicForm) -> None:
    target, points = found.reduction, found.group
    say(Text(f"{title_of(target)} under {points}", style="bold"), "")
    order = f"{points.order} operations" if points.order else "of infinite order"
    noun = "constant" if found.independent == 1 else "constants"
    constants = f"{found.independent} independent {noun}"
    shares = ", ".join(
        f"{count} of weight {weight}" for weight, count in found.per_weight.items() if count
    )
    say_facts(
        {
            "symmetry": symmetry_text(target),
            "group": f"{points.name}, {points.schoenflies}, {points.system}, {order}",
            "axes": _axes_words(found),
            "time": _time_words(found),
            "form": FORM_MEANS[found.written_as],
            "constants": constants + (f": {shares}" if shares else ""),
        }
    )
    matrix = found.matrix_lines()
    if matrix:
        say("", *(f"  {line}" for line in matrix))
    if found.independent:
        say("", "independent: " + ", ".join(found.parameters))
    elif not matrix:
        say("", "every component vanishes")
    relations = [] if matrix and found.written_as == "full" else found.relation_lines()
    if relations:
        say("", *relations[:LINES])
    if len(relations) > LINES:
        say(f"... {len(relations) - LINES} more; --json has all")


def _axes_words(found: SymbolicForm) -> str:
    if found.standard:
        return "standard"
    rows = ("(" + ", ".join(str(entry) for entry in row) + ")" for row in found.orientation)
    return ", ".join(f"{axis} along {row}" for axis, row in zip("xyz", rows, strict=True))


def _time_words(found: SymbolicForm) -> str:
    if found.time_reversal > 0:
        return ""
    if found.group.magnetic:
        return "odd under time reversal"
    return f"odd under time reversal: in a non-magnetic crystal, {found.group.name}1', it vanishes"


def _document(found: SymbolicForm) -> dict[str, Any]:
    target, points = found.reduction, found.group
    return {
        "class": target.name,
        "symmetry": str(target.symmetry),
        "axial": target.symmetry.axial,
        "time_reversal": found.time_reversal,
        "group": points.symbol,
        "name": points.name,
        "schoenflies": points.schoenflies,
        "system": points.system,
        "order": points.order,
        "axes": [[str(entry) for entry in row] for row in found.orientation],
        "form": found.written_as,
        "independent": found.independent,
        "per_weight": {str(weight): count for weight, count in found.per_weight.items()},
        "parameters": list(found.parameters),
        "relations": dict(found.relations),
        "matrix": found.matrix if target.rank <= 4 else None,
    }


def _say_counts(target: Reduction, as_json: bool) -> None:
    forms = {name: form(target, name) for name in (*CRYSTALLOGRAPHIC, *LIMITING)}
    if as_json:
        groups = [
            {
                "group": name,
                "schoenflies": found.group.schoenflies,
                "system": found.group.system,
                "independent": found.independent,
                "per_weight": {str(weight): count for weight, count in found.per_weight.items()},
                "parameters": list(found.parameters),
            }
            for name, found in forms.items()
        ]
        say_json({"class": target.name, "symmetry": str(target.symmetry), "groups": groups})
        return
    say(Text(f"{title_of(target)} under every point group", style="bold"), "")
    weights = list(target.multiplicities)
    rows = [_count_row(found, found.per_weight) for found in forms.values()]
    heads = (">weight " + str(weights[0]), *(f">{weight}" for weight in weights[1:]))
    say_table(("group", "Schoenflies", "system", ">independent", *heads), rows)
    say("", "`--group SYMBOL` shows the form itself")


def _count_row(found: SymbolicForm, counts: Mapping[int, int]) -> tuple[str, ...]:
    points = found.group
    numbers = (str(count) if count else "·" for count in counts.values())
    return (points.name, points.schoenflies, points.system, str(found.independent), *numbers)


# --- report ---------------------------------------------------------------------------------------


@app.command(
    "report",
    epilog=examples_of(
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
    if output is not None:
        files.check_suffix(output, (".html",))
    taken = take_apart(
        read_input(file, example),
        target_class(tensor, symmetry, axial, "dual", "--tensor"),
        "dual",
        written_as,
        project,
    )
    crystal = _crystal(taken, unit, _group(group or _known_group(example)), density, atoms)
    crystal = _settled(crystal, fit, project)
    write_report(crystal, output, taken.notes)


def _known_group(example: str | None) -> str | None:
    from ..examples import load

    return None if example is None else load(example).point_group


def _crystal(
    taken: Taken,
    unit: str | None,
    group: PointGroup | None,
    density: float | None,
    atoms: float | None,
) -> CrystalTensor:
    if taken.batch:
        raise files.FileError(
            f"{taken.record.origin}: holds {files.times(taken.batch)} tensors\n"
            "a page shows one; take it out first"
        )
    target, record = taken.target, taken.record
    name = target.name or str(target.symmetry)
    full = np.asarray(target.convert(taken.values, source=taken.form, target="full"), np.float64)
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


def write_report(
    crystal: CrystalTensor, output: str | None, notes: tuple[str, ...] = (),
    expected_bulk_gpa: float | None = None,
) -> None:  # fmt: skip
    """Write the page of a tensor, and say what is doubtful about it.

    Args:
        crystal: the tensor.
        output: the file; when omitted, the name of the crystal with ``.html``.
        notes: what was decided without being asked.
        expected_bulk_gpa: a bulk modulus from elsewhere that the unit is held against.
    """
    from ..report import report

    remarks = doubts(crystal, expected_bulk_gpa=expected_bulk_gpa)
    path = output or f"{Path(crystal.name).stem.replace(' ', '-')}.html"
    page = report(crystal.with_notes((*notes, *remarks)))
    page.write(path)
    for note in notes:
        warn("note", note, "bold")
    for remark in (*crystal.notes, *remarks):
        warn("warning", remark, "bold yellow")
    say(f"wrote {path}: {page.title}, {len(page.html) / 1e6:.1f} MB")

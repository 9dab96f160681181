"""The commands about crystals: the form a point group leaves to a tensor; the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from ..crystals.forms import SymbolicForm, form, orientation
from ..crystals.point_groups import (
    CRYSTALLOGRAPHIC,
    LIMITING,
    Matrix,
    PointGroup,
    PointGroupError,
    point_group,
)
from ..decomposition.reductions import Reduction
from ..terminal import examples_of, say, say_facts, say_json, say_table
from . import plane
from .app import app
from .options import (
    AxialOption,
    DimensionOption,
    JsonOption,
    LatexOption,
    SymmetryOption,
    asked_class,
)
from .printing import FORM_MEANS, symmetry_text, title_of

LINES = 60
"""Relations of a tensor without a matrix that are printed; JSON has them all."""


def asked_group(symbol: str | None) -> PointGroup | None:
    """Return the point group that an option names."""
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
        "natural-tensors",
        "form elastic --group m-3m",
        "form piezoelectric --group 32 --json",
        "form elastic",
        "form elastic --dimension 2 --group 4mm",
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
            help="Point group: m-3m, -4m2, 112/m, Oh, inf/mm, 4'/mmm'; or that of a space group: "
            "Fm-3m, 225. All 39 when left out.",
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
    dimension: DimensionOption = 3,
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Derive what a point group leaves of a tensor: what vanishes, and what is equal.

    Standard axes: z along the main axis, x along the twofold axis or across the mirror that the
    second place of the symbol names; monoclinic y; cubic along the edges. --z and --x turn them.
    Without --group, the number of independent constants under every group.
    """
    if dimension == 2:
        _in_the_plane(name, symmetry, axial, group, (z, x), latex, as_json)
        return
    reduction = asked_class(name, symmetry, axial, "dual", "TENSOR")
    if reduction is None:
        raise typer.BadParameter("name a tensor, or give its --symmetry 'ijk=ikj'")
    points, axes = asked_group(group), _axes(z, x)
    if points is None:
        if axes is not None or latex:
            raise typer.BadParameter("--z, --x and --latex go with --group")
        _say_counts(reduction, as_json)
        return
    symbolic = form(reduction, points, axes=axes)
    if as_json:
        say_json(_document(symbolic))
    elif latex:
        try:
            say(symbolic.latex())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    else:
        _say_form(symbolic)


def _in_the_plane(
    name: str | None, symmetry: str | None, axial: bool, group: str | None,
    directions: tuple[str | None, str | None], latex: bool, as_json: bool,
) -> None:  # fmt: skip
    chosen = plane.asked_class(name, symmetry, axial, "dual")
    if chosen is None:
        raise typer.BadParameter("name a tensor, or give its --symmetry 'ijk=ikj'")
    if any(directions) or (latex and group is None):
        raise typer.BadParameter("in the plane there is no --z and --x, and --latex needs --group")
    plane.show_form(chosen, group, latex, as_json)


def _say_form(symbolic: SymbolicForm) -> None:
    reduction, points = symbolic.reduction, symbolic.group
    say(Text(f"{title_of(reduction)} under {points}", style="bold"), "")
    order = f"{points.order} operations" if points.order else "of infinite order"
    noun = "constant" if symbolic.independent == 1 else "constants"
    constants = f"{symbolic.independent} independent {noun}"
    shares = ", ".join(
        f"{count} of weight {weight}" for weight, count in symbolic.per_weight.items() if count
    )
    say_facts(
        {
            "symmetry": symmetry_text(reduction),
            "group": f"{points.name}, {points.schoenflies}, {points.system}, {order}",
            "axes": _axes_words(symbolic),
            "time": _time_words(symbolic),
            "form": FORM_MEANS[symbolic.written_as],
            "constants": constants + (f": {shares}" if shares else ""),
        }
    )
    matrix = symbolic.matrix_lines()
    if matrix:
        say("", *(f"  {line}" for line in matrix))
    if symbolic.independent:
        say("", "independent: " + ", ".join(symbolic.parameters))
    elif not matrix:
        say("", "every component vanishes")
    relations = [] if matrix and symbolic.written_as == "full" else symbolic.relation_lines()
    if relations:
        say("", *relations[:LINES])
    if len(relations) > LINES:
        say(f"... {len(relations) - LINES} more; --json has all")


def _axes_words(symbolic: SymbolicForm) -> str:
    if symbolic.standard:
        return "standard"
    rows = ("(" + ", ".join(str(entry) for entry in row) + ")" for row in symbolic.orientation)
    return ", ".join(f"{axis} along {row}" for axis, row in zip("xyz", rows, strict=True))


def _time_words(symbolic: SymbolicForm) -> str:
    if symbolic.time_reversal > 0:
        return ""
    if symbolic.group.magnetic:
        return "odd under time reversal"
    return (
        f"odd under time reversal: in a non-magnetic crystal, {symbolic.group.name}1', it vanishes"
    )


def _document(symbolic: SymbolicForm) -> dict[str, Any]:
    reduction, points = symbolic.reduction, symbolic.group
    return {
        "class": reduction.name,
        "symmetry": str(reduction.symmetry),
        "axial": reduction.symmetry.axial,
        "time_reversal": symbolic.time_reversal,
        "group": points.symbol,
        "name": points.name,
        "schoenflies": points.schoenflies,
        "system": points.system,
        "order": points.order,
        "axes": [[str(entry) for entry in row] for row in symbolic.orientation],
        "form": symbolic.written_as,
        "independent": symbolic.independent,
        "per_weight": {str(weight): count for weight, count in symbolic.per_weight.items()},
        "parameters": list(symbolic.parameters),
        "relations": dict(symbolic.relations),
        "matrix": symbolic.matrix if reduction.rank <= 4 else None,
    }


def _say_counts(reduction: Reduction, as_json: bool) -> None:
    forms = {name: form(reduction, name) for name in (*CRYSTALLOGRAPHIC, *LIMITING)}
    if as_json:
        groups = [
            {
                "group": name,
                "schoenflies": symbolic.group.schoenflies,
                "system": symbolic.group.system,
                "independent": symbolic.independent,
                "per_weight": {str(weight): count for weight, count in symbolic.per_weight.items()},
                "parameters": list(symbolic.parameters),
            }
            for name, symbolic in forms.items()
        ]
        say_json({"class": reduction.name, "symmetry": str(reduction.symmetry), "groups": groups})
        return
    say(Text(f"{title_of(reduction)} under every point group", style="bold"), "")
    weights = list(reduction.multiplicities)
    rows = [_count_row(symbolic, symbolic.per_weight) for symbolic in forms.values()]
    heads = (">weight " + str(weights[0]), *(f">{weight}" for weight in weights[1:]))
    say_table(("group", "Schoenflies", "system", ">independent", *heads), rows)
    say("", "`--group SYMBOL` shows the form itself")


def _count_row(symbolic: SymbolicForm, counts: Mapping[int, int]) -> tuple[str, ...]:
    points = symbolic.group
    numbers = (str(count) if count else "·" for count in counts.values())
    return (points.name, points.schoenflies, points.system, str(symbolic.independent), *numbers)

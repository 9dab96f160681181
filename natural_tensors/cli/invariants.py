"""The command ``invariants``: polynomial invariants of a class of tensors."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from ..crystals.point_groups import CRYSTALLOGRAPHIC, PointGroup, PointGroupError
from ..decomposition.reductions import Reduction
from ..invariants.basis import InvariantBasis, invariant_basis
from ..invariants.counts import InvariantCounts, as_group, count_invariants
from ..invariants.family import InvariantsError
from ..invariants.group_basis import GroupInvariantBasis
from ..terminal import examples_of, say, say_facts, say_json, say_table
from .app import app
from .options import AxialOption, JsonOption, LatexOption, SymmetryOption, asked_class
from .printing import content_of, symmetry_text, title_of

EVERY = ("SO(3)", "O(3)", *CRYSTALLOGRAPHIC)


def _group(symbol: str) -> PointGroup:
    try:
        return as_group(symbol)
    except PointGroupError as error:
        raise typer.BadParameter(str(error)) from None


@app.command(
    "invariants",
    epilog=examples_of(
        "natural-tensors",
        "invariants elastic",
        "invariants piezoelectric --group 32 --degree 8",
        "invariants elastic --formulas",
        "invariants dielectric --formulas --group 4mm --degree 2",
        "invariants piezoelectric --formulas --products --degree 3 --latex",
        "invariants --symmetry 'ijk=ikj' --group 'O(3)' --json",
    ),
)
def show_invariants(
    name: Annotated[
        str | None, typer.Argument(metavar="TENSOR", help="Name from `natural-tensors list`.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "-g",
            metavar="SYMBOL",
            help="SO(3), O(3), or a point group such as m-3m or inf/mm. SO(3), O(3) and the 32 of "
            "crystals when left out.",
        ),
    ] = None,
    degree: Annotated[
        int, typer.Option("--degree", "-d", metavar="D", help="The highest degree.", min=1)
    ] = 4,
    formulas: Annotated[
        bool,
        typer.Option(
            "--formulas", help="Write a basis under --group, SO(3) if none; no products of others."
        ),
    ] = False,
    products: Annotated[
        bool, typer.Option("--products", help="With --formulas: products too, the whole basis.")
    ] = False,
    symmetry: SymmetryOption = None,
    axial: AxialOption = False,
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Count the linearly independent polynomial invariants of a tensor, degree by degree.

    Exactly, and to any degree: by Molien's series for a finite group, by Weyl's integral over all
    rotations. An odd degree of a tensor that inversion reverses is a pseudoscalar: invariant under
    SO(3), not under O(3). --formulas writes a basis: under SO(3) or O(3) as contractions of the
    natural parts X(weight,copy) that `natural-tensors show` defines, under a point group as
    polynomials in the components.
    """
    reduction = asked_class(name, symmetry, axial, "dual", "TENSOR")
    if reduction is None:
        raise typer.BadParameter("name a tensor, or give its --symmetry 'ijk=ikj'")
    if formulas:
        _say_basis(_basis(reduction, group or "SO(3)", degree), products, latex, as_json)
        return
    if products or latex:
        raise typer.BadParameter("--products and --latex go with --formulas")
    symbols = EVERY if group is None else (group,)
    counts = {symbol: count_invariants(reduction, _group(symbol), degree) for symbol in symbols}
    if as_json:
        say_json(
            {
                "class": reduction.name,
                "symmetry": str(reduction.symmetry),
                "degrees": list(range(1, degree + 1)),
                "groups": {symbol: list(found.numbers) for symbol, found in counts.items()},
            }
        )
        return
    _say_counts(reduction, counts)


def _basis(reduction: Reduction, group: str, degree: int) -> InvariantBasis | GroupInvariantBasis:
    _group(group)
    try:
        return invariant_basis(reduction, degree, group)
    except InvariantsError as error:
        raise typer.BadParameter(str(error)) from None


def _say_basis(
    basis: InvariantBasis | GroupInvariantBasis, products: bool, latex: bool, as_json: bool
) -> None:
    members = [member for member in basis if products or not member.is_product]
    stands_for = basis.definitions if isinstance(basis, GroupInvariantBasis) else {}
    if as_json:
        document = {
            "class": basis.reduction.name,
            "symmetry": str(basis.reduction.symmetry),
            "group": basis.symbol,
            "coordinates": {name: str(value) for name, value in stands_for.items()},
            "counts": list(basis.counts),
            "invariants": [
                {
                    "degree": member.degree,
                    "parity": member.parity,
                    "product": member.is_product,
                    "formula": str(member),
                    "latex": member.latex(),
                }
                for member in members
            ],
        }
        say_json(document)
        return
    if latex:
        say(*(member.latex() for member in members))
        return
    title = f"Polynomial invariants of {title_of(basis.reduction)} under {basis.symbol}"
    say(Text(title, style="bold"), "")
    say_facts({"content": content_of(basis.reduction)})
    if stands_for:
        say("", *(f"{name} = {value}" for name, value in stands_for.items()))
    for degree, count in enumerate(basis.counts, 1):
        shown = [member for member in members if member.degree == degree]
        others = "" if products else f", {len(shown)} of them no products"
        say("", f"degree {degree}: {count}{others}", *(f"  {member}" for member in shown))


def _say_counts(reduction: Reduction, counts: dict[str, InvariantCounts]) -> None:
    say(Text(f"Polynomial invariants of {title_of(reduction)}", style="bold"), "")
    say_facts({"symmetry": symmetry_text(reduction), "content": content_of(reduction)})
    say("")
    if len(counts) == 1:
        ((symbol, found),) = counts.items()
        rows = [(str(d), str(number)) for d, number in enumerate(found.numbers, 1)]
        say_table((">degree", f">invariants under {symbol}"), rows)
        return
    degrees = range(1, next(iter(counts.values())).degree + 1)
    table: list[tuple[str, ...]] = [
        (symbol, *(str(number) if number else "·" for number in found.numbers))
        for symbol, found in counts.items()
    ]
    say_table(("group", *(f">degree {d}" if d == 1 else f">{d}" for d in degrees)), table)
    say("", "`--formulas` writes a basis under `--group`")

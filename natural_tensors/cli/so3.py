"""The commands that show the pieces of a network: harmonic, coupling."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import Annotated, cast

import typer
from rich.text import Text

from ..exact.notation import LATEX, TEXT, Notation
from ..so3.bases import Polynomial
from ..so3.couplings import coupling
from ..so3.harmonics import Normalization, harmonic
from ..terminal import examples_of, say, say_json, say_table
from .app import app
from .options import JsonOption, LatexOption, NormalizationOption

ENTRIES = 200
"""Entries of a coupling that are printed; JSON has them all."""


@app.command(
    "harmonic",
    epilog=examples_of(
        "natural-tensors", "harmonic 2", "harmonic 4 --normalization component --json"
    ),
)
def show_harmonic(
    weight: Annotated[int, typer.Argument(metavar="WEIGHT", min=0, max=12, help="0, 1, 2, ...")],
    normalization: NormalizationOption = "legendre",
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the harmonic of a direction n = (x, y, z): n times n ..., made traceless."""
    harmonics = harmonic(weight, cast("Normalization", normalization))
    rows = [
        (m, polynomial, radicand)
        for m, (polynomial, radicand) in enumerate(harmonics.exact(), start=-weight)
    ]
    if as_json:
        packed = [
            {"m": m, "text": _polynomial(p, r, TEXT), "latex": _polynomial(p, r, LATEX)}
            for m, p, r in rows
        ]
        say_json(
            {
                "weight": weight,
                "normalization": normalization,
                "squared_norm": str(harmonics.squared_norm),
                "formula": {"text": harmonics.formula(), "latex": harmonics.latex()},
                "packed": packed,
            }
        )
    elif latex:
        say(harmonics.latex())
    else:
        say(Text(f"Harmonic of weight {weight}, {normalization}", style="bold"), "")
        say(
            f"{harmonics}",
            "",
            f"squared norm {harmonics.squared_norm}; packed, on the unit sphere:",
            "",
        )
        say_table((">m", "component"), [(str(m), _polynomial(p, r, TEXT)) for m, p, r in rows])


def _polynomial(polynomial: Polynomial, radicand: Fraction, notation: Notation) -> str:
    """Write ``sqrt(radicand) * polynomial`` in x, y, z."""
    groups = [
        (Fraction(coefficient), [(1, _monomial(powers, notation))])
        for powers, coefficient in polynomial.items()
    ]
    return notation.combination(groups, radicand)


def _monomial(powers: Sequence[int], notation: Notation) -> str:
    raised = []
    for letter, power in zip("xyz", powers, strict=True):
        exponent = f"^{{{power}}}" if notation is LATEX else str(power).translate(SUPERSCRIPT)
        raised.append("" if power == 0 else letter if power == 1 else letter + exponent)
    return notation.factors(*raised)


SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@app.command(
    "coupling",
    epilog=examples_of(
        "natural-tensors", "coupling 1 1 1", "coupling 2 2 4 --normalization orthonormal"
    ),
)
def show_coupling(
    l1: Annotated[int, typer.Argument(metavar="L1", min=0, help="Weight of the first, X.")],
    l2: Annotated[int, typer.Argument(metavar="L2", min=0, help="Weight of the second, Y.")],
    l3: Annotated[int, typer.Argument(metavar="L3", min=0, help="Weight of the product, Z.")],
    normalization: NormalizationOption = "legendre",
    latex: LatexOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the equivariant product of two natural tensors in a third."""
    try:
        product = coupling(l1, l2, l3, cast("Normalization", normalization))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if latex:
        say(product.latex())
        return
    entries = product.exact()
    rows = (
        {
            "m": [i - l1, j - l2, k - l3],
            "exact": TEXT.combination([(number, [(1, "")])], radicand),
            "value": float(number) * float(radicand) ** 0.5,
        }
        for (i, j, k), (number, radicand) in entries.items()
    )
    if as_json:
        say_json(
            {
                "weights": [l1, l2, l3],
                "normalization": normalization,
                "odd": product.odd,
                "formula": {"text": product.formula(), "latex": product.latex()},
                "entries": list(rows),
            }
        )
        return
    say(Text(f"Coupling of weights {l1} and {l2} to {l3}, {normalization}", style="bold"), "")
    say(f"{product}", "", f"{len(entries)} packed entries that are not zero:", "")
    say_table(
        (">m1", ">m2", ">m3", ">exact", ">value"),
        [
            (*map(str, row["m"]), row["exact"], f"{row['value']:.6f}")
            for row in islice(rows, ENTRIES)
        ],
    )
    if len(entries) > ENTRIES:
        say(f"... {len(entries) - ENTRIES} more; --json prints all")

"""The commands ``data moduli`` and ``data correct``: known moduli, and tensors set to them."""

from __future__ import annotations

from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say

from .app import data

OutputOption = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="Where to write: .json or .json.gz.")
]


@data.command(
    "moduli",
    epilog=examples_of(
        "carnet", "data moduli mp_moduli.json.gz binary_moduli.json.gz -o moduli.json.gz"
    ),
)
def moduli(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILES...", help="Crystals with moduli: .json, .json.gz, .jsonl."),
    ],
    output: OutputOption,
) -> None:
    """Join K and G of crystals that were computed more than once: the newest, and who agrees.

    Reads the keys under which collections republish the moduli of the Materials Project.
    """
    from ..data import moduli as known
    from ..data.text import counts_text

    say(counts_text(known.merge(paths, output), output))


@data.command(
    "correct",
    epilog=examples_of(
        "carnet", "data correct computed.jsonl --moduli moduli.json -o teacher.json"
    ),
)
def correct(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...", help="Crystals with computed stiffness C: .json, .json.gz, .jsonl."
        ),
    ],
    moduli: Annotated[
        str,
        typer.Option(
            "--moduli", metavar="FILE", help="Known moduli, as `data moduli` writes them."
        ),
    ],
    output: OutputOption,
) -> None:
    """Set K and G of computed tensors to known ones, such as those of DFT.

    Unstable crystals and tensors whose own K or G is far from the known one are left out.
    """
    from ..data import moduli as known
    from ..data.text import counts_text

    say(counts_text(known.correct(paths, moduli, output), output))

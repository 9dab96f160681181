"""The command ``data frames``: crystals away from rest with what a potential says of them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say

from .app import check_extras, data
from .options import MostAtomsOption, PartOption, StructuresArgument, share_of


@data.command(
    "frames",
    epilog=examples_of(
        "carnet",
        "data frames crystals/ --calculator mace --frames 4 -o frames.jsonl",
        "data frames all.json.gz --calculator mine:teacher --most-atoms 12 -o a.jsonl --part 1/2",
        "data frames new.json.gz --calculator mine:teacher --approach 6 --frames 2 -o b.jsonl",
        "data frames all.json.gz --calculator mine:teacher --molecules --frames 2 -o m.jsonl",
        "data frames all.json.gz --calculator mine:teacher --student runs/small/model -o c.jsonl",
        "data frames a.json --calculator mine:teacher --student both --disagreement 0.3 -o d.jsonl",
    ),
)
def frames(
    paths: StructuresArgument,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to append: .jsonl.")
    ],
    calculator: Annotated[
        str,
        typer.Option(
            "--calculator",
            metavar="NAME",
            help="Any calculator of ASE: a model, module:object, ENV/bin/python module:object "
            "in another environment, mace, chgnet, ...",
        ),
    ],
    count: Annotated[
        int, typer.Option("--frames", metavar="N", min=1, help="Frames of each crystal.")
    ] = 1,
    most_atoms: MostAtomsOption = None,
    approach: Annotated[
        int,
        typer.Option(
            "--approach",
            metavar="N",
            min=0,
            help="First bring each crystal near rest in so many steps, which are frames as well.",
        ),
    ] = 0,
    molecules: Annotated[
        bool,
        typer.Option(
            "--molecules",
            help="Frames whose molecules and complex ions are moved apart or together as wholes; "
            "crystals without have none.",
        ),
    ] = False,
    student: Annotated[
        str | None,
        typer.Option(
            "--student",
            metavar="NAME",
            help="Frames that this potential visits, in a file of its own: N of its hot or "
            "compressed dynamics, and up to four where its relaxation ends elsewhere.",
        ),
    ] = None,
    disagreement: Annotated[
        float | None,
        typer.Option(
            "--disagreement",
            metavar="E",
            min=0,
            help="Of a student of several networks: only frames where these disagree by E eV/Å or "
            "more about the force on an atom.",
        ),
    ] = None,
    part: PartOption = None,
) -> None:
    """Label strained and shaken crystals by a potential, to teach a smaller one.

    Or, with --approach, --molecules or --student, frames of their way to rest, of their molecules
    moved as wholes, or of where the smaller one goes.
    A run that was ended goes on: frames that the file holds are left as they are.
    """
    check_extras()
    from ..calculators.frame_labels import label_frames
    from ..calculators.named import calculator_for_long
    from ..data.text import counts_text
    from ..prediction.inputs import read
    from ..prediction.progress import progress_bar

    share = share_of("--part", part)
    potential = calculator_for_long(calculator)
    visitor = None if student is None else calculator_for_long(student)
    entries = list(read(paths))
    total = len(entries) * count // share[1]
    with progress_bar(total, sys.stderr.isatty()) as advance:
        counts = label_frames(
            entries,
            potential,
            output,
            frames=count,
            most_atoms=most_atoms,
            approach=approach,
            molecules=molecules,
            student=visitor,
            least_disagreement=disagreement,
            part=share,
            advance=advance,
        )
    say(counts_text(counts, output, "frames"))

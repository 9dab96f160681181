"""The commands ``data substitute`` and ``data stresses``: crystals to label, and known labels."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from natural_tensors.terminal import examples_of, say

from .app import check_extras, data
from .data_moduli import OutputOption
from .options import MostAtomsOption, PartOption, StructuresArgument, share_of

SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Of the random numbers.")]


@data.command(
    "substitute",
    epilog=examples_of(
        "carnet", "data substitute crystals.json.gz --count 9000 --most-atoms 8 -o new.json.gz"
    ),
)
def substitute(
    paths: StructuresArgument,
    output: OutputOption,
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=1, help="How many crystals are wanted.")
    ] = 1000,
    most_atoms: MostAtomsOption = None,
    seed: SeedOption = 0,
) -> None:
    """Change elements of crystals for others of like chemistry, to compositions not among them.

    Their cells are a guess: `carnet data frames --approach` brings them near rest.
    """
    check_extras()
    from ..data.records import check_output, record_of, write_records
    from ..data.substitution import substitutes
    from ..prediction.inputs import read
    from ..prediction.result import Failure

    check_output(output)
    given = [each for each in read(paths) if not isinstance(each, Failure)]
    crystals = [
        each
        for each in given
        if all(each.periodic) and (most_atoms is None or len(each) <= most_atoms)
    ]
    made = list(substitutes(crystals, count, seed))
    write_records(output, [record_of(each) for each in made])
    short = "" if len(made) == count else f", {count} were wanted and no more were found"
    say(f"{output}: {len(made)} crystals made of {len(crystals)}{short}")


@data.command(
    "stresses",
    epilog=examples_of(
        "carnet",
        "data stresses mp_moduli.json.gz elastic.json.gz -o known.jsonl",
        "data stresses elastic.json.gz --ions runs/small/model -o a.jsonl --part 1/2",
    ),
)
def stresses(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="Relaxed crystals, with moduli or stiffness C: .json, .json.gz.",
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to append: .jsonl.")
    ],
    most_atoms: MostAtomsOption = None,
    ions: Annotated[
        str | None,
        typer.Option(
            "--ions",
            metavar="NAME",
            help="Do so of other crystals too, whose ions move as this potential says.",
        ),
    ] = None,
    seed: SeedOption = 0,
    part: PartOption = None,
) -> None:
    """Write frames whose forces and stresses follow from the moduli of relaxed crystals.

    At rest of every crystal, compressed and expanded where K is known and symmetry holds the atoms,
    strained where C is known and every atom is a centre of inversion. A run that was ended goes on:
    frames that the file holds are left as they are.
    """
    check_extras()
    from ..calculators.finite_differences import ion_response
    from ..calculators.named import calculator_for_long
    from ..data.known_stresses import known_stresses
    from ..data.records import records_of
    from ..data.text import counts_text
    from ..prediction.progress import progress_bar

    share = share_of("--part", part)
    response = None if ions is None else ion_response(calculator_for_long(ions))
    shown = response is not None and sys.stderr.isatty()
    total = sum(len(records_of(path)) for path in paths) if shown else 0
    with progress_bar(total, shown) as advance:
        counts = known_stresses(
            paths,
            output,
            most_atoms=most_atoms,
            ions=response,
            seed=seed,
            part=share,
            advance=advance,
        )
    say(counts_text(counts, output, "frames"))

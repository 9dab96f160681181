r"""How good a general potential is: rows of figures, each beside DFT or the literature.

    python -m benchmarks universal elastic volumes -o runs/universal --calculator universal
    python -m benchmarks universal --calculator universal --calculator mace \
        --calculator "theirs=ENV/bin/python their_package:make"

A calculator is one of ours, or whatever `calculator_named` takes; with the Python of another
environment before it, it runs there (one of yours: ``module:object``, found along PYTHONPATH).
Several stand side by side. Results stay in the folder: a run that is repeated, or was stopped,
computes only what is not there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from natural_tensors.errors import InputError

from ..processes import say
from .jobs import Settings
from .potentials import Potential

ROWS = ("elastic", "frames", "volumes", "phonons", "dynamics", "speed")


def main(arguments: Sequence[str]) -> int:
    """Print the rows named on the command line, or all; return 0, or 2 for what makes no sense."""
    options = parser().parse_args(arguments)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        print(f"error: row {unknown[0]!r} is not one of {', '.join(ROWS)}", file=sys.stderr)
        return 2
    potentials = [Potential.of(text) for text in options.calculator or ["universal"]]
    settings = Settings(
        data=options.data, folder=options.output, processes=options.processes,
        most_atoms=options.max_atoms, limit=options.limit, steps=options.steps,
    )  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        for row in options.rows or ROWS:
            say(f"universal: {row}")
            for table in import_module(f"{__package__}.{row}").tables(potentials, settings):
                console.print(table)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    data = os.environ.get("NATURAL_TENSORS_DATA", "data")
    made = argparse.ArgumentParser(
        prog="python -m benchmarks universal", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}; default: all")
    made.add_argument(
        "--calculator", action="append", metavar="[LABEL=]NAME",
        help="who is judged, again for each; default: universal",
    )  # fmt: skip
    made.add_argument("-o", "--output", type=Path, default=Path("runs/universal"), metavar="DIR",
                      help="where results are kept; default: runs/universal")  # fmt: skip
    made.add_argument("--data", type=Path, default=Path(data), metavar="DIR",
                      help="folder of the data sets; default: NATURAL_TENSORS_DATA")  # fmt: skip
    made.add_argument("--max-atoms", type=int, default=12, metavar="N",
                      help="leave larger structures out; default: 12")  # fmt: skip
    made.add_argument("--limit", type=int, metavar="N",
                      help="so many structures of a set, always the same")  # fmt: skip
    made.add_argument("--processes", type=int, default=2, metavar="N",
                      help="how many work at once; default: 2")  # fmt: skip
    made.add_argument("--steps", type=int, default=1000, metavar="N",
                      help="of dynamics, 1 fs each; default: 1000; 10 ps are 10000")  # fmt: skip
    return made


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

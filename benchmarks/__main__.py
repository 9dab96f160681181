"""Print the tables of the topics named, of all but `LONG` when none is; see `TOPICS`.

Several topics run one after another, each in a process of its own: none sees what another left
behind, and one that fails does not take the rest along. What is being measured is said on the
standard error. The table of accuracies trains networks for two hours unless they are there; what a
general potential is judged by, `universal`, has options of its own and stands alone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console

from .processes import say

TOPICS = (
    "exact", "numeric", "generated", "expressions", "network", "potentials", "lammps", "roofline",
    "growth", "training", "physics", "cold", "choice", "screening", "app", "accuracy", "universal",
)  # fmt: skip

LONG = ("accuracy", "universal")
"""They run when they are named."""


def main(arguments: Sequence[str]) -> int:
    """Measure the topics named on the command line; return 0, 1 if one failed, 2 for a wrong name.

    Args:
        arguments: names of topics; after ``universal`` its own arguments.
    """
    if arguments[:1] == ["universal"]:
        return int(import_module("benchmarks.universal.__main__").main(arguments[1:]))
    chosen = list(arguments) or [topic for topic in TOPICS if topic not in LONG]
    unknown = [topic for topic in chosen if topic not in TOPICS]
    if unknown:
        print(f"error: topic {unknown[0]!r} is not one of {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    if len(chosen) == 1:
        console = Console(width=None if sys.stdout.isatty() else 140)
        for table in import_module(f"benchmarks.{chosen[0]}").tables():
            console.print(table)
        return 0
    failed = []
    for number, topic in enumerate(chosen, 1):
        say(f"topic {topic}, {number} of {len(chosen)}")
        if subprocess.run([sys.executable, "-m", "benchmarks", topic], check=False).returncode:
            failed.append(topic)
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Print the tables of the topics named, of all but `accuracy` when none is; see `TOPICS`.

The table of accuracies trains networks for two hours unless they are there.
"""

from __future__ import annotations

import sys
from importlib import import_module

from rich.console import Console

TOPICS = (
    "exact", "numeric", "generated", "network", "potentials", "roofline", "growth", "physics",
    "accuracy",
)  # fmt: skip


def main() -> int:
    """Run the topics named on the command line."""
    chosen = sys.argv[1:] or [topic for topic in TOPICS if topic != "accuracy"]
    unknown = [topic for topic in chosen if topic not in TOPICS]
    if unknown:
        print(f"error: topic {unknown[0]!r} is not one of {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 140)
    for topic in chosen:
        for table in import_module(f"benchmarks.{topic}").tables():
            console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

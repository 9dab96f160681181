"""``python -m tests.campaign``: damage good files for an hour, and say what the readers did."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .campaign import campaign, table
from .cases import KINDS, Case


def main() -> int:
    """Run a campaign, or one case of it again; return 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument(
        "--again", nargs=3, metavar=("KIND", "SEED", "NUMBER"), help="run one case, here"
    )
    chosen = parser.parse_args()
    if chosen.again:
        kind, seed, number = chosen.again
        case = Case(kind, int(seed), int(number))
        folder = Path(tempfile.mkdtemp(prefix="case-"))
        (folder / "case").mkdir()
        print(folder / "case" / case.file()[0], file=sys.stderr)
        print("result" if case.run(folder / "case") else "error")
        return 0
    kinds = campaign(chosen.kinds, chosen.seed, 60 * chosen.minutes, lambda line: print(line))
    print(table(kinds))
    found = sum(len(figures.findings) for figures in kinds.values())
    print(f"\nseed {chosen.seed}, {found} findings; one again: --again KIND SEED NUMBER")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Change the code in small ways and see whether its tests notice: ``python -m tests.mutants``.

A seeded sample of places in ``carnet_model/{network,compiled,weights,structures}`` is changed, one
at a time, in a copy of the repository, and the tests of the folder are run until one fails. Results
are kept, and a run goes on where the last one ended. Needs the extra ``mutation``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutants.mutations import FOLDERS, Mutant, sample
from tests.mutants.running import load_libraries, tests_for, try_mutant

WANTED = 0.9
"""The share of mutants that must die."""

ARGUED = Path(__file__).with_name("argued.toml")
"""Changes that no test can see, each with the reason why."""


def reasons() -> list[dict[str, str]]:
    """Return the changes that no test can see: path, before, after and because."""
    found: list[dict[str, str]] = tomllib.loads(ARGUED.read_text(encoding="utf-8")).get(
        "change", []
    )
    return found


def argued(each: Mutant) -> bool:
    """Say whether it is written down why a change makes no difference."""
    words = (each.path, each.before, each.after)
    return any((entry["path"], entry["before"], entry["after"]) == words for entry in reasons())


def copied(root: Path, tree: Path) -> None:
    """Bring a copy of the tracked and new files of the repository up to date."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    wanted = {Path(line) for line in listed.stdout.splitlines() if (root / line).is_file()}
    for path in wanted:
        target = tree / path
        content = (root / path).read_bytes()
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    for target in tree.rglob("*.py"):
        if target.relative_to(tree) not in wanted:
            target.unlink()


def read(place: Path) -> dict[str, dict[str, Any]]:
    """Return the results so far by the keys of mutants; later ones count."""
    lines = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
    return {entry["key"]: entry for entry in map(json.loads, lines)}


def ending(each: Mutant, entry: dict[str, Any] | None) -> str:
    """Return what became of a mutant, in a word."""
    if entry is None:
        return "untried"
    if entry["killed"]:
        return "killed"
    return "argued" if argued(each) else "survived"


def summary(mutants: list[Mutant], results: dict[str, dict[str, Any]]) -> tuple[str, float]:
    """Return the table of a sample with its survivors, and the share of those tried that died."""
    endings = [(each, ending(each, results.get(each.key))) for each in mutants]
    lines = ["| folder | tried | killed | argued | survived | died |", "| --- " * 6 + "|"]
    share = 0.0
    for folder in (*FOLDERS, "all"):
        counts = Counter(
            word for each, word in endings if folder in ("all", Path(each.path).parts[1])
        )
        tried = counts["killed"] + counts["argued"] + counts["survived"]
        share = counts["killed"] / max(tried - counts["argued"], 1)
        numbers = [tried, counts["killed"], counts["argued"], counts["survived"]]
        cells = " | ".join(map(str, numbers))
        lines.append(f"| {folder} | {cells} | {100 * share:.1f} % |")
    lines += ["", *(f"{word}: {each}" for each, word in endings if word == "survived")]
    return "\n".join(lines), share


def attempt(root: Path, folder: Path, mutants: list[Mutant], again: bool) -> None:
    """Try the mutants there are no results of; also those that survived, when asked."""
    place = folder / "results.jsonl"
    known = read(place)
    left = [
        each for each in mutants
        if ending(each, known.get(each.key)) in ("untried", *(["survived"] if again else []))
    ]  # fmt: skip
    for number, each in enumerate(left, start=1):
        tests = tests_for(root, each, folder)
        killed, seconds, output = False, 0.0, "no test reaches it"
        if tests:
            run = try_mutant(root, each, tests, folder)
            killed, seconds, output = run.code != 0, run.seconds, run.output
        entry = {
            "key": each.key, "path": each.path, "line": each.place[0], "operator": each.operator,
            "before": each.before, "after": each.after, "killed": killed,
            "seconds": round(seconds, 2), "tests": len(tests), "output": output[-600:],
        }  # fmt: skip
        with place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        word = "killed" if killed else "SURVIVED"
        print(f"{number}/{len(left)} {word} in {seconds:.1f} s: {each}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="number of mutants")
    parser.add_argument("--seed", type=int, default=16, help="which ones")
    parser.add_argument("--folder", type=Path, default=Path("build/mutants"), help="results")
    parser.add_argument("--again", action="store_true", help="also try those that survived")
    parser.add_argument("--summary", action="store_true", help="only say what came out so far")
    parser.add_argument("--copied", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    tree = folder / "tree"
    if not options.copied and not options.summary:
        copied(Path.cwd(), tree)
        os.environ["PYTHONPATH"] = str(tree)
        os.environ["OMP_NUM_THREADS"] = "1"
        words = [*sys.argv[1:], "--folder", str(folder), "--copied"]  # the last folder counts
        os.chdir(tree)
        os.execv(sys.executable, [sys.executable, "-m", "tests.mutants", *words])
    root = Path.cwd()
    mutants = sample(root, options.count, options.seed, folder)
    if options.copied:
        load_libraries()
        attempt(root, folder, mutants, options.again)
        shutil.rmtree(folder / "cache", ignore_errors=True)
    text, share = summary(mutants, read(folder / "results.jsonl"))
    print(text)
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())

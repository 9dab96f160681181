"""What is said of unusual structures: how often of known crystals, how often of distorted ones.

    python -m benchmarks.domain elastic.json.gz                   the figures of docs/predicting.md
    python -m benchmarks.domain elastic.json.gz --write FILE      the ranges of bond orders

The data are those that networks for elastic tensors are trained on; their ``split`` says which
crystals make the ranges (train) and which test them (val).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from carnet_model.data.examples import Example
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.prediction.domain import Domain
from carnet_model.structures.bonding import ranges_of
from carnet_model.structures.geometry import Geometry
from natural_tensors.files.saving import write_bytes

SCALES = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2)
"""Factors of all lengths of a crystal; 1 tells the false alarms."""


def scaled(structure: Geometry, factor: float) -> Geometry:
    """Return a structure with all lengths multiplied."""
    return replace(structure, positions=factor * structure.positions, cell=factor * structure.cell)


def alarms(structures: Sequence[Geometry], factor: float) -> Counter[str]:
    """Return how many structures a warning is given of, by its first words; ``any``: any of them.

    Atoms nearer than 0.3 Å are refused before, and count as told.
    """
    domain = Domain(crystals=True)
    told: Counter[str] = Counter()
    for structure in structures:
        warnings = domain.arrangement(scaled(structure, factor))
        told.update({warning.partition(":")[0] for warning in warnings})
        told["any"] += bool(warnings)
    return told


def tables(examples: Sequence[Example]) -> Iterator[Table]:
    """Yield the table of warnings on crystals of the validation split, as they are and scaled."""
    crystals = [example.geometry for example in examples if example.split == "val"]
    counts = {factor: alarms(crystals, factor) for factor in SCALES}
    kinds = sorted({kind for told in counts.values() for kind in told} - {"any"})
    table = Table("lengths", *kinds, "any", title=f"warnings, {len(crystals)} crystals")
    for factor, told in counts.items():
        shares = (f"{100 * told[kind] / len(crystals):.1f} %" for kind in (*kinds, "any"))
        table.add_row(f"{factor:g}", *shares)
    yield table


def main() -> None:
    """Print the figures, or write the ranges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--write", metavar="FILE")
    options = parser.parse_args()
    examples = read_examples(
        options.data, LabelSource("elastic", "C", "upper", "GPa"), on_error="skip"
    )
    if options.write is None:
        for table in tables(examples):
            Console(width=140).print(table)
        return
    train = [example.geometry for example in examples if example.split == "train"]
    rows = [
        f'  "{number}": [{count}, {low:.4g}, {high:.4g}]'
        for number, (count, low, high) in ranges_of(train).items()
    ]
    what = "sums of bond orders: crystals, least, largest; the extreme fiftieth is left out"
    source = f"{what}; {len(train)} crystals"
    head = f'{{\n "source": {json.dumps(source)},\n "elements": {{\n'
    write_bytes(options.write, (head + ",\n".join(rows) + "\n }\n}\n").encode())


if __name__ == "__main__":
    main()

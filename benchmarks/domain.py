"""What is said of unusual structures: how often of known crystals, how often of distorted ones.

    python -m benchmarks.domain elastic.json.gz                   the figures of docs/predicting.md
    python -m benchmarks.domain elastic.json.gz --write FILE      the ranges of bond orders
    python -m benchmarks.domain elastic.json.gz moduli.json.gz    the quantiles of unseen crystals

The data are those that networks for elastic tensors are trained on; their ``split`` says which
crystals make the ranges (train) and which test them (val). The quantiles are of ``val`` of both
files, the second with moduli alone (``carnet data moduli``).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from carnet_model.data.examples import Example
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.prediction.domain import Domain
from carnet_model.structures.bonding import quantiles_of, ranges_of
from carnet_model.structures.geometry import Geometry
from natural_tensors.arrays import Floats
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
    """Yield what is told of crystals of the validation split, as they are and scaled."""
    crystals = [example.geometry for example in examples if example.split == "val"]
    counts = {factor: alarms(crystals, factor) for factor in SCALES}
    kinds = sorted({kind for told in counts.values() for kind in told} - {"any"})
    table = Table("lengths", *kinds, "any", title=f"warnings, {len(crystals)} crystals")
    for factor, told in counts.items():
        shares = (f"{100 * told[kind] / len(crystals):.1f} %" for kind in (*kinds, "any"))
        table.add_row(f"{factor:g}", *shares)
    yield table
    usual = scores(crystals)
    table = Table("lengths", "a warning", "strangeness", title="area under the curve")
    for factor in SCALES:
        strange = scores([scaled(crystal, factor) for crystal in crystals])
        values = (area(strange[name], usual[name]) for name in strange)
        table.add_row(f"{factor:g}", *(f"{value:.2f}" for value in values))
    yield table


def scores(structures: Sequence[Geometry]) -> dict[str, Floats]:
    """Return what is said of each structure: whether it has a warning, and its strangeness."""
    domain = Domain(crystals=True)
    told = [domain.arrangement(structure) for structure in structures]
    found = [domain.strangeness(*pair) for pair in zip(structures, told, strict=True)]
    return {
        "a warning": np.array([float(bool(warnings)) for warnings in told]),
        "strangeness": np.array([0.0 if value is None else value for value in found]),
    }


def area(strange: Floats, usual: Floats) -> float:
    """Return the probability that a strange structure has the larger score; ties count half."""
    order = np.sort(usual)
    below = np.searchsorted(order, strange, side="left")
    up_to = np.searchsorted(order, strange, side="right")
    return float((below + up_to).mean() / (2 * len(usual)))


def main() -> None:
    """Print the figures, or write the ranges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("moduli", nargs="?")
    parser.add_argument("--write", metavar="FILE")
    options = parser.parse_args()
    examples = read_examples(
        options.data, LabelSource("elastic", "C", "upper", "GPa"), on_error="skip"
    )
    if options.moduli is not None:
        known = {example.identifier for example in examples}
        others = read_examples(
            options.moduli,
            [
                LabelSource(name, form="scalar", unit="GPa", optional=True)
                for name in ("bulk", "shear", "bulk_voigt")
            ],
            on_error="skip",
        )
        unseen = [*examples, *(each for each in others if each.identifier not in known)]
        found = quantiles_of([each.geometry for each in unseen if each.split == "val"])
        print(json.dumps([float(f"{value:.4g}") for value in found]))
        return
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

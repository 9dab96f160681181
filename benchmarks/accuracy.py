"""Errors on validation data of networks trained by the recipes, beside trivial and published ones.

Training them all takes two hours on one core; what has been trained is kept in the folder
``runs/accuracy`` (or ``NATURAL_TENSORS_RUNS``) and only measured again. One of them alone:
``python -m benchmarks.accuracy silicon 0.5`` trains on half of its training set. Smaller shares,
for learning curves, are shown where they have been trained.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

import carnet_model
from carnet_model.data.examples import Example
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.evaluation import Evaluation, evaluate
from carnet_model.evaluation.formats import score_label
from carnet_model.training.config import Config
from carnet_model.training.config_reading import read_config
from carnet_model.training.run import train
from carnet_model.training.sources import resolve_sources

from .processes import say

RECIPES = Path(__file__).parents[1] / "carnet_model" / "recipes"
SHARES = (0.25, 0.5, 1.0)
"""Of the training set, for the learning curves."""


@dataclass(frozen=True)
class Row:
    """A figure of the table.

    Attributes:
        recipe: name of the configuration.
        target: key of the tensor.
        file: number of the data file, of several.
        score: name of the figure.
        published: what others report, on other splits or sets; sources in docs/tensors.md.
    """

    recipe: str
    target: str
    file: int
    score: str
    published: str = ""


ZUNDEL = "0.005 (SA-GPR with 200)"

ROWS = (
    Row("silicon", "energy", 0, "forces_mae", "GAP 70, MTP 60 (Zuo 2020)"),
    Row("silicon", "energy", 0, "energy_mae", "GAP 2.9, MTP 2.2"),
    Row("silicon", "energy", 0, "stress_mae"),
    Row("molybdenum", "energy", 0, "forces_mae", "GAP 90, MTP 90 (Zuo 2020)"),
    Row("molybdenum", "energy", 0, "energy_mae", "GAP 2.2, MTP 2.8"),
    Row("molybdenum", "energy", 0, "stress_mae"),
    Row("lithium", "energy", 0, "forces_mae", "GAP 10, MTP 10 (Zuo 2020)"),
    Row("lithium", "energy", 0, "energy_mae", "GAP 0.5, MTP 0.5"),
    Row("ethanol", "energy", 0, "forces_mae", "MACE 2.1 with 1,000"),
    Row("3bpa", "energy", 0, "forces_rmse"),
    *(
        Row("water", target, file, "of_spread", ZUNDEL if (target, file) == ("dipole", 2) else "")
        for file in range(3)
        for target in ("dipole", "polarizability", "hyperpolarizability")
    ),
    Row("water-gamma", "second-hyperpolarizability", 0, "of_spread"),
    Row("dielectric", "electronic", 0, "component_mae", "0.456 (boosted trees, same split)"),
    Row("dielectric", "total", 0, "component_mae", "1.220 (boosted trees, same split)"),
    Row("piezoelectric", "piezoelectric-stress", 0, "frobenius_mean", "0.46 (GMTNet, JARVIS)"),
    Row("nmr-silicon", "nmr-shielding", 0, "component_mae", "1.05 (Venetos 2023, symmetric part)"),
)


def folder() -> Path:
    """Return where trained networks are kept."""
    return Path(os.environ.get("NATURAL_TENSORS_RUNS", "runs/accuracy")).absolute()


def trained(recipe: str, share: float = 1.0) -> tuple[Config, Path]:
    """Return a configuration and its model, trained unless it is there."""
    config = read_config(RECIPES / f"{recipe}.yaml")
    name = recipe if share == 1 else f"{recipe}-{share:g}"
    split = config.split.model_copy(update={"share": share})
    config = config.model_copy(update={"split": split, "output": str(folder() / name)})
    if not there(recipe, share):
        say(f"accuracy: training {name}, some minutes")
        train(config)
    return config, folder() / name / "model"


def there(recipe: str, share: float) -> bool:
    """Say whether a recipe has been trained on a share of its training set."""
    run = folder() / (recipe if share == 1 else f"{recipe}-{share:g}") / "run.json"
    return run.is_file() and bool(json.loads(run.read_text())["finished"])


def measured(
    recipe: str, share: float, target: str, file: int, *, with_trivial: bool
) -> Evaluation:
    """Return the errors on the validation part of one file."""
    config, model = trained(recipe, share)
    source = resolve_sources(config)[file]
    predictor = carnet_model.load(model, target=target)
    labels = source.evaluated_labels(predictor.target)
    readings = [label.reading for label in labels]
    examples = _of("val", source.path, readings)
    return evaluate(
        predictor,
        examples,
        baseline=_of("train", source.path, readings) if with_trivial else (),
        either_sign=any(label.either_sign for label in labels),
    )


def _of(split: str, path: str, sources: Sequence[LabelSource]) -> list[Example]:
    found = read_examples(path, sources, for_training=split == "train", on_error="skip")
    return [example for example in found if example.split == split]


def tables() -> Iterator[Table]:
    """Train what is missing, measure everything."""
    table = Table(title="errors on validation data; in brackets the standard error over structures")
    table.add_column("recipe")
    table.add_column("figure")
    for share in SHARES:
        table.add_column(f"{share:.0%} of training", justify="right")
    table.add_column("trivial", justify="right")
    table.add_column("published")
    for row in ROWS:
        say(f"accuracy: {row.recipe}, {row.target}, file {row.file + 1}: {row.score}")
        cells = []
        for share in SHARES:
            if share < 1 and not there(row.recipe, share):
                cells.append("")
                continue
            found = measured(row.recipe, share, row.target, row.file, with_trivial=share == 1)
            score = found.errors[row.score]
            cells.append(f"{score.value:.3g} ({score.error:.1g})")
        assert found.baselines is not None  # of the whole training set, the last share
        (trivial,) = (each[row.score] for each in found.baselines.tables.values())
        name = row.target if row.file == 0 else f"{row.target}, file {row.file + 1}"
        table.add_row(
            row.recipe,
            escape(f"{name}: {score_label(score)}"),
            *cells,
            f"{trivial.value:.3g}",
            row.published,
        )
    yield table


if __name__ == "__main__":
    trained(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)

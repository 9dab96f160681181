"""The commands ``evaluate`` and ``join``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

import typer

from natural_tensors.files.saving import FileError
from natural_tensors.terminal import examples_of, one_of, say, warn

from ..data.examples import DatasetError, Example, Examples
from ..data.labels import LabelSource
from ..data.reading import read_examples
from ..prediction.predictor import Precision, Predictor, load
from .app import app, check_extras
from .options import (
    PROGRESS_FROM,
    SPLITS,
    BatchOption,
    FormOption,
    KeyOption,
    ModelOption,
    PrecisionOption,
    TargetOption,
    UnitOption,
    label_source,
)


@app.command(
    "evaluate",
    epilog=examples_of(
        "carnet",
        "evaluate data.json.gz --split val --output report",
        "evaluate data.json.gz -m runs/mine -o report",
        "evaluate data.json.gz -o report --baseline-data data.json.gz",
        "evaluate a.extxyz --key stiffness --form voigt -o report",
    ),
)
def evaluate(
    path: Annotated[str, typer.Argument(metavar="DATA", help="Structures with labels.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")
    ],
    model: ModelOption = "elastic",
    target: TargetOption = None,
    split: Annotated[
        str,
        typer.Option(
            "--split", metavar="SPLIT", callback=one_of(SPLITS),
            help=f"{', '.join(SPLITS)}: which examples of DATA.",
        ),
    ] = "all",
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline-data", metavar="FILE",
            help="Training data for trivial predictions; only its train split is used.",
        ),
    ] = None,
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
    batch: BatchOption = None,
    precision: PrecisionOption = "single",
) -> None:  # fmt: skip
    """Compare predictions with labels: errors, baselines, plots, and whether doubt ranks errors.

    The folder receives report.json, predictions.csv and plots. Labels are read as the training of
    the model read them, unless options say otherwise.
    """
    check_extras()
    from ..evaluation import evaluation, formats

    if Path(output).exists() and not Path(output).is_dir():
        raise FileError(f"{output}: is no folder\nname one for the report; it is created")
    predictor = load(model, target=target, precision=cast(Precision, precision))
    sources, either_sign = _label_sources(predictor, path, key, form, unit)
    chosen = _labelled(path, sources, split)
    train: list[Example] = []
    if baseline is not None:
        train = _of_split(read_examples(baseline, sources, on_error="skip"), "train")
    shown = sys.stderr.isatty() and len(chosen) >= PROGRESS_FROM
    compared = evaluation.evaluate(
        predictor, chosen, baseline=train, batch=batch, progress=shown, either_sign=either_sign
    )
    files_written = formats.write_report(compared, output)
    say(formats.as_text(compared), "")
    for failure in compared.failures:
        warn("error", str(failure), "bold red")
    say(f"written to {output}: {', '.join(file.name for file in files_written)}")


@app.command(
    "join",
    epilog=examples_of(
        "carnet",
        "join runs/a/model runs/b/model -o runs/both",
        "join runs/*/model -o runs/all --data data.json.gz --split val",
    ),
)
def join(
    members: Annotated[list[str], typer.Argument(metavar="MODELS...", help="Checkpoints.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the ensemble goes.")
    ],
    path: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="FILE",
            help="Labelled structures that no member was trained on: their errors are recorded, "
            "and the spread is scaled to hold 68 % of them.",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split", metavar="SPLIT", callback=one_of(SPLITS),
            help=f"{', '.join(SPLITS)}: which examples of the data.",
        ),
    ] = "val",
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
) -> None:  # fmt: skip
    """Join networks of the same targets to an ensemble, whose spread is the uncertainty."""
    check_extras()
    from ..evaluation import evaluation
    from ..weights import ensembles

    joined = ensembles.merge(members, output)
    if path is not None:
        predictor = load(output)
        sources, either_sign = _label_sources(predictor, path, key, form, unit)
        chosen = _labelled(path, sources, split)
        found = evaluation.evaluate(predictor, chosen, either_sign=either_sign)
        scores = {score.name: round(score.value, 4) for score in found.errors.scores}
        notes = {
            "metrics": {split: {"structures": len(found.predictions), **scores}},
            "spread_scale": {name: round(v, 4) for name, v in found.spread_scale.items()},
        }
        ensembles.merge(members, output, notes)
    say(f"{len(joined.models)} networks joined in {output}")


def _label_sources(
    predictor: Predictor,
    path: str,
    key: str | None,
    form: str | None,
    unit: str | None,
) -> tuple[list[LabelSource], bool]:
    """Return the labels to read, and whether they may be their negatives.

    Without options they are read as the training read them: from its source of the same file
    name, or else from the first that has them.
    """
    from ..training.config import Config
    from ..training.sources import resolve_sources

    target, trained = predictor.target, predictor.record.get("config") or {}
    if key or form or unit or not trained:
        return [label_source(target.key, key, form, unit, target)], False
    known = [
        (source, labels)
        for source in resolve_sources(Config.model_validate(trained))
        if (labels := source.evaluated_labels(target))
    ]
    of_file = [labels for source, labels in known if source.path == Path(path).name]
    labels = of_file[0] if of_file else known[0][1]
    # a file may state energies alone, or forces alone: what is there is measured
    readings = [label.reading for label in labels]
    sources = [replace(each, optional=target.potential or each.optional) for each in readings]
    return sources, any(label.either_sign for label in labels)


def _labelled(path: str, sources: Sequence[LabelSource], split: str) -> list[Example]:
    """Return the examples of a split to measure a model on; faulty records are reported."""
    examples = read_examples(path, sources, for_training=False, on_error="skip")
    for fault in examples.faults:
        warn("warning", str(fault), "bold yellow")
    chosen = _of_split(examples, split)
    if not chosen:
        raise DatasetError(
            f"{path}: none of its {len(examples)} examples is of the split {split!r}\n"
            f"allowed: --split {', '.join(SPLITS)}"
        )
    return chosen


def _of_split(examples: Examples, split: str) -> list[Example]:
    return [example for example in examples if split in ("all", example.split)]

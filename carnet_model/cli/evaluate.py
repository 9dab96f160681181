"""The command ``evaluate``: predictions against labels."""

from __future__ import annotations

import sys
from typing import Annotated, cast

import typer

from natural_tensors.files.saving import make_folder
from natural_tensors.terminal import examples_of, one_of, say, warn

from ..cpp.files import Precision
from ..data.examples import Example
from ..data.reading import read_examples
from ..prediction.predictor import load
from .app import app, check_extras
from .labelled_data import division_of, label_sources, labelled_examples, of_split
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
)


@app.command(
    "evaluate",
    epilog=examples_of(
        "carnet",
        "evaluate data.json.gz --split val --output report",
        "evaluate data.json.gz -m runs/mine/model -o report",
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
            "--split",
            metavar="SPLIT",
            callback=one_of(SPLITS),
            help=f"{', '.join(SPLITS)}: which examples of DATA.",
        ),
    ] = "all",
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline-data",
            metavar="FILE",
            help="Training data for trivial predictions; only its train split is used.",
        ),
    ] = None,
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
    batch: BatchOption = None,
    precision: PrecisionOption = "single",
) -> None:
    """Compare predictions with labels: errors, baselines, plots, and whether doubt ranks errors.

    The folder receives report.json, predictions.csv and plots. Labels are read as the training of
    the model read them, unless options say otherwise.
    """
    check_extras()
    from ..evaluation import evaluation, formats

    make_folder(output)  # what cannot be written is said before the work
    predictor = load(model, target=target, precision=cast(Precision, precision))
    sources, either_sign = label_sources(predictor, path, key, form, unit)
    division = division_of(predictor)
    chosen = labelled_examples(path, sources, split, division)
    train: list[Example] = []
    if baseline is not None:
        train = of_split(read_examples(baseline, sources, on_error="skip"), "train", division)
    shown = sys.stderr.isatty() and len(chosen) >= PROGRESS_FROM
    compared = evaluation.evaluate(
        predictor, chosen, baseline=train, batch=batch, progress=shown, either_sign=either_sign
    )
    files_written = formats.write_report(compared, output)
    say(formats.as_text(compared), "")
    for failure in compared.failures:
        warn("error", str(failure), "bold red")
    say(f"written to {output}: {', '.join(file.name for file in files_written)}")

"""The command ``join``: networks of the same targets as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natural_tensors.errors import InputError
from natural_tensors.terminal import examples_of, one_of, say, warn

from ..data.examples import Example
from ..prediction.predictor import Predictor, load
from ..prediction.result import Prediction
from ..weights.record import MODEL
from .app import app, check_extras
from .labelled_data import division_of, label_sources, labelled_examples, moduli_examples
from .options import SPLITS, FormOption, KeyOption, UnitOption

if TYPE_CHECKING:
    from ..evaluation.calibration import KnownModuli


@app.command(
    "join",
    epilog=examples_of(
        "carnet",
        "join runs/a/model runs/b/model -o runs/both",
        "join runs/*/model -o runs/all --data data.json.gz --split val",
        "join runs/*/model -o all --data data.json.gz --moduli moduli.json.gz",
        "join runs/*/model -o small --half",
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
            "--data",
            metavar="FILE",
            help="Labelled structures that no member was trained on: their errors are recorded, "
            "and what holds 68 and 95 % of them is the uncertainty.",
        ),
    ] = None,
    moduli: Annotated[
        str | None,
        typer.Option(
            "--moduli",
            metavar="FILE",
            help="With --data, of a stiffness: further structures, with K and G alone (carnet data "
            "moduli), which count for the intervals of moduli.",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="SPLIT",
            callback=one_of(SPLITS),
            help=f"{', '.join(SPLITS)}: which examples of the data.",
        ),
    ] = "val",
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Round the weights to half precision: half the size; errors are of the rounded.",
        ),
    ] = False,
    key: KeyOption = None,
    form: FormOption = None,
    unit: UnitOption = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="TEXT",
            help="What the labels are; printed beside every interval, as in 'PBE at 0 K'.",
        ),
    ] = None,
) -> None:
    """Join networks of the same targets to an ensemble, which knows its uncertainty."""
    check_extras()
    from ..evaluation import evaluation
    from ..evaluation.calibration import calibrate
    from ..weights import ensembles

    if moduli is not None and path is None:
        raise InputError("--moduli adds to what --data measures: give --data as well")

    said = {} if reference is None else {"reference": reference}
    if (Path(output) / MODEL).is_file():
        warn("note", f"{output}: what was there is replaced", "bold yellow")
    joined = ensembles.merge(members, output, said, half=half)
    if path is not None:
        predictor = load(Path(output).resolve())  # shipped weights may be called like the folder
        sources, either_sign = label_sources(predictor, path, key, form, unit)
        chosen = labelled_examples(path, sources, split, division_of(predictor))
        compared = evaluation.evaluate(predictor, chosen, either_sign=either_sign)
        if compared.known:
            warn(
                "warning",
                f"{compared.known} of {len(compared.predictions)} examples were trained on, or "
                "nearly: intervals measured on them are too narrow for new crystals",
                "bold yellow",
            )
        scores = {score.name: round(score.value, 4) for score in compared.errors.scores}
        found = calibrate(compared, _known(predictor, moduli, split, chosen))
        notes = {
            "metrics": {split: {"structures": len(compared.predictions), **scores}},
            "intervals": {name: one.model.to_dict() for name, one in found.items()},
        }
        ensembles.merge(members, output, {**said, **notes}, half=half)
        for name, one in found.items():
            likely, sure = (
                "-" if share is None else f"{100 * share:.1f} %" for share in one.within
            )
            say(f"{name}: {likely} and {sure} of {one.count} errors left out are inside")
    say(f"{len(joined.models)} networks joined in {output}")


def _known(
    predictor: Predictor, path: str | None, split: str, apart_from: Sequence[Example]
) -> list[KnownModuli]:
    """Return predictions of crystals whose moduli alone are known; none without a file.

    Raises:
        InputError: when the model predicts another tensor than a stiffness.
    """
    if path is None:
        return []
    from ..evaluation.calibration import KnownModuli

    if predictor.target.key != "elastic":
        raise InputError(f"{predictor.title} predicts {predictor.target.key}, which has no moduli")
    examples = moduli_examples(path, split, division_of(predictor), apart_from)
    results = predictor.predict([example.geometry for example in examples], anyway=True)
    return [
        KnownModuli.of(result, example.labels)
        for result, example in zip(results, examples, strict=True)
        if isinstance(result, Prediction)
    ]

"""Evaluations as text, JSON, CSV and plots, and the folder that holds them: all printing is here.

    evaluation = evaluate(load("elastic"), examples, baseline=train)
    print(as_text(evaluation))
    write_report(evaluation, "report")

The report is a folder: ``report.json``, ``predictions.csv``, plots of prediction against reference
and of error against uncertainty. Each file is written as a whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors import CONVENTIONS, __version__, elasticity, to_voigt
from natural_tensors.files.saving import make_folder, to_csv, write_bytes
from natural_tensors.formatting import aligned, number

from .baselines import Baselines
from .comparison import MODULI, deviations, parity_columns, spreads
from .evaluation import Evaluation
from .plots import force_parity_plot, parity_plot, scatter_plot
from .ranking import Ranking
from .scores import ErrorTable, Score

QUANTITIES = {
    "bulk": "K",
    "shear": "G",
    "youngs": "E",
    "stiffness": "components",
    "tensor": "components",
    "relative": "tensor",
}
"""What uncertainties are of, by their names, in the words of a table."""


def score_text(score: Score) -> str:
    """Return a score with two digits of its standard error.

    >>> score_text(Score("bulk_mae", "GPa", 12.3456, 0.417, 10))
    '12.35 ± 0.42'
    """
    if not np.isfinite(score.value):
        return "-"
    if not np.isfinite(score.error) or score.error == 0:
        return number(score.value, 4)
    digits = int(np.clip(1 - np.floor(np.log10(score.error)), 0, 4))
    return f"{score.value:.{digits}f} ± {score.error:.{digits}f}"


def score_table(scores: ErrorTable | Baselines | Ranking) -> str:
    """Return scores as a table: a row for each, named with its unit, and a column for each group.

    >>> from .errors import tensor_errors
    >>> print(score_table(tensor_errors([1.0, 2.0], [1.0, 2.0], draws=2)).splitlines()[1])
    component_mae           0
    """
    columns = scores.columns
    rows = [
        (score_label(row[0]), *map(score_text, row)) for row in zip(*columns.values(), strict=True)
    ]
    return "\n".join(aligned([("", *columns), *rows], left=1))


def score_label(score: Score) -> str:
    """Return the name of a score with its unit, such as ``bulk_mae [GPa]``."""
    return score.name if score.unit in ("", "1") else f"{score.name} [{score.unit}]"


def as_text(evaluation: Evaluation) -> str:
    """Return an evaluation for people: errors, baselines, rankings."""
    count, failed = len(evaluation.predictions), len(evaluation.failures)
    known = evaluation.known
    blocks = [
        f"{evaluation.model or 'model'}: {evaluation.target}, {count} examples"
        + (f", {failed} failed" if failed else "")
        + (f", {known} of them in its training set, or nearly" if known else ""),
        score_table(evaluation.errors),
    ]
    if evaluation.baselines is not None:
        blocks += [f"baselines, all {count}", score_table(evaluation.baselines)]
    for name, ranked in evaluation.rankings.items():
        symbol = {"tensor": "the tensor", "bulk": "K", "shear": "G"}[name]
        blocks += [
            f"does the uncertainty rank errors of {symbol}? "
            "(spearman 1, gain 1 are perfect, 0 says nothing)",
            score_table(ranked),
        ]
    blocks += _within_lines(evaluation)
    return "\n\n".join(blocks)


def _within_lines(evaluation: Evaluation) -> list[str]:
    """Return how many errors lie inside the stated intervals, where intervals are stated."""
    lines = [
        f"  {words:15} {100 * likely:5.1f} %  {100 * sure:5.1f} %"
        for name, words in QUANTITIES.items()
        for likely, sure in [evaluation.within.get(name, (0.0, None))]
        if sure is not None
    ]
    head = "errors inside the 68 and the 95 % interval"
    return ["\n".join([head, *lines])] if lines else []


def as_document(evaluation: Evaluation) -> dict[str, Any]:
    """Return all figures of an evaluation as an object for JSON."""
    errors, baselines = evaluation.errors, evaluation.baselines
    groups = {"all": errors.scores, **errors.groups}
    tables = {} if baselines is None else baselines.tables
    return {
        "natural_tensors": __version__,
        "conventions": CONVENTIONS,
        "model": evaluation.model,
        "class": evaluation.target,
        "unit": evaluation.unit,
        "predicted": len(evaluation.predictions),
        "failed": [failure.to_dict() for failure in evaluation.failures],
        "known": evaluation.known,
        "seconds": round(evaluation.seconds, 3),
        "errors": {name: _score_objects(scores) for name, scores in groups.items()},
        "counts": dict(errors.counts),
        "baselines": {name: _score_objects(table.scores) for name, table in tables.items()},
        "ranking": {
            name: _score_objects(ranked.scores) for name, ranked in evaluation.rankings.items()
        },
        "within": {
            name: [None if share is None else _finite(share) for share in shares]
            for name, shares in evaluation.within.items()
        },
    }


def _score_objects(scores: Sequence[Score]) -> dict[str, Any]:
    return {
        score.name: {
            "value": _finite(score.value),
            "error": _finite(score.error),
            "unit": score.unit,
            "count": score.count,
        }
        for score in scores
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def as_csv(evaluation: Evaluation) -> str:
    """Return a table with one row for each example, failures included."""
    rows = [_row(evaluation, place) for place in range(len(evaluation.predictions))]
    rows += [{"id": failure.name, "error": failure.reason} for failure in evaluation.failures]
    heads = [*dict.fromkeys(name for row in rows for name in row if name != "error"), "error"]
    return to_csv(heads, rows)


def _row(evaluation: Evaluation, place: int) -> dict[str, str]:
    example, prediction = evaluation.examples[place], evaluation.predictions[place]
    reference, unit = evaluation.reference[place], evaluation.unit
    (error_norm,) = deviations((prediction,), (reference,), "tensor")
    row = {
        "id": example.identifier,
        "formula": example.formula,
        "group": evaluation.groups[place],
        f"error_norm{f' [{unit}]' if unit else ''}": _digits(error_norm),
    }
    if prediction.stiffness is not None:
        truth = np.asarray(to_voigt(reference), dtype=np.float64)
        row["component_mae [GPa]"] = _digits(np.abs(prediction.stiffness - truth).mean())
        ours, theirs = prediction.moduli, elasticity.moduli(truth)
        for name, letter in MODULI:
            row[f"{letter}_reference [GPa]"] = _digits(getattr(theirs, f"{name}_hill"))
            row[f"{letter} [GPa]"] = _digits(getattr(ours, f"{name}_hill"))
            if name in prediction.uncertainty:
                row[f"{letter}_spread [GPa]"] = _digits(prediction.uncertainty[name])
    if "relative" in prediction.uncertainty:
        row["relative_spread"] = _digits(prediction.uncertainty["relative"])
    row["known"] = prediction.known or ""
    row["warnings"] = "; ".join(prediction.warnings)
    return row


def _digits(value: float) -> str:
    """Write six digits, nothing when there is no number."""
    return number(value, missing="")


def as_plots(evaluation: Evaluation) -> dict[str, bytes]:
    """Return PNG images by file name: parity of components and moduli, error by uncertainty."""
    predictions, unit = evaluation.predictions, evaluation.unit
    if predictions[0].forces is not None:
        return {"parity.png": force_parity_plot(evaluation.examples, predictions)}
    columns = parity_columns(predictions, evaluation.reference)
    images = {"parity_components.png": parity_plot([("components", *columns["components"])], unit)}
    if evaluation.elastic:
        panels = [(letter, *columns[name]) for name, letter in MODULI]
        images["parity_moduli.png"] = parity_plot(panels, unit)
    if evaluation.rankings:
        panels = [
            (name, spreads(predictions, name), deviations(predictions, evaluation.reference, name))
            for name in evaluation.rankings
        ]
        images["uncertainty.png"] = scatter_plot(panels, unit)
    return images


def write_report(evaluation: Evaluation, folder: str | Path) -> tuple[Path, ...]:
    """Write figures, the table of predictions and plots into a folder, which is created.

    Returns:
        The files written.

    Raises:
        FileError: when the folder or a file cannot be written.
    """
    place = Path(folder)
    make_folder(place)
    document = json.dumps(as_document(evaluation), indent=2, ensure_ascii=False) + "\n"
    contents: Mapping[str, bytes] = {
        "report.json": document.encode(),
        "predictions.csv": as_csv(evaluation).encode(),
        **as_plots(evaluation),
    }
    for name, content in contents.items():
        write_bytes(str(place / name), content)
    return tuple(place / name for name in contents)

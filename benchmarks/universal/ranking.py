"""Which crystals to distrust: does the disagreement of two kinds of tensors rank their errors?

One is derived from a potential, the other predicted by the weights `elastic` for the crystal that
the potential relaxed, as `carnet elastic` shows both. Beside their disagreement stands what the
ensemble of the weights says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from carnet_model.evaluation.ranking import ranking
from carnet_model.prediction.disagreement import relative_difference
from carnet_model.prediction.predictor import load
from carnet_model.prediction.result import Failure, Prediction
from carnet_model.structures.conversion import geometry
from natural_tensors import elasticity
from natural_tensors.arrays import Floats

DIRECT = "elastic"
FEWEST = 3
"""Crystals from which a rank correlation is stated."""


def ranked(
    found: Mapping[str, Mapping[str, Mapping[str, Any]]], truth: Mapping[str, Floats]
) -> Table:
    """Return rank correlations of two uncertainties with the errors of both tensors.

    Args:
        found: by potential and crystal, ``stiffness`` (GPa, Voigt) and ``structure`` at rest.
        truth: stiffnesses by DFT, GPa, Voigt, shape ``(6, 6)``.
    """
    table = Table(
        "potential", "crystals", "error of the derived", "of the direct",
        "disagreement: derived", "direct", "spread of the ensemble: derived", "direct",
        title=f"Spearman rank correlations (standard error) with the relative errors of derived "
        f"tensors, and of the direct ones of {DIRECT}; medians of the errors",
    )  # fmt: skip
    for label, results in found.items():
        both = {
            name: (result["stiffness"], direct)
            for (name, result), direct in zip(
                results.items(), predicted(list(results.values())), strict=True
            )
            if isinstance(direct, Prediction)
        }
        cells = ["-"] * 6
        if len(both) >= FEWEST:
            derived = np.array([stiffness for stiffness, _ in both.values()])
            cells = _scores(
                derived, [direct for _, direct in both.values()],
                np.array([truth[name] for name in both]),
            )  # fmt: skip
        table.add_row(label, str(len(both)), *cells)
    return table


def _scores(derived: Floats, direct: Sequence[Prediction], truth: Floats) -> list[str]:
    """Return medians of the errors and rank correlations, as text."""
    guessed = np.array([each.stiffness for each in direct])
    errors = [relative_errors(guess, truth) for guess in (derived, guessed)]
    spread = np.array([each.uncertainty["relative"] for each in direct])
    scores = [
        ranking(measure, error).spearman
        for measure in (relative_errors(derived, guessed), spread)
        for error in errors
    ]
    return [
        *(f"{np.median(error):.3f}" for error in errors),
        *(f"{score.value:.2f} ({score.error:.2f})" for score in scores),
    ]


def predicted(results: Sequence[Mapping[str, Any]]) -> Sequence[Prediction | Failure]:
    """Return what the weights predict for relaxed crystals, a Failure where they cannot."""
    return load(DIRECT).predict([geometry(result["structure"]) for result in results])


def relative_errors(guess: Floats, truth: Floats) -> Floats:
    """Return ‖P - R‖ / ‖R‖ of each tensor, by its Frobenius norm, of Voigt matrices."""
    pairs = zip(elasticity.mandel(guess), elasticity.mandel(truth), strict=True)
    return np.array([relative_difference(one, other) for one, other in pairs])

"""Predictions beside their labels: deviations, spreads, and the pairs that plots show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natural_tensors import elasticity, to_voigt
from natural_tensors.arrays import Floats

from ..prediction.result import Prediction

MODULI = (("bulk", "K"), ("shear", "G"), ("youngs", "E"))
"""Names of the moduli after Hill, and their letters."""


def stiffnesses(predictions: Sequence[Prediction]) -> Floats:
    """Return predicted Voigt matrices, shape ``(structures, 6, 6)``."""
    return np.array([prediction.stiffness for prediction in predictions], dtype=np.float64)


def reference_stiffnesses(reference: Sequence[Floats]) -> Floats:
    """Return full stiffness tensors as Voigt matrices, shape ``(structures, 6, 6)``."""
    return np.asarray(to_voigt(np.stack(list(reference))), dtype=np.float64)


def tensors_with_labels(
    predictions: Sequence[Prediction], reference: Sequence[Floats], groups: Sequence[str]
) -> tuple[Floats, Floats, list[str]]:
    """Return predicted and reference tensors with their groups, one entry a structure.

    Of a property of atoms, one entry for each atom that has a label.
    """
    if not predictions[0].per_atom:
        return np.stack([p.tensor for p in predictions]), np.stack(reference), list(groups)
    guess = np.concatenate([prediction.tensor for prediction in predictions])
    truth = np.concatenate(reference)
    names = [g for p, g in zip(predictions, groups, strict=True) for _ in range(len(p.tensor))]
    labelled = np.asarray(np.isfinite(truth).reshape(len(truth), -1).all(axis=1))
    return guess[labelled], truth[labelled], [names[place] for place in np.flatnonzero(labelled)]


def spreads(predictions: Sequence[Prediction], name: str) -> Floats:
    """Return the spread of each prediction: of the ``"tensor"`` (its norm), or of a modulus."""
    if name != "tensor":
        return np.array([prediction.uncertainty[name] for prediction in predictions])
    return np.array(
        [
            prediction.uncertainty["relative"] * np.linalg.norm(prediction.tensor)
            for prediction in predictions
        ]
    )


def deviations(predictions: Sequence[Prediction], reference: Sequence[Floats], name: str) -> Floats:
    """Return the absolute error of each prediction: of the ``"tensor"`` (its norm), or a modulus.

    NaN where a structure has no label; atoms without one count nothing.
    """
    if name == "tensor":
        pairs = zip(predictions, reference, strict=True)
        gaps = [truth - prediction.tensor for prediction, truth in pairs]
        return np.array(
            [np.nan if np.isnan(g).all() else np.linalg.norm(np.nan_to_num(g)) for g in gaps]
        )
    guess = elasticity.moduli(stiffnesses(predictions))
    truth = elasticity.moduli(reference_stiffnesses(reference))
    gap = getattr(guess, f"{name}_hill") - getattr(truth, f"{name}_hill")
    return np.asarray(np.abs(gap), dtype=np.float64)


def parity_columns(
    predictions: Sequence[Prediction], reference: Sequence[Floats]
) -> dict[str, tuple[Floats, Floats]]:
    """Return reference and prediction of all ``"components"``, and of the moduli of stiffnesses."""
    if predictions[0].stiffness is None:
        guess, truth, _ = tensors_with_labels(predictions, reference, [""] * len(predictions))
        return {"components": (truth.ravel(), guess.ravel())}
    ours, theirs = stiffnesses(predictions), reference_stiffnesses(reference)
    upper = np.triu_indices(6)
    columns = {"components": (theirs[:, *upper].ravel(), ours[:, *upper].ravel())}
    guessed, true = elasticity.moduli(ours), elasticity.moduli(theirs)
    for name, _ in MODULI:
        columns[name] = (getattr(true, f"{name}_hill"), getattr(guessed, f"{name}_hill"))
    return columns

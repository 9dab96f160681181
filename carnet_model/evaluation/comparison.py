"""Predictions beside their labels: deviations, spreads, and the pairs that plots show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def errors_beside_uncertainty(
    prediction: Prediction, reference: Floats, name: str, width: str
) -> Floats:
    """Return absolute errors of a quantity and the stated uncertainty of each, shape ``(2, n)``.

    Without what has no uncertainty (components that vanish by symmetry) or no label.

    Args:
        prediction: of an ensemble.
        reference: its label, full.
        name: ``"relative"`` for the tensor as a whole, by its norm; ``"stiffness"`` or ``"tensor"``
            for its components; or a modulus.
        width: which of `Prediction.uncertainty`.
    """
    stated: Any = prediction.uncertainty[width]
    error: Any
    if name in ("relative", *(modulus for modulus, _ in MODULI)):
        error = deviations((prediction,), (reference,), "tensor" if name == "relative" else name)
        if name == "relative":
            stated = stated * np.linalg.norm(prediction.tensor)
    elif name == "stiffness":
        upper = np.triu_indices(6)
        truth = reference_stiffnesses((reference,))[0]
        error = np.abs(np.asarray(prediction.stiffness) - truth)[upper]
        stated = np.asarray(stated)[upper]
    else:
        error = np.abs(prediction.tensor - reference)
    pair = np.array([np.ravel(error), np.ravel(stated)], dtype=np.float64)
    return np.asarray(pair[:, (pair[1] > 0) & np.isfinite(pair[0])])


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

"""What a network predicts for a batch, as far as labels ask, and how far that is from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from natural_tensors import Form, elasticity
from natural_tensors.arrays import Floats

from ..network.batch import Batch
from ..network.model import CarNet
from ..network.targets import Target, elastic
from ..potentials.derivatives import energy_and_derivatives
from .label_tensors import Labels, PotentialLabels, TensorLabels, nearest_sign
from .scales import Scales

SCORED = {
    "component_mae": "tensor",
    "bulk_mae": "moduli",
    "shear_mae": "moduli",
    "energy_mae": "energy",
    "forces_mae": "forces",
}
"""Errors that choose an epoch, each with the term of the loss whose scale it is divided by."""


@dataclass(frozen=True)
class Predicted:
    """What a network predicts for a batch, as far as labels ask for it.

    Attributes:
        learned: of each target, see `CarNet.learned`.
        tensors: packed coordinates of each tensor.
        energies: shape ``(systems,)``; empty without a potential.
        forces: shape ``(atoms, 3)``; None where no label needs them.
        strain_derivative: shape ``(systems, 3, 3)``; None where no label needs it.
    """

    learned: Mapping[str, Tensor]
    tensors: Mapping[str, Tensor]
    energies: Tensor
    forces: Tensor | None = None
    strain_derivative: Tensor | None = None


def predict_batch(
    model: CarNet, graphs: Batch, labels: Mapping[str, Labels], *, create_graph: bool = False
) -> Predicted:
    """Return what a loss or an error compares with labels.

    Args:
        model: the network.
        graphs: the structures.
        labels: by the key of the target.
        create_graph: keep the graph of the forces, so that a loss of them can be differentiated by
            the parameters.
    """
    known = labels[model.potential.key] if model.potential else None
    if isinstance(known, PotentialLabels) and known.has_derivatives:
        stress = bool(known.stress_weight.sum() > 0)
        response = energy_and_derivatives(model, graphs, stress=stress, create_graph=create_graph)
        learned = dict(response.learned)
        forces, strain_derivative = response.forces, response.strain_derivative
    else:
        learned, forces, strain_derivative = model.learned(graphs), None, None
    energies = learned[model.potential.key].squeeze(-1) if model.potential else torch.zeros(0)
    return Predicted(learned, model.assembled(learned), energies, forces, strain_derivative)


def prefix(targets: Sequence[Target], target: Target) -> str:
    """Return what stands before the names of errors of one of several targets."""
    return f"{target.key}." if len(targets) > 1 else ""


def error_names(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return the names of what `errors` returns."""
    names: list[str] = []
    for target in targets:
        own = ["component_mae"]
        if target.potential:
            own = ["energy_mae", "forces_mae", "stress_mae"]
        elif elastic(target):
            own += ["bulk_mae", "shear_mae", "youngs_mae"]
        names += [prefix(targets, target) + name for name in own]
    return tuple(names)


def errors(
    targets: Sequence[Target], predicted: Predicted, labels: Mapping[str, Labels]
) -> dict[str, Tensor]:
    """Return the absolute errors of each system: NaN without a label, inf without a prediction.

    ``component_mae`` is the mean over the 36 Voigt components of an elastic tensor, over the full
    tensor for another target; ``bulk_mae``, ``shear_mae`` and ``youngs_mae`` are after Hill.
    ``energy_mae`` is per atom, ``forces_mae`` and ``stress_mae`` the mean over components. With
    several targets each name starts with that of the target.

    Args:
        targets: what is predicted.
        predicted: the predictions.
        labels: of the same systems.
    """
    result: dict[str, Tensor] = {}
    for target in targets:
        known = labels[target.key]
        if isinstance(known, PotentialLabels):
            own = _potential_errors(predicted, known)
        else:
            assert isinstance(known, TensorLabels)
            own = _tensor_errors(target, predicted.tensors[target.key].detach(), known)
        start = prefix(targets, target)
        result |= {f"{start}{name}": torch.from_numpy(values) for name, values in own.items()}
    return result


def _potential_errors(predicted: Predicted, labels: PotentialLabels) -> dict[str, Floats]:
    gap = ((predicted.energies.detach() - labels.energies) / labels.sizes).abs()
    result = {"energy_mae": _where(labels.energy_weight, gap)}
    if predicted.forces is not None:
        gap = (predicted.forces - labels.forces).abs().mean(dim=1)
        result["forces_mae"] = _where(labels.forces_weight, gap)
    if predicted.strain_derivative is not None:
        # per volume where there is one; labels of stress have it
        gap = (predicted.strain_derivative - labels.strain_derivative).abs().mean(
            dim=(1, 2)
        ) / labels.volumes
        result["stress_mae"] = _where(labels.stress_weight, gap)
    return result


def _where(weight: Tensor, values: Tensor) -> Floats:
    """Return values where the weight is above 0, NaN elsewhere."""
    return _known(weight.cpu().numpy() > 0, values.detach().cpu().double().numpy())


def _known(there: NDArray[np.bool_], gaps: Floats) -> Floats:
    """Return errors where there is a label, NaN elsewhere; what is no number errs by inf."""
    return np.where(there, np.where(np.isfinite(gaps), gaps, np.inf), np.nan)


def _tensor_errors(target: Target, packed: Tensor, labels: TensorLabels) -> dict[str, Floats]:
    form: Form = "voigt" if elastic(target) else "full"
    guess, truth = (
        np.asarray(target.reduction.unpack(values.cpu().double().numpy(), form=form))
        for values in (packed, labels.tensors * nearest_sign(labels, packed))
    )
    gaps = np.abs(guess - truth).reshape(len(packed), -1).mean(axis=1)
    known = labels.tensor_weight.cpu().numpy() > 0
    result = {"component_mae": _known(known, gaps)}
    if elastic(target):
        numbers = np.isfinite(guess).all(axis=(1, 2))
        guess = np.where(
            numbers[:, None, None], (guess + np.swapaxes(guess, -1, -2)) / 2, np.eye(6)
        )
        ours = elasticity.moduli(guess)
        bulk, shear, _ = labels.moduli.cpu().double().numpy().T
        given = labels.moduli_weight.cpu().numpy().T > 0
        young = 9 * bulk * shear / (3 * bulk + shear)
        for name, value, there in (
            ("bulk", bulk, given[0]),
            ("shear", shear, given[1]),
            ("youngs", young, given[0] & given[1]),
        ):
            modulus = np.asarray(getattr(ours, f"{name}_hill"))
            if not target.positive:  # a stiffness that is not stable has none
                modulus = np.nan_to_num(modulus)
            gaps = np.where(numbers, np.abs(modulus - value), np.inf)
            result[f"{name}_mae"] = _known(there, gaps)
    return result


def score(
    targets: Sequence[Target], means: Mapping[str, float], scales: Mapping[str, Scales]
) -> float | None:
    """Return the mean error of each target in units of its size, added: by it epochs are chosen.

    Of an elastic tensor the errors of the components, of K and of G count alike, each over all
    structures that have it; of a potential those of energies and forces, of stresses where these
    are all there is. None when nothing validates.

    Args:
        targets: what is predicted.
        means: of the errors, by the names of `error_names`.
        scales: by the key of the target.
    """
    total, measured = 0.0, False
    for target in targets:
        sizes = scales[target.key].loss
        start = prefix(targets, target)
        shares = [
            means[name] / sizes.get(term, 1.0)
            for error, term in SCORED.items()
            if (name := f"{start}{error}") in means
        ]
        if not shares and f"{start}stress_mae" in means:
            shares = [means[f"{start}stress_mae"] / sizes.get("stress", 1.0)]
        total += sum(shares) / max(len(shares), 1)
        measured = measured or bool(shares)
    return total if measured else None

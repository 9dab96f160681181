"""What a network says of a batch, as far as labels ask, and how far it is from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from natural_tensors import elasticity

from ..network.graph import Batch
from ..network.model import CarNet
from ..network.targets import Target, elastic
from ..potentials.derivatives import energy_and_derivatives
from .label_tensors import Labels, PotentialLabels, TensorLabels, nearer


@dataclass(frozen=True)
class Predicted:
    """What a network says of a batch, as far as labels ask for it.

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


def predicted(
    model: CarNet, graphs: Batch, labels: Mapping[str, Labels], *, create_graph: bool = False
) -> Predicted:
    """Return what a loss or an error compares with labels.

    Args:
        model: the network.
        graphs: the structures.
        labels: by the key of the target.
        create_graph: keep the graph of the derivatives, so that a loss of forces can be
            differentiated by the parameters.
    """
    known = labels[model.potential.key] if model.potential else None
    if isinstance(known, PotentialLabels) and known.slopes:
        stress = bool(known.stress_weight.sum() > 0)
        response = energy_and_derivatives(model, graphs, stress=stress, create_graph=create_graph)
        learned, forces = dict(response.learned), response.forces
        strain_derivative = response.strain_derivative
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


def errors(model: CarNet, found: Predicted, labels: Mapping[str, Labels]) -> dict[str, Tensor]:
    """Return the absolute errors of each system; NaN where nothing is known.

    ``component_mae`` is the mean over the 36 Voigt components of an elastic tensor, over the full
    tensor for another target; ``bulk_mae``, ``shear_mae`` and ``youngs_mae`` are after Hill.
    ``energy_mae`` is per atom, ``forces_mae`` and ``stress_mae`` the mean over components. With
    several targets each name starts with that of the target.

    Args:
        model: says what is predicted.
        found: predictions.
        labels: of the same systems.
    """
    result: dict[str, Any] = {}
    for target in model.targets:
        known = labels[target.key]
        if isinstance(known, PotentialLabels):
            own = _potential_errors(found, known)
        else:
            assert isinstance(known, TensorLabels)
            own = _tensor_errors(target, found.tensors[target.key].detach(), known)
        start = prefix(model.targets, target)
        result |= {f"{start}{name}": torch.from_numpy(np.asarray(v)) for name, v in own.items()}
    return result


def _potential_errors(found: Predicted, labels: PotentialLabels) -> dict[str, Any]:
    gap = ((found.energies.detach() - labels.energies) / labels.sizes).abs()
    result = {"energy_mae": _where(labels.energy_weight, gap)}
    if found.forces is not None:
        gap = (found.forces - labels.forces).abs().mean(dim=1)
        result["forces_mae"] = _where(labels.forces_weight, gap)
    if found.strain_derivative is not None:
        # per volume where there is one; labels of stress have it
        gap = (found.strain_derivative - labels.strain_derivative).abs().mean(dim=(1, 2))
        gap = gap / labels.volumes
        result["stress_mae"] = _where(labels.stress_weight, gap)
    return result


def _where(weight: Tensor, values: Tensor) -> Any:
    return np.where(weight.cpu().numpy() > 0, values.detach().cpu().double().numpy(), np.nan)


def _tensor_errors(target: Target, packed: Tensor, labels: TensorLabels) -> dict[str, Any]:
    form: Any = "voigt" if elastic(target) else "full"
    guess, truth = (
        np.asarray(target.reduction.unpack(values.cpu().double().numpy(), form=form))
        for values in (packed, nearer(labels, packed))
    )
    count = len(packed)
    gaps = np.abs(guess - truth).reshape(count, -1).mean(axis=1)
    known = labels.tensor_weight.cpu().numpy() > 0
    found = {"component_mae": np.where(known, gaps, np.nan)}
    if elastic(target):
        ours = elasticity.moduli((guess + np.swapaxes(guess, -1, -2)) / 2)
        bulk, shear = labels.moduli.cpu().double().numpy().T
        there = labels.moduli_weight.cpu().numpy().T > 0
        young = 9 * bulk * shear / (3 * bulk + shear)
        for name, value, given in (
            ("bulk", bulk, there[0]),
            ("shear", shear, there[1]),
            ("youngs", young, there.all(axis=0)),
        ):
            gap = np.abs(np.asarray(getattr(ours, f"{name}_hill")) - value)
            found[f"{name}_mae"] = np.where(given, gap, np.nan)
    return found

"""Labels as tensors, for one structure and for a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

from ..data.examples import DatasetError, Example
from ..network.targets import Target, TargetError, Values, elastic
from .config import MODULI, LabelSettings


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of the systems of a batch; what is unknown has weight 0 and any finite value.

    Each attribute is a tensor whose first axis is that of systems or atoms.
    """

    def to(self, device: torch.device | str) -> Self:
        """Return the labels on a device."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return replace(self, **moved)

    def whole(self) -> tuple[Values, float]:
        """Return what is learnt and its weight, of the first system."""
        raise NotImplementedError

    @property
    def weigh(self) -> bool:
        """Whether anything is known."""
        weights = (getattr(self, f.name) for f in fields(self) if f.name.endswith("weight"))
        return any(bool(weight.sum() > 0) for weight in weights)


@dataclass(frozen=True, eq=False)
class TensorLabels(Labels):
    """Labels of a tensor.

    Attributes:
        tensors: packed coordinates of the tensors, shape ``(systems, dimension)``.
        coordinates: those of the logarithm for a positive target, shape ``(systems, dimension)``.
        moduli: bulk and shear modulus after Hill, GPa, shape ``(systems, 2)``.
        tensor_weight: shape ``(systems,)``.
        coordinates_weight: shape ``(systems,)``.
        moduli_weight: shape ``(systems, 2)``.
        either_sign: 1 where the tensor may be its negative, shape ``(systems,)``.
    """

    tensors: Tensor
    coordinates: Tensor
    moduli: Tensor
    tensor_weight: Tensor
    coordinates_weight: Tensor
    moduli_weight: Tensor
    either_sign: Tensor

    def whole(self) -> tuple[Values, float]:
        """Return coordinates and weight of the first system."""
        return self.coordinates[0].double().numpy(), float(self.coordinates_weight[0])


@dataclass(frozen=True, eq=False)
class PotentialLabels(Labels):
    """Labels of an energy and its derivatives.

    Attributes:
        energies: double precision, shape ``(systems,)``.
        forces: shape ``(atoms, 3)``.
        strain_derivative: derivative of the energy by a strain: stress times volume, shape
            ``(systems, 3, 3)``.
        energy_weight: shape ``(systems,)``.
        forces_weight: shares of the weight of each structure, shape ``(atoms,)``.
        stress_weight: shape ``(systems,)``.
        sizes: number of atoms, shape ``(systems,)``.
        volumes: of the cells, cubic angstrom, 1 where nothing repeats, shape ``(systems,)``.
    """

    energies: Tensor
    forces: Tensor
    strain_derivative: Tensor
    energy_weight: Tensor
    forces_weight: Tensor
    stress_weight: Tensor
    sizes: Tensor
    volumes: Tensor

    def whole(self) -> tuple[Values, float]:
        """Return energy and weight of the first system."""
        return self.energies[:1].numpy(), float(self.energy_weight[0])

    @property
    def slopes(self) -> bool:
        """Whether any force or stress is known."""
        return bool(self.forces_weight.sum() + self.stress_weight.sum() > 0)


Kind = TypeVar("Kind", bound=Labels)


def join(parts: Sequence[Kind]) -> Kind:
    """Join the labels of several structures, all of one kind."""
    first = parts[0]
    return type(first)(**{
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in fields(first)
    })  # fmt: skip


def nearer(labels: TensorLabels, tensors: Tensor) -> Tensor:
    """Return labels, or their negatives where the sign is unknown and that is nearer."""
    opposite = (tensors.detach() * labels.tensors).sum(dim=1) < 0
    flipped = torch.where(opposite, -labels.either_sign, labels.either_sign)
    sign = torch.where(labels.either_sign > 0, flipped, torch.ones_like(flipped))
    return labels.tensors * sign.unsqueeze(1)


Known = Mapping[str, LabelSettings]


def labels_of_target(example: Example, target: Target, known: Known, *, even: bool) -> Labels:
    """Return labels of one target; ``even`` gives all that is known the weight 1."""
    weights = {
        name: _weight(example, label, even=even)
        for name, label in known.items()
        if name in example.labels
    }
    if target.potential:
        return _potential_labels(example, target, weights)
    return _tensor_labels(example, target, weights, known)


def _potential_labels(
    example: Example, target: Target, weights: Mapping[str, float]
) -> PotentialLabels:
    values, atoms = example.labels, len(example.geometry)
    energy, strain_derivative = np.zeros(1), np.zeros((1, 3, 3))
    forces, each = np.zeros((atoms, 3)), np.zeros(atoms)
    if target.key in weights:
        energy[0] = float(values[target.key])
    if "forces" in weights:
        stated = np.isfinite(values["forces"]).all(axis=1)
        forces[stated] = values["forces"][stated]
        each[stated] = weights["forces"] / max(stated.sum(), 1)
    if "stress" in weights:
        if example.geometry.volume is None:
            raise DatasetError(
                f"{example.identifier}: has a stress and no volume; give three lattice vectors, "
                "or set optional: true where stress is meant to be absent"
            )
        strain_derivative[0] = values["stress"] * example.geometry.volume
    return PotentialLabels(
        energies=torch.from_numpy(energy),
        forces=_single(forces),
        strain_derivative=_single(strain_derivative),
        energy_weight=_single([weights.get(target.key, 0.0)]),
        forces_weight=_single(each),
        stress_weight=_single([weights.get("stress", 0.0)]),
        sizes=_single([atoms]),
        volumes=_single([example.geometry.volume or 1.0]),
    )


def _tensor_labels(
    example: Example, target: Target, weights: Mapping[str, float], known: Known
) -> TensorLabels:
    rows = len(example.geometry) if target.pooling == "atoms" else 1
    packed = np.zeros((rows, target.dimension))
    coordinates = np.zeros((rows, target.dimension))
    there: Floats = np.zeros(rows)
    usable: Floats = np.zeros(rows)
    moduli, moduli_weights = np.ones((rows, 2)), np.zeros((rows, 2))
    either = np.zeros(rows)
    if target.key in weights:
        full = example.labels[target.key].reshape(rows, *(3,) * target.reduction.rank)
        there = np.array(np.isfinite(full.reshape(rows, -1)).all(axis=1), dtype=np.float64)
        for row in np.flatnonzero(there):
            packed[row] = np.asarray(target.reduction.pack(full[row]))
            try:
                coordinates[row] = target.coordinates(full[row])
                usable[row] = 1.0
            except TargetError:
                continue  # no logarithm: the tensor itself is still a label
        share = weights[target.key] / max(there.sum(), 1)
        there, usable = there * share, usable * share
        either[:] = known[target.key].sign == "unknown"
    if elastic(target) and target.pooling != "atoms":
        for column, name in enumerate(MODULI):
            value, weight = float("nan"), 0.0
            if name in weights:
                value, weight = float(example.labels[name]), weights[name]
            elif target.key in weights:
                value, weight = _modulus(target, packed[0], name), weights[target.key]
            if np.isfinite(value) and value > 0:
                moduli[0, column], moduli_weights[0, column] = value, weight
    arrays = (packed, coordinates, moduli, there, usable, moduli_weights, either)
    return TensorLabels(*(_single(array) for array in arrays))


def _single(values: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def _weight(example: Example, label: LabelSettings, *, even: bool) -> float:
    factors = [rule.weight for rule in label.weights if rule.build().matches(example.notes)]
    weight = example.weight * label.weight * float(np.prod(factors or [1.0]))
    return float(weight > 0) if even else weight


def _modulus(target: Target, packed: Floats, name: str) -> float:
    voigt = np.asarray(target.reduction.unpack(packed, form="voigt"))
    return float(getattr(elasticity.moduli((voigt + voigt.T) / 2), f"{name}_hill"))

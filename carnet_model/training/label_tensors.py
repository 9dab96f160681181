"""Labels as tensors, for one structure and for a batch: values with the weight of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

from ..data.examples import DatasetError, Example
from ..network.targets import Target, TargetError, Values, elastic
from .sources import AVERAGES, MODULI, Label


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of the systems of a batch; an unknown label has weight 0 and any finite value.

    Each attribute is a tensor whose first axis is that of systems or atoms.
    """

    def to(self, device: torch.device | str) -> Self:
        """Return the labels on a device."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return replace(self, **moved)

    def of_first_system(self) -> tuple[Values, float]:
        """Return what the network learns of the first system, and its weight."""
        raise NotImplementedError

    @property
    def known(self) -> bool:
        """Whether anything is known: whether any weight is above 0."""
        weights = (getattr(self, f.name) for f in fields(self) if f.name.endswith("weight"))
        return any(bool(weight.sum() > 0) for weight in weights)


@dataclass(frozen=True, eq=False)
class TensorLabels(Labels):
    """Labels of a tensor.

    Attributes:
        tensors: packed coordinates of the tensors, shape ``(systems, dimension)``.
        coordinates: those of the logarithm for a positive target, shape ``(systems, dimension)``.
        moduli: in the order of `MODULI`, GPa, shape ``(systems, 3)``.
        tensor_weight: shape ``(systems,)``.
        coordinates_weight: shape ``(systems,)``.
        moduli_weight: shape ``(systems, 3)``.
        either_sign: 1 where the tensor may be its negative, shape ``(systems,)``.
    """

    tensors: Tensor
    coordinates: Tensor
    moduli: Tensor
    tensor_weight: Tensor
    coordinates_weight: Tensor
    moduli_weight: Tensor
    either_sign: Tensor

    def of_first_system(self) -> tuple[Values, float]:
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

    def of_first_system(self) -> tuple[Values, float]:
        """Return energy and weight of the first system."""
        return self.energies[:1].numpy(), float(self.energy_weight[0])

    @property
    def has_derivatives(self) -> bool:
        """Whether any force or stress is known."""
        return bool(self.forces_weight.sum() + self.stress_weight.sum() > 0)


AnyLabels = TypeVar("AnyLabels", bound=Labels)


def join_labels(parts: Sequence[AnyLabels]) -> AnyLabels:
    """Join the labels of several structures, all of one class."""
    first = parts[0]
    joined = {
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in fields(first)
    }
    return type(first)(**joined)


def nearest_sign(labels: TensorLabels, tensors: Tensor) -> Tensor:
    """Return the signs of labels, of unknown ones that which is nearer, shape ``(systems, 1)``.

    Args:
        labels: of some systems.
        tensors: packed coordinates that are compared with them, shape ``(systems, dimension)``.
    """
    opposite = (tensors.detach() * labels.tensors).sum(dim=1) < 0
    flipped = torch.where(opposite, -labels.either_sign, labels.either_sign)
    return torch.where(labels.either_sign > 0, flipped, torch.ones_like(flipped)).unsqueeze(1)


def labels_of_target(
    example: Example, target: Target, labels: Sequence[Label], *, even: bool
) -> Labels:
    """Return what an example says of one target.

    Args:
        example: with the labels that were read.
        target: the target.
        labels: those of the target, in the example or not.
        even: give all that is known the weight 1, as in validation.

    Raises:
        DatasetError: for a stress of a structure that has no volume.
    """
    weights = {}
    for label in labels:
        if label.name in example.labels:
            weight = label.weight_in(example)
            weights[label.name] = float(weight > 0) if even else weight
    if target.potential:
        return _potential_labels(example, target, weights)
    either_sign = any(label.either_sign for label in labels if label.name == target.key)
    return _tensor_labels(example, target, weights, either_sign)


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
    example: Example, target: Target, weights: Mapping[str, float], either_sign: bool
) -> TensorLabels:
    systems = len(example.geometry) if target.pooling == "atoms" else 1
    packed = np.zeros((systems, target.dimension))
    coordinates = np.zeros((systems, target.dimension))
    given: Floats = np.zeros(systems)
    learnable: Floats = np.zeros(systems)
    sign_unknown = target.key in weights and either_sign
    if target.key in weights:
        full = example.labels[target.key].reshape(systems, *(3,) * target.reduction.rank)
        finite = np.isfinite(full.reshape(systems, -1)).all(axis=1)
        given = np.array(finite, dtype=np.float64)
        for row in np.flatnonzero(given):
            packed[row] = np.asarray(target.reduction.pack(full[row]))
            try:
                coordinates[row] = target.coordinates(full[row])
                learnable[row] = 1.0
            except TargetError:
                continue  # no logarithm: the tensor itself is still a label
        share = weights[target.key] / max(given.sum(), 1)
        given, learnable = given * share, learnable * share
    moduli, moduli_weights = (make((systems, len(MODULI))) for make in (np.ones, np.zeros))
    if elastic(target) and target.pooling != "atoms":
        averages = _averages(target, packed[0]) if target.key in weights else {}
        for column, name in enumerate(MODULI):
            value, weight = float("nan"), 0.0
            if name in weights:
                value, weight = float(example.labels[name]), weights[name]
            elif name in averages:
                value, weight = averages[name], weights[target.key]
            if np.isfinite(value) and value > 0:
                moduli[0, column], moduli_weights[0, column] = value, weight
    return TensorLabels(
        tensors=_single(packed),
        coordinates=_single(coordinates),
        moduli=_single(moduli),
        tensor_weight=_single(given),
        coordinates_weight=_single(learnable),
        moduli_weight=_single(moduli_weights),
        either_sign=_single(np.full(systems, sign_unknown)),
    )


def _single(values: ArrayLike) -> Tensor:
    """Return numbers in single precision, as networks compute."""
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def _averages(target: Target, packed: Floats) -> dict[str, float]:
    """Return the `AVERAGES` of a stiffness, after Hill, GPa; none where it is not stable."""
    voigt = np.asarray(target.reduction.unpack(packed, form="voigt"))
    stiffness = (voigt + voigt.T) / 2
    if not elasticity.is_stable(stiffness):
        return {}
    moduli = elasticity.moduli(stiffness)
    return {name: float(getattr(moduli, f"{name}_hill")) for name in AVERAGES}

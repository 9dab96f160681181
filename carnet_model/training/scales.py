"""What a training set says about the size of a target: mean, scales, energies of the elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from natural_tensors.arrays import Floats, Integers

from ..network.targets import Target
from ..structures.elements import ELEMENTS
from .label_tensors import Labels, PotentialLabels, TensorLabels


@dataclass(frozen=True, eq=False)
class Scales:
    """What a training set says about the size of one target.

    Attributes:
        mean: of the coordinates, nonzero for true scalars of a mean or of atoms, shape
            ``(dimension,)``.
        scale: of the coordinates, one number for each weight and copy, shape ``(dimension,)``.
        reference: what each element contributes to the true scalars of a sum, shape
            ``(elements, dimension)``; None for other targets.
        loss: scales of the terms of the loss by their names.
    """

    mean: Floats
    scale: Floats
    reference: Floats | None
    loss: Mapping[str, float]


def scales_of(target: Target, labels: Labels, numbers: Sequence[Integers]) -> Scales:
    """Return mean and scale of what is learnt, such that a rotation changes neither.

    The mean is that of the true scalars, zero for the rest; the scale is the root mean square of
    each weight and copy about it, over its components. For a sum over the atoms a least-squares
    fit of the true scalars to the numbers of atoms of each element takes the place of the mean,
    and the scale is that of the contribution of an atom.

    Args:
        target: the target.
        labels: of the whole training set.
        numbers: atomic numbers of each of its structures.
    """
    mean, scale = np.zeros(target.dimension), np.ones(target.dimension)
    if isinstance(labels, PotentialLabels):
        values = labels.energies.numpy()[:, None]
        weight = labels.energy_weight.double().numpy()
    else:
        assert isinstance(labels, TensorLabels)
        values = labels.coordinates.double().numpy()
        weight = labels.coordinates_weight.double().numpy()
    known = weight > 0
    scalars = target.scalars
    reference = None
    sizes = np.ones(len(values))
    if target.pooling == "sum":
        reference = np.zeros((ELEMENTS, target.dimension))
        counts = np.array(
            [np.bincount(structure, minlength=ELEMENTS) for structure in numbers], np.float64
        )
        sizes = counts.sum(axis=1)
        if known.any():
            root = np.sqrt(weight[known])[:, None]
            wanted = values[known][:, scalars]
            fit = np.linalg.lstsq(root * counts[known], root * wanted, rcond=1e-10)[0]
            reference[:, scalars] = fit
            values = values - counts @ reference
    elif known.any():
        mean[scalars] = np.average(values[known][:, scalars], axis=0, weights=weight[known])
        values = values - mean
    if known.any():
        scale = _spread(target, values[known] / np.sqrt(sizes[known])[:, None], weight[known])
    if isinstance(labels, PotentialLabels):
        loss = _potential_scales(labels, values[:, 0])
        if labels.forces_weight.sum():
            scale[:] = loss["forces"]  # a force is the energy of an atom over an angstrom
    else:
        assert isinstance(labels, TensorLabels)
        loss = {"tensor": _tensor_scale(labels), "moduli": _moduli_scale(labels)}
    return Scales(mean, scale, reference, loss)


def _spread(target: Target, values: Floats, weight: Floats) -> Floats:
    """Return the root mean square of each weight and copy, over its components."""
    scale = np.ones(target.dimension)
    start = 0
    for irrep, copies in target.parts:
        for _ in range(copies):
            where = slice(start, start + irrep.size)
            start += irrep.size
            square = (values[:, where] ** 2).mean(axis=1)
            scale[where] = np.sqrt(np.average(square, weights=weight))
    # a part that symmetry or chance makes zero throughout is still predicted, in small steps
    return np.maximum(scale, 1e-3 * max(float(scale.max()), 1e-12))


def _potential_scales(labels: PotentialLabels, energies: Floats) -> dict[str, float]:
    """Return the mean size of energy per atom, force, and response to strain per atom."""
    sizes = labels.sizes.double().numpy()
    forces = labels.forces.double().norm(dim=1).numpy()
    strains = labels.strain_derivative.double().flatten(1).norm(dim=1).numpy()
    terms = {
        "energy": (np.abs(energies) / sizes, labels.energy_weight),
        "forces": (forces, labels.forces_weight),
        "stress": (strains / sizes, labels.stress_weight),
    }
    return {
        name: float(np.average(size, weights=weight)) or 1.0 if weight.sum() else 1.0
        for name, (size, given) in terms.items()
        for weight in [given.double().numpy()]
    }


def _tensor_scale(labels: TensorLabels) -> float:
    weight = labels.tensor_weight.double().numpy()
    if not weight.sum():
        return 1.0
    values = labels.tensors.double().numpy()
    gap = np.linalg.norm(values - np.average(values, axis=0, weights=weight), axis=1)
    return float(np.average(gap, weights=weight)) or 1.0


def _moduli_scale(labels: TensorLabels) -> float:
    weight = labels.moduli_weight.double().numpy()
    values = labels.moduli.double().numpy()
    gaps = [
        np.abs(values[known, column] - np.median(values[known, column])).mean()
        for column in range(values.shape[1])
        for known in [weight[:, column] > 0]
        if known.any()
    ]
    return float(np.mean(gaps or [1.0])) or 1.0

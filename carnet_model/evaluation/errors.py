"""How far predictions are from their references: tensors, moduli, energies, forces, stresses.

>>> table = tensor_errors([[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [0.0, 2.0]], draws=10)
>>> table["component_mae"].value
0.25
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

from ..structures.units import EV_PER_A3
from .checks import check_same_shape, checked_stiffnesses, finite_numbers
from .scores import (
    DRAWS,
    ErrorTable,
    Metric,
    error_table,
    mean,
    median,
    r_squared,
    ratio,
    ratio_of_means,
    root_mean_square,
    root_ratio,
    total,
)


def elastic_errors(
    predicted: ArrayLike,
    reference: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> ErrorTable:
    """Return how far predicted stiffnesses are from the reference.

    The scores: ``component_mae``, the mean over crystals of the mean absolute error of the 36
    Voigt entries, and ``component_median``, the median over crystals of the same mean over
    entries; ``_mae``, ``_median`` (absolute errors) and ``_r2`` of ``bulk``, ``shear`` and
    ``youngs``, each after Hill; ``frobenius_median``, the median of ‖P - R‖ / ‖R‖ of the Mandel
    matrices; ``not_positive``, predictions that are not positive definite; ``undefined``, crystals
    of which a modulus does not exist because a stiffness is singular. These are left out of the
    scores of moduli (:attr:`Score.count` tells); the merely indefinite ones are kept, and may have
    wild moduli: then read the medians.

    Args:
        predicted: Voigt stiffnesses in GPa, shape ``(crystals, 6, 6)``.
        reference: the same shape.
        groups: a name for each crystal, such as its crystal system.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: when shapes differ, or a stiffness is not finite or not symmetric.
    """
    guess = checked_stiffnesses(predicted, "predicted")
    truth = checked_stiffnesses(reference, "reference")
    check_same_shape(guess, truth)
    if truth.ndim != 3:
        raise ValueError(
            f"stiffnesses have the shape (crystals, 6, 6), got {truth.shape}; add or join axes "
            "with reshape(-1, 6, 6)"
        )
    components = np.abs(guess - truth).mean(axis=(1, 2))[None]
    distance = np.linalg.norm(elasticity.mandel(guess) - elasticity.mandel(truth), axis=(1, 2))
    relative = ratio(distance, np.linalg.norm(elasticity.mandel(truth), axis=(1, 2)))
    metrics = [
        Metric("component_mae", "GPa", mean, components),
        Metric("component_median", "GPa", median, components),
    ]
    ours, theirs = elasticity.moduli(guess), elasticity.moduli(truth)
    undefined = np.zeros(len(truth), dtype=bool)
    for name in ("bulk", "shear", "youngs"):
        pair = np.array([getattr(ours, f"{name}_hill"), getattr(theirs, f"{name}_hill")])
        known = np.isfinite(pair).all(axis=0)
        pair = np.where(known, pair, np.nan)
        undefined |= ~known
        error = np.abs(pair[:1] - pair[1:])
        metrics += [
            Metric(f"{name}_mae", "GPa", mean, error),
            Metric(f"{name}_median", "GPa", median, error),
            Metric(f"{name}_r2", "", r_squared, pair),
        ]
    unstable = ~elasticity.is_stable(guess)
    metrics += [
        Metric("frobenius_median", "", median, relative[None]),
        Metric("not_positive", "", total, unstable[None].astype(np.float64)),
        Metric("undefined", "", total, undefined[None].astype(np.float64)),
    ]
    return error_table(metrics, groups, draws, seed)


def tensor_errors(
    predicted: ArrayLike,
    reference: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    unit: str = "",
    draws: int = DRAWS,
    seed: int = 0,
) -> ErrorTable:
    """Return how far predicted tensors of any class are from the reference.

    The scores: ``component_mae`` and ``component_median``, mean and median over crystals of the
    mean absolute error over entries; ``frobenius_mean``, the mean of ‖P - R‖; ``frobenius_ratio``,
    that over the mean of ‖R‖; ``frobenius_median``, the median of ‖P - R‖ / ‖R‖ over the crystals
    whose reference is not zero; ``of_spread``, the root mean square of ‖P - R‖ over that of
    ‖R - mean R‖: 1 for a prediction that knows the mean only.

    Args:
        predicted: shape ``(crystals, ...)``: full tensors or any other form. Only the full, the
            Mandel and the packed form have the Frobenius norm of the tensor.
        reference: the same shape and form.
        groups: a name for each crystal.
        unit: of both.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: when shapes differ or a number is not finite.
    """
    guess = finite_numbers(predicted, "predicted")
    truth = finite_numbers(reference, "reference")
    check_same_shape(guess, truth)
    guess, truth = guess.reshape(len(guess), -1), truth.reshape(len(truth), -1)
    components = np.abs(guess - truth).mean(axis=1)[None]
    distance = np.linalg.norm(guess - truth, axis=1)
    size = np.linalg.norm(truth, axis=1)
    metrics = [
        Metric("component_mae", unit, mean, components),
        Metric("component_median", unit, median, components),
        Metric("frobenius_mean", unit, mean, distance[None]),
        Metric("frobenius_ratio", "", ratio_of_means, np.array([distance, size])),
        Metric("frobenius_median", "", median, ratio(distance, size)[None]),
        Metric("of_spread", "", _of_spread, np.concatenate([distance[None], truth.T])),
    ]
    return error_table(metrics, groups, draws, seed)


def _of_spread(columns: Floats) -> Floats:
    """Return the root of Σ |P - R|² / Σ |R - mean R|²; columns are |P - R|, then entries of R."""
    deviation = (columns[0] ** 2).sum(axis=-1)
    spread = ((columns[1:] - columns[1:].mean(axis=-1, keepdims=True)) ** 2).sum(axis=(0, -1))
    return np.asarray(np.sqrt(deviation / np.where(spread > 0, spread, np.nan)))


@dataclass(frozen=True, eq=False)
class ForceLabels:
    """Energy and derivatives of one structure; NaN or None where nothing is known.

    Attributes:
        energy: eV.
        forces: eV/Å, shape ``(atoms, 3)``.
        stress: eV/Å^3, shape ``(3, 3)``.
    """

    energy: float
    forces: Floats | None = None
    stress: Floats | None = None


def potential_errors(
    predicted: Sequence[ForceLabels],
    reference: Sequence[ForceLabels],
    sizes: Sequence[int],
    groups: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> ErrorTable:
    """Return how far energies, forces and stresses are from the reference.

    The scores: ``energy_mae`` and ``energy_rmse`` per atom; ``forces_mae`` and ``forces_rmse``
    over all components of all atoms; ``forces_ratio``, the latter over the root mean square of the
    forces themselves; ``stress_mae`` over all components.

    Args:
        predicted: of each structure.
        reference: of the same structures.
        sizes: number of atoms of each.
        groups: a name for each structure.
        draws: samples of the bootstrap.
        seed: of the bootstrap.
    """
    if not len(predicted) == len(reference) == len(sizes) or not sizes:
        raise ValueError(
            f"got {len(predicted)} predictions, {len(reference)} references and {len(sizes)} "
            "sizes; give one of each for each structure, and at least one"
        )
    pairs = list(zip(predicted, reference, strict=True))
    per_atom = [1e3 * (p.energy - r.energy) / n for (p, r), n in zip(pairs, sizes, strict=True)]
    energy = np.abs(np.array([per_atom]))
    forces = np.array([_force_sums(p.forces, r.forces) for p, r in pairs]).T
    stress = np.array([[_stress_deviation(p.stress, r.stress) for p, r in pairs]])
    metrics = [
        Metric("energy_mae", "meV/atom", mean, energy),
        Metric("energy_rmse", "meV/atom", root_mean_square, energy),
        Metric("forces_mae", "meV/Å", ratio_of_means, forces[[0, 3]]),
        Metric("forces_rmse", "meV/Å", root_ratio, forces[[1, 3]]),
        Metric("forces_ratio", "", root_ratio, forces[[1, 2]]),
        Metric("stress_mae", "GPa", mean, stress),
    ]
    return error_table(metrics, groups, draws, seed)


def _force_sums(predicted: Floats | None, reference: Floats | None) -> tuple[float, ...]:
    """Return Σ |P - R|, Σ (P - R)² and Σ R² over the components with a label, and their number.

    In meV/Å; NaN where either is unknown.
    """
    if predicted is None or reference is None:
        return (np.nan,) * 4
    labelled = np.isfinite(reference).all(axis=1)
    deviation = 1e3 * (predicted - reference)[labelled]
    size = 1e3 * reference[labelled]
    return (
        float(np.abs(deviation).sum()),
        float((deviation**2).sum()),
        float((size**2).sum()),
        deviation.size,
    )


def _stress_deviation(predicted: Floats | None, reference: Floats | None) -> float:
    """Return the mean absolute error of the components, GPa; NaN where either is unknown."""
    if predicted is None or reference is None:
        return float("nan")
    return float(np.abs(predicted - reference).mean() * EV_PER_A3)

"""How wrong predictions are: tensors, moduli, energies, forces and stresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

from ..structures.units import EV_PER_A3
from .scores import (
    DRAWS,
    ErrorTable,
    Question,
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
    predicted: Any,
    reference: Any,
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
    guess, truth = check_same_shape(
        checked_stiffnesses(predicted, "predicted"), checked_stiffnesses(reference, "reference")
    )
    if truth.ndim != 3:
        raise ValueError(
            f"stiffnesses have the shape (crystals, 6, 6), got {truth.shape}; add or join axes "
            "with reshape(-1, 6, 6)"
        )
    components = np.abs(guess - truth).mean(axis=(1, 2))[None]
    distance = np.linalg.norm(elasticity.mandel(guess) - elasticity.mandel(truth), axis=(1, 2))
    relative = ratio(distance, np.linalg.norm(elasticity.mandel(truth), axis=(1, 2)))
    questions = [
        Question("component_mae", "GPa", mean, components),
        Question("component_median", "GPa", median, components),
    ]
    ours, theirs = elasticity.moduli(guess), elasticity.moduli(truth)
    undefined = np.zeros(len(truth), dtype=bool)
    for name in ("bulk", "shear", "youngs"):
        pair = np.array([getattr(ours, f"{name}_hill"), getattr(theirs, f"{name}_hill")])
        known = np.isfinite(pair).all(axis=0)
        pair = np.where(known, pair, np.nan)
        undefined |= ~known
        error = np.abs(pair[:1] - pair[1:])
        questions += [
            Question(f"{name}_mae", "GPa", mean, error),
            Question(f"{name}_median", "GPa", median, error),
            Question(f"{name}_r2", "", r_squared, pair),
        ]
    bad = ~elasticity.is_stable(guess)
    questions += [
        Question("frobenius_median", "", median, relative[None]),
        Question("not_positive", "", total, bad[None].astype(np.float64)),
        Question("undefined", "", total, undefined[None].astype(np.float64)),
    ]
    return error_table(questions, groups, draws, seed)


def checked_stiffnesses(values: Any, role: str) -> Floats:
    """Return checked stiffnesses; a complaint says which argument it is about."""
    try:
        return elasticity.check_stiffness(values)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{role}: {error}") from None


def check_same_shape(one: Floats, other: Floats, *roles: str) -> tuple[Floats, Floats]:
    """Return both arrays; refuse other shapes than one of each for each structure."""
    first, second = roles or ("predicted", "reference")
    if one.shape != other.shape:
        raise ValueError(
            f"{first} has shape {one.shape} but {second} {other.shape}; give one of each for each "
            "crystal, in the same order and form"
        )
    if not one.size:
        raise ValueError(f"got no crystals: shape {one.shape}; give at least one")
    return one, other


def tensor_errors(
    predicted: Any,
    reference: Any,
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
    guess, truth = check_same_shape(
        finite_numbers(predicted, "predicted"), finite_numbers(reference, "reference")
    )
    guess, truth = guess.reshape(len(guess), -1), truth.reshape(len(truth), -1)
    components = np.abs(guess - truth).mean(axis=1)[None]
    distance = np.linalg.norm(guess - truth, axis=1)
    size = np.linalg.norm(truth, axis=1)
    questions = [
        Question("component_mae", unit, mean, components),
        Question("component_median", unit, median, components),
        Question("frobenius_mean", unit, mean, distance[None]),
        Question("frobenius_ratio", "", ratio_of_means, np.array([distance, size])),
        Question("frobenius_median", "", median, ratio(distance, size)[None]),
        Question("of_spread", "", _of_spread, np.concatenate([distance[None], truth.T])),
    ]
    return error_table(questions, groups, draws, seed)


def _of_spread(columns: Floats) -> Floats:
    """Return the root of Σ |P - R|² / Σ |R - mean R|²; columns are |P - R|, then entries of R."""
    wrong = (columns[0] ** 2).sum(axis=-1)
    spread = ((columns[1:] - columns[1:].mean(axis=-1, keepdims=True)) ** 2).sum(axis=(0, -1))
    return np.asarray(np.sqrt(wrong / np.where(spread > 0, spread, np.nan)))


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
    energy = [1e3 * (p.energy - r.energy) / n for (p, r), n in zip(pairs, sizes, strict=True)]
    forces, stress = [], []
    for guess, truth in pairs:
        row = [np.nan] * 4
        if guess.forces is not None and truth.forces is not None:
            known = np.isfinite(truth.forces).all(axis=1)
            gap = 1e3 * (guess.forces - truth.forces)[known]
            size = 1e3 * truth.forces[known]
            row = [np.abs(gap).sum(), (gap**2).sum(), (size**2).sum(), gap.size]
        forces.append(row)
        known_stress = guess.stress is not None and truth.stress is not None
        difference = guess.stress - truth.stress if known_stress else np.nan  # type: ignore[operator]
        stress.append(np.abs(difference).mean() * EV_PER_A3)
    wrong, table = np.abs(np.array([energy])), np.array(forces).T
    questions = [
        Question("energy_mae", "meV/atom", mean, wrong),
        Question("energy_rmse", "meV/atom", root_mean_square, wrong),
        Question("forces_mae", "meV/Å", ratio_of_means, table[[0, 3]]),
        Question("forces_rmse", "meV/Å", root_ratio, table[[1, 3]]),
        Question("forces_ratio", "", root_ratio, table[[1, 2]]),
        Question("stress_mae", "GPa", mean, np.array([stress])),
    ]
    return error_table(questions, groups, draws, seed)


def finite_numbers(values: Any, role: str) -> Floats:
    """Return finite numbers as float64 with the structures on the first axis."""
    array = np.asarray(values, dtype=np.float64)
    if not array.ndim:
        raise ValueError(f"{role} has the shape (crystals, ...), got the single number {array}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = tuple(int(index) for index in bad[0])
        raise ValueError(
            f"{role} holds a number that is NaN or infinite: entry {place} is {array[place]}; "
            "remove or repair it first"
        )
    return array

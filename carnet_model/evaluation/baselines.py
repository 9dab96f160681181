"""Baselines, what a network has to beat: predictions from means, medians and composition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors import elasticity
from natural_tensors.arrays import Floats

from ..data.examples import Example
from ..network.targets import Target
from ..structures.elements import ELEMENTS
from .checks import checked_stiffnesses
from .errors import elastic_errors
from .scores import DRAWS, ErrorTable, Score

NO_STRUCTURE = "no structure"
"""Name of the baseline that knows elements only."""


def composition_baseline(
    target: Target, known: Sequence[tuple[Example, Floats]], examples: Sequence[Example]
) -> list[Floats]:
    """Return what is predicted without looking at positions: rotation leaves it as it is.

    The scalars of a sum follow from the numbers of atoms of each element, in least squares; those
    of atoms are the means of their element; those of a mean are the mean of all. Everything else
    in the tensor is zero.

    Args:
        target: the target.
        known: training examples and their labels.
        examples: to predict.

    Returns:
        Full tensors, of atoms with a leading axis.
    """
    rank = target.reduction.rank

    def rows_of(example: Example) -> Floats:
        """Return what the label is linear in, a row for each tensor, a column for each element."""
        numbers = example.geometry.numbers
        if target.pooling == "atoms":
            return np.eye(ELEMENTS)[numbers]
        if target.pooling == "sum":
            return np.bincount(numbers, minlength=ELEMENTS).astype(np.float64)[None]
        return np.ones((1, 1))

    rows = np.concatenate([rows_of(example) for example, _ in known])
    labels = np.concatenate([np.reshape(label, (-1, *(3,) * rank)) for _, label in known])
    stated = np.isfinite(labels.reshape(len(labels), -1)).all(axis=1)
    packed = np.asarray(target.reduction.pack(labels[stated])).reshape(-1, target.dimension)
    fit = np.linalg.lstsq(rows[stated], packed, rcond=1e-10)[0] * target.scalars
    full = [
        np.asarray(target.reduction.unpack(row @ fit), dtype=np.float64)
        for row in map(rows_of, examples)
    ]
    return full if target.pooling == "atoms" else [tensor[0] for tensor in full]


@dataclass(frozen=True, eq=False)
class Baselines:
    """What predictions without a network score.

    The keys of both fields are, for stiffness,

    - ``"median moduli"``: the isotropic body of the median K and G (Hill) of the training set;
    - ``"median tensor"``: the isotropic part of the training set's median of each component;
    - ``"mean tensor"``: the isotropic part of its mean tensor;
    - ``"true moduli"``: for each crystal the isotropic body of its own, true K and G (Hill): what
      perfect moduli say of the tensor. No prediction: a bound for methods that only know moduli;

    and ``"no structure"`` for all else: what the numbers of atoms of each element say (see
    `composition_baseline`).

    Attributes:
        tensors: Voigt stiffnesses in GPa, ``(6, 6)``, of ``"true moduli"`` ``(crystals, 6, 6)``;
            otherwise full tensors.
        tables: their errors against the reference.
    """

    tensors: Mapping[str, Floats]
    tables: Mapping[str, ErrorTable]

    @property
    def columns(self) -> dict[str, tuple[Score, ...]]:
        """The scores over all crystals, by the name of the baseline."""
        return {name: table.scores for name, table in self.tables.items()}


def elastic_baselines(
    train: ArrayLike,
    reference: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Baselines:
    """Return the trivial predictions that a network has to beat, and their errors.

    Args:
        train: Voigt stiffnesses in GPa, ``(crystals, 6, 6)``, that predictions may draw on.
        reference: those that errors are taken against.
        groups: a name for each crystal of the reference.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: without training data, or when a stiffness is no such matrix or is singular.
    """
    known = checked_stiffnesses(train, "train").reshape(-1, 6, 6)
    if not len(known):
        raise ValueError("train holds no crystals; give at least one")
    truth = checked_stiffnesses(reference, "reference")
    hill, own = elasticity.moduli(known), elasticity.moduli(truth)
    if not np.isfinite(own.shear_hill).all():
        place = int(np.flatnonzero(~np.isfinite(own.shear_hill))[0])
        raise ValueError(
            f"reference: stiffness {place} is singular and has no moduli; leave it out"
        )
    tensors = {
        "median moduli": elasticity.isotropic(
            np.nanmedian(hill.bulk_hill), np.nanmedian(hill.shear_hill)
        ),
        "median tensor": _isotropic_part(np.median(known, axis=0)),
        "mean tensor": _isotropic_part(known.mean(axis=0)),
        "true moduli": elasticity.isotropic(own.bulk_hill, own.shear_hill),
    }
    tables = {
        name: elastic_errors(
            np.broadcast_to(values, truth.shape), truth, groups, draws=draws, seed=seed
        )
        for name, values in tensors.items()
    }
    return Baselines(tensors, tables)


def _isotropic_part(stiffness: Floats) -> Floats:
    """Return the isotropic tensor nearest to a stiffness: that of its Voigt averages."""
    averages = elasticity.moduli(stiffness)
    return elasticity.isotropic(averages.bulk_voigt, averages.shear_voigt)

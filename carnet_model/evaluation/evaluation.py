"""How good a model is on labelled structures: errors, baselines, and whether it knows its errors.

    evaluation = evaluate(load("elastic"), examples, baseline=train)
    evaluation.errors["bulk_mae"].value

`formats` prints an evaluation and writes its report.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from natural_tensors.arrays import Floats

from ..data.examples import DatasetError, Example
from ..network.targets import Target
from ..prediction.intervals import SURE
from ..prediction.predictor import Predictor
from ..prediction.result import Failure, Prediction
from ..structures.geometry import GeometryError
from ..structures.symmetry import RELAXED, symmetry_of
from .baselines import NO_STRUCTURE, Baselines, composition_baseline, elastic_baselines
from .comparison import (
    deviations,
    errors_beside_uncertainty,
    reference_stiffnesses,
    spreads,
    stiffnesses,
    tensors_with_labels,
)
from .errors import ForceLabels, elastic_errors, potential_errors, tensor_errors
from .ranking import Ranking, ranking
from .scores import DRAWS, ErrorTable


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model scores on examples.

    Attributes:
        model: name of the model.
        target: name or index symmetry of the tensor.
        unit: of the tensor.
        examples: those that were predicted.
        groups: crystal system of each.
        predictions: of each.
        reference: labels, full, shape ``(examples, ...)``; of atoms with NaN where unlabelled.
            Where the sign of a label is unknown, with the sign that is nearer to the prediction.
        failures: examples without a prediction.
        errors: the table of errors, by group.
        baselines: what trivial predictions score; None without training labels.
        rankings: how well the uncertainty orders errors, by what the error is of: ``"tensor"``,
            for stiffness also ``"bulk"`` and ``"shear"``; empty without an uncertainty.
        seconds: time the predictions took.
    """

    model: str
    target: str
    unit: str
    examples: tuple[Example, ...]
    groups: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    reference: tuple[Floats, ...]
    failures: tuple[Failure, ...]
    errors: ErrorTable
    baselines: Baselines | None
    rankings: Mapping[str, Ranking]
    seconds: float

    @property
    def elastic(self) -> bool:
        """Whether the tensors are stiffnesses, which have moduli."""
        return self.target == "elastic"

    @cached_property
    def known(self) -> int:
        """Number of examples that are in the training set of the model, or nearly."""
        return sum(prediction.known is not None for prediction in self.predictions)

    @cached_property
    def within(self) -> dict[str, tuple[float, float | None]]:
        """Shares of errors inside the stated intervals, which ought to be 0.68 and 0.95.

        By the names of `Prediction.uncertainty`; components count each for itself. None where no
        95 % interval is stated; empty without an uncertainty.
        """
        stated = {name for one in self.predictions for name in one.uncertainty}
        names = sorted(name for name in stated if not name.endswith(SURE))
        return {
            name: (
                self._within(name, name),
                self._within(name, f"{name}{SURE}") if f"{name}{SURE}" in stated else None,
            )
            for name in names
        }

    def _within(self, name: str, width: str) -> float:
        rows = [
            errors_beside_uncertainty(prediction, truth, name, width)
            for prediction, truth in zip(self.predictions, self.reference, strict=True)
        ]
        errors, widths = np.hstack(rows)
        return float((errors <= widths).mean()) if len(errors) else float("nan")

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return (
            f"Evaluation({self.model or 'model'}: {self.target}, "
            f"{len(self.predictions)} examples{failed})"
        )


def evaluate(
    predictor: Predictor,
    examples: Sequence[Example],
    *,
    baseline: Sequence[Example] = (),
    batch: int | None = None,
    progress: bool = False,
    draws: int = DRAWS,
    either_sign: bool = False,
) -> Evaluation:
    """Predict examples and compare with their labels.

    Args:
        predictor: the model.
        examples: with a label of the key of its target; beside an energy, or in its place, with
            forces and stress.
        baseline: training examples that trivial predictions are taken from.
        batch: as in `Predictor.predict`.
        progress: show a progress bar.
        draws: samples of the bootstrap behind the standard errors.
        either_sign: a label may be its negative; the nearer of both counts.

    Raises:
        DatasetError: without examples, when one has no such label, or none could be predicted.
    """
    if not examples:
        raise DatasetError("there are no examples to evaluate on\ncheck --split and the file")
    target = predictor.target
    labels = [_label(example, predictor) for example in examples]
    known = [(example, _label(example, predictor)) for example in baseline]
    start = time.perf_counter()
    results = predictor.predict(
        [example.geometry for example in examples],
        batch=batch,
        progress=progress,
        anyway=True,  # labels were computed for them
    )
    seconds = time.perf_counter() - start
    failures = tuple(result for result in results if isinstance(result, Failure))
    predicted = [place for place, result in enumerate(results) if isinstance(result, Prediction)]
    predictions = tuple(result for result in results if isinstance(result, Prediction))
    if not predictions:
        raise DatasetError(
            f"none of {len(examples)} examples could be predicted; the first: {failures[0]}"
        )
    chosen = tuple(examples[place] for place in predicted)
    reference = tuple(labels[place] for place in predicted)
    if either_sign:
        pairs = zip(reference, predictions, strict=True)
        reference = tuple(_nearer_sign(label, prediction) for label, prediction in pairs)
    groups = tuple(crystal_system(example) for example in chosen)
    return Evaluation(
        model=predictor.name,
        target=target.key,
        unit=predictor.unit,
        examples=chosen,
        groups=groups,
        predictions=predictions,
        reference=reference,
        failures=failures,
        errors=_errors(target, chosen, predictions, reference, groups, draws),
        baselines=_baselines(target, known, chosen, predictions, reference, groups, draws),
        rankings=_rankings(target, predictions, reference, draws),
        seconds=seconds,
    )


def crystal_system(example: Example) -> str:
    """Return the crystal system: that of the record, else by spglib; otherwise what it is."""
    stated = example.notes.get("crystal_system")
    if stated:
        return str(stated)
    if not any(example.geometry.periodic):
        return "molecule"
    try:
        return symmetry_of(example.geometry, symprec=RELAXED).system
    except GeometryError:
        return "other"


def _label(example: Example, predictor: Predictor) -> Floats:
    key = predictor.target.key
    if key in example.labels:
        return example.labels[key]
    if predictor.target.potential and "forces" in example.labels:
        return np.array(np.nan)
    raise DatasetError(
        f"{example.identifier or 'an example'}: has no label {key!r}, which the model "
        f"{predictor.name} predicts\nit has {', '.join(example.labels) or 'none'}"
    )


def _nearer_sign(label: Floats, prediction: Prediction) -> Floats:
    """Return a label or its negative, of atoms each by itself."""
    axes = tuple(range(int(prediction.per_atom), label.ndim))
    opposite = np.nansum(label * prediction.tensor, axis=axes, keepdims=True) < 0
    return np.where(opposite, -label, label)


def _errors(
    target: Target,
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    reference: Sequence[Floats],
    groups: Sequence[str],
    draws: int,
) -> ErrorTable:
    """Return the errors of stiffnesses, of energies with their derivatives, or of any tensor."""
    if target.key == "elastic":
        theirs = reference_stiffnesses(reference)
        return elastic_errors(stiffnesses(predictions), theirs, groups, draws=draws)
    if target.potential:
        guess = [ForceLabels(float(p.tensor), p.forces, p.stress) for p in predictions]
        truth = [
            ForceLabels(float(label), example.labels.get("forces"), example.labels.get("stress"))
            for example, label in zip(examples, reference, strict=True)
        ]
        sizes = [len(example.geometry) for example in examples]
        return potential_errors(guess, truth, sizes, groups, draws=draws)
    ours, labelled, names = tensors_with_labels(predictions, reference, groups)
    return tensor_errors(ours, labelled, names, unit=target.unit, draws=draws)


def _baselines(
    target: Target,
    known: Sequence[tuple[Example, Floats]],
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    reference: Sequence[Floats],
    groups: Sequence[str],
    draws: int,
) -> Baselines | None:
    """Return the baselines drawn from training examples and their labels; None without any."""
    if not known:
        return None
    if target.key == "elastic":
        train = reference_stiffnesses([label for _, label in known])
        try:
            return elastic_baselines(train, reference_stiffnesses(reference), draws=draws)
        except ValueError as error:
            raise DatasetError(f"no baselines: {error}") from None
    trivial = [
        replace(p, tensor=tensor, forces=_zeros(p.forces), stress=_zeros(p.stress))
        for p, tensor in zip(
            predictions, composition_baseline(target, known, examples), strict=True
        )
    ]
    table = _errors(target, examples, trivial, reference, groups, draws)
    return Baselines({NO_STRUCTURE: np.array([])}, {NO_STRUCTURE: table})


def _zeros(values: Floats | None) -> Floats | None:
    return None if values is None else np.zeros_like(values)


def _rankings(
    target: Target, predictions: Sequence[Prediction], reference: Sequence[Floats], draws: int
) -> dict[str, Ranking]:
    if not predictions[0].uncertainty:
        return {}
    rankings = {}
    for name in ("tensor", "bulk", "shear") if target.key == "elastic" else ("tensor",):
        spread, deviation = spreads(predictions, name), deviations(predictions, reference, name)
        usable = np.isfinite(spread) & np.isfinite(deviation)
        if usable.any():
            rankings[name] = ranking(spread[usable], deviation[usable], draws=draws)
    return rankings

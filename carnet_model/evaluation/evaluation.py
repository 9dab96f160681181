"""How good a model is on labelled structures: errors, baselines, and whether it knows its errors.

    evaluation = evaluate(load("elastic"), examples, baseline=train)
    print(evaluation)
    evaluation.write("report")

The report is a folder: ``report.json``, ``predictions.csv``, plots of prediction against reference
and of error against uncertainty. Each file is written as a whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors import CONVENTIONS, __version__, elasticity, to_voigt
from natural_tensors.arrays import Floats
from natural_tensors.files.saving import FileError, write_bytes

from ..data.examples import DatasetError, Example
from ..network.targets import Target
from ..prediction.predictor import Predictor
from ..prediction.result import Failure, Prediction
from ..structures.geometry import GeometryError
from ..structures.symmetry import RELAXED, symmetry_of
from .baselines import NO_STRUCTURE, Baselines, composition_baseline, voigt_baselines
from .errors import ForceLabels, elastic_errors, potential_errors, tensor_errors
from .plots import force_parity_plot, parity_plot, scatter_plot
from .ranking import Ranking, ranking
from .scores import DRAWS, ErrorTable, Score

MODULI = (("bulk", "K"), ("shear", "G"), ("youngs", "E"))


WITHIN = 0.683
"""Share of errors below one standard deviation."""


@dataclass(frozen=True, eq=False)
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
        rankings: how well the uncertainty orders errors, by what the error is of; empty without
            an uncertainty.
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
    def spread_scale(self) -> dict[str, float]:
        """Factors by which the spread must grow so that 68 % of errors are within it.

        The keys are those of `Prediction.uncertainty`; empty without an uncertainty. Stored as
        ``spread_scale`` in the record of a checkpoint they make it a standard deviation.
        """
        if not self.rankings:
            return {}
        whole = self._factor(*self._pair("tensor"))
        if not self.elastic:
            return {"relative": whole, "tensor": whole}
        single = {name: self._factor(*self._pair(name)) for name, _ in MODULI}
        return {"relative": whole, "stiffness": whole, **single}

    def _pair(self, name: str) -> tuple[Floats, Floats]:
        return _doubt(self.predictions, name), _wrong(self.predictions, self.reference, name)

    @staticmethod
    def _factor(doubt: Floats, wrong: Floats) -> float:
        usable = np.isfinite(wrong) & (doubt > 0)
        if not usable.any():
            return 1.0
        return float(np.quantile(wrong[usable] / doubt[usable], WITHIN))

    def report(self) -> dict[str, Any]:
        """Return all figures, for JSON."""
        return {
            "natural_tensors": __version__,
            "conventions": CONVENTIONS,
            "model": self.model,
            "class": self.target,
            "unit": self.unit,
            "predicted": len(self.predictions),
            "failed": [failure.to_dict() for failure in self.failures],
            "known": self.known,
            "seconds": round(self.seconds, 3),
            "errors": {
                "all": _scores(self.errors.scores),
                **{name: _scores(scores) for name, scores in self.errors.groups.items()},
            },
            "counts": dict(self.errors.counts),
            "baselines": {
                name: _scores(table.scores)
                for name, table in (self.baselines.tables if self.baselines else {}).items()
            },
            "ranking": {name: _scores(found.scores) for name, found in self.rankings.items()},
            "spread_scale": {name: _finite(value) for name, value in self.spread_scale.items()},
        }

    def __str__(self) -> str:
        count, failed = len(self.predictions), len(self.failures)
        blocks = [
            f"{self.model or 'model'}: {self.target}, {count} examples"
            + (f", {failed} failed" if failed else "")
            + (f", {self.known} of them in its training set, or nearly" if self.known else ""),
            str(self.errors),
        ]
        if self.baselines is not None:
            blocks += [f"baselines, all {count}", str(self.baselines)]
        for name, found in self.rankings.items():
            what = {"tensor": "the tensor", "bulk": "K", "shear": "G"}[name]
            blocks += [
                f"does the uncertainty rank errors of {what}? "
                "(spearman 1, gain 1 are perfect, 0 says nothing)",
                str(found),
            ]
        return "\n\n".join(blocks)

    def table(self) -> str:
        """Return a CSV with one row for each example, failures included."""
        text = io.StringIO()
        rows = [self._row(place) for place in range(len(self.predictions))]
        rows += [{"id": failure.name, "error": failure.reason} for failure in self.failures]
        heads = [*dict.fromkeys(name for row in rows for name in row if name != "error"), "error"]
        writer = csv.DictWriter(text, heads, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def _row(self, place: int) -> dict[str, Any]:
        example, prediction = self.examples[place], self.predictions[place]
        wrong, unit = _wrong((prediction,), (self.reference[place],), "tensor"), self.unit
        row: dict[str, Any] = {
            "id": example.identifier,
            "formula": example.formula,
            "group": self.groups[place],
            f"error_norm{f' [{unit}]' if unit else ''}": _shown(wrong[0]),
        }
        if self.elastic:
            truth = np.asarray(to_voigt(self.reference[place]), dtype=np.float64)
            assert prediction.stiffness is not None
            row["component_mae [GPa]"] = _shown(np.abs(prediction.stiffness - truth).mean())
            ours, theirs = prediction.moduli, elasticity.moduli(truth)
            for name, letter in MODULI:
                row[f"{letter}_reference [GPa]"] = _shown(getattr(theirs, f"{name}_hill"))
                row[f"{letter} [GPa]"] = _shown(getattr(ours, f"{name}_hill"))
                if name in prediction.uncertainty:
                    row[f"{letter}_spread [GPa]"] = _shown(prediction.uncertainty[name])
        if "relative" in prediction.uncertainty:
            row["relative_spread"] = _shown(prediction.uncertainty["relative"])
        row["known"] = prediction.known or ""
        row["warnings"] = "; ".join(prediction.warnings)
        return row

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write the report and its plots into a folder, which is created.

        Returns:
            The files written.

        Raises:
            natural_tensors.files.saving.FileError: when the folder or a file cannot be written.
        """
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{place}: cannot be made a folder: {error.strerror}\nchoose another --output"
            ) from None
        contents = {
            "report.json": (
                json.dumps(self.report(), indent=2, ensure_ascii=False) + "\n"
            ).encode(),
            "predictions.csv": self.table().encode(),
            **self.plots(),
        }
        for name, content in contents.items():
            write_bytes(str(place / name), content)
        return tuple(place / name for name in contents)

    def plots(self) -> dict[str, bytes]:
        """Return PNG images by file name: parity of components and moduli, error by uncertainty."""
        if self.predictions[0].forces is not None:
            return {"parity.png": force_parity_plot(self.examples, self.predictions)}
        columns = _columns(self.predictions, self.reference, self.elastic)
        images = {
            "parity_components.png": parity_plot(
                [("components", *columns["components"])], self.unit
            )
        }
        if self.elastic:
            panels = [(letter, *columns[name]) for name, letter in MODULI]
            images["parity_moduli.png"] = parity_plot(panels, self.unit)
        if self.rankings:
            images["uncertainty.png"] = scatter_plot(
                [(name, *self._pair(name)) for name in self.rankings], self.unit
            )
        return images


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
    target = predictor.target
    labels = [_label(example, predictor) for example in examples]
    if not labels:
        raise DatasetError("there are no examples to evaluate on\ncheck --split and the file")
    start = time.perf_counter()
    results = predictor.predict(
        [example.geometry for example in examples], batch=batch, progress=progress
    )
    seconds = time.perf_counter() - start
    kept = [place for place, found in enumerate(results) if isinstance(found, Prediction)]
    predictions = tuple(found for found in results if isinstance(found, Prediction))
    failures = tuple(found for found in results if isinstance(found, Failure))
    if not predictions:
        raise DatasetError(
            f"none of {len(examples)} examples could be predicted; the first: {failures[0]}"
        )
    chosen = tuple(examples[place] for place in kept)
    reference = tuple(labels[place] for place in kept)
    if either_sign:
        reference = tuple(
            -truth if np.nansum(truth * found.tensor) < 0 else truth
            for truth, found in zip(reference, predictions, strict=True)
        )
    groups = tuple(crystal_system(example) for example in chosen)
    known = [(example, _label(example, predictor)) for example in baseline]
    elastic = target.key == "elastic"
    found_baselines = None
    if elastic:
        errors = elastic_errors(
            _stiffnesses(predictions),
            np.asarray(to_voigt(np.stack(reference))),
            groups,
            draws=draws,
        )
        if known:
            truth = np.stack(reference)
            found_baselines = voigt_baselines(np.stack([label for _, label in known]), truth, draws)
    else:
        errors = _errors(target, chosen, predictions, reference, groups, draws)
        if known:
            guess = composition_baseline(target, known, chosen)
            bare = [
                replace(p, tensor=tensor, forces=_nothing(p.forces), stress=_nothing(p.stress))
                for p, tensor in zip(predictions, guess, strict=True)
            ]
            table = _errors(target, chosen, bare, reference, groups, draws)
            found_baselines = Baselines({NO_STRUCTURE: np.array([])}, {NO_STRUCTURE: table})
    return Evaluation(
        model=predictor.name,
        target=target.key,
        unit=predictor.unit,
        examples=chosen,
        groups=groups,
        predictions=predictions,
        reference=reference,
        failures=failures,
        errors=errors,
        baselines=found_baselines,
        rankings=_rankings(predictions, reference, elastic, draws),
        seconds=seconds,
    )


def _nothing(values: Floats | None) -> Floats | None:
    return None if values is None else np.zeros_like(values)


def _errors(
    target: Target, examples: Sequence[Example], predictions: Sequence[Prediction],
    reference: Sequence[Floats], groups: Sequence[str], draws: int,
) -> ErrorTable:  # fmt: skip
    """Return the errors of an energy with its derivatives, or of any tensor but a stiffness."""
    if target.potential:
        guess = [ForceLabels(float(p.tensor), p.forces, p.stress) for p in predictions]
        truth = [
            ForceLabels(float(label), example.labels.get("forces"), example.labels.get("stress"))
            for example, label in zip(examples, reference, strict=True)
        ]
        sizes = [len(example.geometry) for example in examples]
        return potential_errors(guess, truth, sizes, groups, draws=draws)
    ours, theirs, names = _systems(predictions, reference, groups)
    return tensor_errors(ours, theirs, names, unit=target.unit, draws=draws)


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


def _stiffnesses(predictions: Sequence[Prediction]) -> Floats:
    return np.array([prediction.stiffness for prediction in predictions], dtype=np.float64)


def _systems(
    predictions: Sequence[Prediction], reference: Sequence[Floats], groups: Sequence[str]
) -> tuple[Floats, Floats, list[str]]:
    """Return predicted and true tensors of structures, or of all atoms with a label."""
    if not predictions[0].per_atom:
        return np.stack([p.tensor for p in predictions]), np.stack(reference), list(groups)
    guess = np.concatenate([prediction.tensor for prediction in predictions])
    truth = np.concatenate(reference)
    names = [g for p, g in zip(predictions, groups, strict=True) for _ in range(len(p.tensor))]
    stated = np.asarray(np.isfinite(truth).reshape(len(truth), -1).all(axis=1))
    return guess[stated], truth[stated], [names[place] for place in np.flatnonzero(stated)]


def _rankings(
    predictions: Sequence[Prediction], reference: Sequence[Floats], elastic: bool, draws: int
) -> dict[str, Ranking]:
    if not predictions[0].uncertainty:
        return {}
    found = {}
    for name in ("tensor", "bulk", "shear") if elastic else ("tensor",):
        doubt, wrong = _doubt(predictions, name), _wrong(predictions, reference, name)
        usable = np.isfinite(doubt) & np.isfinite(wrong)
        if usable.any():
            found[name] = ranking(doubt[usable], wrong[usable], draws=draws)
    return found


def _doubt(predictions: Sequence[Prediction], name: str) -> Floats:
    """Return the spread of the Frobenius norm, or of a modulus."""
    if name != "tensor":
        return np.array([prediction.uncertainty[name] for prediction in predictions])
    return np.array(
        [
            prediction.uncertainty["relative"] * np.linalg.norm(prediction.tensor)
            for prediction in predictions
        ]
    )


def _wrong(predictions: Sequence[Prediction], reference: Sequence[Floats], name: str) -> Floats:
    """Return the error of each structure: the norm over all its components, or of a modulus."""
    pairs = zip(predictions, reference, strict=True)
    if name == "tensor":
        gaps = [truth - found.tensor for found, truth in pairs]
        return np.array(  # atoms without a label count nothing, structures without one have none
            [np.nan if np.isnan(g).all() else np.linalg.norm(np.nan_to_num(g)) for g in gaps]
        )
    guess = elasticity.moduli(_stiffnesses(predictions))
    truths = elasticity.moduli(np.asarray(to_voigt(np.stack(list(reference)))))
    gap = getattr(guess, f"{name}_hill") - getattr(truths, f"{name}_hill")
    return np.asarray(np.abs(gap), dtype=np.float64)


def _columns(
    predictions: Sequence[Prediction], reference: Sequence[Floats], elastic: bool
) -> dict[str, tuple[Floats, Floats]]:
    """Return reference and prediction of all that is plotted."""
    if not elastic:
        guess, truth, _ = _systems(predictions, reference, [""] * len(predictions))
        return {"components": (truth.ravel(), guess.ravel())}
    ours, theirs = _stiffnesses(predictions), np.asarray(to_voigt(np.stack(list(reference))))
    upper = np.triu_indices(6)
    columns = {"components": (theirs[:, *upper].ravel(), ours[:, *upper].ravel())}
    guess_moduli, true_moduli = elasticity.moduli(ours), elasticity.moduli(theirs)
    for name, _ in MODULI:
        columns[name] = (
            getattr(true_moduli, f"{name}_hill"),
            getattr(guess_moduli, f"{name}_hill"),
        )
    return columns


def _scores(scores: Sequence[Score]) -> dict[str, Any]:
    return {
        score.name: {
            "value": _finite(score.value),
            "error": _finite(score.error),
            "unit": score.unit,
            "count": score.count,
        }
        for score in scores
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _shown(value: Any) -> str:
    return f"{float(value):.6g}" if np.isfinite(value) else ""

"""Structures of a pool that are worth computing: uncertain, unlike each other, not yet known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError

from ..network.batch import collate
from ..prediction.predictor import EDGES, Predictor
from ..prediction.progress import progress_bar
from ..prediction.result import Failure, Prediction
from ..structures.geometry import Geometry
from ..structures.graph import Graph, build
from .choosing import choose


class SelectionError(InputError, ValueError):
    """A pool, or a model, that nothing can be chosen with."""


@dataclass(frozen=True)
class Selection:
    """What is worth computing next.

    Attributes:
        chosen: predictions of the chosen structures, the most valuable first.
        uncertainty: of each: the spread of the ensemble, relative to the tensor; of an energy in
            eV an atom. Shape ``(chosen,)``.
        left: what the structures chosen before leave of it, shape ``(chosen,)``.
        failures: structures that cannot be predicted.
        known: number of structures that the training set holds; they are never chosen.
        pool: number of structures.
    """

    chosen: Sequence[Prediction]
    uncertainty: Floats
    left: Floats
    failures: Sequence[Failure]
    known: int
    pool: int


def select(
    predictor: Predictor,
    pool: Sequence[Geometry | Failure],
    count: int,
    *,
    progress: bool = False,
) -> Selection:
    """Choose structures of a pool by the spread of an ensemble and by their variety.

    Args:
        predictor: an ensemble of two networks or more.
        pool: as `carnet_model.prediction.inputs.read` yields it.
        count: how many to choose.
        progress: show a bar on standard error.

    Raises:
        SelectionError: for a single network, or when nothing of the pool can be chosen.
    """
    if len(predictor.models) < 2:
        raise SelectionError(
            f"{predictor.title}: one network has no uncertainty; train others with other seeds "
            "and join them (carnet join)"
        )
    predictions: list[Prediction] = []
    failures: list[Failure] = []
    known = 0
    with progress_bar(len(pool), progress) as advance:
        for _, result in predictor.predict_each(pool):
            advance(1)
            if isinstance(result, Failure):
                failures.append(result)
            elif result.known is not None:
                known += 1
            else:
                predictions.append(result)
    predictions = [each for each in predictions if np.isfinite(_uncertainty(each))]
    if not predictions:
        raise SelectionError(
            f"nothing to choose: of {len(pool)} structures {known} are known and {len(failures)} "
            f"cannot be predicted{f'; the first: {failures[0]}' if failures else ''}"
        )
    spread = np.array([_uncertainty(each) for each in predictions])
    found = choose(spread, described(predictor, [each.structure for each in predictions]), count)
    return Selection(
        chosen=[predictions[row] for row in found.rows],
        uncertainty=spread[found.rows],
        left=found.left,
        failures=failures,
        known=known,
        pool=len(pool),
    )


def _uncertainty(prediction: Prediction) -> float:
    """Return the number to rank by; the zero of an energy is arbitrary, and so is a share of it."""
    if prediction.forces is not None:
        return float(prediction.uncertainty["tensor"]) / len(prediction.structure)
    return float(prediction.uncertainty["relative"])


def described(predictor: Predictor, structures: Sequence[Geometry]) -> Floats:
    """Return what the first network makes of structures, shape ``(structures, features)``."""
    model = predictor.models[0]
    kind = next(model.parameters()).dtype
    with torch.no_grad():
        parts = [
            model.representation(collate(graphs, kind)).double().numpy()
            for graphs in _batches(predictor.cutoff, structures)
        ]
    return np.concatenate(parts)


def _batches(cutoff: float, structures: Sequence[Geometry]) -> Iterator[list[Graph]]:
    """Yield graphs of structures, as many together as pass through a network at once."""
    graphs: list[Graph] = []
    edges = 0
    for structure in structures:
        graph = build(structure, cutoff, most="bonds")
        if graphs and edges + graph.edges > EDGES:
            yield graphs
            graphs, edges = [], 0
        graphs.append(graph)
        edges += graph.edges
    yield graphs

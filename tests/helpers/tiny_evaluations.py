"""An evaluation of two untrained networks on shipped crystals, done once."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from carnet_model.data.examples import Example
from carnet_model.evaluation.evaluation import Evaluation, evaluate
from carnet_model.prediction.predictor import Predictor
from natural_tensors import from_voigt
from tests.helpers.tiny_models import CRYSTALS, RECORDS, predictor, seen, stiffness

CHOSEN = RECORDS[::4]
TRAIN = RECORDS[1::4]


def example(record: dict[str, Any], **notes: Any) -> Example:
    """Return a shipped crystal labelled with its stiffness."""
    label = np.asarray(from_voigt(stiffness(record)))
    name = record["id"]
    return Example(CRYSTALS[name], {"elastic": label}, identifier=name, notes=notes)


@cache
def two_networks() -> Predictor:
    """Return an ensemble called tiny that knows the first five of the shipped crystals."""
    return predictor(2, name="tiny", seen=seen(RECORDS[:5]))


@cache
def evaluation_of_two() -> Evaluation:
    """Return what it scores on the chosen crystals."""
    return evaluate(
        two_networks(),
        [example(record) for record in CHOSEN],
        baseline=[example(record) for record in TRAIN],
        draws=50,
    )

"""The figures of the card of the dielectric weights, measured again where the data are at hand."""

from __future__ import annotations

import numpy as np
import pytest

import carnet_model
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.prediction.result import Prediction
from tests.helpers.cards import card, figures
from tests.helpers.paths import DATA

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("title", ["electronic", "total"])
def test_errors_are_those_of_the_card(title: str) -> None:
    path = DATA / "dielectric.json.gz"
    if not path.exists():
        pytest.skip("the data sets are not at hand; name their folder in NATURAL_TENSORS_DATA")
    read = read_examples(path, LabelSource("dielectric", key=f"eps_{title}"))
    truth = {split: [] for split in ("train", "val")}  # type: dict[str, list[object]]
    for example in read:
        truth[example.split].append(example.labels["dielectric"])
    structures = [example.geometry for example in read if example.split == "val"]
    found = carnet_model.load("dielectric", target=title).predict(structures)
    assert len(found) == 83
    assert all(isinstance(one, Prediction) and one.known is None for one in found)
    true = np.array(truth["val"], dtype=np.float64)
    ours = np.array([one.tensor for one in found if isinstance(one, Prediction)])
    means = np.trace(np.array(truth["train"], dtype=np.float64), axis1=1, axis2=2) / 3
    trivial = np.median(means) * np.eye(3)
    for row in ("9 components", "mean of the diagonal"):
        errors = ours - true, trivial - true
        if row != "9 components":
            errors = tuple(np.trace(each, axis1=1, axis2=2) / 3 for each in errors)
        for error, figure in zip(
            errors, figures(card("dielectric"), f"{title}, {row}")[:2], strict=True
        ):
            assert np.abs(error).mean() == pytest.approx(figure, rel=0.01)

"""The figures of the card of the dielectric weights, measured again where the data are at hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

import carnet_model
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.prediction.result import Prediction
from tests.helpers.paths import DATA, ROOT

pytestmark = pytest.mark.slow

CARD = (ROOT / "carnet_model" / "weights" / "dielectric.md").read_text(encoding="utf-8")


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
    for row, name in ((f"{title}, 9 components", "components"), (f"{title}, mean", "mean")):
        (text,) = re.findall(rf"^\| {row}.*?\| (.*) \|$", CARD, re.M)
        stated = [float(cell.split()[0]) for cell in text.split("|")[:2]]
        errors = ours - true, trivial - true
        if name == "mean":
            errors = tuple(np.trace(each, axis1=1, axis2=2) / 3 for each in errors)
        for error, figure in zip(errors, stated, strict=True):
            assert np.abs(error).mean() == pytest.approx(figure, rel=0.01)

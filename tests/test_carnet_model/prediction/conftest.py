"""Models that the tests of predictions share."""

from __future__ import annotations

from pathlib import Path

import pytest

from carnet_model.prediction.predictor import Predictor
from tests.helpers.tiny_models import (
    predictor,
    saved,
)


@pytest.fixture(scope="module")
def model() -> Predictor:
    return predictor(2, precision="double")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("weights") / "tiny")

"""The fields of a prediction agree with each other."""

from __future__ import annotations

import numpy as np

from carnet_model.prediction.predictor import Predictor
from natural_tensors import elasticity, from_voigt
from tests.helpers.predictions import gap
from tests.helpers.tiny_models import (
    RECORDS,
)


def test_the_fields_agree_with_each_other(model: Predictor) -> None:
    found = model.predict(RECORDS[0])
    assert found.name == "mp-559"
    assert found.formula == "YPd3"
    assert (found.target, found.unit) == ("elastic", "GPa")
    assert found.stiffness is not None
    assert found.moduli is not None
    assert found.stiffness.shape == (6, 6)
    assert np.array_equal(found.stiffness, found.stiffness.T)
    assert gap(from_voigt(found.stiffness), found.tensor) < 1e-12
    assert np.allclose(found.lattice, RECORDS[0]["lattice"])
    assert found.stable is True
    assert found.moduli.bulk_hill == elasticity.moduli(found.stiffness).bulk_hill
    assert repr(found) == (
        f"Prediction(mp-559: YPd3, K = {found.moduli.bulk_hill:.1f} GPa, "
        f"G = {found.moduli.shear_hill:.1f} GPa)"
    )
    text = str(found)
    for part in ("YPd3  mp-559", "Voigt order xx yy zz yz xz xy", "lattice vectors [Å]", "± "):
        assert part in text
    assert "-0.0" not in text

"""What is doubtful about a tensor of a crystal: unit, stability, point group."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from natural_tensors import (
    examples,
    from_voigt,
)
from natural_tensors.crystals.checks import in_usual_unit, misfit, warnings_for
from natural_tensors.elasticity.units import in_gpa
from tests.helpers.stated_tensors import ELASTIC, QUARTZ, quartz, stated

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)


def test_units_are_converted() -> None:
    assert in_gpa([10.0], "kbar") == pytest.approx([1.0])
    assert in_usual_unit("elastic", [1e9], "Pa")[0] == pytest.approx([1.0])
    assert in_usual_unit("dielectric", [4.0], None)[1] == ""
    with pytest.raises(ValueError, match="'psi' is no unit of a stiffness; allowed: GPa, Pa"):
        in_gpa([1.0], "psi")


def test_what_is_doubtful_is_said() -> None:
    assert warnings_for(quartz()) == ()
    soft = examples.load("copper").values.copy()
    soft[0, 1] = soft[1, 0] = soft[0, 2] = soft[2, 0] = soft[1, 2] = soft[2, 1] = 180.0
    (text,) = warnings_for(stated(from_voigt(soft, symmetry="elastic"), "m-3m"))
    assert "not positive definite" in text
    assert "-11.6 GPa" in text
    (text,) = warnings_for(stated(np.diag([0.5, 2, 2]), None, "dielectric"))
    assert "below that of the vacuum" in text
    bent = QUARTZ.copy()
    bent[0, 0] += 3
    (text,) = warnings_for(stated(from_voigt(bent, symmetry="elastic")))
    assert "violates the point group 32 by" in text


def test_a_misfit_says_by_how_much_and_which_axes_fit() -> None:
    assert misfit(quartz()) is None
    assert misfit(stated(quartz().values, None)) is None
    turn = Rotation.random(random_state=3).as_matrix()
    text = misfit(stated(ELASTIC.rotate(quartz().values, turn)))
    assert text is not None
    assert "violates the point group 32 by" in text
    assert "it is stated in other axes" in text
    text = misfit(stated(quartz().values, "m-3m"))
    assert text is not None
    assert "no axes fit it better than 12.0 %; it fits trigonal (-3m) within" in text

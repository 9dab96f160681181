"""Tensors with their frame and group: rotation, matrices, and what is equal by symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from natural_tensors import (
    CrystalTensor,
    Frame,
    examples,
    form,
    reduction,
)
from natural_tensors.crystals.tensor import Beside
from tests.helpers.stated_tensors import QUARTZ, quartz, stated

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)


def test_spread_of_components_does_not_survive_a_turn() -> None:
    one = CrystalTensor(
        "elastic", quartz().values, "GPa", Frame("given", np.eye(3)), "it",
        uncertainty={"stiffness": np.ones((6, 6)), "bulk": 2.0},
    )  # fmt: skip
    turn = Rotation.random(random_state=1).as_matrix()
    assert dict(one.turned(Frame("other", turn), turn).uncertainty) == {"bulk": 2.0}


def test_what_stands_beside_turns_with_the_tensor() -> None:
    other = Beside("other", 2 * quartz().values + np.eye(81).reshape((3,) * 8)[0, 0, 0, 0])
    one = quartz().with_beside(other)
    turn = Rotation.random(random_state=2).as_matrix()
    turned = one.turned(Frame("other", turn), turn)
    assert turned.distance(turned.beside[0]) == pytest.approx(one.distance(other))
    assert not np.allclose(turned.beside[0].values, other.values)
    assert one.distance(Beside("half", 2 * one.values)) == pytest.approx(0.5)


def test_matrices_of_several_tensors() -> None:
    assert quartz().voigt == pytest.approx(QUARTZ)
    piezo = reduction("piezoelectric").convert(
        examples.load("quartz-d").values, source="voigt-compliance", target="full"
    )
    assert stated(piezo, tensor="piezoelectric").voigt == pytest.approx(
        examples.load("quartz-d").values
    )
    assert stated(np.eye(3), "m-3m", "dielectric").voigt is None
    assert stated(np.zeros((3,) * 6), "m-3m", "third-order-elastic").voigt is None


@pytest.mark.parametrize("group", ["m-3m", "32", "6/mmm", "4", "2", "-1"])
def test_patterns_are_those_of_the_form(group: str) -> None:
    found = form("elastic", group)
    crystal = stated(np.zeros((3,) * 4), group)
    assert crystal.pattern is not None
    labels, signs = crystal.pattern
    text = np.array(found.matrix)
    assert ((labels == 0) == (text == "0")).all()
    for first in np.ndindex(6, 6):
        for second in np.ndindex(6, 6):
            a, b = str(text[first]), str(text[second])
            if labels[first] > 0 and labels[second] > 0:
                same = labels[first] == labels[second]
                assert same == (a.lstrip("-") == b.lstrip("-")), (first, second)
                if same:
                    assert (signs[first] == signs[second]) == (a == b)
    combined = set(text[labels < 0].tolist())
    assert combined == ({"(C11 - C12)/2"} if group in ("32", "6/mmm") else set())


def test_patterns_in_other_axes() -> None:
    crystal = stated(np.zeros((3,) * 4), "m-3m")
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = crystal.turned(Frame("other", quarter), quarter)
    assert crystal.pattern is not None
    assert turned.pattern is not None
    assert np.array_equal(turned.pattern, crystal.pattern)
    eighth = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    labels, _ = crystal.turned(Frame("other", eighth), eighth).pattern or (None, None)
    assert labels is not None
    assert labels[0, 0] == labels[1, 1] != labels[2, 2]
    assert stated(np.zeros((3,) * 4), None).pattern is None

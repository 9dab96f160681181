"""Crystal optics: closed forms, minerals of the handbooks, and what no frame changes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors import optics

Floats = NDArray[np.float64]


def dielectric(*indices: float) -> Floats:
    return np.diag(np.square(indices))


def random_dielectrics(count: int, seed: int) -> Floats:
    root = np.random.default_rng(seed).normal(size=(count, 3, 3))
    return np.asarray(root @ root.swapaxes(1, 2) + np.eye(3))


# --- what was measured -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indices", "kind", "sign", "angle"),
    [
        # sodium light; W. A. Deer, R. A. Howie and J. Zussman 2013, An Introduction to the
        # Rock-Forming Minerals, 3rd ed.; three digits behind the point leave 2V uncertain
        ((1.544, 1.544, 1.553), "uniaxial", 1, 0),  # quartz
        ((1.658, 1.658, 1.486), "uniaxial", -1, 0),  # calcite
        ((1.544, 1.544, 1.544), "isotropic", 0, None),  # halite
        ((1.635, 1.651, 1.670), "biaxial", 1, 85),  # forsterite: 82 to 90, positive
        ((1.552, 1.582, 1.588), "biaxial", -1, 47),  # muscovite: 30 to 47, negative
    ],
    ids=["quartz", "calcite", "halite", "forsterite", "muscovite"],
)
def test_minerals(indices: tuple[float, ...], kind: str, sign: int, angle: float | None) -> None:
    found = optics.summary(dielectric(*indices))
    assert found.optical_class == kind
    assert found.sign == sign
    assert found.refractive_indices == pytest.approx(sorted(indices))
    assert found.birefringence == pytest.approx(max(indices) - min(indices), abs=1e-12)
    if angle is None:
        assert np.isnan(found.angle_2v_deg)
        assert np.isnan(found.optic_axes).all()
    else:
        assert found.angle_2v_deg == pytest.approx(angle, abs=4 if angle else 1e-9)


def test_the_uniaxial_axis_is_the_odd_one_out() -> None:
    for odd in range(3):
        for value in (1.4, 1.8):
            indices = np.full(3, 1.6)
            indices[odd] = value
            found = optics.summary(dielectric(*indices))
            assert found.optic_axes == pytest.approx(np.eye(3)[[odd, odd]])
            assert found.sign == (1 if value > 1.6 else -1)


@given(st.tuples(st.floats(1.2, 1.5), st.floats(1.51, 1.8), st.floats(1.81, 2.5)))
def test_the_optic_angle_by_its_formula(indices: tuple[float, float, float]) -> None:
    a, b, c = indices
    found = optics.summary(dielectric(*indices))
    # A. N. Winchell 1937, Elements of Optical Mineralogy 1, p. 163, from the axis of c
    angle = np.degrees(2 * np.arctan(np.sqrt((a**-2 - b**-2) / (b**-2 - c**-2))))
    assert found.angle_2v_deg == pytest.approx(min(angle, 180 - angle), abs=1e-9)
    assert found.sign == np.sign(90 - angle)
    cosine = abs(found.optic_axes[0] @ found.optic_axes[1])
    assert np.degrees(np.arccos(cosine)) == pytest.approx(found.angle_2v_deg, abs=1e-6)


# --- waves -------------------------------------------------------------------------------------


def test_an_optic_axis_has_one_index() -> None:
    matrix = random_dielectrics(20, seed=1)
    found = optics.summary(matrix)
    assert (found.optical_class == "biaxial").all()
    for which in (0, 1):
        for c, n, middle in zip(
            matrix, found.optic_axes[:, which], found.refractive_indices[:, 1], strict=True
        ):
            # a cone touches there: an error of the axis enters once
            assert optics.light_waves(c, n).indices == pytest.approx(middle, rel=1e-7)


def test_indices_satisfy_fresnels_equation() -> None:
    matrix = random_dielectrics(4, seed=2)
    directions = Rotation.random(6, random_state=3).as_matrix()[:, 0]
    waves = optics.light_waves(matrix, 2 * directions)
    assert waves.indices.shape == (4, 6, 2)
    assert (np.diff(waves.indices) > 0).all()
    for b, c in enumerate(matrix):
        for d, s in enumerate(directions):
            for k in (0, 1):
                n = waves.indices[b, d, k]
                curl = n**2 * (np.eye(3) - np.outer(s, s)) - c  # E: n² (E - s (s·E)) = ε E
                assert np.linalg.det(curl) == pytest.approx(
                    0, abs=float(1e-9 * np.linalg.norm(c) ** 3)
                )
                displacement = waves.displacements[b, d, k]
                field = np.linalg.solve(c, displacement)
                transverse = field - s * (s @ field)
                assert n**2 * transverse == pytest.approx(displacement, abs=1e-9)


def test_an_ordinary_wave_has_one_index_in_every_direction() -> None:
    n = Rotation.random(9, random_state=4).as_matrix()[:, 0]
    indices = optics.light_waves(dielectric(1.658, 1.658, 1.486), n).indices
    assert indices[:, 1] == pytest.approx(1.658)
    cosine2 = n[:, 2] ** 2
    assert indices[:, 0] == pytest.approx((cosine2 / 1.658**2 + (1 - cosine2) / 1.486**2) ** -0.5)


def test_what_does_not_propagate_is_nan() -> None:
    metal = np.diag([-2.0, 2.0, 3.0])
    batch = [metal, np.zeros((3, 3)), np.diag([1.0, 2, 3])]
    assert np.isnan(optics.light_waves(batch, [0, 0, 1]).indices).tolist() == [
        [False, True], [True, True], [False, False],
    ]  # fmt: skip
    found = optics.summary(batch)
    assert np.isnan(found.refractive_indices[0]).tolist() == [True, False, False]
    assert np.isnan(found.birefringence).tolist() == [True, True, False]
    assert found.sign.tolist() == [0, 0, -1]
    json.dumps(found.to_dict(), allow_nan=False)


# --- frames, batches, tolerance ----------------------------------------------------------------


def test_nothing_depends_on_the_frame() -> None:
    matrix = np.concatenate([random_dielectrics(8, seed=5), [dielectric(1.5, 1.5, 1.7)]])
    rotation = Rotation.random(random_state=6).as_matrix()
    one, other = optics.summary(matrix), optics.summary(rotation @ matrix @ rotation.T)
    for name in ("refractive_indices", "angle_2v_deg", "birefringence", "sign"):
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-6), name
    assert one.optical_class.tolist() == other.optical_class.tolist()
    turned = one.optic_axes @ rotation.T
    overlap = np.abs(turned @ other.optic_axes.swapaxes(-1, -2))
    assert overlap.max(axis=-1) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 2)])
def test_batches(batch: tuple[int, ...]) -> None:
    matrix = random_dielectrics(4, seed=7)[: int(np.prod(batch))].reshape(*batch, 3, 3)
    found = optics.summary(matrix)
    assert found.refractive_indices.shape == (*batch, 3)
    assert found.optic_axes.shape == (*batch, 2, 3)
    assert np.shape(found.angle_2v_deg) == np.shape(found.optical_class) == batch
    assert optics.light_waves(matrix, np.ones((5, 3))).displacements.shape == (*batch, 5, 2, 3)
    for place in np.ndindex(*batch):
        alone = optics.summary(matrix[place])
        assert found.angle_2v_deg[place] == pytest.approx(alone.angle_2v_deg)
    tree = found.to_dict()
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree


def test_the_tolerance_decides_the_class() -> None:
    nearly = np.diag([2.0, 2.001, 3.0])
    assert optics.summary(nearly).optical_class == "biaxial"
    assert optics.summary(nearly, tolerance=1e-3).optical_class == "uniaxial"
    assert optics.summary(nearly, tolerance=0.4).optical_class == "isotropic"
    with pytest.raises(ValueError, match=r"tolerance 1\.5 is not from 0 to below 1"):
        optics.summary(nearly, tolerance=1.5)


def test_the_repr_explains() -> None:
    text = repr(optics.summary(dielectric(1.635, 1.651, 1.670)))
    assert text.startswith(
        "OpticalSummary(n = 1.6350, 1.6510, 1.6700; biaxial positive, birefringence 0.0"
    )
    assert "2V = 8" in text
    assert "batch of shape (2,)" in repr(optics.summary(random_dielectrics(2, seed=8)))


def test_torch_and_rounding_are_read() -> None:
    values = random_dielectrics(1, seed=9)[0]
    given = torch.tensor(values, dtype=torch.float32)
    given[0, 1] += 1e-5
    assert optics.summary(given).birefringence == pytest.approx(
        optics.summary(values).birefringence, rel=1e-4
    )


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.eye(2), ValueError, r"ends in the shape \(3, 3\), got an array of shape \(2, 2\)"),
        (np.eye(3) * 1j, TypeError, "a dielectric tensor is real, got an array of type complex128"),
        (np.diag([1, np.nan, 1]), ValueError, r"entry \(1, 1\) is nan"),
        (
            np.eye(3) + np.eye(3, k=1),
            nt.SymmetryError,
            r"entry \(0, 1\) is 1 but entry \(1, 0\) is 0",
        ),
    ],
)
def test_errors_name_what_came(values: Any, error: type[Exception], message: str) -> None:
    for function in (optics.summary, optics.check_dielectric):
        with pytest.raises(error, match=message):
            function(values)

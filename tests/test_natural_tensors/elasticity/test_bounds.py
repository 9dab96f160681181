"""Extremes of directional properties: other software, dense scans, frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from natural_tensors import elasticity, examples
from natural_tensors.so3.grids import direction_grid
from tests.helpers.stiffnesses import (
    cubic,
    random_stable,
    rotated,
    stiffness,
)

Floats = NDArray[np.float64]


DEJONG = np.array([examples.load(n).values for n in examples.names() if n.startswith("mp-")])


# E (GPa), linear compressibility (1/TPa), G (GPa), ν: smallest and largest, of Elasticipy 7.0.0:
# S = StiffnessTensor(C); for f in (S.Young_modulus, S.linear_compressibility, S.shear_modulus,
# S.Poisson_ratio): print(f.min()[0], f.max()[0])
ELASTICIPY = {
    "copper": (66.688751, 191.149692, 2.431907, 2.431907, 23.5, 75.4, -0.135692, 0.818724),
    "zinc": (35.391232, 124.057218, 1.478589, 13.286113, 19.366683, 63.64, -0.065793, 0.88998),
    "rutile": (146.313829, 384.412556, 0.898232, 1.948113, 46.0, 192.0, -0.036181, 0.627725),
    "forsterite": (169.895252, 294.981138, 1.767794, 3.413395, 66.7, 102.403937, 0.141672,
                   0.326545),
    "quartz": (69.14817, 129.909591, 7.159858, 9.75916, 28.848732, 68.966268, -0.097409, 0.320758),
    "diopside": (120.270238, 248.949117, 1.119542, 4.183178, 52.826014, 81.030822, 0.101655,
                 0.481479),
    "albite": (48.644371, 168.233118, 3.267508, 11.254033, 17.262425, 88.883601, -0.151902,
               0.720674),
}  # fmt: skip


@pytest.mark.parametrize("name", ELASTICIPY)
def test_extremes_agree_with_elasticipy(name: str) -> None:
    found = elasticity.extremes(stiffness(name))
    known = iter(ELASTICIPY[name])
    for one in found:
        lowest, highest = next(known), next(known)
        # never worse, to the digits printed above
        assert one.minimum <= lowest + 1e-6
        assert one.maximum >= highest - 1e-6
        # their search stops early where a compressibility is flat; ours is an eigenvalue
        close = 2e-3 if one.name == "linear compressibility" else 2e-8
        assert one.minimum == pytest.approx(lowest, rel=close, abs=1e-6)
        assert one.maximum == pytest.approx(highest, rel=close, abs=1e-6)


def reached(matrix: Floats, found: elasticity.DirectionalExtremes) -> list[Floats]:
    """Evaluate the properties, crystal by crystal, in the directions of their extremes."""
    functions: tuple[Callable[..., Floats], ...] = (
        elasticity.youngs_modulus,
        elasticity.linear_compressibility,
        elasticity.shear_modulus,
        elasticity.poisson_ratio,
    )
    values = []
    for function, one in zip(functions, found, strict=True):
        for end in ("minimum", "maximum"):
            vectors = [getattr(one, f"{end}_direction"), getattr(one, f"{end}_transverse")]
            given = [vector for vector in vectors if vector is not None]
            rows = [function(c, *(vector[i] for vector in given)) for i, c in enumerate(matrix)]
            values.append(np.array(rows))
    return values


def test_extremes_are_taken_where_they_say() -> None:
    matrix = np.concatenate([random_stable(10, seed=8), DEJONG])
    found = elasticity.extremes(matrix)
    ends = [end for one in found for end in (one.minimum, one.maximum)]
    for value, there in zip(ends, reached(matrix, found), strict=True):
        assert np.allclose(value, there, rtol=1e-9, atol=1e-12)
    for one in found:
        for vectors in (one.minimum_direction, one.maximum_direction):
            assert np.allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-12)
            assert (vectors.max(axis=-1) >= (1 - 2e-6) * np.abs(vectors).max(axis=-1)).all()


@pytest.mark.parametrize("kind", ["random", "de Jong", "perturbed"])
def test_no_direction_of_a_dense_scan_is_better(kind: str) -> None:
    matrix = random_stable(60, seed=9) if kind == "random" else DEJONG
    if kind == "perturbed":  # many extremes of nearly one value, in no special direction
        rng = np.random.default_rng(10)
        noise = rng.normal(size=matrix.shape) * np.abs(matrix).max(axis=(1, 2))[:, None, None]
        rotations = Rotation.random(len(matrix), random_state=11).as_matrix()
        noisy = matrix + 2e-4 * (noise + noise.swapaxes(1, 2))
        matrix = np.array([rotated(c, r) for c, r in zip(noisy, rotations, strict=True)])
    assert elasticity.is_stable(matrix).all()
    found, n = elasticity.extremes(matrix), direction_grid(4000)
    youngs = elasticity.youngs_modulus(matrix, n)
    for one, (low, high) in (
        (found.youngs, (youngs, youngs)),
        (found.shear, elasticity.shear_range(matrix, n)),
        (found.poisson, elasticity.poisson_range(matrix, n)),
    ):
        size = np.maximum(np.abs(one.minimum), np.abs(one.maximum))
        below, above = one.minimum - low.min(axis=-1), high.max(axis=-1) - one.maximum
        assert (below <= 1e-10 * size).all(), one.name
        assert (above <= 1e-10 * size).all(), one.name
        # the scan has a point within 1.9 degrees: a fall of 20 (range) (0.033)² / 2 at most there
        span = one.maximum - one.minimum
        assert (-below <= 0.05 * span).all(), one.name
        assert (-above <= 0.05 * span).all(), one.name


def test_extremes_do_not_depend_on_the_frame() -> None:
    matrix = np.concatenate([random_stable(10, seed=12), DEJONG[::4]])
    before = elasticity.extremes(matrix)
    rotation = Rotation.random(random_state=13).as_matrix()
    after = elasticity.extremes(rotated(matrix, rotation))
    for one, other in zip(before, after, strict=True):
        for end in ("minimum", "maximum"):
            values = getattr(one, end), getattr(other, end)
            assert np.allclose(*values, rtol=1e-10, atol=1e-11), (one.name, end)
    # a triclinic crystal has one direction of each extreme, and it turns with the crystal
    for end in ("minimum_direction", "maximum_direction"):
        one, other = getattr(before.youngs, end)[:10], getattr(after.youngs, end)[:10]
        cosine = np.abs(np.einsum("ni,ni->n", one @ rotation.T, other))
        assert cosine == pytest.approx(1, abs=1e-8)


def test_isotropic_bodies_have_extremes_that_coincide() -> None:
    bodies = elasticity.isotropic([100, 50, 37], [40, 60, 0.1])
    for one in elasticity.extremes(bodies):
        assert np.allclose(one.minimum, one.maximum, rtol=1e-10)
        assert np.isfinite(one.minimum_direction).all()


def test_transversely_isotropic_crystals_turn_freely() -> None:
    zinc = examples.load("zinc").values
    found = elasticity.extremes(zinc)
    # G is largest in the basal plane, whatever the direction there: (C11 - C12) / 2
    assert found.shear.maximum == pytest.approx((zinc[0, 0] - zinc[0, 1]) / 2, rel=1e-12)
    assert found.shear.maximum_direction[2] == pytest.approx(0, abs=1e-6)
    assert found.linear_compressibility.maximum_direction == pytest.approx([0, 0, 1], abs=1e-12)


def test_ratios_are_those_of_positive_extremes() -> None:
    found = elasticity.extremes([examples.load("copper").values] * 2)
    assert found.youngs.ratio == pytest.approx(191.149692 / 66.688751, rel=1e-6)
    assert np.isnan(found.poisson.ratio).all()


def test_what_has_no_extremes_is_nan_and_its_neighbours_keep_theirs() -> None:
    good, unstable = examples.load("quartz").values, cubic(100.0, 120.0, 50.0)
    batch = np.array([good, unstable, cubic(100.0, 100.0, 50.0), np.zeros((6, 6)), good])
    found, alone = elasticity.extremes(batch), elasticity.extremes(good)
    for one, other in zip(found, alone, strict=True):
        empty = [False, one.name != "linear compressibility", True, True, False]
        assert np.isnan(one.minimum).tolist() == empty, one.name
        assert np.isnan(one.maximum_direction).any(axis=-1).tolist() == empty, one.name
        assert one.minimum[[0, 4]] == pytest.approx(other.minimum, rel=1e-12)
        assert one.maximum[[0, 4]] == pytest.approx(other.maximum, rel=1e-12)


def test_an_unstable_crystal_without_poles_has_extremes() -> None:
    # all Kelvin moduli negative: the energy falls under every strain
    negative = elasticity.extremes(-examples.load("quartz").values)
    positive = elasticity.extremes(examples.load("quartz").values)
    assert negative.youngs.minimum == pytest.approx(-positive.youngs.maximum)
    assert negative.poisson.minimum == pytest.approx(positive.poisson.minimum)
    assert negative.poisson.maximum == pytest.approx(positive.poisson.maximum)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 2)])
def test_batches_of_extremes(batch: tuple[int, ...]) -> None:
    matrix = random_stable(4, seed=14)[: int(np.prod(batch))].reshape(*batch, 6, 6)
    found = elasticity.extremes(matrix)
    for one in found:
        assert np.shape(one.minimum) == np.shape(one.ratio) == batch
        assert np.shape(one.maximum_direction) == (*batch, 3)
        if one.name in ("shear modulus", "Poisson's ratio"):
            assert one.minimum_transverse is not None
            assert np.shape(one.minimum_transverse) == (*batch, 3)
            inner = (one.minimum_transverse * one.minimum_direction).sum(axis=-1)
            assert np.allclose(inner, 0, atol=1e-12)
        else:
            assert one.minimum_transverse is None
    for place in np.ndindex(*batch):
        alone = elasticity.extremes(matrix[place])
        for one, other in zip(found, alone, strict=True):
            assert one.minimum[place] == pytest.approx(other.minimum, rel=1e-11)


def test_the_repr_of_extremes_explains() -> None:
    quartz = examples.load("quartz").values
    text = repr(elasticity.extremes(quartz))
    assert "Young's modulus: 69.15 GPa along [" in text
    assert "linear compressibility: 7.16 1/TPa along [0 0 1] to 9.759 1/TPa" in text
    assert "across" in text
    assert "batch of shape (2,)" in repr(elasticity.extremes([quartz, quartz]))

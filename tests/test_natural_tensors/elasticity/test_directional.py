"""Directional properties: closed forms, what was measured, other software, brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors import elasticity, examples
from natural_tensors.so3.grids import direction_grid, frames
from tests.helpers.stiffnesses import ALBITE, DIOPSIDE, MUSCOVITE, cubic, random_stable, rotated

Floats = NDArray[np.float64]

AXES = np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 1]])
DEJONG = np.array([examples.load(n).values for n in examples.names() if n.startswith("mp-")])


def stiffness(name: str) -> Floats:
    known = {"diopside": DIOPSIDE, "muscovite": MUSCOVITE, "albite": ALBITE}
    return known[name] if name in known else examples.load(name).values


def full_compliance(matrix: Floats) -> Floats:
    return np.asarray(nt.from_voigt(elasticity.compliance(matrix), form="voigt-compliance"))


def perpendicular_pairs(count: int, seed: int) -> tuple[Floats, Floats]:
    rows = Rotation.random(count, random_state=seed).as_matrix()
    return rows[:, 0], rows[:, 1]


# --- pointwise ---------------------------------------------------------------------------------


def test_definitions_by_the_full_compliance() -> None:
    matrix, (n, m) = random_stable(4, seed=1), perpendicular_pairs(7, seed=2)
    soft = full_compliance(matrix)
    along = np.einsum("bijkl,di,dj,dk,dl->bd", soft, n, n, n, n)
    across = np.einsum("bijkl,di,dj,dk,dl->bd", soft, n, n, m, m)
    shear = np.einsum("bijkl,di,dj,dk,dl->bd", soft, n, m, n, m)
    line = np.einsum("bijkk,di,dj->bd", soft, n, n)
    assert np.allclose(elasticity.youngs_modulus(matrix, 3 * n), 1 / along, rtol=1e-11)
    assert np.allclose(elasticity.poisson_ratio(matrix, n, -m), -across / along, rtol=1e-10)
    assert np.allclose(elasticity.shear_modulus(matrix, n, 2 * m), 1 / (4 * shear), rtol=1e-11)
    assert np.allclose(elasticity.linear_compressibility(matrix, n), 1000 * line, rtol=1e-10)


@given(bulk=st.floats(1, 1000), shear=st.floats(1, 1000))
def test_isotropic_bodies_in_every_direction(bulk: float, shear: float) -> None:
    body, (n, m) = elasticity.isotropic(bulk, shear), perpendicular_pairs(5, seed=3)
    hill = elasticity.moduli(body)
    assert elasticity.youngs_modulus(body, n) == pytest.approx(hill.youngs_hill, rel=1e-9)
    assert elasticity.shear_modulus(body, n, m) == pytest.approx(shear, rel=1e-9)
    assert elasticity.poisson_ratio(body, n, m) == pytest.approx(hill.poisson_hill, abs=1e-9)
    assert elasticity.linear_compressibility(body, n) == pytest.approx(1000 / (3 * bulk), rel=1e-9)


@pytest.mark.parametrize("c", [(168.4, 121.4, 75.4), (165.64, 63.94, 79.51), (50.0, -10.0, 5.0)])
def test_cubic_crystals_along_their_axes(c: tuple[float, float, float]) -> None:
    c11, c12, c44 = c
    s11 = (c11 + c12) / ((c11 - c12) * (c11 + 2 * c12))
    s12 = -c12 / ((c11 - c12) * (c11 + 2 * c12))
    excess = s11 - s12 - 1 / (2 * c44)  # Nye 1985, p. 145: 1/E = s11 - 2 excess (n1² n2² + ...)
    expected = [1 / (s11 - 2 * excess * share) for share in (0, 1 / 4, 1 / 3)]
    assert elasticity.youngs_modulus(cubic(*c), AXES) == pytest.approx(expected)
    compressibility = 1000 / (c11 + 2 * c12)
    assert elasticity.linear_compressibility(cubic(*c), AXES) == pytest.approx(compressibility)
    low, high = elasticity.shear_range(cubic(*c), AXES)
    in_the_plane = sorted([c44, (c11 - c12) / 2])
    octahedral = 3 / (1 / c44 + 2 / ((c11 - c12) / 2))
    assert low == pytest.approx([c44, in_the_plane[0], octahedral])
    assert high == pytest.approx([c44, in_the_plane[1], octahedral])
    along, across = elasticity.poisson_ratio(cubic(*c), [1, 0, 0], [[0, 1, 0], [0, 1, 1]])
    assert along == pytest.approx(-s12 / s11)
    assert across == pytest.approx(-s12 / s11)


def test_ranges_bound_every_transverse_direction() -> None:
    matrix, n = random_stable(6, seed=5), direction_grid(9)
    _, first, second = np.moveaxis(frames(n), -2, 0)
    angle = np.linspace(0, np.pi, 721)[:, None, None]
    m = np.cos(angle) * first + np.sin(angle) * second
    for values, (low, high) in (
        (elasticity.shear_modulus(matrix, n, m), elasticity.shear_range(matrix, n)),
        (elasticity.poisson_ratio(matrix, n, m), elasticity.poisson_range(matrix, n)),
    ):
        smallest, largest = values.min(axis=1), values.max(axis=1)
        size = np.abs(values).max(axis=1)
        assert (smallest >= low - 1e-12 * size).all()
        assert (largest <= high + 1e-12 * size).all()
        # a quarter of a degree off the extreme of a quadratic form of m
        assert (smallest - low <= 1e-3 * size).all()
        assert (high - largest <= 1e-3 * size).all()


def test_compressibilities_of_three_directions_add_up() -> None:
    matrix = random_stable(5, seed=6)
    frame = Rotation.random(random_state=7).as_matrix()
    total = elasticity.linear_compressibility(matrix, frame).sum(axis=-1)
    assert total == pytest.approx(1000 / elasticity.moduli(matrix).bulk_reuss)


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 3)])
@pytest.mark.parametrize("directions", [(), (0,), (4,), (2, 5)])
def test_shapes(batch: tuple[int, ...], directions: tuple[int, ...]) -> None:
    matrix = np.broadcast_to(examples.load("quartz").values, (*batch, 6, 6))
    n = np.broadcast_to([1.0, 2, 2], (*directions, 3))
    m = np.array([2.0, 1, -2])
    shape = batch + directions
    assert np.shape(elasticity.youngs_modulus(matrix, n)) == shape
    assert np.shape(elasticity.linear_compressibility(matrix, n)) == shape
    assert np.shape(elasticity.shear_modulus(matrix, n, m)) == shape
    assert np.shape(elasticity.poisson_ratio(matrix, n, m)) == shape
    for bounds in (elasticity.shear_range(matrix, n), elasticity.poisson_range(matrix, n)):
        assert [np.shape(bound) for bound in bounds] == [shape, shape]


def test_an_unstable_crystal_has_infinite_moduli_somewhere() -> None:
    soft = cubic(100.0, 120.0, 50.0)  # C11 < C12
    assert elasticity.youngs_modulus(soft, [1, 0, 0]) < 0 < elasticity.youngs_modulus(soft, AXES[2])
    assert np.isnan(elasticity.shear_range(soft, [1, 1, 0])).all()
    # the two shears of (110) that differ in sign: C44 and (C11 - C12) / 2
    both = elasticity.shear_modulus(soft, [1, 1, 0], [[0, 0, 1], [1, -1, 0]])
    assert both == pytest.approx([50, -10])


def test_a_singular_stiffness_is_nan_in_every_direction() -> None:
    batch = [cubic(100.0, 100.0, 50.0), examples.load("quartz").values]
    for values in (
        elasticity.youngs_modulus(batch, AXES),
        elasticity.linear_compressibility(batch, AXES),
        *elasticity.shear_range(batch, AXES),
        *elasticity.poisson_range(batch, AXES),
    ):
        assert np.isnan(values[0]).all()
        assert np.isfinite(values[1]).all()


@pytest.mark.parametrize(
    ("n", "m", "message"),
    [
        ([1, 0, 0], [1, 1, 0], r"the pair of directions is not perpendicular: the cosine .* 0.707"),
        (np.eye(3), [1, 0, 0], r"pair 0 of directions is not perpendicular"),
        ([0, 0, 0], [1, 0, 0], "vector 0 has no direction"),
        ([1, 0], [1, 0], r"directions end in the shape \(3,\), got an array of shape \(2,\)"),
    ],
)
def test_directions_are_checked(n: Any, m: Any, message: str) -> None:
    for function in (elasticity.shear_modulus, elasticity.poisson_ratio):
        with pytest.raises(ValueError, match=message):
            function(examples.load("copper").values, n, m)


# --- what was measured -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # M. A. Hopcroft, W. D. Nix and T. W. Kenny 2010, J. Microelectromech. Syst. 19, 229
        ("silicon", [130, 169, 188]),
        # T. H. Courtney 2000, Mechanical Behavior of Materials, table 2.2 (no E<110> there)
        ("copper", [66.7, None, 191.1]),
        ("aluminium", [63.7, None, 76.1]),
        # C. A. Klein and G. F. Cardinale 1993, Diamond Relat. Mater. 2, 918
        ("diamond", [1050, None, 1207]),
    ],
)
def test_youngs_moduli_of_the_literature(name: str, expected: list[float | None]) -> None:
    for value, known in zip(
        elasticity.youngs_modulus(stiffness(name), AXES), expected, strict=True
    ):
        # constants of different authors differ by a percent
        assert known is None or value == pytest.approx(known, rel=0.01)


def test_albite_is_softest_across_b_and_c() -> None:
    # J. M. Brown et al. 2016, Phys. Chem. Minerals 43, 21, of plagioclase: "a* (the direction
    # perpendicular to the b- and c-axes) is the softest direction by a factor of 3 in albite";
    # a* is x in their axes
    compressibility = elasticity.extremes(ALBITE).linear_compressibility
    assert compressibility.maximum_direction[0] > np.cos(np.radians(15))
    assert compressibility.ratio == pytest.approx(3, rel=0.2)


# --- extremes ----------------------------------------------------------------------------------

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
    functions = (
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

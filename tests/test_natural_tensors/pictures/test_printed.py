"""Pictures that stand still hold the numbers of the crystal they show."""

from __future__ import annotations

import numpy as np
import pytest

from natural_tensors import elasticity, pictures
from natural_tensors.crystals.tensor import CrystalTensor
from natural_tensors.pictures.directional import circle, stiffness_of
from natural_tensors.pictures.printed import entry_texts, matrix_values, symmetry_marks
from tests.helpers.example_crystals import (
    auxetic,
    copper,
    dielectric,
    example,
    other,
    quartz,
)


def test_sections_are_of_the_modulus_in_the_plane() -> None:
    axes = pictures.sections(copper(), "youngs").axes
    assert len(axes) == 3
    for panel, plane in zip(axes, ("xy", "yz", "zx"), strict=True):
        angles, radii = panel.lines[0].get_data()
        expected = elasticity.youngs_modulus(stiffness_of(copper()), circle(plane))
        np.testing.assert_allclose(radii, expected, rtol=1e-12)
        assert angles[90] == pytest.approx(np.pi / 2)
        assert [label.get_text() for label in panel.get_xticklabels()] == [*plane, "", ""]


def test_a_section_of_negative_values_is_dashed() -> None:
    lines = pictures.sections(auxetic(), "poisson-min").axes[0].lines
    dashed = [line for line in lines if line.is_dashed()]
    assert len(dashed) == 2  # smallest and largest are the same
    np.testing.assert_allclose(dashed[0].get_ydata(), 0.25, rtol=1e-9)
    assert not np.isfinite(next(line for line in lines if not line.is_dashed()).get_ydata()).any()


def test_slowness_is_drawn_where_velocities_are() -> None:
    headings = [
        strip.legends[0].get_texts()[0].get_text() for strip in pictures.sections(quartz()).subfigs
    ]
    assert headings == [
        "Young's modulus [GPa]", "Linear compressibility [1/TPa]", "Shear modulus [GPa]",
        "Poisson's ratio", "Velocity of sound [km/s]", "Slowness [s/km]",
    ]  # fmt: skip


def test_bars_of_the_parts_are_the_shares() -> None:
    crystal = quartz()
    shares = crystal.reduction.fractions(crystal.values, per="copy")
    widths = [bar.get_width() for bar in pictures.parts(crystal).axes[0].patches]
    np.testing.assert_allclose(widths, [100 * float(share) for share in shares.values()])


def test_a_zero_tensor_has_no_shares() -> None:
    nothing = CrystalTensor("elastic", np.zeros((3,) * 4), "GPa", copper().frame, "nothing")
    with pytest.raises(pictures.NoPictureError, match="nothing is a zero tensor"):
        pictures.parts(nothing)


def test_bars_of_the_classes_are_their_distances() -> None:
    axes = pictures.distances(quartz()).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    np.testing.assert_allclose(widths, [100 * fit.distance for fit in quartz().class_fits])
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        fit.name for fit in quartz().class_fits
    ]


def test_marks_of_quartz_are_those_of_its_point_group() -> None:
    marks = symmetry_marks(quartz())
    assert marks is not None
    # Nye: 11 = 22, 13 = 23, 14 = -24 = 56, 44 = 55, 66 = (11 - 12)/2; 12 and 33 stand alone
    assert marks.tolist() == [
        ["a", "", "b", "c", ".", "."],
        ["", "a", "b", "−c", ".", "."],
        ["b", "b", "", ".", ".", "."],
        ["c", "−c", ".", "d", ".", "."],
        [".", ".", ".", ".", "d", "c"],
        [".", ".", ".", ".", "c", "*"],
    ]
    assert symmetry_marks(copper()) is None


def test_the_matrix_shows_numbers_marks_and_spread() -> None:
    texts = [text.get_text() for text in pictures.matrix(quartz()).axes[0].texts]
    assert texts[:3] == ["86.7", "a", "± 1.3"]
    assert texts.count("·") == 18
    assert "−17.9" in texts
    plain = [text.get_text() for text in pictures.matrix(copper()).axes[0].texts]
    assert len(plain) == 36
    assert plain.count("0") == 24


@pytest.mark.parametrize(
    ("crystal", "shape"),
    [(example("quartz-d", "32"), (3, 6)), (example("quartz-e"), (3, 6)), (dielectric(), (3, 3))],
    ids=["piezoelectric", "piezoelectric-stress", "dielectric"],
)
def test_other_matrices(crystal: CrystalTensor, shape: tuple[int, int]) -> None:
    assert matrix_values(crystal).shape == shape
    axes = pictures.matrix(crystal).axes[0]
    assert len(axes.get_yticklabels()) == 3


def test_numbers_of_a_matrix_have_the_same_decimals() -> None:
    assert entry_texts(np.array([[123.456, -0.5], [1e-9, 0.0]])).tolist() == [
        ["123.5", "−0.5"],
        ["0", "0"],
    ]


def test_parts_and_nothing_else_of_a_tensor_without_matrix_or_directions() -> None:
    assert len(pictures.parts(other()).axes[0].get_yticklabels()) == 4
    with pytest.raises(pictures.NoPictureError, match=r"shape \(3, 3, 3\) has no matrix"):
        pictures.matrix(other())
    for draw in (
        pictures.surface,
        pictures.surfaces,
        pictures.still,
        pictures.stills,
        pictures.sections,
    ):
        with pytest.raises(pictures.NoPictureError, match="'ijk' is drawn against direction"):
            draw(other())


def test_the_still_shows_the_outline_of_the_surface() -> None:
    figure = pictures.still(auxetic(), "youngs")  # a ball of radius 10
    (body,) = [entry for entry in figure.axes[0].collections if hasattr(entry, "_triangulation")]
    corners = np.stack([body._triangulation.x, body._triangulation.y], axis=-1)
    assert np.linalg.norm(corners, axis=1).max() == pytest.approx(10, rel=1e-3)

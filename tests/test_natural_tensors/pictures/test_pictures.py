"""Pictures hold the numbers of the crystal they show."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from natural_tensors import elasticity, pictures
from natural_tensors.crystals.tensor import CrystalTensor
from natural_tensors.files.saving import FileError
from natural_tensors.pictures.colours import INK, SIGNED, bounds, signed_stops
from natural_tensors.pictures.directional import circle, contract, sphere, stiffness_of
from natural_tensors.pictures.output import inline_svg
from natural_tensors.pictures.printed import entry_texts, matrix_values, symmetry_marks
from tests.helpers.example_crystals import (
    auxetic,
    copper,
    dielectric,
    example,
    other,
    quartz,
    unstable,
)

DIAGONAL = np.ones(3) / np.sqrt(3)

# --- what is drawn against direction --------------------------------------------------------------


def test_contraction_is_the_sum_over_all_indices() -> None:
    generator = np.random.default_rng(0)
    values, directions = generator.normal(size=(3, 3, 3)), generator.normal(size=(4, 5, 3))
    expected = np.einsum("ijk,abi,abj,abk->ab", values, directions, directions, directions)
    np.testing.assert_allclose(contract(values, directions), expected, atol=1e-12)


def test_sphere_is_of_unit_vectors_and_meets_the_main_directions() -> None:
    ball = sphere()
    directions = ball.directions
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, atol=1e-14)
    for wanted in (*np.eye(3), [np.sqrt(0.5), np.sqrt(0.5), 0], [0.5, 0, np.sqrt(0.75)]):
        assert np.linalg.norm(directions - wanted, axis=-1).min() < 1e-12


def test_a_stable_crystal_has_moduli_and_one_with_density_velocities() -> None:
    names = [entry.name for entry in pictures.properties(quartz())]
    moduli = [
        "youngs",
        "linear-compressibility",
        "shear-min",
        "shear-max",
        "poisson-min",
        "poisson-max",
    ]
    sound = ["velocity-longitudinal", "velocity-fast", "velocity-slow"]
    assert names == moduli + sound
    assert [entry.name for entry in pictures.properties(copper())] == moduli


def test_an_unstable_crystal_has_no_property_with_poles() -> None:
    names = [entry.name for entry in pictures.properties(unstable())]
    assert names == ["longitudinal-stiffness", "linear-compressibility"]
    for entry in pictures.properties(unstable()):
        assert np.isfinite(entry.values(sphere(9).directions)).all()


def test_velocities_of_copper_along_a_cube_edge() -> None:
    crystal = CrystalTensor(
        "elastic", copper().values, "GPa", copper().frame, "copper", density_kg_m3=8960.0
    )
    found = {
        entry.name: float(entry.values(np.eye(3)[0])) for entry in pictures.properties(crystal)
    }
    # km/s: √(C11/ρ) and √(C44/ρ)
    assert found["velocity-longitudinal"] == pytest.approx(np.sqrt(168.4 / 8.96), rel=1e-12)
    assert found["velocity-fast"] == pytest.approx(np.sqrt(75.4 / 8.96), rel=1e-12)
    assert found["velocity-slow"] == pytest.approx(np.sqrt(75.4 / 8.96), rel=1e-12)


def test_triangles_cover_the_sphere_once_and_look_outwards() -> None:
    ball = sphere(25)
    first, second, third = (ball.directions[ball.triangles[:, leg]] for leg in range(3))
    volumes = np.einsum("ij,ij->i", first, np.cross(second, third)) / 6
    assert (volumes > 0).all()
    assert volumes.sum() == pytest.approx(4 * np.pi / 3, rel=0.01)
    corners = len(ball.directions)
    edges = {
        frozenset((row[leg], row[leg - 1])) for row in ball.triangles.tolist() for leg in range(3)
    }
    assert corners - len(edges) + len(ball.triangles) == 2  # Euler


def test_the_index_ellipsoid_has_the_indices_as_half_axes() -> None:
    index, fast, slow, permittivity = pictures.properties(dielectric())
    np.testing.assert_allclose(index.values(np.eye(3)), [1.5, 1.6, 1.8])
    # along an axis, light is polarized along the two others
    np.testing.assert_allclose(fast.values(np.eye(3)), [1.6, 1.5, 1.5])
    np.testing.assert_allclose(slow.values(np.eye(3)), [1.8, 1.8, 1.6])
    np.testing.assert_allclose(permittivity.values(np.eye(3)), [1.5**2, 1.6**2, 1.8**2])
    # 1/n² is the mean of those of the axes, not n² of the permittivity
    between = float(index.values(DIAGONAL))
    assert between**-2 == pytest.approx((1.5**-2 + 1.6**-2 + 1.8**-2) / 3)


def test_a_metal_has_no_index_ellipsoid() -> None:
    metal = replace(dielectric(), values=np.diag([-2.0, 3.0, 4.0]))
    assert [entry.name for entry in pictures.properties(metal)] == ["permittivity"]
    np.testing.assert_allclose(
        decoded(pictures.surface(metal).data[0].intensity).min(), -2, rtol=1e-6
    )


@pytest.mark.parametrize("name", ["quartz-d", "quartz-e"])
def test_the_longitudinal_response_changes_sign_with_the_direction(name: str) -> None:
    crystal = example(name, "32")
    (along,) = pictures.properties(crystal)
    assert crystal.voigt is not None
    first = crystal.voigt[0, 0]
    axes = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 0, 1], [0.5, np.sqrt(0.75), 0]])
    np.testing.assert_allclose(along.values(axes), [first, -first, 0, -first], atol=1e-12)
    assert along.unit == {"quartz-d": "pC/N", "quartz-e": "C/m²"}[name]


# --- surfaces that turn ---------------------------------------------------------------------------


def decoded(array: Any) -> np.ndarray:
    """Return an array of a plotly figure, which may be packed in base64."""
    if isinstance(array, dict):
        shape = tuple(int(size) for size in str(array.get("shape", "")).split(",") if size)
        flat = np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"])
        return flat.reshape(shape) if shape else flat
    return np.asarray(array)


def points(trace: Any) -> np.ndarray:
    return np.stack([decoded(trace[key]) for key in "xyz"], axis=-1)


def test_the_radius_of_the_surface_is_the_modulus_along_that_direction() -> None:
    body = pictures.surface(copper(), "youngs").data[0]
    surface = points(body)
    radii = np.linalg.norm(surface, axis=-1)
    np.testing.assert_allclose(decoded(body.customdata), surface / radii[:, None], atol=1e-6)
    np.testing.assert_allclose(
        radii,
        elasticity.youngs_modulus(stiffness_of(copper()), surface / radii[..., None]),
        rtol=1e-4,
    )
    # 1/E along [111] is (1/3K + 1/C44)/3 with 3K = C11 + 2 C12
    along = 3 / (1 / (168.4 + 2 * 121.4) + 1 / 75.4)
    assert float(elasticity.youngs_modulus(stiffness_of(copper()), DIAGONAL)) == pytest.approx(
        along
    )
    nearest = np.argmax(surface @ DIAGONAL / radii)
    assert radii.ravel()[nearest] == pytest.approx(along, rel=2e-3)
    assert radii.max() <= along * (1 + 1e-6)
    np.testing.assert_allclose(decoded(body.intensity), radii, rtol=1e-6)


def test_a_negative_value_has_a_radius_and_a_colour_of_its_own() -> None:
    body = pictures.surface(auxetic(), "poisson-min").data[0]
    np.testing.assert_allclose(np.linalg.norm(points(body), axis=-1), 0.25, rtol=1e-6)
    np.testing.assert_allclose(decoded(body.intensity), -0.25, rtol=1e-6)
    assert {colour for _, colour in body.colorscale} <= set(SIGNED[: len(SIGNED) // 2 + 1])
    assert body.cmax == 0


def test_colours_of_both_signs_meet_at_zero() -> None:
    stops = signed_stops(-1.0, 3.0)
    assert stops[0] == (0.0, SIGNED[0])
    assert stops[-1] == (1.0, SIGNED[-1])
    assert (0.25, SIGNED[len(SIGNED) // 2]) in stops
    assert [place for place, _ in stops] == sorted(place for place, _ in stops)


def test_one_value_has_one_colour() -> None:
    low, high = bounds(np.array([5.0, 5.0 + 1e-13]))
    assert high - low == pytest.approx(5e-3)


def test_the_menu_shows_one_property_at_a_time() -> None:
    figure = pictures.surfaces(quartz())
    names = [entry.name for entry in pictures.properties(quartz())]
    assert {trace.meta for trace in figure.data if trace.visible} == {names[0]}
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons][:2] == [
        "Young's modulus [GPa]", "Linear compressibility [1/TPa]",
    ]  # fmt: skip
    for name, button in zip(names, buttons, strict=True):
        shown = {
            trace.meta
            for trace, on in zip(figure.data, button.args[0]["visible"], strict=True)
            if on
        }
        assert shown == {name}


def test_lattice_vectors_are_drawn_along_themselves() -> None:
    figure = pictures.surface(quartz())
    letters = next(trace for trace in figure.data if list(trace.text or ()) == ["a", "b", "c"])
    ends = points(letters)
    lattice = quartz().frame.lattice
    assert lattice is not None
    cosines = (
        np.sum(ends * lattice, axis=1)
        / np.linalg.norm(ends, axis=1)
        / np.linalg.norm(lattice, axis=1)
    )
    np.testing.assert_allclose(cosines, 1, atol=1e-6)
    assert not [
        trace
        for trace in pictures.surface(copper()).data
        if list(trace.text or ()) == ["a", "b", "c"]
    ]


def test_all_surfaces_together_are_small() -> None:
    figure = pictures.surfaces(quartz())
    for trace in figure.data:
        if trace.type == "mesh3d":
            trace.update(i=None, j=None, k=None, customdata=None)  # the page keeps one copy
    assert len(figure.to_json()) < 2e6


# --- pictures that stand still --------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("crystal", "name", "message"),
    [
        (copper(), "yungs", "did you mean 'youngs'"),
        (copper(), "velocity-slow", "velocities of sound need a density"),
        (unstable(), "youngs", "the crystal is not stable"),
    ],
)
def test_a_property_that_is_not_there_says_why(
    crystal: CrystalTensor, name: str, message: str
) -> None:
    with pytest.raises(pictures.NoPictureError, match=message):
        pictures.surface(crystal, name)


def test_the_still_shows_the_outline_of_the_surface() -> None:
    figure = pictures.still(auxetic(), "youngs")  # a ball of radius 10
    (body,) = [entry for entry in figure.axes[0].collections if hasattr(entry, "_triangulation")]
    corners = np.stack([body._triangulation.x, body._triangulation.y], axis=-1)
    assert np.linalg.norm(corners, axis=1).max() == pytest.approx(10, rel=1e-3)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "name", "start"),
    [
        (pictures.matrix, "m.svg", b"<?xml"),
        (pictures.matrix, "m.png", b"\x89PNG"),
        (pictures.parts, "p.pdf", b"%PDF"),
        (pictures.surface, "s.html", b"<!doctype html>"),
    ],
)
def test_pictures_are_saved_in_the_format_of_the_suffix(
    tmp_path: Path, draw: Callable[[CrystalTensor], Any], name: str, start: bytes
) -> None:
    path = pictures.save(draw(copper()), tmp_path / name)
    assert path.read_bytes().lower().startswith(start.lower())


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    first, second = (
        pictures.save(pictures.matrix(quartz()), tmp_path / name).read_bytes()
        for name in ("1.svg", "2.svg")
    )
    assert first == second


@pytest.mark.parametrize(
    ("draw", "name", "allowed"),
    [(pictures.matrix, "m.gif", ".svg, .png, .pdf"), (pictures.surface, "s.png", ".html")],
)
def test_other_suffixes_are_refused(
    tmp_path: Path, draw: Callable[[CrystalTensor], Any], name: str, allowed: str
) -> None:
    with pytest.raises(FileError, match=allowed):
        pictures.save(draw(copper()), tmp_path / name)


def test_a_picture_inside_a_page_takes_the_colour_of_its_text() -> None:
    text = inline_svg(pictures.parts(copper()), "one")
    assert text.startswith("<svg")
    assert "currentColor" in text
    assert INK not in text
    assert 'id="figure_1"' not in text


def test_pictures_import_no_library_before_they_draw() -> None:
    import subprocess

    code = (
        "import sys, natural_tensors.pictures;"
        "print([m for m in ('plotly', 'matplotlib', 'jinja2') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"

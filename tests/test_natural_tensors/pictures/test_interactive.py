"""Surfaces that turn hold the numbers of the crystal they show."""

from __future__ import annotations

import numpy as np
import pytest

from natural_tensors import elasticity, pictures
from natural_tensors.pictures.colours import SIGNED
from natural_tensors.pictures.directional import stiffness_of
from tests.helpers.example_crystals import (
    auxetic,
    copper,
    quartz,
)
from tests.helpers.plotly_figures import decoded, points

DIAGONAL = np.ones(3) / np.sqrt(3)


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

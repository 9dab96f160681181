"""Surfaces that turn under the mouse, by plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..crystals.tensor import CrystalTensor
from .colours import ACCENT, FAINT, INK, UNSIGNED, bounds, signed_stops
from .directional import PLANES, TOWARDS, Property, circle, find, properties, sphere

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scatter3d

Singles = NDArray[np.float32]  # half the bytes of a page, and more digits than a screen shows

LIFT = 1.003
"""Lines on a surface float above it by this factor, so that they are not hidden in it."""

SHADE = "#20252b"
"""Lines on a surface, dark on any page."""

LIGHT = {
    "ambient": 0.72,
    "diffuse": 0.5,
    "specular": 0.06,
    "roughness": 0.9,
    "fresnel": 0.05,
    "facenormalsepsilon": 0,
    "vertexnormalsepsilon": 0,
}
CAMERA = {
    "eye": dict(zip("xyz", (1.25 * TOWARDS).tolist(), strict=True)),
    "projection": {"type": "orthographic"},
}
CLOSE = {"x": 1.9, "y": 1.9, "z": 1.9}
"""How large the scene is; its axes reach equally far, so that equal sides keep shapes true."""


def surface(crystal: CrystalTensor, property: str | None = None) -> Figure:  # noqa: A002 - the word of the field
    """Return a plotly figure of one property: the distance from the centre is its magnitude.

    Colour is the value, with its sign. Dark lines are the sections with the coordinate planes.

    Args:
        crystal: an elastic, dielectric or piezoelectric tensor.
        property: a name of :func:`properties`; the first when omitted.

    Raises:
        NoPictureError: when the tensor has no such property.
        ModuleNotFoundError: without plotly.
    """
    return _figure(crystal, (find(crystal, property),))


def surfaces(crystal: CrystalTensor) -> Figure:
    """Return a plotly figure of all properties, with a menu to choose one.

    The traces of a property carry its name as ``meta``.

    Raises:
        NoPictureError: when nothing of this tensor is drawn against direction.
        ModuleNotFoundError: without plotly.
    """
    find(crystal, None)  # or raise
    return _figure(crystal, properties(crystal))


def _figure(crystal: CrystalTensor, shown: tuple[Property, ...]) -> Figure:
    from plotly import graph_objects

    figure = graph_objects.Figure()
    for place, entry in enumerate(shown):
        figure.add_traces(_traces(crystal, entry, visible=place == 0))
    hidden = {"visible": False, "showspikes": False}
    figure.update_layout(
        template="none",
        font={"color": INK},  # a page looks for this colour, and puts that of its text in its place
        paper_bgcolor="rgba(0,0,0,0)",
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uirevision="kept",  # another property keeps the view
        showlegend=False,
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": FAINT, "activecolor": ACCENT},
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "manual",
            "aspectratio": CLOSE,
            "camera": CAMERA,
            "dragmode": "orbit",
        },
    )
    if len(shown) > 1:
        names = [trace.meta for trace in figure.data]
        figure.update_layout(updatemenus=[_menu(shown, names)])
    return figure


def _menu(shown: tuple[Property, ...], names: list[str]) -> dict[str, Any]:
    buttons = [
        {
            "label": entry.label,
            "method": "restyle",
            "args": [{"visible": [name == entry.name for name in names]}],
        }
        for entry in shown
    ]
    return {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1, "yanchor": "top"}


def _traces(crystal: CrystalTensor, entry: Property, *, visible: bool) -> list[Any]:
    from plotly import graph_objects

    ball = sphere()
    values = entry.values(ball.directions)
    points = _points(ball.directions, values)
    reach = float(np.abs(values).max()) or 1.0
    unit = f" {entry.unit}" if entry.unit else ""
    common = {"visible": visible, "meta": entry.name}
    corners = ball.triangles.astype(np.uint16)
    # a mesh: under the mouse, plotly takes rows for columns in the arrays of a surface trace
    body = graph_objects.Mesh3d(
        **dict(zip("xyz", points.T, strict=True)),
        **dict(zip("ijk", corners.T, strict=True)),
        intensity=values.astype(np.float32),
        customdata=ball.directions.astype(np.float32),
        **_colours(values),
        colorbar={
            "title": {"text": entry.heading.replace("\n", "<br>")},
            "thickness": 14,
            "len": 0.7,
        },
        lighting=LIGHT,
        lightposition={"x": 2000, "y": 1000, "z": 3000},
        hovertemplate=(
            f"<b>%{{intensity:.4g}}{unit}</b><br>along "
            "%{customdata[0]:.2f}, %{customdata[1]:.2f}, %{customdata[2]:.2f}<extra></extra>"
        ),
        **common,
    )
    lines = [_points(circle(plane, 121), entry.values(circle(plane, 121))) for plane in PLANES]
    sections = _lines([LIFT * line for line in lines], SHADE, 2.5, **common)
    traces = [body, sections, *_axes(reach, np.eye(3), ("x", "y", "z"), 1.4, INK, **common)]
    if crystal.frame.lattice is not None:
        along = crystal.frame.lattice / np.linalg.norm(crystal.frame.lattice, axis=1)[:, None]
        traces += _axes(reach, along, ("a", "b", "c"), 1.12, ACCENT, **common)
    return traces


def _points(directions: Floats, values: Floats) -> Singles:
    return np.asarray(directions * np.abs(values)[..., None], dtype=np.float32)


def _colours(values: Floats) -> dict[str, Any]:
    low, high = bounds(values)
    scale = signed_stops(low, high) if low < 0 else UNSIGNED
    return {"colorscale": scale, "cmin": low, "cmax": high}


def _lines(lines: list[Singles], colour: str, width: float, **common: Any) -> Scatter3d:
    """Return several lines as one trace: a gap of NaN ends each."""
    from plotly import graph_objects

    gap = np.full((1, 3), np.nan, dtype=np.float32)
    x, y, z = np.concatenate([part for line in lines for part in (line, gap)]).T
    return graph_objects.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines",
        line={"color": colour, "width": width},
        hoverinfo="skip",
        **common,
    )


def _axes(
    reach: float, along: Floats, names: tuple[str, ...], length: float, colour: str, **common: Any
) -> list[Scatter3d]:
    from plotly import graph_objects

    ends = np.asarray(length * reach * along, dtype=np.float32)
    starts = -ends if colour == INK else 0 * ends
    lines = _lines(list(np.stack([starts, ends], axis=1)), colour, 3, **common)
    x, y, z = np.asarray(1.06 * ends).T
    letters = graph_objects.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="text",
        text=names,
        textfont={"color": colour, "size": 15},
        # a lattice vector often lies on an axis: its letter stands beside it
        textposition="middle right" if colour == ACCENT else "middle center",
        hoverinfo="skip",
        **common,
    )
    return [lines, letters]

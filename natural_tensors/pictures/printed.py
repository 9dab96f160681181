"""Pictures that stand still, by matplotlib: stills of surfaces, sections, parts, matrices, bars.

Every function returns a ``matplotlib.figure.Figure`` that no global state knows of;
:func:`natural_tensors.pictures.save` writes it.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..crystals.tensor import CrystalTensor
from ..decomposition.components import VOIGT_LABELS
from ..formatting import NOISE, typeset_alike, typeset_percent
from .colours import ACCENT, COPIES, FAINT, INK, SERIES, SIGNED, UNSIGNED, bounds, signed_stops
from .directional import (
    AZIMUTH,
    PLANES,
    TOWARDS,
    NoPictureError,
    Property,
    circle,
    families,
    find,
    properties,
    sphere,
)

RIGHT = np.array([-np.sin(AZIMUTH), np.cos(AZIMUTH), 0.0])
UP = np.cross(TOWARDS, RIGHT)
LIGHT = (0.75 * TOWARDS - 0.45 * RIGHT + 0.5 * UP) / np.sqrt(0.75**2 + 0.45**2 + 0.5**2)

SAME = 2e-3
"""A relative range below this has one tick: more would take more digits than fit on the bar."""

SMALL = 8.0
"""Size of letters in points; the page never scales a picture below four fifths."""


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    return figure


# --- surfaces ------------------------------------------------------------------------------------


def still(crystal: CrystalTensor, property: str | None = None) -> Any:  # noqa: A002 - the word of the field
    """Return a picture of the surface that :func:`surface` turns.

    Raises:
        NoPictureError: when the tensor has no such property.
        ModuleNotFoundError: without matplotlib.
    """
    figure = _figure(3.4, 3.6)
    _draw_still(figure, (1, 1, 1), crystal, find(crystal, property))
    return figure


def stills(crystal: CrystalTensor) -> Any:
    """Return pictures of all surfaces of a crystal in one figure, three in a row.

    Raises:
        NoPictureError: when nothing of this tensor is drawn against direction.
        ModuleNotFoundError: without matplotlib.
    """
    find(crystal, None)  # or raise
    shown = properties(crystal)
    across = min(len(shown), 3)
    down = -(-len(shown) // across)
    figure = _figure(2.15 * across, 2.3 * down)
    for place, entry in enumerate(shown, start=1):
        _draw_still(figure, (down, across, place), crystal, entry)
    return figure


def _draw_still(
    figure: Any, place: tuple[int, int, int], crystal: CrystalTensor, entry: Property
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import TriMesh
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.tri import Triangulation

    axes = figure.add_subplot(*place)
    ball = sphere()
    values = entry.values(ball.directions)
    points = ball.directions * np.abs(values)[:, None]
    low, high = bounds(values)
    scale = UNSIGNED if low >= 0 else LinearSegmentedColormap.from_list("", signed_stops(low, high))
    colours = ScalarMappable(Normalize(low, high), scale)
    normals = _normals(points, ball.triangles)
    rgba = colours.to_rgba(values)
    rgba[:, :3] *= (0.62 + 0.38 * np.clip(normals @ LIGHT, 0, 1))[:, None]
    seen = _seen(points, normals, ball.triangles)
    body = TriMesh(Triangulation(points @ RIGHT, points @ UP, seen), rasterized=True, zorder=2)
    body.set_facecolor(rgba)
    axes.add_collection(body)
    reach = float(np.abs(values).max()) or 1.0
    _draw_axes(axes, entry, reach, np.eye(3), "xyz", 1.35, INK)
    if crystal.frame.lattice is not None:
        along = crystal.frame.lattice / np.linalg.norm(crystal.frame.lattice, axis=1)[:, None]
        _draw_axes(axes, entry, reach, along, "abc", 1.1, ACCENT)
    axes.set(xlim=(-1.3 * reach, 1.3 * reach), ylim=(-1.12 * reach, 1.4 * reach), aspect="equal")
    axes.set_axis_off()
    axes.set_title(entry.heading, fontsize=SMALL + 0.5, color=INK, pad=2)
    bar = figure.colorbar(
        colours, ax=axes, orientation="horizontal", shrink=0.66, aspect=22, pad=0.0
    )
    ticks = _few_ticks(low, high)
    bar.set_ticks(ticks, labels=[f"{ticks[0]:.4g}"] if len(ticks) == 1 else None)
    bar.ax.tick_params(labelsize=SMALL, colors=INK, length=2)
    bar.outline.set_visible(False)


def _normals(points: Floats, triangles: NDArray[np.int64]) -> Floats:
    """Return outward unit normals at the corners: those of their triangles, weighted by area."""
    first, second, third = (points[triangles[:, leg]] for leg in range(3))
    areas = np.cross(second - first, third - first)
    normals = np.zeros_like(points)
    for leg in range(3):
        np.add.at(normals, triangles[:, leg], areas)
    sizes = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(normals / np.where(sizes > 0, sizes, 1.0), dtype=np.float64)


def _seen(points: Floats, normals: Floats, triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the triangles that face the eye, the farthest first, so that near ones cover them."""
    facing = triangles[(normals @ TOWARDS)[triangles].max(axis=1) > 0]
    depth = (points @ TOWARDS)[facing].mean(axis=1)
    return np.asarray(facing[np.argsort(depth, kind="stable")], dtype=np.int64)


def _draw_axes(
    axes: Any, entry: Property, reach: float, along: Floats, names: str, length: float, colour: str
) -> None:
    """Draw the part of each axis that is outside the surface, in front of it or behind."""
    beside = 0.09 if colour == ACCENT else 0.0  # a lattice vector often lies on an axis
    for direction, name in zip(along, names, strict=True):
        start = direction * float(np.abs(entry.values(direction)))
        ends = np.stack([start, direction * length * reach])
        order = 3 if direction @ TOWARDS > 0 else 1
        axes.plot(ends @ RIGHT, ends @ UP, color=colour, linewidth=0.9, zorder=order)
        x, y = 1.08 * ends[1] @ RIGHT + beside * reach, 1.08 * ends[1] @ UP
        axes.text(x, y, name, color=colour, fontsize=SMALL, ha="center", va="center", zorder=4)


def _few_ticks(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    if high - low < SAME * high:
        return [(low + high) / 2]
    ticks = MaxNLocator(4).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [float(tick) for tick in ticks if low - slack <= tick <= high + slack]


# --- sections ------------------------------------------------------------------------------------


def sections(crystal: CrystalTensor, property: str | None = None) -> Any:  # noqa: A002 - the word of the field
    """Return polar sections in the xy, yz and zx planes: distance from the centre is the magnitude.

    A dashed line is a negative value.

    Args:
        crystal: an elastic, dielectric or piezoelectric tensor.
        property: a name of :func:`properties`: only the family of that one. When omitted, a row
            for each family, and one for slowness where velocities are known.

    Raises:
        NoPictureError: when the tensor has no such property.
        ModuleNotFoundError: without matplotlib.
    """
    chosen = find(crystal, property)
    shown = properties(crystal)
    rows = list(families((*shown, *_slowness(shown))).items())
    if property is not None:
        rows = [(name, entries) for name, entries in rows if name == chosen.family]
    figure = _figure(7.2, 2.7 * len(rows))
    for strip, (name, entries) in zip(
        np.atleast_1d(figure.subfigures(len(rows), 1)), rows, strict=True
    ):
        strip.patch.set_alpha(0.0)
        _draw_sections(strip, name, entries)
    return figure


def _slowness(shown: tuple[Property, ...]) -> tuple[Property, ...]:
    """Return the reciprocals of the velocities, whose sections give the direction of energy."""

    def reciprocal(entry: Property) -> Property:
        return Property(
            entry.name.replace("velocity", "slowness"),
            "Slowness",
            entry.branch,
            "s/km",
            lambda n: 1 / entry.values(n),
        )

    return tuple(reciprocal(entry) for entry in shown if entry.name.startswith("velocity"))


def _draw_sections(strip: Any, name: str, entries: tuple[Property, ...]) -> None:
    from matplotlib.lines import Line2D

    curves = {
        (plane, entry.name): entry.values(circle(plane)) for plane in PLANES for entry in entries
    }
    reach = max(float(np.abs(values).max()) for values in curves.values()) or 1.0
    for place, plane in enumerate(PLANES, start=1):
        axes = strip.add_subplot(1, 3, place, projection="polar")
        for entry, colour in zip(entries, SERIES, strict=False):
            _draw_curve(axes, curves[plane, entry.name], colour, entry.branch)
        _style_polar(axes, plane, reach)
    unit = f" [{entries[0].unit}]" if entries[0].unit else ""
    # a legend is the only heading for which the layout leaves space on the left
    heading = Line2D([], [], linestyle="none", label=name + unit)
    lines, _ = axes.get_legend_handles_labels()
    strip.legend(
        handles=[heading, *(lines if len(entries) > 1 else [])],
        loc="outside upper left",
        ncols=4,
        fontsize=SMALL + 0.5,
        frameon=False,
        labelcolor=INK,
        handlelength=1.6,
    )


def _draw_curve(axes: Any, values: Floats, colour: str, label: str) -> None:
    angles = np.linspace(0, 2 * np.pi, len(values))
    axes.plot(angles, np.where(values >= 0, values, np.nan), color=colour, lw=1.4, label=label)
    if (values < 0).any():
        below = np.where(values < 0, -values, np.nan)
        axes.plot(angles, below, color=colour, lw=1.4, ls=(0, (2, 1.2)))


def _style_polar(axes: Any, plane: str, reach: float) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_ylim(0, 1.05 * reach)
    axes.yaxis.set_major_locator(MaxNLocator(3, prune="lower"))
    axes.set_rlabel_position(45)
    axes.set_xticks(np.radians([0, 90, 180, 270]), [plane[0], plane[1], "", ""])
    axes.tick_params(colors=INK, labelsize=SMALL, pad=0)
    axes.grid(color=FAINT, linewidth=0.4, alpha=0.6)
    axes.spines["polar"].set(color=FAINT, linewidth=0.5)
    axes.patch.set_alpha(0.0)


# --- natural parts -------------------------------------------------------------------------------


def parts(crystal: CrystalTensor) -> Any:
    """Return a bar for each weight: its share of the squared norm, divided among its copies.

    Raises:
        NoPictureError: when the tensor is zero and has no shares.
        ModuleNotFoundError: without matplotlib.
    """
    reduction = crystal.reduction
    shares = reduction.fractions(crystal.values, per="copy", invalid="project")
    if not np.isfinite(list(shares.values())).all():
        raise NoPictureError(f"{crystal.name} is a zero tensor; a share needs a norm")
    weights = list(reduction.multiplicities)
    figure = _figure(5.2, 0.55 + 0.36 * len(weights))
    axes = figure.add_subplot()
    for row, weight in enumerate(weights):
        left = 0.0
        for copy in range(reduction.multiplicities[weight]):
            share = 100 * float(shares[weight, copy])
            colour = COPIES[copy % len(COPIES)]
            axes.barh(row, share, left=left, height=0.62, color=colour)
            if share > 9 and reduction.multiplicities[weight] > 1:
                middle = left + share / 2
                axes.text(
                    middle,
                    row,
                    f"copy {copy}",
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    color="white" if copy % len(COPIES) == 0 else "#1a1a1a",
                )
            left += share
        axes.text(
            left + 1.2, row, typeset_percent(left / 100), va="center", fontsize=SMALL, color=INK
        )
    letter = reduction.symmetry.parity_letter
    axes.set_yticks(range(len(weights)), [f"weight {weight}{letter}" for weight in weights])
    axes.set_xlim(0, 116)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("share of the squared norm [%]", fontsize=SMALL, color=INK)
    _style_bars(axes)
    return figure


def _style_bars(axes: Any) -> None:
    axes.invert_yaxis()
    axes.tick_params(colors=INK, labelsize=SMALL, length=0)
    axes.grid(axis="x", color=FAINT, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.patch.set_alpha(0.0)


# --- classes of symmetry -------------------------------------------------------------------------


def distances(crystal: CrystalTensor) -> Any:
    """Return a bar for each symmetry class: how far the tensor is from the nearest one of it.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    fits = crystal.class_fits
    figure = _figure(5.2, 0.55 + 0.29 * len(fits))
    axes = figure.add_subplot()
    shares = [100 * fit.distance for fit in fits]
    axes.barh(range(len(fits)), shares, height=0.62, color=SERIES[0])
    for row, (share, fit) in enumerate(zip(shares, fits, strict=True)):
        plural = "" if fit.independent == 1 else "s"
        text = f"  {typeset_percent(fit.distance, noise=NOISE)}, {fit.independent} constant{plural}"
        axes.text(share, row, text, va="center", fontsize=SMALL, color=INK)
    axes.set_yticks(range(len(fits)), [fit.name for fit in fits])
    axes.set_xlim(0, 1.55 * max(shares) or 1.0)
    axes.set_xticks(_few_ticks(0, max(shares)))
    axes.set_xlabel("distance, of the norm of the tensor [%]", fontsize=SMALL, color=INK)
    _style_bars(axes)
    return figure


# --- matrices ------------------------------------------------------------------------------------


def matrix(crystal: CrystalTensor) -> Any:
    """Return the Voigt matrix, or the 3x3 matrix, as a heat map: blue positive, red negative.

    Entries with the same letter are equal by symmetry, up to the sign before it; a star marks a
    combination of others, a dot what symmetry makes vanish. The spread stands below a number.

    Raises:
        NoPictureError: when the tensor has no matrix.
        ModuleNotFoundError: without matplotlib.
    """
    from matplotlib.colors import LinearSegmentedColormap

    values = matrix_values(crystal)
    rows, columns = values.shape
    figure = _figure(0.75 + 0.68 * columns, 0.45 + 0.56 * rows)
    axes = figure.add_subplot()
    reach = float(np.abs(values).max()) or 1.0
    colours = LinearSegmentedColormap.from_list("", SIGNED)
    # the darkest colours are left out: numbers stand on them
    axes.imshow(values, cmap=colours, vmin=-1.2 * reach, vmax=1.2 * reach, aspect="auto")
    marks = symmetry_marks(crystal)
    spread = crystal.uncertainty.get("stiffness") if columns == rows == 6 else None
    texts = entry_texts(values)
    for place in np.ndindex(values.shape):
        mark, vanishes = (marks[place], marks[place] == ".") if marks is not None else ("", False)
        ink = "white" if abs(values[place]) > 0.6 * reach else "#1a1a1a"
        row, column = place
        middle = row - (0.12 if spread is not None and not vanishes else 0)
        text = "·" if vanishes else texts[place]
        axes.text(column, middle, text, ha="center", va="center", fontsize=SMALL + 1, color=ink)
        if mark and not vanishes:
            axes.text(
                column + 0.44,
                row - 0.42,
                mark,
                ha="right",
                va="top",
                fontsize=SMALL - 0.5,
                color=ink,
                style="italic",
            )
        if spread is not None and not vanishes:
            axes.text(
                column,
                row + 0.27,
                f"± {spread[place]:.2g}",
                ha="center",
                va="center",
                fontsize=SMALL - 1.5,
                color=ink,
            )
    _style_matrix(axes, rows, columns)
    return figure


def _style_matrix(axes: Any, rows: int, columns: int) -> None:
    def names(count: int) -> list[str]:
        letters = VOIGT_LABELS if count == 6 else "xyz"
        return [f"{number} {letter}" for number, letter in enumerate(letters, start=1)]

    axes.set_xticks(range(columns), names(columns))
    axes.set_yticks(range(rows), names(rows))
    axes.xaxis.tick_top()
    axes.tick_params(colors=INK, labelsize=SMALL, length=0)
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def matrix_values(crystal: CrystalTensor) -> Floats:
    """Return the matrix that is drawn: Voigt where index pairs join, or the 3x3 tensor itself.

    Raises:
        NoPictureError: when the tensor has neither.
    """
    values = crystal.voigt if crystal.voigt is not None else crystal.values
    if np.ndim(values) != 2:
        raise NoPictureError(
            f"a tensor of shape {np.shape(crystal.values)} has no matrix; parts() draws any tensor"
        )
    return np.asarray(values, dtype=np.float64)


def entry_texts(values: Floats) -> NDArray[np.str_]:
    """Return numbers with one number of decimals for all; 0 for what is rounding of the largest."""
    return np.array(typeset_alike(values)).reshape(values.shape)


def symmetry_marks(crystal: CrystalTensor) -> NDArray[np.str_] | None:
    """Return what symmetry says of each entry of the matrix; None without a point group.

    ``"a"`` and ``"−a"`` for entries that are equal up to the sign, ``"."`` where they vanish,
    ``"*"`` for a combination of others, and nothing for an entry that stands alone.
    """
    if crystal.pattern is None:
        return None
    labels, signs = crystal.pattern
    symmetric = labels.shape[0] == labels.shape[1]
    once = np.triu(labels) if symmetric else labels
    shared = [label for label in np.unique(once[once > 0]) if (once == label).sum() > 1]
    letters = dict(zip(shared, ascii_lowercase, strict=False))

    def mark(label: int, sign: int) -> str:
        if label <= 0:
            return "." if label == 0 else "*"
        return ("−" if sign < 0 else "") + letters[label] if label in letters else ""

    marks = [
        mark(label, sign)
        for label, sign in zip(labels.ravel().tolist(), signs.ravel().tolist(), strict=True)
    ]
    return np.array(marks).reshape(labels.shape)

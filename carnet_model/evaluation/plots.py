"""Plots of an evaluation as PNG images: parity, and error against spread."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from natural_tensors.arrays import Floats

from ..data.examples import Example
from ..prediction.result import Prediction
from ..structures.units import EV_PER_A3

Panel = tuple[str, Floats, Floats]
"""A title, and what is plotted across and upwards."""


def parity_plot(panels: Sequence[Panel], unit: str) -> bytes:
    """Plot prediction against reference, with the line where they are equal."""
    return _image(panels, "reference", "prediction", unit, equal=True)


def scatter_plot(panels: Sequence[Panel], unit: str) -> bytes:
    """Plot absolute error against spread, both logarithmic."""
    return _image(panels, "spread of the ensemble", "absolute error", unit, equal=False)


def force_parity_plot(examples: Sequence[Example], predictions: Sequence[Prediction]) -> bytes:
    """Plot energies per atom about their mean, forces and stresses against their labels."""
    pairs = list(zip(examples, predictions, strict=True))
    key, unit = predictions[0].target, predictions[0].unit
    energies = [
        (float(e.labels[key]) / len(e.geometry), float(p.tensor) / len(e.geometry))
        for e, p in pairs
        if key in e.labels
    ]
    panels = []
    if energies:
        values = np.array(energies) - np.mean(energies)
        panels.append((f"energy per atom [{unit}]", values[:, 0], values[:, 1]))
    for name, factor, words in (
        ("forces", 1.0, f"forces [{unit}/Å]"),
        ("stress", EV_PER_A3, "stress [GPa]"),
    ):
        known = [
            (e.labels[name], getattr(p, name))
            for e, p in pairs
            if name in e.labels and getattr(p, name) is not None
        ]
        if known:
            truth, guess = (
                factor * np.concatenate([np.ravel(pair[side]) for pair in known]) for side in (0, 1)
            )
            panels.append((words, truth, guess))
    return parity_plot(panels, "")


def _image(panels: Sequence[Panel], across: str, up: str, unit: str, *, equal: bool) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(panels), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    suffix = f" [{unit}]" if unit else ""
    for place, (title, first, second) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        kept: NDArray[np.bool_] = np.isfinite(first) & np.isfinite(second)
        if not equal:
            kept &= (first > 0) & (second > 0)
            axes.set_xscale("log")
            axes.set_yscale("log")
        x, y = first[kept], second[kept]
        axes.plot(x, y, ".", markersize=3, alpha=0.5, rasterized=True)
        if kept.any():
            low, high = min(x.min(), y.min()), max(x.max(), y.max())
            axes.plot([low, high], [low, high], "-", color="0.5", linewidth=1)
            gap = f", MAE {np.abs(x - y).mean():.3g}" if equal else ""
            title = f"{title}{gap}{suffix if equal else ''}"
        axes.set(title=title, xlabel=across + suffix, ylabel=up + suffix)
        if equal:
            axes.set_aspect("equal", adjustable="datalim")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    return buffer.getvalue()

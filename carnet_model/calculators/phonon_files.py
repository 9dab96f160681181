"""Phonons as files: what phonopy goes on from, a picture, and JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from phonopy.file_IO import write_FORCE_CONSTANTS

from natural_tensors.arrays import Floats
from natural_tensors.files.saving import make_folder, to_json, write_bytes
from natural_tensors.pictures.colours import ACCENT, FAINT, INK, SERIES
from natural_tensors.pictures.output import save

from .phonons import Phonons

PICTURE = "bands.png"
SUMMARY = "phonons.json"


def write_phonons(result: Phonons, folder: str | Path, model: str) -> list[Path]:
    """Write phonons into a folder; each file is written as a whole.

    ``phonopy.yaml`` holds cells, displacements, forces and force constants, and is what
    ``phonopy.load`` and ``phonopy-load`` read; ``FORCE_CONSTANTS``, ``band.yaml`` and
    ``total_dos.dat`` are phonopy's as well. ``bands.png`` shows bands and density of states,
    ``phonons.json`` is `Phonons.to_dict`.

    Args:
        result: the phonons.
        folder: made when it is missing.
        model: what computed the forces.

    Returns:
        The files.

    Raises:
        FileError: when one cannot be written.
        ModuleNotFoundError: without matplotlib.
    """
    make_folder(folder)
    engine, place = result.engine, Path(folder)
    parts = {"force_constants": True, "force_sets": True, "displacements": True}
    contents = {
        "phonopy.yaml": str(engine.to_phonopy_yaml(settings=parts)).encode(),
        "FORCE_CONSTANTS": _written(
            lambda path: write_FORCE_CONSTANTS(
                engine.force_constants, path, engine.primitive.p2s_map
            )
        ),
        "band.yaml": _written(lambda path: engine.write_yaml_band_structure(filename=path)),
        "total_dos.dat": _written(lambda path: engine.write_total_dos(path)),
        SUMMARY: to_json({"model": model, **result.to_dict()}).encode() + b"\n",
    }
    for name, content in contents.items():
        write_bytes(str(place / name), content)
    save(picture(result), place / PICTURE)
    return [place / name for name in (*contents, PICTURE)]


def _written(write: Callable[[str], Any]) -> bytes:
    """Return what a writer of files writes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(str(path))
        return path.read_bytes()


def picture(result: Phonons) -> Any:
    """Return a figure: frequencies along special points, and the density of states beside.

    Imaginary frequencies are below zero.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    places, labels = _draw_bands(left, result)
    left.set_xticks(places, labels)
    left.set_xlim(places[0], places[-1])
    left.set_ylabel("frequency [THz]")
    low = min(result.between.softest, float(min(each.min() for each in result.bands.frequencies)))
    high = float(result.density[0].max())
    floor = 1.08 * low if low < -result.threshold else 0.0
    left.set_ylim(floor, 1.03 * max(high, max(float(e.max()) for e in result.bands.frequencies)))
    right.plot(result.density[1], result.density[0], color=SERIES[0], linewidth=1.2)
    right.set_xlim(0, 1.08 * float(result.density[1].max()) or 1.0)
    right.set_xlabel("states a THz")
    for axes in (left, right):
        axes.axhline(0.0, color=INK, linewidth=0.6)
        if floor:
            axes.axhspan(floor, 0.0, color=ACCENT, alpha=0.12, linewidth=0)
    if floor:
        left.text(0.01, 0.02, "imaginary", color=ACCENT, transform=left.transAxes, fontsize=8)
    name = result.structure.name or result.structure.formula
    title = name if name == result.structure.formula else f"{name}: {result.structure.formula}"
    left.set_title(title, loc="left", fontsize=10)
    return figure


def _draw_bands(axes: Any, result: Phonons) -> tuple[list[float], list[str]]:
    """Draw the pieces of a path; return where its special points are, and their labels."""
    places: list[float] = []
    labels: list[str] = []
    bands = result.bands
    for distances, frequencies, ends in zip(
        bands.distances, bands.frequencies, bands.labels, strict=True
    ):
        axes.plot(distances, frequencies, color=SERIES[0], linewidth=1.0)
        for place, label in zip(_ends(distances), ends, strict=True):
            if not places or place > places[-1] + 1e-9:
                places.append(place)
                labels.append(label)
            elif label not in labels[-1].split("|"):  # the path goes on elsewhere
                labels[-1] = f"{labels[-1]}|{label}"
    for place in places:
        axes.axvline(place, color=FAINT, linewidth=0.5)
    return places, labels


def _ends(distances: Floats) -> tuple[float, float]:
    first, *_, last = np.asarray(distances).tolist()
    return first, last

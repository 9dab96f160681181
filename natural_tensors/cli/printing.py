"""How numbers, matrices and classes look in print."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..decomposition.components import VOIGT_LABELS, Form
from ..decomposition.reductions import Reduction
from ..files.records import Values
from ..physical.catalog import catalog
from ..terminal import say

MATRICES = 27
"""Matrices that ``reconstruct`` prints; a file takes them all."""

ROUNDING = 1e4
"""Numbers this many roundings below the norm of the tensor are printed as 0 (never in JSON)."""

FORM_MEANS: Mapping[Form, str] = {
    "full": "full",
    "components": "independent components",
    "voigt": "Voigt, no factors",
    "voigt-compliance": "Voigt, a factor 2 for each off-diagonal pair",
    "mandel": "Mandel, a factor √2 for each off-diagonal pair",
}


def title_of(target: Reduction) -> str:
    """Return what a class is called: by the catalogue, or by its symmetry."""
    if target.name is None:
        return f"Tensors of symmetry {target.symmetry}" if target.rank else "Scalars"
    entry = catalog[target.name]
    return f"{entry.title}, {entry.symbol} ({entry.name})"


def parity_word(sign: int) -> str:
    """Write a sign under inversion or time reversal."""
    return "even" if sign == 1 else "odd"


def symmetry_text(target: Reduction) -> str:
    """Write an index symmetry, also that of a scalar."""
    return str(target.symmetry) or "scalar"


def content_of(target: Reduction) -> str:
    """Write the irreps and the number of independent components."""
    plural = "s" if target.dimension > 1 else ""
    return f"{target.irreps}, {target.dimension} independent component{plural}"


def number(value: float, noise: float = 0.0) -> str:
    """Write six digits, or 0 for what is not above the noise."""
    return "0" if abs(value) <= noise else f"{value:.6g}"


def percent(share: float) -> str:
    """Write a share; what rounding leaves of nothing is 0."""
    if np.isnan(share):
        return "-"
    if share < 1e-20:
        return "0"
    return f"{100 * share:.2f} %" if share >= 5e-5 else f"{100 * share:.2g} %"


def aligned(matrix: Values, noise: float) -> list[str]:
    """Write the rows of a matrix with the decimal points below each other."""
    texts = [[number(float(entry), noise) for entry in row] for row in matrix]
    flat = [text for row in texts for text in row]
    if not any("e" in text for text in flat):
        after = max(len(text.partition(".")[2]) for text in flat)
        for row in texts:
            for column, text in enumerate(row):
                missing = after - len(text.partition(".")[2])
                gap = missing + (1 if after and "." not in text else 0)
                row[column] = text + " " * gap
    width = max(len(text) for row in texts for text in row)
    return ["  ".join(text.rjust(width) for text in row).rstrip() for row in texts]


def say_array(values: Values, rank: int, noise: float) -> None:
    """Print an array: its last axes as matrices, each headed by its place on the axes before.

    The last `rank` axes belong to one tensor, the axes before are a batch.
    """
    if values.ndim < 2:
        say(*(f"  {line}" for line in aligned(values.reshape(1, -1), noise)))
        return
    leading = values.ndim - min(rank, 2)
    places = list(np.ndindex(values.shape[:leading]))
    for place in places[:MATRICES]:
        if place:
            say(f" {_place(place, values.shape, values.ndim - rank)}")
        block = (
            values[place].reshape((-1, values.shape[-1])) if rank else values[place].reshape(1, 1)
        )
        say(*(f"  {line}" for line in aligned(block, noise)))
    if len(places) > MATRICES:
        say(f"... {len(places) - MATRICES} more; -o FILE writes all")


def _place(place: tuple[int, ...], shape: tuple[int, ...], batch: int) -> str:
    """Name a place on leading axes: numbers in a batch, letters on the axes of a tensor."""
    words = [f"tensor {', '.join(map(str, place[:batch]))}"] if batch else []
    labels = {3: "xyz", 6: VOIGT_LABELS}
    indices = [labels[size][i] for i, size in zip(place[batch:], shape[batch:], strict=False)]
    return ", ".join(words + ([f"[{', '.join(indices)}]"] if indices else []))

"""How arrays and classes of tensors look in print."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.text import Text

from ..decomposition.base import ReductionBase
from ..decomposition.components import VOIGT_LABELS, Form
from ..files.records import Values, times
from ..formatting import matrix
from ..physical.catalog import catalog
from ..plane.reductions import PlaneReduction
from ..terminal import say, say_facts

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


def title_of(reduction: ReductionBase) -> str:
    """Return what a class is called: by the catalogue, or by its symmetry."""
    where = ", in the plane" if reduction.components.axes == 2 else ""
    if reduction.name is None:
        return (
            f"Tensors of symmetry {reduction.symmetry}" if reduction.rank else "Scalars"
        ) + where
    entry = catalog[reduction.name]
    return f"{entry.title}, {entry.symbol} ({entry.name}){where}"


def parity_word(sign: int) -> str:
    """Write a sign under inversion or time reversal."""
    return "even" if sign == 1 else "odd"


def symmetry_text(reduction: ReductionBase) -> str:
    """Write an index symmetry, also that of a scalar."""
    return str(reduction.symmetry) or "scalar"


def content_of(reduction: ReductionBase) -> str:
    """Write the irreps and the number of independent components."""
    plural = "s" if reduction.dimension > 1 else ""
    return f"{reduction.irreps}, {reduction.dimension} independent component{plural}"


def irrep_of(reduction: ReductionBase, weight: int, copy: int) -> str:
    """Write the irrep of a part, such as ``2e``; in the plane only weight 0 has a parity."""
    if not isinstance(reduction, PlaneReduction):
        return f"{weight}{reduction.symmetry.parity_letter}"
    if weight:
        return str(weight)
    return "0e" if reduction.mirror_parity(copy) == 1 else "0o"


def say_heading(
    reduction: ReductionBase, form: Form, unit: str | None, name: str | None, batch: tuple[int, ...]
) -> None:
    """Print what a tensor, or a batch, is."""
    title = title_of(reduction) + (f", in {unit}" if unit else "")
    say(Text(f"{name}: {title}" if name else title, style="bold"))
    count = f"{times(batch)} tensors, each " if batch else ""
    size = reduction.components.layout(form).shape
    say_facts(
        {
            "symmetry": f"{symmetry_text(reduction)}; {content_of(reduction)}",
            "form": f"{count}{times(size)} ({FORM_MEANS[form]})",
            "basis": reduction.basis,
        }
    )


def say_array(values: Values, rank: int, noise: float) -> None:
    """Print an array: its last axes as matrices, each headed by its place on the axes before.

    The last `rank` axes belong to one tensor, the axes before are a batch.
    """
    if values.ndim < 2:
        say(*(f"  {line}" for line in matrix(values.reshape(1, -1), noise)))
        return
    leading = values.ndim - min(rank, 2)
    places = list(np.ndindex(values.shape[:leading]))
    for place in places[:MATRICES]:
        if place:
            say(f" {_place(place, values.shape, values.ndim - rank)}")
        block = (
            values[place].reshape((-1, values.shape[-1])) if rank else values[place].reshape(1, 1)
        )
        say(*(f"  {line}" for line in matrix(block, noise)))
    if len(places) > MATRICES:
        say(f"... {len(places) - MATRICES} more; -o FILE writes all")


def _place(place: tuple[int, ...], shape: tuple[int, ...], batch: int) -> str:
    """Name a place on leading axes: numbers in a batch, letters on the axes of a tensor."""
    words = [f"tensor {', '.join(map(str, place[:batch]))}"] if batch else []
    labels = {2: "xy", 3: "xyz", 6: VOIGT_LABELS}
    indices = [labels[size][i] for i, size in zip(place[batch:], shape[batch:], strict=False)]
    return ", ".join(words + ([f"[{', '.join(indices)}]"] if indices else []))

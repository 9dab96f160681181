"""Structures labelled with what a model predicts for them: what a smaller network learns from.

An ensemble knows more than any of its members, and a network that is shown its predictions of many
structures learns most of that (Hinton, Vinyals and Dean 2015, arXiv 1503.02531).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors.arrays import to_lists
from natural_tensors.errors import InputError

from ..data.examples import PREDICTED, split_of
from ..data.records import LABELLED, check_output, record_of, write_records
from ..structures.geometry import Geometry
from .predictor import Predictor
from .result import Failure, Prediction

DIGITS = 5
"""Significant digits of a label: more than a network of single precision knows."""

BATCH = 256
"""Structures that are predicted together."""


class LabellingError(InputError, ValueError):
    """Labels that cannot be made as they are asked for."""


def label(
    structures: Sequence[Geometry | Failure],
    predictor: Predictor,
    output: str | Path,
    *,
    spread: float | None = None,
    most_atoms: int | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Counter[str]:
    """Write structures with the tensors that a model predicts for them, as data for a training.

    A stiffness stands under ``C``, the upper triangle of the Voigt matrix in GPa; any other tensor
    under the name of its target, with all its components. Their source is `PREDICTED`: a network
    that learns from them does not call them known. Left out are structures of reserved
    compositions, those that are refused or doubtful, and what the options say.

    Args:
        structures: what `prediction.inputs.read` yields.
        predictor: of a tensor of crystals or molecules, not of energies.
        output: .json or .json.gz.
        spread: largest relative half width of the 68 % interval of a tensor.
        most_atoms: of a structure.
        advance: called with the number of structures that are done.

    Returns:
        How many were written, `LABELLED`, and left out.

    Raises:
        LabellingError: when a spread is asked of a single network.
        natural_tensors.files.saving.FileError: when the output cannot be written.
    """
    if spread is not None and predictor.networks.count < 2:
        raise LabellingError(
            f"{predictor.title}: one network has no spread; leave it out, or join networks of "
            "other seeds (carnet join)"
        )
    check_output(output)
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for first in range(0, len(structures), BATCH):
        chosen: list[Geometry] = []
        some = structures[first : first + BATCH]
        for structure in some:
            reason = _left_out(structure, most_atoms)
            counts.update([reason] if reason else [])
            if not reason and isinstance(structure, Geometry):
                chosen.append(structure)
        results = dict(predictor.predict_each(chosen))
        for place, structure in enumerate(chosen):
            reason, row = _labelled(results[place], structure, spread)
            counts[reason] += 1
            rows += [row] if row else []
        advance(len(some))
    write_records(output, rows)
    return counts


def _left_out(structure: Geometry | Failure, most_atoms: int | None) -> str:
    if isinstance(structure, Failure):
        return "unreadable"
    if split_of(structure.formula) == "reserved":
        return "reserved"
    return "too large" if most_atoms is not None and len(structure) > most_atoms else ""


def _labelled(
    result: Prediction | Failure, structure: Geometry, spread: float | None
) -> tuple[str, dict[str, Any] | None]:
    """Return what became of a structure, and its record where there is one."""
    if isinstance(result, Failure):
        return "refused", None
    if result.doubtful:
        return "doubtful", None
    if spread is not None and not result.uncertainty.get("relative", 0.0) <= spread:
        return "uncertain", None
    row = {"source": PREDICTED} | record_of(structure)
    if result.stiffness is not None:
        return LABELLED, row | {"C": _rounded(result.stiffness[np.triu_indices(6)])}
    return LABELLED, row | {result.target: _rounded(result.tensor)}


def _rounded(values: Any) -> Any:
    """Return lists of numbers with so many digits as the largest of them has."""
    largest = float(np.abs(values).max(initial=0.0))
    digits = DIGITS - 1 - int(np.floor(np.log10(largest))) if largest > 0 else 0
    return to_lists(np.round(values, digits))

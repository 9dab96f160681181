"""What a prediction says of the relaxation before it."""

from __future__ import annotations

from dataclasses import replace

from ..prediction.result import Failure, Prediction
from .relaxing import Relaxation, volume_warnings


def noted(result: Prediction | Failure, rest: Relaxation, model: str) -> Prediction | Failure:
    """Return what was predicted for a relaxed structure with a note of its relaxation.

    Args:
        result: for the structure at the end.
        rest: the relaxation.
        model: by what.
    """
    if isinstance(result, Failure):
        return result
    note = {
        "model": model,
        "converged": rest.converged,
        "steps": rest.steps,
        "largest_force": rest.largest_force,
        "volume_change": rest.volume_change,
    }
    doubts = volume_warnings(rest.volume_change)
    if not rest.converged:
        doubts.insert(0, f"it did not come to rest under {model}: {rest.reason}")
    return replace(result, relaxation=note, warnings=(*result.warnings, *doubts))

"""Structures relaxed one after the other: what goes wrong with one costs none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..prediction.result import Failure, Prediction
from ..structures.geometry import Geometry
from .relaxing import FORCE, STEPS, WARNED_VOLUME, Relaxation, RelaxationError, Step, relax


def relax_each(
    calculator: Any,
    entries: Sequence[Geometry | Failure],
    *,
    cell: bool = True,
    force: float = FORCE,
    steps: int = STEPS,
    pressure: float = 0.0,
    symmetry: bool = True,
    tell: Callable[[Geometry, Step], None] | None = None,
) -> Iterator[tuple[int, Relaxation | Failure]]:
    """Yield the place of each structure and its relaxation, or why there is none.

    Args:
        calculator: as in `relax`.
        entries: what `prediction.inputs.read` yields.
        cell: as in `relax`.
        force: as in `relax`.
        steps: as in `relax`.
        pressure: as in `relax`.
        symmetry: as in `relax`.
        tell: is called with the structure and every step.

    Raises:
        InterruptedRelaxation: for KeyboardInterrupt.
    """
    for place, entry in enumerate(entries):
        if isinstance(entry, Failure):
            yield place, entry
            continue

        def say(step: Step, entry: Geometry = entry) -> None:
            if tell is not None:
                tell(entry, step)

        try:
            result = relax(
                calculator,
                entry,
                cell=cell,
                force=force,
                steps=steps,
                pressure=pressure,
                symmetry=symmetry,
                tell=say,
            )
        except RelaxationError as error:
            yield place, failure_of(error, entry)
        else:
            yield place, result


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
    doubts = []
    if not rest.converged:
        doubts.append(f"it did not come to rest under {model}: {rest.reason}")
    if rest.volume_change is not None and abs(rest.volume_change) > WARNED_VOLUME:
        doubts.append(f"the volume changed by {100 * rest.volume_change:.1f} % in the relaxation")
    return replace(result, relaxation=note, warnings=(*result.warnings, *doubts))


def failure_of(error: Exception, entry: Geometry) -> Failure:
    """Return what a structure becomes that an error of ours, ``name: reason``, is about."""
    name = entry.name or entry.formula
    first, *advice = str(error).splitlines() or [type(error).__name__]
    return Failure(name, first.removeprefix(f"{name}: "), "; ".join(advice), entry)

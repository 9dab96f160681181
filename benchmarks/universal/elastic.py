"""Elastic tensors of relaxed crystals, beside those of DFT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from carnet_model.calculators.finite_differences import DISPLACEMENT, STRAIN, finite_differences
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.errors import elastic_errors
from carnet_model.potentials.second_derivatives import MechanicsError
from carnet_model.relaxation.relaxing import FORCE, relax
from carnet_model.structures.geometry import Geometry
from natural_tensors import elasticity, to_voigt
from natural_tensors.arrays import Floats

from .jobs import Settings, results, sample
from .potentials import Potential
from .ranking import ranked, relative_errors
from .volumes import volume_errors

FILE = "elastic.json.gz"
LABEL = LabelSource("elastic", "C", "upper", "GPa")
SETTINGS = {"force": FORCE, "displacement": DISPLACEMENT, "strain": STRAIN, "kept": "structure"}

REASONS = ("not relaxed", "unstable", "error")
"""Why there is no tensor: the relaxation did not end; it ended where a displacement or a strain
lowers the energy; the calculator failed."""


def derived(calculator: Any, structure: Geometry) -> dict[str, Any]:
    """Return the stiffness (GPa, Voigt) of a crystal relaxed under a calculator, or why not.

    ``volume`` is the relative change of the volume in the relaxation, ``structure`` where it
    ended.
    """
    rest = relax(calculator, structure)
    if not rest.converged:
        return {"failed": "not relaxed", "why": rest.reason}
    result: dict[str, Any] = {"volume": rest.volume_change}
    try:
        stiffness = finite_differences(calculator, rest.structure).stiffness
    except MechanicsError as error:
        return {**result, "failed": "unstable", "why": str(error)}
    result["structure"] = rest.to_dict()["structure"]
    result["stiffness"] = np.round(stiffness, 4).tolist()
    if not elasticity.is_stable(stiffness):
        return {**result, "failed": "unstable", "why": "a strain lowers the energy"}
    return result


def crystals(settings: Settings) -> tuple[dict[str, Geometry], dict[str, Floats]]:
    """Return the crystals of the validation split, and their stiffnesses by DFT."""
    examples = {
        example.identifier: example
        for example in read_examples(settings.data / FILE, LABEL)
        if example.split == "val" and len(example.geometry) <= settings.most_atoms
    }
    chosen = sample(list(examples), settings.limit)
    return (
        {name: examples[name].geometry for name in chosen},
        {name: np.asarray(to_voigt(examples[name].labels["elastic"])) for name in chosen},
    )


def failure(result: Mapping[str, Any]) -> str | None:
    """Return why there is no tensor, one of `REASONS`; None where there is one."""
    return "error" if "error" in result else result.get("failed")


def tables(potentials: Sequence[Potential], settings: Settings) -> Iterator[Table]:
    """Yield the errors of each on what it managed, of all on what all managed, and their ranks."""
    structures, truth = crystals(settings)
    found = {
        potential.label: results(potential, "elastic", derived, structures, settings, SETTINGS)
        for potential in potentials
    }
    yield compared(found, truth, list(truth), f"{len(truth)} crystals of unseen formulas")
    if len(found) > 1:
        common = [
            name for name in truth if all(failure(each[name]) is None for each in found.values())
        ]
        if common:
            yield compared(found, truth, common, f"the {len(common)} that all managed")
    yield ranked(
        {
            label: {name: each for name, each in some.items() if failure(each) is None}
            for label, some in found.items()
        },
        truth,
    )


def compared(
    found: Mapping[str, Mapping[str, Mapping[str, Any]]], truth: Mapping[str, Floats],
    names: Sequence[str], title: str,
) -> Table:  # fmt: skip
    """Return errors on some crystals, one row a potential.

    What failed is counted, and left out of the means; the median of the relative error takes it as
    infinitely wrong.
    """
    table = Table(
        "potential", "K, GPa", "bias", "G, GPa", "bias", "components, GPa", "relative error",
        *REASONS, "volume, %", "bias, %", "s each",
        title=f"Elastic tensors beside DFT, relaxed ions, {title}: mean absolute errors (standard "
        "error) without the failed, median of the relative error with them",
    )  # fmt: skip
    for label, all_results in found.items():
        some = {name: all_results[name] for name in names}
        reasons = [failure(result) for result in some.values()]
        good = [name for name, reason in zip(some, reasons, strict=True) if reason is None]
        cells = ["-"] * 6
        if good:
            guess = np.array([some[name]["stiffness"] for name in good])
            cells = _scores(guess, np.array([truth[name] for name in good]), len(some))
        changes = [result["volume"] for result in some.values() if "volume" in result]
        table.add_row(
            label, *cells, *(str(reasons.count(reason)) for reason in REASONS),
            *volume_errors(changes),
            f"{median(result['seconds'] for result in some.values()):.2f}",
        )  # fmt: skip
    return table


def _scores(guess: Floats, truth: Floats, asked: int) -> list[str]:
    """Return errors of K, G, components and of the whole tensor, as text."""
    scores = elastic_errors(guess, truth)
    ours, theirs = elasticity.moduli(guess), elasticity.moduli(truth)
    cells = []
    for name in ("bulk", "shear"):
        score = scores[f"{name}_mae"]
        bias = np.mean(getattr(ours, f"{name}_hill") - getattr(theirs, f"{name}_hill"))
        cells += [f"{score.value:.1f} ({score.error:.1f})", f"{bias:+.1f}"]
    cells.append(f"{scores['component_mae'].value:.1f}")
    relative = relative_errors(guess, truth)
    whole = float(np.median([*relative, *[np.inf] * (asked - len(relative))]))
    return [*cells, f"{whole:.3f}"]

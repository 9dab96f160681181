"""Predictions as lines of text: stiffness and moduli, energy and forces, any tensor, frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from natural_tensors import Frame, elasticity, form, from_voigt
from natural_tensors.arrays import Floats
from natural_tensors.crystals.fitting import distance_to_group
from natural_tensors.decomposition.components import VOIGT_LABELS
from natural_tensors.elasticity import Moduli
from natural_tensors.examples.shipped import Example
from natural_tensors.formatting import aligned

from ..structures.units import EV_PER_A3
from .intervals import SURE

DIGITS = 1e-5
"""What is below this share of the largest entry is printed as 0 (never in files)."""

STANDARD = 1e-3
"""Share of its norm by which a tensor may miss the form of its point group in standard axes."""


def of_stiffness(
    stiffness: Floats,
    moduli: Moduli,
    uncertainty: Mapping[str, Any],
    *,
    doubtful: bool = False,
    reference: str = "",
    measured: Example | None = None,
) -> list[str]:
    """Return the text of a Voigt matrix (GPa) with its moduli.

    Args:
        stiffness: shape ``(6, 6)``.
        moduli: its averages.
        uncertainty: as in `Prediction.uncertainty`.
        doubtful: say nothing of stability.
        reference: what errors are counted from.
        measured: the tensor measured on this crystal, to stand beside.
    """
    stability = "mechanically stable"
    if not elasticity.is_stable(stiffness):
        stability = "NOT mechanically stable"
    elif doubtful:
        stability = "mechanical stability: unknown, for the reasons below"
    bounds = [
        f"{letter} {getattr(moduli, f'{name}_reuss'):.1f} to {getattr(moduli, f'{name}_voigt'):.1f}"
        for letter, name in (("K", "bulk"), ("G", "shear"))
    ]
    return [
        "stiffness [GPa], Voigt order xx yy zz yz xz xy",
        *matrix_lines(stiffness),
        "",
        *_quantities(stiffness, moduli, uncertainty, measured),
        "",
        stability,
        f"averages of Hill, from Reuss to Voigt: {', '.join(bounds)}",
        *_uncertainty_lines(uncertainty, reference),
        *([f"measured: {'; '.join(measured.source.split('; ')[:2])}"] if measured else []),
    ]


def _quantities(
    stiffness: Floats,
    moduli: Moduli,
    uncertainty: Mapping[str, Any],
    measured: Example | None,
) -> list[str]:
    """Return moduli as a table; of a crystal that was measured its constants too."""
    theirs = None if measured is None else elasticity.moduli(measured.values)
    rows = [
        (words, f"{name}_hill", 1, uncertainty.get(name), uncertainty.get(f"{name}{SURE}"))
        for words, name in (
            ("bulk modulus K [GPa]", "bulk"),
            ("shear modulus G", "shear"),
            ("Young's modulus E", "youngs"),
        )
    ]
    rows.append(("Poisson's ratio ν", "poisson_hill", 3, None, None))
    rows.append(("universal anisotropy", "universal_anisotropy", 3, None, None))
    table = [
        [words, _fixed(getattr(moduli, key), digits), _half(likely), _half(sure)]
        + ([] if theirs is None else [_fixed(getattr(theirs, key), digits)])
        for words, key, digits, likely, sure in rows
    ]
    if measured is not None:
        table += _constants(stiffness, uncertainty, measured)
    calibrated = f"bulk{SURE}" in uncertainty
    heads = ["", "predicted", "± 68 %" if calibrated else "±", "± 95 %", "measured"]
    table.insert(0, heads[: len(table[0])])
    filled = [place for place in range(len(table[0])) if any(row[place] for row in table[1:])]
    return aligned([[row[place] for place in filled] for row in table], left=1)


def _constants(
    stiffness: Floats, uncertainty: Mapping[str, Any], measured: Example
) -> list[list[str]]:
    """Return the independent constants of a crystal beside those that were measured.

    None where the axes are not the standard ones of the point group, which constants belong to. A
    constant whose sign the choice of x and y decides is given without it.
    """
    group = measured.point_group
    full = from_voigt(stiffness)
    if group is None or distance_to_group("elastic", full, group) > STANDARD:
        return []
    rows = []
    for name in form("elastic", group).parameters:
        place = int(name[1]) - 1, int(name[2]) - 1
        either = "".join(VOIGT_LABELS[i] for i in place).count("z") % 2
        values = [float(of[place]) for of in (stiffness, measured.values)]
        ours, theirs = map(abs, values) if either else values
        widths = [uncertainty.get(f"stiffness{wide}") for wide in ("", SURE)]
        halves = [_half(None if each is None else np.asarray(each)[place]) for each in widths]
        rows.append([f"|{name}|" if either else name, _fixed(ours, 1), *halves, _fixed(theirs, 1)])
    return rows


def _fixed(value: Any, digits: int) -> str:
    return f"{float(value):.{digits}f}"


def _half(width: Any) -> str:
    return "" if width is None else _fixed(width, 1)


def of_energy(
    name: str, unit: str, energy: float, forces: Floats, stress: Floats | None, spread: Any
) -> list[str]:
    """Return the text of an energy with its derivatives.

    Args:
        name: of the energy.
        unit: of the energy.
        energy: of the structure.
        forces: in the unit of the energy per angstrom, shape ``(atoms, 3)``.
        stress: eV/Å^3, shape ``(3, 3)``.
        spread: standard deviation of the energy, None when unknown.
    """
    known_spread = f" ± {float(spread):.4f}" if spread is not None else ""
    lines = [
        f"{name} = {energy:.6f}{known_spread} {unit}, {energy / len(forces):.6f} an atom",
        f"largest force {np.linalg.norm(forces, axis=1).max(initial=0):.4f} {unit}/Å",
    ]
    if stress is not None:
        lines += ["stress [GPa], positive under tension", *matrix_lines(stress * EV_PER_A3)]
    return lines


def of_tensor(
    name: str,
    unit: str,
    tensor: Floats,
    uncertainty: Mapping[str, Any],
    *,
    reference: str = "",
) -> list[str]:
    """Return the text of a tensor of any rank, of one structure or of its atoms."""
    shown_unit = "" if unit in ("", "1") else f" [{unit}]"
    shape = "x".join(map(str, tensor.shape)) or "1"
    lines = [f"{name}{shown_unit}, {shape} components"]
    if tensor.ndim == 2:
        lines += matrix_lines(tensor)
    else:
        digits = int(np.clip(5 - np.log10(np.abs(tensor).max(initial=1e-9)), 0, 12))
        lines += str(np.round(tensor, digits) + 0.0).splitlines()
    stated = _uncertainty_lines(uncertainty, reference)
    return [*lines, "", *stated] if stated else lines


def of_frame(frame: Frame, lattice: Floats) -> list[str]:
    """Return the text of the axes a tensor is in: the lattice vectors as rows, angstrom."""
    rows = [" ".join(f"{entry:z9.4f}" for entry in row) for row in lattice]
    return [
        f"frame: {frame}; lattice vectors [Å]",
        *(f"  {axis} {row}" for axis, row in zip("abc", rows, strict=True)),
    ]


def of_relaxation(relaxation: Mapping[str, Any]) -> str:
    """Return a line on the relaxation that came first; see `Prediction.relaxation`."""
    change = relaxation["volume_change"]
    volume = "" if change is None else f", volume {100 * change:+.2f} %"
    return f"relaxed first by {relaxation['model']}: {relaxation['steps']} steps{volume}"


def of_strangeness(share: float) -> str:
    """Return a line on how usual the bonds of a crystal are; see `Prediction.strangeness`."""
    return f"strangeness: {share:.2f}, the share of unseen crystals with more usual bonds"


def matrix_lines(values: Floats) -> list[str]:
    """Return a matrix as text; entries that are zero to the precision of a network are 0.

    >>> matrix_lines(np.array([[165.7, 1e-4], [1e-4, 63.9]]))
    ['  165.7     0', '      0  63.9']
    """
    largest = float(np.abs(values).max(initial=0.0))
    shown = np.where(np.abs(values) < DIGITS * largest, 0.0, values)
    digits = 1 if not largest else int(np.clip(3 - np.floor(np.log10(largest)), 1, 8))
    cells = [[f"{entry:z.{digits}f}" if entry else "0" for entry in row] for row in shown]
    return [f"  {line}" for line in aligned(cells, between=" ", equal=True)]


def meaning(uncertainty: Mapping[str, Any], reference: str) -> str:
    """Return what ± means: an interval against what the labels are, or the spread of networks."""
    if f"relative{SURE}" not in uncertainty:
        return "spread of the ensemble"
    return "68 % interval" + (f" against {reference}" if reference else "")


def _uncertainty_lines(uncertainty: Mapping[str, Any], reference: str) -> list[str]:
    if "relative" not in uncertainty:
        return []
    share = 100 * uncertainty["relative"]
    return [f"±: {meaning(uncertainty, reference)}; the tensor as a whole ± {share:.1f} %"]

"""Predictions as lines of text: stiffness and moduli, energy and forces, any tensor, frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from natural_tensors import Frame, elasticity
from natural_tensors.arrays import Floats
from natural_tensors.elasticity import Moduli
from natural_tensors.formatting import aligned

from ..structures.units import EV_PER_A3
from .intervals import SURE

DIGITS = 1e-5
"""What is below this share of the largest entry is printed as 0 (never in files)."""


def of_stiffness(
    stiffness: Floats,
    moduli: Moduli,
    uncertainty: Mapping[str, Any],
    *,
    doubtful: bool = False,
    reference: str = "",
) -> list[str]:
    """Return the text of a Voigt matrix (GPa) with its moduli.

    Args:
        stiffness: shape ``(6, 6)``.
        moduli: its averages.
        uncertainty: as in `Prediction.uncertainty`.
        doubtful: say nothing of stability.
        reference: what errors are counted from.
    """
    lines = ["stiffness [GPa], Voigt order xx yy zz yz xz xy", *matrix_lines(stiffness), ""]
    for letter, name, words in (
        ("K", "bulk", "bulk modulus"),
        ("G", "shear", "shear modulus"),
        ("E", "youngs", "Young's modulus"),
    ):
        value = float(getattr(moduli, f"{name}_hill"))
        half = f" ± {uncertainty[name]:.1f}" if name in uncertainty else ""
        bounds = ""
        if name != "youngs":
            low, high = getattr(moduli, f"{name}_reuss"), getattr(moduli, f"{name}_voigt")
            bounds = f", Reuss {low:.1f}, Voigt {high:.1f}"
        sure = uncertainty.get(f"{name}{SURE}")
        wide = "" if sure is None else f" (95 %: ± {sure:.1f})"
        lines.append(f"{letter} = {value:.1f}{half} GPa{wide}  {words} (Hill{bounds})")
    stability = "mechanically stable"
    if not elasticity.is_stable(stiffness):
        stability = "NOT mechanically stable"
    elif doubtful:
        stability = "mechanical stability: unknown, for the reasons below"
    return [
        *lines,
        f"ν = {moduli.poisson_hill:.3f}  Poisson's ratio",
        f"A = {moduli.universal_anisotropy:.3f}  universal anisotropy, 0 when isotropic",
        stability,
        *_uncertainty_lines(uncertainty, reference),
    ]


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
    return [f"the tensor as a whole: ± {share:.1f} %", f"±: {meaning(uncertainty, reference)}"]

"""Predictions of many structures as an object for JSON, a table in CSV, or extended XYZ."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.formatting import number

from .predictor import Predictor
from .result import Failure, Prediction

VOIGT_PAIRS = tuple((i, j) for i in range(6) for j in range(i, 6))


def as_document(results: Sequence[Prediction | Failure], predictor: Predictor) -> dict[str, Any]:
    """Return results as an object for JSON: the model, then ``predictions``, one for each.

    A structure that failed has ``name``, ``error`` and ``remedy`` in its place.
    """
    return {
        "natural_tensors": __version__,
        "conventions": CONVENTIONS,
        "model": predictor.name,
        "networks": len(predictor.models),
        "class": predictor.target.key,
        "symmetry": predictor.target.symmetry,
        "unit": predictor.unit,
        "form": "voigt" if predictor.target.key == "elastic" else "full",
        "precision": predictor.precision,
        "predictions": [result.to_dict() for result in results],
    }


def as_csv(results: Sequence[Prediction | Failure]) -> str:
    """Return results as a table, one row for each; a failure fills the column ``error`` only.

    Stiffness: moduli after Hill (GPa), their spread where there is one, stability, C11 .. C66.
    An energy: its value, the largest force and the stress. Other tensors: a column for each
    component, named by its indices.
    """
    rows = [_row(result) for result in results]
    names = dict.fromkeys(name for row in rows for name in row)
    last = ("known", "warnings", "error")
    heads = [name for name in names if name not in last] + list(last)
    text = io.StringIO()
    writer = csv.DictWriter(text, heads, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(result: Prediction | Failure) -> dict[str, str]:
    if isinstance(result, Failure):
        reason = f"{result.reason}; {result.remedy}" if result.remedy else result.reason
        return {"name": result.name, "error": reason}
    row = {"name": result.name, "formula": result.formula}
    if result.stiffness is not None and result.moduli is not None:
        for name in ("bulk", "shear", "youngs", "poisson"):
            row[name] = _number(getattr(result.moduli, f"{name}_hill"))
        row["universal_anisotropy"] = _number(result.moduli.universal_anisotropy)
        row["stable"] = str(result.stable).lower()
        for i, j in VOIGT_PAIRS:
            row[f"C{i + 1}{j + 1}"] = _number(result.stiffness[i, j])
    elif result.forces is not None:
        row[result.target] = f"{float(result.tensor):.12g}"
        row["largest_force"] = _number(np.linalg.norm(result.forces, axis=1).max(initial=0))
        if result.stress is not None:
            for i, j in np.ndindex(3, 3):
                row[f"stress_{'xyz'[i]}{'xyz'[j]}"] = _number(result.stress[i, j])
    else:
        for index in np.ndindex(result.tensor.shape):
            atom, axes = (str(index[0]), index[1:]) if result.per_atom else ("", index)
            row[f"T{atom}_" + "".join("xyz"[i] for i in axes)] = _number(result.tensor[index])
    for name in ("bulk", "shear", "youngs", "relative"):
        if name in result.uncertainty:
            row[f"{name}_spread"] = _number(result.uncertainty[name])
    return {**row, "known": result.known or "", "warnings": "; ".join(result.warnings)}


def _number(value: Any) -> str:
    """Write eight digits, more than single precision has; nothing when there is no number."""
    return number(value, 8, missing="")


def as_extxyz(results: Sequence[Prediction | Failure]) -> str:
    """Return structures in extended XYZ with their tensors beside them; failures are left out.

    The comment line holds ``stiffness`` (Voigt, GPa) and ``bulk``, ``shear``, ``youngs`` (Hill),
    or ``tensor`` (full), as ASE reads them back into ``Atoms.info``; a tensor of atoms is a column;
    energy, forces and stress are where ASE's calculators have them.
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    text = io.StringIO()
    for result in results:
        if isinstance(result, Failure):
            continue
        structure = result.structure
        atoms = structure.to_ase()
        atoms.info["name"] = result.name
        if result.stiffness is not None and result.moduli is not None:
            atoms.info["stiffness"] = result.stiffness
            for name in ("bulk", "shear", "youngs"):
                atoms.info[name] = float(getattr(result.moduli, f"{name}_hill"))
        elif result.forces is not None:
            stress = {} if result.stress is None else {"stress": result.stress}
            atoms.calc = SinglePointCalculator(
                atoms, energy=float(result.tensor), forces=result.forces, **stress
            )
        elif result.per_atom:
            atoms.arrays["tensor"] = result.tensor.reshape(len(structure), -1)
        else:
            atoms.info["tensor"] = result.tensor
        if "relative" in result.uncertainty:
            atoms.info["relative_spread"] = float(result.uncertainty["relative"])
        write(text, atoms, format="extxyz")
    return text.getvalue()

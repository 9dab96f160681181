"""Predictions of many structures as an object for JSON, a table in CSV, or extended XYZ.

All three hold the same: CSV has a row, extended XYZ a frame, JSON an entry for each structure, in
the order of the structures, failures in their places. CSV and extended XYZ repeat what is said of
all predictions with each of them.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.arrays import Floats, to_lists
from natural_tensors.elasticity import Moduli
from natural_tensors.files.saving import to_csv
from natural_tensors.formatting import number

from ..network.targets import Target
from .intervals import HILL, SURE
from .predictor import Predictor
from .result import Failure, Prediction

if TYPE_CHECKING:
    from pandas import DataFrame

VOIGT_PAIRS = tuple((i, j) for i in range(6) for j in range(i, 6))


def about(predictor: Predictor) -> dict[str, Any]:
    """Return what is said of all predictions of a model."""
    return about_model(
        predictor.target,
        name=predictor.name,
        networks=predictor.networks.count,
        precision=predictor.precision,
        reference=str(predictor.record.get("reference") or ""),
    )


def about_model(
    target: Target, *, name: str, networks: int | None, precision: str, reference: str = ""
) -> dict[str, Any]:
    """Return what is said of all tensors that one model gave.

    Args:
        target: what they are.
        name: of the model.
        networks: how many of ours it is made of; None for one of others.
        precision: of its numbers.
        reference: what errors are counted from.
    """
    return {
        "natural_tensors": __version__,
        "conventions": CONVENTIONS,
        "model": name,
        "networks": networks,
        "class": target.key,
        "symmetry": target.symmetry,
        "unit": target.unit,
        "form": "voigt" if target.key == "elastic" else "full",
        "precision": precision,
        "reference": reference,
    }


def as_document(results: Sequence[Prediction | Failure], predictor: Predictor) -> dict[str, Any]:
    """Return results as an object for JSON: the model, then ``predictions``, one for each.

    A structure that failed has ``name``, ``error`` and ``remedy`` in its place.
    """
    return {**about(predictor), "predictions": [result.to_dict() for result in results]}


# --- CSV ------------------------------------------------------------------------------------------


def as_csv(results: Sequence[Prediction | Failure], predictor: Predictor) -> str:
    """Return results as a table, one row for each; a failure has its name and ``error``.

    Stiffness: moduli after Hill (GPa), their uncertainty where there is one (``_spread``, of 95 %
    ``_spread_95``), stability, C11 .. C66.
    An energy: its value, the largest force and the stress. Other tensors: a column for each
    component, named by its indices. Further columns hold the rest of what JSON does; lists and
    matrices in them are JSON.
    """
    rows = [_row(result) for result in results]
    names = dict.fromkeys(name for row in rows for name in row)
    last = ("known", "warnings", "error")
    heads = [name for name in names if name not in last] + list(last)
    common = about(predictor)
    heads += [key for key in common if key not in heads]
    return to_csv(heads, [{**common, **row} for row in rows])


_TEXTS = ("name", "formula", "target", "unit", "frame", "known", "warnings", "error")
_LISTS = ("rotation", "lattice", "forces", "relaxation")


def to_dataframe(results: Sequence[Prediction | Failure]) -> DataFrame:
    """Return results as a table of pandas, one row for each: the columns of :func:`as_csv`.

    Numbers are numbers, NaN where there is none, matrices are lists; ``stable`` is True, False, or
    None where nothing is said of it.
    """
    import pandas

    table = pandas.DataFrame([_row(result) for result in results])
    for name, column in table.items():
        if name in _LISTS:
            table[name] = [json.loads(each) if isinstance(each, str) else None for each in column]
        elif name == "stable":
            said = [{"true": True, "false": False}.get(each) for each in column]
            table[name] = pandas.Series(said, dtype=object, index=table.index)
        elif name not in _TEXTS:
            table[name] = pandas.to_numeric(column.replace("", None))
    return table


def _row(result: Prediction | Failure) -> dict[str, str]:
    if isinstance(result, Failure):
        reason = f"{result.reason}; {result.remedy}" if result.remedy else result.reason
        return {"name": result.name, "error": reason}
    row = {"name": result.name, "formula": result.formula}
    if result.stiffness is not None and result.moduli is not None:
        for name in (*HILL, "poisson"):
            row[name] = _number(getattr(result.moduli, f"{name}_hill"))
        row["universal_anisotropy"] = _number(result.moduli.universal_anisotropy)
        row["stable"] = str(result.stable).lower()
        row |= _components(result, "C", result.stiffness)
    elif result.forces is not None:
        row[result.target] = f"{float(result.tensor):.12g}"
        row["largest_force"] = _number(np.linalg.norm(result.forces, axis=1).max(initial=0))
        if result.stress is not None:
            for i, j in np.ndindex(3, 3):
                row[f"stress_{'xyz'[i]}{'xyz'[j]}"] = _number(result.stress[i, j])
    else:
        row |= _components(result, "T", result.tensor)
    row |= _spreads(result)
    if result.moduli is not None:
        for entry in fields(Moduli):
            if entry.name.removesuffix("_hill") not in row:
                row[entry.name] = _number(getattr(result.moduli, entry.name))
    row |= {"target": result.target, "unit": result.unit, "frame": result.frame.name}
    lists = {"rotation": result.frame.rotation, "lattice": result.lattice}
    if result.forces is not None:
        lists["forces"] = result.forces
    row |= {name: json.dumps(to_lists(values)) for name, values in lists.items()}
    if result.relaxation is not None:
        row["volume_change"] = _number(result.relaxation["volume_change"])
        row["relaxation"] = json.dumps(dict(result.relaxation), ensure_ascii=False)
    row["strangeness"] = "" if result.strangeness is None else _number(result.strangeness)
    return {**row, "known": result.known or "", "warnings": "; ".join(result.warnings)}


def _components(result: Prediction, letter: str, values: Floats) -> dict[str, str]:
    """Return a column for each component of a tensor: ``C11``, ``T_xy``, of atoms ``T7_xy``."""
    if letter == "C":
        return {f"C{i + 1}{j + 1}": _number(values[i, j]) for i, j in VOIGT_PAIRS}
    columns = {}
    for index in np.ndindex(values.shape):
        atom, axes = (str(index[0]), index[1:]) if result.per_atom else ("", index)
        columns[f"{letter}{atom}_" + "".join("xyz"[i] for i in axes)] = _number(values[index])
    return columns


def _spreads(result: Prediction) -> dict[str, str]:
    """Return a column for each uncertainty: of moduli, the tensor, its components."""
    row, given = {}, result.uncertainty
    for wide in ("", SURE):
        for name in (*HILL, "relative"):
            if f"{name}{wide}" in given:
                row[column_of(f"{name}{wide}")] = _number(given[f"{name}{wide}"])
        for name, letter in (("stiffness", "C"), ("tensor", "T")):
            if f"{name}{wide}" in given:
                columns = _components(result, letter, np.asarray(given[f"{name}{wide}"]))
                row |= {column_of(f"{column}{wide}"): value for column, value in columns.items()}
    return row


def column_of(name: str) -> str:
    """Return the column of an uncertainty.

    >>> column_of("bulk"), column_of("bulk_95")
    ('bulk_spread', 'bulk_spread_95')
    """
    base = name.removesuffix(SURE)
    return f"{base}_spread{name[len(base) :]}"


def _number(value: Any) -> str:
    """Write eight digits, more than single precision has; nothing when there is no number."""
    return number(value, 8, missing="")


# --- extended XYZ ---------------------------------------------------------------------------------


def as_extxyz(results: Sequence[Prediction | Failure], predictor: Predictor) -> str:
    """Return structures in extended XYZ with their tensors beside them, a frame for each.

    The comment line holds the keys of JSON, as ASE reads them back into ``Atoms.info``: among them
    ``stiffness`` (Voigt, GPa) or ``tensor`` (full), and besides ``bulk``, ``shear``, ``youngs``
    (Hill) and ``relative_spread``. A tensor of atoms is a column; energy, forces and stress are
    where ASE's calculators have them. A failure has ``error`` and ``remedy``, and its structure
    where it could be read, otherwise no atoms.
    """
    from ase.io import write

    text = io.StringIO()
    common = about(predictor)
    for result in results:
        write(text, _frame(result, common), format="extxyz")
    return text.getvalue()


def _frame(result: Prediction | Failure, common: Mapping[str, Any]) -> Any:
    """Return a result as Atoms of ASE."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    values = {**common, **result.to_dict()}
    atoms = Atoms() if result.structure is None else result.structure.to_ase()
    if isinstance(result, Prediction):
        values.pop("lattice")  # it is that of the atoms
        if result.moduli is not None:
            values |= {name: float(getattr(result.moduli, f"{name}_hill")) for name in HILL}
        if "relative" in result.uncertainty:
            values["relative_spread"] = float(result.uncertainty["relative"])
        if result.forces is not None:
            stress = {} if result.stress is None else {"stress": result.stress}
            atoms.calc = SinglePointCalculator(
                atoms, energy=float(result.tensor), forces=result.forces, **stress
            )
            for name in ("tensor", "forces", "stress"):
                values.pop(name, None)
        elif result.per_atom:
            atoms.arrays["tensor"] = result.tensor.reshape(len(result.structure), -1)
            values.pop("tensor")
    atoms.info.update(
        {key: info_value(value) for key, value in values.items() if value is not None}
    )
    return atoms


_PLAIN = re.compile(r"(?!(?:t|f|true|false|nan|inf|infinity)\b)[a-z].+", re.IGNORECASE)


def info_value(value: Any) -> Any:
    """Return a value in the form that ASE reads back as it was: most as JSON.

    ASE takes text for a number, a switch or a list where it can, and a backslash for the sign
    of an escape.
    """
    if isinstance(value, bool | int | float):
        return value
    plain = isinstance(value, str) and _PLAIN.fullmatch(value)
    text = value if plain else "_JSON " + json.dumps(value, ensure_ascii=False)
    return text.replace("\\", "\\\\")

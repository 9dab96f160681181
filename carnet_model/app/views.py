"""What the page shows of a file: its structure, the tensor, its moduli, surfaces and form."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors import CrystalTensor, elasticity
from natural_tensors.arrays import to_lists
from natural_tensors.crystals.checks import misfit, warnings_for
from natural_tensors.crystals.point_groups import point_group
from natural_tensors.elasticity import Moduli
from natural_tensors.elasticity.units import PRESSURES
from natural_tensors.errors import InputError
from natural_tensors.files import reading, recognition
from natural_tensors.files.saving import to_csv, to_json
from natural_tensors.pictures.printed import matrix_values, symmetry_marks
from natural_tensors.report import report
from natural_tensors.report.general import has_matrix, title_of
from natural_tensors.report.page import as_document
from natural_tensors.report.stated import stated_tensor
from natural_tensors.report.surfaces import scene

from ..prediction import formats
from ..prediction.inputs import read
from ..prediction.predictor import Predictor
from ..prediction.result import Failure, Prediction
from ..structures.geometry import Geometry, GeometryError
from .answers import HTML, Answer
from .citations import bibtex
from .drawing import drawing
from .questions import Question

TABLES = (".csv", ".txt", ".dat", ".npy")
"""Endings of files that hold a tensor and no structure."""

TENSOR_KEYS = {"tensor", "values"}
"""Keys of JSON that holds a tensor."""


def is_tensor(path: Path) -> bool:
    """Say whether a file holds a tensor: by its ending or, of JSON, by what is in it."""
    if path.suffix.lower() in TABLES:
        return True
    if path.suffix.lower() != ".json":
        return False
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False  # its reader says what is wrong
    if isinstance(document, list):
        return bool(document) and isinstance(document[0], list | int | float)
    return isinstance(document, dict) and bool(TENSOR_KEYS & document.keys())


def view(networks: Predictor, question: Question) -> Answer:
    """Answer with all that the page shows of one structure of a file, or of a tensor, as JSON."""
    path = Path(question.file.safe_name)
    if is_tensor(path):
        document = _view_of_tensor(_stated(path, question))
    else:
        document = _view_of_structure(networks, path, question)
    document["pressures"] = dict(PRESSURES)
    document["bibtex"] = bibtex(networks.name)
    return Answer((to_json(document) + "\n").encode(errors="backslashreplace"))


def page(networks: Predictor, question: Question) -> Answer:
    """Answer with the report of one structure of a file, or of a tensor, as HTML."""
    path = Path(question.file.safe_name)
    if is_tensor(path):
        crystal = _stated(path, question)
        crystal = crystal.with_notes(tuple(warnings_for(crystal)))
    else:
        _, result = _one_of(networks, path, question)
        crystal = result.crystal()
    return Answer(report(crystal).html.encode(), HTML)


# --- structures -----------------------------------------------------------------------------------


def _one_of(
    networks: Predictor, path: Path, question: Question
) -> tuple[list[Geometry | Failure], Prediction]:
    """Return the structures of a file, and the prediction for the one asked for.

    Raises:
        InputError: when there is none, or it cannot be predicted.
    """
    entries = list(read([str(path)]))
    if not 0 <= question.entry < len(entries):
        raise InputError(
            f"{path}: has no structure {question.entry}\n"
            f"it holds {len(entries)}; they are counted from 0"
        )
    chosen = entries[question.entry]
    ((_, result),) = networks.predict_each([chosen], frame=question.frame)
    if isinstance(result, Failure):
        raise InputError(str(result))
    return entries, result


def _view_of_structure(networks: Predictor, path: Path, question: Question) -> dict[str, Any]:
    entries, result = _one_of(networks, path, question)
    document: dict[str, Any] = {
        "kind": "prediction",
        "model": networks.title,
        "entries": [entry.name for entry in entries],
        "entry": question.entry,
        **result.to_dict(),
        "structure": drawing(result.structure),
        "text": result.lines(),
        "json": to_json(formats.as_document([result], networks)) + "\n",
        "csv": formats.as_csv([result], networks),
    }
    try:
        crystal = result.crystal()
    except GeometryError:  # a molecule: it has no point group here, and no report
        return document
    return document | _of_crystal(crystal)


# --- tensors --------------------------------------------------------------------------------------


def _stated(path: Path, question: Question) -> CrystalTensor:
    """Return the tensor of a file.

    Raises:
        InputError: when it cannot be read as such a tensor, or violates its point group.
    """
    record = reading.read_tensor(str(path))
    asked = recognition.tensor_class(question.kind) if question.kind else None
    tensor = recognition.recognize(record, asked)
    tensor.reduction.decompose(tensor.values, form=tensor.form)  # or say what it violates
    group = point_group(question.group) if question.group else None
    crystal = stated_tensor(record, tensor, group=group)
    if problem := misfit(crystal):
        raise InputError(f"{path}: {problem}\nleave the point group out, or correct the axes")
    if tensor.guessed:
        crystal = crystal.with_notes((f"taken for {crystal.tensor!r} by its shape",))
    return crystal


def _view_of_tensor(crystal: CrystalTensor) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": "tensor",
        "entries": [crystal.name],
        "entry": 0,
        "name": crystal.name,
        "formula": crystal.formula,
        "target": crystal.tensor,
        "unit": crystal.unit,
        "uncertainty": None,
        "frame": {"name": crystal.frame.name, "rotation": to_lists(crystal.frame.rotation)},
        "known": None,
        "warnings": [*crystal.notes, *warnings_for(crystal)],
        "json": to_json(as_document(crystal)) + "\n",
        "csv": _rows(crystal),
    }
    if crystal.tensor == "elastic" and crystal.voigt is not None:
        moduli = elasticity.moduli(crystal.voigt)
        document["moduli"] = {
            entry.name: to_lists(getattr(moduli, entry.name)) for entry in fields(Moduli)
        }
        document["stable"] = bool(elasticity.is_stable(crystal.voigt))
    return document | _of_crystal(crystal)


def _rows(crystal: CrystalTensor) -> str:
    """Return the matrix of a tensor as CSV or, without one, its independent components."""
    if has_matrix(crystal):
        values = matrix_values(crystal)
        return "".join(",".join(map(repr, row)) + "\n" for row in values.tolist())
    reduction = crystal.reduction
    components = np.ravel(reduction.convert(crystal.values, target="components"))
    rows = [
        {"component": label, "value": float(value)}
        for label, value in zip(reduction.components.labels, components, strict=True)
    ]
    return to_csv(("component", "value"), rows)


# --- both -----------------------------------------------------------------------------------------


def _of_crystal(crystal: CrystalTensor) -> dict[str, Any]:
    """Return what a tensor with its axes and its point group has to show."""
    document: dict[str, Any] = {
        "title": title_of(crystal),
        "axes": list(crystal.frame.axes),
        "space_group": crystal.spacegroup,
        "density_kg_m3": crystal.density_kg_m3,
        "group": None,
        "matrix": None,
        "surfaces": None,
    }
    if crystal.group is not None:
        document["group"] = _group(crystal)
    if has_matrix(crystal):
        values = matrix_values(crystal)
        marks = symmetry_marks(crystal)
        document["matrix"] = {
            "values": to_lists(values),
            "marks": None if marks is None else marks.tolist(),
        }
    drawn = scene(crystal)
    if drawn["surfaces"]:
        document["surfaces"] = drawn
    return document


def _group(crystal: CrystalTensor) -> dict[str, Any]:
    group, form = crystal.group, crystal.form
    assert group is not None
    assert form is not None
    try:
        formula: str | None = form.latex()
    except ValueError:  # no matrix
        formula = None
    return {
        "symbol": group.symbol,
        "schoenflies": group.schoenflies,
        "system": group.system,
        "independent": form.independent,
        "of": crystal.reduction.dimension,
        "latex": formula,
        "relations": form.relation_lines(),
        "violated": crystal.residual,
    }

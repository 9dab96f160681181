"""Tensors from files, joined with the structure that they were measured or computed for."""

from __future__ import annotations

from pathlib import Path

from natural_tensors import CrystalTensor, Form
from natural_tensors.crystals.checks import GROUP_TOLERANCE, in_usual_unit, misfit
from natural_tensors.crystals.fitting import distance_to_group
from natural_tensors.errors import InputError
from natural_tensors.files import reading, recognition
from natural_tensors.files.saving import FileError
from natural_tensors.formatting import visible

from .geometry import Geometry, GeometryError, reduced_formula
from .reading import read_geometries
from .symmetry import FrameName, canonical, frame_of, known_frames
from .tensors import crystal_tensor


class MisfitError(InputError, ValueError):
    """A tensor of another crystal, or one that violates the point group of the structure."""


def read_structure(path: str) -> Geometry:
    """Return the only structure of a file.

    Raises:
        GeometryError: when it cannot be read, or holds several.
    """
    structures = read_geometries(path)
    if len(structures) != 1:
        raise GeometryError(
            f"{path}: holds {len(structures)} structures\n"
            "a page shows one; write it to a file of its own"
        )
    if isinstance(structures[0], GeometryError):
        raise structures[0]
    return structures[0]


def measured(
    structure: Geometry,
    path: str,
    *,
    kind: str | None = None,
    form: Form | None = None,
    unit: str | None = None,
    axes: FrameName = "structure",
    frame: FrameName = "canonical",
    project: bool = False,
) -> CrystalTensor:
    """Return the tensor in a file, joined with its structure.

    Args:
        structure: the crystal.
        path: the tensor: JSON, a table or NPY.
        kind: name in the catalogue or index symmetry, where the file does not say it.
        form: how the numbers are written; read or guessed when omitted.
        unit: their unit, likewise.
        axes: the axes they are stated in.
        frame: the axes to give them in.
        project: take the mean over the point group.

    Raises:
        FileError: when the file cannot be read as such a tensor.
        SymmetryError: when it violates its index symmetry.
        MisfitError: when it is of another composition, or violates the point group and is not to be
            projected; the message says by how much, and which axes would fit.
        GeometryError: when the structure is no crystal, or has no such axes.
    """
    record = reading.read_tensor(path)
    if record.formula and reduced_formula(record.formula) != structure.formula:
        raise MisfitError(
            f"{path}: holds a tensor of {visible(record.formula)}, and the structure is "
            f"{structure.formula}\nname the tensor of this crystal"
        )
    asked = recognition.tensor_class(kind) if kind else None
    recognized = recognition.recognize(record, asked, form)
    values = recognized.full()
    if recognized.batch:
        raise FileError(f"{path}: holds several tensors\na page shows one; take it out first")
    name = recognized.reduction.name or str(recognized.reduction.symmetry)
    try:
        full, shown = in_usual_unit(name, values, unit or record.unit)
    except ValueError as error:
        raise FileError(f"{path}: {error}") from None
    stated = frame_of(structure, axes)
    tensor = crystal_tensor(
        structure, name, full, unit=shown, frame=stated, source=record.name or Path(path).name
    )
    if project:
        tensor = tensor.projected()
    elif problem := misfit(tensor):
        raise MisfitError(f"{path}: {problem}{_axes_that_fit(structure, tensor)}")
    wanted = frame_of(structure, frame)
    return tensor.turned(wanted, wanted.rotation @ stated.rotation.T)


def _axes_that_fit(structure: Geometry, stated: CrystalTensor) -> str:
    """Say in which axes in common use the tensor would fit."""
    group, standard = canonical(structure)
    candidates = [("the canonical axes (--axes canonical)", standard.rotation)]
    candidates += [
        (f"{axes} (--axes ieee)" if "IEEE" in axes else axes, rotation)
        for axes, rotation in known_frames(structure)
    ]
    fitting = []
    for axes, rotation in candidates:
        setting = standard.rotation @ rotation.T
        if distance_to_group(stated.tensor, stated.values, group, setting) <= GROUP_TOLERANCE:
            fitting.append(axes)
    mean = (
        "\n--project takes the mean over the group: of a tensor in the axes of the structure only"
    )
    if not fitting:
        return mean
    return "\nit fits when it is stated in " + ", or in ".join(fitting) + mean

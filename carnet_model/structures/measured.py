"""A measured tensor beside the structure it belongs to."""

from __future__ import annotations

from pathlib import Path

from natural_tensors import CrystalTensor, Form
from natural_tensors.crystals.checks import GROUP_TOLERANCE, in_usual_unit, misfit
from natural_tensors.crystals.fitting import distance_to_group
from natural_tensors.errors import InputError
from natural_tensors.files import reading, recognition
from natural_tensors.files.saving import FileError

from .geometry import Geometry, GeometryError
from .reading import read_geometries
from .symmetry import FrameName, canonical, frame_of, known_frames
from .tensors import crystal_tensor


class MisfitError(InputError, ValueError):
    """A tensor that violates the point group of the structure beside it."""


def read_structure(path: str) -> Geometry:
    """Return the only structure of a file.

    Raises:
        GeometryError: when it cannot be read, or holds several.
    """
    found = read_geometries(path)
    if len(found) != 1:
        raise GeometryError(
            f"{path}: holds {len(found)} structures\n"
            "a page shows one; write it to a file of its own"
        )
    if isinstance(found[0], GeometryError):
        raise found[0]
    return found[0]


def measured(
    thing: Geometry,
    path: str,
    *,
    kind: str | None = None,
    form: Form | None = None,
    unit: str | None = None,
    axes: FrameName = "structure",
    frame: FrameName = "canonical",
    project: bool = False,
) -> CrystalTensor:
    """Return a tensor from a file beside its structure.

    Args:
        thing: the crystal.
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
        MisfitError: when it violates the point group and is not to be projected; the message says
            by how much, and which axes would fit.
        GeometryError: when the structure is no crystal, or has no such axes.
    """
    record = reading.read_tensor(path)
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
    stated = frame_of(thing, axes)
    found = crystal_tensor(
        thing, name, full, unit=shown, frame=stated, source=record.name or Path(path).name
    )
    if project:
        found = found.projected()
    elif wrong := misfit(found):
        raise MisfitError(f"{path}: {wrong}{_other_axes(thing, found)}")
    wanted = frame_of(thing, frame)
    return found.turned(wanted, wanted.rotation @ stated.rotation.T)


def _other_axes(thing: Geometry, found: CrystalTensor) -> str:
    """Say in which axes in common use the tensor would fit."""
    group, standard = canonical(thing)
    candidates = [("the canonical axes (--axes canonical)", standard.rotation)]
    candidates += [
        (f"{what} (--axes ieee)" if "IEEE" in what else what, rotation)
        for what, rotation in known_frames(thing)
    ]
    fitting = []
    for what, rotation in candidates:
        setting = standard.rotation @ rotation.T
        if distance_to_group(found.tensor, found.values, group, setting) <= GROUP_TOLERANCE:
            fitting.append(what)
    mean = "\n--project takes the mean over the group"
    if not fitting:
        return mean
    return "\nit fits when it is stated in " + ", or in ".join(fitting) + mean

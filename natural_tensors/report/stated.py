"""The tensor of a file as a page shows it, with what else is stated beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..crystals.checks import in_usual_unit
from ..crystals.frames import Frame
from ..crystals.point_groups import PointGroup
from ..crystals.tensor import CrystalTensor
from ..files.recognition import Recognized
from ..files.records import TensorRecord, times
from ..files.saving import FileError


def stated_tensor(
    record: TensorRecord,
    tensor: Recognized,
    *,
    unit: str | None = None,
    group: PointGroup | None = None,
    density_kg_m3: float | None = None,
    atoms_per_m3: float | None = None,
) -> CrystalTensor:
    """Return a tensor that was read, in the axes it is stated in.

    Args:
        record: what was read.
        tensor: what its numbers are.
        unit: of the numbers; that of the record, or the usual one, when omitted.
        group: point group, in whose standard axes it is stated.
        density_kg_m3: mass density, where known.
        atoms_per_m3: atoms in a cubic metre, where known.

    Raises:
        FileError: when it holds several tensors, or the unit is none of such a tensor.
        SymmetryError: when it violates its index symmetry.
    """
    if tensor.batch:
        raise FileError(
            f"{record.origin}: holds {times(tensor.batch)} tensors\n"
            "a page shows one; take it out first"
        )
    reduction = tensor.reduction
    name = reduction.name or str(reduction.symmetry)
    try:
        values, shown = in_usual_unit(
            name, np.asarray(tensor.full(), np.float64), unit or record.unit
        )
    except ValueError as error:
        raise FileError(f"{record.origin}: {error}") from None
    origin = record.origin if record.origin != "standard input" else "tensor"
    return CrystalTensor(
        tensor=name,
        values=values,
        unit=shown,
        frame=Frame("given", np.eye(3)),
        name=record.name or Path(origin.removeprefix("example ")).stem,
        group=group,
        setting=None if group is None else np.eye(3),
        density_kg_m3=density_kg_m3 or None,
        atoms_per_m3=atoms_per_m3 or None,
        source=origin,
    )

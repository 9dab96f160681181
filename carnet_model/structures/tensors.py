"""Tensors joined with their crystals, and their exchange with pymatgen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors import CrystalTensor, Frame, catalog, reduction
from natural_tensors.files.decoding import PYMATGEN_TENSORS

from .conversion import geometry
from .geometry import Geometry
from .symmetry import SYMPREC, FrameName, frame_of, structure_frame, symmetry_of


def density_kg_m3(structure: Geometry) -> float | None:
    """Return the mass density from standard atomic weights, kg/m^3; None unless a crystal."""
    from ase.data import atomic_masses
    from ase.units import _amu

    if structure.volume is None:
        return None
    return float(atomic_masses[structure.numbers].sum() * _amu / (structure.volume * 1e-30))


def crystal_tensor(
    structure: Geometry,
    tensor: str,
    values: ArrayLike,
    *,
    unit: str | None = None,
    frame: Frame | None = None,
    symprec: float = SYMPREC,
    source: str = "",
    uncertainty: Mapping[str, Any] | None = None,
    notes: Iterable[str] = (),
) -> CrystalTensor:
    """Join a tensor with what its structure says: point group, frame, density.

    Args:
        structure: the crystal, in the axes of its file.
        tensor: name in the catalogue, or an index symmetry.
        values: full tensor, shape ``(3,)*rank``, in the axes of `frame`.
        unit: its unit; the catalogue's when omitted.
        frame: the axes of `values`; those of the structure when omitted.
        symprec: of spglib, angstrom.
        source: where the numbers come from.
        uncertainty: as in a prediction.
        notes: what a reader should be warned of.

    Raises:
        GeometryError: when it is no crystal.
        SymmetryError: when the tensor violates its index symmetry.
    """
    array = np.asarray(values, dtype=np.float64)
    reduction(tensor).pack(array)  # raises the error that says what is wrong with it
    symmetry = symmetry_of(structure, symprec=symprec)
    group, standard = symmetry.canonical
    axes = structure_frame(structure) if frame is None else frame
    all_notes = list(notes)
    if not standard.decided:
        all_notes.append(
            "the structure alone does not decide the signs of the canonical axes: two frames see "
            "it alike, and odd tensors may differ between them"
        )
    volume = structure.volume
    return CrystalTensor(
        tensor=tensor,
        values=array,
        unit=(catalog[tensor].unit if tensor in catalog else "") if unit is None else unit,
        frame=axes,
        name=Path(structure.name).name or structure.formula,
        formula=structure.formula,
        group=group,
        setting=standard.rotation @ axes.rotation.T,
        spacegroup=f"{symmetry.dataset.international} ({symmetry.number})",
        density_kg_m3=density_kg_m3(structure),
        atoms_per_m3=None if volume is None else len(structure) / (volume * 1e-30),
        source=source,
        uncertainty=dict(uncertainty or {}),
        notes=tuple(all_notes),
    )


def to_pymatgen(crystal: CrystalTensor) -> Any:
    """Return a tensor as pymatgen's own class, in the frame it is in.

    ``elastic`` becomes an ElasticTensor in GPa, ``compliance`` a ComplianceTensor, a piezoelectric
    one a PiezoTensor, any other a Tensor. Mind that pymatgen's ``y_mod`` is in Pa.
    """
    from pymatgen.analysis.elasticity import ComplianceTensor, ElasticTensor
    from pymatgen.analysis.piezo import PiezoTensor
    from pymatgen.core.tensors import Tensor

    kinds = {
        "elastic": ElasticTensor,
        "compliance": ComplianceTensor,
        "piezoelectric": PiezoTensor,
        "piezoelectric-stress": PiezoTensor,
    }
    return kinds.get(crystal.tensor, Tensor)(crystal.values)


def from_pymatgen(
    tensor: Any,
    structure: object,
    *,
    kind: str | None = None,
    unit: str | None = None,
    frame: FrameName = "structure",
) -> CrystalTensor:
    """Return a tensor of pymatgen with its structure.

    Args:
        tensor: an ElasticTensor (GPa), PiezoTensor or another Tensor.
        structure: pymatgen Structure, ase Atoms, or whatever `geometry` reads.
        kind: name in the catalogue; known for an ElasticTensor (``elastic``), a ComplianceTensor
            (``compliance``) and a PiezoTensor (``piezoelectric-stress``).
        unit: its unit; GPa for an ElasticTensor, otherwise the catalogue's.
        frame: the axes the tensor is in, ``"structure"`` or ``"ieee"``.

    Raises:
        ValueError: when the kind is not known.
    """
    known, _, its_unit = PYMATGEN_TENSORS.get(type(tensor).__name__, (None, "full", None))
    name = kind or known
    if name is None:
        raise ValueError(
            f"a {type(tensor).__name__} does not say which tensor it is; give kind='dielectric' or "
            "another name of the catalogue"
        )
    crystal = geometry(structure)
    return crystal_tensor(
        crystal,
        name,
        np.asarray(tensor),
        unit=unit or ("GPa" if name == "elastic" else its_unit if name == known else None),
        frame=frame_of(crystal, frame),
        source="pymatgen",
    )

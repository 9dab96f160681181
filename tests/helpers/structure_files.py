"""CIF texts, and the one structure of a file."""

from __future__ import annotations

from pathlib import Path

from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.reading import read_geometries

A = 5.43


PRIMITIVE = "Si1 Si 0 0 0 1\nSi2 Si 0.25 0.25 0.25 1\n"


def cif(sites: str, *, group: str = "P 1", a: float = A, angle: float = 90, extra: str = "") -> str:
    return (
        f"data_test\n{extra}_cell_length_a {a}\n_cell_length_b {a}\n_cell_length_c {a}\n"
        f"_cell_angle_alpha {angle}\n_cell_angle_beta {angle}\n_cell_angle_gamma {angle}\n"
        f"_symmetry_space_group_name_H-M '{group}'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        f"_atom_site_occupancy\n{sites}"
    )


def only(path: Path) -> Geometry:
    (entry,) = read_geometries(path)
    if isinstance(entry, GeometryError):
        raise entry
    return entry

"""Structures as text: CIF and POSCAR, what other programs read.

>>> salt = Geometry([11, 17], [[0, 0, 0], [2.8, 0, 0]],
...                 [[0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]], (True,) * 3, "salt")
>>> print(as_poscar(salt, "as it was").splitlines()[0])
salt: as it was
"""

from __future__ import annotations

import re
from itertools import groupby

import numpy as np

from .geometry import Geometry, geometry_error
from .periodic_table import SYMBOLS


def as_cif(structure: Geometry, remark: str = "") -> str:
    """Return a crystal as a block of a CIF: all atoms of its cell, in P1.

    Cell parameters do not say how the cell lies: a reader chooses axes of its own. A left-handed
    cell is written by minus its lattice vectors, so that the crystal is not mirrored.

    Args:
        structure: the crystal.
        remark: stands in a comment in front of it, a line for each of its lines.

    Raises:
        GeometryError: when it is no crystal.
    """
    _require_crystal(structure, "a CIF")
    sign = 1.0 if np.linalg.det(structure.cell) > 0 else -1.0
    lengths = np.linalg.norm(structure.cell, axis=1)
    unit = structure.cell / lengths[:, None]
    angles = np.degrees(
        np.arccos(np.clip([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]], -1, 1))
    )
    lines = [f"# {line}" for line in remark.splitlines()]
    lines.append(
        f"data_{re.sub(r'[^A-Za-z0-9_.-]+', '-', structure.name).strip('-') or structure.formula}"
    )
    for name, length in zip("abc", lengths, strict=True):
        lines.append(f"_cell_length_{name} {length:.8f}")
    for name, angle in zip(("alpha", "beta", "gamma"), angles, strict=True):
        lines.append(f"_cell_angle_{name} {angle:.8f}")
    lines += ["_symmetry_space_group_name_H-M 'P 1'", "_symmetry_Int_Tables_number 1"]
    lines += ["loop_", "_symmetry_equiv_pos_as_xyz", "'x, y, z'", "loop_"]
    lines += [
        f"_atom_site_{name}" for name in ("label", "type_symbol", "fract_x", "fract_y", "fract_z")
    ]
    places = structure.fractional * sign
    for atom, (number, place) in enumerate(zip(structure.numbers.tolist(), places, strict=True), 1):
        symbol = SYMBOLS[number]
        lines.append(f"{symbol}{atom} {symbol} {_row(place)}")
    return "\n".join(lines) + "\n"


def as_poscar(structure: Geometry, remark: str = "") -> str:
    """Return a crystal as a POSCAR of VASP 5, atoms in their order, in its axes.

    Args:
        structure: the crystal.
        remark: follows the name in the first line.

    Raises:
        GeometryError: when it is no crystal.
    """
    _require_crystal(structure, "a POSCAR")
    runs = [(number, len(list(run))) for number, run in groupby(structure.numbers.tolist())]
    words = [structure.name or structure.formula, *remark.split("\n")]
    lines = [": ".join(word for word in words if word), "1.0", *map(_row, structure.cell)]
    lines += [" ".join(SYMBOLS[number] for number, _ in runs), " ".join(str(n) for _, n in runs)]
    return "\n".join([*lines, "Direct", *map(_row, structure.fractional)]) + "\n"


def _row(values: object) -> str:
    return " ".join(f"{value:z.10f}" for value in np.asarray(values).tolist())


def _require_crystal(structure: Geometry, kind: str) -> None:
    if not all(structure.periodic):
        raise geometry_error(
            structure.name,
            f"repeats along {sum(structure.periodic)} directions, and {kind} holds crystals",
            "write it as extended XYZ: .extxyz",
        )

"""Crystals that the tests of pictures and of the page draw."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np

from natural_tensors import from_voigt, reduction
from natural_tensors.crystals.frames import Frame
from natural_tensors.crystals.point_groups import point_group
from natural_tensors.crystals.tensor import CrystalTensor
from natural_tensors.examples import load

if TYPE_CHECKING:
    from natural_tensors.decomposition.components import Form

GIVEN = Frame("given", np.eye(3))
QUARTZ_CELL = np.array([[4.913, 0, 0], [-4.913 / 2, 4.913 * np.sqrt(3) / 2, 0], [0, 0, 5.405]])  # Å
CYCLE = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])


def quartz() -> CrystalTensor:
    """Everything known: group, lattice, density, spread, notes, axes other than the structure's."""
    words = ("2-fold axis, [1 0 0]", "", "3-fold axis, [0 0 1]")
    return CrystalTensor(
        "elastic", from_voigt(load("quartz").values), "GPa",
        Frame("canonical", CYCLE, QUARTZ_CELL, words),
        "docs/structures/quartz.cif", "SiO2", point_group("32"), np.eye(3), "P3_221 (154)",
        2648.0, 7.97e28, "network elastic, 4 networks",
        MappingProxyType(
            {"bulk": 1.23, "shear": 0.91, "youngs": 2.1, "relative": 0.03,
             "stiffness": np.full((6, 6), 1.3)}
        ),
        ("few training structures hold Si (3)",),
    )  # fmt: skip


def copper() -> CrystalTensor:
    """A tensor and nothing else."""
    return CrystalTensor("elastic", from_voigt(load("copper").values), "GPa", GIVEN, "copper")


def unstable() -> CrystalTensor:
    """Cubic with C11 < C12: it gives way to e_xx - e_yy; and a name that is markup."""
    stiffness = load("copper").values.copy()
    stiffness[:3, :3] = np.where(np.eye(3) > 0, 160.0, 180.0)
    return CrystalTensor(
        "elastic", from_voigt(stiffness), "GPa", GIVEN,
        "<script>alert(1)</script> & co", "Cu<b>2", point_group("m-3m"), np.eye(3),
        notes=("<img src=x>",), source="a </script> b",
    )  # fmt: skip


def auxetic() -> CrystalTensor:
    """An isotropic body of Poisson's ratio -0.25."""
    youngs, poisson = 10.0, -0.25
    shear = youngs / (2 + 2 * poisson)
    beside = youngs * poisson / ((1 + poisson) * (1 - 2 * poisson))
    matrix = np.diag([2 * shear] * 3 + [shear] * 3)
    matrix[:3, :3] += beside
    return CrystalTensor("elastic", from_voigt(matrix), "GPa", GIVEN, "foam")


def example(name: str, group: str | None = None) -> CrystalTensor:
    """One of the examples of the package."""
    entry = load(name)
    reduced = reduction(entry.tensor)
    full = reduced.convert(entry.values, source=cast("Form", entry.form), target="full")
    values = np.asarray(full)
    known = None if group is None else point_group(group)
    return CrystalTensor(
        entry.tensor, values, entry.unit, GIVEN, entry.name, entry.formula, known,
        None if group is None else np.eye(3), source=entry.source,
    )  # fmt: skip


def dielectric() -> CrystalTensor:
    """A biaxial crystal: squares of the refractive indices 1.5, 1.6 and 1.8."""
    return CrystalTensor(
        "dielectric", np.diag([1.5**2, 1.6**2, 1.8**2]), "", GIVEN, "olivine",
        group=point_group("mmm"), setting=np.eye(3),
    )  # fmt: skip


def other() -> CrystalTensor:
    """A tensor without a matrix: three indices, no symmetry."""
    values = np.random.default_rng(5).normal(size=(3, 3, 3))
    return CrystalTensor("ijk", values, "", GIVEN, "odd")

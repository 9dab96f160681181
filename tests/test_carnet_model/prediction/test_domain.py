"""What the training set says about a structure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, graphene, make_supercell, molecule
from ase.lattice.hexagonal import Graphite
from pymatgen.core import Lattice, Structure

from carnet_model.data.fingerprints import Nearest
from carnet_model.prediction.domain import Domain, known_crystal
from carnet_model.prediction.predictor import Predictor, load
from carnet_model.prediction.result import Failure, Prediction
from carnet_model.structures.conversion import geometry
from tests.helpers.predictions import as_ase, cubic, transformed
from tests.helpers.tiny_models import (
    CRYSTALS,
    RECORDS,
    seen,
)


def test_known_crystals_are_marked(folder: Path) -> None:
    model = load(folder)
    crystal = CRYSTALS["mp-804"]
    for other in (crystal, make_supercell(as_ase(crystal), np.diag([2, 1, 1]))):
        assert model.predict(other).known == "mp-804"
    stretched = transformed(crystal, 1.2 * np.eye(3))
    assert model.predict(stretched).known is None
    assert "known: mp-804" in str(model.predict(crystal))


def test_members_of_the_training_set_are_not_outside_of_it(folder: Path) -> None:
    found = load(folder).predict(list(CRYSTALS.values()))
    for one in found:
        assert isinstance(one, Prediction)
        rest = [text for text in one.warnings if not text.startswith("few training structures")]
        layered = one.name == "mp-568286"  # a stacking of graphene
        assert [text.partition(":")[0] for text in rest] == (["layers"] if layered else [])


@pytest.mark.parametrize(
    ("structure", "warning"),
    [
        (cubic("Ti", 4.0), "few training structures hold Ti (3)"),
        (cubic("Si", 7.0), "volume per atom 85.8 Å^3 is outside"),
        (cubic("Si", 2.6), "volume per atom 4.39 Å^3 is outside"),
        (cubic("Si", 16.0), "1 of 1 atoms have no neighbour within the cutoff"),
        (
            Structure(Lattice.tetragonal(2.2, 4), ["C"] * 2, [[0, 0, 0], [0.5, 0.5, 0]]),
            "pairs of atoms at some distance than any training structure",
        ),
    ],
)
def test_what_is_outside_of_the_training_set(
    structure: Structure, warning: str, folder: Path
) -> None:
    found = load(folder).predict(structure.get_primitive_structure(), anyway=True)
    assert any(warning in text for text in found.warnings), found.warnings


def in_box(atoms: Atoms, edge: float) -> Atoms:
    atoms.set_cell([edge] * 3)
    atoms.pbc = True
    return atoms


def kinds(warnings: tuple[str, ...] | list[str]) -> list[str]:
    """Return the first words of warnings, which name what they are about."""
    return [text.partition(":")[0] for text in warnings if ":" in text]


def everywhere(atoms: Atoms) -> Atoms:
    atoms.pbc = True
    return atoms


def slab(vacuum: float) -> Atoms:
    return everywhere(fcc111("Cu", (1, 1, 4), vacuum=vacuum))


@pytest.mark.parametrize(
    ("atoms", "expected"),
    [
        (bulk("Cu", "fcc", a=3.62), []),
        (bulk("H", "fcc", a=3.0), ["no bonds", "far from equilibrium"]),
        (slab(vacuum=8.0), ["vacuum"]),
        (slab(vacuum=1.05), []),  # the gap of the crystal itself
        (everywhere(graphene(vacuum=7)), ["vacuum"]),
        (Graphite("C", latticeconstant={"a": 2.46, "c": 6.7}), ["layers"]),
        (bulk("C", "fcc", a=3.2), ["far from equilibrium"]),
        (bulk("Cu", "fcc", a=3.2), ["far from equilibrium"]),
        (Atoms("Cu4N", [[0, 0, 0], [1.8, 1.8, 0], [1.8, 0, 1.8], [0, 1.8, 1.8], [1.8] * 3],
               cell=[3.6] * 3, pbc=True), []),
        (Atoms("Cu4H", [[0, 0, 0], [1.8, 1.8, 0], [1.8, 0, 1.8], [0, 1.8, 1.8], [0.9, 0.9, 0.2]],
               cell=[3.6] * 3, pbc=True), ["unusual environment"]),
    ],
)  # fmt: skip
def test_meaningless_structures_are_named(atoms: Atoms, expected: list[str]) -> None:
    assert kinds(Domain(crystals=True).arrangement(geometry(atoms))) == expected
    assert (
        kinds(
            Domain(crystals=False).warnings_for(
                geometry(atoms), np.ones(len(atoms), dtype=np.int64)
            )
        )
        == []
    )


def test_what_is_meaningless_is_stranger_than_crystals_are() -> None:
    """Vacuum and missing bonds are strangest; what is no crystal has no such number."""
    domain = Domain(crystals=True)

    def strange(atoms: Atoms) -> float | None:
        structure = geometry(atoms)
        return domain.strangeness(structure, domain.arrangement(structure))

    usual = [strange(atoms) for atoms in (bulk("Cu", "fcc", a=3.62), bulk("Si"), bulk("Al"))]
    assert all(one is not None and one < 0.95 for one in usual)
    for atoms in (slab(vacuum=8.0), everywhere(graphene(vacuum=7)), bulk("H", "fcc", a=3.0)):
        assert strange(atoms) == 1
    for atoms in (bulk("C", "fcc", a=3.2), bulk("Cu", "fcc", a=3.2)):
        found = strange(atoms)
        assert found is not None
        assert found > 0.97
    assert strange(fcc111("Cu", (1, 1, 4), vacuum=8.0)) is None
    assert Domain(crystals=False).strangeness(geometry(bulk("Si")), []) is None


def test_strangeness_does_not_depend_on_the_cell(model: Predictor) -> None:
    crystal = CRYSTALS["mp-804"]
    one = model.predict(crystal)
    many = model.predict(make_supercell(as_ase(crystal), np.diag([2, 1, 1])))
    assert one.strangeness is not None
    assert many.strangeness == pytest.approx(one.strangeness, abs=1e-6)
    assert f"strangeness: {one.strangeness:.2f}, the share" in str(one)
    assert one.to_dict()["strangeness"] == one.strangeness


def test_vacuum_takes_the_word_of_stability_and_of_pairs(model: Predictor, folder: Path) -> None:
    found = load(folder).predict(slab(vacuum=8.0))
    assert found.stable
    assert found.doubtful
    lines = str(found).splitlines()
    assert "mechanically stable" not in lines
    assert "mechanical stability: unknown, for the reasons below" in lines
    assert any(line.startswith("warning: vacuum: its layers are more than 3 Å") for line in lines)
    assert not any("pairs of atoms" in line for line in lines)
    crystal = model.predict(bulk("Cu", "fcc", a=3.62))
    assert "mechanically stable" in str(crystal).splitlines()
    alone = slab(vacuum=8.0)
    alone.pbc = (True, True, False)
    layer = load(folder).predict(alone)
    assert layer.doubtful
    assert "mechanically stable" not in str(layer).splitlines()


@pytest.mark.parametrize(
    "atoms",
    [in_box(molecule("CH4"), 12), in_box(Atoms("Cu"), 9),
     in_box(Atoms("Si4", [[0, 0, 0], [2.3, 0, 0], [7, 7, 7], [9.3, 7, 7]]), 16)],
)  # fmt: skip
def test_boxes_of_gas_are_refused_unless_told(atoms: Atoms, model: Predictor) -> None:
    (failure,) = model.predict([atoms])
    assert isinstance(failure, Failure)
    assert "separate molecules or atoms with vacuum between them" in failure.reason
    assert "--anyway (anyway=True)" in failure.remedy
    assert failure.structure is not None
    assert len(failure.structure) == len(atoms)
    found = model.predict(atoms, anyway=True)
    assert kinds(found.warnings)[0] == "vacuum"


def test_a_known_crystal_has_its_volume() -> None:
    prints = seen(RECORDS)
    crystal = CRYSTALS["mp-101"]
    for scale, known in ((1.0, True), (0.99, True), (1.012, True), (0.98, False), (1.02, False)):
        found, warnings = known_crystal(prints.nearest(transformed(crystal, scale * np.eye(3))))
        assert (found == "mp-101") == known
        assert len(warnings) == (not known)
        if not known:
            words = "larger" if scale > 1 else "smaller"
            assert f"% {words} than that of mp-101 of the training set" in warnings[0]
            assert kinds(warnings) == ["far from equilibrium"]
    assert known_crystal(None) == (None, [])
    assert known_crystal(Nearest("a", 0.1, 0.0)) == (None, [])
    assert Nearest("a", 0.02, 0.08).shape == pytest.approx(np.sqrt(0.0004 - np.log(1.08) ** 2 / 16))


def test_a_domain_without_fingerprints_knows_elements_only() -> None:
    domain = Domain.of([6, 14], None, crystals=True)
    assert domain.known == "C Si"
    assert domain.unknown(np.array([14, 92])) == ("U",)
    assert Domain().unknown(np.array([92])) == ()
    crystal = CRYSTALS["mp-101"]
    assert domain.warnings_for(crystal, np.array([12])) == []
    assert Domain.of([6], seen(RECORDS[:3]), crystals=True).counts["Pd"] == 1


def test_atoms_nearer_than_any_in_training_are_warned_of() -> None:
    model = load("silicon")
    assert list(model.record["closest"]) == ["Si-Si"]
    pressed = geometry(bulk("Si", a=5.43 * 0.72))  # bonds of 1.69 Å
    degrees = np.full(2, 4)
    (warning,) = [text for text in model.domain.warnings_for(pressed, degrees) if "apart" in text]
    assert warning == (
        "atoms 0 (Si) and 1 (Si) are 1.69 Å apart, 0.93 of 1.83 Å, "
        "the shortest distance of these elements in the training set"
    )
    usual = geometry(bulk("Si", a=5.43 * 0.75))
    assert not [text for text in model.domain.warnings_for(usual, degrees) if "apart" in text]
    assert not Domain.of([14], None, False).closest

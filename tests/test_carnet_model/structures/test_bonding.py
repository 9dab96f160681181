"""How structures hold together: in three directions, in layers, in chains, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, graphene, make_supercell, molecule, mx2
from ase.lattice.hexagonal import Graphite

from carnet_model.structures.bonding import (
    BONDED,
    DECAY,
    EXTREME,
    KNOWN_FROM,
    VACUUM,
    Range,
    bond_orders,
    excesses,
    extent,
    has_bonds,
    known_ranges,
    molecules,
    quantiles_of,
    radii,
    ranges_of,
    strangeness,
)
from carnet_model.structures.conversion import geometry
from tests.helpers.tiny_models import CRYSTALS


def in_box(atoms: Atoms, edge: float) -> Atoms:
    """Return atoms alone in a cubic cell that repeats."""
    atoms.set_cell([edge] * 3)
    atoms.pbc = True
    return atoms


def everywhere(atoms: Atoms) -> Atoms:
    atoms.pbc = True
    return atoms


def chains() -> Atoms:
    """Return two chains of selenium that cross each other at a distance, along x and along y."""
    places = [[0, 0, 0], [2.4, 0, 0], [1.2, 1.2, 5], [1.2, 3.6, 5]]
    return Atoms("Se4", places, cell=[4.8, 4.8, 10], pbc=True)


@pytest.mark.parametrize(
    ("atoms", "bonded", "touching"),
    [
        (bulk("Cu", "fcc", a=3.62), 3, 3),
        (bulk("Cs", "bcc", a=6.14), 3, 3),
        (bulk("NaCl", "rocksalt", a=5.64), 3, 3),
        (bulk("Si", "diamond", a=5.43), 3, 3),
        (Graphite("C", latticeconstant={"a": 2.46, "c": 6.7}), 2, 3),
        (everywhere(mx2(vacuum=1.6)), 2, 3),  # MoS2, as in the crystal
        (everywhere(graphene(vacuum=7)), 2, 2),
        (everywhere(fcc111("Cu", (1, 1, 4), vacuum=8)), 2, 2),
        (fcc111("Cu", (1, 1, 4), vacuum=8), 2, 2),
        (chains(), 1, 3),
        (bulk("Ar", "fcc", a=5.3), 0, 3),
        (bulk("H", "fcc", a=3.0), 0, 3),
        (in_box(molecule("CH4"), 12), 0, 0),
        (in_box(Atoms("He"), 6), 0, 0),
        (molecule("C6H6"), 0, 0),
    ],
)
def test_along_how_many_directions_it_holds_together(
    atoms: Atoms, bonded: int, touching: int
) -> None:
    assert extent(geometry(atoms), BONDED) == bonded
    assert extent(geometry(atoms), VACUUM) == touching


@pytest.mark.parametrize("name", ["mp-568286", "mp-804", "mp-1399"])
def test_no_description_of_a_crystal_changes_it(name: str) -> None:
    crystal = CRYSTALS[name]
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    other = make_supercell(crystal.to_ase(), [[1, 1, 0], [-1, 1, 0], [0, 1, 2]])
    other = other[np.random.default_rng(1).permutation(len(other))]
    other.set_cell(other.cell.array @ rotation, scale_atoms=True)
    for slack in (BONDED, VACUUM):
        assert extent(geometry(other), slack) == extent(crystal, slack)
    ours, theirs = bond_orders(crystal), bond_orders(geometry(other))
    assert np.allclose(np.unique(ours.round(6)), np.unique(theirs.round(6)))


def test_bond_orders_are_those_of_the_formula() -> None:
    pair = geometry(Atoms("CO", [[0, 0, 0], [0, 0, 1.2]]))
    length = float(radii(np.array([6, 8])).sum())
    assert np.allclose(bond_orders(pair), np.exp((length - 1.2) / DECAY))
    diamond = bond_orders(geometry(bulk("C", "diamond", a=3.567)))
    assert np.allclose(diamond, diamond[0])
    assert 3.8 < diamond[0] < 5.0  # four bonds, and a little of the next neighbours
    assert bond_orders(geometry(in_box(Atoms("He"), 6))).tolist() == [0.0]


def test_molecules_are_whole_and_ions_alone() -> None:
    cut = in_box(molecule("CH4"), 8)
    cut.translate([4, 0, 0])
    cut += in_box(Atoms("Cs"), 8)
    cut.wrap()
    found = molecules(geometry(cut))
    assert found is not None
    groups, whole = found
    assert groups.tolist() == [0] * 5 + [1]
    lengths = np.linalg.norm(whole[1:5] - whole[0], axis=1)
    assert lengths.max() < 1.2  # of C-H, whatever the cell cuts
    assert molecules(geometry(in_box(Atoms("He"), 6))) is None
    assert molecules(geometry(bulk("NaCl", "rocksalt", a=5.6))) is None
    assert molecules(geometry(bulk("C", "diamond", a=3.567))) is None
    assert molecules(geometry(everywhere(graphene(vacuum=7)))) is None


def test_bonds_or_none() -> None:
    assert has_bonds(geometry(molecule("H2")))
    assert not has_bonds(geometry(bulk("Ar", "fcc", a=5.3)))


def test_ranges_are_of_all_atoms_and_crystals() -> None:
    crystals = [geometry(bulk("Cu", "fcc", a=edge)) for edge in (3.5, 3.7)]
    sums = [float(bond_orders(crystal)[0]) for crystal in crystals]
    assert ranges_of(crystals) == {29: Range(2, sums[1], sums[0])}
    assert ranges_of([]) == {}
    outlier = geometry(bulk("Cu", "fcc", a=4.5))
    assert ranges_of([*crystals * 25, outlier]) == {29: Range(51, sums[1], sums[0])}


def test_the_ranges_that_ship() -> None:
    known = known_ranges()
    assert len(known) >= 79
    assert all(each.crystals >= KNOWN_FROM and 0 < each.low < each.high for each in known.values())
    assert known[1].low < 1 < known[1].high
    inside: list[Any] = []
    for crystal in CRYSTALS.values():  # of the same source
        for number, total in zip(crystal.numbers.tolist(), bond_orders(crystal), strict=True):
            inside.append(known[number].low <= total <= known[number].high)
    assert np.mean(inside) > 1 - 4 * EXTREME  # both ends, of crystals with several atoms


def test_excesses_are_those_of_the_ranges() -> None:
    """Copper at its size is within; where its sum is the largest known, the excess is nothing."""
    copper = geometry(bulk("Cu", "fcc", a=3.62))
    low, high = known_ranges()[29][1:]
    (order,) = bond_orders(copper)
    np.testing.assert_allclose(
        excesses(copper), [[np.log(low / order)], [np.log(order / high)]], rtol=1e-12
    )
    assert (excesses(copper) < 0).all()
    alone = excesses(geometry(in_box(Atoms("Cu"), 12)))
    assert alone[0, 0] > 10  # no bond at all: as far below as can be
    assert np.isfinite(alone).all()
    assert np.isnan(excesses(geometry(bulk("Po", "sc", a=3.35)))).all()


def test_strangeness_grows_away_from_the_known_size_and_ends_at_one() -> None:
    """Of copper, whose atoms have many bonds at its own size, and as many as is usual 5 % wider."""
    for sizes in (np.linspace(1.05, 1.3, 6), 1 / np.linspace(1.0, 1.3, 7)):
        found = [strangeness(geometry(bulk("Cu", "fcc", a=3.62 * size))) for size in sizes]
        shares = np.array(found, dtype=np.float64)
        assert (np.diff(shares) >= 0).all()
        assert shares[0] < 0.7
        assert 0.98 < shares[-1] <= 1
    assert strangeness(geometry(bulk("Po", "sc", a=3.35))) is None


def test_strangeness_is_a_share_of_the_structures_of_its_quantiles() -> None:
    """Of the crystals here, near the known ones all, few are stranger than most that are unseen."""
    crystals = list(CRYSTALS.values())
    found = np.array([strangeness(crystal) for crystal in crystals], dtype=np.float64)
    assert ((found >= 0) & (found <= 1)).all()
    assert np.median(found) < 0.6
    largest = [np.nanmax(excesses(crystal)) for crystal in crystals]
    assert (np.argsort(largest) == np.argsort(found)).mean() > 0.9  # ties apart
    ends = quantiles_of(crystals, 3)
    assert ends == pytest.approx([min(largest), np.median(largest), max(largest)])

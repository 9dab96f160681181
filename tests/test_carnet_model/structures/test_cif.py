"""CIF files: cells, thirds, blocks, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.reading import read_geometries
from tests.helpers.structure_files import PRIMITIVE, cif, only


def test_a_cif_keeps_the_cell_it_describes(tmp_path: Path) -> None:
    file = tmp_path / "si.cif"
    file.write_text(cif("Si1 Si 0 0 0 1\n", group="F d -3 m"))
    assert len(only(file)) == 8
    file.write_text(cif(PRIMITIVE, a=3.84, angle=60))
    assert len(only(file)) == 2
    # pymatgen's frame: c along z, a in the xz plane
    cell = only(file).cell
    assert np.allclose([cell[2, 0], cell[2, 1], cell[0, 1]], 0)


def test_rounded_thirds_are_snapped(tmp_path: Path) -> None:
    file = tmp_path / "mg.cif"
    text = (
        "data_Mg\n_cell_length_a 3.2\n_cell_length_b 3.2\n_cell_length_c 5.2\n_cell_angle_alpha 90"
        "\n_cell_angle_beta 90\n_cell_angle_gamma 120\n_symmetry_space_group_name_H-M 'P 63/m m c'"
        "\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    )
    file.write_text(text + "Mg1 0.3333 0.6667 0.25\n")
    crystal = only(file)
    assert len(crystal) == 2
    assert np.allclose(sorted(crystal.fractional[:, 0]), [1 / 3, 2 / 3], atol=1e-9)
    file.write_text(text + "Mg1 0.333 0.667 0.25\n")  # too coarse to be taken for thirds
    with pytest.raises(GeometryError, match="more digits"):
        only(file)


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ("Nä1 Nä 0 0 0 1\n", "'ä', not ASCII"),
        ("Na1 Na 0 0 −0.5 1\n", "'−', not ASCII"),
        ("Na1 Na 0 0 0 0.9\n", "site 0 is disordered"),
        ("Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5\n", "site 0 is disordered"),
        ("Na1 Na 0 0 0 1.2\n", "ccupancy"),
        ("Qq1 Qq 0 0 0 1\n", "'Qq', which names no element"),
        ("Na1 Na 0 0 0 1\nWat1 Wat 0.5 0.5 0.5 1\n", "hydrogen"),
        ("Na1 Na 0 0 ? 1\n", "cannot be read"),
    ],
)
def test_what_a_cif_may_not_hold(tmp_path: Path, sites: str, words: str) -> None:
    file = tmp_path / "bad.cif"
    file.write_text(cif(sites), encoding="utf-8")
    (entry,) = read_geometries(file)
    assert isinstance(entry, GeometryError)
    assert words in str(entry)
    assert entry.name == str(file)
    file.write_text(cif(sites), encoding="latin-1", errors="replace")
    assert isinstance(read_geometries(file)[0], GeometryError)


def test_atoms_missing_from_the_stated_formula_are_noticed(tmp_path: Path) -> None:
    file = tmp_path / "ice.cif"
    file.write_text(cif("O1 O 0 0 0 1\n", extra="_chemical_formula_sum 'H2 O1'\n"))
    with pytest.raises(GeometryError, match="do not make up the stated formula: Missing"):
        only(file)


def test_umlauts_in_comments_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "si.cif"
    extra = "_publ_author_name 'Müller'\n_publ_section_title\n;\ndata_ für Silizium\n;\n"
    file.write_text(cif(PRIMITIVE, a=3.84, angle=60, extra=extra), encoding="utf-8")
    assert only(file).formula == "Si"


def test_each_block_of_a_cif_is_an_entry(tmp_path: Path) -> None:
    file = tmp_path / "three.cif"
    good, bad = cif(PRIMITIVE, a=3.84, angle=60), cif("Na1 Na 0 0 0 0.9\n")
    file.write_text("data_global\n_journal_year 2015\n" + good + bad + good)
    entries = read_geometries(file)
    assert [type(entry) for entry in entries] == [Geometry, GeometryError, Geometry]
    assert isinstance(entries[1], GeometryError)
    assert entries[1].name == f"{file}#2"


def test_reading_raises_no_warning(tmp_path: Path) -> None:
    file = tmp_path / "si.cif"
    file.write_text(cif("Si1 Si4+ 0 0 0 1\n", group="F d -3 m"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(only(file)) == 8
    assert not caught


def test_a_change_of_basis_is_no_sum_without_end(tmp_path: Path) -> None:
    """pymatgen works out what a magnetic CIF writes there."""
    magnetic = "_space_group_magn.name_BNS 'P 1'\n_space_group_magn.number_BNS 1.1\n"
    loop = "loop_\n_atom_site_moment_label\n_atom_site_moment.crystalaxis_x\nSi1 1\n"
    for power in ("9**9**9**9**9", "a"):
        transform = f"_space_group_magn.transform_BNS_Pp_abc '{power},b,c;0,0,0'\n"
        (tmp_path / "a.cif").write_text(cif(PRIMITIVE, extra=magnetic + transform) + loop)
        (entry,) = read_geometries(tmp_path / "a.cif")
        assert ("transform_BNS_Pp_abc is" in str(entry)) == (power != "a")

"""Plain CIF files give the structure that pymatgen reads; the others are left to it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from pymatgen.io.cif import CifParser, CifWriter
from pymatgen.symmetry.groups import SYMM_DATA, SpaceGroup

from carnet_model.structures.cif import CIF_TOLERANCE
from carnet_model.structures.conversion import from_pymatgen
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.plain_cif import plain_structure, space_group
from tests.helpers.paths import ROOT
from tests.helpers.tiny_models import CRYSTALS

CIF = """data_x
_cell_length_a 4.9(1)
_cell_length_b 4.9
_cell_length_c 5.4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_chemical_formula_sum 'Si O2'
_publ_author_name
;
Data_ and loop_ and _names in running text
;
loop_
_symmetry_equiv_pos_site_id
_symmetry_equiv_pos_as_xyz
1 'x, y, z'
2 '-y, x-y, z+1/3'
3 '-x+y,-x,2/3+Z'
4 'y,x,-z'
5 '-x,-x+y,-z+1/3'
6 'x-y,-y,-z+2/3'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
O1 O2- 0.3333 0.21(3) .12 1.0
Si1 Si4+ 0.46 0 0.33333 1
"""
"""Sites on and off special positions, and much that is optional in writing."""


def by_pymatgen(text: str) -> Geometry:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = CifParser.from_str(
            text, site_tolerance=CIF_TOLERANCE, frac_tolerance=CIF_TOLERANCE
        )
        return from_pymatgen(parser.parse_structures(primitive=False)[0], "x")


def check(text: str) -> None:
    text = text[text.index("data_") :]  # a block, without remarks before it
    found = plain_structure(text, CIF_TOLERANCE)
    assert found is not None
    expected = by_pymatgen(text)
    assert found.numbers.tolist() == expected.numbers.tolist()
    # the same operations in the same order; a sum of three products may be rounded once
    np.testing.assert_allclose(found.cell, expected.cell, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.positions, expected.positions, rtol=0, atol=1e-13)


def test_operations_and_thirds() -> None:
    check(CIF)
    check(CIF.replace("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz"))


@pytest.mark.parametrize("name", sorted(CRYSTALS))
def test_shipped_crystals(name: str) -> None:
    structure = CRYSTALS[name].to_pymatgen()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spglib and pymatgen about each other
        texts = [str(CifWriter(structure)), str(CifWriter(structure, symprec=0.01))]
    for text in texts:
        check(text)


@pytest.mark.parametrize("name", ["si", "quartz"])
def test_symbols_of_space_groups_stand_for_operations(name: str) -> None:
    text = (ROOT / f"docs/structures/{name}.cif").read_text(encoding="utf-8")
    check(text)


def test_space_groups_are_those_of_pymatgen() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for symbol in SYMM_DATA["space_group_encoding"]:
            expected = [operation.affine_matrix for operation in SpaceGroup(symbol).symmetry_ops]
            found = space_group(re.sub(r"[\s_]", "", symbol))
            assert found is not None
            np.testing.assert_array_equal(found, expected)
    assert space_group("nothing") is None


def replaced(old: str, new: str) -> Callable[[], str]:
    def text() -> str:
        assert old in CIF
        return CIF.replace(old, new)

    return text


LEFT = {
    "partial occupancy": replaced(".12 1.0", ".12 0.9"),
    "unknown occupancy": replaced(".12 1.0", ".12 ?"),
    "no coordinate": replaced(".12 1.0", "? 1.0"),
    "two sites in one place": replaced("0.46 0 0.33333", "0.3333 0.21 .12"),
    "an image of another site": replaced("0.46 0 0.33333", "-0.21 0.12333333 0.45333333"),
    "another formula": replaced("'Si O2'", "'Si O3'"),
    "another element in the formula": replaced("'Si O2'", "'Si S2'"),
    "no formula": replaced("'Si O2'", "?"),
    "deuterium": replaced("O1 O2-", "D1 D"),
    "water": replaced("O1 O2-", "OH1 OH"),
    "a noble gas": replaced("O1 O2-", "He He"),
    "oxidation numbers": replaced("_publ_author_name", "_atom_type_oxidation_number"),
    "moments": replaced("_publ_author_name", "_atom_site_moment_label"),
    "hydrogens": replaced("_publ_author_name", "_atom_site_attached_hydrogens"),
    "coefficients": replaced("4 'y,x,-z'", "4 '2y,x,-z'"),
    "two shifts": replaced("4 'y,x,-z'", "4 'y,x,-z+1/2+1/2'"),
    "two coordinates": replaced("4 'y,x,-z'", "4 'y,x'"),
    "a bad loop": replaced("1.0\n", "\n"),
    "a capital": replaced("_cell_length_a", "_Cell_length_a"),
    "a key twice": replaced("_cell_length_b", "_cell_length_a"),
    "no angle": replaced("_cell_angle_gamma", "_cell_angle_other"),
    "a flat cell": replaced("_cell_length_c 5.4", "_cell_length_c 0.01"),
    "no operations": replaced("_symmetry_equiv_pos_as_xyz", "_symmetry_other"),
    "an open text": replaced(";\nloop_\n_symmetry", "loop_\n_symmetry"),
    "a quotation": replaced("'Si O2'", "'Si O2"),
    "a stray word": replaced("loop_\n_atom", "word loop_\n_atom"),
}


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_left_to_pymatgen(kind: str) -> None:
    assert plain_structure(LEFT[kind](), CIF_TOLERANCE) is None

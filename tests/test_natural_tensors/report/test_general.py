"""What a page says about any tensor."""

from __future__ import annotations

import numpy as np

from natural_tensors.formatting import typeset_fixed
from natural_tensors.pictures.directional import stiffness_of
from tests.helpers.example_crystals import (
    other,
    quartz,
)
from tests.helpers.pages import page, parsed


def test_numbers_of_quartz() -> None:
    found = parsed("quartz")
    assert "bulk modulus K [GPa] 38.03 37.48 37.76" in found.words("moduli")
    assert "C11 86.74" in found.words("constants")
    assert "C66 = (C11 − C12)/2" in found.words("constants")
    assert "3-fold axis, [0 0 1]" in found.words("tensor")
    assert "4.9130" in found.words("tensor")
    assert "the tensor as a whole is uncertain by 3.0 %" in found.words("notes")
    assert "few training structures hold Si (3)" in found.words("notes")
    assert "network elastic, 4 networks" in found.words("provenance")


def test_the_matrix_in_the_axes_of_the_structure() -> None:
    crystal = quartz()
    matrices = page("quartz").document["report"]["matrices"]
    np.testing.assert_allclose(matrices["frame"], stiffness_of(crystal))
    # the cycle x -> y -> z -> x moves C11 to the place of C22 or C33
    rotated = np.array(matrices["structure"])
    np.testing.assert_allclose(
        sorted(np.diag(rotated)[:3]), sorted(np.diag(stiffness_of(crystal))[:3])
    )
    assert not np.allclose(rotated, stiffness_of(crystal))
    assert len(parsed("quartz").all_of("details")) == 1
    assert "structure" not in page("copper").document["report"]["matrices"]


def test_a_tensor_without_matrix_lists_its_components() -> None:
    found = parsed("other")
    words = found.words("tensor")
    assert "27 of 27" in words
    assert f"xyz {typeset_fixed(other().values[0, 1, 2], 4)}" in words
    assert "scene" not in found.scripts
    assert not any("surfacesIn" in text for text in found.scripts.values() if "webgl" in text)

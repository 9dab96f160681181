"""The forms of data sets: what is written is read again, and columns name the right numbers."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from natural_tensors import reduction
from natural_tensors.arrays import Floats
from natural_tensors.files.label_forms import LABEL_FORMS, LabelFormName

VOIGT_FORMS: tuple[LabelFormName, ...] = ("voigt", "voigt-compliance", "mandel", "upper")


def stresses(*batch: int) -> Floats:
    """Return symmetric tensors whose entry ``ij`` is ``10 (i + 1) + j + 1`` for i <= j."""
    entries = np.array([[11, 12, 13], [12, 22, 23], [13, 23, 33]], dtype=float)
    return np.broadcast_to(entries, (*batch, 3, 3)).copy()


def stiffnesses(*batch: int) -> Floats:
    generator = np.random.default_rng(3)
    return np.asarray(reduction("elastic").symmetrize(generator.normal(size=(*batch, 3, 3, 3, 3))))


def test_every_form_has_its_name() -> None:
    assert set(LABEL_FORMS) == set(get_args(LabelFormName))


@pytest.mark.parametrize("batch", [(), (5,)])
@pytest.mark.parametrize("name", ["full", "components", *VOIGT_FORMS])
def test_what_is_written_is_read_again(name: LabelFormName, batch: tuple[int, ...]) -> None:
    form, elastic = LABEL_FORMS[name], reduction("elastic")
    full = stiffnesses(*batch)
    numbers = form.write(elastic, full)
    assert numbers.shape == (*batch, *form.shape(elastic))
    recognized = form.read(elastic, numbers)
    assert recognized.batch == batch
    assert np.allclose(recognized.full(), full, rtol=0, atol=1e-14)


def test_a_stress_as_vasp_prints_it() -> None:
    form, stress = LABEL_FORMS["vasp"], reduction("ij=ji")
    numbers = form.write(stress, stresses(2))
    assert np.allclose(numbers, -np.array([[11, 22, 33, 12, 23, 13]] * 2))  # xx yy zz xy yz zx
    assert np.allclose(form.read(stress, numbers).full(), stresses(2))


def test_a_scalar_is_itself() -> None:
    form, scalar = LABEL_FORMS["scalar"], reduction("")
    assert form.shape(scalar) == ()
    assert form.columns(scalar) == ()
    assert form.read(scalar, np.array(2.5)).full() == form.write(scalar, np.array(2.5)) == 2.5


@pytest.mark.parametrize("name", ["full", "components", "voigt", "upper", "vasp"])
def test_letters_of_columns_name_the_components(name: LabelFormName) -> None:
    stress, form = reduction("ij=ji"), LABEL_FORMS[name]
    of_letters = {
        a + b: value for (a, row) in zip("xyz", stresses(), strict=True)
        for b, value in zip("xyz", row, strict=True)
    }  # fmt: skip
    numbers = form.write(stress, stresses()).ravel() * (-1 if name == "vasp" else 1)
    letters = [next(word for word in heads if word.isalpha()) for heads in form.columns(stress)]
    assert [of_letters[word] for word in letters] == pytest.approx(numbers)


def test_columns_of_matrices() -> None:
    elastic, piezo = reduction("elastic"), reduction("piezoelectric-stress")
    voigt = LABEL_FORMS["voigt"].columns(elastic)
    assert len(voigt) == 36
    assert voigt[1] == ("12", "xxyy", "21", "yyxx")
    assert LABEL_FORMS["upper"].columns(elastic)[6] == ("22", "yyyy", "22", "yyyy")
    assert LABEL_FORMS["voigt"].columns(piezo)[3] == ("14", "xyz")
    assert LABEL_FORMS["components"].columns(elastic)[20] == ("21", "xyxy")
    assert LABEL_FORMS["full"].columns(reduction("i")) == (("1", "x"), ("2", "y"), ("3", "z"))


def test_forms_that_a_class_has_not() -> None:
    with pytest.raises(ValueError, match="needs a square matrix, and that of piezo"):
        LABEL_FORMS["upper"].shape(reduction("piezoelectric-stress"))
    with pytest.raises(ValueError, match="form 'vasp' is one of a stress, ij=ji, not ij"):
        LABEL_FORMS["vasp"].shape(reduction("ij"))
    with pytest.raises(ValueError, match="joins symmetric index pairs"):
        LABEL_FORMS["voigt"].read(reduction("ij"), np.eye(3)).full()

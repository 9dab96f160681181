"""Formulas for people: what they say literally, and that what they say is what is computed."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from itertools import permutations
from math import sqrt
from typing import Any

import numpy as np
import pytest
import sympy
from numpy.typing import ArrayLike

from natural_tensors import (
    IndexSymmetry,
    coupling,
    harmonic,
    pack_natural,
    reduction,
    unpack_natural,
)
from natural_tensors.decomposition.copies import Basis
from natural_tensors.so3.harmonics import Normalization
from tests.helpers.oracles import (
    BASES,
    CLASSES,
    SMALL,
    Array,
    Case,
    at_all_indices,
    levi_civita,
    natural_projector,
    random_tensor,
)

EPS = np.finfo(float).eps
each_basis = pytest.mark.parametrize("basis", BASES)
SCALAR = IndexSymmetry.general(0)

ELASTIC_TEXT = {
    "dual": """\
T_ijkl = X(0,0) δ_ij δ_kl + X(0,1) (δ_ik δ_jl + δ_il δ_jk) + X(2,0)_ij δ_kl + X(2,0)_kl δ_ij \
+ X(2,1)_ik δ_jl + X(2,1)_il δ_jk + X(2,1)_jk δ_il + X(2,1)_jl δ_ik + X(4,0)_ijkl
X(0,0) = 2/15 T_aabb - 1/15 T_abab
X(0,1) = -1/30 T_aabb + 1/10 T_abab
X(2,0)_ab = ⟨5/7 T_ccab - 4/7 T_cacb⟩
X(2,1)_ab = ⟨-2/7 T_ccab + 3/7 T_cacb⟩
X(4,0)_abcd = ⟨T_abcd⟩""",
    "orthonormal": """\
T_ijkl = 1/3 X(0,0) δ_ij δ_kl + √5/10 X(0,1) (-2/3 δ_ij δ_kl + δ_ik δ_jl + δ_il δ_jk) \
+ √6/6 (X(2,0)_ij δ_kl + X(2,0)_kl δ_ij) + √21/14 (-4/3 (X(2,1)_ij δ_kl + X(2,1)_kl δ_ij) \
+ X(2,1)_ik δ_jl + X(2,1)_il δ_jk + X(2,1)_jk δ_il + X(2,1)_jl δ_ik) + X(4,0)_ijkl
X(0,0) = 1/3 T_aabb
X(0,1) = √5/10 (-2/3 T_aabb + 2 T_abab)
X(2,0)_ab = ⟨√6/3 T_ccab⟩
X(2,1)_ab = ⟨√21/14 (-8/3 T_ccab + 4 T_cacb)⟩
X(4,0)_abcd = ⟨T_abcd⟩""",
}

ELASTIC_LATEX = r"""\begin{aligned}
T_{ijkl} &= X^{(0,0)}\,\delta_{ij}\,\delta_{kl} """ + (
    r"+ X^{(0,1)}\,\left(\delta_{ik}\,\delta_{jl} + \delta_{il}\,\delta_{jk}\right) "
    r"+ X^{(2,0)}_{ij}\,\delta_{kl} + X^{(2,0)}_{kl}\,\delta_{ij} \\"
    "\n"
    r"&\quad + X^{(2,1)}_{ik}\,\delta_{jl} + X^{(2,1)}_{il}\,\delta_{jk} "
    r"+ X^{(2,1)}_{jk}\,\delta_{il} + X^{(2,1)}_{jl}\,\delta_{ik} + X^{(4,0)}_{ijkl} \\"
    r"""
X^{(0,0)} &= \tfrac{2}{15}\,T_{aabb} - \tfrac{1}{15}\,T_{abab} \\
X^{(0,1)} &= -\tfrac{1}{30}\,T_{aabb} + \tfrac{1}{10}\,T_{abab} \\
X^{(2,0)}_{ab} &= \left\langle \tfrac{5}{7}\,T_{ccab} - \tfrac{4}{7}\,T_{cacb} \right\rangle \\
X^{(2,1)}_{ab} &= \left\langle -\tfrac{2}{7}\,T_{ccab} + \tfrac{3}{7}\,T_{cacb} \right\rangle \\
X^{(4,0)}_{abcd} &= \left\langle T_{abcd} \right\rangle
\end{aligned}"""
)


# --- what they say ----------------------------------------------------------------------------


@each_basis
def test_elastic_formulas_verbatim(basis: Basis) -> None:
    assert reduction("elastic", basis=basis).formula() == ELASTIC_TEXT[basis]


def test_elastic_latex_verbatim() -> None:
    assert reduction("elastic").latex() == ELASTIC_LATEX


def test_elastic_orthonormal_latex_has_roots() -> None:
    text = reduction("elastic", basis="orthonormal").latex()
    assert r"X^{(0,1)} &= \tfrac{\sqrt{5}}{10}\,\left(-\tfrac{2}{3}\,T_{aabb} + 2\," in text


def test_scalar_and_vector() -> None:
    assert reduction(SCALAR).formula() == "T = X(0,0)\nX(0,0) = T"
    assert reduction("i").formula() == "T_i = X(1,0)_i\nX(1,0)_a = T_a"
    assert reduction(SCALAR).latex() == (
        "\\begin{aligned}\nT &= X^{(0,0)} \\\\\nX^{(0,0)} &= T\n\\end{aligned}"
    )
    assert str(reduction("i").embedding(1)) == "X(1,0)_i"
    assert str(reduction(SCALAR).extraction(0)) == "T"


def test_formulas_use_the_letters_of_the_symmetry_and_no_index_twice() -> None:
    text = reduction("abc=acb").formula()
    assert text.startswith("T_abc = ")
    assert "X(1,0)_d = " in text  # a, b, c are taken
    assert reduction("αβ=βα").formula() == (
        "T_αβ = X(0,0) δ_αβ + X(2,0)_αβ\nX(0,0) = 1/3 T_aa\nX(2,0)_ab = ⟨T_ab⟩"
    )


def test_operators_print_their_formula() -> None:
    result = reduction("elastic")
    embedding, extraction = result.embedding(0, 1), result.extraction(2, 1)
    assert str(embedding) == embedding.formula() == "X(0,1) (δ_ik δ_jl + δ_il δ_jk)"
    assert str(extraction) == "⟨-2/7 T_ccab + 3/7 T_cacb⟩"
    assert repr(extraction) == (
        "<Extraction of weight 2, copy 1, rank 4: ⟨-2/7 T_ccab + 3/7 T_cacb⟩>"
    )
    for operator in (embedding, extraction):
        assert operator._repr_latex_() == f"$\\displaystyle {operator.latex()}$"


def test_notebook_shows_the_latex() -> None:
    for symmetry in ("elastic", SCALAR, "i", "ij=-ji"):
        result = reduction(symmetry)
        assert result._repr_latex_() == f"$\\displaystyle {result.latex()}$"


def test_repr_explains_the_reduction() -> None:
    assert repr(reduction("elastic")) == (
        "elastic: ijkl=jikl=klij (polar, rank 4), dual basis\n"
        "  weight 0e: 2 copies of 1 component\n"
        "  weight 2e: 2 copies of 5 components\n"
        "  weight 4e: 1 copy of 9 components\n"
        "  1+1+5+5+9 = 21 independent components"
    )
    assert "(axial, rank 2), orthonormal basis\n  weight 1o: 1 copy of 3 components\n" in repr(
        reduction("ij=-ji", axial=True, basis="orthonormal")
    )
    assert repr(reduction(SCALAR)).splitlines() == [
        "scalar (polar, rank 0), dual basis",
        "  weight 0e: 1 copy of 1 component",
        "  1 = 1 independent component",
    ]


@pytest.mark.parametrize("case", CLASSES, ids=repr)
def test_repr_adds_up(case: Case) -> None:
    last = repr(reduction(case.symmetry)).splitlines()[-1]
    left, right = last.split(" = ")
    total = 0
    for entry in left.split("+"):
        count, _, dimension = entry.strip().rpartition("x")
        total += int(count or 1) * int(dimension)
    assert total == int(right.split()[0]) == case.components


# --- the Lame terms and the moduli -----------------------------------------------------------


def test_weight_zero_embeddings_of_elasticity_are_the_lame_terms() -> None:
    delta = np.eye(3, dtype=int)
    lame = np.einsum("ij,kl->ijkl", delta, delta)
    shear = np.einsum("ik,jl->ijkl", delta, delta) + np.einsum("il,jk->ijkl", delta, delta)
    result = reduction("elastic")
    for copy, expected in enumerate((lame, shear)):
        numbers, denominator, radicand = result.embedding(0, copy).exact_array()
        assert radicand == 1
        assert np.array_equal(numbers, denominator * expected)


def test_bulk_and_shear_modulus_from_the_lame_terms_are_the_voigt_averages() -> None:
    rng = np.random.default_rng(1)
    root = rng.standard_normal((6, 6))
    c = root @ root.T + np.eye(6)
    parts = reduction("elastic").decompose(c, form="voigt")
    lame, shear = parts[0, 0], parts[0, 1]
    normal, mixed = c[0, 0] + c[1, 1] + c[2, 2], c[0, 1] + c[0, 2] + c[1, 2]
    bulk_voigt = (normal + 2 * mixed) / 9
    shear_voigt = (normal - mixed + 3 * (c[3, 3] + c[4, 4] + c[5, 5])) / 15
    # some twenty additions of numbers no larger than max |c|
    tolerance = 50 * EPS * np.abs(c).max()
    assert abs(lame + 2 * shear / 3 - bulk_voigt) <= tolerance
    assert abs(shear - shear_voigt) <= tolerance


def test_isotropic_stiffness_gives_its_lame_constants_and_nothing_else() -> None:
    lame, shear = 5.0, 3.0
    delta = np.eye(3)
    c = lame * np.einsum("ij,kl->ijkl", delta, delta) + shear * (
        np.einsum("ik,jl->ijkl", delta, delta) + np.einsum("il,jk->ijkl", delta, delta)
    )
    parts = reduction("elastic").decompose(c)
    assert parts[0, 0] == pytest.approx(lame, rel=20 * EPS)
    assert parts[0, 1] == pytest.approx(shear, rel=20 * EPS)
    assert all(np.abs(parts[key]).max() < 50 * EPS for key in [(2, 0), (2, 1), (4, 0)])


# --- an independent reader of the formulas --------------------------------------------------------

TOKEN = re.compile(
    r"(?P<symbol>[δε])_(?P<legs>\w+)"
    r"|X\((?P<weight>\d+),(?P<copy>\d+)\)(_(?P<carried>\w+))?"
    r"|(?P<name>[TXYZn])(_(?P<indices>\w+))?"
    r"|(?P<number>(?P<top>\d*)(√(?P<root>\d+))?(/(?P<bottom>\d+))?)"
)
DELTA = np.eye(3)
EPSILON = np.array(
    [[[levi_civita(i, j, k) for k in range(3)] for j in range(3)] for i in range(3)], dtype=float
)


class Reader:
    """Recursive descent: a sum of terms, each a product of factors separated by spaces.

    A value is an array and the letters of its axes. Letters that occur twice in a term are summed.
    """

    def __init__(self, text: str, tensors: Mapping[Any, ArrayLike]) -> None:
        self.text = text
        self.at = 0
        self.tensors = tensors

    def value(self, letters: str) -> Array:
        array, found = self.sum()
        assert self.at == len(self.text), self.text[self.at :]
        return ordered(array, found, letters)

    def accept(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def sum(self) -> tuple[Array, str]:
        sign = -1 if self.accept("-") else 1
        array, letters = self.term()
        total = sign * array
        while True:
            if self.accept(" + "):
                sign = 1
            elif self.accept(" - "):
                sign = -1
            else:
                return total, letters
            array, found = self.term()
            total = total + sign * ordered(array, found, letters)

    def term(self) -> tuple[Array, str]:
        factors = [self.factor()]
        while self.text.startswith(" ", self.at) and self.text[self.at + 1] not in "+-":
            self.at += 1
            factors.append(self.factor())
        every = [letter for _, letters in factors for letter in letters]
        assert all(every.count(letter) <= 2 for letter in every), self.text
        free = "".join(letter for letter in every if every.count(letter) == 1)
        short = dict(zip(dict.fromkeys(every), string.ascii_letters, strict=False))
        inputs = ",".join("".join(short[letter] for letter in letters) for _, letters in factors)
        result = np.einsum(
            f"{inputs}->{''.join(short[letter] for letter in free)}", *(a for a, _ in factors)
        )
        return result, free

    def factor(self) -> tuple[Array, str]:
        for left, right in ("()", "⟨⟩"):
            if self.accept(left):
                array, letters = self.sum()
                assert self.accept(right), self.text[self.at :]
                if left == "⟨":
                    array = natural_part(array)
                return array, letters
        match = TOKEN.match(self.text, self.at)
        assert match, self.text[self.at :]
        assert match.end() > self.at, self.text[self.at :]
        self.at = match.end()
        if match["symbol"]:
            table = {"δ": DELTA, "ε": EPSILON}[match["symbol"]]
            assert len(match["legs"]) == table.ndim
            return table, match["legs"]
        if match["weight"]:
            array = np.asarray(self.tensors[int(match["weight"]), int(match["copy"])])
            letters = match["carried"] or ""
            assert len(letters) == array.ndim == int(match["weight"])
            return array, letters
        if match["name"]:
            array = np.asarray(self.tensors[match["name"]])
            letters = match["indices"] or ""
            assert len(letters) == array.ndim
            return array, letters
        root = sqrt(int(match["root"] or 1))
        return np.array(int(match["top"] or 1) * root / int(match["bottom"] or 1)), ""


def ordered(array: Array, found: str, letters: str) -> Array:
    assert sorted(found) == sorted(letters), (found, letters)
    return array.transpose([found.index(letter) for letter in letters])


def natural_part(array: Array) -> Array:
    numbers, denominator = natural_projector(array.ndim)
    return (numbers @ array.reshape(-1) / denominator).reshape(array.shape)


@each_basis
@pytest.mark.parametrize("case", [c for c in CLASSES if c.rank <= 5], ids=repr)
def test_formulas_read_back_are_the_decomposition_and_the_reconstruction(
    case: Case, basis: Basis
) -> None:
    result = reduction(case.symmetry, basis=basis)
    tensor = random_tensor(case.symmetry, np.random.default_rng(3))
    parts = result.decompose(tensor)
    first, *others = result.formula().split("\n")
    left, right = first.split(" = ")
    assert left == f"T_{result.symmetry.letters}"
    # a few hundred products and additions of numbers no larger than the norm, on both sides
    tolerance = 300 * EPS * np.linalg.norm(tensor)
    read = Reader(right, parts).value(result.symmetry.letters)
    assert np.abs(read - tensor).max() <= tolerance
    assert np.abs(read - result.reconstruct(parts)).max() <= tolerance
    assert len(others) == len(parts)
    for line, ((weight, copy), part) in zip(others, parts.items(), strict=True):
        left, right = line.split(" = ")
        name, _, letters = left.partition("_")
        assert name == f"X({weight},{copy})"
        assert len(letters) == weight
        read = Reader(right, {"T": tensor}).value(letters)
        assert np.abs(read - part).max() <= tolerance


def test_reader_of_formulas_notices_a_wrong_coefficient() -> None:
    tensor = random_tensor("ijkl=jikl=klij", np.random.default_rng(3))
    right = Reader("2/15 T_aabb - 1/15 T_abab", {"T": tensor}).value("")
    wrong = Reader("2/15 T_aabb - 1/15 T_abba + 1/30 T_aabb", {"T": tensor}).value("")
    assert abs(right - reduction("elastic").decompose(tensor)[0, 0]) < 20 * EPS
    assert abs(right - wrong) > 1e-3


def from_latex(text: str) -> str:
    """Translate LaTeX to the Unicode text it should correspond to."""
    text = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    text = (
        text.replace(" \\\\\n&\\quad ", " ")
        .replace("\\bigl", "\\left")
        .replace("\\bigr", "\\right")
    )
    text = text.replace(" \\\\\n", "\n").replace("&= ", "= ")
    for latex, plain in [
        (r"\left\langle ", "⟨"),
        (r" \right\rangle", "⟩"),
        (r"\left(", "("),
        (r"\right)", ")"),
        (r"\,", " "),
        (r"\delta", "δ"),
        (r"\varepsilon", "ε"),
    ]:
        text = text.replace(latex, plain)
    text = re.sub(r"\\sqrt\{(\d+)\}", r"√\1", text)
    text = re.sub(r"\\tfrac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", text)
    text = re.sub(r"X\^\{(\(\d+,\d+\))\}", r"X\1", text)
    return re.sub(r"_\{(\w+)\}", r"_\1", text)


@each_basis
@pytest.mark.parametrize("case", CLASSES, ids=repr)
def test_latex_says_the_same_as_the_text(case: Case, basis: Basis) -> None:
    result = reduction(case.symmetry, basis=basis)
    assert from_latex(result.latex()) == result.formula()


# --- SymPy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [c for c in SMALL if c.rank <= 3 or c.name == "elastic"], ids=repr)
def test_sympy_formulas_of_a_reduction_are_its_decomposition(case: Case) -> None:
    result = reduction(case.symmetry)
    letters = result.symmetry.letters
    formulas = result.to_sympy()
    whole, *parts = formulas
    assert str(whole) == f"T[{', '.join(letters)}]"
    assert len(parts) == len(result.copies)
    rng = np.random.default_rng(2)
    tensor = rng.integers(-9, 10, (3,) * case.rank).astype(object)
    images = [e.sign * tensor.transpose(np.argsort(e.slots)) for e in result.symmetry.elements]
    tensor = np.sum(images, axis=0)
    tables = {"T": (tensor, 1)}
    for weight in result.multiplicities:
        numbers, denominator = natural_projector(weight)
        tables[f"P_{weight}"] = numbers.reshape((3,) * (2 * weight)), denominator
    expected = result.decompose(tensor.astype(float))
    for key, left in zip(result.copies, parts, strict=True):
        assert str(left).partition("[")[0] == f"X_{key[0]}_{key[1]}"
        free = "".join(map(str, getattr(left, "indices", ())))
        assert len(free) == key[0]
        numbers, denominator = at_all_indices(formulas[left], free, tables)
        tables[f"X_{key[0]}_{key[1]}"] = numbers, denominator
        gap = np.abs(numbers.astype(float) / denominator - expected[key]).max()
        assert gap <= 300 * EPS * np.linalg.norm(tensor.astype(float))
    numbers, denominator = at_all_indices(formulas[whole], letters, tables)
    assert np.array_equal(numbers, denominator * tensor)  # exactly


def test_sympy_formulas_of_scalar_and_vector() -> None:
    T, X = sympy.symbols("T X_0_0")  # noqa: N806 (the field's symbols)
    assert reduction(SCALAR).to_sympy() == {T: X, X: T}
    formulas = reduction("i").to_sympy()
    assert [str(key) for key in formulas] == ["T[i]", "X_1_0[a]"]
    tensor = np.array([3, -1, 7], dtype=object)
    numbers, denominator = at_all_indices(formulas[list(formulas)[1]], "a", {"T": (tensor, 1)})
    assert np.array_equal(numbers, denominator * tensor)


def test_orthonormal_sympy_formulas_carry_exact_roots() -> None:
    formulas = reduction("ij=ji", basis="orthonormal").to_sympy()
    [scalar] = [right for left, right in formulas.items() if str(left) == "X_0_0"]
    assert scalar.has(sympy.sqrt(3))
    assert not scalar.has(sympy.Float)


# --- formulas of the pieces ----------------------------------------------------------------------


@pytest.mark.parametrize("normalization", ["legendre", "orthonormal", "component"])
@pytest.mark.parametrize("weight", range(6))
def test_harmonic_formula_read_back_is_the_harmonic(
    weight: int, normalization: Normalization
) -> None:
    rng = np.random.default_rng(weight)
    n = rng.standard_normal(3)
    n /= np.linalg.norm(n)
    piece = harmonic(weight, normalization)
    read = Reader(piece.formula(), {"n": n}).value(string.ascii_letters[:weight])
    found = piece(n, packed=False)
    # the scale (2l-1)!!/l! is below 8 here, and some hundred terms of size 1 are added
    assert np.abs(read - found).max() <= 500 * EPS * max(1, float(piece.squared_scale) ** 0.5)
    assert from_latex(piece.latex()) == piece.formula() == str(piece)


@pytest.mark.parametrize("normalization", ["legendre", "orthonormal", "component"])
@pytest.mark.parametrize(
    "weights",
    [(0, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 1), (2, 2, 2), (2, 2, 3), (3, 2, 4), (1, 3, 3)],
)
def test_coupling_formula_read_back_is_the_coupling(
    weights: tuple[int, int, int], normalization: Normalization
) -> None:
    rng = np.random.default_rng(11)
    x, y = (rng.standard_normal(2 * weight + 1) for weight in weights[:2])
    piece = coupling(*weights, normalization)
    left, right = piece.formula().split(" = ")
    tensors = {"X": unpack_natural(x, weights[0]), "Y": unpack_natural(y, weights[1])}
    read = Reader(right, tensors).value(left.partition("_")[2])
    found = unpack_natural(piece(x, y), weights[2])
    size = np.linalg.norm(x) * np.linalg.norm(y) * float(piece.squared_scale) ** 0.5
    assert np.abs(read - found).max() <= 300 * EPS * size
    assert np.abs(pack_natural(read, weights[2]) - piece(x, y)).max() <= 300 * EPS * size
    assert from_latex(piece.latex()) == piece.formula() == str(piece)


def test_cross_product_and_scalar_product_read_as_such() -> None:
    assert str(coupling(1, 1, 1)) == "Z_a = ε_abc X_b Y_c"
    assert str(coupling(1, 1, 0)) == "Z = X_a Y_a"
    assert str(harmonic(2)) == "3/2 (n_a n_b - 1/3 δ_ab)"


def test_bracket_is_only_written_where_it_does_something() -> None:
    for case in CLASSES:
        result = reduction(case.symmetry)
        for weight, copy in result.copies:
            text = str(result.extraction(weight, copy))
            assert ("⟨" in text) == (weight >= 2)


def test_extraction_formula_holds_for_any_order_of_symmetric_indices() -> None:
    # the formula names one pattern of each orbit; the others contract the tensor to the same thing
    tensor = random_tensor("ijk=jik=ikj", np.random.default_rng(4))
    text = str(reduction("ijk=jik=ikj").extraction(1))
    assert text.endswith("T_bba")
    values = {
        names: Reader(text.replace("bba", "".join(names)), {"T": tensor}).value("a")
        for names in permutations("bba")
    }
    first = values["b", "b", "a"]
    assert all(np.abs(value - first).max() <= 20 * EPS for value in values.values())

"""Programs proved: run on exact numbers they equal the exact operators, identically.

Most runs are on indeterminates: `Formal` is a polynomial with rational coefficients times square
roots, so that one run of a linear program is a run on a whole basis, one run of a bilinear one a
run on all pairs, and two polynomials that are equal are equal at every point. The references come
from natural_tensors and from tests.helpers.oracles, never from codegen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from math import factorial
from typing import Any

import flint
import numpy as np
import pytest
import sympy

from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    Program,
    RotationRecipe,
    TensorRecipe,
)
from codegen.programs.lowering import Builder
from codegen.programs.program import Argument, Linear, Output, Product, Reciprocal, Sign
from natural_tensors import Surd, coupling, harmonic, reduction, rotation
from natural_tensors.exact.surds import square_part
from natural_tensors.so3.bases import multinomials, natural_basis
from tests.helpers.oracles import BASES, CLASSES, SMALL, harmonic_basis, natural_projector

NORMALIZATIONS = ("legendre", "orthonormal", "component")
PARITIES = ("natural", "both", "ignored")
WEIGHT = 6
ROOT_2 = Surd.root(2)


# --- indeterminates -------------------------------------------------------------------------------


class Formal(Surd):
    """A polynomial: for each root ``sqrt(n)`` a polynomial with rational coefficients.

    A subclass of Surd only so that the coefficients of a program, which stand on the left, leave
    the arithmetic to it.
    """

    __slots__ = ("parts", "ring")
    __hash__ = None

    def __init__(self, ring: Ring, parts: dict[int, Any]) -> None:
        self.ring = ring
        self.parts = {n: part for n, part in parts.items() if part != 0}

    def __add__(self, other: Any) -> Formal:
        total = dict(self.parts)
        for n, part in self.ring.formal(other).parts.items():
            total[n] = total[n] + part if n in total else part
        return Formal(self.ring, total)

    __radd__ = __add__

    def __neg__(self) -> Formal:
        return Formal(self.ring, {n: -part for n, part in self.parts.items()})

    def __sub__(self, other: Any) -> Formal:
        return self + -self.ring.formal(other)

    def __mul__(self, other: Any) -> Formal:
        if isinstance(other, Formal):
            factors = other.parts
        else:
            terms = other.terms if isinstance(other, Surd) else {1: Fraction(other)}
            factors = {n: flint.fmpq(q.numerator, q.denominator) for n, q in terms.items()}
        total: dict[int, Any] = {}
        for n, left in self.parts.items():
            for m, right in factors.items():
                outside, inside = square_part(n * m)
                part = left * right * outside
                total[inside] = total[inside] + part if inside in total else part
        return self.ring.reduced(Formal(self.ring, total))

    __rmul__ = __mul__

    def __rtruediv__(self, other: Any) -> Formal:
        for value, inverse in self.ring.inverses:
            if self == value:
                return inverse * other
        raise ZeroDivisionError("only what the ring can invert")

    def __ge__(self, other: int) -> bool:
        assert self.ring.positive is not None, "no chart was chosen"
        return self.ring.positive

    def __eq__(self, other: object) -> bool:
        difference = self.ring.reduced(self - self.ring.formal(other))
        return not difference.parts

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __repr__(self) -> str:
        return " + ".join(f"sqrt({n}) ({part})" for n, part in self.parts.items()) or "0"


class Ring:
    """Polynomials in named indeterminates, where wanted modulo one relation.

    Attributes:
        relation: a polynomial that is zero.
        inverses: elements and one over them.
        positive: whether a value whose sign is asked for is positive.
    """

    def __init__(self, *names: str) -> None:
        self.context = flint.fmpq_mpoly_ctx.get(names, flint.Ordering.lex)
        self.zero = self.context.from_dict({})
        self.gens = [Formal(self, {1: gen}) for gen in self.context.gens()]
        self.relation: Any = None
        self.inverses: list[tuple[Formal, Formal]] = []
        self.positive: bool | None = None

    def formal(self, value: Any) -> Formal:
        if isinstance(value, Formal):
            return value
        terms = value.terms if isinstance(value, Surd) else {1: Fraction(value)}
        parts = {n: self.zero + flint.fmpq(q.numerator, q.denominator) for n, q in terms.items()}
        return Formal(self, parts)

    def reduced(self, value: Formal) -> Formal:
        """Return the remainder by the relation: one polynomial is a Groebner basis by itself."""
        if self.relation is None:
            return value
        return Formal(self, {n: divmod(p, self.relation)[1] for n, p in value.parts.items()})

    def linear(self, row: Iterable[int], gens: Sequence[Formal] = ()) -> Formal:
        gens = gens or self.gens
        pairs = [(int(number), gen) for number, gen in zip(row, gens, strict=True) if number]
        return Formal(self, {1: sum((gen.parts[1] * k for k, gen in pairs), self.zero)})


def ring_of(prefix: str, size: int) -> Ring:
    return Ring(*(f"{prefix}{number}" for number in range(size)))


def total(values: Iterable[Any]) -> Any:
    return reduce(lambda a, b: a + b, values, Surd(0))


def function(recipe: Any, name: str) -> Program:
    (found,) = (f for f in recipe.functions() if f.name == name)
    assert isinstance(found, Program)
    return found


def test_runs_on_indeterminates_are_runs_on_numbers() -> None:
    program = function(CouplingRecipe(2, 2, 3), "couple")
    ring = ring_of("v", 10)
    formal = program.run(ring.gens[:5], ring.gens[5:])["coupled"]
    rng = np.random.default_rng(1)
    for _ in range(3):
        numbers = rng.integers(-9, 10, 10).tolist()
        found = program.run(numbers[:5], numbers[5:])["coupled"]
        for value, polynomial in zip(found, formal, strict=True):
            expected = {n: part(*numbers) for n, part in polynomial.parts.items()}
            assert value == Surd({n: Fraction(int(q.p), int(q.q)) for n, q in expected.items()})


def test_a_wrong_coefficient_is_seen() -> None:
    program = function(CouplingRecipe(2, 2, 2), "couple")
    ring = ring_of("v", 10)
    expected = program.run(ring.gens[:5], ring.gens[5:])["coupled"]
    changed = 0
    for number, step in enumerate(program.steps):
        if isinstance(step.operation, Linear):
            (coefficient, ref), *others = step.operation.terms
            wrong = replace(step.operation, terms=((coefficient * 2, ref), *others))
            steps = list(program.steps)
            steps[number] = replace(step, operation=wrong)
            other = replace(program, steps=tuple(steps))
            assert other.run(ring.gens[:5], ring.gens[5:])["coupled"] != expected
            changed += 1
    assert changed > 4


# --- a symmetry class -----------------------------------------------------------------------------


def integers(*arrays: Any) -> Any:
    """Return a matrix product of integers, in int64 only where that cannot overflow."""
    bound = 1
    for array in arrays:
        bound *= max(int(np.abs(array).max(initial=0)), 1) * max(array.shape)
    kind = np.int64 if bound < 2**62 else object
    return reduce(np.matmul, [array.astype(kind) for array in arrays])


@cache
def tensors_of(symmetry: str) -> Any:
    """Return one tensor for each independent component, as columns, shape (3**rank, dimension)."""
    orbits = reduction(symmetry).components.orbits
    basis = np.zeros((len(orbits.signs), len(orbits.representatives)), dtype=np.int64)
    basis[np.arange(len(basis)), orbits.position] = orbits.signs
    return basis


@cache
def operator(symmetry: str, basis: str, kind: str, key: tuple[int, int]) -> tuple[Any, Surd]:
    """Return an exact operator as integers, natural index first, and the factor outside."""
    found = getattr(reduction(symmetry, basis=basis), kind)(*key)
    array, denominator, radicand = found.exact_array()
    rows, columns = 3**found.weight, 3**found.rank
    if kind == "embedding":
        array = array.reshape(columns, rows).T
    return array.reshape(rows, columns), Surd.root(radicand, Fraction(1, denominator))


@cache
def entries_of(symmetry: str, form: str) -> list[tuple[int, Surd]]:
    """Return which full component each entry of a form shows, and with which factor."""
    components = reduction(symmetry).components
    rank = components.rank
    if form == "components":
        return [(int(flat), Surd(1)) for flat in components.orbits.representatives]
    if form == "full":
        return [(flat, Surd(1)) for flat in range(3**rank)]
    voigt = {(0, 0): 0, (1, 1): 1, (2, 2): 2, (1, 2): 3, (0, 2): 4, (0, 1): 5}
    off = {"voigt": Surd(1), "mandel": ROOT_2, "voigt-compliance": Surd(2)}[form]
    pairs = dict(components.pairs)
    found: dict[tuple[int, ...], tuple[int, Surd]] = {}
    for flat, index in enumerate(product(range(3), repeat=rank)):
        key: list[int] = []
        factor = Surd(1)
        for slot, value in enumerate(index):
            if slot in pairs:
                other = index[pairs[slot]]
                key.append(voigt[min(value, other), max(value, other)])
                factor = factor * (off if value != other else 1)
            elif slot not in pairs.values():
                key.append(value)
        found.setdefault(tuple(key), (flat, factor))
    return [found[key] for key in sorted(found)]


class Rows:
    """The linear forms of the rows of integer matrices, each made once."""

    def __init__(self, ring: Ring, gens: Sequence[Formal] = ()) -> None:
        self.ring, self.gens = ring, gens or ring.gens
        self.known: dict[tuple[int, ...], Formal] = {}

    def __call__(self, matrix: Any) -> list[Formal]:
        result = []
        for row in matrix.tolist():
            key = tuple(row)
            if key not in self.known:
                self.known[key] = self.ring.linear(row, self.gens)
            result.append(self.known[key])
        return result


def general_tensor(recipe: TensorRecipe) -> tuple[Ring, list[Formal]]:
    """Return a tensor of the class with indeterminate components, in the form of the recipe."""
    basis = tensors_of(recipe.symmetry)
    ring = ring_of("t", basis.shape[1])
    full = Rows(ring)(basis)
    return ring, [full[flat] * factor for flat, factor in entries_of(recipe.symmetry, recipe.form)]


def prove_decompose(recipe: TensorRecipe) -> None:
    ring, tensor = general_tensor(recipe)
    rows = Rows(ring)
    found = function_of(recipe, "decompose").run(tensor)
    assert tuple(found) == recipe.reduction.copies
    for key, values in found.items():
        array, scale = operator(recipe.symmetry, recipe.basis, "extraction", key)
        expected = rows(integers(array, tensors_of(recipe.symmetry)))
        scaled = {id(form): form * scale for form in expected}
        assert all(a == scaled[id(b)] for a, b in zip(values, expected, strict=True)), key


def prove_reconstruct(recipe: TensorRecipe) -> None:
    copies = recipe.reduction.copies
    ring = ring_of("x", sum(2 * weight + 1 for weight, _ in copies))
    parts, start = [], 0
    full: list[Any] = [Surd(0)] * 3**recipe.reduction.rank
    for weight, copy in copies:
        gens = ring.gens[start : start + 2 * weight + 1]
        start += 2 * weight + 1
        basis = harmonic_basis(weight)  # of the traceless symmetric tensors, by elimination
        parts.append(Rows(ring, gens)(basis.T))
        array, scale = operator(recipe.symmetry, recipe.basis, "embedding", (weight, copy))
        forms = Rows(ring, gens)(integers(array.T, basis.T))
        full = [value + form * scale for value, form in zip(full, forms, strict=True)]
    found = function_of(recipe, "reconstruct").run(*parts)["tensor"]
    entries = entries_of(recipe.symmetry, recipe.form)
    assert all(a == full[flat] * f for a, (flat, f) in zip(found, entries, strict=True))


def prove_pack(recipe: TensorRecipe) -> None:
    ring, tensor = general_tensor(recipe)
    rows = Rows(ring)
    found = iter(function_of(recipe, "pack").run(tensor)["packed"])
    for weight, copy in recipe.reduction.copies:
        array, scale = operator(recipe.symmetry, "orthonormal", "extraction", (weight, copy))
        basis = natural_basis(weight)
        forms = rows(integers(basis.tensors(), array, tensors_of(recipe.symmetry)))
        for form, norm in zip(forms, basis.norms, strict=True):
            assert next(found) == form * (scale * Surd.root(Fraction(1, norm)))
    assert next(found, None) is None


def prove_unpack(recipe: TensorRecipe) -> None:
    ring = ring_of("p", recipe.reduction.dimension)
    full: list[Any] = [Surd(0)] * 3**recipe.reduction.rank
    start = 0
    for weight, copy in recipe.reduction.copies:
        array, scale = operator(recipe.symmetry, "orthonormal", "embedding", (weight, copy))
        basis = natural_basis(weight)
        matrix = integers(array.T, basis.tensors().T)
        for m, norm in enumerate(basis.norms):
            column = ring.gens[start] * (scale * Surd.root(Fraction(1, norm)))
            start += 1
            for place in np.flatnonzero(matrix[:, m]):
                full[place] = full[place] + column * int(matrix[place, m])
    found = function_of(recipe, "unpack").run(ring.gens)["tensor"]
    entries = entries_of(recipe.symmetry, recipe.form)
    assert all(a == full[flat] * f for a, (flat, f) in zip(found, entries, strict=True))


@cache
def functions_of(recipe: TensorRecipe) -> dict[str, Program]:
    return {program.name: program for program in recipe.functions()}


def function_of(recipe: TensorRecipe, name: str) -> Program:
    return functions_of(recipe)[name]


PROOFS = {
    "decompose": prove_decompose,
    "reconstruct": prove_reconstruct,
    "pack": prove_pack,
    "unpack": prove_unpack,
}


@pytest.mark.parametrize("name", PROOFS)
@pytest.mark.parametrize("case", CLASSES, ids=repr)
def test_every_class_equals_its_exact_operators(case: Any, name: str) -> None:
    PROOFS[name](TensorRecipe(case.symmetry))


@pytest.mark.parametrize("name", ["decompose", "reconstruct"])
@pytest.mark.parametrize("case", SMALL, ids=repr)
def test_every_class_in_the_orthonormal_basis(case: Any, name: str) -> None:
    PROOFS[name](TensorRecipe(case.symmetry, basis="orthonormal"))


@pytest.mark.parametrize("case", SMALL, ids=repr)
def test_pack_and_unpack_know_no_basis(case: Any) -> None:
    first, second = (functions_of(TensorRecipe(case.symmetry, basis=b)) for b in BASES)
    assert first["pack"] == second["pack"]
    assert first["unpack"] == second["unpack"]
    assert first["pack"].outputs[0].shape == (case.components,)


PAIRED = ("symmetric", "piezoelectric", "elastic", "photoelastic", "one-pair", "elastic-3")
FORMED = [
    (case.symmetry, form)
    for case in CLASSES
    if case.name in PAIRED
    for form in ("components", "voigt", "voigt-compliance", "mandel")
]
FORMED += [("ijk", "components"), ("ij=-ji", "components"), ("ijkl=-jikl=klij", "components")]


@pytest.mark.parametrize(("symmetry", "form"), FORMED)
def test_every_form_equals_the_exact_operators(symmetry: str, form: str) -> None:
    for prove in PROOFS.values():
        prove(TensorRecipe(symmetry, form=form))


@pytest.mark.parametrize("symmetry", ["ijkl=-jikl=klij", "i", "ijk=-jik=-ikj", "ijkl=ilkj=kjil"])
@pytest.mark.parametrize("basis", BASES)
def test_classes_nobody_prepared(symmetry: str, basis: Any) -> None:
    for axial in (False, True):
        for prove in PROOFS.values():
            prove(TensorRecipe(symmetry, basis=basis, axial=axial))


@pytest.mark.parametrize("case", SMALL, ids=repr)
def test_unpack_undoes_pack_and_reconstruct_decompose(case: Any) -> None:
    recipe = TensorRecipe(case.symmetry)
    _, tensor = general_tensor(recipe)
    packed = function_of(recipe, "pack").run(tensor)["packed"]
    assert function_of(recipe, "unpack").run(packed)["tensor"] == tensor
    parts = function_of(recipe, "decompose").run(tensor)
    assert function_of(recipe, "reconstruct").run(*parts.values())["tensor"] == tensor


@pytest.mark.parametrize("symmetry", ["elastic", "piezoelectric", "ij=-ji", "ijk", "dielectric"])
@pytest.mark.parametrize("basis", BASES)
def test_runs_on_a_basis_of_plain_numbers(symmetry: str, basis: Any) -> None:
    recipe = TensorRecipe(symmetry, basis=basis)
    decompose, pack = function_of(recipe, "decompose"), function_of(recipe, "pack")
    tensors = tensors_of(symmetry)
    for tensor in tensors.T:
        for key, values in decompose.run(tensor.tolist()).items():
            array, scale = operator(symmetry, basis, "extraction", key)
            assert values == [scale * int(entry) for entry in array @ tensor]
        packed = pack.run(tensor.tolist())["packed"]
        assert total(value * value for value in packed) == int(tensor @ tensor)
    for weight, copy in recipe.reduction.copies:
        array, scale = operator(symmetry, basis, "embedding", (weight, copy))
        for natural in harmonic_basis(weight):
            parts = [[0] * 3**w for w, _ in recipe.reduction.copies]
            parts[recipe.reduction.copies.index((weight, copy))] = natural.tolist()
            found = function_of(recipe, "reconstruct").run(*parts)["tensor"]
            assert found == [scale * int(entry) for entry in natural @ array]


def test_a_scalar() -> None:
    recipe = TensorRecipe("energy")
    assert function_of(recipe, "decompose").run([7]) == {(0, 0): [7]}
    assert function_of(recipe, "unpack").run([7])["tensor"] == [7]


# --- harmonics ------------------------------------------------------------------------------------


def degrees(program: Program) -> dict[Any, list[tuple[int, int]]]:
    """Return the lowest and highest degree of each output, read off the steps."""
    known = [(1, 1)] * program.inputs
    for step in program.steps:
        match step.operation:
            case Linear(terms, offset):
                found = [known[ref] for _, ref in terms] + ([(0, 0)] if offset else [])
                known.append((min(low for low, _ in found), max(high for _, high in found)))
            case Product(left, right):
                (a, b), (c, d) = known[left], known[right]
                known.append((a + c, b + d))
            case Reciprocal() | Sign():
                raise AssertionError("not a polynomial")
    return {output.key: [known[ref] for ref in output.entries] for output in program.outputs}


def packed_harmonics(ring: Ring, vector: Sequence[Formal], normalization: str) -> list[Formal]:
    """Return the solid harmonics of indeterminates that are the first three of a ring."""
    result = []
    size = len(ring.gens)
    for weight in range(WEIGHT + 1):
        for polynomial, radicand in harmonic(weight, normalization).exact():
            terms = {(*powers, *[0] * (size - 3)): k for powers, k in polynomial.items()}
            found = Formal(ring, {1: ring.context.from_dict(terms)})
            result.append(found * Surd.root(radicand))
    return result


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_harmonics_are_the_exact_polynomials(normalization: Any) -> None:
    solid = function(HarmonicsRecipe(WEIGHT, normalization, solid=True), "solid_harmonics")
    ring = Ring("x", "y", "z")
    expected = packed_harmonics(ring, ring.gens, normalization)
    assert solid.run(ring.gens)["harmonics"] == expected
    x, y, z = (gen.parts[1] for gen in ring.gens)
    ring.relation = x**2 + y**2 + z**2 - 1
    program = function(HarmonicsRecipe(WEIGHT, normalization), "harmonics")
    assert program.run(ring.gens)["harmonics"] == expected


@pytest.mark.parametrize("solid", [True, False])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_cartesian_harmonics_are_the_traceless_parts(normalization: Any, solid: bool) -> None:
    recipe = HarmonicsRecipe(WEIGHT, normalization, solid=solid, cartesian=True)
    (program,) = recipe.functions()
    ring = Ring("x", "y", "z")
    powers: dict[int, list[Formal]] = {0: [ring.formal(1)]}
    for weight in range(1, WEIGHT + 1):
        powers[weight] = [value * gen for value in powers[weight - 1] for gen in ring.gens]
    if not solid:
        x, y, z = (gen.parts[1] for gen in ring.gens)
        ring.relation = x**2 + y**2 + z**2 - 1
    found = program.run(ring.gens)
    for weight in range(WEIGHT + 1):
        projector, denominator = natural_projector(weight)
        rows, inverse = np.unique(projector, axis=0, return_inverse=True)
        scale = Surd.root(harmonic(weight, normalization).squared_scale, Fraction(1, denominator))
        monomials: list[Formal] = powers[weight]
        expected = []
        for row in rows.tolist():
            sums: dict[Any, int] = {}
            for number, value in zip(row, monomials, strict=True):
                if number:
                    (exponents,) = value.parts[1].to_dict()
                    sums[exponents] = sums.get(exponents, 0) + number
            expected.append(Formal(ring, {1: ring.context.from_dict(sums)}) * scale)
        values = found[weight, 0]
        assert len(values) == 3**weight
        assert all(a == expected[i] for a, i in zip(values, inverse.reshape(-1), strict=True))


def on_the_sphere(s: Any, t: Any, side: int = 1) -> tuple[Fraction, Fraction, Fraction]:
    """Return the rational point whose stereographic image is (s, t)."""
    s, t = Fraction(s), Fraction(t)
    w = 1 / (1 + s * s + t * t)
    return 2 * s * w, side * (2 * w - 1), 2 * t * w


def values_at(weight: int, point: Sequence[Any], normalization: Any) -> list[Surd]:
    result = []
    for ell in range(weight + 1):
        for polynomial, radicand in harmonic(ell, normalization).exact():
            x, y, z = point
            value = sum(k * x**a * y**b * z**c for (a, b, c), k in polynomial.items())
            result.append(Surd.root(radicand, Fraction(value)))
    return result


def rank_of(points: Sequence[Sequence[Any]], monomials: Sequence[tuple[int, int, int]]) -> int:
    rows = [[x**a * y**b * z**c for a, b, c in monomials] for x, y, z in points]
    return int(
        flint.fmpq_mat(
            [[flint.fmpq(Fraction(v).numerator, Fraction(v).denominator) for v in r] for r in rows]
        ).rank()
    )


def test_harmonics_at_enough_rational_points() -> None:
    """The points fix a polynomial of the degree that the program has, on the sphere and off it."""
    parameters = [Fraction(a, 3) for a in (-7, -4, -2, -1, 0, 1, 3, 5)]
    points = [on_the_sphere(s, t) for s, t in product(parameters, repeat=2)]
    assert all(x * x + y * y + z * z == 1 for x, y, z in points)
    monomials = [
        (a, b, c) for a, b, c in product(range(2), range(7), range(7)) if a + b + c <= WEIGHT
    ]
    assert rank_of(points, monomials) == len(monomials) == (WEIGHT + 1) ** 2
    program = function(HarmonicsRecipe(WEIGHT), "harmonics")
    assert max(high for _, high in degrees(program)["harmonics"]) == WEIGHT
    for point in points:
        assert program.run(point)["harmonics"] == values_at(WEIGHT, point, "component")


def test_solid_harmonics_at_enough_integer_points() -> None:
    points = [p for p in product(range(7), repeat=3) if sum(p) <= WEIGHT]
    monomials = [p for p in product(range(7), repeat=3) if sum(p) <= WEIGHT]
    assert rank_of(points, monomials) == len(monomials)
    program = function(HarmonicsRecipe(WEIGHT, solid=True), "solid_harmonics")
    found = degrees(program)["harmonics"]
    weights = [ell for ell in range(WEIGHT + 1) for _ in range(2 * ell + 1)]
    assert found == [(ell, ell) for ell in weights]
    for point in points:
        assert program.run(point)["harmonics"] == values_at(WEIGHT, point, "component")


# --- couplings ------------------------------------------------------------------------------------

TRIPLES = [
    (a, b, c) for a, b, c in product(range(WEIGHT + 1), repeat=3) if abs(a - b) <= c <= a + b
]


def coupled_sum(
    triple: tuple[int, int, int], normalization: Any, first: Sequence[Any], second: Sequence[Any]
) -> list[Any]:
    result: list[Any] = [Surd(0)] * (2 * triple[2] + 1)
    for (i, j, k), (number, radicand) in coupling(*triple, normalization).exact().items():
        result[k] = result[k] + first[i] * second[j] * Surd.root(radicand, number)
    return result


@pytest.mark.parametrize("l3", range(WEIGHT + 1))
def test_couplings_equal_the_exact_ones(l3: int) -> None:
    for triple in TRIPLES:
        if triple[2] == l3:
            (program,) = CouplingRecipe(*triple).functions()
            ring = ring_of("v", 2 * (triple[0] + triple[1]) + 2)
            first, second = ring.gens[: 2 * triple[0] + 1], ring.gens[2 * triple[0] + 1 :]
            expected = coupled_sum(triple, "component", first, second)
            assert program.run(first, second)["coupled"] == expected, triple


@pytest.mark.parametrize("normalization", ["legendre", "orthonormal"])
@pytest.mark.parametrize("triple", [(1, 1, 1), (2, 2, 4), (3, 2, 2), (4, 4, 4), (3, 0, 3)])
def test_couplings_on_pairs_of_a_basis(triple: Any, normalization: Any) -> None:
    (program,) = CouplingRecipe(*triple, normalization).functions()
    one, two, _ = (np.eye(2 * weight + 1, dtype=int).tolist() for weight in triple)
    for x, y in product(one, two):
        assert program.run(x, y)["coupled"] == coupled_sum(triple, normalization, x, y)


# --- rotations ------------------------------------------------------------------------------------


def of_quaternion(a: Any, b: Any, c: Any, d: Any) -> list[list[Any]]:
    """Return the rotation of a quaternion, times its squared length: quadratic in it."""
    return [
        [a * a + b * b - c * c - d * d, (b * c - a * d) * 2, (b * d + a * c) * 2],
        [(b * c + a * d) * 2, a * a - b * b + c * c - d * d, (c * d - a * b) * 2],
        [(b * d - a * c) * 2, (c * d + a * b) * 2, a * a - b * b - c * c + d * d],
    ]


def blocks_of(flat: Sequence[Any], weight: int) -> dict[int, list[list[Any]]]:
    result, start = {}, 0
    for ell in range(1, weight + 1):
        size = 2 * ell + 1
        rows = [list(flat[start + k * size : start + (k + 1) * size]) for k in range(size)]
        result[ell] = rows
        start += size * size
    assert start == len(flat)
    return result


def turned_polynomials(ell: int, ring: Ring, matrix: Sequence[Sequence[Formal]]) -> Any:
    """Return the packed matrix of a 3x3 matrix from how it turns harmonic polynomials.

    The tensor X' = R..R X has the polynomial p(R^T x); the inner product of two symmetric tensors
    is the sum over monomials of both coefficients over the multinomial. The last three
    indeterminates of the ring are x.
    """
    basis = natural_basis(ell)
    counts = dict(
        zip(
            [tuple(p) for p in product(range(ell, -1, -1), repeat=3) if sum(p) == ell],
            range(len(multinomials(ell))),
            strict=True,
        )
    )
    legs = [
        sum((matrix[i][j].parts.get(1, ring.zero) * ring.gens[-3 + i].parts[1] for i in range(3)),
            ring.zero)
        for j in range(3)
    ]  # fmt: skip
    small = flint.fmpq_mpoly_ctx.get(["x", "y", "z"], flint.Ordering.lex)
    result: list[list[Any]] = [[None] * (2 * ell + 1) for _ in range(2 * ell + 1)]
    for k in range(2 * ell + 1):
        turned = small.from_dict(basis.polynomial(k)).compose(*legs, ctx=ring.context)
        split: dict[Any, dict[Any, Any]] = {}
        for exponents, coefficient in turned.to_dict().items():
            key = (*exponents[:-3], 0, 0, 0)
            split.setdefault(exponents[-3:], {})[key] = coefficient
        polynomials = {key: ring.context.from_dict(value) for key, value in split.items()}
        assert set(polynomials) <= set(counts)
        for m in range(2 * ell + 1):
            value = ring.zero
            for powers, left in basis.polynomial(m).items():
                a, b, c = (factorial(power) for power in powers)
                share = flint.fmpq(left * a * b * c, factorial(ell))
                value = value + polynomials.get(powers, ring.zero) * share
            root = Surd.root(Fraction(1, basis.norms[m] * basis.norms[k]))
            result[m][k] = Formal(ring, {1: value}) * root
    return result


def test_rotation_matrices_for_every_rotation() -> None:
    """As polynomials of the quaternion; homogeneous, so for improper rotations too."""
    ring = Ring("a", "b", "c", "d", "x", "y", "z")
    matrix = of_quaternion(*ring.gens[:4])
    program = function(RotationRecipe(WEIGHT), "matrices")
    found = blocks_of(program.run([v for row in matrix for v in row])["matrices"], WEIGHT)
    homogeneous = blocks_of(degrees(program)["matrices"], WEIGHT)
    for ell in range(1, WEIGHT + 1):
        assert {entry for row in homogeneous[ell] for entry in row} == {(ell, ell)}
        assert found[ell] == turned_polynomials(ell, ring, matrix)


def test_rotation_matrices_at_a_cayley_rotation() -> None:
    quaternion = (2, 1, -1, 3)
    length = sum(q * q for q in quaternion)
    matrix = [[Fraction(v, length) for v in row] for row in of_quaternion(*quaternion)]
    program = function(RotationRecipe(WEIGHT), "matrices")
    for sign in (1, -1):
        flat = [sign * v for row in matrix for v in row]
        found = blocks_of(program.run(flat)["matrices"], WEIGHT)
        exact = sympy.Matrix(3, 3, [sympy.Rational(v.numerator, v.denominator) for v in flat])
        for ell in range(1, WEIGHT + 1):
            expected = rotation(ell, exact)
            for m, k in product(range(2 * ell + 1), repeat=2):
                terms = (Surd(0) + found[ell][m][k]).terms
                value = sum(
                    sympy.sqrt(n) * sympy.Rational(q.numerator, q.denominator)
                    for n, q in terms.items()
                )
                assert sympy.expand(value - expected[m, k]) == 0


@pytest.mark.parametrize("name", ["rotate", "rotate_back"])
def test_rotation_of_features_is_the_product_with_the_matrices(name: str) -> None:
    features = (WEIGHT + 1) ** 2
    entries = sum((2 * ell + 1) ** 2 for ell in range(1, WEIGHT + 1))
    ring = ring_of("v", features + entries)
    x, flat = ring.gens[:features], ring.gens[features:]
    matrices = blocks_of(flat, WEIGHT)
    expected: list[Any] = [x[0]]
    for ell, matrix in matrices.items():
        part = x[ell * ell : (ell + 1) ** 2]
        rows = matrix if name == "rotate" else list(zip(*matrix, strict=True))
        expected += [total(a * b for a, b in zip(row, part, strict=True)) for row in rows]
    assert function(RotationRecipe(WEIGHT), name).run(x, flat)["rotated"] == expected


# --- the frame of a direction ---------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, -1])
def test_frames_of_every_direction_of_a_chart(side: int) -> None:
    """In stereographic coordinates about the nearer pole, with w = 1 / (1 + s^2 + t^2)."""
    ring = Ring("w", "s", "t")
    w, s, t = ring.gens
    relation = w * (s * s + t * t + 1) - 1
    ring.relation = relation.parts[1]
    ring.inverses = [(w * 2, (s * s + t * t + 1) * Fraction(1, 2))]
    ring.positive = side == 1
    direction = [s * w * 2, (w * 2 - 1) * side, t * w * 2]
    found = blocks_of(function(RotationRecipe(WEIGHT), "frame").run(direction)["frames"], WEIGHT)
    matrix = found[1]
    for i, j in product(range(3), repeat=2):
        assert total(matrix[i][k] * matrix[j][k] for k in range(3)) == int(i == j)
    determinant = total(
        matrix[0][i] * (matrix[1][j] * matrix[2][k] - matrix[1][k] * matrix[2][j])
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    assert determinant == 1
    assert [total(a * b for a, b in zip(row, direction, strict=True)) for row in matrix] == [
        0,
        1,
        0,
    ]
    # the other blocks are those of the matrices, which were proved for every rotation
    flat = [v for row in matrix for v in row]
    again = function(RotationRecipe(WEIGHT), "matrices").run(flat)["matrices"]
    assert blocks_of(again, WEIGHT) == found
    harmonics = function(HarmonicsRecipe(WEIGHT), "harmonics").run(direction)["harmonics"]
    for ell, block in found.items():
        part = harmonics[ell * ell : (ell + 1) ** 2]
        turned = [total(a * b for a, b in zip(row, part, strict=True)) for row in block]
        assert turned == [Surd.root(2 * ell + 1) if m == ell else 0 for m in range(2 * ell + 1)]


POLES = [(0, 1, 0), (0, -1, 0)]
EQUATOR = [(1, 0, 0), (0, 0, -1), on_the_sphere(Fraction(3, 5), Fraction(4, 5))]
DIRECTIONS = [
    *POLES,
    *EQUATOR,
    on_the_sphere(Fraction(1, 2), Fraction(-1, 3)),
    on_the_sphere(Fraction(-2, 5), Fraction(3, 4), -1),
    on_the_sphere(3, Fraction(1, 2)),
]


@pytest.mark.parametrize("direction", DIRECTIONS, ids=lambda n: "_".join(map(str, n)))
def test_frames_at_rational_directions(direction: Any) -> None:
    assert sum(v * v for v in direction) == 1
    found = blocks_of(function(RotationRecipe(WEIGHT), "frame").run(direction)["frames"], WEIGHT)
    for ell, block in found.items():
        for first, second in product(range(2 * ell + 1), repeat=2):
            row = zip(block[first], block[second], strict=True)
            assert total(a * b for a, b in row) == int(first == second)
        values = values_at(ell, direction, "orthonormal")[ell * ell :]
        turned = [total(a * b for a, b in zip(row, values, strict=True)) for row in block]
        assert turned == [int(m == ell) for m in range(2 * ell + 1)]


# --- convolution and product ----------------------------------------------------------------------

Block = tuple[bool, int, int]


def layout(weight: int, parity: str) -> list[Block]:
    """Return whether pseudo, weight and start of each block of features."""
    blocks = [(False, ell, ell * ell) for ell in range(weight + 1)]
    if parity == "both":
        blocks += [(True, ell, (weight + 1) ** 2 + ell * ell) for ell in range(weight + 1)]
    return blocks


def allowed(signs: int, weights: tuple[int, int, int], parity: str) -> bool:
    """Say whether the parities (-1)^l, changed for ``signs`` pseudo-tensors, multiply to one."""
    l1, l2, l3 = weights
    inside = abs(l1 - l2) <= l3 <= l1 + l2
    return inside and (parity == "ignored" or (l1 + l2 + l3 + signs) % 2 == 0)


def message_reference(
    recipe: ConvolutionRecipe, direction: Any, features: Sequence[Any], weights: Sequence[Any]
) -> list[Any]:
    """Return the sum over paths of weight times coupling of features and harmonics."""
    top = recipe.weight if recipe.input_weight is None else recipe.input_weight
    inputs = layout(top, recipe.parity if top else "natural")
    outputs = layout(recipe.weight, recipe.parity)
    bonds = values_at(recipe.weight, direction, recipe.normalization)
    given = iter(weights)
    result: list[Any] = []
    for pseudo3, l3, _ in outputs:
        block: list[Any] = [Surd(0)] * (2 * l3 + 1)
        for (pseudo1, l1, start), l2 in product(inputs, range(recipe.weight + 1)):
            if allowed(pseudo1 + pseudo3, (l1, l2, l3), recipe.parity):
                weight = next(given)
                part = [value * weight for value in features[start : start + 2 * l1 + 1]]
                bond = bonds[l2 * l2 : (l2 + 1) ** 2]
                found = coupled_sum((l1, l2, l3), recipe.normalization, part, bond)
                block = [a + b for a, b in zip(block, found, strict=True)]
        result += block
    assert next(given, None) is None
    return result


def message_of(recipe: ConvolutionRecipe, direction: Any, features: Any, weights: Any) -> list[Any]:
    geometry, message, _ = recipe.functions()
    assert isinstance(geometry, Program)
    assert isinstance(message, Program)
    (values,) = geometry.run(direction).values()
    return message.run(features, values, weights)["message"]


CONVOLUTIONS = [
    *(ConvolutionRecipe(weight, parity=parity) for weight in range(4) for parity in PARITIES),
    *(ConvolutionRecipe(weight, 0, parity) for weight in (1, 3) for parity in PARITIES),
    ConvolutionRecipe(2, 3, "both"),
    ConvolutionRecipe(3, 1),
    ConvolutionRecipe(2, normalization="legendre"),
    ConvolutionRecipe(2, parity="both", normalization="orthonormal"),
    ConvolutionRecipe(4),
]


@pytest.mark.parametrize(
    "recipe", CONVOLUTIONS, ids=lambda r: "-".join(map(str, r.settings().values()))
)
def test_messages_aligned_and_direct_equal_the_exact_sum(recipe: ConvolutionRecipe) -> None:
    """For all features and radial weights at once, at rational directions.

    Eight directions up to weight 2, three above; every other one follows, since both sides turn
    with the direction and the frames were proved on whole charts.
    """
    direct = ConvolutionRecipe(recipe.weight, recipe.input_weight, recipe.parity, "direct",
                               recipe.normalization)  # fmt: skip
    sizes = [len(a.labels) for a in recipe.functions()[1].arguments]
    ring = ring_of("v", sizes[0] + sizes[2])
    features, weights = ring.gens[: sizes[0]], ring.gens[sizes[0] :]
    for direction in DIRECTIONS if recipe.weight < 3 else DIRECTIONS[1::3]:
        expected = message_reference(recipe, direction, features, weights)
        assert message_of(recipe, direction, features, weights) == expected
        assert message_of(direct, direction, features, weights) == expected


@pytest.mark.parametrize("parity", PARITIES)
@pytest.mark.parametrize("weight", range(4))
def test_products_equal_the_exact_sum(weight: int, parity: Any) -> None:
    recipe = ProductRecipe(weight, parity)
    blocks = layout(weight, parity)
    (program,) = recipe.functions()
    size, _, paths = (len(argument.labels) for argument in program.arguments)
    ring = ring_of("v", 2 * size + paths)
    first, second, weights = ring.gens[:size], ring.gens[size : 2 * size], ring.gens[2 * size :]
    given = iter(weights)
    expected: list[Any] = []
    for pseudo3, l3, _ in blocks:
        block: list[Any] = [Surd(0)] * (2 * l3 + 1)
        for (pseudo1, l1, one), (pseudo2, l2, two) in product(blocks, repeat=2):
            if allowed(pseudo1 + pseudo2 + pseudo3, (l1, l2, l3), parity):
                factor = next(given)
                part = [value * factor for value in first[one : one + 2 * l1 + 1]]
                other = second[two : two + 2 * l2 + 1]
                found = coupled_sum((l1, l2, l3), recipe.normalization, part, other)
                block = [a + b for a, b in zip(block, found, strict=True)]
        expected += block
    assert next(given, None) is None
    assert program.run(first, second, weights)["product"] == expected


# --- programs -------------------------------------------------------------------------------------


def small_program() -> Program:
    built = Builder((Argument("v", (3,), ("a", "b", "c"), False, "numbers"),))
    a, b, c = built.components(0)
    shared = [{0: Surd(1), 1: Surd(2), 2: Surd(5)}, {0: Surd(3), 1: Surd(6)}, {0: Surd(-1)}]
    first, second, third = built.apply(shared, [a, b, c], ["first", "", "a"])
    built.product(a, b, "dead")
    side = built.sign(c, "side")
    outcome = built.product(side, built.reciprocal(built.linear([(ROOT_2, a)], "root")))
    values = (first, second, third, outcome, built.constant(4))
    return built.program("small", "A test.", [Output("out", (5,), values)], "five numbers.")


def test_programs_share_and_leave_out() -> None:
    program = small_program()
    names = program.names()
    assert "dead" not in names
    assert len(set(names)) == len(names)
    assert program.run([Fraction(1), 1, -2])["out"][:3] == [-7, 9, -1]
    assert program.run([Fraction(1), 1, -2])["out"][3] == -Surd.root(Fraction(1, 2))
    # 2 b, 5 c, 3 (a + 2 b), root 2 a and one product; a + 2 b once
    assert str(program.counts()) == "5 multiplications, 2 additions, 1 divisions"


def test_programs_are_frozen_and_print() -> None:
    program = small_program()
    with pytest.raises(FrozenInstanceError):
        program.name = "other"
    with pytest.raises(FrozenInstanceError):
        program.steps[0].name = "other"
    assert program == small_program()
    text = str(program)
    assert text.splitlines()[0] == f"small(v): {program.counts()}"
    for fragment in ("root = √2 a", "side = sign(c)", "1 / root", "-> out [5]: first, "):
        assert fragment in text


def test_programs_refuse_what_does_not_fit() -> None:
    program = function(CouplingRecipe(1, 1, 1), "couple")
    with pytest.raises(ValueError, match="couple takes 2 arrays, got 1"):
        program.run([1, 2, 3])
    with pytest.raises(ValueError, match="y has 3 components, got 2"):
        program.run([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="2 labels for shape"):
        Argument("v", (3,), ("a", "b"), False, "numbers")


def test_no_coefficient_is_a_float() -> None:
    for recipe in (TensorRecipe("elastic", form="mandel"), ConvolutionRecipe(3), RotationRecipe(3)):
        for program in recipe.functions():
            if isinstance(program, Program):
                for step in program.steps:
                    if isinstance(step.operation, Linear):
                        assert all(type(c) is Surd for c, _ in step.operation.terms)
                        # one square root for each coefficient, all else rational
                        assert all(len(c.terms) == 1 for c, _ in step.operation.terms)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TensorRecipe("elastik"), "The nearest: elastic"),
        (lambda: TensorRecipe("ij", form="voigt"), "this class has none"),
        (lambda: TensorRecipe("ij", form="vogt"), "is not one of 'full'"),
        (lambda: TensorRecipe("ij", basis="other"), "is not one of 'dual'"),
        (lambda: HarmonicsRecipe(-1), "is not a weight from 0 to 12"),
        (lambda: HarmonicsRecipe(2, "other"), "normalization 'other'"),
        (lambda: CouplingRecipe(3, 1, 1), "do not couple to 1: they reach 2 to 4"),
        (lambda: RotationRecipe(13), "weight=13"),
        (lambda: ConvolutionRecipe(2, parity="odd"), "is not one of 'natural', 'both', 'ignored'"),
        (lambda: ConvolutionRecipe(2, method="fast"), "is not one of 'aligned', 'direct'"),
        (lambda: ConvolutionRecipe(2, -1), "input_weight=-1"),
        (lambda: ProductRecipe(2, "odd"), "parity='odd'"),
    ],
)
def test_impossible_recipes_are_refused(make: Any, message: str) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        make()

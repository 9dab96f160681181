"""Proofs: the operators of a reduction satisfy their defining identities, without any float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from math import comb, lcm
from typing import Any

import flint
import numpy as np
import pytest
import sympy

from natural_tensors import Extraction, reduction
from natural_tensors.decomposition.copies import Basis
from natural_tensors.decomposition.operators import Operator, placed
from natural_tensors.decomposition.patterns import (
    Orbit,
    natural_projector_terms,
    pattern_orbits,
    patterns,
)
from natural_tensors.exact.integers import double_factorial
from tests.helpers.oracles import (
    BASES,
    CLASSES,
    FOURTH,
    PROVED,
    SMALL,
    Array,
    Case,
    Exact,
    at_all_indices,
    averaged,
    group_of,
    natural_projector,
    random_natural,
    same_fraction,
    slow_operator,
    slow_pattern,
)

Key = tuple[int, int]
Operators = tuple[Array, int, Fraction, Array, int]

BY_NAME = {case.name: case for case in PROVED}
each_class = pytest.mark.parametrize("case", PROVED, ids=repr)
each_small_class = pytest.mark.parametrize("case", SMALL, ids=repr)
each_basis = pytest.mark.parametrize("basis", BASES)


def integers(array: Array) -> Array:
    """Return an int64 array after making sure that products of it cannot overflow."""
    assert max(abs(int(x)) for x in (array.max(), array.min())) < 2**26
    # two factors below 2**26 summed 3**6 < 2**10 times stay below 2**62
    return array.astype(np.int64)


# --- full arrays, rank <= 4 ---------------------------------------------------------------------


@cache
def full_operators(case: Case, basis: Basis) -> dict[Key, Operators]:
    """Return ``{key: (F, denominator, radicand, E, denominator)}`` as integer matrices."""
    result = reduction(case.symmetry, basis=basis)
    operators = {}
    for weight, copy in result.copies:
        embedding, below, radicand = result.embedding(weight, copy).exact_array()
        extraction, under, same = result.extraction(weight, copy).exact_array()
        assert embedding.dtype.kind in "iO"
        assert extraction.dtype.kind in "iO"
        assert embedding.shape == (3,) * (case.rank + weight) == extraction.shape
        assert radicand == same
        assert radicand > 0
        assert basis == "orthonormal" or radicand == 1
        operators[weight, copy] = (
            integers(embedding.reshape(3**case.rank, 3**weight)), below, radicand,
            integers(extraction.reshape(3**weight, 3**case.rank)), under,
        )  # fmt: skip
    return operators


@each_basis
@each_small_class
def test_extraction_after_embedding_is_the_identity_on_natural_tensors(
    case: Case, basis: Basis
) -> None:
    operators = full_operators(case, basis)
    for (weight, copy), (_, _, r_e, extraction, d_e) in operators.items():
        for (other, second), (embedding, d_f, r_f, _, _) in operators.items():
            product_ = extraction @ embedding  # times sqrt(r_e r_f) / (d_e d_f)
            if (weight, copy) == (other, second):
                numbers, denominator = natural_projector(weight)
                assert r_e == r_f
                assert same_fraction(
                    product_ * r_e.numerator, r_e.denominator * d_e * d_f, numbers, denominator
                )
            else:
                assert not product_.any()


@cache
def full_projectors(case: Case, basis: Basis) -> Any:
    """Return ``P_c = F_c E_c`` as integers and a denominator; the roots have become rational."""
    result = {}
    for key, (embedding, d_f, radicand, extraction, d_e) in full_operators(case, basis).items():
        numbers = (embedding @ extraction).astype(object) * radicand.numerator
        denominator = d_f * d_e * radicand.denominator
        common = int(np.gcd.reduce([denominator, *(int(abs(x)) for x in numbers.reshape(-1) if x)]))
        result[key] = integers(numbers // common), denominator // common
    return result


@each_basis
@each_small_class
def test_composed_operators_are_mutually_annihilating_idempotents(case: Case, basis: Basis) -> None:
    projectors = full_projectors(case, basis)
    for first, (p, d) in projectors.items():
        for second, (q, _) in projectors.items():
            composed = p @ q
            if first == second:
                assert np.array_equal(composed, d * p)
                assert np.trace(p) == d * (2 * first[0] + 1)
            else:
                assert not composed.any()


@each_basis
@each_small_class
def test_composed_operators_sum_to_the_symmetrizer(case: Case, basis: Basis) -> None:
    projectors = full_projectors(case, basis).values()
    common = lcm(*(d for _, d in projectors))
    total = sum(p.astype(object) * (common // d) for p, d in projectors)
    identity = np.eye(3**case.rank, dtype=np.int64).reshape((-1, *(3,) * case.rank))
    group = group_of(case.symmetry)
    symmetrizer = averaged(identity, group, case.rank).reshape(total.shape).T
    assert same_fraction(total, common, symmetrizer, len(group))


@each_small_class
def test_orthonormal_operators_are_transposes_and_their_compositions_self_adjoint(
    case: Case,
) -> None:
    for embedding, d_f, _, extraction, d_e in full_operators(case, "orthonormal").values():
        assert same_fraction(embedding.T, d_f, extraction, d_e)
    for numbers, _ in full_projectors(case, "orthonormal").values():
        assert np.array_equal(numbers, numbers.T)


@each_basis
@each_small_class
def test_extraction_annihilates_what_violates_the_symmetry_and_embedding_obeys_it(
    case: Case, basis: Basis
) -> None:
    group = group_of(case.symmetry)
    for (weight, _), (embedding, _, _, extraction, _) in full_operators(case, basis).items():
        rows = extraction.reshape((3**weight, *(3,) * case.rank))
        columns = embedding.T.reshape(rows.shape)
        # E S = E, so E (1 - S) = 0; and S F = F
        assert np.array_equal(averaged(rows, group, case.rank), len(group) * rows)
        assert np.array_equal(averaged(columns, group, case.rank), len(group) * columns)


# --- the same in independent components, to rank 8 ---------------------------------------------


@cache
def component_operators(case: Case, basis: Basis) -> tuple[Any, ...]:
    """Return integer matrices of all operators between packed integer bases and components.

    ``F`` has a row for each independent component and a column for each (weight, copy, m): the
    tensor made of the integer basis element m; ``E`` is the other way round, its scalar product
    counting each component as often as it occurs in the full tensor. Each column of F and row
    of E has a positive denominator; both carry the root of ``radicands``.
    """
    result = reduction(case.symmetry, basis=basis)
    sizes = result.components.orbits.sizes.astype(object)
    columns, rows, d_f, d_e, radicands, keys = [], [], [], [], [], []
    for space in result.spaces:
        values = space.values(result.components).astype(object)
        basis_tensors = _integer_basis(space.weight)
        norms = [int(x) for x in (basis_tensors**2).sum(axis=1)]
        place = {orbit: number for number, orbit in enumerate(space.orbits)}
        for copy in range(space.multiplicity):
            mixed = []
            for operator in (
                result.embedding(space.weight, copy),
                result.extraction(space.weight, copy),
            ):
                common = lcm(*(c.denominator for c, _ in operator.combination))
                mixed.append(
                    (
                        sum(int(c * common) * values[:, place[o]] for c, o in operator.combination),
                        common,
                        operator.radicand,
                    )
                )
            (f, f_common, radicand), (e, e_common, same) = mixed
            assert radicand == same
            columns.append(f)
            rows.append((e * sizes[:, None]).T)
            d_f += [f_common] * len(norms)
            d_e += [e_common * norm for norm in norms]
            radicands += [radicand] * len(norms)
            keys += [(space.weight, copy)] * len(norms)
    return np.concatenate(columns, 1), np.concatenate(rows, 0), d_f, d_e, radicands, keys


def _integer_basis(weight: int) -> Array:
    from natural_tensors.so3.bases import natural_basis

    return natural_basis(weight).tensors().astype(object)


def matrix(array: Array) -> flint.fmpz_mat:
    return flint.fmpz_mat(array.tolist())


def diagonal(entries: Sequence[int]) -> flint.fmpz_mat:
    size = len(entries)
    result = flint.fmpz_mat(size, size)
    for k, entry in enumerate(entries):
        result[k, k] = int(entry)
    return result


@pytest.mark.parametrize("weight", range(9))
def test_integer_basis_is_orthogonal_and_natural(weight: int) -> None:
    tensors = _integer_basis(weight)
    assert tensors.shape == (2 * weight + 1, 3**weight)
    gram = tensors @ tensors.T
    assert not (gram - np.diag(np.diag(gram))).any()
    if weight > 1:
        full = tensors.reshape((-1, *(3,) * weight))
        assert not np.trace(full, axis1=1, axis2=2).any()
        for axis in range(1, weight):
            assert np.array_equal(full, full.swapaxes(axis, axis + 1))


@each_basis
@each_class
def test_extraction_after_embedding_is_the_identity_in_components(case: Case, basis: Basis) -> None:
    # with this, P_c P_d = F_c (E_c F_d) E_d = delta_cd P_c follows for every pair of copies
    f, e, d_f, d_e, radicands, keys = component_operators(case, basis)
    assert f.shape == (case.components, case.components) == e.shape
    found = matrix(e) * matrix(f)
    # E F = sqrt(r r') found / (d_e d_f'): off the diagonal the rational part itself must vanish
    for a, b in zip(d_f, d_e, strict=True):
        assert a > 0
        assert b > 0
    expected = [Fraction(a * b) / r for a, b, r in zip(d_f, d_e, radicands, strict=True)]
    assert all(entry.denominator == 1 for entry in expected)
    assert found == diagonal(expected)
    assert len(keys) == sum((2 * weight + 1) * count for weight, count in case.multiplicities)


@each_basis
@each_class
def test_composed_operators_sum_to_the_identity_on_components(case: Case, basis: Basis) -> None:
    f, e, d_f, d_e, radicands, _ = component_operators(case, basis)
    scales = [r / (a * b) for a, b, r in zip(d_f, d_e, radicands, strict=True)]
    common = lcm(*(scale.denominator for scale in scales))
    weighted = e * np.array([int(scale * common) for scale in scales], dtype=object)[:, None]
    assert matrix(f) * matrix(weighted) == diagonal([common] * case.components)


@pytest.mark.parametrize("case", [c for c in PROVED if c.components <= 243], ids=repr)
def test_orthonormal_compositions_are_self_adjoint_in_the_frobenius_product(case: Case) -> None:
    f, e, _, d_e, _, keys = component_operators(case, "orthonormal")
    sizes = reduction(case.symmetry).components.orbits.sizes
    for key in dict.fromkeys(keys):
        inside = [k for k, other in enumerate(keys) if other == key]
        common = lcm(*(d_e[k] for k in inside))
        rows = e[inside] * np.array([common // d_e[k] for k in inside], dtype=object)[:, None]
        composed = diagonal(sizes.tolist()) * matrix(f[:, inside]) * matrix(rows)
        assert composed == composed.transpose()  # a positive number times W P_c
        if case.components <= 81:
            assert composed.rank() == 2 * key[0] + 1


@each_class
def test_orthonormal_extraction_is_the_transposed_embedding(case: Case) -> None:
    # then P = r F N^-1 F^T W with the component sizes W: self-adjoint whatever the class
    result = reduction(case.symmetry, basis="orthonormal")
    for key in result.copies:
        embedding, extraction = result.embedding(*key), result.extraction(*key)
        assert embedding.combination == extraction.combination
        assert embedding.radicand == extraction.radicand


@each_basis
@pytest.mark.parametrize("case", [c for c in PROVED if c.components <= 81], ids=repr)
def test_every_pair_of_compositions_in_components(case: Case, basis: Basis) -> None:
    f, e, d_f, d_e, radicands, keys = component_operators(case, basis)
    projectors = {}
    for key in dict.fromkeys(keys):
        inside = [k for k, other in enumerate(keys) if other == key]
        common = lcm(*(d_e[k] for k in inside))
        rows = e[inside] * np.array([common // d_e[k] for k in inside], dtype=object)[:, None]
        scale = radicands[inside[0]] / (d_f[inside[0]] * common)
        numbers = matrix(f[:, inside]) * matrix(rows) * scale.numerator
        projectors[key] = numbers, scale.denominator
    for first, (p, d) in projectors.items():
        for second, (q, _) in projectors.items():
            assert p * q == (p * d if first == second else p * 0)


# --- the Gram matrix and the choice of copies -------------------------------------------------


@each_class
def test_probe_gram_is_the_gram_of_any_pair_of_natural_tensors(case: Case) -> None:
    # <F_p e_m, F_q e_m'> = g_pq <e_m, e_m'> for a whole basis, hence for all X and Y; and
    # different weights are orthogonal
    result = reduction(case.symmetry)
    sizes = result.components.orbits.sizes.astype(object)
    columns, blocks = [], []
    for space in result.spaces:
        values = space.values(result.components).astype(object)
        tensors = _integer_basis(space.weight)
        columns.append(values.reshape(len(values), -1))
        blocks.append(np.kron(space.gram.astype(object), tensors @ tensors.T))
    table = np.concatenate(columns, 1)
    found = matrix(table.T * sizes) * matrix(table)
    expected = np.zeros(table.T.shape, dtype=object)
    at = 0
    for block in blocks:
        expected[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    assert found == matrix(expected)


@pytest.mark.parametrize("case", [c for c in CLASSES if c.rank <= 5], ids=repr)
def test_probe_gram_by_full_contraction_of_random_natural_tensors(case: Case) -> None:
    rng = np.random.default_rng(5)
    for space in reduction(case.symmetry).spaces:
        first, second = (random_natural(space.weight, rng) for _ in range(2))
        embedded = [
            [embedded_orbit(orbit, case.rank, x) for orbit in space.orbits] for x in (first, second)
        ]
        inner = int((first * second).sum())
        squared = int((first * first).sum())
        assert squared
        for p, q in product(range(space.multiplicity), repeat=2):
            g = int(space.gram[p, q])
            assert int((embedded[0][p] * embedded[1][q]).sum()) == g * inner
            assert int((embedded[0][p] * embedded[0][q]).sum()) == g * squared


def embedded_orbit(orbit: Orbit, rank: int, natural: Array) -> Array:
    """Return the flat full tensor that an orbit of patterns makes of a natural tensor."""
    total = np.zeros(3**rank, dtype=np.int64)
    for pattern, sign in orbit:
        places, rows = placed(pattern, rank, natural.reshape(-1, 1))
        np.add.at(total, places, sign * rows[:, 0])
    return total


@pytest.mark.parametrize("rank", range(8))
def test_candidates_are_all_patterns_in_ascending_order(rank: int) -> None:
    for weight in range(rank + 1):
        found = patterns(rank, weight)
        pairs = (rank - weight) // 2
        if (rank - weight) % 2 == 0:
            count = comb(rank, weight) * double_factorial(2 * pairs - 1)
        elif weight:
            count = comb(rank, 2) * comb(rank - 2, weight - 1) * double_factorial(2 * pairs - 1)
        else:
            count = comb(rank, 3) * double_factorial(rank - 4)
        assert len(found) == len(set(found)) == count
        order = [(p.deltas, p.epsilon, p.natural) for p in found]
        assert order == sorted(order)
        assert all(p.weight == weight for p in found)
        for p in found:
            slots = [s for pair in p.deltas for s in pair] + [*p.epsilon, *p.natural]
            assert sorted(slots) == list(range(rank))


@each_small_class
def test_orbit_is_the_sum_of_the_distinct_images_and_cancelling_ones_are_left_out(
    case: Case,
) -> None:
    group = group_of(case.symmetry)
    generators = reduction(case.symmetry).symmetry.generators
    for weight in range(case.rank + 1):
        candidates = patterns(case.rank, weight)
        orbits = pattern_orbits(candidates, generators)
        firsts = [orbit[0][0] for orbit in orbits]
        assert firsts == sorted(firsts)
        members = {pattern for orbit in orbits for pattern, _ in orbit}
        arrays = {}
        for p in candidates:
            array, _ = slow_pattern(p.deltas, p.epsilon, p.natural, case.rank, weight)
            arrays[p] = np.moveaxis(
                array.reshape((3,) * case.rank + (-1,)), -1, 0
            )  # natural index first
        for orbit in orbits:
            assert orbit[0][1] == 1
            assert orbit[0][0] == min(pattern for pattern, _ in orbit)
            total = sum(sign * arrays[pattern] for pattern, sign in orbit)
            mean = averaged(arrays[orbit[0][0]], group, case.rank)
            assert np.array_equal(total * len(group), mean * len(orbit))
        for pattern in candidates:
            if pattern not in members:
                assert not averaged(arrays[pattern], group, case.rank).any()


@each_class
def test_selection_is_the_exact_scan_over_the_rationals(case: Case) -> None:
    """A candidate is a copy exactly when no rational combination of those before it makes it."""
    result = reduction(case.symmetry)
    spaces = {space.weight: space for space in result.spaces}
    rng = np.random.default_rng(7)
    for weight in range(case.rank + 1):
        candidates = pattern_orbits(patterns(case.rank, weight), result.symmetry.generators)
        natural = random_natural(weight, rng)  # by Schur's lemma any one will do
        where = result.components.orbits.representatives
        rows = [embedded_orbit(orbit, case.rank, natural)[where].tolist() for orbit in candidates]
        kept: list[Orbit] = []
        chosen: list[list[int]] = []
        for row, orbit in zip(rows, candidates, strict=True):
            if flint.fmpz_mat([*chosen, row]).rank() > len(chosen):
                chosen.append(row)
                kept.append(orbit)
        assert tuple(kept) == (spaces[weight].orbits if weight in spaces else ())


@each_class
def test_dual_copies_are_embedded_by_one_orbit_and_orthonormal_ones_by_gram_schmidt(
    case: Case,
) -> None:
    dual, orthonormal = (reduction(case.symmetry, basis=basis) for basis in BASES)
    for space in dual.spaces:
        for copy in range(space.multiplicity):
            embedding = dual.embedding(space.weight, copy)
            assert embedding.combination == ((Fraction(1), space.orbits[copy]),)
            assert embedding.radicand == 1
            embedding = orthonormal.embedding(space.weight, copy)
            mixed = {orbit: coefficient for coefficient, orbit in embedding.combination}
            assert mixed[space.orbits[copy]] == 1  # positive
            assert set(mixed) <= set(space.orbits[: copy + 1])  # only copies before it


# --- the natural projector ---------------------------------------------------------------------


@pytest.mark.parametrize("weight", range(7))
def test_natural_projector_terms_are_the_exact_projector(weight: int) -> None:
    terms = list(natural_projector_terms(weight))
    assert len(terms) == double_factorial(2 * weight - 1)
    assert len({tuple(sorted(pairs)) for _, pairs in terms}) == len(terms)
    common = lcm(*(coefficient.denominator for coefficient, _ in terms))
    size = 3**weight
    total = np.zeros(size * size, dtype=np.int64)
    steps = [3 ** (2 * weight - 1 - point) for point in range(2 * weight)]
    for coefficient, pairs in terms:
        assert sorted(point for pair in pairs for point in pair) == list(range(2 * weight))
        places = np.zeros(1, dtype=np.int64)
        for a, b in pairs:
            places = (places[:, None] + np.arange(3) * (steps[a] + steps[b])).reshape(-1)
        total[places] += int(coefficient * common)  # the places of one term are distinct
    total = total.reshape(size, size)
    # |entries| <= common <= 10395 * 720 < 2**23, summed 729 < 2**10 times: below 2**56
    assert np.array_equal(total @ total, common * total)
    assert np.array_equal(total, total.T)
    assert np.trace(total) == common * (2 * weight + 1)
    if weight > 1:
        full = total.reshape((3,) * weight + (size,))
        assert not np.trace(full).any()
        for axis, _ in pairwise(range(weight)):
            assert np.array_equal(full, full.swapaxes(axis, axis + 1))
    assert same_fraction(total, common, *natural_projector(weight))


# --- against loops ---------------------------------------------------------------------------

SLOW: list[tuple[str, tuple[int, ...] | None]] = [
    (case.name, None) for case in CLASSES if case.rank <= 5
]
SLOW += [("elastic-3", None), ("strain-gradient", None), ("general-6", (0, 1, 5, 6))]


@each_basis
@pytest.mark.parametrize(("name", "weights"), SLOW, ids=[name for name, _ in SLOW])
def test_exact_array_is_the_sum_over_deltas_and_epsilons_by_loops(
    name: str, weights: tuple[int, ...] | None, basis: Basis
) -> None:
    case = BY_NAME[name]
    result = reduction(case.symmetry, basis=basis)
    keys = [key for key in result.copies if weights is None or key[0] in weights]
    if case.rank == 6:
        keys = [key for key in keys if key[1] < 3]
    for weight, copy in keys:
        for operator in (result.embedding(weight, copy), result.extraction(weight, copy)):
            found, denominator, radicand = operator.exact_array()
            if isinstance(operator, Extraction):
                found = found.reshape(3**weight, 3**case.rank).T
            slow, under = slow_operator(operator)
            assert radicand == operator.radicand
            assert same_fraction(
                found.reshape(3**case.rank, 3**weight), denominator,
                slow.reshape(3**case.rank, 3**weight), under,
            )  # fmt: skip


@each_basis
@each_small_class
def test_float_array_is_the_exact_one_rounded(case: Case, basis: Basis) -> None:
    result = reduction(case.symmetry, basis=basis)
    for key in result.copies:
        for operator in (result.embedding(*key), result.extraction(*key)):
            numbers, denominator, radicand = operator.exact_array()
            exact = np.vectorize(lambda n, d=denominator: float(Fraction(int(n), d)))(numbers)
            array = operator.to_array()
            assert array.dtype == np.float64
            assert array.shape == numbers.shape
            # three roundings: of the quotient, the root and their product, each half an eps,
            # in both computations
            error = np.abs(array - exact * float(radicand) ** 0.5)
            assert (error <= 4 * np.finfo(float).eps * np.abs(array)).all()


# --- SymPy --------------------------------------------------------------------------------------


def kernel(
    operator: Operator, expression: sympy.Expr, tables: Mapping[str, Exact] | None = None
) -> Exact:
    """Return a SymPy kernel, its root divided out, as integers shaped like ``exact_array``."""
    radicand = sympy.Rational(operator.radicand.numerator, operator.radicand.denominator)
    letters = operator.letters + operator.natural_letters
    array, denominator = at_all_indices(expression / sympy.sqrt(radicand), letters, tables)
    if isinstance(operator, Extraction):
        array = np.moveaxis(array, range(operator.rank), range(-operator.rank, 0))
    return array, denominator


@each_basis
@each_small_class
def test_expanded_sympy_kernel_is_the_exact_array(case: Case, basis: Basis) -> None:
    result = reduction(case.symmetry, basis=basis)
    for key in result.copies:
        if key[0] > 3 and case.name != "elastic":
            continue
        for operator in (result.embedding(*key), result.extraction(*key)):
            numbers, denominator, _ = operator.exact_array()
            expression = operator.to_sympy(expand=True)
            assert not expression.has(sympy.Float, sympy.Indexed, sympy.Sum)
            assert same_fraction(*kernel(operator, expression), numbers, denominator)


@each_basis
@pytest.mark.parametrize("case", [*SMALL, BY_NAME["elastic-3"]], ids=repr)
def test_sympy_kernel_with_the_projector_as_a_factor_is_the_exact_array(
    case: Case, basis: Basis
) -> None:
    result = reduction(case.symmetry, basis=basis)
    for weight, copy in result.copies:
        if weight > 4:
            continue
        numbers, denominator = natural_projector(weight)
        tables = {f"P_{weight}": (numbers.reshape((3,) * (2 * weight)), denominator)}
        for operator in (result.embedding(weight, copy), result.extraction(weight, copy)):
            expression = operator.to_sympy()
            assert not expression.has(sympy.Float)
            assert expression.has(sympy.Indexed) == (weight > 1)
            exact, under, _ = operator.exact_array()
            assert same_fraction(*kernel(operator, expression, tables), exact, under)


def test_fourth_order_elasticity_is_among_the_classes_proved() -> None:
    assert FOURTH in PROVED
    assert {case.rank for case in PROVED} == {2, 3, 4, 5, 6, 8}

"""Code of symmetry classes proved: on a general tensor it equals the exact operators."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from typing import Any

import numpy as np
import pytest

from codegen import (
    Program,
    TensorRecipe,
)
from natural_tensors import Surd, reduction
from natural_tensors.decomposition.components import Form
from natural_tensors.decomposition.copies import Basis
from natural_tensors.so3.bases import natural_basis
from tests.helpers.formal import Formal, Ring, ring_of, total
from tests.helpers.oracles import BASES, CLASSES, SMALL, harmonic_basis

ROOT_2 = Surd.root(2)


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
def operator(symmetry: str, basis: Basis, kind: str, key: tuple[int, int]) -> tuple[Any, Surd]:
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

FORMS: tuple[Form, ...] = ("components", "voigt", "voigt-compliance", "mandel")
FORMED: list[tuple[str, Form]] = [
    (case.symmetry, form) for case in CLASSES if case.name in PAIRED for form in FORMS
]
FORMED += [("ijk", "components"), ("ij=-ji", "components"), ("ijkl=-jikl=klij", "components")]


@pytest.mark.parametrize(("symmetry", "form"), FORMED)
def test_every_form_equals_the_exact_operators(symmetry: str, form: Form) -> None:
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

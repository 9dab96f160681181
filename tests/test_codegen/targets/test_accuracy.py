"""Generated PyTorch is as accurate as its data type allows, and equivariant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    RotationRecipe,
    TensorRecipe,
)
from natural_tensors import coupling, harmonic, reduction, rotation, to_voigt
from natural_tensors.examples import load
from tests.helpers.generated_code import (
    ELASTIC,
    LONG,
    PARITIES,
    Graph,
    close,
    direct,
    each_parity,
    each_precision,
    generated,
    label,
    programs,
    random_arguments,
)
from tests.helpers.oracles import CLASSES, random_tensor


@pytest.fixture(autouse=True, scope="module")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path_factory.mktemp("generated")))
        yield


ACCURATE = [case.symmetry for case in CLASSES if case.rank <= 4] + ["ijklmn=jiklmn=klijmn=mnklij"]


@each_precision
@pytest.mark.parametrize("symmetry", ACCURATE)
def test_tensors_are_accurate(symmetry: str, dtype: torch.dtype, tolerance: float) -> None:
    module = generated(TensorRecipe(symmetry))
    target = reduction(symmetry)
    rank = target.rank
    tensors = random_tensor(symmetry, np.random.default_rng(1), (3,)).astype(
        np.float32 if dtype == torch.float32 else np.float64
    )
    rows = tensors.reshape(3, -1).astype(LONG)
    given = torch.from_numpy(tensors)
    parts = module.decompose(given)
    assert list(parts) == list(target.copies)
    back = np.zeros((3, 3**rank), dtype=LONG)
    for (weight, copy), part in parts.items():
        matrix = target.extraction(weight, copy).to_array().reshape(3**weight, -1)
        expected = (rows @ matrix.T.astype(LONG)).reshape((3,) + (3,) * weight)
        assert part.dtype == dtype
        assert close(part, expected, tolerance), (weight, copy)
        matrix = target.embedding(weight, copy).to_array().reshape(-1, 3**weight)
        back += part.numpy().reshape(3, -1).astype(LONG) @ matrix.T.astype(LONG)
    assert close(module.reconstruct(parts), back.reshape(tensors.shape), tolerance)
    packed = module.pack(given)
    assert packed.shape == (3, target.dimension)
    assert close(packed, target.pack(tensors.astype(np.float64)), tolerance)
    assert close(module.unpack(packed), given, 2 * tolerance)


@each_precision
@pytest.mark.parametrize("weight", [4, 6])
def test_harmonics_are_accurate(weight: int, dtype: torch.dtype, tolerance: float) -> None:
    vectors = torch.randn(50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    vectors = (vectors / vectors.norm(dim=-1, keepdim=True)).to(dtype)
    found = generated(HarmonicsRecipe(weight)).harmonics(vectors)
    solid = generated(HarmonicsRecipe(weight, solid=True)).solid_harmonics(vectors)
    x, y, z = vectors.numpy().astype(LONG).T
    for ell in range(weight + 1):
        expected = np.stack(
            [
                np.sqrt(LONG(r.numerator) / r.denominator)
                * sum(k * x**a * y**b * z**c for (a, b, c), k in polynomial.items())
                for polynomial, r in harmonic(ell, "component").exact()
            ],
            axis=-1,
        )
        block = slice(ell * ell, (ell + 1) ** 2)
        assert close(solid[:, block], expected, tolerance), ell
        assert close(found[:, block], expected, tolerance), ell


@each_precision
@pytest.mark.parametrize("triple", [(1, 1, 1), (2, 2, 4), (3, 2, 2), (4, 4, 5)])
def test_couplings_are_accurate(triple: Any, dtype: torch.dtype, tolerance: float) -> None:
    l1, l2, l3 = triple
    (program,) = programs(CouplingRecipe(l1, l2, l3))
    x, y = random_arguments(program, dtype=dtype)
    table = coupling(l1, l2, l3, "component").to_array().astype(LONG)
    expected = np.einsum("nic,njc,ijk->nkc", x.numpy().astype(LONG), y.numpy().astype(LONG), table)
    assert close(generated(CouplingRecipe(*triple)).couple(x, y), expected, tolerance)


@each_precision
def test_rotations_are_accurate(dtype: torch.dtype, tolerance: float) -> None:
    matrices = Rotation.random(4, rng=1).as_matrix() * np.array([1, -1, 1, -1])[:, None, None]
    module = generated(RotationRecipe(4))
    found = module.matrices(torch.from_numpy(matrices).to(dtype))
    features = torch.randn(4, 25, 3, dtype=dtype, generator=torch.Generator().manual_seed(1))
    turned = module.rotate(features, found)
    start = 0
    for ell in range(1, 5):
        size = 2 * ell + 1
        block = found[:, start : start + size * size].reshape(4, size, size)
        start += size * size
        expected = rotation(ell, matrices)
        assert close(block, expected, 2 * tolerance)
        part = features[:, ell * ell : (ell + 1) ** 2]
        assert close(turned[:, ell * ell : (ell + 1) ** 2],
                     block.numpy().astype(LONG) @ part.numpy(), tolerance)  # fmt: skip
    assert torch.equal(turned[:, 0], features[:, 0])
    assert close(module.rotate_back(turned, found), features, 5 * tolerance)


CONVOLUTIONS = [
    *(ConvolutionRecipe(2, parity=parity) for parity in PARITIES),
    ConvolutionRecipe(3, parity="both"),
    ConvolutionRecipe(3, 0),
    ConvolutionRecipe(1, 2, "both"),
]

each_convolution = pytest.mark.parametrize("recipe", CONVOLUTIONS, ids=label)


@each_precision
@each_convolution
def test_convolutions_are_accurate_aligned_and_direct(
    recipe: ConvolutionRecipe, dtype: torch.dtype, tolerance: float
) -> None:
    graph = Graph(recipe, dtype)
    expected = graph.expected(recipe)
    assert close(graph.convolved(recipe), expected, tolerance)
    assert close(graph.convolved(direct(recipe)), expected, tolerance)


@each_precision
@each_parity
def test_products_are_accurate(parity: Any, dtype: torch.dtype, tolerance: float) -> None:
    recipe = ProductRecipe(3, parity)
    (program,) = programs(recipe)
    first, second, weights = random_arguments(program, dtype=dtype)
    expected = np.zeros(first.shape, dtype=LONG)
    for number, (a, b, c) in enumerate(recipe.paths):
        table = coupling(a.weight, b.weight, c.weight, "component").to_array().astype(LONG)
        expected[:, c.slice] += np.einsum(
            "nic,njc,ijk,nc->nkc", first[:, a.slice].numpy().astype(LONG),
            second[:, b.slice].numpy().astype(LONG), table, weights[:, number].numpy(),
        )  # fmt: skip
    assert close(generated(recipe).product(first, second, weights), expected, tolerance)


def turned(features: Any, matrix: Any, blocks: Any) -> Any:
    """Rotate packed features by a proper or improper matrix, block by block."""
    result = features.clone()
    for block in blocks:
        sign = float(np.linalg.det(matrix)) if block.pseudo else 1.0
        turn = torch.from_numpy(np.asarray(rotation(block.weight, matrix)) * np.round(sign))
        result[:, block.slice] = torch.einsum("mk,nkc->nmc", turn, features[:, block.slice])
    return result


def motions(parity: str) -> list[Any]:
    proper = list(Rotation.random(3, rng=2).as_matrix())
    if parity == "ignored":
        return proper
    return [*proper, -np.eye(3), -proper[0], np.diag([1.0, -1.0, 1.0])]


@pytest.mark.parametrize("method", ["aligned", "direct"])
@each_convolution
def test_convolutions_are_equivariant(recipe: ConvolutionRecipe, method: str) -> None:
    if method == "direct":
        recipe = direct(recipe)
    graph = Graph(recipe)
    before = graph.convolved(recipe)
    for matrix in motions(recipe.parity):
        bonds = graph.bonds @ torch.from_numpy(matrix).T
        after = graph.convolved(recipe, turned(graph.features, matrix, recipe.inputs), bonds)
        assert close(after, turned(before, matrix, recipe.outputs), 1e-13)


@each_parity
def test_products_are_equivariant(parity: Any) -> None:
    recipe = ProductRecipe(2, parity)
    module = generated(recipe)
    first, second, weights = random_arguments(programs(recipe)[0])
    before = module.product(first, second, weights)
    for matrix in motions(parity):
        after = module.product(
            turned(first, matrix, recipe.blocks), turned(second, matrix, recipe.blocks), weights
        )
        assert close(after, turned(before, matrix, recipe.blocks), 1e-13)


def test_ignoring_parity_is_not_equivariant_under_inversion() -> None:
    recipe = ConvolutionRecipe(2, parity="ignored")
    graph = Graph(recipe)
    after = graph.convolved(recipe, turned(graph.features, -np.eye(3), recipe.inputs), -graph.bonds)
    assert not close(after, turned(graph.convolved(recipe), -np.eye(3), recipe.outputs), 1e-2)


def test_the_numbering_of_nodes_and_edges_does_not_matter() -> None:
    recipe = ConvolutionRecipe(2)
    graph = Graph(recipe)
    before = graph.convolved(recipe)
    edges = torch.randperm(14, generator=torch.Generator().manual_seed(1))
    for name in ("senders", "receivers", "bonds", "weights"):
        setattr(graph, name, getattr(graph, name)[edges])
    assert close(graph.convolved(recipe), before, 1e-14)
    nodes = torch.randperm(5, generator=torch.Generator().manual_seed(2))
    places = torch.argsort(nodes)
    graph.senders, graph.receivers = places[graph.senders], places[graph.receivers]
    assert close(graph.convolved(recipe, graph.features[nodes]), before[nodes], 1e-14)


def test_no_edges_and_no_nodes() -> None:
    recipe = ConvolutionRecipe(2)
    module = generated(recipe)
    graph = Graph(recipe)
    none = torch.zeros(0, dtype=torch.int64)
    found = module.convolve(
        graph.features, module.frame(graph.bonds[:0]), graph.weights[:0], none, none
    )
    assert torch.equal(found, torch.zeros_like(graph.features))
    found = module.convolve(
        graph.features[:0], module.frame(graph.bonds[:0]), graph.weights[:0], none, none
    )
    assert found.shape == (0, 9, 3)


def test_generated_code_on_the_crystals_that_are_shipped() -> None:
    from natural_tensors.examples import names

    found = [load(name) for name in names()]
    stiffness = np.stack([e.values for e in found if e.tensor == "elastic"])
    assert len(stiffness) > 40
    module, target = generated(ELASTIC), reduction("elastic")
    parts = module.decompose(torch.from_numpy(stiffness))
    expected = target.decompose(stiffness, form="voigt")
    for key, part in parts.items():
        gap = np.abs(part.numpy() - expected[key]).max()
        assert gap < 1e-14 * np.abs(stiffness).max()
    assert close(module.reconstruct(parts), stiffness, 1e-14)
    full = generated(TensorRecipe("elastic")).reconstruct(parts)
    assert close(to_voigt(full.numpy()), stiffness, 1e-14)

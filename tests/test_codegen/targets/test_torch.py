"""Generated code as PyTorch: accuracy, derivatives, transformations, equivariance."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck, gradgradcheck

import codegen
from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    Program,
    Recipe,
    RotationRecipe,
    TensorRecipe,
)
from natural_tensors import coupling, harmonic, reduction, rotation, to_voigt
from natural_tensors.examples import load
from tests.helpers.oracles import CLASSES, random_tensor

LONG = np.longdouble
PRECISIONS = [(torch.float64, 1e-14), (torch.float32, 1e-6)]
each_precision = pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)
PARITIES = ("natural", "both", "ignored")
each_parity = pytest.mark.parametrize("parity", PARITIES)
ELASTIC = TensorRecipe("elastic", form="voigt")
RECIPES: list[Recipe] = [
    ELASTIC,
    TensorRecipe("piezoelectric"),
    TensorRecipe("ijkl=-jikl=klij", basis="orthonormal"),
    TensorRecipe("compliance", form="voigt-compliance"),
    TensorRecipe("elastic", form="components"),
    TensorRecipe("ijk", axial=True),
    TensorRecipe("energy"),
    HarmonicsRecipe(3),
    HarmonicsRecipe(0),
    HarmonicsRecipe(3, "legendre", solid=True, cartesian=True),
    CouplingRecipe(2, 2, 3),
    RotationRecipe(2),
    RotationRecipe(0),
    ConvolutionRecipe(2, parity="both"),
    ConvolutionRecipe(1, 2, method="direct"),
    ConvolutionRecipe(0),
    ProductRecipe(2),
]


def label(recipe: Any) -> str:
    return "-".join([recipe.kind, *map(str, recipe.settings().values())])


each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=label)


@pytest.fixture(autouse=True, scope="module")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path_factory.mktemp("generated")))
        yield


@cache
def generated(recipe: Recipe, target: Any = "torch") -> ModuleType:
    return codegen.load(recipe, target)


@cache
def programs(recipe: Recipe) -> tuple[Program, ...]:
    return tuple(f for f in recipe.functions() if isinstance(f, Program))


def sizes(program: Program) -> list[tuple[int, ...]]:
    return [(*a.shape, 2) if a.channels else a.shape for a in program.arguments]


def random_arguments(
    program: Program, batch: Sequence[int] = (5,), dtype: torch.dtype = torch.float64
) -> list[Any]:
    """Return random arguments, two channels, as the generated function takes them."""
    generator = torch.Generator().manual_seed(3)
    arrays = [
        torch.randn((*batch, *size), generator=generator, dtype=dtype) for size in sizes(program)
    ]
    keys = [argument.key for argument in program.arguments]
    return arrays if keys[0] is None else [dict(zip(keys, arrays, strict=True))]


def flat(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value]


def changed(arguments: list[Any], how: Callable[[Any], Any]) -> list[Any]:
    return [{k: how(v) for k, v in a.items()} if isinstance(a, dict) else how(a) for a in arguments]


def close(found: Any, expected: Any, tolerance: float) -> bool:
    for a, b in zip(flat(found), flat(expected), strict=True):
        first = np.asarray(a, dtype=LONG)
        second = np.asarray(b, dtype=LONG)
        assert first.shape == second.shape
        if np.abs(first - second).max(initial=0) > tolerance * np.abs(second).max(initial=1e-300):
            return False
    return True


# --- accuracy -------------------------------------------------------------------------------------

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
    (program,) = programs(CouplingRecipe(*triple))
    x, y = random_arguments(program, dtype=dtype)
    table = coupling(*triple, "component").to_array().astype(LONG)
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


# --- what a graph of atoms does -------------------------------------------------------------------


class Graph:
    """A random graph with bonds, features and radial weights."""

    def __init__(self, recipe: ConvolutionRecipe, dtype: torch.dtype = torch.float64) -> None:
        generator = torch.Generator().manual_seed(7)
        nodes, edges, channels = 5, 14, 3
        self.senders = torch.randint(nodes, (edges,), generator=generator)
        self.receivers = torch.randint(nodes, (edges,), generator=generator)
        bonds = torch.randn(edges, 3, generator=generator, dtype=torch.float64)
        bonds = bonds / bonds.norm(dim=-1, keepdim=True)
        # both poles and the equator among them
        bonds[:3] = torch.tensor([[0.0, 1, 0], [0, -1, 0], [0.6, 0, 0.8]], dtype=torch.float64)
        self.bonds = bonds.to(dtype)
        size = recipe.inputs[-1].slice.stop
        self.features = torch.randn(nodes, size, channels, generator=generator, dtype=dtype)
        self.weights = torch.randn(
            edges, len(recipe.paths), channels, generator=generator, dtype=dtype
        )

    def convolved(self, recipe: ConvolutionRecipe, features: Any = None, bonds: Any = None) -> Any:
        module = generated(recipe)
        geometry = module.frame if recipe.method == "aligned" else module.harmonics
        return module.convolve(
            self.features if features is None else features,
            geometry(self.bonds if bonds is None else bonds),
            self.weights, self.senders, self.receivers,
        )  # fmt: skip

    def expected(self, recipe: ConvolutionRecipe) -> Any:
        """Return the sum over edges and paths of couplings, by dense arrays."""
        x, y, z = self.bonds.numpy().astype(LONG).T
        neighbours = self.features.numpy().astype(LONG)[self.senders]
        total = np.zeros((5, recipe.outputs[-1].slice.stop, 3), dtype=LONG)
        for number, path in enumerate(recipe.paths):
            bond = np.stack(
                [
                    np.sqrt(LONG(r.numerator) / r.denominator)
                    * sum(k * x**a * y**b * z**c for (a, b, c), k in polynomial.items())
                    for polynomial, r in harmonic(path.l2, recipe.normalization).exact()
                ],
                axis=-1,
            )
            table = coupling(path.l1, path.l2, path.l3, recipe.normalization).to_array()
            message = np.einsum(
                "eic,ej,ijk,ec->ekc", neighbours[:, path.source.slice], bond, table.astype(LONG),
                self.weights[:, number].numpy().astype(LONG),
            )  # fmt: skip
            np.add.at(total[:, path.target.slice], self.receivers.numpy(), message)
        return total


CONVOLUTIONS = [
    *(ConvolutionRecipe(2, parity=parity) for parity in PARITIES),
    ConvolutionRecipe(3, parity="both"),
    ConvolutionRecipe(3, 0),
    ConvolutionRecipe(1, 2, "both"),
]
each_convolution = pytest.mark.parametrize("recipe", CONVOLUTIONS, ids=label)


def direct(recipe: ConvolutionRecipe) -> ConvolutionRecipe:
    return ConvolutionRecipe(
        recipe.weight, recipe.input_weight, recipe.parity, "direct", recipe.normalization
    )


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
    first, second, weights = random_arguments(*programs(recipe))
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


# --- ordinary PyTorch -----------------------------------------------------------------------------


@each_recipe
def test_numpy_and_torch_agree(recipe: Recipe) -> None:
    for program in programs(recipe):
        arguments = random_arguments(program)
        expected = getattr(generated(recipe), program.name)(*arguments)
        given = changed(arguments, lambda a: a.numpy())
        found = getattr(generated(recipe, "numpy"), program.name)(*given)
        assert all(isinstance(value, np.ndarray) for value in flat(found))
        if isinstance(expected, dict):
            assert list(found) == list(expected)
        assert close(found, expected, 1e-15 if program.name != "frame" else 1e-14)
    if isinstance(recipe, ConvolutionRecipe):
        graph = Graph(recipe)
        module = generated(recipe, "numpy")
        geometry = module.frame if recipe.method == "aligned" else module.harmonics
        found = module.convolve(
            graph.features.numpy(), geometry(graph.bonds.numpy()), graph.weights.numpy(),
            graph.senders.numpy(), graph.receivers.numpy(),
        )  # fmt: skip
        assert close(found, graph.convolved(recipe), 1e-14)


@each_recipe
def test_no_torchscript(recipe: Recipe) -> None:
    assert "jit" not in codegen.source(recipe)


@each_recipe
def test_any_batch_and_any_memory_layout(recipe: Recipe) -> None:
    module = generated(recipe)
    for program in programs(recipe):
        function = getattr(module, program.name)
        batch = random_arguments(program, (2, 3))
        expected = flat(function(*batch))
        one = flat(function(*changed(batch, lambda a: a[1, 2])))
        assert all(torch.equal(a, b[1, 2]) for a, b in zip(one, expected, strict=True))
        none = flat(function(*changed(batch, lambda a: a[:0])))
        assert [tuple(a.shape) for a in none] == [(0, *b.shape[1:]) for b in expected]
        # every other item of a transposed, wider array
        strided = changed(
            batch, lambda a: torch.stack([a, a], dim=-1).transpose(0, -1).contiguous()
            .transpose(0, -1)[..., 0],
        )  # fmt: skip
        assert not any(a.is_contiguous() for a in flat(strided[0]) if a.ndim > 1)
        found = flat(function(*strided))
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        wide = changed(batch, lambda a: a[:1].expand(2, *a.shape[1:]))
        found = flat(function(*wide))
        assert all(torch.equal(a[0], b[0]) for a, b in zip(found, expected, strict=True))


@each_recipe
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_any_floating_type(recipe: Recipe, dtype: torch.dtype) -> None:
    for program in programs(recipe):
        arguments = random_arguments(program, (4,), torch.float64)
        function = getattr(generated(recipe), program.name)
        found = function(*changed(arguments, lambda a: a.to(dtype)))
        for a, b in zip(flat(found), flat(function(*arguments)), strict=True):
            assert a.dtype == dtype
            error = (a.to(torch.float64) - b).abs().max() / b.abs().max().clamp(min=1e-3)
            assert error < 100 * torch.finfo(dtype).eps


@each_recipe
def test_any_device(recipe: Recipe) -> None:
    """On the meta device nothing may be made elsewhere."""
    for program in programs(recipe):
        arguments = changed(random_arguments(program), lambda a: a.to("meta"))
        found = getattr(generated(recipe), program.name)(*arguments)
        assert all(a.device.type == "meta" for a in flat(found))


@each_recipe
def test_vmap(recipe: Recipe) -> None:
    for program in programs(recipe):
        function = getattr(generated(recipe), program.name)
        arguments = random_arguments(program, (4, 2))
        expected = flat(function(*arguments))
        found = flat(torch.vmap(function)(*arguments))
        assert all(close(a, b, 1e-15) for a, b in zip(found, expected, strict=True))


def test_vmap_over_derivatives_and_over_one_argument() -> None:
    module = generated(HarmonicsRecipe(2))
    vectors = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    jacobian = torch.vmap(torch.func.jacrev(module.harmonics))(vectors)
    assert close(jacobian, torch.vmap(torch.func.jacfwd(module.harmonics))(vectors), 1e-14)
    assert jacobian.shape == (4, 9, 3)
    rotate = generated(RotationRecipe(2))
    (features, frames) = random_arguments(programs(RotationRecipe(2))[2], (4,))
    found = torch.vmap(rotate.rotate, in_dims=(0, None))(features, frames[0])
    assert close(found, rotate.rotate(features, frames[:1].expand(4, -1)), 1e-15)


def leaves(arguments: list[Any]) -> tuple[list[Any], Callable[[tuple[Any, ...]], list[Any]]]:
    """Return the arrays of arguments, and how to make the arguments of arrays again."""
    if not isinstance(arguments[0], dict):
        return arguments, list
    keys = list(arguments[0])
    return list(arguments[0].values()), lambda arrays: [dict(zip(keys, arrays, strict=True))]


@each_recipe
def test_first_and_second_derivatives(recipe: Recipe) -> None:
    for program in programs(recipe):
        arrays, rebuilt = leaves(random_arguments(program, (1,)))
        function = getattr(generated(recipe), program.name)
        fast = program.inputs > 12  # along one direction instead of all
        for array in arrays:
            array.requires_grad_()

        def outputs(*given: Any, f: Any = function, r: Any = rebuilt) -> tuple[Any, ...]:
            return tuple(v for v in flat(f(*r(given))) if v.requires_grad)

        if outputs(*arrays):  # a harmonic of weight 0 is a constant
            assert gradcheck(outputs, arrays, fast_mode=fast)
            if any(type(step.operation).__name__ == "Product" for step in program.steps):
                assert gradgradcheck(outputs, arrays, fast_mode=True)


def direction(x: float, y: float, z: float) -> Any:
    vector = torch.tensor([[x, y, z]], dtype=torch.float64)
    return (vector / vector.norm()).requires_grad_()


@pytest.mark.parametrize(
    "vector",
    [
        (0, 1, 0), (0, -1, 0), (1e-9, 1, -1e-9), (1e-9, -1, 1e-9), (1e-3, -1, 0),
        (0.6, 1e-3, 0.8), (0.6, -1e-3, 0.8), (1, 2, 3), (-3, -2, 1),
    ],
    ids=str,
)  # fmt: skip
def test_derivatives_of_frames_at_and_near_the_poles(vector: Any) -> None:
    frame = generated(RotationRecipe(2)).frame
    given = direction(*vector)
    assert gradcheck(frame, given)
    assert gradgradcheck(frame, given)
    assert torch.isfinite(torch.autograd.functional.jacobian(frame, given)).all()


def test_derivatives_of_frames_on_the_equator_are_those_of_the_upper_chart() -> None:
    frame = generated(RotationRecipe(3)).frame
    first = torch.func.jacrev(frame)
    second = torch.func.jacrev(first)
    on, above, below = (
        torch.tensor([0.6, height, 0.8], dtype=torch.float64) for height in (0, 1e-12, -1e-12)
    )
    for derivative in (frame, first, second):
        assert close(derivative(on), derivative(above), 1e-10)
    assert not close(frame(on), frame(below), 1e-2)


def test_derivatives_of_frames_turn_with_the_direction() -> None:
    """The convolution is smooth across the equator and at the poles, though the frame jumps."""
    recipe = ConvolutionRecipe(2)
    graph = Graph(recipe)
    bonds = graph.bonds.clone().requires_grad_()

    def energy(found: ConvolutionRecipe) -> Any:
        unit = bonds / bonds.norm(dim=-1, keepdim=True)
        (gradient,) = torch.autograd.grad(
            graph.convolved(found, bonds=unit).square().sum(), bonds, create_graph=True
        )
        (second,) = torch.autograd.grad(gradient.square().sum(), bonds)
        return gradient.detach(), second

    for one, other in zip(energy(recipe), energy(direct(recipe)), strict=True):
        assert close(one, other, 1e-12)


def test_derivatives_of_a_whole_convolution() -> None:
    recipe = ConvolutionRecipe(1, parity="both")
    graph = Graph(recipe)
    module = generated(recipe)
    vectors = (graph.bonds[:4] * 1.7).requires_grad_()
    features = graph.features[:, :, :1].clone().requires_grad_()
    weights = graph.weights[:4, :, :1].clone().requires_grad_()

    def convolved(features: Any, vectors: Any, weights: Any) -> Any:
        unit = vectors / vectors.norm(dim=-1, keepdim=True)
        frames = module.frame(unit)
        return module.convolve(features, frames, weights, graph.senders[:4], graph.receivers[:4])

    vectors.data[2] = torch.tensor(
        [0.6, 0.1, 0.8], dtype=torch.float64
    )  # off the equator, where the frame jumps
    assert gradcheck(convolved, (features, vectors, weights))
    assert gradgradcheck(convolved, (features, vectors, weights), fast_mode=True)


# --- compiled and exported ------------------------------------------------------------------------

BACKEND = "inductor" if shutil.which("g++") else "aot_eager"


class Whole(torch.nn.Module):
    """A convolution and all that leads to it."""

    def __init__(self) -> None:
        super().__init__()
        self.code = generated(ConvolutionRecipe(1))

    def forward(
        self, features: Any, vectors: Any, weights: Any, senders: Any, receivers: Any
    ) -> Any:
        unit = vectors / vectors.norm(dim=-1, keepdim=True)
        return self.code.convolve(features, self.code.frame(unit), weights, senders, receivers)


class Elastic(torch.nn.Module):
    """All functions of a tensor class."""

    def __init__(self) -> None:
        super().__init__()
        self.code = generated(ELASTIC)

    def forward(self, tensor: Any) -> Any:
        parts = self.code.decompose(tensor)
        return parts, self.code.reconstruct(parts), self.code.unpack(self.code.pack(tensor))


def graph_arguments(count: int) -> tuple[Any, ...]:
    graph = Graph(ConvolutionRecipe(1))
    return (
        graph.features, graph.bonds[:count] * 2, graph.weights[:count],
        graph.senders[:count], graph.receivers[:count],
    )  # fmt: skip


def test_compiled_tensors() -> None:
    module = Elastic()
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend=BACKEND)
    copper = torch.tensor(load("copper").values)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for count in (3, 7):
            tensors = copper * torch.arange(1, count + 1, dtype=torch.float64)[:, None, None]
            found, expected = compiled(tensors), module(tensors)
            assert close(found[0], expected[0], 1e-15)
            assert close(found[1], expected[1], 1e-15)
            assert close(found[2], expected[2], 1e-15)


def test_compiled_convolutions_and_their_gradients() -> None:
    module = Whole()
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend=BACKEND)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for count in (6, 14):
            results = []
            for function in (compiled, module):
                given = graph_arguments(count)
                for array in given[:3]:
                    array.requires_grad_()
                found = function(*given)
                gradients = torch.autograd.grad(found.square().sum(), given[:3])
                results.append([found.detach(), *gradients])
            assert all(close(a, b, 1e-13) for a, b in zip(*results, strict=True))


def test_exported_programs() -> None:
    batch = torch.export.Dim("batch", min=2)
    tensors = torch.from_numpy(np.stack([load("copper").values] * 3))
    exported = torch.export.export(Elastic(), (tensors,), dynamic_shapes=({0: batch},))
    parts, back, _ = exported.module()(tensors[[0, 1, 0, 2]] * 2)
    expected = generated(ELASTIC).decompose(tensors[[0, 1, 0, 2]] * 2)
    assert list(parts) == list(expected)
    assert close(parts, expected, 1e-15)
    assert close(back, tensors[[0, 1, 0, 2]] * 2, 1e-14)
    edges = {0: torch.export.Dim("edges", min=2)}
    shapes = (None, edges, edges, edges, edges)
    exported = torch.export.export(Whole(), graph_arguments(6), dynamic_shapes=shapes)
    found = exported.module()(*graph_arguments(9))
    assert close(found, Whole()(*graph_arguments(9)), 1e-15)


# --- the main job ---------------------------------------------------------------------------------


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

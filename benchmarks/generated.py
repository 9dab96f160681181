"""Generated PyTorch, compiled, and generated C++, against e3nn, dense einsum and sphericart.

sphericart is measured where its packages can be imported, `sphericart` and `sphericart-torch`:

    python -m venv ENV && ENV/bin/pip install --no-deps sphericart==2.0.4 sphericart-torch==2.0.4
    PYTHONPATH=ENV/lib/python3.11/site-packages python -m benchmarks generated
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import torch
from e3nn import o3
from e3nn.io import CartesianTensor
from rich.table import Table
from torch import Tensor

import codegen
from natural_tensors import reduction

from .processes import alone, say
from .rivals.session import growth
from .state import default_dtype
from .timing import interleaved, once

COUNT, TENSORS = 100_000, 1_000
NODES, EDGES = 216, 6048

Function: TypeAlias = Callable[[Tensor], Tensor]


def _elastic_times(kind: torch.dtype, rounds: int) -> dict[str, float]:
    module = codegen.load(codegen.TensorRecipe("elastic", form="components"))
    whole = codegen.load(codegen.TensorRecipe("elastic"))
    components = torch.randn(COUNT, 21)
    full = whole.unpack(module.pack(components))
    rival = CartesianTensor("ijkl=jikl=klij")
    products = rival.reduced_tensor_products()
    dense = products.change_of_basis.to(kind)
    pack: Function = torch.compile(module.pack, fullgraph=True)
    decompose: Function = torch.compile(whole.decompose, fullgraph=True)
    cpp = codegen.load(codegen.TensorRecipe("elastic", form="components"), "cpp")
    whole_cpp = codegen.load(codegen.TensorRecipe("elastic"), "cpp")
    return interleaved(
        {
            "e3nn from_cartesian (81 to 21)": lambda: rival.from_cartesian(full, products),
            "e3nn from_cartesian + to_cartesian": lambda: rival.to_cartesian(
                rival.from_cartesian(full, products), products
            ),
            "dense einsum (81 to 21)": lambda: torch.einsum("zijkl,aijkl->za", full, dense),
            "pack + unpack (81 to 21 to 81), C++": lambda: whole_cpp.unpack(whole_cpp.pack(full)),
            "pack (21 to 21)": lambda: pack(components),
            "pack (21 to 21), C++": lambda: cpp.pack(components),
            "decompose (81 to 101)": lambda: decompose(full),
            "decompose (81 to 101), C++": lambda: whole_cpp.decompose(full),
            "decompose + reconstruct, C++": lambda: whole_cpp.reconstruct(
                whole_cpp.decompose(full)
            ),
            "clone of the components": lambda: components.clone(),
            "clone of the full arrays": lambda: full.clone(),
        },
        rounds,
    )


def _elastic(rounds: int) -> Table:
    table = Table(title="100,000 elastic tensors, generated code compiled, interleaved")
    for column in ("what", "float32 ms", "e3nn / this", "float64 ms", "e3nn / this"):
        table.add_column(column, justify="left" if column == "what" else "right")
    times = []
    for kind in (torch.float32, torch.float64):
        say(f"generated: elastic tensors, {kind}")
        with default_dtype(kind):
            times.append(_elastic_times(kind, rounds))
    for name in times[0]:
        row = [name]
        for found in times:
            first = next(iter(found.values()))
            row += [f"{found[name]:.2f}", f"{first / found[name]:.1f}"]
        table.add_row(*row)
    return table


def _rank_six(rounds: int) -> Table:
    """General tensors of rank 6 in C++, against the matrices of the reduction."""
    say("generated: general tensors of rank 6")
    target, cpp = reduction("ijklmn"), codegen.load(codegen.TensorRecipe("ijklmn"), "cpp")
    tensors = np.random.default_rng(0).standard_normal((TENSORS, *(3,) * 6)).astype(np.float32)
    packed, parts = cpp.pack(tensors), cpp.decompose(tensors)
    table = Table(title=f"{TENSORS:,} general tensors of rank 6 (729 components), float32")
    for column in ("what", "C++ ms", "reduction ms", "reduction / C++"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, given in (
        ("pack", tensors), ("unpack", packed), ("decompose", tensors), ("reconstruct", parts),
    ):  # fmt: skip
        times = interleaved(
            {"ours": partial(getattr(cpp, name), given),
             "matrix": partial(getattr(target, name), given)},
            rounds,
        )  # fmt: skip
        ours, matrix = times["ours"], times["matrix"]
        table.add_row(name, f"{ours:.2f}", f"{matrix:.2f}", f"{matrix / ours:.1f}")
    return table


def _harmonics(rounds: int) -> Table:
    say("generated: harmonics")
    vectors = torch.nn.functional.normalize(torch.randn(COUNT, 3), dim=-1)
    module = codegen.load(codegen.HarmonicsRecipe(4))
    ours: Function = torch.compile(module.harmonics, fullgraph=True)
    degrees = list(range(5))
    theirs: Function = torch.compile(
        lambda v: o3.spherical_harmonics(degrees, v, False, "component"), fullgraph=True
    )
    cpp = codegen.load(codegen.HarmonicsRecipe(4), "cpp")
    functions: dict[str, Callable[[], object]] = {}
    if find_spec("sphericart"):
        import sphericart.torch

        rival = sphericart.torch.SphericalHarmonics(4)
        functions["sphericart"] = lambda: rival.compute(vectors)
    times = interleaved(
        {
            "e3nn": lambda: o3.spherical_harmonics(degrees, vectors, False, "component"),
            "e3nn, compiled": lambda: theirs(vectors),
            "generated, eager": lambda: module.harmonics(vectors),
            "generated, compiled": lambda: ours(vectors),
            "generated, C++": lambda: cpp.harmonics(vectors),
            **functions,
        },
        rounds,
    )
    table = Table(title="Harmonics to weight 4 of 100,000 unit vectors, float32")
    for column in ("what", "ms", "e3nn compiled / this"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, value in times.items():
        table.add_row(name, f"{value:.2f}", f"{times['e3nn, compiled'] / value:.1f}")
    return table


class _Convolution:
    """One case: ours and e3nn's channel-wise tensor product on the same graph, all paths."""

    def __init__(self, weight: int, channels: int) -> None:
        torch.manual_seed(0)
        recipe = codegen.ConvolutionRecipe(weight, parity="ignored")
        self.module = codegen.load(recipe)
        self.paths = len(recipe.paths)
        self.senders = torch.randint(0, NODES, (EDGES,))
        self.receivers = torch.arange(EDGES) * NODES // EDGES
        directions = torch.nn.functional.normalize(torch.randn(EDGES, 3), dim=-1)
        self.frames = self.module.frame(directions)
        self.features = torch.randn(NODES, (weight + 1) ** 2, channels, requires_grad=True)
        self.weights = torch.randn(EDGES, self.paths, channels, requires_grad=True)
        degrees = list(range(weight + 1))
        irreps = o3.Irreps([(channels, (ell, 1)) for ell in degrees])
        bond = o3.Irreps([(1, (ell, 1)) for ell in degrees])
        targets: list[Any] = []
        instructions = []
        for i in degrees:
            for j in degrees:
                for k in range(abs(i - j), min(weight, i + j) + 1):
                    instructions.append((i, j, len(targets), "uvu", True))
                    targets.append((channels, (k, 1)))
        assert len(targets) == self.paths
        self.product = o3.TensorProduct(
            irreps, bond, o3.Irreps(targets), instructions,
            shared_weights=False, internal_weights=False,
        )  # fmt: skip
        self.harmonics = o3.spherical_harmonics(degrees, directions, True, "component")
        self.rival_features = torch.randn(NODES, irreps.dim, requires_grad=True)
        self.rival_weights = torch.randn(EDGES, self.product.weight_numel, requires_grad=True)
        self.compiled: Callable[..., Tensor] = torch.compile(self.module.convolve, fullgraph=True)

    def ours(self) -> Tensor:
        return self.compiled(self.features, self.frames, self.weights, self.senders, self.receivers)

    def theirs(self) -> Any:
        messages = self.product(
            self.rival_features[self.senders], self.harmonics, self.rival_weights
        )
        total = torch.zeros(NODES, messages.shape[1])
        return total.index_add(0, self.receivers, messages)

    def backward(self, result: Callable[[], Any]) -> None:
        for leaf in (self.features, self.weights, self.rival_features, self.rival_weights):
            leaf.grad = None
        result().square().sum().backward()


def forward(function: Callable[[], Any]) -> None:
    """Run without a graph for gradients."""
    with torch.no_grad():
        function()


def _convolutions(rounds: int) -> Table:
    table = Table(
        title=f"Channel-wise convolution, all paths, {EDGES} edges, float32, e3nn eager / ours"
    )
    for column in (
        "weights to", "channels", "paths", "forward ms", "ratio", "forward+backward ms", "ratio",
        "compile s", "peak MB (e3nn)",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for weight, channels in ((2, 64), (3, 64), (4, 32)):
        say(f"generated: convolution to weight {weight}, compiled anew unless it is kept on disk")
        case = _Convolution(weight, channels)
        steps = {"ours": case.ours, "e3nn": case.theirs}
        passes = {who: partial(forward, step) for who, step in steps.items()}
        trainings = {who: partial(case.backward, step) for who, step in steps.items()}
        compiling = once(passes["ours"]) + once(trainings["ours"])
        passing = interleaved(passes, rounds)
        training = interleaved(trainings, max(rounds // 2, 3))
        peaks = [_peak(weight, channels, who) for who in ("ours", "theirs")]
        table.add_row(
            f"{weight}", f"{channels}", f"{case.paths}",
            f"{passing['ours']:.1f}", f"{passing['e3nn'] / passing['ours']:.1f}",
            f"{training['ours']:.1f}", f"{training['e3nn'] / training['ours']:.1f}",
            f"{compiling / 1e3:.0f}", f"{peaks[0]:.0f} ({peaks[1]:.0f})",
        )  # fmt: skip
    return table


def _peak(weight: int, channels: int, who: str) -> float:
    """Return the growth of peak memory over a training step, in a process of its own."""
    code = (
        "from benchmarks.generated import measure_peak;"
        f"print(measure_peak({weight}, {channels}, {who!r}))"
    )
    return float(alone(code))


def measure_peak(weight: int, channels: int, who: str) -> float:
    """Return how far a training step raises the peak, in MB above what it starts from."""
    case = _Convolution(weight, channels)
    step = getattr(case, who)
    case.backward(step)
    return growth(lambda: case.backward(step))


def tables(rounds: int = 11) -> Iterator[Table]:
    """Measure and return the tables of generated code."""
    yield _elastic(rounds)
    yield _rank_six(rounds)
    yield _harmonics(rounds)
    yield _convolutions(max(rounds // 2, 3))

"""Where the time of a potential goes, and how near its kernels come to what the machine can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from carnet_model.compiled import convolution
from carnet_model.network.bonds import Bonds
from carnet_model.network.kernels import Convolution

from . import stages
from .ours import Ours
from .processes import say
from .rivals.session import Session
from .systems import Case, cases
from .timing import interleaved

SHARES = {
    "convolution": ("_Convolve",),
    "product of features": ("_Multiply",),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
}
"""What names of operations belong to; all others are the rest."""


def _machine() -> tuple[float, float]:
    """Return GFlop/s of a large matrix product and GB/s of a copy, float32."""
    square = torch.randn(2048, 2048)
    result = torch.empty_like(square)
    long, to = torch.randn(1 << 25), torch.empty(1 << 25)
    times = interleaved(
        {"product": lambda: torch.mm(square, square, out=result), "copy": lambda: to.copy_(long)},
        7,
    )
    return 2 * 2048**3 / times["product"] / 1e6, 2 * 4 * (1 << 25) / times["copy"] / 1e6


def _nothing(*_: object) -> None:
    """Leave the buffers as they are: the kernel alone is measured."""


def _kernels(case: Case, rounds: int) -> Table:
    ours = Ours(case, "compiled")
    bonds = Bonds(ours.batch, ours.model.basis)
    layer = ours.model.interactions[-1]
    assert isinstance(layer.kernel, Convolution)
    kernel = convolution.convolution_kernel(layer.kernel, case.channels, torch.float32)
    atoms, edges = len(ours.batch.numbers), len(ours.batch.senders)
    features = torch.randn(atoms, layer.kernel.inputs.size, case.channels)
    gradient = torch.randn(atoms, layer.kernel.outputs.size, case.channels)
    hidden = torch.randn(edges, layer.radial.last.weight.shape[1])
    matrix, tangent = layer.radial.last.weight.detach(), torch.randn(edges, 3)
    buffer = kernel.buffer(bonds, features)

    def radial() -> None:
        for begin, end, *_ in kernel.chunks(bonds):
            torch.mm(hidden[begin:end], matrix.t(), out=buffer[: end - begin])

    actions: dict[str, Callable[[], object]] = {
        "radial weights": radial,
        "message": lambda: kernel.message(bonds, features, _nothing),
        "message_vjp": lambda: kernel.vjp(bonds, features, gradient, _nothing, _nothing),
        "message_vjp_vjp": lambda: kernel.vjp_vjp(
            bonds, features, gradient, features, tangent, _nothing, _nothing
        ),
    }
    times = interleaved(actions, rounds)
    kernels = {each.name: each for each in layer.kernel.recipe.kernels()}
    counts = {name: each.counts() for name, each in kernels.items()}
    peak, bandwidth = _machine()
    table = Table(
        title=f"Kernels of the second layer, {case.title}, {edges:,} edges; the machine: "
        f"{peak:.0f} GFlop/s in a matrix product, {bandwidth:.0f} GB/s in a copy"
    )
    for column in ("kernel", "flops per edge", "bytes per edge", "ns per edge", "GFlop/s", "GB/s"):
        table.add_column(column, justify="left" if column == "kernel" else "right")
    for name, milliseconds in times.items():
        if name == "radial weights":
            flops = 2 * matrix.numel()
            moved = 4 * (matrix.shape[0] + matrix.shape[1])
        else:
            flops = (counts[name].multiplications + counts[name].additions) * case.channels
            moved = 4 * sum(
                array.entries * (case.channels if array.channels else 1)
                for array in kernels[name].arrays
                if array.row in ("edge", "chunk", "sender") and isinstance(array.entries, int)
            )
        nanoseconds = 1e6 * milliseconds / edges
        table.add_row(name, f"{flops:,}", f"{moved:,}", f"{nanoseconds:.0f}",
                      f"{flops / nanoseconds:.0f}", f"{moved / nanoseconds:.1f}")  # fmt: skip
    return table


def _profile(case: Case, rounds: int) -> Table:
    table = Table(title=f"Shares of the time, {case.title}, ms in one call")
    for column in ("what", *SHARES, "the rest", "sum"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for mode, action in (("compiled", "forces"), ("compiled, tables", "forces"),
                         ("compiled", "train")):  # fmt: skip
        ours = Ours(case, mode)
        step = Session(ours.network()).train if action == "train" else ours.forces
        for _ in range(3):
            step()
        with profile(activities=[ProfilerActivity.CPU]) as recorded:
            for _ in range(rounds):
                step()
        found = dict.fromkeys([*SHARES, "the rest"], 0.0)
        for event in recorded.key_averages():
            name = next(
                (n for n, starts in SHARES.items() if event.key.startswith(starts)), "the rest"
            )
            found[name] += event.self_cpu_time_total / 1e3 / rounds
        shown = [f"{found[name]:.0f}" for name in (*SHARES, "the rest")]
        table.add_row(f"{action}, {mode}", *shown, f"{sum(found.values()):.0f}")
    return table


def tables(rounds: int = 9) -> Iterator[Table]:
    """Measure and return the tables for silicon: kernels, their shares, the C++ program."""
    case = cases()["silicon"]
    say("roofline: kernels of the second layer")
    yield _kernels(case, rounds)
    say("roofline: shares of the time")
    yield _profile(case, max(rounds // 3, 2))
    say("roofline: stages of the C++ program")
    yield stages.table(case, 2 * rounds)

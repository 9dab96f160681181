"""Where the time of the C++ program goes: flops, bytes and time of each stage, in one thread.

The text of the program is built together with `stages.hpp`, which runs its stages one at a time.
Times are those of the thread's own clock, those of the machine's operations in registers and of a
copy too, so that other work beside it shows in neither but for the caches that are shared.
"""

from __future__ import annotations

import ctypes
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from rich.table import Table

from carnet_model.cpp.library import Bonded
from carnet_model.cpp.weights import shape_of
from carnet_model.cpp.writing import write
from codegen.compiled import toolchain
from codegen.network.shape import LayerShape, NetworkShape
from codegen.pieces.layout import size_of
from codegen.programs.kernel import Kernel

from .systems import Case

ATOMS_AT_ONCE = 12
"""Of the program: so many atoms share a pass over the mixing matrices."""

FLOAT = 4

STAGES = 9
"""Of a layer, by number in `stages.hpp`; of layer 0 there is one, all of a call."""

Key = tuple[int, int]
"""A layer and a stage."""


@dataclass(frozen=True)
class Work:
    """A part of a call.

    Attributes:
        what: its name.
        times: seconds are the sum of the times of stages, each times a number.
        flops: in one call.
        moved: bytes read and written in one call, from wherever they lie.
    """

    what: str
    times: Mapping[Key, int]
    flops: float
    moved: float


def _arithmetic(*kernels: Kernel) -> int:
    counts = [kernel.counts() for kernel in kernels]
    return sum(each.multiplications + each.additions for each in counts)


def _moved(kernel: Kernel, channels: int) -> int:
    """Return the bytes that a kernel reads and writes for a bond, but those of the receiver."""
    return FLOAT * sum(
        array.entries * (channels if array.channels else 1)
        for array in kernel.arrays
        if array.row != "receiver" and isinstance(array.entries, int)
    )


def _of_bonds(shape: NetworkShape, number: int, bonds: int) -> Iterator[Work]:
    layer, channels = shape.layers[number], shape.channels
    frame, message, pulled = layer.convolution.kernels(1)
    sent = size_of(layer.convolution.inputs)
    if number == 0:
        pulled, sent = pulled.without("features_gradient"), 0
    width = len(layer.convolution.paths) * channels

    def work(what: str, stages: Mapping[int, int], flops: int, moved: int) -> Work:
        times = {(number + 1, stage): factor for stage, factor in stages.items()}
        return Work(f"{what}, layer {number + 1}", times, flops * bonds, moved * bonds)

    # made for the message, and with slopes for its gradient; a spline adds up four rows of a table
    yield work("radial weights", {0: 1, 3: 1}, 21 * width, 11 * FLOAT * width)
    yield work(
        "frames", {1: 1, 0: -1, 4: 1, 3: -1}, 2 * _arithmetic(frame), 2 * _moved(frame, channels)
    )
    yield work("message", {2: 1, 1: -1}, _arithmetic(message) * channels, _moved(message, channels))
    yield work(
        "its gradient", {5: 1, 4: -1}, _arithmetic(pulled) * channels, _moved(pulled, channels)
    )
    yield work(
        "what it adds to", {6: 1, 5: -1}, 2 * width + sent * channels,
        FLOAT * (2 * width + 3 * sent * channels),
    )  # fmt: skip


def _of_atoms(shape: NetworkShape, number: int, atoms: int) -> Iterator[Work]:
    layer, channels = shape.layers[number], shape.channels
    products, pulled = _products(layer)
    gates, kept = len(layer.kept) - 1, size_of(layer.kept)
    moments, skipped = size_of(layer.convolution.outputs), size_of(layer.skipped)
    rows = moments + kept * (layer.products + 1) + gates + (skipped if number else 0)
    matrices = (
        len(layer.convolution.outputs) + len(layer.kept) * (layer.products + 1) + gates
        + (len(layer.skipped) if number else 0)
    )  # fmt: skip
    mixing = 2 * rows * channels**2
    moved = FLOAT * (channels * 2 * rows + matrices * channels**2 / ATOMS_AT_ONCE)
    at = number + 1
    # the gradients make the products again
    yield Work(
        f"products, layer {at}", {(at, 7): 2}, 2 * atoms * (mixing + products * channels),
        2 * atoms * moved,
    )  # fmt: skip
    yield Work(
        f"their gradient, layer {at}", {(at, 8): 1, (at, 7): -1},
        atoms * (mixing + pulled * channels), atoms * moved,
    )  # fmt: skip


def _products(layer: LayerShape) -> tuple[int, int]:
    forth = back = 0
    for order in range(layer.products):
        last = order == layer.products - 1
        product, pulled = layer.product.kernels(1, layer.kept if last else None)
        forth += _arithmetic(product)
        back += _arithmetic(pulled.without("weights_gradient"))
    return forth, back


@contextmanager
def _program(case: Case) -> Iterator[tuple[Callable[[Key], float], Callable[[], float]]]:
    """Give what takes the seconds of a stage of a case's program, and of an operation."""
    model, batch = case.model(), case.batch()
    elements = sorted(set(case.geometry.numbers.tolist()))
    if len(elements) > 1:
        raise ValueError("stages are measured for one element")
    bonded = Bonded.of(batch.numbers, batch.receivers, batch.senders, batch.vectors())
    with tempfile.TemporaryDirectory() as folder:
        written = write([model], folder, name="network", elements=elements)
        header = written.header.read_text(encoding="utf-8")
        program = written.source.read_text(encoding="utf-8")
        program = program.replace(f'#include "{written.header.name}"', header)
        program += Path(__file__).with_name("stages.hpp").read_text(encoding="utf-8")
        name = f"stages_{hashlib.sha256(program.encode()).hexdigest()[:12]}"
        library = toolchain.built(
            name, lambda: program, ["-O3"], lambda path: ctypes.CDLL(str(path))
        )
        library.stages_open.restype = ctypes.c_void_p
        library.stages_seconds.restype = ctypes.c_double
        library.stages_operation.restype = ctypes.c_double
        said = ctypes.create_string_buffer(200)
        opened = library.stages_open(
            str(written.weights).encode(), ctypes.c_int32(elements[0]),
            ctypes.c_int64(len(bonded.numbers)), ctypes.c_void_p(bonded.numbers.ctypes.data),
            ctypes.c_int64(len(bonded.receivers)), ctypes.c_void_p(bonded.receivers.ctypes.data),
            ctypes.c_void_p(bonded.senders.ctypes.data),
            ctypes.c_void_p(bonded.vectors.ctypes.data), said, ctypes.c_size_t(len(said)),
        )  # fmt: skip
    if not opened:
        raise RuntimeError(f"the program of {case.title} gives no stages: {said.value.decode()}")
    try:
        yield (
            lambda key: float(library.stages_seconds(ctypes.c_void_p(opened), *key)),
            lambda: float(library.stages_operation(ctypes.c_int64(1_000_000))),
        )
    finally:
        library.stages_close(ctypes.c_void_p(opened))


def _measured(
    case: Case, keys: Sequence[Key], rounds: int
) -> tuple[dict[Key, float], float, float]:
    """Return the seconds of stages, of an operation, and of a byte in a long copy."""
    long, to = torch.ones(1 << 24), torch.ones(1 << 24)
    found: dict[Key, list[float]] = {key: [] for key in keys}
    operations, copies = [], []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _program(case) as (seconds, operation):
            for turn in range(rounds + 1):  # the first one warms up
                for key in keys:
                    found[key] += [seconds(key)] * (turn > 0)
                operations += [operation()] * (turn > 0)
                start = time.thread_time()
                to.copy_(long)
                copies += [(time.thread_time() - start) / (2 * long.nbytes)] * (turn > 0)
    finally:
        torch.set_num_threads(threads)
    return {key: median(each) for key, each in found.items()}, median(operations), median(copies)


def table(case: Case, rounds: int) -> Table:
    """Measure and return the table of a case of one element.

    Args:
        case: system and settings.
        rounds: turns that all stages take; medians are shown.
    """
    atoms, bonds = len(case.geometry), len(case.batch().senders)
    shape = shape_of(case.model(), 1, case.model().targets)
    stages = [(n + 1, k) for n in range(len(shape.layers)) for k in range(STAGES)]
    times, operation, byte = _measured(case, [(0, 0), *stages], rounds)
    works = [
        work
        for n in range(len(shape.layers))
        for work in (*_of_bonds(shape, n, bonds), *_of_atoms(shape, n, atoms))
    ]
    shown = Table(
        title=f"Stages of the C++ program, energy + forces of {case.title}, one thread; the "
        f"machine: {1e-9 / operation:.0f} GFlop/s in registers, {1e-9 / byte:.0f} GB/s in a copy"
    )
    for column in ("stage", "ms", "share", "Mflop", "GFlop/s", "of the peak", "MB", "GB/s",
                   "of the copy"):  # fmt: skip
        shown.add_column(column, justify="left" if column == "stage" else "right")
    whole = times[0, 0]

    def add(what: str, took: float, flops: float, moved: float) -> None:
        shown.add_row(
            what, f"{1e3 * took:.2f}", f"{took / whole:.0%}", f"{flops / 1e6:.0f}",
            f"{flops / took / 1e9:.0f}", f"{flops / took * operation:.0%}", f"{moved / 1e6:.0f}",
            f"{moved / took / 1e9:.0f}", f"{moved / took * byte:.0%}",
        )  # fmt: skip

    taken = 0.0
    for work in works:
        took = sum(factor * times[key] for key, factor in work.times.items())
        taken += took
        add(work.what, took, work.flops, work.moved)
    shown.add_row("the rest", f"{1e3 * (whole - taken):.2f}", f"{1 - taken / whole:.0%}")
    add("all", whole, sum(work.flops for work in works), sum(work.moved for work in works))
    return shown

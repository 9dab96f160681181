"""Many elastic tensors in float64: ours against e3nn's CartesianTensor with cached products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from e3nn.io import CartesianTensor
from rich.table import Table

from natural_tensors import reduction

from .processes import say
from .state import default_dtype
from .timing import interleaved

COUNT = 100_000


def tables(rounds: int = 11, count: int = COUNT) -> Iterator[Table]:
    """Measure and return the table of decompositions.

    Args:
        rounds: how often each is measured.
        count: number of tensors.
    """
    say(f"numeric: {count:,} elastic tensors, rounds: {rounds}")
    with default_dtype(torch.float64):
        table = _table(rounds, count)
    yield table


def _table(rounds: int, count: int) -> Table:
    elastic = reduction("elastic")
    rng = np.random.default_rng(0)
    components = rng.standard_normal((count, 21))
    full = elastic.convert(components, source="components", target="full")
    tensor = torch.from_numpy(full)
    rival = CartesianTensor("ijkl=jikl=klij")
    products = rival.reduced_tensor_products()

    def round_trip(invalid: str) -> object:
        parts = elastic.decompose(full, invalid=invalid)  # type: ignore[arg-type]
        return elastic.reconstruct(parts, invalid=invalid)  # type: ignore[arg-type]

    def packed(invalid: str) -> object:
        coordinates = elastic.pack(components, form="components", invalid=invalid)  # type: ignore[arg-type]
        return elastic.unpack(coordinates, form="components")

    times = interleaved(
        {
            "e3nn from_cartesian + to_cartesian, full arrays": lambda: rival.to_cartesian(
                rival.from_cartesian(tensor, products), products
            ),
            "pack + unpack, 21 components": lambda: packed("raise"),
            "pack + unpack, 21 components, unchecked": lambda: packed("ignore"),
            "decompose + reconstruct, full arrays": lambda: round_trip("raise"),
            "decompose + reconstruct, full arrays, unchecked": lambda: round_trip("ignore"),
            "copy of the full arrays (memory floor)": lambda: full.copy(),
        },
        rounds,
    )
    # bytes that must move: full in, parts out, parts in, full out
    moved = count * 8 * (81 + 101 + 101 + 81)
    copied = count * 8 * 81 * 2
    bandwidth = copied / times["copy of the full arrays (memory floor)"]
    rival_time = times["e3nn from_cartesian + to_cartesian, full arrays"]
    table = Table(title=f"{count:,} elastic tensors, float64, interleaved in one process")
    for column in ("what", "ms", "e3nn / this", "share of copy bandwidth"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, value in times.items():
        share = f"{moved / value / bandwidth:.2f}" if name.startswith("decompose") else ""
        table.add_row(name, f"{value:.2f}", f"{rival_time / value:.1f}", share)
    return table

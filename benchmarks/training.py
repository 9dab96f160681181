"""Training at scale: steps divided among processes, samples on disk, two processes against one.

Rates are by processor time, which other work on the machine changes little.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np
import pyarrow as pa
from rich.table import Table

from carnet_model.data.examples import Example
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry
from carnet_model.training.batches import StepData, Steps, join_samples
from carnet_model.training.label_tensors import labels_of_target
from carnet_model.training.sample_store import Store, StoredSamples, StoreWriter
from carnet_model.training.sources import labels_named

from .processes import alone, say

TARGET = Target("energy")
CUTOFF = 5.0
BATCH = 32

MOST_STEPS = 2000
"""Steps of an epoch that are measured, in their random order."""

LAUNCHED = "from carnet_model.cli import main; main()"
"""What torchrun starts in each process."""


def example(draw: np.random.Generator, number: int) -> Example:
    """Return a distorted cell of a binary compound, 2 to 16 atoms, with energy and forces."""
    repeats = draw.integers(1, 3, 3)
    sites = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
    corners = np.array(list(np.ndindex(*repeats)))
    positions = 2.9 * (corners[:, None] + sites).reshape(-1, 3)
    positions = positions + draw.normal(scale=0.08, size=positions.shape)
    numbers = np.tile(draw.choice([13, 22, 26, 28, 29], 2), len(corners))
    geometry = Geometry(numbers, positions, np.diag(2.9 * repeats.astype(np.float64)), (True,) * 3)
    labels = {
        "energy": np.asarray(float(len(numbers))),
        "forces": draw.normal(size=positions.shape),
    }
    return Example(geometry, labels, identifier=f"structure {number}")


def write(path: Path, distinct: int, copies: int) -> float:
    """Write a store of distinct structures, each so often; return the seconds of the former."""
    draw = np.random.default_rng(0)
    readings = labels_named(["energy", "forces"], [TARGET])
    first = path.with_suffix(".first")
    start = time.process_time()
    with pa.OSFile(str(first), "wb") as sink:
        writer = StoreWriter(sink, CUTOFF)
        for number in range(distinct):
            made = example(draw, number)
            writer.add(made, {"energy": labels_of_target(made, TARGET, readings, even=False)},
                       "train")  # fmt: skip
        writer.finish([])
    seconds = time.process_time() - start
    reader = pa.ipc.open_file(pa.memory_map(str(first)))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as file:
        for _ in range(copies):
            for number in range(reader.num_record_batches):
                block, told = reader.get_batch_with_custom_metadata(number)
                file.write_batch(block, custom_metadata=dict(told or {}))
    first.unlink()
    return seconds


def own_memory() -> float:
    """Return the memory of this process in GB, without the pages of files."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1e6


def epoch(path: str, where: str) -> dict[str, float]:
    """Join all batches of an epoch, from disk or from memory; return rate and memory.

    Args:
        path: of a store.
        where: ``"disk"``, or ``"memory"`` to hold all samples as objects first.
    """
    before = own_memory()
    store = Store(pa.memory_map(path), [TARGET])
    stored = StepData(StoredSamples(store, np.arange(len(store))))
    held = [store.sample(row) for row in range(len(store))] if where == "memory" else []
    start, count = time.process_time(), 0
    for share in itertools.islice(Steps(store.edges, batch=BATCH, seed=0), MOST_STEPS):
        count += len(share.rows)
        if where == "memory":
            join_samples([held[row] for row in share.rows])
        else:
            stored[share]
    seconds = time.process_time() - start
    return {
        "structures": len(store),
        "rate": count / seconds,
        "added": own_memory() - before,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def tables(distinct: int = 256, copies: int = 782, epochs: int = 4) -> Iterator[Table]:
    """Measure and return the tables.

    Args:
        distinct: structures that are made, of the store.
        copies: how often each is in the store.
        epochs: of the trainings by one process and by two.
    """
    yield _division()
    yield _stores(distinct, copies)
    yield _processes(epochs)


def _division() -> Table:
    """Return how long processes wait for the one with most edges, by number and by edges."""
    table = Table(
        title="Steps of 64 structures, two thirds of them of such sizes: share of the time worked"
    )
    for column in ("sizes", "processes", "divided by number %", "divided by edges %"):
        table.add_column(column, justify="left" if column == "sizes" else "right")
    draw = np.random.default_rng(0)
    for name, spread in (("9 to 29 atoms", 0.6), ("6 to 43 atoms", 1.0)):
        edges = np.round(60 * np.clip(16 * np.exp(spread * draw.normal(size=20_000)), 1, 200))
        edges = edges.astype(np.int64)
        for processes in (2, 8):
            busy: dict[str, list[float]] = {"number": [], "edges": []}
            for rows in np.split(draw.permutation(len(edges))[: 64 * 300], 300):
                thin = [edges[rows[rank::processes]].sum() for rank in range(processes)]
                busy["number"].append(mean(thin) / max(thin))
            parts = [
                Steps(edges, batch=64, seed=0, rank=rank, processes=processes)
                for rank in range(processes)
            ]
            for shares in zip(*parts, strict=True):
                loads = [int(edges[list(share.rows)].sum()) for share in shares]
                busy["edges"].append(mean(loads) / max(loads))
            table.add_row(
                name, str(processes), *(f"{100 * mean(values):.1f}" for values in busy.values())
            )
    return table


def _stores(distinct: int, copies: int) -> Table:
    """Return rates and memory of an epoch without a network, from disk and from memory."""
    table = Table(title=f"Samples with energy and forces, cutoff {CUTOFF:g} Å, batches of {BATCH}")
    for column in ("from", "structures", "structures/s", "own memory GB", "file GB"):
        table.add_column(column, justify="left" if column == "from" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for where, times in (("memory", 1), ("disk", 1), ("disk", copies)):
            path = Path(folder) / f"{times}.arrow"
            say(f"training: a store of {times * distinct} structures, read from {where}")
            made = write(path, distinct, times)
            code = (
                "import json, sys; from benchmarks.training import epoch;"
                "print(json.dumps(epoch(sys.argv[1], sys.argv[2])))"
            )
            found = json.loads(alone(code, str(path), where))
            table.add_row(
                where, f"{found['structures']:,}", f"{found['rate']:,.0f}",
                f"{found['added']:.3f}", f"{path.stat().st_size / 1e9:.2f}",
            )  # fmt: skip
        table.caption = f"graphs are built and written at {distinct / made:,.0f} structures/s"
    return table


def _processes(epochs: int) -> Table:
    """Return what a training costs by one process and by two, a thread each."""
    table = Table(title="Elastic network of 48 channels, batches of 32, a thread a process")
    for column in ("processes", "processor seconds for 1,000 structures", "efficiency %"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        draw, records = np.random.default_rng(0), []
        for number in range(256):
            geometry = example(draw, number).geometry
            records.append(
                {
                    "id": f"s{number}", "numbers": geometry.numbers.tolist(), "split": "train",
                    "lattice": geometry.cell.tolist(), "positions": geometry.positions.tolist(),
                    "C": (100 * np.eye(6) + 20).tolist(),
                }
            )  # fmt: skip
        Path(folder, "crystals.json").write_text(json.dumps(records), encoding="utf-8")
        costs = []
        for processes in (1, 2):
            say(f"training: processes: {processes}")
            seconds = [_processor_time(folder, processes, number) for number in (1, 1 + epochs)]
            with Path(folder, f"{processes}-1", "run.json").open(encoding="utf-8") as file:
                size = json.load(file)["train"]
            costs.append(1000 * (seconds[1] - seconds[0]) / (epochs * size))
            share = f"{100 * costs[0] / costs[-1]:.0f}"
            table.add_row(str(processes), f"{costs[-1]:.1f}", share)
    return table


def _processor_time(folder: str, processes: int, epochs: int) -> float:
    """Return the processor seconds of a training, its start included."""
    config = {
        "data": [{"path": "crystals.json", "labels": {"elastic": {"key": "C", "form": "voigt"}}}],
        "network": {"message_weight": 1}, "epochs": epochs, "batch": 32, "threads": 1,
        "output": f"{processes}-{epochs}",
    }  # fmt: skip
    path = Path(folder, f"{processes}-{epochs}.yaml")
    path.write_text(json.dumps(config), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
         str(processes), "--no-python", sys.executable, "-c", LAUNCHED, "train", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

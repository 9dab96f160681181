"""What the choice of how to run networks assumes: seconds to start, and for the work.

The shipped elastic ensemble on crystals of eight atoms, single precision. `GENERATED`, `KERNELS`
and `PROGRAM` of `carnet_model/inference/choice.py` hold these figures. Starts are measured in
processes of their own whose cache is empty, and again with what the first one left there.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from statistics import median

import torch
from rich.table import Table

from carnet_model.inference import choice
from carnet_model.inference.networks import Networks
from carnet_model.inference.programs import build_program
from carnet_model.inference.pytorch import TorchNetworks
from carnet_model.structures.graph import Graph, build
from carnet_model.weights import checkpoint
from carnet_model.weights.shipped import folder_of

from .network import crystals
from .processes import alone, say

WAYS = {"generated": choice.GENERATED, "kernels": choice.KERNELS, "program": choice.PROGRAM}
STARTS = """
import os, sys
os.environ["NATURAL_TENSORS_CACHE"] = sys.argv[1]
from benchmarks.choice import start
print(start(sys.argv[2]))
"""
"""Of a way that is built: the folder of the cache, and its name."""


def networks_of(way: str) -> Networks:
    """Return the ensemble, run in one of `WAYS`, built now where it is not there."""
    folder = folder_of("elastic")
    if way == "program":
        return build_program(folder, "single")[0]
    networks = TorchNetworks(checkpoint.load(folder).models, "single")
    if way == "kernels":
        networks.compile("always")
    return networks


def _respond(networks: Networks, graphs: list[Graph]) -> tuple[float, float]:
    """Return the seconds of an answer, by the clock and of the processors."""
    clock, processors = time.perf_counter(), time.process_time()
    networks.respond(graphs, [target.key for target in networks.targets])
    return time.perf_counter() - clock, time.process_time() - processors


def start(way: str) -> str:
    """Return as JSON the seconds until a first answer, less those of a second one.

    By the clock, and of the processors with those of compilers.
    """
    graphs = [build(crystal, 5.0) for crystal in crystals()]
    reading = networks_of("generated")  # PyTorch and the generated functions are there
    _respond(reading, graphs)
    clock, before = time.perf_counter(), os.times()
    networks = networks_of(way)
    _respond(networks, graphs)
    after = os.times()
    first = time.perf_counter() - clock, sum(after[:4]) - sum(before[:4])
    second = _respond(networks, graphs)
    return json.dumps([ours - theirs for ours, theirs in zip(first, second, strict=True)])


def _starts(way: str) -> tuple[list[float], list[float]]:
    """Return the seconds of a start with an empty cache, and with what that left there."""
    with tempfile.TemporaryDirectory() as folder:
        say(f"choice: {way}, built")
        unbuilt = json.loads(alone(STARTS, folder, way))
        say(f"choice: {way}, found")
        return unbuilt, json.loads(alone(STARTS, folder, way))


def _rates(rounds: int) -> dict[str, tuple[float, float]]:
    """Return the seconds of each way for 10^9 radial weights: the clock's, the processors'."""
    graphs = [build(crystal, 5.0) for crystal in crystals()]
    ways = {way: networks_of(way) for way in WAYS}
    generated = ways["generated"]
    assert isinstance(generated, TorchNetworks)
    work = 1e-9 * generated.work_per_edge * sum(graph.edges for graph in graphs)
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for turn in range(rounds + 1):  # the first one warms up
        say(f"choice: turn {turn} of {rounds}")
        for way, networks in ways.items():
            _respond(networks, graphs)  # its memory is cold after the turns of the others
            found[way] += [_respond(networks, graphs)] * (turn > 0)
    return {
        way: (median(one for one, _ in each) / work, median(one for _, one in each) / work)
        for way, each in found.items()
    }


def tables(rounds: int = 9) -> Iterator[Table]:
    """Measure and return the table, the constants beside what is found."""
    table = Table(
        title=f"Ways to run the shipped elastic ensemble, {torch.get_num_threads()} threads; by "
        "the clock, of all processors (in brackets), and as the choice assumes"
    )
    for column in ("way", "s to start, built", "assumed", "s to start, not built", "assumed",
                   "s for 10^9 weights", "assumed"):  # fmt: skip
        table.add_column(column, justify="left" if column == "way" else "right")
    rates = _rates(rounds)
    for way, cost in WAYS.items():
        unbuilt, built = ([0.0, 0.0], [0.0, 0.0]) if way == "generated" else _starts(way)
        row = []
        for (clock, processors), assumed in zip(
            (built, unbuilt, rates[way]), (cost.built, cost.unbuilt, cost.rate), strict=True
        ):
            row += [f"{clock:.2f} ({processors:.2f})", f"{assumed:g}"]
        table.add_row(way, *row)
    yield table

"""Sizes that the docs state are those of the program: parameters, operations, entries."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain

import carnet_model
from benchmarks.systems import cases
from carnet_model.network.kernels import Convolution
from natural_tensors import catalog
from tests.helpers.cards import card
from tests.helpers.paths import ROOT

PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


def tables(text: str) -> list[list[dict[str, str]]]:
    """Return the tables of a page, each as rows that name their columns."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, _, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()
        )
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_potentials_of_the_comparison_have_as_many_parameters_as_stated() -> None:
    stated = [
        {number(row["parameters"]) for row in table if row[""].startswith("ours")}
        for table in tables(PERFORMANCE)
        if "parameters" in table[0]
    ]
    models = (case.model() for case in cases().values())
    assert stated == [{sum(p.numel() for p in model.parameters())} for model in models]


def test_the_systems_of_the_comparison_are_as_stated() -> None:
    for case in cases().values():
        atoms, edges = len(case.geometry), len(case.batch().senders)
        (channels, weight) = re.findall(
            rf"^{atoms} atoms of .*?, {edges:,} edges,.*? (\d+) channels, weights to (\d)",
            PERFORMANCE, re.M,
        )[0]  # fmt: skip
        assert (int(channels), int(weight)) == (case.channels, case.weight)


def test_the_kernels_need_as_many_operations_as_stated() -> None:
    case = cases()["silicon"]
    layer = case.model().interactions[-1]
    assert isinstance(layer.kernel, Convolution)
    counts = {kernel.name: kernel.counts() for kernel in layer.kernel.recipe.kernels()}
    names = ("message", "message_vjp", "message_vjp_vjp")
    operations = [
        (counts[name].multiplications + counts[name].additions) * case.channels for name in names
    ]
    weights = layer.radial.last.weight
    assert (
        f"({len(layer.kernel.recipe.paths)} paths, {len(weights):,} radial weights" in PERFORMANCE
    )
    (table,) = (table for table in tables(PERFORMANCE) if "flops an edge" in table[0])
    stated = [number(row["flops an edge"]) for row in table]
    assert stated == [2 * weights.numel(), *operations]


def test_the_shipped_networks_have_as_many_parameters_as_their_card_says() -> None:
    pattern = r"(\d+) networks, of ([\d,]+)\s+\(\d+ channels\), ([\d,]+) \(\d+\) and ([\d,]+) "
    ((members, *stated),) = re.findall(pattern, card("elastic"))
    models = carnet_model.load("elastic").models
    sizes = Counter(sum(p.numel() for p in model.parameters()) for model in models)
    assert int(members) == len(models)
    assert sizes == dict(zip(map(number, stated), (1, 1, 1), strict=True))


def test_the_catalogue_is_as_long_as_stated() -> None:
    pages = (ROOT / "CHANGELOG.md", ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    stated = chain.from_iterable(
        re.findall(r"(\d+) (?:named |physical )+tensors", page.read_text(encoding="utf-8"))
        for page in pages
    )
    assert {int(count) for count in stated} == {len(catalog)}

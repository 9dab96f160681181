"""A short campaign, and that a campaign would see what it looks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

from .campaign import Figures, run, table, worker
from .cases import KINDS, Case

QUICK = "structures,tensors,parts,configurations"
"""The kinds that every run of the tests damages; the seed is fixed."""


@pytest.mark.parametrize(
    ("kinds", "cases"),
    [
        (QUICK, 120),
        pytest.param("labels,checkpoints,programs", 180, marks=pytest.mark.slow),
    ],
)
def test_damaged_files_give_a_result_or_an_error(kinds: str, cases: int) -> None:
    figures = Figures()
    run(worker(kinds, seed=1), figures, first=0, count=cases)
    assert not figures.findings, "\n".join(map("\n".join, figures.findings))
    assert figures.cases == cases
    assert figures.counts["result"] > 0.1 * cases
    assert figures.counts["error"] > 0.3 * cases


def test_every_kind_is_damaged_in_the_tests() -> None:
    assert set(f"{QUICK},labels,checkpoints,programs".split(",")) == set(KINDS)


def test_a_case_is_made_again_from_its_label() -> None:
    for kind in ("tensors", "configurations"):
        files = [Case(kind, 3, number).file() for number in range(40)]
        assert files == [Case(kind, 3, number).file() for number in range(40)]
        assert len(set(files)) > 30
        assert files != [Case(kind, 4, number).file() for number in range(40)]


PLANTED = """
import os, signal, sys, time
from tests.campaign.worker import bound_memory, report
def traceback(): raise KeyError("x")
def memory(): return bool(bytearray(3 * 2**30))
def forever():
    while True: pass
def ends(): os.kill(os.getpid(), signal.SIGSEGV)
def asleep(): time.sleep(1000)
def leaves(): os._exit(3)
def good(): return True
def error(): return False
cases = [good, error, traceback, memory, forever, ends, asleep, leaves, good]
first, count = map(int, sys.argv[1:])
bound_memory()
report(((f"{f.__name__} {n}", f) for n, f in enumerate(cases[first:first + count], first)),
       sys.stdout, seconds=0.3)
"""
"""A process whose cases do what a campaign looks for."""


def planted(path: Path) -> Callable[[int, int], Sequence[str]]:
    path.write_text(PLANTED)
    return lambda first, count: [sys.executable, str(path), str(first), str(count)]


def test_a_campaign_sees_what_it_looks_for(tmp_path: Path) -> None:
    figures = Figures()
    run(planted(tmp_path / "planted.py"), figures, first=0, count=9, silence=3.0)
    assert figures.counts == {
        "result": 2, "error": 1, "traceback": 1, "memory": 1, "time": 1, "signal": 3,
    }  # fmt: skip
    found = dict(figures.findings)
    assert "KeyError: 'x'" in found["traceback 2"]
    assert "SIGSEGV" in found["ends 5"]
    assert "SIGKILL" in found["asleep 6"]
    assert "exit code 3" in found["leaves 7"]
    assert figures.slowest > 0.2
    assert "| planted | 9 | 2 | 1 | 1 | 3 | 1 | 1 |" in table({"planted": figures})


def test_more_memory_than_allowed_is_a_finding_though_a_result() -> None:
    figures = Figures()
    figures.add("a", "result", 1.0, 2**31, "")
    assert figures.counts == {"memory": 1}
    assert "2.0 GiB" in figures.findings[0][1]


def test_a_process_that_runs_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("raise SystemExit('nothing here')")
    command = [sys.executable, str(tmp_path / "a.py")]
    with pytest.raises(RuntimeError, match="nothing here"):
        run(lambda first, count: command, Figures(), first=0, count=1)


def test_the_figures_are_stated() -> None:
    """The table of the last long campaign stands in the documentation, without a finding."""
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.split(" | ")[0].strip("| ") in KINDS]
    assert len(rows) == len(KINDS)
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        damaged, results, errors = (int(cell.replace(",", "")) for cell in cells[1:4])
        assert damaged == results + errors
        assert cells[4:8] == ["0"] * 4

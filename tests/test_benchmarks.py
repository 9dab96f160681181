"""The measuring itself: a network in a process of its own answers, and says what is wrong."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest

from benchmarks.rivals.client import Rival
from benchmarks.rivals.worker import growth
from benchmarks.systems import Case, cases, silicon, water
from tests.helpers.paths import ROOT

TINY = Case("8 atoms", silicon(1), channels=4, weight=1, body_order=3)


def rival(name: str, case: Case = TINY) -> Rival:
    return Rival(sys.executable, name, case.record(1), module="benchmarks.ours")


def test_a_network_in_its_own_process_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with rival("eager") as measured:
        assert measured.ready["edges"] == len(TINY.batch().senders)
        assert measured.ready["parameters"] == sum(p.numel() for p in TINY.model().parameters())
        assert measured.ready["forces_rms"] > 0
        assert measured.ms("forces") > 0
        assert measured.ms("train") > 0
        with pytest.raises(ValueError, match="unknown request 'dance'"):
            measured.ms("dance")


def test_a_process_that_ends_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(RuntimeError, match=r"(?s)the worker of eager .*ended.*body_order"):
        rival("eager", replace(TINY, body_order=99))


def test_the_systems_are_those_of_the_comparison() -> None:
    found = {
        name: (len(case.geometry), len(case.batch().senders)) for name, case in cases().items()
    }
    assert found == {"silicon": (216, 6048), "water": (192, 10612)}
    assert len(water(2)) == 24


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="no high-water mark to reset"
)
def test_growth_sees_what_a_step_allocates() -> None:
    kept: list[bytearray] = []
    assert 30 < growth(lambda: kept.append(bytearray(b"x") * (40 << 20))) < 80

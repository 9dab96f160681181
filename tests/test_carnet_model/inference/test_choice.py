"""What runs networks is decided by the work and by what is built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnet_model.compiled import compilation
from carnet_model.cpp.files import ProgramError
from carnet_model.inference import choice, programs
from carnet_model.inference.choice import (
    GENERATED,
    KERNELS,
    PROGRAM,
    expected_edges,
    fastest,
    for_work,
)
from carnet_model.inference.pytorch import TorchNetworks
from carnet_model.structures.graph import build
from codegen.compiled.toolchain import BuildError
from tests.helpers.tiny_models import CRYSTALS, network
from tests.helpers.tiny_quartz import water

CRYSTAL = CRYSTALS["mp-101"]


def test_the_way_that_ends_soonest_is_taken() -> None:
    for work in np.geomspace(1e-3, 1e4, 30):
        for kernels in (True, False):
            for buildable in (True, False):
                way = fastest(work, kernels=kernels, buildable=buildable)
                chosen = {
                    GENERATED: GENERATED.rate * work,
                    KERNELS: (KERNELS.built if kernels else KERNELS.unbuilt) + KERNELS.rate * work,
                    PROGRAM: PROGRAM.unbuilt + PROGRAM.rate * work,
                }
                assert buildable or way is not PROGRAM
                allowed = [each for each in chosen if buildable or each is not PROGRAM]
                assert chosen[way] == min(chosen[each] for each in allowed)


def test_kernels_on_disk_are_taken_for_less_work() -> None:
    between = 0.5 * (
        KERNELS.built / (GENERATED.rate - KERNELS.rate)
        + KERNELS.unbuilt / (GENERATED.rate - KERNELS.rate)
    )
    assert fastest(between, kernels=True, buildable=False) is KERNELS
    assert fastest(between, kernels=False, buildable=False) is GENERATED


@pytest.mark.parametrize("cutoff", [4.0, 6.0])
def test_bonds_are_expected_from_the_density(cutoff: float) -> None:
    for crystal in CRYSTALS.values():
        edges = build(crystal, cutoff).edges
        # the density within the cutoff of an atom is that of the crystal, to some shells
        assert 0.4 * edges < expected_edges(crystal, cutoff) < 2.5 * edges
    molecule = water()
    assert expected_edges(molecule, cutoff) == 6


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compile nothing; return what was asked for. The cache holds no kernels."""
    asked: list[str] = []

    def note(model: object, mode: str) -> None:
        asked.append(mode)

    monkeypatch.setattr("carnet_model.inference.pytorch.compile_kernels", note)
    monkeypatch.setattr(compilation, "kernels_are_kept", lambda models: False)
    return asked


def networks(folder: Path | None = None) -> TorchNetworks:
    return TorchNetworks([network(), network(1)], "single", folder)


def test_little_work_is_done_at_once(compiled: list[str]) -> None:
    given = networks()
    assert for_work(given, [CRYSTAL]) is given
    assert not compiled


def test_much_work_repays_kernels_whatever_the_number_of_structures(compiled: list[str]) -> None:
    given = networks()
    one = 1e-9 * expected_edges(CRYSTAL, given.cutoff) * given.work_per_edge
    many = int(2 * KERNELS.unbuilt / (GENERATED.rate - KERNELS.rate) / one)
    assert for_work(given, [CRYSTAL] * many) is given
    assert compiled == ["auto", "auto"]
    assert for_work(given, [CRYSTAL] * many) is given  # they stay compiled
    assert len(compiled) == 2


def test_a_program_is_built_first_where_that_pays(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(choice, "fastest", lambda work, **_: PROGRAM)
    monkeypatch.setattr(choice, "WORTH_ASKING", 0.0)
    monkeypatch.setenv(programs.VARIABLE, "auto")
    monkeypatch.setattr(choice, "build_program", lambda folder, precision: ((folder, precision), 1))
    found: object = for_work(networks(tmp_path), [CRYSTAL])
    assert found == (tmp_path, "single")

    def refused(folder: Path, precision: str) -> None:
        raise ProgramError("no")

    monkeypatch.setattr(choice, "build_program", refused)
    given = networks(tmp_path)
    assert for_work(given, [CRYSTAL]) is given
    assert compiled == ["auto", "auto"]


def test_nothing_is_compiled_without_a_compiler(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(models: object) -> bool:
        raise BuildError("there is no C++ compiler")

    monkeypatch.setattr(compilation, "kernels_are_kept", none)
    monkeypatch.setattr(choice, "WORTH_ASKING", 0.0)
    given = networks()
    assert for_work(given, [CRYSTAL]) is given
    assert not compiled

"""The loop of commands that compute one structure after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from ase.build import bulk

from carnet_model.cli.relaxing import Stopped, build_for_next_time, end, results_of
from carnet_model.inference import background
from carnet_model.prediction.result import Failure
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from natural_tensors.errors import InputError
from natural_tensors.files.saving import FileError

LOST = Failure("lost.cif", "there is no such file")
ENTRIES: Sequence[Geometry | Failure] = [
    geometry(bulk("Cu"), name="cu"), LOST, geometry(bulk("Al"), name="al"), geometry(bulk("Si")),
]  # fmt: skip


def unlucky(error: BaseException) -> Callable[[int, Geometry, Callable[[Any], None]], str]:
    """Return what fails at the second crystal."""

    def compute(place: int, entry: Geometry, tell: Callable[[Any], None]) -> str:
        tell("begins")
        if place == 2:
            raise error
        return f"{place} {entry.formula}"

    return compute


@pytest.mark.parametrize(
    ("error", "reason", "remedy"),
    [
        (InputError("al: too hot\ncool it"), "too hot", "cool it"),
        (ValueError("boom"), "it could not be computed: ValueError: boom",
         "the other structures are not affected"),
    ],
)  # fmt: skip
def test_one_of_several_costs_none_of_the_others(
    error: Exception, reason: str, remedy: str
) -> None:
    results, interrupted = results_of(ENTRIES, unlucky(error), shown=False)
    assert not interrupted
    assert results[:2] == ["0 Cu", LOST]
    assert results[3] == "3 Si"
    assert isinstance(failed := results[2], Failure)
    assert (failed.name, failed.reason, failed.remedy) == ("al", reason, remedy)


def test_an_interruption_keeps_what_is_done_and_what_was_reached() -> None:
    results, interrupted = results_of(ENTRIES, unlucky(KeyboardInterrupt()), shown=False)
    assert interrupted
    assert results[:2] == ["0 Cu", LOST]
    assert [isinstance(each, Failure) and each.is_unreached for each in results[2:]] == [True] * 2
    results, interrupted = results_of(ENTRIES, unlucky(Stopped("half")), shown=False)
    assert interrupted
    assert results[2] == "half"


def test_results_are_saved_as_it_goes_and_at_the_end() -> None:
    saved: list[int] = []

    def save(results: Sequence[str | Failure]) -> None:
        saved.append(sum(isinstance(each, str) for each in results))

    error = ValueError("boom")
    results_of(ENTRIES, unlucky(error), shown=False, save=save, every=0.0)
    assert saved == [1, 1, 1, 2, 2]
    saved.clear()
    results_of(ENTRIES, unlucky(error), shown=False, save=save)
    assert saved == [2]
    saved.clear()
    results_of(ENTRIES, unlucky(KeyboardInterrupt()), shown=False, save=save)
    assert saved == [1]


def test_results_that_cannot_be_kept_end_it_all() -> None:
    with pytest.raises(FileError, match="disk is full"):
        results_of(ENTRIES, unlucky(FileError("a.cif: disk is full")), shown=False)


@pytest.mark.parametrize(
    ("results", "interrupted", "kept", "code", "said"),
    [
        (["a", LOST], False, None, None, "error: lost.cif: there is no such file"),
        ([LOST], False, None, 1, "error: lost.cif"),
        (["a", LOST], True, "a.json", 130, "interrupted: 1 of 2 are done\n  they are in a.json"),
        (["a", LOST], True, None, 130, "they are printed above"),
    ],
)
def test_the_end_says_what_failed_and_what_is_kept(
    results: Sequence[object], interrupted: bool, kept: str | None, code: int | None, said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if code is None:
        end(results, interrupted, kept)
    else:
        with pytest.raises(typer.Exit) as stop:
            end(results, interrupted, kept)
        assert stop.value.exit_code == code
    assert said in capsys.readouterr().err


def test_the_program_of_weights_of_ours_is_built_for_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[str, str]] = []
    monkeypatch.setattr(
        background, "start", lambda folder, precision: started.append((folder.name, precision))
    )
    by_torch = SimpleNamespace(networks=SimpleNamespace(by_program=False, precision="double"))
    by_program = SimpleNamespace(networks=SimpleNamespace(by_program=True, precision="double"))
    build_for_next_time(by_program, "silicon")
    build_for_next_time(SimpleNamespace(), "silicon")
    build_for_next_time(by_torch, "ase.calculators.emt:EMT")
    assert started == []
    build_for_next_time(by_torch, "silicon")
    assert started == [("silicon", "double")]


def test_what_was_not_reached_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        end([Failure.unreached(ENTRIES[0])], True)
    assert capsys.readouterr().err == "error: interrupted: 0 of 1 are done\n"

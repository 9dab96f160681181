"""How `predict` ends early: what was predicted is kept, and temporary files go."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carnet_model.cli import predict as command
from carnet_model.prediction.predictor import Predictor
from natural_tensors.files import saving
from tests.helpers.command_lines import carnet as run
from tests.helpers.processes import dead_process
from tests.helpers.tiny_models import write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def stop_after(count: int, how: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen after so many results."""
    original = Predictor.predict_each

    def stopped(self: Predictor, *args: Any, **options: Any) -> Iterator[Any]:
        for number, found in enumerate(original(self, *args, **options), start=1):
            yield found
            if number == count:
                how()

    monkeypatch.setattr(Predictor, "predict_each", stopped)


def interrupt() -> None:
    raise KeyboardInterrupt


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(("how", "suffix"), [(interrupt, "json"), (terminate, "csv")])
def test_what_was_predicted_is_kept(how: Any, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_crystals(5)
    stop_after(3, how, monkeypatch)
    before = signal.getsignal(signal.SIGTERM)
    result = run("predict", "some.json", "-o", f"out.{suffix}", "--batch", "1", code=130)
    assert signal.getsignal(signal.SIGTERM) is before
    assert "error: interrupted after 3 of 5 structures were predicted" in result.stderr
    assert "all of them are in out." in result.stderr
    if suffix == "json":
        rows = json.loads(Path("out.json").read_text())["predictions"]
    else:
        rows = list(csv.DictReader(Path("out.csv").read_text().splitlines()))
    assert len(rows) == 5
    assert ["stiffness" in row or bool(row.get("C11")) for row in rows] == [True] * 3 + [False] * 2
    assert rows[4]["error"].startswith("the run ended before its turn")
    names = [record["id"] for record in json.loads(Path("some.json").read_text())]
    assert [row["name"] for row in rows] == names


def test_without_a_file_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    write_crystals(5)
    stop_after(2, interrupt, monkeypatch)
    result = run("predict", "some.json", "--format", "csv", "--batch", "1", code=130)
    assert len(list(csv.DictReader(result.stdout.splitlines()))) == 5


def test_a_kill_loses_only_what_came_since_the_last_saving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_crystals(3)
    sizes: list[int] = []

    def look() -> None:
        rows = json.loads(Path("out.json").read_text())["predictions"]
        sizes.append(sum("stiffness" in row for row in rows))

    monkeypatch.setattr(command, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(command, "SHARE_OF_SAVING", 1e9)
    original = Predictor.predict_each

    def watched(self: Predictor, *args: Any, **options: Any) -> Iterator[Any]:
        for found in original(self, *args, **options):
            yield found
            look()

    monkeypatch.setattr(Predictor, "predict_each", watched)
    run("predict", "some.json", "-o", "out.json", "--batch", "1")
    assert sizes == [1, 2, 3]


def test_saving_takes_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    write_crystals(5)
    written = []
    write = saving.write_bytes

    def counted(path: str, content: bytes) -> None:
        written.append(path)
        write(path, content)

    monkeypatch.setattr(saving, "write_bytes", counted)
    run("predict", "some.json", "-o", "out.json", "--batch", "1")
    assert written == ["out.json"]


def test_temporary_files_of_a_killed_run_are_removed() -> None:
    ours, other = (f".{name}.json.new.{dead_process()}.1.tmp" for name in ("out", "other"))
    for name in (ours, other):
        Path(name).write_text("{")
    run("predict", "si.cif", "-o", "out.json", "-q")
    assert [path.name for path in Path.cwd().glob(".*.tmp")] == [other]


def test_names_that_act_reach_no_terminal() -> None:
    name = "evil\n\x1b[2J\x1b]0;title\x07.cif"
    Path("si.cif").rename(name)
    for arguments in (["--full"], ["--format", "extxyz"]):
        result = run("predict", name, "missing\x1b[31m.cif", *arguments)
        assert "\x1b" not in result.output
        assert "\x07" not in result.output
        assert "evil\\n\\x1b[2J" in result.output.replace("\\\\", "\\")


def test_meaningless_structures_on_the_command_line() -> None:
    Path("gas.xyz").write_text(
        '1\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3\nSi 0 0 0\n'
    )
    Path("dense.xyz").write_text(
        '1\nLattice="0 1.5 1.5 1.5 0 1.5 1.5 1.5 0" Properties=species:S:1:pos:R:3\nSi 0 0 0\n'
    )
    result = run("predict", "gas.xyz", "dense.xyz", "si.cif", "si.cif")
    lines = result.stderr.splitlines()
    assert "error: gas.xyz: it is made of separate molecules or atoms" in result.stderr
    assert any(line.startswith("warning: dense.xyz: far from equilibrium:") for line in lines)
    result = run("predict", "gas.xyz", "--anyway")
    assert any(line.startswith("warning: vacuum:") for line in result.stdout.splitlines())

"""C++ programs of checkpoints: built once, found without PyTorch, equal to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from carnet_model.cpp import kept
from carnet_model.cpp.library import Network
from carnet_model.inference import background, program, programs
from carnet_model.prediction.predictor import load
from carnet_model.prediction.result import Prediction
from carnet_model.weights.record import CheckpointError
from natural_tensors.arrays import Floats
from tests.helpers.command_lines import carnet, carnet_error
from tests.helpers.paths import STRUCTURES
from tests.helpers.tiny_models import CRYSTALS, saved

pytestmark = [pytest.mark.slow, pytest.mark.compiler]

NAMES = ("mp-101", "mp-559", "mp-804")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a checkpoint ``model`` and a cache in which its program is built."""
    folder = tmp_path_factory.mktemp("programs")
    saved(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATURAL_TENSORS_CACHE", str(folder / "cache"))
        patch.setenv(programs.VARIABLE, "use")
        said = carnet("build", str(folder / "model"), "--precision", "single").stdout
    assert "single precision: built in" in said
    return folder


@pytest.fixture
def model(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the checkpoint, its cache in use."""
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(place / "cache"))
    monkeypatch.setenv(programs.VARIABLE, "use")
    return place / "model"


def test_predictions_are_those_of_pytorch(model: Path) -> None:
    by_program, by_torch = load(model), load(model, program="never")
    assert by_program.networks.by_program
    assert not by_torch.networks.by_program
    assert by_program.title == by_torch.title
    crystals = [CRYSTALS[name] for name in NAMES]
    for found, expected in zip(
        by_program.predict(crystals), by_torch.predict(crystals), strict=True
    ):
        assert isinstance(found, Prediction)
        assert isinstance(expected, Prediction)
        # float32: some hundred roundings of 6e-8
        np.testing.assert_allclose(found.tensor, expected.tensor, rtol=0, atol=3e-3)
        assert found.uncertainty["relative"] == pytest.approx(
            expected.uncertainty["relative"], rel=1e-3
        )
        assert found.warnings == expected.warnings
        assert found.known == expected.known == found.name
    alone = by_program.predict(crystals[1])
    together = by_program.predict(crystals)[1]
    assert isinstance(together, Prediction)
    np.testing.assert_allclose(alone.tensor, together.tensor, rtol=0, atol=1e-3)
    assert len(by_program.models) == 2  # read by PyTorch when they are asked for


@pytest.mark.parametrize(
    ("allowed", "structures", "expected"), [(1, 3, 1), (2, 3, 1), (2, 1, 2), (8, 3, 2), (1, 1, 1)]
)
def test_threads_are_shared_out(
    model: Path, monkeypatch: pytest.MonkeyPatch, allowed: int, structures: int, expected: int
) -> None:
    predictor = load(model)
    network, taken = predictor.networks.network, []  # type: ignore[attr-defined]

    def tensor(*given: Any, threads: int, **more: Any) -> Floats:
        taken.append(threads)
        return Network.tensor(network, *given, threads=1, **more)

    monkeypatch.setattr(program, "thread_count", lambda: allowed)
    monkeypatch.setattr(network, "tensor", tensor)
    predictor.predict([CRYSTALS[name] for name in NAMES[:structures]])
    assert set(taken) == {expected}


def test_a_program_needs_neither_pytorch_nor_pymatgen(model: Path) -> None:
    code = (
        "import sys; from carnet_model.cli import main;"
        f"sys.argv = ['carnet', 'predict', {str(STRUCTURES / 'si.cif')!r}, '-m', {str(model)!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'pymatgen', 'ase', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    *_, last = done.stdout.splitlines()
    assert "GPa" in done.stdout
    assert last == "[]"


def test_what_is_built_stays(model: Path) -> None:
    said = carnet("build", str(model), "--precision", "single").stdout
    assert "single precision: is built already" in said


def test_another_precision_is_another_program(model: Path) -> None:
    assert not load(model, precision="double").networks.by_program


def test_a_program_of_other_weights_is_not_taken(model: Path, tmp_path: Path) -> None:
    other = saved(tmp_path / "other", seeds=[5])
    assert not load(other).networks.by_program


def test_the_environment_says_whether_programs_are_used(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(programs.VARIABLE, "never")
    assert not load(model).networks.by_program
    monkeypatch.setenv(programs.VARIABLE, "often")
    message = carnet_error("predict", "x.cif", "-m", str(model))
    assert "NATURAL_TENSORS_PROGRAMS is 'often'; allowed: auto, use, never" in message


def test_a_damaged_library_is_not_loaded(model: Path) -> None:
    assert load(model).networks.by_program
    library = next((model.parent / "cache").glob("network_*.so"))
    content = library.read_bytes()
    for damaged in (content[:-1], content):
        library.unlink()  # a library that is loaded is mapped: never written in place
        library.write_bytes(damaged)
        assert load(model).networks.by_program == (damaged == content)


def test_damaged_weights_are_refused_as_without_a_program(model: Path) -> None:
    weights = model / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"x")
    try:
        with pytest.raises(CheckpointError, match="one of them is damaged"):
            load(model)
    finally:
        weights.write_bytes(content)


def test_the_key_follows_what_a_program_depends_on(tmp_path: Path) -> None:
    (tmp_path / "codegen").mkdir()
    file = tmp_path / "codegen" / "part.hpp"
    file.write_text("one")
    before = kept.generator(tmp_path)
    kept.generator.cache_clear()
    file.write_text("another")
    assert kept.generator(tmp_path) != before
    assert kept.key_of("a", "single") != kept.key_of("b", "single")
    assert kept.key_of("a", "single") != kept.key_of("a", "double")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Start no process; return the commands that would have been run."""
    commands: list[list[str]] = []

    def popen(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace()

    replaced = SimpleNamespace(Popen=popen, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(background, "subprocess", replaced)
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(programs.VARIABLE, "auto")
    return commands


def test_builds_in_the_background(started: list[list[str]], tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    assert background.start(folder, "single")
    (command,) = started
    assert command[1:] == ["-m", "carnet_model.inference.background", str(folder), "single"]


def test_no_build_in_the_background_where_it_makes_no_sense(
    started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path / "model")
    key = programs.key_of(folder, json.loads((folder / "model.json").read_text()), "single")
    place = kept.place_of(key)
    place.parent.mkdir(parents=True)
    failed = place.with_name(f"{key}{background.FAILED}")
    failed.write_text("no compiler")
    assert not background.start(folder, "single")  # it failed lately
    os.utime(failed, (0, 0))
    assert background.start(folder, "single")
    monkeypatch.setenv(programs.VARIABLE, "use")
    assert not background.start(folder, "single")
    monkeypatch.setenv(programs.VARIABLE, "auto")
    assert not background.start(tmp_path / "nothing", "single")
    assert len(started) == 1


def test_a_failure_is_noted(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    environment = {**os.environ, "NATURAL_TENSORS_CACHE": str(tmp_path / "cache"), "CXX": "none"}
    command = [sys.executable, "-m", "carnet_model.inference.background", str(folder), "single"]
    subprocess.run(command, check=True, env=environment, timeout=300)
    (note,) = (tmp_path / "cache" / "programs").glob(f"*{background.FAILED}")
    assert "there is no C++ compiler (none)" in note.read_text()


def test_a_detached_process_builds_what_the_next_prediction_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(programs.VARIABLE, "auto")
    folder = saved(tmp_path / "model")
    assert not load(folder).networks.by_program
    assert background.start(folder, "single")
    end = time.monotonic() + 900  # it has the lowest priority
    while programs.opened(folder, "single") is None and time.monotonic() < end:
        time.sleep(0.5)
    assert load(folder).networks.by_program

"""The learner: random numbers, gradients, compiled kernels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from carnet_model.compiled import compilation, compiler
from carnet_model.compiled.mode import Mode
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.training.batches import StepBatch, join_samples
from carnet_model.training.learner import Learner
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from carnet_model.training.run import TrainingInterrupted, train
from tests.helpers.trainings import (
    alloy_config,
    crystal_config,
    energies_and_dipoles,
    interrupted_at,
    prepared,
)

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def test_random_numbers_of_a_resumed_epoch_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, list[float]] = {"whole": [], "parts": []}
    name = "whole"
    step = Learner.training_step

    def noisy(self: Any, batch: Any, index: int) -> Any:
        if self.current_epoch == 2:
            drawn[name].append(float(torch.rand(())))
        return step(self, batch, index)

    monkeypatch.setattr(Learner, "training_step", noisy)
    train(crystal_config(tmp_path, output="whole"), progress=False)
    name = "parts"
    with monkeypatch.context() as patch:
        interrupted_at(patch, 1, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted):
            train(crystal_config(tmp_path, output="parts"), progress=False)
    train(crystal_config(tmp_path, output="parts"), progress=False)
    assert drawn["whole"] == drawn["parts"]


def test_every_parameter_has_a_gradient_whatever_a_batch_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What several devices need: a parameter left out of one loss stops them all."""
    plan = resolve(alloy_config(tmp_path, **energies_and_dipoles(tmp_path)))
    samples = prepare(plan)
    learner = Learner(plan, samples)
    monkeypatch.setattr(learner, "log", lambda *_, **__: None)
    energy = next(s for s in samples.train if s.labels["energy"].known)
    dipole = next(s for s in samples.train if s.labels["dipole"].known)
    for chosen in (energy, dipole):
        learner.zero_grad()
        torch.autograd.backward(learner.training_step(StepBatch(*join_samples([chosen]), 1.0), 0))
        missing = [n for n, p in learner.model.named_parameters() if p.grad is None]
        assert not missing


@pytest.mark.parametrize(
    ("stated", "epochs", "warmup"),
    [
        (10, 50, 10),  # as stated
        (10, 5, 6),  # a fifth of the steps of a short run, 30
        (10**9, 50, 60),
        (0, 50, 1),  # from the first step on
    ],
)
def test_the_warm_up_takes_a_fifth_of_a_run_at_most(
    tmp_path: Path, stated: int, epochs: int, warmup: int
) -> None:
    """The rate rises in equal steps to that of the schedule, and falls from there to its end."""
    rate, share = 0.01, 0.1
    optimizer = {"lr": rate, "warmup_steps": stated, "final_lr_fraction": share}
    plan = resolve(alloy_config(tmp_path, epochs=epochs, optimizer=optimizer))
    learner = Learner(plan, prepare(plan))
    steps = math.ceil(learner.size / 5) * epochs
    assert steps == 6 * epochs  # the numbers above count on it
    settings = learner.configure_optimizers()
    optimize, schedule = settings["optimizer"], settings["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(steps + 1):
        rates.append(optimize.param_groups[0]["lr"])
        optimize.step()
        schedule.step()
    cosine = [share + (1 - share) * (1 + math.cos(math.pi * n / steps)) / 2 for n in range(steps)]
    expected = [rate * value * min(1.0, (n + 1) / warmup) for n, value in enumerate(cosine)]
    assert rates[:-1] == pytest.approx(expected, rel=1e-12)
    assert rates[-1] == pytest.approx(rate * share, rel=1e-12)


def test_without_a_compiler_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler.clear_caches()
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        train(crystal_config(tmp_path, epochs=1, compile="auto"))
        said = [line for line in capsys.readouterr().err.splitlines() if "without compil" in line]
        assert said == [
            "running without compilation, which is slower: there is no C++ compiler "
            "(no-such-compiler)"
        ]
        with pytest.raises(compilation.CompilerError, match="install g"):
            train(crystal_config(tmp_path, epochs=1, compile="always", output="x"), progress=False)
    finally:
        compiler.clear_caches()


def test_compiled_kernels_give_the_same_numbers_and_gradients(tmp_path: Path) -> None:
    config = crystal_config(tmp_path, epochs=1, target="polarization", data=["crystals.json"])
    structures = [sample.graph for sample in prepared(crystal_config(tmp_path)).train[:5]]
    results = []
    modes: tuple[Mode, ...] = ("never", "always")
    for mode in modes:
        torch.manual_seed(0)
        model = CarNet(config.network, config.targets[0])
        assert compilation.compile_kernels(model, mode) is None
        for count in (5, 2):  # another size, the same code
            model.zero_grad()
            (values,) = model(collate(structures[:count])).values()
            values.square().sum().backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        results.append([values.detach(), *gradients])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)

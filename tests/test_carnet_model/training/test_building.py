"""Training from Python: the examples of the guide as a user runs them, and the parts they use."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

import carnet_model
from carnet_model.data.examples import DatasetError, Example
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.training.building import build_network, prepare_examples
from carnet_model.training.config_reading import make_config
from carnet_model.training.learner import Learner
from carnet_model.training.plan import resolve
from carnet_model.training.run import train
from natural_tensors import catalog
from tests.helpers.paths import ROOT
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import NETWORK, alloy_config, crystal_config, prepared, readings

pytestmark = pytest.mark.usefixtures("own_graph_cache")

ELASTIC = Target("elastic")
SETTINGS = NetworkSettings.model_validate(NETWORK)
SOURCE = carnet_model.LabelSource("elastic", key="C", form="upper", unit="GPa")


def guide(heading: str) -> str:
    """Return the first block of Python below a heading of the guide."""
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8").partition(heading)[2]
    found = re.search(r"```python\n(.*?)```", text, re.S)
    assert found is not None
    return found[1]


@pytest.fixture
def crystals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder as the guide wants it, and one thread."""
    (tmp_path / "elastic.json").write_text(json.dumps(RECORDS))
    shutil.copy(ROOT / "docs" / "structures" / "quartz.cif", tmp_path)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_the_loop_of_the_guide_learns(crystals: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = guide("### A loop of your own")
    steps = code[code.index("label =") :].splitlines()
    assert len(steps) <= 20
    small = code.replace("channels=16", "channels=8, layers=1, body_order=3")
    exec(compile(small.replace("5e-3", "1e-2"), "docs/training.md", "exec"), {"__name__": "guide"})
    assert "stiffness" in capsys.readouterr().out
    model = carnet_model.load(crystals / "mine")
    learnt = [record for record in RECORDS if record["split"] == "train"]
    stated = np.array([record["K_VRH"] for record in learnt])
    moduli = [model.predict(record).moduli for record in learnt]
    found = np.array([each.bulk_hill for each in moduli if each is not None])
    # 27 GPa here, 25 as it stands in the guide; a bare CarNet stays at 1 GPa, its start
    assert np.abs(found - stated).mean() < 0.6 * np.abs(stated - np.median(stated)).mean()


@pytest.mark.slow
def test_the_training_of_the_guide_takes_callbacks_and_loggers(crystals: Path) -> None:
    small = f'"network": {NETWORK}, "compile": "never", "threads": 1'
    code = guide("## From Python").replace('"network": {"channels": 16}', small)
    code = code.replace('"epochs": 12', '"epochs": 2')
    assert small in code
    place: dict[str, Any] = {"__name__": "guide"}
    exec(compile(code, "docs/training.md", "exec"), place)
    assert place["model"].predict("quartz.cif").stable
    assert not (crystals / "runs" / "python" / "tensorboard").exists()
    with next((crystals / "logs").rglob("metrics.csv")).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"epoch", "component_mae", "score"} <= rows[0].keys()


class Count(pl.Callback):
    """A callback with a state."""

    def __init__(self) -> None:
        self.epochs = 0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count, and stop after the second epoch."""
        assert isinstance(pl_module, Learner)
        self.epochs += 1
        trainer.should_stop = self.epochs == 2

    def state_dict(self) -> dict[str, Any]:
        """Return the count."""
        return {"epochs": self.epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the count."""
        self.epochs = state_dict["epochs"]


def test_callbacks_take_part_and_keep_their_state(tmp_path: Path) -> None:
    count, logger = Count(), CSVLogger(tmp_path / "logs")
    config = crystal_config(tmp_path, output="run")
    run = train(config, progress=False, callbacks=[count], loggers=[logger])
    assert [record["epoch"] for record in run.history] == [1, 2]
    again = Count()
    run = train(config, progress=False, resume=True, callbacks=[again], loggers=[])
    assert len(run.history) == again.epochs == 3
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_python_and_yaml_build_the_same_network(tmp_path: Path) -> None:
    config = crystal_config(tmp_path, split={})
    plan, samples = resolve(config), prepared(config)
    torch.manual_seed(3)
    learnt = Learner(plan, samples).model
    examples = carnet_model.read_examples(tmp_path / "crystals.json", readings(config))
    mine = prepare_examples(examples, [ELASTIC], SETTINGS)
    torch.manual_seed(3)
    built = build_network(SETTINGS, [ELASTIC], mine)
    assert built.settings == learnt.settings
    assert built.targets == learnt.targets == plan.targets
    for (name, one), other in zip(
        built.state_dict().items(), learnt.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert [len(mine.train), len(mine.val)] == [len(samples.train), len(samples.val)]
    assert mine.fingerprint == samples.fingerprint
    for ours, theirs in zip(mine.train, samples.train, strict=True):
        one, other = ours.labels["elastic"], theirs.labels["elastic"]
        assert vars(one).keys() == vars(other).keys()
        assert all(torch.equal(value, vars(other)[name]) for name, value in vars(one).items())


def test_a_built_network_starts_at_the_mean_of_its_crystals(tmp_path: Path) -> None:
    (tmp_path / "elastic.json").write_text(json.dumps(RECORDS))
    examples = carnet_model.read_examples(tmp_path / "elastic.json", SOURCE)
    samples = prepare_examples(examples, [ELASTIC], SETTINGS)
    graphs = collate([sample.graph for sample in samples.train])
    middle = torch.stack([s.labels["elastic"].tensors[0] for s in samples.train]).mean(dim=0)  # type: ignore[attr-defined]
    torch.manual_seed(0)
    with torch.no_grad():
        built = build_network(SETTINGS, [ELASTIC], samples)(graphs)["elastic"].mean(dim=0)
        bare = CarNet(SETTINGS, ELASTIC)(graphs)["elastic"].mean(dim=0)
    # the mean of logarithms is below the mean, by a half at most on these crystals
    assert 0.5 * middle.norm() < built.norm() < 1.2 * middle.norm()
    assert bare.norm() < 0.1 * middle.norm()


def test_energies_have_forces_and_references(tmp_path: Path) -> None:
    config = alloy_config(tmp_path)
    examples = carnet_model.read_examples(tmp_path / "alloys.xyz", readings(config))
    energy = Target("energy")
    samples = prepare_examples(examples, [energy], config.network)
    assert samples.train[0].labels["energy"].has_derivatives  # type: ignore[attr-defined]
    (output,) = build_network(config.network, [energy], samples).outputs
    assert output.assembly.reference is not None
    assert output.assembly.reference.table[[13, 29]].all()


def test_what_nobody_can_train_on_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elastic.json").write_text(json.dumps(RECORDS))
    examples = carnet_model.read_examples(tmp_path / "elastic.json", SOURCE)
    with pytest.raises(DatasetError, match="no example has a label of dielectric"):
        prepare_examples(examples, [ELASTIC, Target("dielectric")], SETTINGS)
    with pytest.raises(DatasetError, match="no example has a label of elastic"):
        prepare_examples([], [ELASTIC], SETTINGS)
    first = examples[0]
    validates = Example(first.geometry, first.labels, notes={"split": "val"})
    with pytest.raises(DatasetError, match=r"see Example\.split"):
        prepare_examples([validates], [ELASTIC], SETTINGS)


@pytest.mark.parametrize(
    "name", sorted(name for name, entry in catalog.items() if entry.rank < 3 or entry.positive)
)
def test_a_name_means_the_same_in_python_and_yaml(name: str) -> None:
    settings = {"target": name, "data": ["some.json"]}
    assert make_config(settings).targets == (Target(name),)


def test_a_sum_is_not_positive_and_an_unknown_pooling_is_refused() -> None:
    assert not Target("elastic", pooling="sum").positive
    assert Target("elastic", positive=False) != ELASTIC
    with pytest.raises(ValueError, match="pooling is 'max'; allowed: mean, sum, atoms"):
        Target("elastic", pooling="max")  # type: ignore[arg-type]

"""Plans: the configuration resolved, the donor read once, and runs of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carnet_model.network.settings import ConfigError, NetworkSettings, Settings
from carnet_model.training.config import Config, LossSettings, OptimizerSettings
from carnet_model.training.config_reading import make_config
from carnet_model.training.learner import Learner
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from carnet_model.training.run import train
from carnet_model.training.run_folder import start_folder
from carnet_model.weights import checkpoint
from tests.helpers.paths import ROOT
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import alloy_config, crystal_config, fine_tuned, prepared

pytestmark = pytest.mark.usefixtures("own_graph_cache")

GOLDEN = ROOT / "tests" / "golden" / "training-run.json"
"""``config.json`` and the fingerprint of the data of a run, as version 0.1 wrote them."""


def test_targets_with_units_and_weights(tmp_path: Path) -> None:
    targets = [{"name": "elastic", "weight": 2.0}, {"name": "dielectric", "title": "optical"}]
    plan = resolve(make_config({"data": ["a"], "target": targets, "output": str(tmp_path)}))
    assert [(target.key, target.unit) for target in plan.targets] == [
        ("elastic", "GPa"), ("optical", "1"),
    ]  # fmt: skip
    assert plan.target_weights == {"elastic": 2.0, "optical": 1.0}
    assert plan.folder == tmp_path
    assert plan.donor is None
    assert plan.network == plan.config.network


def test_labels_that_fit_no_target_are_refused() -> None:
    config = make_config({"data": ["a"]})
    source = config.data[0].model_validate({"path": "a", "labels": {"forces": {}}})
    with pytest.raises(ConfigError, match="'forces' is no label of elastic"):
        resolve(config.model_copy(update={"data": (source,)}))


def test_a_donor_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(alloy_config(tmp_path, output="first"), progress=False)
    read: list[Any] = []
    load = checkpoint.load

    def counted(folder: str | Path) -> checkpoint.Checkpoint:
        read.append(folder)
        return load(folder)

    monkeypatch.setattr(checkpoint, "load", counted)
    fine_tuned(tmp_path, {"model": str(first.checkpoint), "freeze": ["embedding"]})
    assert read == [Path(first.checkpoint)]


def test_a_donor_gives_the_sizes_of_the_network(tmp_path: Path) -> None:
    first = train(alloy_config(tmp_path, output="first", epochs=1), progress=False)
    config = alloy_config(tmp_path, network={}, start=str(first.checkpoint))
    plan = resolve(config)
    assert plan.donor is not None
    assert plan.network.channels == 8
    assert plan.network.neighbours == plan.donor.model.settings.neighbours
    assert plan.network.pseudo is False  # what followed from the targets of the donor is stated
    assert plan.config.model_copy(update={"network": config.network}) == config


def test_a_run_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """Settings compare equal with those it stored, defaults included, and so do the data."""
    golden = json.loads(GOLDEN.read_text().replace("FOLDER", str(tmp_path)))
    (tmp_path / "crystals.json").write_text(json.dumps(RECORDS))
    for name, values in golden["written"].items():
        config = make_config(values, folder=tmp_path)
        stored = Config.model_validate_json(json.dumps(golden["config"][name]))
        assert resolve(config).config.differences(stored) == []
        known, now = golden["config"][name], config.model_dump(mode="json")
        for source in now["data"]:
            for place in (source, *source["labels"].values()):
                for rule in place["weights"]:
                    assert rule.pop("elements") == []  # came later, too
        parts: dict[str, type[Settings]] = {
            "network": NetworkSettings, "loss": LossSettings, "optimizer": OptimizerSettings
        }  # fmt: skip
        for fields, old, new in (
            (Config.model_fields, known, now),
            *((kind.model_fields, known[key], now.pop(key)) for key, kind in parts.items()),
        ):
            assert {key: new[key] for key in old if key in new} == {
                key: value for key, value in old.items() if key not in parts
            }
            for key in new.keys() - old.keys():  # settings that came later
                assert new[key] == fields[key].default, key
        assert prepared(config).fingerprint == golden["fingerprint"][name]


def test_what_is_resolved_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = resolve(crystal_config(tmp_path))

    def asked(_: Config) -> None:
        raise AssertionError("the configuration was asked for its targets")

    monkeypatch.setattr(Config, "targets", property(asked))
    samples = prepare(plan)
    assert Learner(plan, samples).model.targets == plan.targets
    start_folder(plan, samples)
    assert (plan.folder / "run.json").is_file()

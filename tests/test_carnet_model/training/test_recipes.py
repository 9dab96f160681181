"""The recipes on their data, where these are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carnet_model.data.examples import split_of
from carnet_model.data.moduli import correct, merge
from carnet_model.training.config_reading import read_config
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from tests.helpers.paths import DATA, ROOT

RECIPES = ROOT / "carnet_model" / "recipes"


@pytest.fixture(autouse=True)
def _data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_DATA", str(DATA))


@pytest.mark.parametrize(
    ("recipe", "train", "val"),
    [
        ("dielectric", 862, 83), ("piezoelectric", 659, 66), ("nmr-silicon", 324, 47),
        ("silicon", 194, 20), ("ethanol", 441, 59), ("water-gamma", 212, 12),
    ],
)  # fmt: skip
def test_recipes_read_their_data(recipe: str, train: int, val: int, tmp_path: Path) -> None:
    """Every label is read, no reserved crystal is, and the network starts at the mean label."""
    config = read_config(RECIPES / f"{recipe}.yaml")
    if not all(Path(source.path).exists() for source in config.data):
        pytest.skip("the data set is not at hand; name its folder in NATURAL_TENSORS_DATA")
    short = config.network.model_copy(update={"cutoff": 2.5})  # fewer bonds, quicker graphs
    plan = resolve(config.model_copy(update={"network": short, "start": None}))
    samples = prepare(plan, cache=tmp_path)
    assert (len(samples.train), len(samples.val)) == (train, val)
    assert not {"reserved"} & {
        split_of(sample.formula)
        for sample in (*samples.train, *samples.val)
        if sample.graph.cell.any()
    }
    for target in plan.targets:
        assert all(sample.labels[target.key].known for sample in samples.train)
        scales = samples.scales[target.key]
        assert np.isfinite(scales.scale).all()
        assert (scales.scale > 0).all()


@pytest.mark.slow
def test_the_data_of_the_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are made of the data folder; nothing reserved trains, no formula on both sides."""
    needed = ("elastic", "elastic_teacher", "elastic_teacher2", "mp_moduli", "binary_moduli")
    files = {name: DATA / f"{name}.json.gz" for name in needed}
    if not all(path.exists() for path in files.values()):
        pytest.skip("the data sets are not at hand; name their folder in NATURAL_TENSORS_DATA")
    moduli = tmp_path / "moduli.json.gz"
    merge([files["mp_moduli"], files["binary_moduli"]], moduli)
    teachers = [files["elastic_teacher"], files["elastic_teacher2"]]
    counts = correct(teachers, moduli, tmp_path / "teacher.json.gz")
    assert counts["corrected"] > 1800
    assert counts["no such tensor"] < 5
    (tmp_path / "elastic.json.gz").symlink_to(files["elastic"])
    monkeypatch.setenv("NATURAL_TENSORS_DATA", str(tmp_path))
    config = read_config(RECIPES / "elastic.yaml")
    short = config.network.model_copy(update={"cutoff": 1.5})  # no bonds: only the division counts
    labelled = config.data[:3]  # the last is labelled by networks
    config = config.model_copy(update={"network": short, "start": None, "data": labelled})
    samples = prepare(resolve(config), cache=tmp_path)
    assert {split_of(sample.formula) for sample in samples.train} == {"train"}
    assert {split_of(sample.formula) for sample in samples.val} == {"val"}
    sources = {sample.source for sample in samples.train}
    assert {"dejong2015", "teacher.json.gz", "moduli.json.gz"} <= sources
    assert len(samples.train) > 9000
    assert len(samples.val) > 900

"""Training: data, loss, resume, interruption; tiny networks on forty-one crystals."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carnet_model.compiled import compilation, compiler
from carnet_model.data.examples import DatasetError
from carnet_model.network import graph
from carnet_model.network.model import CarNet
from carnet_model.network.settings import ConfigError
from carnet_model.network.targets import Target
from carnet_model.training import batches, graph_cache, learner, preparation, run_folder, samples
from carnet_model.training.config import Config
from carnet_model.training.config_reading import make_config
from carnet_model.training.label_tensors import TensorLabels
from carnet_model.training.learner import TrainingError
from carnet_model.training.losses import TensorLoss, hill_moduli
from carnet_model.training.run import TrainingInterrupted, train
from carnet_model.weights import checkpoint, state
from natural_tensors import elasticity

CRYSTALS = json.loads(files("natural_tensors.examples").joinpath("dejong2015.json").read_text())
NETWORK = {
    "channels": 3, "layers": 1, "body_order": 2, "radial": 3, "radial_hidden": 4,
    "embedding": 4, "head_hidden": 4, "cutoff": 3.0,
}  # fmt: skip
TENSOR = {"elastic": {"key": "C", "form": "upper", "unit": "GPa"}}
MODULI = {"bulk": {"key": "K_VRH", "unit": "GPa"}, "shear": {"key": "G_VRH", "unit": "GPa"}}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_cache, "cache_folder", lambda: tmp_path / "cache")


def configured(folder: Path, **changes: Any) -> Config:
    place = folder / "crystals.json"
    if not place.exists():
        place.write_text(json.dumps(CRYSTALS))
    values = {
        "data": [{"path": "crystals.json", "labels": TENSOR}],
        "network": NETWORK,
        "split": {"by": "formula", "validation": [10, 40]},
        "epochs": 3,
        "batch": 8,
        "compile": "never",
        "threads": 1,
        "ema": 0.9,
        "optimizer": {"lr": 0.01},
        **changes,
    }
    return make_config(values, folder=folder)


# --- loss -----------------------------------------------------------------------------------------


def stiffnesses(count: int) -> torch.Tensor:
    half = torch.randn(count, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return half @ half.mT + torch.eye(6)


def test_hill_moduli_are_those_of_the_numpy_room() -> None:
    mandel = stiffnesses(5)
    voigt = mandel.numpy() / np.outer([1, 1, 1, *[2**0.5] * 3], [1, 1, 1, *[2**0.5] * 3])
    bulk, shear = hill_moduli(mandel, torch.linalg.inv(mandel))
    expected = elasticity.moduli(voigt)
    np.testing.assert_allclose(bulk, expected.bulk_hill, rtol=1e-10)
    np.testing.assert_allclose(shear, expected.shear_hill, rtol=1e-10)


def labels_of(count: int, **changes: torch.Tensor) -> TensorLabels:
    values = {
        "tensors": torch.zeros(count, 21),
        "coordinates": torch.zeros(count, 21),
        "moduli": torch.full((count, 2), 50.0),
        "tensor_weight": torch.zeros(count),
        "coordinates_weight": torch.zeros(count),
        "moduli_weight": torch.zeros(count, 2),
        "either_sign": torch.zeros(count),
        **changes,
    }
    return TensorLabels(**values)


@pytest.mark.parametrize("part", ["tensor_weight", "coordinates_weight", "moduli_weight"])
def test_each_term_counts_only_where_its_label_is_known(part: str) -> None:
    assembly = CarNet(make_config({"data": ["a"]}).network.model_copy(update=NETWORK), Target(
        "elastic", positive=True)).outputs[0].assembly  # fmt: skip
    loss = TensorLoss(assembly.packing, elastic=True, coordinates=1.0, moduli_scale=50.0)
    coordinates = 0.1 * torch.randn(3, 21, generator=torch.Generator().manual_seed(0))
    coordinates.requires_grad_(True)
    shape = (3, 2) if part == "moduli_weight" else (3,)
    weights = torch.zeros(shape)
    weights[1] = 2.0
    tensors = assembly.packing.pack(torch.linalg.matrix_exp(assembly.packing.unpack(coordinates)))
    value = loss(tensors, coordinates, labels_of(3, **{part: weights}), 3)
    (slope,) = torch.autograd.grad(value, coordinates)
    assert value > 0
    assert slope[1].abs().sum() > 0
    assert not slope[[0, 2]].any()


def test_the_loss_is_smooth_where_prediction_and_label_agree() -> None:
    assembly = CarNet(make_config({"data": ["a"]}).network.model_copy(update=NETWORK), Target(
        "elastic", positive=True)).outputs[0].assembly  # fmt: skip
    loss = TensorLoss(assembly.packing, elastic=True, coordinates=1.0, moduli_scale=50.0)
    coordinates = torch.zeros(1, 21, requires_grad=True)
    tensors = assembly.packing.pack(torch.linalg.matrix_exp(assembly.packing.unpack(coordinates)))
    known = labels_of(
        1, tensors=tensors.detach(), tensor_weight=torch.ones(1), coordinates_weight=torch.ones(1),
        moduli_weight=torch.ones(1, 2),
    )  # fmt: skip
    (slope,) = torch.autograd.grad(loss(tensors, coordinates, known, 1), coordinates)
    assert torch.isfinite(slope).all()


# --- data -----------------------------------------------------------------------------------------


def known(sample: samples.Sample) -> TensorLabels:
    """The labels of the only target."""
    (labels,) = sample.labels.values()
    assert isinstance(labels, TensorLabels)
    return labels


def test_samples_are_divided_weighed_and_counted(tmp_path: Path) -> None:
    rules = [{"when": {"crystal_system": "cubic"}, "weight": 0.5}]
    config = configured(tmp_path, data=[{"path": "crystals.json", "labels": TENSOR,
                                         "weights": rules, "max_atoms": 6}])  # fmt: skip
    found = preparation.prepare(config)
    formulas = {sample.example.formula for sample in found.val}
    assert found.val
    assert not formulas & {sample.example.formula for sample in found.train}
    assert max(sample.graph.atoms for sample in found.train) <= 6
    for sample in found.train:
        cubic = sample.example.notes["crystal_system"] == "cubic"
        assert float(known(sample).tensor_weight) == (0.5 if cubic else 1.0)
        assert known(sample).moduli_weight.unique().tolist() == [0.5 if cubic else 1.0]
    assert {float(known(sample).tensor_weight) for sample in found.val} == {1.0}
    assert "with more than 6 atoms" in found.remarks[0]


def test_partial_labels_and_sources_for_training_only(tmp_path: Path) -> None:
    first = tmp_path / "tensors.json"
    first.write_text(json.dumps(CRYSTALS[:20]))
    whole = configured(
        tmp_path,
        data=[
            {"path": "tensors.json", "labels": TENSOR},
            {"path": "crystals.json", "role": "train", "labels": MODULI},
        ],
    )
    found = preparation.prepare(whole)
    identifiers = [sample.example.identifier for sample in (*found.train, *found.val)]
    assert len(set(identifiers)) == len(identifiers)
    assert any("20 in an earlier source" in remark for remark in found.remarks)
    assert any("given to validation by the split" in remark for remark in found.remarks)
    partial = [sample for sample in found.train if not known(sample).tensor_weight.any()]
    assert partial
    for sample in partial:
        given = [sample.example.notes.get("bulk"), known(sample).moduli[0, 0]]
        assert given[0] is None
        assert float(known(sample).moduli[0, 0]) == pytest.approx(
            float(sample.example.labels["bulk"])
        )
        assert known(sample).moduli_weight.tolist() == [[1.0, 1.0]]


def test_the_range_of_a_label_and_its_own_weight(tmp_path: Path) -> None:
    labels = {
        "elastic": {**TENSOR["elastic"], "weight": 0.25,
                    "weights": [{"when": {"crystal_system": "cubic"}, "weight": 0}]},
        "bulk": {**MODULI["bulk"], "range": [0, 100]},
        "shear": MODULI["shear"],
    }  # fmt: skip
    found = preparation.prepare(
        configured(tmp_path, data=[{"path": "crystals.json", "labels": labels}])
    )
    for sample in found.train:
        assert 0 < known(sample).moduli[0, 0] < 100
        cubic = sample.example.notes["crystal_system"] == "cubic"
        assert float(known(sample).tensor_weight) == (0.0 if cubic else 0.25)
        assert known(sample).moduli_weight.tolist() == [[1.0, 1.0]]


def test_moduli_alone_choose_no_epoch(tmp_path: Path) -> None:
    config = configured(tmp_path, data=[{"path": "crystals.json", "labels": MODULI}], epochs=2)
    run = train(config, progress=False)
    assert "bulk_mae" in run.history[-1]
    assert "score" not in run.history[-1]  # so the last epoch is kept


def test_reserved_crystals_never_enter(tmp_path: Path) -> None:
    reserved = {**CRYSTALS[0], "numbers": [20, 9, 9], "id": "fluorite", "formula": "CaF2",
                "frac": [[0, 0, 0], [0.25] * 3, [0.75] * 3]}  # fmt: skip
    (tmp_path / "crystals.json").write_text(json.dumps([*CRYSTALS, reserved]))
    found = preparation.prepare(configured(tmp_path))
    assert all(sample.example.identifier != "fluorite" for sample in (*found.train, *found.val))
    assert "1 reserved for evaluation" in found.remarks[0]


def test_statistics_are_those_of_a_rotation_invariant_class(tmp_path: Path) -> None:
    found = preparation.prepare(configured(tmp_path)).scales["elastic"]
    assert np.count_nonzero(found.mean) == 2  # the two scalars of an elastic tensor
    assert len(np.unique(found.scale)) == 5  # 1 + 1 + 5 + 5 + 9
    assert found.scale.min() > 0
    assert found.loss["tensor"] > 1


def test_graphs_are_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path)
    first = preparation.prepare(config)
    (stored,) = (tmp_path / "cache").iterdir()
    content = stored.read_bytes()
    monkeypatch.setattr(graph, "build", None)
    second = preparation.prepare(config)
    for one, other in zip(first.train, second.train, strict=True):
        for name in ("senders", "receivers", "shifts", "cell", "positions", "numbers"):
            before, after = getattr(one.graph, name), getattr(other.graph, name)
            assert before.dtype == after.dtype
            assert np.array_equal(before, after)
    monkeypatch.undo()
    monkeypatch.setattr(graph_cache, "cache_folder", lambda: tmp_path / "cache")
    stored.write_bytes(content[:100])
    preparation.prepare(config)
    assert stored.read_bytes() == content


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no structure is left to train on"):
        preparation.prepare(configured(tmp_path, split={"by": "formula", "validation": [0, 100]}))


def test_the_order_of_an_epoch_follows_from_seed_and_epoch() -> None:
    order = batches.EpochOrder(11, 3)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert sorted(first) == sorted(second) == list(range(11))
    assert first != second
    order.set_epoch(0)
    assert list(order) == first
    shares = [list(batches.EpochOrder(11, 3, rank, 2)) for rank in range(2)]
    assert [len(share) for share in shares] == [6, 6]
    assert {*shares[0], *shares[1]} == set(range(11))


# --- runs -----------------------------------------------------------------------------------------


def stop_at(monkeypatch: pytest.MonkeyPatch, epoch: int, error: type[BaseException]) -> None:
    def hook(self: Any, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if (module.current_epoch, index) == (epoch, 1):
            raise error

    monkeypatch.setattr(run_folder.Keeper, "on_train_batch_end", hook)


def test_a_run_learns_and_leaves_everything_behind(tmp_path: Path) -> None:
    config = configured(tmp_path, epochs=6, output="run", keep="best")
    run = train(config, progress=False)
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert set(run.metrics) >= {"component_mae", "bulk_mae", "shear_mae", "youngs_mae"}
    names = {"config.json", "run.json", "metrics.csv", "resume.safetensors", "learning-curve.png"}
    assert names <= {entry.name for entry in run.folder.iterdir()}
    assert (run.folder / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    assert len((run.folder / "metrics.csv").read_text().splitlines()) == 7
    assert json.loads((run.folder / "run.json").read_text())["seed"] == 0
    found = checkpoint.load(run.checkpoint)
    assert found.record["metrics"]["epoch"] == run.metrics["epoch"]
    assert found.fingerprints is not None
    assert len(found.fingerprints) == found.record["structures"]["train"]
    assert found.models[0].settings.neighbours is not None
    assert str(tmp_path) not in (run.checkpoint / "model.json").read_text()
    with pytest.raises(TrainingError, match="finished run"):
        train(config, progress=False)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    whole = train(configured(tmp_path, output="whole"), progress=False)
    config = configured(tmp_path, output="parts")
    with monkeypatch.context() as patch:
        stop_at(patch, 2, error)
        expected = TrainingInterrupted if error is KeyboardInterrupt else error
        with pytest.raises(expected):
            train(config, progress=False)
    parts = train(config, resume=True, progress=False)
    one, other = (state.load_state(run.folder / run_folder.STATE) for run in (whole, parts))
    assert_same(untimed(one), untimed(other), "state")
    assert [r["epoch"] for r in parts.history] == [1, 2, 3]
    weights = [(r.checkpoint / checkpoint.WEIGHTS).read_bytes() for r in (whole, parts)]
    assert weights[0] == weights[1]


def untimed(state: dict[str, Any]) -> dict[str, Any]:
    timed = ("seconds", "crystals_per_second")
    history = [{k: v for k, v in r.items() if k not in timed} for r in state["history"]]
    return {**state, "history": history}


def assert_same(one: Any, other: Any, place: str) -> None:
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert list(one) == list(other), place
        for key in one:
            assert_same(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_same(first, second, f"{place}.{number}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    else:
        assert one == other, place


def test_random_numbers_of_a_resumed_epoch_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, list[float]] = {"whole": [], "parts": []}
    name = "whole"
    step = learner.Learner.training_step

    def noisy(self: Any, batch: Any, index: int) -> Any:
        if self.current_epoch == 2:
            drawn[name].append(float(torch.rand(())))
        return step(self, batch, index)

    monkeypatch.setattr(learner.Learner, "training_step", noisy)
    train(configured(tmp_path, output="whole"), progress=False)
    name = "parts"
    with monkeypatch.context() as patch:
        stop_at(patch, 1, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted):
            train(configured(tmp_path, output="parts"), progress=False)
    train(configured(tmp_path, output="parts"), progress=False)
    assert drawn["whole"] == drawn["parts"]


def test_an_interrupt_in_the_first_epoch_leaves_a_usable_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path, output="run")
    with monkeypatch.context() as patch:
        stop_at(patch, 0, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted, match="after 0 of 3 epochs"):
            train(config, progress=False)
    assert checkpoint.load(tmp_path / "run" / "model").models
    assert len(train(config, progress=False).history) == 3


def test_a_run_with_other_settings_or_data_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path, output="run")
    with monkeypatch.context() as patch:
        stop_at(patch, 1, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted):
            train(config, progress=False)
    other = configured(tmp_path, output="run", epochs=9, optimizer={"lr": 0.5})
    with pytest.raises(TrainingError, match=r"epochs: 3 there, 9 here; optimizer\.lr: 0\.01 there"):
        train(other, progress=False)
    (tmp_path / "crystals.json").write_text(json.dumps(CRYSTALS[1:]))
    with pytest.raises(TrainingError, match="data have changed"):
        train(config, progress=False)
    assert len(train(config, resume=False, progress=False).history) == 3


def test_resume_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to go on with"):
        train(configured(tmp_path, output="none"), resume=True, progress=False)


def test_early_stopping_counts_epochs_without_gain(tmp_path: Path) -> None:
    # nothing is learnt at this rate, so the first epoch stays the best to rounding
    config = configured(tmp_path, epochs=30, early_stopping=1, optimizer={"lr": 5.0, "clip": None})
    run = train(config, progress=False)
    values = [record["component_mae"] for record in run.history]
    assert len(values) < 30
    assert min(values) == values[-2]


def test_early_stopping_needs_validation(tmp_path: Path) -> None:
    config = configured(
        tmp_path, early_stopping=1, split={"by": "formula", "validation": [100, 100]}
    )
    with pytest.raises(ConfigError, match="no structure validates"):
        train(config, progress=False)


def test_training_works_without_validation_and_without_average(tmp_path: Path) -> None:
    config = configured(
        tmp_path, epochs=1, ema=0, split={"by": "formula", "validation": [100, 100]}
    )
    run = train(config, progress=False)
    assert "component_mae" not in run.metrics
    assert checkpoint.load(run.checkpoint).models


def test_another_class_trains_too(tmp_path: Path) -> None:
    records = []
    for number, crystal in enumerate(CRYSTALS[:12]):
        polar = np.linspace(0, 1, 18).reshape(3, 6) + 0.1 * number
        tensor = {"piezo": polar.tolist()}
        records.append({key: crystal[key] for key in ("lattice", "numbers", "frac")} | tensor)
    (tmp_path / "piezo.json").write_text(json.dumps(records))
    labels = {"tensor": {"key": "piezo", "form": "voigt"}}
    config = configured(
        tmp_path, epochs=1, target={"symmetry": "ijk=ikj"}, network=NETWORK | {"body_order": 3},
        data=[{"path": "piezo.json", "labels": labels}],
    )  # fmt: skip
    found = checkpoint.load(train(config, progress=False).checkpoint)
    assert found.targets[0].dimension == 18
    assert not found.models[0].outputs[0].assembly.mean.any()  # no true scalar among its parts


def test_a_label_for_each_atom(tmp_path: Path) -> None:
    records = []
    for crystal in CRYSTALS[:12]:
        places = list(range(0, len(crystal["numbers"]), 2))
        tensors = [(np.eye(3) * place).tolist() for place in places]
        records.append({key: crystal[key] for key in ("lattice", "numbers", "frac")}
                       | {"shielding": tensors, "sites": places})  # fmt: skip
    (tmp_path / "nmr.json").write_text(json.dumps(records))
    labels = {"nmr-shielding": {"key": "shielding", "sites": "sites"}}
    config = configured(
        tmp_path, epochs=1, target={"name": "nmr-shielding", "pooling": "atoms"},
        network=NETWORK | {"body_order": 4},
        data=[{"path": "nmr.json", "labels": labels}],
    )  # fmt: skip
    found = preparation.prepare(config)
    sample = found.train[0]
    assert known(sample).tensors.shape == (sample.graph.atoms, 9)
    assert float(known(sample).tensor_weight.sum()) == pytest.approx(1.0)
    assert train(config, progress=False).history


def test_validation_is_even_over_structures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = []
    for size in (2, 64):
        monkeypatch.setattr(batches, "VALIDATION_BATCH", size)
        config = configured(tmp_path, epochs=1, output=str(size))
        values.append(train(config, progress=False).metrics["component_mae"])
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_settings_of_the_process_are_restored(tmp_path: Path) -> None:
    torch.manual_seed(7)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(configured(tmp_path, epochs=1), progress=False)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


# --- compilation ----------------------------------------------------------------------------------


def test_without_a_compiler_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler.clear_caches()
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        train(configured(tmp_path, epochs=1, compile="auto"))
        said = [line for line in capsys.readouterr().err.splitlines() if "without compil" in line]
        assert said == [
            "running without compilation, which is slower: there is no C++ compiler "
            "(no-such-compiler)"
        ]
        with pytest.raises(compilation.CompilerError, match="install g"):
            train(configured(tmp_path, epochs=1, compile="always", output="x"), progress=False)
    finally:
        compiler.clear_caches()


def test_compiled_kernels_give_the_same_numbers_and_slopes(tmp_path: Path) -> None:
    config = configured(tmp_path, epochs=1, target="polarization", data=["crystals.json"])
    structures = [sample.graph for sample in preparation.prepare(configured(tmp_path)).train[:5]]
    results = []
    for mode in ("never", "always"):
        torch.manual_seed(0)
        model = CarNet(config.network, config.targets[0])
        assert compilation.compile_kernels(model, mode) is None
        for count in (5, 2):  # another size, the same code
            model.zero_grad()
            (values,) = model(graph.collate(structures[:count])).values()
            values.square().sum().backward()
        slopes = [p.grad for p in model.parameters() if p.grad is not None]
        results.append([values.detach(), *slopes])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)

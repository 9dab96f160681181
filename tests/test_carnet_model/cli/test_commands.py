"""The command line `carnet`, as its users meet it: output, files, messages, exit codes."""

from __future__ import annotations

import csv
import gzip
import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase.io import read as ase_read
from pymatgen.core import Lattice, Structure

import natural_tensors as nt
from carnet_model import cli
from carnet_model.data.label_checks import rotate
from carnet_model.weights import shipped
from natural_tensors import from_voigt, to_voigt
from natural_tensors.terminal import missing_package
from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import message
from tests.helpers.tiny_models import CRYSTALS, RECORDS, saved, stiffness

COMMANDS = (
    "predict", "evaluate", "train", "models", "join", "elastic", "export", "data dejong2015",
    "data check",
)  # fmt: skip
TRAIN = [record for record in RECORDS if record["split"] == "train"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as that of the shipped weights, with a model of the usual name."""
    folder = tmp_path_factory.mktemp("weights")
    saved(folder / "elastic")
    return folder


@pytest.fixture(autouse=True)
def beside_a_crystal(own_folder: Path, monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    monkeypatch.setattr(shipped, "WEIGHTS", weights)
    silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.43), ["Si"], [[0, 0, 0]])
    silicon.to("si.cif")


def error_of(*arguments: str, code: int = 2) -> str:
    return message(run(*arguments, code=code))


def crystals(count: int, file: str = "some.json") -> str:
    Path(file).write_text(json.dumps(RECORDS[:count]))
    return file


# --- the program ----------------------------------------------------------------------------------


def test_version() -> None:
    assert run("--version").stdout == f"carnet {nt.__version__} (conventions 1)\n"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_command_the_help_is_shown(arguments: list[str]) -> None:
    text = run(*arguments).stdout
    assert "Exit codes: 0 done; 1 no structure could be predicted" in text
    for command in ("predict", "evaluate", "train", "data", "models"):
        assert f" {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str) -> None:
    text = run(*command.split(), "--help").stdout
    lines = text[text.index("Examples:") :].splitlines()[1:]
    shown = [line.strip() for line in lines if line.strip()]
    assert shown
    for line in shown:
        assert shlex.split(line)[: 1 + len(command.split())] == ["carnet", *command.split()]
        assert len(line) < 78  # or a terminal would break it


def test_a_foreign_codegen_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "natural_tensors.terminal.find_spec",
        lambda _: SimpleNamespace(origin="/elsewhere/codegen.py"),
    )
    assert "the package codegen that Python finds is not ours" in run("models").stderr


@pytest.mark.parametrize("package", ["torch", "pymatgen"])
@pytest.mark.parametrize("command", ["predict si.cif", "evaluate some.json -o report"])
def test_what_to_install_is_said(
    package: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.app, "find_spec", lambda name: None if name == package else True)
    text = error_of(*command.split())
    assert f"the package {package} is not installed" in text
    assert "pip install 'natural-tensors[carnet]'" in text


def test_an_import_that_fails_later_is_explained_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'lightning.x'", name="lightning.x")

    monkeypatch.setattr("carnet_model.cli.predict.load", absent)
    text = error_of("predict", "si.cif")
    assert "the package lightning is not installed" in text
    assert "pip install 'natural-tensors[train]'" in text


def test_other_missing_modules_are_not_explained_away() -> None:
    with pytest.raises(ModuleNotFoundError):
        missing_package({}, ModuleNotFoundError("No module named 'else'", name="else"))


# --- predict --------------------------------------------------------------------------------------


def test_one_crystal_is_printed_in_full() -> None:
    text = run("predict", "si.cif").stdout
    for part in (
        "si.cif", "formula Si", "stiffness [GPa], Voigt order xx yy zz yz xz xy",
        "frame: structure axes",
        "  a    5.4300    0.0000    0.0000", "bulk modulus (Hill, Reuss", "universal anisotropy",
        "mechanically stable", "spread of the ensemble",
    ):  # fmt: skip
        assert part in text, part


def test_many_crystals_are_a_table_unless_asked_otherwise() -> None:
    crystals(5)
    text = run("predict", "some.json").stdout
    assert text.splitlines()[0].split()[:3] == ["name", "formula", "K"]
    assert "mp-16297" in text
    assert "known: mp-559" in text
    assert "stiffness [GPa]" not in text
    assert run("predict", "some.json", "--full").stdout.count("stiffness [GPa]") == 5


def test_a_bad_file_is_one_row_among_good_ones() -> None:
    crystals(4)
    Path("bad.cif").write_text("no crystal at all")
    result = run("predict", "si.cif", "bad.cif", "missing.cif", "some.json", "-o", "out.json")
    assert "error: missing.cif: there is no such file or folder" in result.stderr
    assert "error: there is no such file or folder" in result.stdout
    assert "5 of 7 structures predicted, written to out.json" in result.stdout
    items = json.loads(Path("out.json").read_text())["predictions"]
    assert [item["name"] for item in items][:3] == ["si.cif", "bad.cif", "missing.cif"]
    assert np.shape(items[0]["stiffness"]) == (6, 6)
    assert "error" in items[1]


def test_the_exit_code_is_1_when_nothing_was_predicted() -> None:
    Path("polonium.xyz").write_text(
        '1\nLattice="3.4 0 0 0 3.4 0 0 0 3.4" Properties=species:S:1:pos:R:3\nPo 0 0 0\n'
    )
    text = error_of("predict", "polonium.xyz", code=1)
    assert "polonium.xyz: these weights do not know Po" in text
    assert "they know Li B C" in text


@pytest.mark.parametrize("suffix", ["json", "csv", "extxyz"])
def test_files_hold_what_is_printed_in_their_format(suffix: str) -> None:
    crystals(2)
    run("predict", "some.json", "-o", f"out.{suffix}", "--quiet")
    printed = run("predict", "some.json", "--format", suffix).stdout
    assert Path(f"out.{suffix}").read_text().strip() == printed.strip()


def test_the_formats_agree() -> None:
    crystals(2)
    for suffix in ("json", "csv", "extxyz"):
        assert run("predict", "some.json", "-q", "-o", f"out.{suffix}").output == ""
    item = json.loads(Path("out.json").read_text())["predictions"][1]
    with Path("out.csv").open() as file:
        row = list(csv.DictReader(file))[1]
    atoms = ase_read("out.extxyz", index=1)
    assert float(row["C11"]) == pytest.approx(item["stiffness"][0][0], rel=1e-6)
    assert np.allclose(atoms.info["stiffness"], item["stiffness"], rtol=1e-6)
    assert np.allclose(atoms.cell.array, item["lattice"])


def test_options_of_predict() -> None:
    crystals(3)
    single = json.loads(run("predict", "some.json", "--format", "json").stdout)
    double = json.loads(
        run(
            "predict", "some.json", "--format", "json", "--precision", "double", "--batch", "1"
        ).stdout
    )
    assert (single["precision"], double["precision"]) == ("single", "double")
    assert single["model"] == "elastic"
    for one, other in zip(single["predictions"], double["predictions"], strict=True):
        assert np.allclose(one["stiffness"], other["stiffness"], rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "Missing argument 'FILES...'"),
        (["predict", "si.cif", "-o", "out.xlsx"], "the suffix '.xlsx' names no format"),
        (["predict", "si.cif", "--format", "jsno"], "did you mean 'json'?"),
        (["predict", "si.cif", "--precision", "half"], "'half' is not one of single, double"),
        (["predict", "si.cif", "-m", "elastik"], "did you mean 'elastic'?"),
        (["predict", "si.cif", "-m", "."], "model.json cannot be read"),
        (["predict", "si.cif", "-o", "nowhere/out.json"], "there is no directory"),
        (["predict", "si.cif", "--batch", "0"], "greater than or equal to 1"),
        (["evaluate", "some.json"], "Missing option '--output'"),
        (["evaluate", "none.json", "-o", "report"], "there is no such file"),
        (["evaluate", "some.json", "-o", "r", "--split", "vla"], "did you mean 'val'?"),
        (["evaluate", "some.json", "-o", "r", "--split", "reserved"], "is of the split 'reserved'"),
        (["evaluate", "some.json", "-o", "r", "--key", "elasticity"], "has no 'elasticity'"),
        (["train", "nothing.yaml"], "nothing.yaml: cannot be read"),
        (["data", "check", "some.json", "--drop"], "need --output"),
        (["data", "check", "some.json", "-o", "x.json"], "--output needs one of them"),
        (["data", "dejong2015", "x.txt"], "the suffix '.txt' names no format"),
    ],
)
def test_wrong_input_is_explained(arguments: list[str], message: str) -> None:
    crystals(2)
    assert message in error_of(*arguments)
    assert not Path("x.json").exists()


# --- evaluate -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_evaluate_writes_a_report() -> None:
    crystals(12)
    Path("train.json.gz").write_bytes(gzip.compress(json.dumps(TRAIN[:8]).encode()))
    result = run(
        "evaluate", "some.json", "--split", "train", "--baseline-data", "train.json.gz",
        "--output", "report",
    )  # fmt: skip
    assert "bulk_mae [GPa]" in result.stdout
    assert "median moduli" in result.stdout
    report = json.loads(Path("report/report.json").read_text())
    wanted = sum(record["split"] == "train" for record in RECORDS[:12])
    assert report["predicted"] == report["known"] == wanted
    assert report["baselines"]
    assert Path("report/parity_moduli.png").exists()


@pytest.mark.slow
def test_evaluate_reads_other_labels_and_skips_bad_ones() -> None:
    run("predict", crystals(3), "-q", "-o", "own.extxyz")
    text = Path("own.extxyz").read_text()
    Path("own.extxyz").write_text(text.replace("stiffness=", "other=", 1))
    result = run(
        "evaluate", "own.extxyz", "--key", "stiffness", "--form", "voigt", "--unit", "GPa",
        "-o", "report",
    )  # fmt: skip
    assert "warning: own.extxyz#1: has no 'stiffness'" in result.stderr
    errors = json.loads(Path("report/report.json").read_text())["errors"]["all"]
    assert errors["bulk_mae"]["value"] == pytest.approx(0, abs=1e-3)


# --- train ----------------------------------------------------------------------------------------


def test_the_settings_of_a_training_are_explained() -> None:
    text = run("train", "--help-config").stdout
    for word in ("network:", "cutoff:", "epochs:", "default"):
        assert word in text


@pytest.mark.parametrize(
    ("flag", "resume"), [([], None), (["--resume"], True), (["--fresh"], False)]
)
def test_train_passes_on_what_is_asked(
    flag: list[str], resume: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(
        "carnet_model.training.config_reading.read_config", lambda path: f"config of {path}"
    )

    def train(config: str, **options: Any) -> Any:
        calls.append((config, options))
        return SimpleNamespace(metrics={"loss": 0.25}, checkpoint=Path("run/model"))

    module = SimpleNamespace(train=train)
    monkeypatch.setitem(sys.modules, "carnet_model.training.run", module)
    monkeypatch.setattr("carnet_model.training.run", module, raising=False)
    text = run("train", "config.yaml", *flag).stdout
    assert "try it: carnet predict FILE --model run/model" in text
    assert calls == [("config of config.yaml", {"resume": resume})]


# --- data -----------------------------------------------------------------------------------------


def wrong_frames() -> str:
    """Write three crystals: a good one, one in axes of its own, one with nonsense for a label."""
    good, turned, nonsense = (dict(RECORDS[place]) for place in (0, 9, 16))
    from carnet_model.structures.symmetry import known_frames as frames

    _, rotation = next(iter(frames(CRYSTALS[turned["id"]])))
    if np.allclose(np.abs(rotation), np.eye(3)):
        rotation = np.eye(3)[[2, 0, 1]]
    other = rotate(np.asarray(from_voigt(stiffness(turned))), np.eye(3)[[2, 0, 1]][None])[0]
    turned["C"] = np.asarray(to_voigt(other))[np.triu_indices(6)].tolist()
    nonsense["C"] = np.arange(1.0, 22).tolist()
    Path("data.json").write_text(json.dumps([good, turned, nonsense]))
    return "data.json"


def test_check_finds_labels_that_violate_their_symmetry() -> None:
    result = run("data", "check", wrong_frames(), code=1)
    assert "3 labels checked against their point groups, 2 violate them" in result.stdout
    assert "--average: take the mean over the point group" in result.stdout
    crystals(9)
    clean = run("data", "check", "some.json", "--tolerance", "0.1")
    assert "9 labels checked" in clean.stdout
    assert ", 0 violate them" in clean.stdout


def test_check_writes_what_is_left_in_the_form_it_was_read() -> None:
    wrong_frames()
    run("data", "check", "data.json", "--drop", "-o", "dropped.json")
    (kept,) = json.loads(Path("dropped.json").read_text())
    assert kept["id"] == "mp-559"
    assert np.allclose(kept["C"], RECORDS[0]["C"])
    assert kept["spacegroup"] == RECORDS[0]["spacegroup"]
    text = run("data", "check", "data.json", "--average", "-o", "averaged.json").stdout
    assert "3 of 3 examples written to averaged.json" in text
    assert ", 0 violate them" in run("data", "check", "averaged.json").stdout


def test_check_of_other_labels() -> None:
    records = [{**RECORDS[9], "eps": [[3.0, 0, 0], [0, 3.0, 0], [0, 0, 4.0]]}]
    Path("eps.json").write_text(json.dumps(records))
    text = run("data", "check", "eps.json", "--label", "dielectric", "--key", "eps").stdout
    assert "dielectric: 1 labels checked" in text


def test_the_public_set_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def fetch(path: str, archive: str | None = None) -> str:
        calls.append((path, archive))
        return "3 crystals written"

    monkeypatch.setattr("carnet_model.data.dejong2015.fetch", fetch)
    result = run("data", "dejong2015", "out.json.gz", "--archive", "a.tar.gz")
    assert result.stdout == "3 crystals written\n"
    assert calls == [("out.json.gz", "a.tar.gz")]


# --- models ---------------------------------------------------------------------------------------


def test_models_are_listed_with_their_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = run("models").stdout
    for part in ("elastic", "GPa", "networks", "val.bulk_mae", "12.5"):
        assert part in text
    (entry,) = json.loads(run("models", "--json").stdout)["models"]
    assert entry["metrics"]["val.shear_mae"] == 11.25
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    assert "no weights come with this installation" in run("models").stdout


def test_networks_are_joined_and_their_spread_scaled() -> None:
    for folder in ("a", "b"):
        saved(Path(folder), members=1)
    run("join", "a", "b", "-o", "plain")
    data = crystals(8)
    text = run("join", "a", "b", "-o", "both", "--data", data, "--split", "all").stdout
    assert "2 networks joined in both" in text
    record = json.loads(Path("both/model.json").read_text())
    assert record["metrics"]["all"]["structures"] == 8
    assert record["metrics"]["all"]["bulk_mae"] > 0
    assert record["spread_scale"]["bulk"] > 0
    assert "spread_scale" not in json.loads(Path("plain/model.json").read_text())
    assert "none of its 8 examples" in error_of(
        "join", "a", "b", "-o", "c", "--data", data, "--split", "reserved"
    )

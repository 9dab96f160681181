"""The command `join`: an ensemble, and how large its errors are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from carnet_model.data.examples import bucket
from carnet_model.network.targets import Target
from carnet_model.weights import checkpoint
from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.tiny_models import ELEMENTS, RECORDS, network, saved, write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_networks_are_joined_and_their_errors_measured() -> None:
    for seed, folder in enumerate(("a", "b")):
        saved(Path(folder), members=1, first=seed)
    run("join", "b", "-o", "plain")
    assert "plain: what was there is replaced" in run("join", "a", "b", "-o", "plain").stderr
    data = write_crystals(30)
    text = run(
        "join", "a", "b", "-o", "both", "--data", data, "--split", "all", "--reference", "PBE"
    ).stdout
    assert "2 networks joined in both" in text
    assert re.search(r"^bulk: [\d.]+ % and [\d.]+ % of 30 errors left out", text, re.M)
    record = json.loads(Path("both/model.json").read_text())
    assert record["metrics"]["all"]["structures"] == 30
    assert record["reference"] == "PBE"
    assert record["metrics"]["all"]["bulk_mae"] > 0
    assert 0 < record["intervals"]["bulk"]["likely"] < record["intervals"]["bulk"]["sure"]
    assert "intervals" not in json.loads(Path("plain/model.json").read_text())
    shown = run("predict", "si.cif", "-m", "both").stdout
    assert re.search(r"^bulk modulus K \[GPa\] +[\d.]+ +[\d.]+ +[\d.]+\b", shown, re.M)
    assert "±: 68 % interval against PBE" in shown
    assert "none of its 30 examples" in error_of(
        "join", "a", "b", "-o", "c", "--data", data, "--split", "reserved"
    )


def test_a_model_is_measured_on_what_validated_in_its_own_training() -> None:
    """Its folder says by which formulas that was divided."""
    for seed, folder in enumerate(("a", "b")):
        saved(Path(folder), members=1, first=seed)
        path = Path(folder, "model.json")
        record = json.loads(path.read_text())
        record["config"] = {"split": {"by": "formula", "validation": [30, 60]}}
        path.write_text(json.dumps(record))
    data = write_crystals(len(RECORDS))
    validating = sum(30 <= bucket(record["formula"]) < 60 for record in RECORDS)
    options = ("--data", data, "--key", "C", "--form", "upper", "--unit", "GPa")
    run("join", "a", "b", "-o", "both", *options)
    record = json.loads(Path("both/model.json").read_text())
    assert record["metrics"]["val"]["structures"] == validating


def test_networks_of_other_targets_are_named() -> None:
    saved(Path("a"), members=1)
    checkpoint.save("b", [network(0, Target("energy", pooling="sum"))], {"elements": ELEMENTS})
    told = error_of("join", "a", "b", "-o", "both")
    assert "b: predicts energy [eV], and a elastic [GPa]" in told


def test_crystals_with_moduli_alone_count_for_the_intervals_of_moduli() -> None:
    for seed, folder in enumerate(("a", "b")):
        saved(Path(folder), members=1, first=seed)
    data, others = write_crystals(20), Path("others.json")
    records = [
        {**{k: v for k, v in record.items() if k != "C"}, "bulk": 100.0 + place}
        | ({"shear": 50.0 + place} if place % 2 else {})
        for place, record in enumerate(RECORDS[10:30])
    ]
    others.write_text(json.dumps(records))
    text = run(
        "join", "a", "b", "-o", "c", "--data", data, "--moduli", "others.json", "--split", "all"
    ).stdout
    # ten of the twenty have a tensor; every second of the others a shear modulus
    assert re.search(r"^bulk: .* of 30 errors left out", text, re.M)
    assert re.search(r"^shear: .* of 25 errors left out", text, re.M)
    assert re.search(r"^youngs: .* of 25 errors left out", text, re.M)
    assert re.search(r"^relative: .* of 20 errors left out", text, re.M)
    assert "give --data as well" in error_of("join", "a", "b", "-o", "d", "--moduli", data)

"""Moduli of two times, and computed tensors set to known moduli."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carnet_model.data.examples import DatasetError, split_of
from carnet_model.data.label_checks import average, symmetry_violation
from carnet_model.data.moduli import correct, known_moduli, merge, with_moduli
from carnet_model.data.records import records_of
from carnet_model.structures.symmetry import symmetry_of
from natural_tensors import elasticity, from_voigt, to_voigt
from natural_tensors.arrays import Floats
from tests.helpers.stiffnesses import random_stable
from tests.helpers.tiny_models import CRYSTALS, RECORDS, stiffness

CELL = {
    "numbers": [29],
    "lattice": [[0, 1.8, 1.8], [1.8, 0, 1.8], [1.8, 1.8, 0]],
    "frac": [[0] * 3],
}
COPPER = {"id": "mp-30", "formula": "Cu", **CELL}


def upper(matrix: Floats) -> list[float]:
    values: list[float] = matrix[np.triu_indices(6)].tolist()
    return values


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, None),
        ({"K_VRH_matbench": 0.0, "G_VRH_matbench": None}, None),
        (
            {"K_VRH_mp2025": 100, "K_VRH_matbench": 109, "G_VRH_matbench": 40},
            {"bulk": 100, "shear": 40, "bulk_agreement": "agree", "shear_agreement": "agree"},
        ),
        (  # one G alone is as good as the K of its time
            {"K_VRH_mp2025": 100, "K_VRH_matbench": 111, "G_VRH_matbench": 40},
            {"bulk": 100, "shear": 40, "bulk_agreement": "differ", "shear_agreement": "differ"},
        ),
        (  # two values of G speak for themselves
            {"K_VRH": 100, "K_VRH_matbench": 100, "G_VRH": 50, "G_VRH_matbench": 40},
            {"bulk": 100, "shear": 50, "bulk_agreement": "agree", "shear_agreement": "differ"},
        ),
        (  # after Voigt only, but newer
            {"K_V_mp2023": 105, "K_VRH_matbench": 100, "G_VRH_matbench": 40},
            {"bulk_voigt": 105, "shear": 40, "bulk_agreement": "agree",
             "shear_agreement": "agree"},
        ),
        (  # republished twice is one calculation still
            {"K_VRH_matbench": 100, "K_VRH_mp2019": 150},
            {"bulk": 100, "bulk_agreement": "single", "shear_agreement": "single"},
        ),
    ],
)  # fmt: skip
def test_the_newest_value_counts_and_others_agree_or_not(
    record: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    known = known_moduli(record)
    assert (None if known is None else known.to_dict()) == expected


@pytest.mark.parametrize("voigt", [False, True])
@pytest.mark.parametrize(("bulk", "shear"), [(0.8, 0.75), (1.25, 1.3), (0.8, 1.3), (1.25, 0.75)])
def test_moduli_are_those_asked_for(bulk: float, shear: float, voigt: bool) -> None:
    block = np.zeros((6, 6))
    block[:3, :3] = 1
    for stiff in elasticity.isotropic(100.0, 50.0) + 0.3 * random_stable(20, seed=1):
        before = elasticity.moduli(stiff)
        name = "bulk_voigt" if voigt else "bulk_hill"
        wanted = float(getattr(before, name)) * bulk, float(before.shear_hill) * shear
        changed = with_moduli(stiff, wanted[1], **{name.removesuffix("_hill"): wanted[0]})
        assert changed is not None
        assert elasticity.is_stable(changed)
        after = elasticity.moduli(changed)
        assert float(getattr(after, name)) == pytest.approx(wanted[0], rel=1e-8)
        assert float(after.shear_hill) == pytest.approx(wanted[1], rel=1e-8)
        scale = float(after.shear_voigt / before.shear_voigt)  # the rest is scaled as a whole
        shift = (changed - scale * stiff)[0, 0]
        np.testing.assert_allclose(changed, scale * stiff + shift * block, atol=1e-6)


def test_a_tensor_with_its_own_moduli_stays() -> None:
    for record in RECORDS[:6]:
        own = stiffness(record)
        m = elasticity.moduli(own)
        same = with_moduli(own, float(m.shear_hill), bulk=float(m.bulk_hill))
        assert same is not None
        np.testing.assert_allclose(same, own, atol=1e-6)


def test_the_point_group_of_a_tensor_stays() -> None:
    record = next(r for r in RECORDS if r["crystal_system"] == "trigonal")
    rotations = symmetry_of(CRYSTALS[record["id"]]).rotations
    exact = to_voigt(average(np.asarray(from_voigt(stiffness(record))), rotations))
    changed = with_moduli(np.asarray(exact), 55.0, bulk=88.0)
    assert changed is not None
    assert symmetry_violation(np.asarray(from_voigt(changed)), rotations) < 1e-12


def test_impossible_moduli_give_nothing() -> None:
    chain = np.diag([500.0, 5, 5, 2, 2, 2])  # K_V 56.7, K_R 1.6
    assert with_moduli(chain, 40.0, bulk=10.0) is None
    with pytest.raises(ValueError, match="give bulk or bulk_voigt"):
        with_moduli(chain, 40.0)
    with pytest.raises(ValueError, match="one of them"):
        with_moduli(chain, 40.0, bulk=10.0, bulk_voigt=10.0)


def test_files_are_joined_by_identifier(tmp_path: Path) -> None:
    assert split_of("CaF2") == "reserved"
    first = [
        {**COPPER, "K_VRH_matbench": 140.0, "G_VRH_matbench": 50.0, "split": "train"},
        {"id": "mp-2741", "formula": "CaF2", **CELL, "K_VRH_matbench": 80.0},
        {"id": "mp-1", "formula": "Cu", **CELL},
    ]
    (tmp_path / "first.json").write_text(json.dumps(first))
    (tmp_path / "second.jsonl").write_text(
        json.dumps({**COPPER, "K_VRH": 137.0, "G_VRH": 46.0, "lattice": [[9, 0, 0]]}) + "\n\n"
    )
    out = tmp_path / "moduli.json.gz"
    counts = merge([tmp_path / "first.json", tmp_path / "second.jsonl"], out)
    assert counts == {"agree": 1, "reserved": 1, "no moduli": 1}
    (row,) = json.loads(gzip.decompress(out.read_bytes()))
    assert row == {
        **COPPER, "split": "train", "bulk": 137.0, "shear": 46.0, "bulk_agreement": "agree",
        "shear_agreement": "agree",
    }  # fmt: skip


def test_a_crystal_of_two_files_has_the_structure_of_the_first(tmp_path: Path) -> None:
    first = {**COPPER, "K_VRH": 140}
    frac = first.pop("frac")
    first["positions"] = [[1.0, 1.0, 1.0]]
    second = {**COPPER, "frac": frac, "G_VRH": 48}
    for name, rows in (("a.json", [first]), ("b.json", [second])):
        (tmp_path / name).write_text(json.dumps(rows))
    merge([tmp_path / "a.json", tmp_path / "b.json"], tmp_path / "out.json")
    (record,) = records_of(tmp_path / "out.json")
    assert (record["bulk"], record["shear"]) == (140, 48)
    assert record["positions"] == [[1.0, 1.0, 1.0]]
    assert "frac" not in record


def test_computed_tensors_are_corrected_or_left_out(tmp_path: Path) -> None:
    cubic = elasticity.isotropic(130.0, 50.0)
    cubic[3:, 3:] *= 1.5
    m = elasticity.moduli(cubic)
    near: dict[str, Any] = {"bulk": float(m.bulk_hill) * 1.1, "shear": float(m.shear_hill) * 0.9}
    near |= {"bulk_agreement": "single", "shear_agreement": "agree"}
    rows = {
        "good": near,
        "voigt": {"bulk_voigt": near["bulk"], "shear": near["shear"]},
        "soft": near,
        "bulk": {**near, "bulk": float(m.bulk_hill) / 1.21},
        "shear": {**near, "shear": float(m.shear_hill) / 1.26},
        "half": {"bulk": near["bulk"]},
        "negative": near,
        "failed": near,
    }
    (tmp_path / "moduli.json").write_text(
        json.dumps([{"id": name, "formula": "Cu", **row} for name, row in rows.items()])
    )
    changes: dict[str, dict[str, Any]] = {
        "soft": {"unstable": True},
        "negative": {"C": upper(-cubic)},
    }
    records = [
        {**COPPER, "id": name, "C": upper(cubic), "dV": 0.1, **changes.get(name, {})}
        for name in (*rows, "unknown")
    ]
    records[7] = {"id": "failed", "formula": "Cu", "error": "too large"}
    records += [records[0], {**records[0], "id": "good2", "formula": "CaF2"}]
    (tmp_path / "computed.jsonl").write_text("\n".join(map(json.dumps, records)))
    out = tmp_path / "out.json"
    counts = correct([tmp_path / "computed.jsonl"], tmp_path / "moduli.json", out)
    assert counts == {
        "corrected": 2, "unstable": 2, "too far": 2, "no moduli": 2, "no tensor": 1, "reserved": 1,
    }  # fmt: skip
    good, voigt = json.loads(out.read_text())
    assert good.keys() == {*COPPER, "C", *near}
    matrix = np.zeros((6, 6))
    matrix[np.triu_indices(6)] = good["C"]
    after = elasticity.moduli(matrix + np.triu(matrix, 1).T)
    assert float(after.bulk_hill) == pytest.approx(near["bulk"], abs=2e-3)
    assert float(after.shear_hill) == pytest.approx(near["shear"], abs=2e-3)
    assert voigt["bulk_voigt"] == near["bulk"]


def test_files_that_hold_no_crystals_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.json"):
        records_of(tmp_path / "none.json")
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "formula": "Cu"}\n{"id": "b"}\n')
    with pytest.raises(DatasetError, match=r"bad\.jsonl#2: .* no object with id and formula"):
        records_of(tmp_path / "bad.jsonl")

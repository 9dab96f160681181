"""Splits that hold, whatever a file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase.build import bulk, molecule

from carnet_model.data.examples import Division, Example, bucket, split_of, without_reserved
from carnet_model.data.reading import read_examples
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from tests.helpers.copper import (
    COPPER,
    ELASTIC,
    UPPER,
    record,
    saved,
)


def test_buckets_are_those_of_the_rule() -> None:
    # computed apart from this code: sha1 of the text, as an integer, modulo 100
    wanted = {"CaF2": 9, "AlN": 3, "Al": 11, "SiO2": 11, "NaCl": 39, "Cu": 86, "MgO": 97, "Si": 37}
    assert {formula: bucket(formula) for formula in wanted} == wanted
    assert bucket("Ca2F4") == bucket("CaF2")
    assert bucket("O4Si2") == bucket("SiO2")
    assert [split_of(formula) for formula in ("AlN", "CaF2", "Al", "Cu")] == [
        "reserved", "reserved", "val", "train",
    ]  # fmt: skip


def test_buckets_beside_each_boundary() -> None:
    """Ten of a hundred are reserved, the next eight validate: 9 | 10 and 17 | 18."""
    beside = {"ZrO": 9, "WN": 10, "GeN": 17, "CoCl": 18}
    assert {formula: bucket(formula) for formula in beside} == beside
    assert [split_of(formula) for formula in beside] == ["reserved", "val", "val", "train"]


def test_reserved_crystals_are_left_out_of_training(tmp_path: Path) -> None:
    nitride = geometry(bulk("AlN", "wurtzite", a=3.1, c=4.98))
    secret = {
        "lattice": nitride.cell.tolist(),
        "numbers": nitride.numbers.tolist(),
        "positions": nitride.positions.tolist(),
        "split": "train",  # what a file says does not count
        "C": UPPER,
    }
    path = saved(tmp_path / "a.json", [record(C=UPPER), secret])
    examples = read_examples(path, ELASTIC)
    assert [example.formula for example in examples] == ["Cu"]
    assert examples.reserved == 1
    assert "1 reserved" in repr(examples)
    everything = read_examples(path, ELASTIC, for_training=False)
    assert [example.split for example in everything] == ["train", "reserved"]
    assert without_reserved(everything)[1] == 1
    # the same atoms as a molecule are no crystal of that formula
    cluster = Example(
        Geometry(nitride.numbers, nitride.positions, np.zeros((3, 3)), (False,) * 3), {}
    )
    assert without_reserved([cluster]) == ([cluster], 0)


def test_splits_follow_the_record_unless_reserved() -> None:
    crystal = geometry(COPPER)
    assert Example(crystal, {}).split == "train"
    assert Example(crystal, {}, notes={"split": "val"}).split == "val"
    assert Example(geometry(bulk("Al")), {}).split == "val"
    assert Example(geometry(bulk("Al")), {}, notes={"split": "train"}).split == "train"


def test_another_division_has_other_formulas_and_never_the_reserved() -> None:
    crystals = [geometry(bulk(name)) for name in ("Cu", "Al", "Ag", "Au", "Fe", "W", "Mo", "Si")]
    for one in crystals:
        for stated in ("train", "val", None):
            example = Example(one, {}, notes={} if stated is None else {"split": stated})
            number = bucket(one.formula)
            by_formula = "val" if 30 <= number < 60 else "train"
            expected = "reserved" if number < 10 else by_formula
            assert Division("formula", (30, 60)).split_of(example) == expected
            noted = expected if stated is None or number < 10 else stated
            assert Division("note", (30, 60)).split_of(example) == noted


def test_isomers_are_divided_by_their_names() -> None:
    water = geometry(molecule("H2O"))
    splits = [Example(water, {}, identifier=f"frame {n}").split for n in range(1000)]
    assert set(splits) == {"train", "val"}
    assert 50 < splits.count("val") < 110  # 8 %, and four deviations

"""A new physical tensor is one entry of the catalogue: everything else asks the entry."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import codegen
from carnet_model.data.labels import LabelSource
from carnet_model.network.targets import Target
from carnet_model.training.config import TargetSettings
from natural_tensors import PhysicalTensor, catalog, form, reduction
from natural_tensors.cli import main
from natural_tensors.files.recognition import choose_form
from natural_tensors.files.records import TensorRecord
from natural_tensors.files.saving import FileError
from natural_tensors.physical.catalog import Catalog

TABULATED = PhysicalTensor(
    name="squeeze",
    title="Squeeze",
    symbol="Q",
    symmetry="ijkl=jikl=klij",
    axial=False,
    time_reversal=1,
    jahn="[[V2][V2]]",
    unit="Pa",
    voigt_form="voigt-compliance",
    positive=True,
    relation="what a test squeezes: Q_ijkl",
    source="this test",
    aliases=("squeeze-tensor",),
)
ATOMIC = PhysicalTensor(
    name="wobble",
    title="Wobble",
    symbol="w",
    symmetry="ij=ji",
    axial=True,
    time_reversal=1,
    jahn="e[V2]",
    unit="1/K",
    voigt_form=None,
    pooling="atoms",
    relation="the wobble w_ij of an atom",
    source="this test",
)


@pytest.fixture(autouse=True)
def two_more_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = catalog
    larger = Catalog({"tests": (*shipped.values(), TABULATED, ATOMIC)})
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("catalog") is shipped:
            monkeypatch.setattr(module, "catalog", larger)


def test_the_exact_side_knows_it() -> None:
    assert reduction("squeeze").irreps == reduction("elastic").irreps
    assert reduction("squeeze tensor").name == "squeeze"
    assert reduction("squeeze").entry is TABULATED
    assert reduction("wobble").parity == -1
    assert "3 constants: Q11, Q12, Q44" in repr(form("squeeze", "m-3m"))
    assert "wobble" in codegen.source("wobble")


def test_files_take_its_voigt_factors() -> None:
    matrix = TensorRecord("file", np.eye(6))
    assert choose_form(reduction("squeeze"), matrix, None) == "voigt-compliance"
    with pytest.raises(FileError, match=r"tables disagree on the factors in .* of wobble"):
        choose_form(reduction("wobble"), TensorRecord("file", np.ones(6)), None)


def test_models_take_its_pooling_sign_and_unit() -> None:
    target = TargetSettings(name="squeeze").build()
    assert (target.positive, target.pooling, target.unit) == (True, "mean", "GPa")
    target = TargetSettings(name="wobble").build()
    assert (target.positive, target.pooling, target.unit) == (False, "atoms", "1/K")
    assert Target("wobble").pseudo
    assert LabelSource("squeeze", form="voigt", unit="kbar").factor == pytest.approx(0.1)


def test_the_command_line_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["natural-tensors", "show", "squeeze", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["unit"] == "Pa"

"""The command report as users meet it, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from natural_tensors import examples, from_voigt, reduction
from tests.helpers.command_lines import natural_tensors as run
from tests.helpers.page_files import page_data, written

QUARTZ = examples.load("quartz").values

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.slow
def test_the_report_of_a_file() -> None:
    result = run("report", written(QUARTZ, unit="GPa", name="quartz"), "--group", "32")
    assert result.stdout.startswith("wrote quartz.html: quartz: Elastic stiffness, C")
    assert result.stderr == ""
    assert page_data("quartz.html")["class"] == "elastic"


@pytest.mark.slow
def test_units_are_converted_and_doubted() -> None:
    assert run("report", written(QUARTZ * 10, unit="kbar"), "-o", "a.html").stderr == ""
    assert np.allclose(page_data("a.html")["report"]["matrices"]["frame"], QUARTZ)
    result = run("report", written(QUARTZ * 1e9), "-o", "b.html")
    assert "looks like Pa: state that unit, or multiply by 1e-09" in result.stderr
    assert "'psi' is no unit" in run("report", written(QUARTZ), "--unit", "psi", code=2).stderr


@pytest.mark.slow
def test_a_group_that_does_not_fit_is_refused_with_the_axes_that_would() -> None:
    full = from_voigt(QUARTZ, symmetry="elastic")
    turned = reduction("elastic").rotate(full, Rotation.random(random_state=2).as_matrix())
    file = written(turned, form="full", unit="GPa")
    text = run("report", file, "--group", "32", code=1).stderr
    assert "violates the point group 32 by" in text
    assert "it is stated in other axes" in text
    assert not list(Path().glob("*.html"))
    assert run("report", file, "--group", "32", "--fit", "-o", "a.html").stderr == ""
    text = run("report", file, "--group", "32", "--project", "-o", "a.html").stderr
    assert "symmetrized first" in text
    text = run("report", written(QUARTZ), "--group", "m-3m", code=1).stderr
    assert "it fits trigonal (-3m) within" in text


def test_an_unstable_tensor_is_shown_with_a_warning() -> None:
    soft = np.diag([100.0, 100, 100, 50, 50, 50])
    soft[:3, :3] += 120 * (1 - np.eye(3))
    result = run("report", written(soft), "-o", "a.html", "--density", "5000", "--atoms", "5e28")
    assert "not positive definite" in result.stderr
    assert "-20 GPa" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.json"], 2, "there is no such file"),
        (["--example", "quarz"], 2, "quartz"),
        (["--example", "quartz", "-o", "a.pdf"], 2, "allowed: .html"),
        (["--example", "quartz", "-o", "none/a.html"], 2, "there is no directory"),
        (["--example", "mp-559", "--fit"], 2, "--fit goes with --group"),
        ([], 2, "give one FILE"),
    ],
)
def test_reports_that_are_refused(arguments: list[str], code: int, message: str) -> None:
    assert message in run("report", *arguments, code=code).stderr


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2")

    monkeypatch.setattr("natural_tensors.report.command.report", absent)
    text = run("report", "--example", "quartz", code=2).stderr
    assert "the package jinja2 is not installed" in text
    assert "pip install 'natural-tensors[report]'" in text


def test_a_batch_has_no_page() -> None:
    text = run("report", written([QUARTZ, QUARTZ]), code=2).stderr
    assert "holds 2 tensors" in text

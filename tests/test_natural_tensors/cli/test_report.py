"""The commands report of both programs as users meet them, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from natural_tensors import examples, from_voigt, reduction
from tests.helpers.command_lines import carnet
from tests.helpers.command_lines import natural_tensors as run
from tests.helpers.paths import ROOT

QUARTZ_CIF = ROOT / "docs" / "structures" / "quartz.cif"
QUARTZ = examples.load("quartz").values


pytestmark = pytest.mark.usefixtures("own_folder")


def written(values: Any, **stated: Any) -> str:
    document = {"tensor": np.asarray(values).tolist(), "class": "elastic", **stated}
    Path("tensor.json").write_text(json.dumps(document))
    return "tensor.json"


def page_data(path: str) -> dict[str, Any]:
    """Return the JSON inside a page."""
    text = Path(path).read_text(encoding="utf-8")
    start = text.index(">", text.index('id="document"')) + 1
    found: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return found


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
        raise ModuleNotFoundError("No module named 'plotly'", name="plotly")

    monkeypatch.setattr("natural_tensors.report.command.report", absent)
    text = run("report", "--example", "quartz", code=2).stderr
    assert "the package plotly is not installed" in text
    assert "pip install 'natural-tensors[report]'" in text


def test_a_batch_has_no_page() -> None:
    text = run("report", written([QUARTZ, QUARTZ]), code=2).stderr
    assert "holds 2 tensors" in text


@pytest.mark.slow
def test_the_report_of_a_structure() -> None:
    result = carnet("report", str(QUARTZ_CIF))
    assert result.stdout.startswith("wrote quartz.html: SiO2: Elastic stiffness, C")
    found = page_data("quartz.html")["report"]
    assert found["frame"] == "canonical"
    assert found["point_group"] == "32"
    assert found["space_group"] == "P3_221 (154)"
    assert found["density_kg_m3"] == pytest.approx(2646, rel=1e-3)


@pytest.mark.slow
def test_the_report_of_a_measured_tensor_beside_its_structure() -> None:
    file = written(QUARTZ, unit="GPa", name="Bechmann 1958")
    result = carnet(
        "report", str(QUARTZ_CIF), "--tensor", file, "--axes", "canonical", "-o", "a.html"
    )
    assert "a.html" in result.stdout
    assert "Bechmann 1958" in Path("a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.cif"], "there is no such file or folder"),
        ([str(QUARTZ_CIF), "--unit", "kbar"], "go with --tensor FILE"),
        ([str(QUARTZ_CIF), "--tensor", "none.json"], "there is no such file"),
        ([str(QUARTZ_CIF), "--frame", "crystal"], "'crystal' is not one of structure, canonical"),
        ([str(QUARTZ_CIF), "-o", "a.txt"], "allowed: .html"),
    ],
)
def test_structures_that_get_no_page(arguments: list[str], message: str) -> None:
    assert message in carnet("report", *arguments, code=2).stderr


def test_a_tensor_that_does_not_fit_its_structure_is_refused() -> None:
    random = np.random.default_rng(1).normal(size=(6, 6))
    text = carnet("report", str(QUARTZ_CIF), "--tensor", written(random + random.T), code=2).stderr
    assert "violates the point group 32 by" in text
    assert "--project takes the mean over the group" in text


def test_predictions_in_the_canonical_frame() -> None:
    text = carnet("predict", str(QUARTZ_CIF), "--frame", "canonical", "--format", "json").stdout
    (found,) = json.loads(text)["predictions"]
    assert found["frame"]["name"] == "canonical"
    own = carnet("predict", str(QUARTZ_CIF), "--format", "json").stdout
    (other,) = json.loads(own)["predictions"]
    assert other["frame"] == {"name": "structure", "rotation": np.eye(3).tolist()}
    turned = reduction("elastic").rotate(
        from_voigt(other["stiffness"], symmetry="elastic", invalid="project"),
        found["frame"]["rotation"],
    )
    again = from_voigt(found["stiffness"], symmetry="elastic", invalid="project")
    assert np.allclose(turned, again, atol=1e-3 * np.abs(again).max())

"""Settings and fixtures shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from natural_tensors import limits
from tests.helpers import browsers
from tests.helpers.machine import MISSING

# workers share the processors out among them already; must be set before PyTorch is loaded
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# results must not depend on what is in the cache, and no process may be left behind
os.environ["NATURAL_TENSORS_PROGRAMS"] = "never"

pytest.register_assert_rewrite("tests.helpers.oracles")

settings.register_profile(
    "suite",
    derandomize=True,  # the same examples on every machine and every run
    deadline=None,  # two cores are shared with other work
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

SLOW = (
    "test_benchmarks.py",
    "test_codegen/recipes",
    "test_codegen/targets",
    "test_codegen/test_cli.py",
    "test_codegen/test_generation.py",
    "test_carnet_model/calculators",
    "test_carnet_model/cli",
    "test_carnet_model/data",
    "test_carnet_model/evaluation",
    "test_carnet_model/export",
    "test_carnet_model/potentials",
    "test_carnet_model/prediction",
    "test_carnet_model/screening",
    "test_carnet_model/training",
    "test_natural_tensors/cli",
    "test_natural_tensors/crystals",
    "test_natural_tensors/decomposition/test_application",
    "test_natural_tensors/decomposition/test_by_projectors.py",
    "test_natural_tensors/decomposition/test_copies.py",
    "test_natural_tensors/decomposition/test_formulas.py",
    "test_natural_tensors/decomposition/test_identities.py",
    "test_natural_tensors/decomposition/test_symbolic.py",
    "test_natural_tensors/decomposition/test_voigt.py",
    "test_natural_tensors/elasticity",
    "test_natural_tensors/expressions",
    "test_natural_tensors/invariants",
    "test_natural_tensors/physical",
    "test_natural_tensors/pictures",
    "test_natural_tensors/plane",
    "test_natural_tensors/report",
    "test_natural_tensors/symbolic",
)
"""Folders and files that take long as a whole: proofs of every class, training, whole programs."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow as a whole, and skip what needs what this machine lacks."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        for marker, reason in MISSING.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with the colours of a pipe; return it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


@pytest.fixture
def own_graph_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the samples of training sets in a folder of the test's own; return it."""
    from carnet_model.training import sample_cache

    monkeypatch.setattr(sample_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser of one file of tests, with a profile and a folder of downloads of its own."""
    with browsers.browser(
        tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")
    ) as driver:
        yield driver


@pytest.fixture(autouse=True, scope="module")
def limits_of_module() -> Iterator[None]:
    """Limits that a fixture of a module changes for the process end with the module."""
    with limits.changed():
        yield


@pytest.fixture(autouse=True)
def limits_of_test(limits_of_module: None) -> Iterator[None]:
    """Limits that a command or a job of the app changes for its process end with the test."""
    with limits.changed():
        yield

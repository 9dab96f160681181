"""Settings and fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.machine import MISSING

# workers share the processors out among them already; must be set before PyTorch is loaded
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests whose marker says that they need what this machine lacks."""
    for item in items:
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
    """Keep the graphs of training sets in a folder of the test's own; return it."""
    from carnet_model.training import graph_cache

    monkeypatch.setattr(graph_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"

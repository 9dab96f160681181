"""Settings shared by all tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

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

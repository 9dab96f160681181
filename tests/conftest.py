"""Settings shared by all tests."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.oracles")

settings.register_profile(
    "suite",
    derandomize=True,  # the same examples on every machine and every run
    deadline=None,  # two cores are shared with other work
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

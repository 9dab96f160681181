"""Examples in the docstrings of the packages are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

PACKAGES = ("natural_tensors", "codegen", "carnet_model")
# by their text, so that no module is loaded, with what it needs, unless it has examples
EXAMPLES = [
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_examples_in_docstrings_are_true(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    parts = path.with_suffix("").parts
    module = import_module(".".join(part for part in parts if part != "__init__"))
    tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert tests, "no docstring holds what looks like an example"
    failures: list[str] = []
    for test in tests:
        doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert not failures, "".join(failures)

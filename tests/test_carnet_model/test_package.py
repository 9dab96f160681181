"""The package as it is imported."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers.paths import ROOT


def test_the_package_is_imported_without_torch() -> None:
    code = (
        "import sys, carnet_model, carnet_model.cli;"
        "heavy = ('torch', 'lightning', 'matplotlib', 'pymatgen', 'ase', 'pydantic');"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"

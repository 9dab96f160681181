"""Calculators of other environments, whose packages cannot be installed beside ours."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes

from .worker import AnswerError, Worker

PROGRAM = Path(__file__).with_name("answering.py")

PATIENCE = 1800.0
"""Seconds that an answer may take: some compile for each size."""


def environment_of(name: str) -> tuple[str, str] | None:
    """Return the Python and the place that a name such as ``ENV/bin/python module:object`` means.

    None where it is none of this form, or there is no such program.

    >>> environment_of("ase.calculators.emt:EMT")
    """
    python, _, place = name.partition(" ")
    found = shutil.which(python) if ":" in place else None
    return None if found is None else (found, place.strip())


class CalculatorElsewhere(Calculator):  # type: ignore[misc] # ASE states no types
    """A calculator at work in a process of another environment, where ASE is (`answering`).

    Energy (eV), forces (eV/Å) and, where it has it, stress (eV/Å^3, order of ASE). The process ends
    with this object.

    Args:
        python: the interpreter of the other environment.
        place: ``module:object`` there, a calculator or a callable that returns one; modules of the
            current folder are found.

    Raises:
        AnswerError: when it cannot be made there, with what was said.
    """

    def __init__(self, python: str, place: str) -> None:
        super().__init__()
        self._worker = Worker(place, [python, str(PROGRAM), place], PATIENCE)
        weakref.finalize(self, self._worker.close)
        if "error" in self._worker.ready:
            raise AnswerError(self._worker.ready["error"])
        self.implemented_properties = [
            name
            for name in ("energy", "forces", "stress")
            if name in self._worker.ready["properties"]
        ]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = (),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Ask for energy, forces and stress.

        Raises:
            CalculationFailed: with what the other calculator says.
        """
        super().calculate(atoms, properties, system_changes)
        asked = self.atoms
        request = {
            "numbers": asked.numbers.tolist(),
            "positions": asked.positions.tolist(),
            "cell": asked.cell.array.tolist(),
            "pbc": asked.pbc.tolist(),
        }
        try:
            answer = self._worker.ask(json.dumps(request))
        except ValueError as error:
            raise CalculationFailed(str(error)) from None
        self.results = {name: _array(value) for name, value in answer.items()}


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value

"""Who is judged: weights of ours, any calculator of ASE, those of other environments too."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.named import calculator_named
from carnet_model.cpp.files import Precision, ProgramError
from carnet_model.inference.programs import build_program
from carnet_model.weights.record import MODEL, read_record
from carnet_model.weights.shipped import checkpoint_of

from ..processes import say
from ..rivals.client import Worker

PROGRAM = Path(__file__).parents[1] / "rivals" / "calculator.py"
PATIENCE = 1800.0
"""Seconds that an answer from another environment may take: some compile for each size."""


@dataclass(frozen=True)
class Potential:
    """A calculator to be judged.

    Attributes:
        label: what tables call it.
        name: as `calculator_named` takes it; or, with a space between, the Python of another
            environment and ``module:object`` there.
        long_runs: weights of ours compute as long runs take them, in single precision with radial
            functions off tables.
    """

    label: str
    name: str
    long_runs: bool = False

    @classmethod
    def of(cls, text: str) -> Potential:
        """Return what ``NAME`` or ``LABEL=NAME`` says.

        >>> Potential.of("theirs=ENV/bin/python their_package:make")
        Potential(label='theirs', name='ENV/bin/python their_package:make', long_runs=False)
        >>> Potential.of("silicon")
        Potential(label='silicon', name='silicon', long_runs=False)
        """
        label, equals, name = text.partition("=")
        return cls(label, name) if equals else cls(text, text)

    @property
    def precision(self) -> Precision:
        """What weights of ours compute in."""
        return "single" if self.long_runs else "double"

    @property
    def file_name(self) -> str:
        """The label as part of the name of a file."""
        return re.sub(r"[^\w.+-]+", "-", self.label).strip("-")

    @property
    def elsewhere(self) -> Sequence[str]:
        """The command that answers for it in another environment; empty for one of this."""
        python, _, place = self.name.partition(" ")
        return [python, str(PROGRAM), *shlex.split(place)] if place else []

    @property
    def folder(self) -> Path | None:
        """The checkpoint, where it is one of ours."""
        return checkpoint_of(self.name)

    def identity(self) -> str:
        """Return what tells these weights from others of the same name."""
        if self.folder is None:
            return self.name
        record = read_record(self.folder)
        text = (self.folder / MODEL).read_bytes() + json.dumps(record.get("sha256")).encode()
        return f"{self.name} {hashlib.sha256(text).hexdigest()[:16]}"

    def prepare(self, precision: Precision | None = None) -> None:
        """Build the C++ program of weights of ours, so that every process finds it built."""
        if self.folder is not None:
            try:
                build_program(self.folder, precision or self.precision)
            except ProgramError as error:
                say(f"{self.label} runs by PyTorch: {error}")

    def calculator(self) -> Any:
        """Return a calculator of ASE.

        Raises:
            CalculatorError: when there is none of this name.
            RuntimeError: when the other environment has none.
        """
        if self.elsewhere:
            return Remote(Worker(self.label, self.elsewhere, PATIENCE))
        if self.long_runs and self.folder is not None:
            return CarNetCalculator(self.folder, precision=self.precision, tables=True)
        return calculator_named(self.name)


class Remote(Calculator):  # type: ignore[misc] # ASE states no types
    """A calculator at work in another environment (`rivals/calculator.py`).

    Args:
        worker: the process that answers.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.worker = worker
        self.implemented_properties = [
            name for name in ("energy", "forces", "stress") if name in worker.ready["properties"]
        ]
        weakref.finalize(self, worker.close)

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
            "numbers": asked.numbers.tolist(), "positions": asked.positions.tolist(),
            "cell": asked.cell.array.tolist(), "pbc": asked.pbc.tolist(),
        }  # fmt: skip
        try:
            answer = self.worker.ask(json.dumps(request))
        except ValueError as error:
            raise CalculationFailed(str(error)) from None
        self.results = {name: _array(value) for name, value in answer.items()}


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value

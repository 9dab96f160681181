"""Who is judged: weights of ours, any calculator of ASE, those of other environments too."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.named import calculator_named
from carnet_model.cpp.files import Precision, ProgramError
from carnet_model.inference.programs import build_program
from carnet_model.weights.record import MODEL, read_record
from carnet_model.weights.shipped import checkpoint_of

from ..processes import say


@dataclass(frozen=True)
class Potential:
    """A calculator to be judged.

    Attributes:
        label: what tables call it.
        name: as `calculator_named` takes it.
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
        """
        if self.long_runs and self.folder is not None:
            return CarNetCalculator(self.folder, precision=self.precision, tables=True)
        return calculator_named(self.name)

"""A calculator of ASE at work in its own environment, for whoever asks from another.

Run as `python answering.py module:object`: a calculator, or what returns one when it is called;
modules of the current folder are found. It needs ASE alone. Structures come as a line of JSON each
on the standard input (`numbers`, `positions`, `cell`, `pbc`), answers leave as a line each on the
standard output: `energy` (eV), `forces` (eV/Å) and `stress` (eV/Å^3, order of ASE; where the
calculator has it and there are three lattice vectors), or `error`. Whatever else is printed goes to
the standard error.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any


def made(place: str) -> Any:
    """Return the calculator that ``module:object`` names."""
    from ase.calculators.calculator import BaseCalculator

    module, _, name = place.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found if isinstance(found, BaseCalculator) else found()


def answer(calculator: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return what the calculator computes for a structure, or why it does not."""
    from ase import Atoms

    try:
        atoms = Atoms(**request, calculator=calculator)
        results = {"energy": float(atoms.get_potential_energy())}
        results["forces"] = atoms.get_forces().tolist()
        if "stress" in calculator.implemented_properties and atoms.cell.rank == 3:
            results["stress"] = atoms.get_stress().tolist()
    except Exception as error:  # a calculator may raise anything; the next structure is another
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return results


def main(place: str) -> None:
    """Make the calculator, say so or why not, and answer until the requests end."""
    sys.path[0] = os.getcwd()  # not the folder of this file, whose `ase.py` is another
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        calculator = made(place)
    except Exception as error:  # of a package that this one knows nothing of
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers)
        return
    properties = sorted(calculator.implemented_properties)
    print(json.dumps({"ready": True, "properties": properties}), file=answers)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        print(json.dumps(answer(calculator, json.loads(line))), file=answers)


if __name__ == "__main__":
    main(sys.argv[1])

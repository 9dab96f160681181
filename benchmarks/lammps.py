r"""Steps a second of 1,000 silicon atoms: ours in LAMMPS, beside NequIP and MACE in turns.

Ours is the shipped potential `silicon`, exported as a portable model of the KIM API and run by
LAMMPS with one thread a rank. NequIP and MACE run in LAMMPS only where it was built with libtorch
or with ML-IAP and Kokkos, which no package holds: they stand here by their calculators of ASE, on
as many threads as there are ranks, neighbours searched in every step. For each,
`benchmarks/rivals/NAME.txt` says what its environment holds; name its Python in a variable:

    NEQUIP_PYTHON=ENV/bin/python MACE_PYTHON=ENV/bin/python python -m benchmarks lammps

Whoever has none is left out. Needed: LAMMPS with its KIM package, the KIM API, CMake, mpirun.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ase.io import write as write_atoms
from rich.table import Table

from carnet_model import load
from carnet_model.cpp.kim import write_portable

from .processes import say
from .rivals.client import Rival
from .systems import Case, silicon

NAME = "silicon"
RANKS = (1, 2)
STEPS = 20
RIVALS = {
    "nequip-steps": "NEQUIP_PYTHON",
    "mace-steps": "MACE_PYTHON",
}
"""Builders of `rivals.worker`, and the variable that names the Python of each."""

INPUT = """
kim init {name} metal
read_data {data}
kim interactions Si
velocity all create 300 1
timestep 0.001
fix motion all nve
thermo {steps}
run {steps}
"""


@dataclass
class Times:
    """Milliseconds of steps: by the clock, and of all processors together."""

    clock: list[float] = field(default_factory=list)
    processors: list[float] = field(default_factory=list)

    def add(self, clock: float, processors: float) -> None:
        """Note the times of one step."""
        self.clock.append(clock)
        self.processors.append(processors)


def missing() -> str:
    """Return what is not installed of what the measurement needs; empty when all is."""
    for command in ("lmp", "kim-api-collections-management", "cmake", "mpirun"):
        if not shutil.which(command):
            return command
    said = subprocess.run(["lmp", "-h"], capture_output=True, text=True, check=False).stdout
    return "" if re.search(r"\bKIM\b", said) else "the KIM package of LAMMPS"


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment whose models of the KIM API lie in a folder."""
    kinds = ("PORTABLE_MODELS", "MODEL_DRIVERS", "SIMULATOR_MODELS")
    for kind in kinds:
        (folder / kind).mkdir()
    return {
        **os.environ,
        **{f"KIM_API_{kind}_DIR": str(folder / kind) for kind in kinds},
        "KIM_API_CONFIGURATION_FILE": str(folder / "config"),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
    }


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def _step(folder: Path, environment: dict[str, str], ranks: int) -> tuple[float, float]:
    """Run LAMMPS; return the milliseconds of a step, by the clock and of all ranks together."""
    command = ["lmp", "-in", "in.silicon", "-log", "none"]
    if ranks > 1:
        shared = ["mpirun", "-np", str(ranks), "--oversubscribe", "--bind-to", "none"]
        command = [*shared, *command]
    said = _run(command, folder, environment)
    loop = re.search(r"Loop time of (\S+) on", said)
    use = re.search(r"([\d.]+)% CPU use", said)
    if not loop or not use:
        raise RuntimeError(f"LAMMPS does not say how long it took:\n{said[-2000:]}")
    milliseconds = 1e3 * float(loop[1]) / STEPS
    return milliseconds, milliseconds * ranks * float(use[1]) / 100


def tables(rounds: int = 7) -> Iterator[Table]:
    """Measure and return the table; nothing where something needed is not installed."""
    if lacking := missing():
        say(f"lammps: left out, for {lacking} is not installed")
        return
    case = Case("1,000 atoms of silicon", silicon(5), channels=32, weight=2)
    times: dict[str, Times] = {}
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        environment = _environment(folder)
        models = load(NAME, program="never").models
        write_portable(models, folder / NAME, elements=[14])
        say("lammps: builds the portable model")
        _run(
            ["kim-api-collections-management", "install", "environment", str(folder / NAME)],
            folder, environment,
        )  # fmt: skip
        write_atoms(
            folder / "data", case.geometry.to_ase(), format="lammps-data", specorder=["Si"],
            masses=True,
        )  # fmt: skip
        script = INPUT.format(name=NAME, data=folder / "data", steps=STEPS)
        (folder / "in.silicon").write_text(script, encoding="utf-8")
        rivals: dict[str, Rival] = {}
        for name, variable in RIVALS.items():
            if variable in os.environ:
                say(f"lammps: {name} builds and warms up")
                python, record = os.environ[variable], case.record(max(RANKS))
                rival = stack.enter_context(Rival(python, name, record))
                shown = f"{name} ({rival.ready['version']}), ASE, {max(RANKS)} threads"
                rivals[shown] = rival
        for turn in range(rounds):
            say(f"lammps: turn {turn + 1} of {rounds}")
            for ranks in RANKS:
                who = f"ours, LAMMPS, {ranks} rank{'s' * (ranks > 1)}"
                times.setdefault(who, Times()).add(*_step(folder, environment, ranks))
            for who, rival in rivals.items():
                rival.ms("forces")  # its memory is cold after the turns of the others
                answer = rival.ask("forces")
                times.setdefault(who, Times()).add(answer["ms"], answer["processor_ms"])
    yield _table(case, rounds, times)


def _table(case: Case, rounds: int, times: dict[str, Times]) -> Table:
    table = Table(
        "who", "steps/s", "ms a step", "processor ms a step", "times ours", "its processor time",
        title=f"{case.title}, energy, forces and stress in every step, float32; median of "
        f"{rounds}, in turns",
    )  # fmt: skip
    found = {who: (median(each.clock), median(each.processors)) for who, each in times.items()}
    clock, processors = list(found.values())[len(RANKS) - 1]
    for who, (ours, used) in found.items():
        table.add_row(
            who, f"{1e3 / ours:.2f}", f"{ours:.0f}", f"{used:.0f}", f"{ours / clock:.1f}",
            f"{used / processors:.1f}",
        )  # fmt: skip
    return table

"""Portable models of the KIM API: what is written, and what LAMMPS makes of it on its ranks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write as write_atoms
from typer.testing import CliRunner

from carnet_model import cli
from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.cpp.files import ProgramError
from carnet_model.cpp.kim import write_portable
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.prediction.predictor import Predictor
from carnet_model.weights import checkpoint
from natural_tensors.arrays import Floats
from tests.helpers import tiny_potentials

pytestmark = pytest.mark.slow

BAR = 1.602176634e6
"""One eV/Å^3 in bar, the pressure of LAMMPS's unit system metal; exact in the SI."""

INPUT = """
kim init {name} metal
atom_modify map array
box tilt large
read_data {data}
kim interactions O Si
compute energies all pe/atom
compute shares all stress/atom NULL
compute sums all reduce sum c_shares[1] c_shares[2] c_shares[3] c_shares[4] c_shares[5] c_shares[6]
variable volume equal vol
thermo_style custom step pe etotal press pxx pyy pzz pxy pxz pyz c_sums[*] v_volume
thermo_modify format float %.15g
thermo 1
dump forces all custom 1 {dump} id fx fy fz c_energies
dump_modify forces sort id format float %.15g
timestep 0.0005
fix motion all nve
run {steps}
"""


def lammps_with_kim() -> bool:
    """Say whether there is a LAMMPS that has its KIM package."""
    if not shutil.which("lmp"):
        return False
    said = subprocess.run(["lmp", "-h"], capture_output=True, text=True).stdout
    return bool(re.search(r"\bKIM\b", said))


@dataclass(frozen=True)
class Step:
    """What LAMMPS says of one step."""

    figures: dict[str, float]
    atoms: Floats  # forces and energy, by number


@dataclass(frozen=True)
class Portable:
    """A model that is installed, and the environment in which it is found."""

    name: str
    network: CarNet
    environment: dict[str, str]

    def run(self, atoms: Atoms, folder: Path, ranks: int, steps: int = 0) -> list[Step]:
        """Let LAMMPS compute, and return its steps."""
        data, dump, script = (folder / f"{ranks}.{kind}" for kind in ("data", "dump", "in"))
        write_atoms(
            data, atoms, format="lammps-data", specorder=["O", "Si"], masses=True, velocities=True
        )
        script.write_text(INPUT.format(name=self.name, data=data, dump=dump, steps=steps))
        command = ["lmp", "-in", str(script), "-log", str(folder / "log")]
        if ranks > 1:
            command = [
                "mpirun",
                "-np",
                str(ranks),
                "--oversubscribe",
                "--bind-to",
                "none",
                *command,
            ]
        done = subprocess.run(
            command, cwd=folder, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        table = re.findall(r"^Step .*?(?=^Loop)", done.stdout, re.M | re.S)[0].split("\n")
        names = table[0].split()
        rows = [dict(zip(names, map(float, row.split()), strict=True)) for row in table[1:-1]]
        blocks = dump.read_text().split("ITEM: TIMESTEP")[1:]
        atoms_of = [np.loadtxt(block.split("\n")[9:])[:, 1:] for block in blocks]
        return [Step(*each) for each in zip(rows, atoms_of, strict=True)]


@pytest.fixture(scope="module", params=[1, 2], ids="{}-layers".format)
def portable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Portable:
    """A potential of one or two layers, built in double precision."""
    if not shutil.which("kim-api-collections-management"):
        pytest.skip("there is no KIM API to build a model with")
    layers, place = request.param, tmp_path_factory.mktemp("kim")
    folder = place / f"tiny_{layers}"
    network = tiny_potentials.model(layers=layers)
    write_portable([network], folder, elements=[8, 14])
    kinds = ("PORTABLE_MODELS", "MODEL_DRIVERS", "SIMULATOR_MODELS")
    environment = {
        **os.environ,
        **{f"KIM_API_{kind}_DIR": str(place / kind) for kind in kinds},
        "KIM_API_CONFIGURATION_FILE": str(place / "config"),
        "CXXFLAGS": f"-O1 -D{folder.name}_DOUBLE",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
    }
    for kind in kinds:
        (place / kind).mkdir()
    done = subprocess.run(
        ["kim-api-collections-management", "install", "environment", str(folder)],
        cwd=place, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Portable(folder.name, network, environment)


def crystal() -> Atoms:
    """Return silicon and oxygen in a skew cell, thinner than the cutoff across."""
    structure = tiny_potentials.crystal(4)
    return Atoms(structure.numbers, structure.positions, cell=structure.cell, pbc=True)


@pytest.mark.skipif(not lammps_with_kim(), reason="there is no LAMMPS with its KIM package")
@pytest.mark.parametrize("ranks", [1, 2])
def test_lammps_gives_what_ase_gives(portable: Portable, tmp_path: Path, ranks: int) -> None:
    if ranks > 1 and not shutil.which("mpirun"):
        pytest.skip("there is no mpirun")
    atoms = crystal()
    atoms.calc = CarNetCalculator(Predictor([portable.network], precision="double"), tables=True)
    (found,) = portable.run(atoms, tmp_path, ranks)
    # both read radial weights off cubic splines of one spacing
    forces, energies = found.atoms[:, :3], found.atoms[:, 3]
    size = np.abs(atoms.get_forces()).max()
    assert size > 0.01
    np.testing.assert_allclose(forces, atoms.get_forces(), rtol=0, atol=1e-4 * size)
    assert found.figures["PotEng"] == pytest.approx(atoms.get_potential_energy(), rel=1e-8)
    assert energies.sum() == pytest.approx(found.figures["PotEng"], rel=1e-12)
    names = ("Pxx", "Pyy", "Pzz", "Pyz", "Pxz", "Pxy")
    pressures = np.array([found.figures[name] for name in names])
    stress = -BAR * atoms.get_stress()
    np.testing.assert_allclose(pressures, stress, rtol=0, atol=1e-4 * np.abs(stress).max())
    shares = np.array([found.figures[f"c_sums[{n}]"] for n in (1, 2, 3, 6, 5, 4)])
    np.testing.assert_allclose(-shares / atoms.get_volume(), pressures, rtol=1e-9, atol=1e-6)


@pytest.mark.skipif(not lammps_with_kim(), reason="there is no LAMMPS with its KIM package")
def test_two_ranks_move_atoms_as_one_does(portable: Portable, tmp_path: Path) -> None:
    if not shutil.which("mpirun"):
        pytest.skip("there is no mpirun")
    atoms = crystal()
    atoms.set_velocities(np.random.default_rng(0).normal(scale=0.02, size=(len(atoms), 3)))
    one, two = (portable.run(atoms, tmp_path, ranks, steps=40) for ranks in (1, 2))
    for alone, shared in zip(one, two, strict=True):
        np.testing.assert_allclose(alone.atoms, shared.atoms, rtol=0, atol=1e-10)
    energies = np.array([step.figures["TotEng"] for step in two])
    exchanged = np.ptp([step.figures["PotEng"] for step in two])
    assert exchanged > 1e-3
    assert np.ptp(energies) < 0.01 * exchanged  # of the order of the step squared


def test_what_is_no_potential_is_refused(tmp_path: Path) -> None:
    settings = tiny_potentials.SETTINGS
    with pytest.raises(ProgramError, match="predicts no energy, but dipole"):
        write_portable([CarNet(settings, Target("dipole", pooling="sum"))], tmp_path / "x")
    other = CarNet(settings, Target("energy", pooling="sum", unit="kcal/mol"))
    with pytest.raises(ProgramError, match="is in kcal/mol; needed: eV"):
        write_portable([other], tmp_path / "x")


def test_the_command(tmp_path: Path) -> None:
    model, folder = tmp_path / "model", tmp_path / "quartz"
    checkpoint.save(model, [tiny_potentials.model()], {"elements": [8, 14]})
    result = CliRunner().invoke(
        cli.app.app, ["export", str(model), "--target", "kim", "-o", str(folder)]
    )
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "CMakeLists.txt", "quartz.cpp", "quartz.h", "quartz.safetensors", "quartz_kim.cpp",
    ]  # fmt: skip
    text = (folder / "quartz_kim.cpp").read_text(encoding="utf-8")
    assert re.findall(r'\{"(\w+)", (\d+)\}', text) == [("O", "8"), ("Si", "14")]
    size = (folder / "quartz.safetensors").stat().st_size
    assert f"BYTES = {size};" in text
    assert "$" not in text

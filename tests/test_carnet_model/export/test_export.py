"""Exported potentials: the same numbers as the network, in PyTorch alone."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from carnet_model import cli
from carnet_model.export.exported import METADATA, EnergyGradient, ExportError, load_exported
from carnet_model.export.exporting import export
from carnet_model.network.batch import Batch
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.geometry import Geometry
from carnet_model.weights import checkpoint
from tests.helpers.paths import ROOT
from tests.helpers.tiny_potentials import (
    CUTOFF,
    SETTINGS,
    batch,
    crystal,
    exported,
    loaded,
    model,
    water,
)

pytestmark = pytest.mark.slow


def evaluated(graphs: Batch, path: Path | None = None) -> EnergyGradient:
    found = load_exported(path) if path else loaded()
    return found(graphs.numbers, graphs.senders, graphs.receivers, graphs.vectors())


def alone() -> Geometry:
    return Geometry(np.array([8]), np.zeros((1, 3)), np.zeros((3, 3)), (False,) * 3)


@pytest.mark.parametrize(
    "things",
    [
        (crystal(),), (crystal(2, 1),), (crystal(5, 2),), (water(),), (alone(),),
        (alone(), alone()), (crystal(), water(), alone(), crystal(3, 4)),
    ],
    ids=["crystal", "two cells", "five cells", "molecule", "atom", "two atoms", "mixed"],
)  # fmt: skip
def test_numbers_of_any_size_are_those_of_the_network(things: tuple[Geometry, ...]) -> None:
    graphs = batch(*things)
    expected, found = energy_and_derivatives(model(), graphs), evaluated(graphs)
    energy = found.energy(graphs.owners, len(things))
    assert energy.dtype == torch.float64
    torch.testing.assert_close(energy, expected.energy.double(), rtol=0, atol=1e-10)
    forces = found.forces(graphs.senders, graphs.receivers)
    torch.testing.assert_close(forces, expected.forces, rtol=0, atol=1e-10)


def test_the_gradient_by_strain_is_the_stress() -> None:
    graphs = batch(crystal(), crystal(2, 3))
    expected, found = energy_and_derivatives(model(), graphs, stress=True), evaluated(graphs)
    owners = graphs.owners[graphs.receivers]
    strain = found.strain_derivative(graphs.vectors(), owners, 2)
    volumes = torch.linalg.det(graphs.cells).abs().view(-1, 1, 1)
    assert expected.stress is not None
    assert expected.stress.abs().max() > 1e-4
    torch.testing.assert_close(strain / volumes, expected.stress, rtol=0, atol=1e-10)


def test_bonds_may_come_in_any_order_and_beyond_the_cutoff() -> None:
    graphs = batch(crystal(2))
    wide = batch(crystal(2))
    order = torch.randperm(len(graphs.senders), generator=torch.Generator().manual_seed(0))
    potential = loaded()
    found = potential(
        graphs.numbers,
        torch.cat([graphs.senders[order], wide.senders[:5]]),
        torch.cat([graphs.receivers[order], wide.receivers[:5]]),
        torch.cat([graphs.vectors()[order], 9 * wide.vectors()[:5]]),
    )
    expected = evaluated(graphs)
    torch.testing.assert_close(found.energies, expected.energies, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.gradient[:-5], expected.gradient[order], rtol=0, atol=1e-12)
    assert not found.gradient[-5:].any()


@pytest.mark.parametrize("edges", [0, 1])
def test_an_atom_with_no_bond_or_one(edges: int) -> None:
    ends = torch.zeros(edges, dtype=torch.int64)
    vectors = torch.full((edges, 3), 0.9 * CUTOFF, dtype=torch.float64)
    found = loaded()(torch.tensor([8]), ends, ends, vectors)
    assert found.energies.shape == (1,)
    assert found.gradient.shape == (edges, 3)
    expected = energy_and_derivatives(model(), batch(alone())).energy.double()
    torch.testing.assert_close(found.energies, expected, rtol=0, atol=1e-10)


def test_the_file_says_what_it_is_and_holds_no_pickle() -> None:
    potential = loaded()
    assert potential.cutoff == CUTOFF
    assert potential.elements == (1, 8, 14)
    assert "energy" in repr(potential)
    with zipfile.ZipFile(exported()) as archive:
        names = archive.namelist()
        (name,) = [name for name in names if name.endswith(METADATA)]
        stated = json.loads(archive.read(name))
        for name in names:
            head = archive.read(name)[:2]
            assert head not in (b"PK", b"\x80\x02"), f"{name} is an archive of pickles"
    assert stated["symbols"] == ["H", "O", "Si"]
    assert stated["conventions"] == 1
    with pytest.raises(ExportError, match=r"atomic numbers \[6\]; it knows \[1, 8, 14\]"):
        potential.check_elements(torch.tensor([6, 8]))
    potential.check_unit()
    with pytest.raises(ExportError, match=r"is in eV; needed: kcal/mol"):
        potential.check_unit("kcal/mol")


def test_pytorch_alone_runs_it() -> None:
    code = f"""
import sys, torch
program = torch.export.load({str(exported())!r}).module()
ends = torch.tensor([0, 1]), torch.tensor([1, 0])
vector = torch.tensor([[0.0, 0.0, 1.5], [0.0, 0.0, -1.5]], dtype=torch.float64)
energies, gradient = program(torch.tensor([14, 8]), *ends, vector)
assert energies.shape == (2,) and gradient.shape == (2, 3)
ours = ("carnet_model", "codegen", "natural_tensors", "pymatgen", "ase")
print([name for name in ours if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.strip() == "[]"


def test_reading_needs_no_code_of_the_network() -> None:
    code = (
        "import sys, carnet_model.export.exported;"
        "print([n for n in ('model', 'kernels', 'layers') if f'carnet_model.{n}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_what_cannot_be_exported_or_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"ends in \.pt2"):
        export(model(), tmp_path / "potential.pth")
    with pytest.raises(ExportError, match="needs a scalar summed over the atoms"):
        export(CarNet(SETTINGS, Target("energy", pooling="mean")), tmp_path / "a.pt2")
    with pytest.raises(ExportError, match=r"cannot be read: No such file"):
        load_exported(tmp_path / "none.pt2")
    (tmp_path / "text.pt2").write_text("hello")
    with pytest.raises(ExportError, match="it is no archive"):
        load_exported(tmp_path / "text.pt2")
    with zipfile.ZipFile(tmp_path / "other.pt2", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(ExportError, match="holds no exported potential"):
        load_exported(tmp_path / "other.pt2")
    with zipfile.ZipFile(tmp_path / "newer.pt2", "w") as archive:
        archive.writestr(f"newer/extra/{METADATA}", json.dumps({"format": 99, "version": "9.0"}))
    with pytest.raises(ExportError, match=r"format 99, written by version 9\.0"):
        load_exported(tmp_path / "newer.pt2")


def test_the_command_exports_an_ensemble_in_single_precision(tmp_path: Path) -> None:
    """Rounding of some hundred sums of numbers near 1 stays below 1e-5 of the largest."""
    folder, path = tmp_path / "model", tmp_path / "potential.pt2"
    checkpoint.save(folder, [model(0), model(1)], {"elements": [1, 8, 14]})
    arguments = ["export", str(folder), "-o", str(path), "--precision", "single"]
    done = CliRunner().invoke(cli.app.app, arguments, prog_name="carnet")
    assert done.exit_code == 0, done.output
    assert "written to" in done.output
    assert load_exported(path).dtype == torch.float32
    graphs = batch(crystal(2), dtype=torch.float32)
    found = evaluated(graphs, path)
    answers = [energy_and_derivatives(model(seed), batch(crystal(2))) for seed in (0, 1)]
    forces = torch.stack([answer.forces for answer in answers]).mean(dim=0)
    energy = torch.stack([answer.energy for answer in answers]).mean(dim=0).double()
    bound = 1e-5 * float(energy.abs().max())
    assert found.energies.dtype == torch.float64
    torch.testing.assert_close(found.energy(graphs.owners, 1), energy, rtol=0, atol=bound)
    computed = found.forces(graphs.senders, graphs.receivers).double()
    torch.testing.assert_close(computed, forces, rtol=0, atol=bound)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli.app.app, ["export", "elastic", "-o", str(tmp_path / "a.pt2")], prog_name="carnet"
    )
    assert done.exit_code == 2
    assert "needs a scalar summed over the atoms" in done.stderr

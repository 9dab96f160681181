"""A potential in torch-sim: its own validation where it is installed, its contract everywhere."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from carnet_model.export.exported import ExportError
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from tests.helpers.paths import ROOT
from tests.helpers.tiny_potentials import batch, crystal, exported, loaded, model, water

# torch-sim warns at import about what it was not installed with
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@dataclass
class State:
    """What a model reads of a ``torch_sim.SimState``: cells hold lattice vectors as columns."""

    positions: Tensor
    cell: Tensor
    pbc: Any
    atomic_numbers: Tensor
    system_idx: Tensor


def state_of(*things: Geometry) -> State:
    counts = [len(thing) for thing in things]
    return State(
        positions=torch.from_numpy(np.concatenate([thing.positions for thing in things])),
        cell=torch.from_numpy(np.stack([thing.cell.T for thing in things])),
        pbc=things[0].periodic[0],
        atomic_numbers=torch.from_numpy(np.concatenate([thing.numbers for thing in things])),
        system_idx=torch.repeat_interleave(torch.arange(len(things)), torch.tensor(counts)),
    )


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class, with a stand-in for the interface it fills where torch-sim is not installed."""
    try:
        import torch_sim  # noqa: F401
    except ImportError:
        stand_in = ModuleType("torch_sim.models.interface")

        class ModelInterface(torch.nn.Module):
            """The properties of torch_sim.models.interface.ModelInterface, 0.3.0."""

            device = property(lambda self: self._device)
            dtype = property(lambda self: self._dtype)
            compute_stress = property(lambda self: self._compute_stress)
            compute_forces = property(lambda self: self._compute_forces)

        stand_in.ModelInterface = ModelInterface  # type: ignore[attr-defined]
        for name in ("torch_sim", "torch_sim.models"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
        monkeypatch.delitem(sys.modules, "carnet_model.calculators.torch_sim", raising=False)
    from carnet_model.calculators.torch_sim import CarNetModel

    yield CarNetModel
    if "torch_sim" in sys.modules and not hasattr(sys.modules["torch_sim"], "SimState"):
        monkeypatch.delitem(sys.modules, "carnet_model.calculators.torch_sim")


# --- the contract ---------------------------------------------------------------------------------


def test_a_mixed_batch_gives_what_the_network_gives(adapter: Any) -> None:
    things = crystal(), crystal(3, 1), crystal(2, 2)
    found = adapter(loaded())(state_of(*things))
    expected = energy_and_derivatives(model(), batch(*things), stress=True)
    assert expected.stress is not None
    assert expected.forces.abs().max() > 0.01
    torch.testing.assert_close(found["energy"], expected.energy.double(), rtol=0, atol=1e-10)
    torch.testing.assert_close(found["forces"], expected.forces, rtol=0, atol=1e-10)
    torch.testing.assert_close(found["stress"], expected.stress, rtol=0, atol=1e-10)
    total = torch.zeros_like(found["energy"])
    total = total.index_add(0, state_of(*things).system_idx, found["energies"])
    torch.testing.assert_close(total, found["energy"])


def test_a_molecule_needs_no_cell_and_a_dict_will_do(adapter: Any) -> None:
    potential = adapter(exported(), compute_stress=False)
    found = potential(vars(state_of(water(), water())))
    expected = energy_and_derivatives(model(), batch(water(), water()))
    assert "stress" not in found
    torch.testing.assert_close(found["energy"], expected.energy.double(), rtol=0, atol=1e-10)
    torch.testing.assert_close(found["forces"], expected.forces, rtol=0, atol=1e-10)
    state = state_of(water())
    state.pbc = torch.zeros(3, dtype=torch.bool)  # as newer versions state it
    torch.testing.assert_close(potential(state)["energy"], expected.energy[:1].double())


def test_a_molecule_has_a_stress_that_is_no_number(adapter: Any) -> None:
    found = adapter(loaded())(state_of(water(), water()))
    assert found["stress"].shape == (2, 3, 3)
    assert found["stress"].isnan().all()
    assert found["forces"].isfinite().all()


def test_what_cannot_be_computed_is_said(adapter: Any) -> None:
    state = state_of(water())
    state.atomic_numbers = torch.tensor([8, 1, 6])
    with pytest.raises(ExportError, match=r"atomic numbers \[6\]"):
        adapter(loaded())(state)


# --- torch-sim itself -----------------------------------------------------------------------------


def simulated(*things: Geometry) -> Any:
    """Return a real state, through torch-sim's own reading of ASE atoms."""
    ts = pytest.importorskip("torch_sim")
    from ase import Atoms

    atoms = [
        Atoms(thing.numbers, thing.positions, cell=thing.cell, pbc=thing.periodic)
        for thing in things
    ]
    return ts.io.atoms_to_state(atoms, torch.device("cpu"), torch.float64)


def fire() -> Any:
    """Return the optimizer, which version 0.3 has elsewhere."""
    import torch_sim as ts

    return ts.Optimizer.fire if hasattr(ts, "Optimizer") else ts.optimizers.fire


def begun(state: Any, potential: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return a state with momenta, and the step of 5 fs that moves it, in either version."""
    from torch_sim.integrators import nve

    step, heat = torch.tensor(5e-3, dtype=torch.float64), torch.tensor(0.02, dtype=torch.float64)
    if callable(nve):  # 0.3
        first, next_one = nve(model=potential, dt=step, kT=heat, seed=1)
        return first(state), lambda now: next_one(now, dt=step, kT=heat)
    state.rng = 1
    start = nve.nve_init(state, potential, kT=heat)
    return start, lambda now: nve.nve_step(now, potential, dt=step)


def test_its_own_validation_passes() -> None:
    pytest.importorskip("torch_sim")
    from torch_sim.models.interface import validate_model_outputs

    from carnet_model.calculators.torch_sim import CarNetModel

    potential = loaded()
    known, potential.elements = potential.elements, tuple(range(1, 90))  # it tries several
    try:
        validate_model_outputs(CarNetModel(potential), torch.device("cpu"), torch.float64)
    finally:
        potential.elements = known


def test_a_real_state_gives_what_the_network_gives() -> None:
    pytest.importorskip("torch_sim")
    from carnet_model.calculators.torch_sim import CarNetModel

    things = crystal(), crystal(3, 1)
    found = CarNetModel(loaded())(simulated(*things))
    expected = energy_and_derivatives(model(), batch(*things), stress=True)
    assert expected.stress is not None
    torch.testing.assert_close(found["energy"], expected.energy.double(), rtol=0, atol=1e-10)
    torch.testing.assert_close(found["forces"], expected.forces, rtol=0, atol=1e-10)
    torch.testing.assert_close(found["stress"], expected.stress, rtol=0, atol=1e-10)


def test_energy_is_conserved_and_a_relaxation_goes_down() -> None:
    ts = pytest.importorskip("torch_sim")
    from torch_sim.quantities import calc_kinetic_energy

    from carnet_model.calculators.torch_sim import CarNetModel

    potential, state = CarNetModel(loaded()), simulated(crystal(2), crystal(3, 1))
    before = potential(state)
    moving, step = begun(state, potential)

    def total() -> Tensor:
        kinetic = calc_kinetic_energy(
            masses=moving.masses, momenta=moving.momenta, system_idx=moving.system_idx
        )
        energy: Tensor = moving.energy + kinetic
        return energy

    first, lowest, highest = total(), moving.energy.clone(), moving.energy.clone()
    for _ in range(40):
        moving = step(moving)
        lowest, highest = lowest.minimum(moving.energy), highest.maximum(moving.energy)
    exchanged = highest - lowest
    assert (exchanged > 1e-4).all()
    assert ((total() - first).abs() < 0.02 * exchanged).all()

    relaxed = ts.optimize(
        system=simulated(crystal(2), crystal(3, 1)), model=potential,
        optimizer=fire(), max_steps=20,
    )  # fmt: skip
    after = potential(relaxed)
    assert (after["energy"] < before["energy"]).all()


def test_the_example_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ts = pytest.importorskip("torch_sim")
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(import torch_sim.*?)^```", page, re.M | re.S)
    shutil.copy(exported(), tmp_path / "silicon.pt2")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    if not hasattr(ts, "Optimizer"):
        example = example.replace("ts.Optimizer.fire", "ts.optimizers.fire")  # as the page says
    exec(example, names)
    assert capsys.readouterr().out.startswith("tensor([")
    before = names["model"](simulated(*map(geometry, names["crystals"])))
    assert (names["relaxed"].energy < before["energy"]).all()

"""What broke other projects, one test each, where no other room of the tests has it already.

Elsewhere: compiled forces (test_potential, test_native), inputs that are not contiguous
(test_native), structures with a cell that does not repeat (test_geometry, test_calculators_ase),
restarts (test_training), parameters without a gradient (test_potential_training), validation
that is even (test_training), stress order, sign and unit (test_potential_training,
test_calculators_ase), occupancies and umlauts of a CIF (test_geometry), ``y_mod`` in Pa
(test_crystals), the sign of C14 (test_frames).
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.network.graph import build, collate
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.geometry import Geometry
from carnet_model.training import graph_cache, preparation
from carnet_model.training.batches import EpochOrder
from carnet_model.training.run import train
from tests.test_carnet_model.potentials.test_derivatives import compiled, potential, quartz
from tests.test_carnet_model.training.test_potentials import configured


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_cache, "cache_folder", lambda: tmp_path / "cache")


@compiled
def test_compiled_forces_of_inputs_with_strides() -> None:
    """Positions as a transposed view: a kernel that reads plain memory would mix the axes."""
    model, plain = potential("always"), collate([build(quartz(), 3.5)], torch.float64)
    expected = energy_and_derivatives(potential("never"), plain)
    strided = replace(plain, positions=plain.positions.t().contiguous().t())
    assert not strided.positions.is_contiguous()
    found = energy_and_derivatives(model, strided)
    assert float(found.forces.abs().max()) > 1e-4
    torch.testing.assert_close(found.forces, expected.forces, rtol=0, atol=1e-12)


def test_cells_of_one_atom_are_trained_on(tmp_path: Path) -> None:
    """Their forces vanish by symmetry, their energies and stresses do not."""
    records = [
        {"numbers": [29], "positions": [[0, 0, 0]], "lattice": (np.eye(3) * a).tolist(),
         "energy": (a - 2.5) ** 2, "forces": [[0, 0, 0]], "stress": [0.1] * 6}
        for a in np.linspace(2.2, 2.9, 8)
    ]  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(records))
    labels = {"energy": {}, "forces": {}, "stress": {"form": "voigt"}}
    found = preparation.prepare(configured(tmp_path, data=[{"path": "one.json", "labels": labels}]))
    everything = (*found.train, *found.val)
    assert len(everything) == 8
    assert all(sample.graph.edges >= 6 for sample in everything)
    assert all(sample.labels["energy"].weigh for sample in everything)


def test_a_cell_that_does_not_repeat_makes_no_neighbours() -> None:
    alone = Geometry(np.array([8]), np.zeros((1, 3)), np.eye(3) * 2.0, (False,) * 3)
    chain = Geometry(np.array([8]), np.zeros((1, 3)), np.eye(3) * 2.0, (True, False, False))
    assert build(alone, 3.5).edges == 0
    assert build(chain, 3.5).edges == 2


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_process_has_as_many_structures_and_none_is_lost(processes: int) -> None:
    """The last batch is partial and the shares uneven: nothing is dropped, no process waits."""
    orders = [EpochOrder(10, 0, rank, processes) for rank in range(processes)]
    shares = [list(order) for order in orders]
    assert len({len(share) for share in shares}) == 1
    assert {place for share in shares for place in share} == set(range(10))
    assert len(shares[0]) == math.ceil(10 / processes)


def test_the_last_partial_batch_counts_as_much_as_it_holds(tmp_path: Path) -> None:
    """Without steps to speak of, loss and errors of an epoch do not depend on the batches."""
    records = []
    for batch in (7, 30):
        config = configured(
            tmp_path, batch=batch, epochs=1, output=str(batch), ema=0.0,
            optimizer={"lr": 1e-12, "warmup_steps": 0},
        )  # fmt: skip
        assert len(preparation.prepare(config).train) == 30  # 4 batches of 7, one of 2
        records.append(train(config, progress=False).history[0])
    for name in ("loss", "energy_mae", "forces_mae", "stress_mae"):
        assert records[0][name] == pytest.approx(records[1][name], rel=1e-4), name


def test_compilation_leaves_no_stale_forces() -> None:
    """The same model, other atoms: forces follow the structure that is given, not the first one."""
    model = potential()
    compile_kernels(model, "auto")
    first = energy_and_derivatives(model, collate([build(quartz(), 3.5)], torch.float64)).forces
    positions = quartz().positions.copy()
    positions[0, 0] += 0.1
    moved = replace(quartz(), positions=positions)
    second = energy_and_derivatives(model, collate([build(moved, 3.5)], torch.float64)).forces
    assert float((first - second).abs().max()) > 1e-4

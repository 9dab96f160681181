"""A potential in torch-sim: many systems at once, relaxed or moved in batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch_sim.models.interface import ModelInterface

from ..export.exported import Exported, load_exported
from ..structures.neighbours import neighbours

if TYPE_CHECKING:
    from torch_sim.state import SimState


class CarNetModel(ModelInterface):  # type: ignore[misc] # it need not be installed
    """A model of torch-sim that runs an exported potential.

    It takes exported files and no checkpoints: one way to the same numbers, on any device, with
    PyTorch alone. Energies are in eV, forces in eV/Å, stresses in eV/Å³ and positive under
    tension, as torch-sim has them. torch-sim's cells hold lattice vectors as columns.

    Args:
        potential: the path of a file that ``carnet export`` wrote, or the potential it holds.
        device: where it runs, when a path is given.
        compute_forces: hand out forces.
        compute_stress: hand out stresses; that of a system without a volume is NaN.

    Raises:
        ExportError: when the file cannot be used, or is not in eV.
    """

    def __init__(
        self,
        potential: str | Path | Exported,
        *,
        device: str | torch.device = "cpu",
        compute_forces: bool = True,
        compute_stress: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(potential, Exported):
            potential = load_exported(potential, device)
        potential.check_unit()
        self.potential = potential
        self._device, self._dtype = potential.device, potential.dtype
        self._compute_forces, self._compute_stress = compute_forces, compute_stress
        self._memory_scales_with = "n_atoms_x_density"

    def forward(self, state: SimState | dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Return energies, forces and stresses.

        Args:
            state: a ``SimState``, or a dict of its fields: ``positions`` ``(atoms, 3)``, ``cell``
                ``(systems, 3, 3)`` with lattice vectors as columns, ``pbc``, ``atomic_numbers``
                and ``system_idx`` ``(atoms,)``.

        Returns:
            ``energy`` ``(systems,)``, ``energies`` ``(atoms,)``, ``forces`` ``(atoms, 3)`` and
            ``stress`` ``(systems, 3, 3)``, all in the data type of the model.

        Raises:
            ExportError: for elements the potential does not know.
        """
        read = state.__getitem__ if isinstance(state, dict) else lambda name: getattr(state, name)
        positions, numbers, owners = read("positions"), read("atomic_numbers"), read("system_idx")
        cells = read("cell").mT  # torch-sim's columns to rows
        if owners is None:
            owners = torch.zeros_like(numbers)
        systems = cells.shape[0]
        self.potential.check_elements(numbers)
        senders, receivers, shifts = self._bonds(positions, cells, read("pbc"), owners)
        bond_owners = owners.index_select(0, receivers)
        vectors = (
            positions.index_select(0, senders)
            - positions.index_select(0, receivers)
            + torch.einsum("ei,eij->ej", shifts, cells.index_select(0, bond_owners))
        ).detach()
        result = self.potential(numbers, senders, receivers, vectors)
        properties = {"energy": result.energy(owners, systems), "energies": result.energies}
        if self.compute_forces:
            properties["forces"] = result.forces(senders, receivers)
        if self.compute_stress:
            volumes = torch.linalg.det(cells).abs()
            volumes = torch.where(volumes > 0, volumes, torch.nan)
            strain = result.strain_derivative(
                vectors.to(result.gradient.dtype), bond_owners, systems
            )
            properties["stress"] = strain / volumes.view(-1, 1, 1)
        return {name: values.to(self.dtype) for name, values in properties.items()}

    def _bonds(
        self,
        positions: Tensor,
        cells: Tensor,
        periodic: Tensor | Sequence[bool] | bool,
        owners: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return senders, receivers and lattice translations of all bonds."""
        flags = np.broadcast_to(torch.as_tensor(periodic).cpu().numpy(), 3).tolist()
        places = positions.detach().double().cpu().numpy()
        boxes = cells.detach().double().cpu().numpy()
        counts = torch.bincount(owners, minlength=len(boxes)).cpu().numpy()
        starts = np.cumsum(counts) - counts
        systems = [
            neighbours(places[start : start + count], box, flags, self.potential.cutoff)
            for start, count, box in zip(starts, counts, boxes, strict=True)
        ]
        senders, receivers, shifts = (
            torch.from_numpy(np.concatenate(parts)).to(positions.device)
            for parts in (
                [pairs.second + start for pairs, start in zip(systems, starts, strict=True)],
                [pairs.first + start for pairs, start in zip(systems, starts, strict=True)],
                [pairs.shifts for pairs in systems],
            )
        )
        return senders, receivers, shifts.to(positions.dtype)

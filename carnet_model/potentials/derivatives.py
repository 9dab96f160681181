"""Energy, forces and stress from a network with an energy among its targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..network.batch import Batch
from ..network.model import CarNet
from ..network.targets import Target, TargetError


@dataclass(frozen=True, eq=False)
class EnergyDerivatives:
    """An energy and its derivatives by positions and strain.

    Attributes:
        energy: of each structure, double precision, shape ``(graphs,)``.
        forces: minus the gradient by the positions, in the unit of the energy per angstrom, shape
            ``(atoms, 3)``.
        strain_derivative: gradient by a symmetric strain, in the unit of the energy, shape
            ``(graphs, 3, 3)``; None when not asked for.
        volumes: of the cells, cubic angstrom, 0 where nothing repeats, shape ``(graphs,)``.
        learned: what the network computed for every target (`CarNet.learned`).
    """

    energy: Tensor
    forces: Tensor
    strain_derivative: Tensor | None
    volumes: Tensor
    learned: Mapping[str, Tensor]

    @property
    def stress(self) -> Tensor | None:
        """Gradient by strain over the volume, energy per cubic angstrom, positive under tension.

        Shape ``(graphs, 3, 3)``; None when not asked for.

        Raises:
            TargetError: when a structure has no volume.
        """
        if self.strain_derivative is None:
            return None
        if not bool((self.volumes > 0).all()):
            raise TargetError("a stress needs three lattice vectors; a structure has no volume")
        return self.strain_derivative / self.volumes.view(-1, 1, 1)


def require_potential(model: CarNet) -> Target:
    """Return the energy among the targets.

    Raises:
        TargetError: when there is none.
    """
    if model.potential is None:
        raise TargetError(
            "forces come from an energy that is a sum over the atoms; this network predicts "
            f"{', '.join(target.key for target in model.targets)}"
        )
    return model.potential


def energy_and_derivatives(
    model: CarNet, batch: Batch, *, stress: bool = False, create_graph: bool = False
) -> EnergyDerivatives:
    """Return energies, forces and, where asked for, stresses.

    Args:
        model: a network with an energy among its targets.
        batch: the structures.
        stress: compute the derivative by a strain as well.
        create_graph: keep the graph of the derivatives, so that a loss of forces can be
            differentiated by the parameters.

    Raises:
        TargetError: when no target is an energy.
    """
    target = require_potential(model)
    positions = batch.positions.detach().requires_grad_()
    moved, inputs = replace(batch, positions=positions), [positions]
    with torch.enable_grad():
        if stress:
            strain = batch.cells.new_zeros(batch.cells.shape).requires_grad_()
            deformation = torch.eye(3, dtype=strain.dtype, device=strain.device)
            deformation = deformation + 0.5 * (strain + strain.mT)
            of_atoms = deformation.index_select(0, batch.owners)
            strained = torch.einsum("ai,aij->aj", positions, of_atoms)
            moved = replace(batch, positions=strained, cells=batch.cells @ deformation)
            inputs.append(strain)
        bonds = model.bonds(moved)
        learned = model.learned(moved, bonds)
        energies = learned[target.key].squeeze(-1)
        with bonds.without_parameter_gradients():
            derivatives = torch.autograd.grad(
                energies.sum(), inputs, create_graph=create_graph, materialize_grads=True
            )
    if not create_graph:
        energies = energies.detach()
        learned = {key: values.detach() for key, values in learned.items()}
    volumes = torch.linalg.det(batch.cells).abs()
    strain_derivative = derivatives[1] if stress else None
    return EnergyDerivatives(energies, -derivatives[0], strain_derivative, volumes, learned)

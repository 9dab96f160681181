"""Energy, forces and stress from a network with a scalar target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import native
from .graph import Batch
from .model import CarNet
from .targets import TargetError


@dataclass(frozen=True, eq=False)
class Response:
    """An energy and its derivatives.

    Attributes:
        energy: of each structure, shape ``(graphs,)``.
        forces: minus the gradient by the positions, in the unit of the energy per angstrom, shape
            ``(atoms, 3)``.
        stress: gradient by a symmetric strain over the volume, in the unit of the energy per cubic
            angstrom, positive under tension, shape ``(graphs, 3, 3)``; None when not asked for.
    """

    energy: Tensor
    forces: Tensor
    stress: Tensor | None = None


def respond(model: CarNet, batch: Batch, *, stress: bool = False, learn: bool = False) -> Response:
    """Return energies, forces and, where asked for, stresses.

    Args:
        model: a network with a scalar target that is summed over the atoms.
        batch: the structures.
        stress: compute the stress as well; every structure then needs a volume.
        learn: keep the graph, so that a loss of forces can be differentiated by the parameters.

    Raises:
        TargetError: when the target is no sum of scalars, or a stress is asked for without volume.
    """
    target = model.target
    if not target.potential:
        raise TargetError(
            f"forces come from a scalar summed over the atoms; {target.name or 'this scalar'} has "
            f"rank {target.reduction.rank} and pooling {target.pooling!r}"
        )
    positions = batch.positions.detach().requires_grad_()
    moved, inputs = replace(batch, positions=positions), [positions]
    if stress:
        volumes = torch.linalg.det(batch.cells).abs()
        if not bool((volumes > 0).all()):
            raise TargetError("a stress needs three lattice vectors; a structure has no volume")
        strain = batch.cells.new_zeros(batch.cells.shape).requires_grad_()
        turn = 0.5 * (strain + strain.mT) + torch.eye(3, dtype=strain.dtype, device=strain.device)
        moved = replace(
            batch,
            positions=torch.einsum("ai,aij->aj", positions, turn.index_select(0, batch.owners)),
            cells=batch.cells @ turn,
        )
        inputs.append(strain)
    with torch.enable_grad():
        energies = model(moved).squeeze(-1)
        with native.gradients_by_inputs_only():
            slopes = torch.autograd.grad(
                energies.sum(), inputs, create_graph=learn, materialize_grads=True
            )
    if not learn:
        energies = energies.detach()
    tension = slopes[1] / volumes.view(-1, 1, 1) if stress else None
    return Response(energies, -slopes[0], tension)

"""Second derivatives of a potential: force constants, internal strain, elastic constants.

An energy E(u, ε) of displacements u and a homogeneous strain ε gives the stiffness of ions that
stay where the strain takes them, C = ∂²E/∂ε² / V, and of ions that relax,
C - Λᵀ Φ⁻¹ Λ / V, with the force constants Φ = ∂²E/∂u² and the internal strain Λ = ∂²E/∂u∂ε
(D. C. Wallace, Thermodynamics of Crystals, 1972, ch. 2; X. Wu, D. Vanderbilt and D. R. Hamann 2005,
Phys. Rev. B 72, 035105, eq. 12). All by automatic differentiation: there is no step to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError

from ..network.batch import Batch, collate
from ..network.model import CarNet
from ..network.targets import TargetError
from ..structures.geometry import Geometry
from ..structures.graph import build
from ..structures.units import EV_PER_A3
from .derivatives import require_potential

LARGEST_FORCE = 0.05
"""eV/Å: ions further from equilibrium have no relaxed stiffness."""


SOFTEST = 1e-6
"""Share of the largest eigenvalue of the force constants below which one counts as zero."""


PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Voigt order xx, yy, zz, yz, xz, xy."""

UNIT_STRAINS: Floats = np.array(
    [(np.outer(np.eye(3)[i], np.eye(3)[j]) + np.outer(np.eye(3)[j], np.eye(3)[i])) / 2
     for i, j in PAIRS]
)  # fmt: skip
"""The strains of which one Voigt component (engineering shear) is 1, shape ``(6, 3, 3)``."""


class MechanicsError(InputError, ValueError):
    """A structure without the second derivatives asked for."""


@dataclass(frozen=True, eq=False)
class Mechanics:
    """Second derivatives of an energy at a structure.

    Attributes:
        force_constants: Φ, eV/Å^2, shape ``(3 atoms, 3 atoms)``.
        internal_strain: Λ, eV/Å by Voigt strain (engineering shear), shape ``(3 atoms, 6)``.
        clamped: stiffness with ions that follow the strain, GPa, Voigt, shape ``(6, 6)``.
        forces: eV/Å, shape ``(atoms, 3)``.
        stress: GPa, positive under tension, shape ``(3, 3)``. Where it is not zero, stiffnesses are
            derivatives of the energy by the strain; those of the stress differ by as much.
        volume: of the cell, cubic angstrom.
        noise: share of the largest eigenvalue of the force constants below which one counts as
            zero.
    """

    force_constants: Floats
    internal_strain: Floats
    clamped: Floats
    forces: Floats
    stress: Floats
    volume: float
    noise: float = SOFTEST

    @property
    def stiffness(self) -> Floats:
        """Stiffness with relaxed ions, GPa, Voigt without factors, shape ``(6, 6)``.

        Raises:
            MechanicsError: when forces are left, or the structure is no minimum of the energy.
        """
        largest = float(np.linalg.norm(self.forces, axis=1).max())
        if largest > LARGEST_FORCE:
            raise MechanicsError(
                f"the largest force is {largest:.3g} eV/Å, allowed are {LARGEST_FORCE:g}: relax "
                "the structure with this potential first"
            )
        softening = self.internal_strain.T @ self.ion_response
        return np.asarray(self.clamped + softening / self.volume * EV_PER_A3, dtype=np.float64)

    @property
    def ion_response(self) -> Floats:
        """Displacements of relaxing ions by the strain, beyond those of the strain itself: -Φ⁻¹ Λ.

        Å by Voigt strain (engineering shear), shape ``(3 atoms, 6)``.

        Raises:
            MechanicsError: when the structure is no minimum of the energy.
        """
        values, vectors = np.linalg.eigh(self.force_constants)
        limit = self.noise * values[-1]
        if values[0] < -limit:
            raise MechanicsError(
                f"the force constants have an eigenvalue {values[0]:.3g} eV/Å^2: the structure is "
                "no minimum of this potential; displace the atoms along it and relax again"
            )
        positive = values > limit  # all but translations, which no strain excites
        modes = vectors[:, positive]
        shares = modes.T @ self.internal_strain
        return np.asarray(-modes @ (shares / values[positive, None]), dtype=np.float64)


def require_volume(structure: Geometry) -> float:
    """Return the volume of a crystal, cubic angstrom.

    Raises:
        MechanicsError: when it is no crystal.
    """
    if structure.volume is None:
        raise MechanicsError(
            f"{structure.name or 'the structure'}: repeats along {sum(structure.periodic)} "
            "directions; a stiffness needs three"
        )
    return structure.volume


def mechanics(models: CarNet | Sequence[CarNet], structure: Geometry) -> Mechanics:
    """Return the second derivatives of the energy of a crystal, in double precision.

    Args:
        models: networks with an energy; of several, the mean energy.
        structure: the crystal, relaxed where relaxed ions are wanted.

    Raises:
        MechanicsError: when it is no crystal.
        TargetError: when a network has no energy.
    """
    members = [models] if isinstance(models, CarNet) else list(models)
    volume = require_volume(structure)
    parts = [_second(_double(model), _batch(structure, model)) for model in members]
    gradient, second = (np.mean([part[place] for part in parts], axis=0) for place in (0, 1))
    size = 3 * len(structure)
    stress = np.zeros((3, 3))
    for (i, j), value in zip(PAIRS, gradient[size:], strict=True):
        stress[i, j] = stress[j, i] = value / volume * EV_PER_A3
    return Mechanics(
        force_constants=second[:size, :size],
        internal_strain=second[:size, size:],
        clamped=second[size:, size:] / volume * EV_PER_A3,
        forces=-gradient[:size].reshape(-1, 3),
        stress=stress,
        volume=volume,
    )


def position_derivatives(
    models: CarNet | Sequence[CarNet], structure: Geometry, key: str | None = None
) -> Floats:
    """Return the derivatives of a summed tensor by the positions of the atoms.

    That of a dipole are the Born effective charges of a molecule, Z_ij = ∂μ_i/∂r_j (in units of e
    when the dipole is in e Å); that of a polarizability, the atomic Raman tensors.

    Args:
        models: networks with such a target; of several, the mean.
        structure: the structure.
        key: of the target; the first summed one when left out.

    Returns:
        Shape ``(atoms,) + (3,)*rank + (3,)``: the last axis is that of the displacement.

    Raises:
        TargetError: when there is no such target, or it is no sum over the atoms.
    """
    members = [models] if isinstance(models, CarNet) else list(models)
    sums = {target.key: target for target in members[0].targets if target.pooling == "sum"}
    if not sums or (key is not None and key not in sums):
        raise TargetError(
            f"derivatives by positions are those of sums over the atoms; asked for "
            f"{key or 'the first'}, the network has {', '.join(sums) or 'none'}"
        )
    target = sums[key or next(iter(sums))]
    derivatives = []
    for model in map(_double, members):
        batch = _batch(structure, model)
        positions = batch.positions.detach().requires_grad_()
        values = model(replace(batch, positions=positions))[target.key][0]
        rows = [torch.autograd.grad(value, positions, retain_graph=True)[0] for value in values]
        derivatives.append(torch.stack(rows, dim=-1).numpy())  # atoms, 3, dimension
    full = np.asarray(target.reduction.unpack(np.mean(derivatives, axis=0)), dtype=np.float64)
    return np.moveaxis(full, 1, -1)


def _double(model: CarNet) -> CarNet:
    double: CarNet = deepcopy(model).double().eval().requires_grad_(False)
    return double


def _batch(structure: Geometry, model: CarNet) -> Batch:
    return collate([build(structure, model.settings.cutoff)], torch.float64)


def _second(model: CarNet, batch: Batch) -> tuple[Floats, Floats]:
    """Return gradient and second derivatives by displacements and Voigt strains."""
    key = require_potential(model).key
    displacements = torch.zeros_like(batch.positions).requires_grad_()
    strains = torch.zeros(6, dtype=batch.positions.dtype).requires_grad_()
    units = torch.as_tensor(UNIT_STRAINS, dtype=strains.dtype)
    deformation = torch.eye(3, dtype=strains.dtype) + torch.einsum("k,kij->ij", strains, units)
    positions = (batch.positions + displacements) @ deformation
    moved = replace(batch, positions=positions, cells=batch.cells @ deformation)
    energy = model.learned(moved)[key].sum()
    inputs = (displacements, strains)
    gradient = _flat(torch.autograd.grad(energy, inputs, create_graph=True, materialize_grads=True))
    rows = [
        _flat(torch.autograd.grad(entry, inputs, retain_graph=True, materialize_grads=True))
        for entry in gradient
    ]
    second = torch.stack(rows).numpy()
    return gradient.detach().numpy(), (second + second.T) / 2


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])

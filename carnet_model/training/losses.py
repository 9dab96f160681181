"""What training minimizes: robust distances of tensors, moduli, energies, forces and stresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..network.kernels import Packing
from ..network.targets import Target, learns_moduli
from .config import LossSettings
from .label_tensors import PotentialLabels, TensorLabels, nearest_sign

ROUND = 1e-4
"""Distances of tensors are rounded off at zero over this share of their scale, to have a gradient
there."""


SMALLEST_MODULUS = 2.0
"""GPa; below, ratios of moduli are noise and are no longer followed."""


def polycrystal_moduli(stiffness: Tensor, compliance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return K and G after Hill, the means of the Voigt and the Reuss bound, and K after Voigt.

    ``9 K_V`` and ``1 / K_R`` are the sums of the upper left 3x3 of stiffness and compliance;
    ``G_V = (tr C - 3 K_V) / 10`` and ``G_R = 5 / 2 / (tr S - 1 / (3 K_R))`` with the traces of the
    Mandel matrices.

    Args:
        stiffness: Mandel matrices, GPa, shape ``(..., 6, 6)``.
        compliance: their inverses, 1/GPa, the same shape.

    Returns:
        All in GPa, shape ``(...)``, in the order of `carnet_model.training.sources.MODULI`.

    Source: R. Hill 1952, Proc. Phys. Soc. A 65, 349.
    """
    stiff, soft = (matrix[..., :3, :3].sum(dim=(-2, -1)) for matrix in (stiffness, compliance))
    traces = (torch.einsum("...ii->...", matrix) for matrix in (stiffness, compliance))
    stiff_trace, soft_trace = traces
    bulk_voigt = stiff / 9
    shear = ((stiff_trace - stiff / 3) / 10 + 2.5 / (soft_trace - soft / 3)) / 2
    return (bulk_voigt + 1 / soft) / 2, shear, bulk_voigt


@dataclass(frozen=True)
class TensorLoss:
    """Sum of robust terms, averaged over the structures of a batch.

    ``tensor |T - T'| / tensor_scale``, Frobenius norms in the unit of the target;
    ``coordinates |Z - Z'|`` of what the network learns; and for positive elastic tensors
    ``moduli (|K - K'| + |G - G'|) / moduli_scale + log_moduli (|ln K/K'| + |ln G/G'|) / 2``.
    Every term of a system has its own weight (see `Labels`).

    Attributes:
        packing: makes matrices of packed coordinates.
        elastic: whether the target is positive and elastic.
        tensor: weight of the tensors.
        moduli: weight of K and G.
        log_moduli: weight of their logarithms.
        coordinates: weight of the coordinates.
        tensor_scale: in the unit of the target.
        moduli_scale: GPa.
    """

    packing: Packing
    elastic: bool
    tensor: float = 1.0
    moduli: float = 1.0
    log_moduli: float = 0.3
    coordinates: float = 0.0
    tensor_scale: float = 1.0
    moduli_scale: float = 1.0

    def __call__(
        self, tensors: Tensor, coordinates: Tensor, labels: TensorLabels, size: int
    ) -> Tensor:
        """Return the loss.

        Args:
            tensors: packed coordinates of the predicted tensors, shape ``(systems, dimension)``.
            coordinates: what they were made of, shape ``(systems, dimension)``.
            labels: of the same systems.
            size: number of structures in the batch.
        """
        sign = nearest_sign(labels, tensors)
        distance = _norm(tensors - sign * labels.tensors, self.tensor_scale)
        total = labels.tensor_weight * distance * (self.tensor / self.tensor_scale)
        if self.coordinates:
            distance = _norm(coordinates - sign * labels.coordinates, 1.0)
            total = total + labels.coordinates_weight * distance * self.coordinates
        if self.elastic and (self.moduli or self.log_moduli):
            moduli = self._moduli(tensors, coordinates, labels)
            total = total + (labels.moduli_weight * moduli).sum(dim=1)
        return total.sum() / size

    def _moduli(self, tensors: Tensor, coordinates: Tensor, labels: TensorLabels) -> Tensor:
        """Return the terms of the moduli, shape ``(systems, 3)``."""
        stiffness = self.packing.unpack(tensors)
        compliance = torch.linalg.matrix_exp(-self.packing.unpack(coordinates))
        moduli = torch.stack(polycrystal_moduli(stiffness, compliance), dim=1)
        gap = _absolute(moduli - labels.moduli, self.moduli_scale)
        ratio = torch.log(moduli / labels.moduli.clamp(min=SMALLEST_MODULUS))
        return gap * (self.moduli / self.moduli_scale) + _absolute(ratio, 1.0) * (
            self.log_moduli / 2
        )


@dataclass(frozen=True)
class PotentialLoss:
    """Sum of robust terms of an energy and its derivatives, averaged over the structures.

    ``energy |E - E'| / N``, ``forces |F - F'|`` averaged over the atoms and ``stress |W - W'| / N``
    of the derivative W by strain, each over its scale. Distances rather than squares: the few
    structures far from equilibrium do not rule. Squares rather than distances below `rounding`: of
    a crystal stretched and compressed, both errors have the sign of its error at rest while that is
    the larger one, distances then say nothing of its stiffness, squares do.

    Attributes:
        energy: weight of the energies.
        forces: weight of the forces.
        stress: weight of the stresses.
        scales: mean size of each term, by its name.
        rounding: share of the scale of a term below which its errors count by their squares.
    """

    energy: float
    forces: float
    stress: float
    scales: Mapping[str, float]
    rounding: float

    def __call__(
        self,
        energies: Tensor,
        forces: Tensor | None,
        strain_derivative: Tensor | None,
        labels: PotentialLabels,
    ) -> Tensor:
        """Return the loss.

        Args:
            energies: of the network, shape ``(systems,)``.
            forces: shape ``(atoms, 3)``; None where no label needs them.
            strain_derivative: shape ``(systems, 3, 3)``; None where no label needs it.
            labels: of the same structures.
        """
        unit = self.scales["energy"]
        gap = ((energies - labels.energies) / labels.sizes).float()
        total = (labels.energy_weight * _absolute(gap, unit, self.rounding)).sum() * (
            self.energy / unit
        )
        if forces is not None:
            unit = self.scales["forces"]
            gap = _norm(forces - labels.forces, unit, self.rounding)
            total = total + (labels.forces_weight * gap).sum() * (self.forces / unit)
        if strain_derivative is not None:
            unit = self.scales["stress"]
            gap = (strain_derivative - labels.strain_derivative).flatten(1)
            gap = gap / labels.sizes.unsqueeze(1)
            total = total + (labels.stress_weight * _norm(gap, unit, self.rounding)).sum() * (
                self.stress / unit
            )
        return total / len(labels.energies)


def loss_of(
    target: Target,
    packing: Packing,
    settings: LossSettings,
    scales: Mapping[str, float],
    weight: float,
) -> TensorLoss | PotentialLoss:
    """Return the loss of one target.

    Args:
        target: the target.
        packing: makes matrices of its packed coordinates.
        settings: weights of the terms, and scales where they are stated.
        scales: of the terms, from the training set, by their names.
        weight: factor of all terms.
    """
    if target.potential:
        return PotentialLoss(
            energy=weight * settings.energy,
            forces=weight * settings.forces,
            stress=weight * settings.stress,
            scales=scales,
            rounding=settings.rounding,
        )
    return TensorLoss(
        packing,
        elastic=learns_moduli(target),
        tensor=weight * settings.tensor,
        moduli=weight * settings.moduli,
        log_moduli=weight * settings.log_moduli,
        coordinates=weight * settings.coordinates,
        tensor_scale=settings.tensor_scale or scales["tensor"],
        moduli_scale=settings.moduli_scale or scales["moduli"],
    )


def _norm(difference: Tensor, scale: float, rounding: float = ROUND) -> Tensor:
    """Return the norm of each row, smooth at zero, shape ``(rows,)``."""
    return (difference.square().sum(dim=1) + (rounding * scale) ** 2).sqrt()


def _absolute(difference: Tensor, scale: float, rounding: float = ROUND) -> Tensor:
    """Return the absolute value of each entry, smooth at zero."""
    return (difference.square() + (rounding * scale) ** 2).sqrt()

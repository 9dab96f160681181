"""Losses: each term, where it counts, and that it is smooth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.training.config_reading import make_config
from carnet_model.training.label_tensors import PotentialLabels, TensorLabels
from carnet_model.training.losses import PotentialLoss, TensorLoss, polycrystal_moduli
from natural_tensors import elasticity
from tests.helpers.trainings import NETWORK


def stiffnesses(count: int) -> torch.Tensor:
    half = torch.randn(count, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return half @ half.mT + torch.eye(6)


def test_moduli_are_those_of_the_numpy_room() -> None:
    mandel = stiffnesses(5)
    voigt = mandel.numpy() / np.outer([1, 1, 1, *[2**0.5] * 3], [1, 1, 1, *[2**0.5] * 3])
    bulk, shear, bulk_voigt = polycrystal_moduli(mandel, torch.linalg.inv(mandel))
    expected = elasticity.moduli(voigt)
    np.testing.assert_allclose(bulk, expected.bulk_hill, rtol=1e-10)
    np.testing.assert_allclose(shear, expected.shear_hill, rtol=1e-10)
    np.testing.assert_allclose(bulk_voigt, expected.bulk_voigt, rtol=1e-10)


def labels_of(count: int, **changes: torch.Tensor) -> TensorLabels:
    values = {
        "tensors": torch.zeros(count, 21),
        "coordinates": torch.zeros(count, 21),
        "moduli": torch.full((count, 3), 50.0),
        "tensor_weight": torch.zeros(count),
        "coordinates_weight": torch.zeros(count),
        "moduli_weight": torch.zeros(count, 3),
        "either_sign": torch.zeros(count),
        **changes,
    }
    return TensorLabels(**values)


@pytest.mark.parametrize("part", ["tensor_weight", "coordinates_weight", "moduli_weight"])
def test_each_term_counts_only_where_its_label_is_known(part: str) -> None:
    assembly = CarNet(make_config({"data": ["a"]}).network.model_copy(update=NETWORK), Target(
        "elastic", positive=True)).outputs[0].assembly  # fmt: skip
    loss = TensorLoss(assembly.packing, elastic=True, coordinates=1.0, moduli_scale=50.0)
    coordinates = 0.1 * torch.randn(3, 21, generator=torch.Generator().manual_seed(0))
    coordinates.requires_grad_(True)
    shape = (3, 3) if part == "moduli_weight" else (3,)
    weights = torch.zeros(shape)
    weights[1] = 2.0
    tensors = assembly.packing.pack(torch.linalg.matrix_exp(assembly.packing.unpack(coordinates)))
    value = loss(tensors, coordinates, labels_of(3, **{part: weights}), 3)
    (slope,) = torch.autograd.grad(value, coordinates)
    assert value > 0
    assert slope[1].abs().sum() > 0
    assert not slope[[0, 2]].any()


def test_the_loss_is_smooth_where_prediction_and_label_agree() -> None:
    assembly = CarNet(make_config({"data": ["a"]}).network.model_copy(update=NETWORK), Target(
        "elastic", positive=True)).outputs[0].assembly  # fmt: skip
    loss = TensorLoss(assembly.packing, elastic=True, coordinates=1.0, moduli_scale=50.0)
    coordinates = torch.zeros(1, 21, requires_grad=True)
    tensors = assembly.packing.pack(torch.linalg.matrix_exp(assembly.packing.unpack(coordinates)))
    known = labels_of(
        1, tensors=tensors.detach(), tensor_weight=torch.ones(1), coordinates_weight=torch.ones(1),
        moduli_weight=torch.ones(1, 3),
    )  # fmt: skip
    (slope,) = torch.autograd.grad(loss(tensors, coordinates, known, 1), coordinates)
    assert torch.isfinite(slope).all()


def test_the_loss_of_a_potential_counts_what_is_known() -> None:
    labels = PotentialLabels(
        energies=torch.tensor([1.0, 2.0], dtype=torch.float64), forces=torch.zeros(3, 3),
        strain_derivative=torch.zeros(2, 3, 3), energy_weight=torch.tensor([1.0, 0.0]),
        forces_weight=torch.tensor([0.0, 0.5, 0.5]), stress_weight=torch.zeros(2),
        sizes=torch.tensor([1.0, 2.0]), volumes=torch.ones(2),
    )  # fmt: skip
    loss = PotentialLoss(1.0, 10.0, 1.0, {"energy": 0.5, "forces": 2.0, "stress": 1.0}, 1e-4)
    energies = torch.tensor([2.0, 9.0], dtype=torch.float64)
    forces = torch.tensor([[9.0, 0, 0], [3.0, 4.0, 0], [0, 0, 0]])
    # |1| / 1 / 0.5 and 10 (5 / 2) / 2, halved by the two structures; rounded off at 1e-4 of scale
    expected = (1 / 0.5 + 10 * (0.5 * 5 / 2)) / 2
    assert float(loss(energies, forces, None, labels)) == pytest.approx(expected, rel=1e-3)


def test_below_the_rounding_squares_say_how_stiff_a_crystal_is() -> None:
    """A crystal stretched and compressed by a unit: stiffness 1, the stress at rest wrong by 2."""
    slopes = []
    for rounding in (1e-4, 10.0):
        stiffness = torch.tensor(0.9, requires_grad=True)
        strains = torch.tensor([1.0, -1.0])
        stress = torch.zeros(2, 3, 3)
        stress[:, 0, 0] = strains
        labels = PotentialLabels(
            energies=torch.zeros(2), forces=torch.zeros(2, 3), strain_derivative=stress,
            energy_weight=torch.zeros(2), forces_weight=torch.zeros(2),
            stress_weight=torch.ones(2), sizes=torch.ones(2), volumes=torch.ones(2),
        )  # fmt: skip
        scales = {"energy": 1.0, "forces": 1.0, "stress": 1.0}
        found = torch.zeros(2, 3, 3)
        found[:, 0, 0] = stiffness * strains + 2
        loss = PotentialLoss(0.0, 0.0, 1.0, scales, rounding)(torch.zeros(2), None, found, labels)
        slopes.append(float(torch.autograd.grad(loss, stiffness)[0]))
    distances, squares = slopes
    assert abs(distances) < 1e-6  # both errors are of one sign, and cancel
    # d/dk of the mean of sqrt(e^2 + 10^2), e = +-(k - 1) + 2: -0.1 / sqrt(104), to second order
    assert squares == pytest.approx(-0.1 * 100 / 104**1.5, rel=0.01)


def test_a_tensor_of_unknown_sign_is_as_good_as_its_negative() -> None:
    assembly = CarNet(make_config({"data": ["a"]}).network.model_copy(update=NETWORK), Target(
        "elastic", positive=False)).outputs[0].assembly  # fmt: skip
    loss = TensorLoss(assembly.packing, elastic=False, coordinates=1.0)
    labelled = torch.randn(4, 21, generator=torch.Generator().manual_seed(0))
    ones = torch.ones(4)
    labels = labels_of(
        4, tensors=labelled, coordinates=labelled, tensor_weight=ones, coordinates_weight=ones,
        either_sign=torch.tensor([1.0, 1.0, 0.0, 0.0]),
    )  # fmt: skip
    flipped = labelled * torch.tensor([-1.0, 1.0, 1.0, 1.0]).unsqueeze(1)
    assert float(loss(flipped, flipped, labels, 4)) < 1e-3  # the rounding of a norm
    stated = labelled * torch.tensor([1.0, 1.0, -1.0, 1.0]).unsqueeze(1)
    assert float(loss(stated, stated, labels, 4)) > 1

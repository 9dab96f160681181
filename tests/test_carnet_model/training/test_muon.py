"""Muon: orthogonal steps for matrices, AdamW for all else."""

from __future__ import annotations

import pytest
import torch

from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.training.muon import MOMENTUM, SIZE, Muon, hidden_matrices, orthogonalized


@pytest.mark.parametrize("shape", [(12, 12), (3, 9, 14), (2, 20, 8)])
def test_singular_values_come_near_one_and_vectors_stay(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape, dtype=torch.float64)
    left, values, right = torch.linalg.svd(matrices, full_matrices=False)
    turned = left.mT @ orthogonalized(1e3 * matrices) @ right.mT
    diagonal = torch.diagonal(turned, dim1=-2, dim2=-1)
    large = values > 0.02 * torch.linalg.matrix_norm(matrices).unsqueeze(-1)
    assert large.double().mean() > 0.8
    # the polynomial ends between 0.68 and 1.13 (Jordan and others 2024)
    assert ((diagonal > 0.65) & (diagonal < 1.2))[large].all()
    torch.testing.assert_close(turned, torch.diag_embed(diagonal), atol=1e-9, rtol=0)


def test_matrices_take_orthogonal_steps_and_all_else_those_of_adamw() -> None:
    torch.manual_seed(1)
    first = [torch.nn.Parameter(torch.randn(6, 8)), torch.nn.Parameter(torch.randn(5))]
    second = [torch.nn.Parameter(each.detach().clone()) for each in first]
    ours = Muon(
        [{"params": first[:1], "matrices": True, "weight_decay": 0.1}, {"params": first[1:]}],
        lr=0.1, betas=(0.9, 0.98),
    )  # fmt: skip
    theirs = torch.optim.AdamW(second[1:], lr=0.1, betas=(0.9, 0.98))
    momentum = torch.zeros(6, 8)
    for _ in range(3):
        for one, other in zip(first, second, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        gradient = second[0].grad
        assert gradient is not None
        momentum = MOMENTUM * momentum + gradient
        step = orthogonalized(gradient + MOMENTUM * momentum) * SIZE * 8**0.5
        expected = first[0].detach() * (1 - 0.1 * 0.1) - 0.1 * step
        ours.step()
        theirs.step()
        torch.testing.assert_close(first[0].detach(), expected)
        torch.testing.assert_close(first[1], second[1])
        # as large as a step of AdamW, which moves each entry by some tenths of the rate
        assert 0.1 < float(step.square().mean().sqrt()) < 0.3


def test_first_and_last_layers_are_no_hidden_matrices() -> None:
    model = CarNet(NetworkSettings(channels=4, layers=2), Target("elastic"))
    found = hidden_matrices(model)
    names = {name for name, each in model.named_parameters() if any(each is one for one in found)}
    assert {
        "start.weight", "interactions.0.radial.last.weight", "interactions.1.mixings.2.weight",
        "outputs.0.atomic.2.weight", "outputs.0.head.trunk.0.weight",
    } <= names  # fmt: skip
    ends = ("embedding", "outputs.0.head.heads", "interactions.0.weights")
    assert not any(name.startswith(ends) for name in names)

"""What trained weights mean: constants that any training would learn around are fixed here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnet_model.network.batch import collate
from carnet_model.network.layers.output import Assembly
from carnet_model.network.layers.radial import RadialBasis
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.structures.graph import build
from tests.helpers import tiny_potentials


@pytest.mark.parametrize("cutoff", [3.0, 5.5])
def test_radial_functions_are_bessel_functions_under_their_envelope(cutoff: float) -> None:
    """Equations 7 and 8 of arXiv:2003.03123, exponent 6, written out apart from the code."""
    size = 7
    lengths = np.linspace(0.3, 1.2 * cutoff, 40)
    x = lengths / cutoff
    envelope = 1 - (7 * 8 / 2) * x**6 + 6 * 8 * x**7 - (6 * 7 / 2) * x**8
    waves = [np.sqrt(2) * np.sin(n * np.pi * x) / x for n in range(1, size + 1)]
    expected = np.where(x < 1, np.array(waves) * envelope, 0.0).T
    basis = RadialBasis(size, cutoff)
    assert basis.waves.shape == (size,)
    found = basis(torch.from_numpy(lengths)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6)  # pi is kept in float32


def test_without_a_stated_number_of_neighbours_there_are_forty() -> None:
    """It sets the size of the sums of an untrained network."""
    batch, found = collate([build(tiny_potentials.crystal(), 3.5)]), []
    for neighbours in (None, 40.0, 39.0):
        torch.manual_seed(0)
        settings = tiny_potentials.SETTINGS.model_copy(update={"neighbours": neighbours})
        model = CarNet(settings, Target("energy", pooling="sum"))
        with torch.no_grad():
            for name, values in model.named_parameters():
                values.mul_(1000 if ".heads.0.weight" in name else 1)  # they begin near zero
            found.append(model(batch)["energy"])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_deviations_beyond_fifty_are_bounded_smoothly() -> None:
    """|v| / (1 + (|v| / 50)^8)^(1/8), along v: 50 at most, and v itself where it is small."""
    assembly = Assembly(Target("dielectric", positive=True)).double()
    batch = collate([build(tiny_potentials.water(), 3.5)] * 5, torch.float64)
    way = torch.tensor([0.6, 0.0, 0.0, 0.0, 0.0, 0.8], dtype=torch.float64)
    lengths = torch.tensor([1.0, 25.0, 50.0, 100.0, 1e6], dtype=torch.float64)
    found = assembly.learned(lengths.unsqueeze(1) * way, batch)
    expected = lengths / (1 + (lengths / 50) ** 8) ** (1 / 8)
    torch.testing.assert_close(found, expected.unsqueeze(1) * way, rtol=1e-12, atol=0)
    with torch.no_grad():
        assembly.mean.fill_(0.5)
        assembly.scale.fill_(3.0)
    again = assembly.learned(lengths.unsqueeze(1) * way, batch)
    torch.testing.assert_close(again, 0.5 + 3.0 * found, rtol=1e-12, atol=0)
    free = Assembly(Target("dielectric", positive=False)).double()
    unbounded = free.learned(lengths.unsqueeze(1) * way, batch)
    torch.testing.assert_close(unbounded, lengths.unsqueeze(1) * way)


@pytest.mark.parametrize(
    ("name", "form"),
    [("elastic", "mandel"), ("dielectric", "full"), ("piezoelectric-stress", None),
     ("ijkl=jikl=ijlk", None), ("ij", None), ("ijk", None), ("energy", None), ("i", None)],
)  # fmt: skip
def test_which_classes_are_symmetric_matrices(name: str, form: str | None) -> None:
    assert Target(name).matrix_form == form

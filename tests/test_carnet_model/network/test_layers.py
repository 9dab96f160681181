"""What trained weights mean: constants that any training would learn around are fixed here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carnet_model.network.graph import build, collate
from carnet_model.network.layers.output import Assembly
from carnet_model.network.layers.radial import RadialBasis
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.weights.checkpoint import load
from carnet_model.weights.shipped import folder_of
from tests.helpers import tiny_potentials

LEARNED = (
    (5.045048046078332, 8.259351234678567, -0.1287238025980995, -0.47808975684608074,
     0.11597182998282378, -0.13066459875019562, -0.014450830018800553, -0.11326042974332366,
     -0.42976769884617383, 0.156894631459508, -0.11280852812981655, -0.10212987144212024,
     0.12499776730352656, 0.11689948467519316, -0.23040864614464965, -0.14002438186218422,
     0.15590552678091124, -0.1059094971232195, -0.38127708907962776, -0.3359200793487043,
     -0.20937378573943685),
    (2.7032287363500247, 3.203515297030644, 0.0, 0.0, 0.1318958851507856, 0.0,
     -0.036711297748553466, 0.0, 0.0, -0.20249214458667095, 0.0, -0.45092231695877166, 0.0, 0.0,
     0.0, 0.0, -0.6601331836965643, 0.0, -0.6212625134209685, 0.0, 0.06621282988954402),
)  # fmt: skip
"""Packed logarithms of the first shipped network, of a crystal and of a molecule beside it."""

NORMS = (201.86302578595362, 19.118609528609465)
"""Of the stiffnesses that they are the logarithms of, GPa."""


def test_shipped_weights_give_the_numbers_they_were_published_with() -> None:
    """Not that they are right: that no factor, shift or unit of the network has changed."""
    model = load(folder_of("elastic")).models[0].double()
    structures = (tiny_potentials.crystal(), tiny_potentials.water())
    batch = collate([build(each, model.settings.cutoff) for each in structures], torch.float64)
    with torch.no_grad():
        learned = model.learned(batch)
        tensors = model.assembled(learned)["elastic"]
    np.testing.assert_allclose(learned["elastic"].numpy(), LEARNED, rtol=0, atol=1e-8)
    np.testing.assert_allclose(tensors.norm(dim=1).numpy(), NORMS, rtol=1e-8)


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
    free = Assembly(Target("dielectric")).double()
    unbounded = free.learned(lengths.unsqueeze(1) * way, batch)
    torch.testing.assert_close(unbounded, lengths.unsqueeze(1) * way)


@pytest.mark.parametrize(
    ("name", "form"),
    [("elastic", "mandel"), ("dielectric", "full"), ("piezoelectric-stress", None),
     ("ijkl=jikl=ijlk", None), ("ij", None), ("ijk", None), ("energy", None), ("i", None)],
)  # fmt: skip
def test_which_classes_are_symmetric_matrices(name: str, form: str | None) -> None:
    assert Target(name).matrix_form == form

"""The repulsion of nuclei that come near: what no training set holds, and no dynamics may lack."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...structures.elements import ELEMENTS, core_radii
from ..batch import Batch
from ..bonds import Bonds

COULOMB = 14.399645
"""Elementary charge squared over 4 pi epsilon_0, eV angstrom."""

SCREENING = 0.46850
"""0.8854 Bohr radii, angstrom."""

POWER = 0.23
"""Of the charges that the screening length is divided by."""

TERMS = ((0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162))
"""Factors and rates of the exponentials of the universal screening function."""


class Repulsion(nn.Module):
    """The universal screened repulsion of two nuclei, out where atoms bond.

    Ziegler, Biersack and Littmark, The Stopping and Range of Ions in Matter (1985), ch. 2, times
    the polynomial of `RadialBasis` that ends, with two derivatives, at the sum of the core radii
    (`core_radii`). It has no parameters: the network learns what is left.
    """

    charges: Tensor
    radii: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("charges", torch.arange(ELEMENTS).double(), persistent=False)
        self.register_buffer("radii", torch.from_numpy(core_radii()), persistent=False)

    def forward(self, bonds: Bonds, batch: Batch) -> Tensor:
        """Return the energy of each structure, eV, double precision, shape ``(graphs, 1)``."""
        first = batch.numbers.index_select(0, bonds.receivers)
        second = batch.numbers.index_select(0, bonds.senders)
        lengths = bonds.lengths.double()
        charges, radii = self.charges.double(), self.radii.double()
        powers = charges**POWER
        near = lengths * (powers[first] + powers[second]) / SCREENING
        screened = torch.stack([a * torch.exp(-b * near) for a, b in TERMS]).sum(dim=0)
        x = (lengths / (radii[first] + radii[second])).clamp(max=1.0)
        envelope = 1 - 28 * x**6 + 48 * x**7 - 21 * x**8
        pairs = COULOMB * charges[first] * charges[second] / lengths * screened * envelope
        owners = batch.owners.index_select(0, bonds.receivers)
        total: Tensor = pairs.new_zeros(batch.graphs).index_add(0, owners, pairs / 2)
        return total.unsqueeze(1)

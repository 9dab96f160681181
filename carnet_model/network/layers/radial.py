"""Functions of the distance: a basis, and the radial weights of a convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..bonds import Bonds


class RadialBasis(nn.Module):
    """Bessel functions under a smooth cutoff.

    ``sin(n pi x) / x`` with x = r / cutoff (Gasteiger et al., arXiv:2003.03123, eq. 7) times a
    polynomial that ends at zero with its first two derivatives (eq. 8, exponent 6).

    Args:
        size: number of functions.
        cutoff: distance beyond which all vanish, in angstrom.
    """

    waves: Tensor

    def __init__(self, size: int, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.register_buffer("waves", torch.arange(1, size + 1) * torch.pi, persistent=False)

    def forward(self, lengths: Tensor) -> Tensor:
        """Map distances ``(edges,)`` in angstrom to ``(edges, size)``."""
        x = (lengths / self.cutoff).unsqueeze(-1)
        bessel = torch.sin(self.waves * x) / x * 2**0.5
        envelope = 1 - 28 * x**6 + 48 * x**7 - 21 * x**8
        return bessel * envelope * (x < 1)


class RadialWeights(nn.Module):
    """Radial weights of every path and channel, from the distance and the two elements.

    No term is without a factor of the basis, so the weights vanish smoothly at the cutoff. The
    last map, from the hidden layer to the weights, is left to the convolution.

    Args:
        basis: number of radial functions.
        hidden: width of the hidden layers.
        paths: number of paths.
        channels: number of channels.
        embedding: width of the element embedding.
    """

    def __init__(self, basis: int, hidden: int, paths: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Linear(basis, hidden, bias=False)
        self.second = nn.Linear(hidden, hidden, bias=False)
        self.last = nn.Linear(hidden, paths * channels, bias=False)
        self.sender = nn.Linear(embedding, hidden)
        self.receiver = nn.Linear(embedding, hidden)

    def forward(self, bonds: Bonds, elements: Tensor) -> Tensor:
        """Return the hidden layer of each bond, shape ``(edges, hidden)``."""
        return self.hidden(bonds.basis, elements, bonds.senders, bonds.receivers)

    def hidden(self, basis: Tensor, elements: Tensor, senders: Tensor, receivers: Tensor) -> Tensor:
        """Return the hidden layer for radial functions ``(edges, basis)`` and two ends."""
        pair = self.sender(elements).index_select(0, senders)
        pair = pair * self.receiver(elements).index_select(0, receivers)
        hidden = nn.functional.silu(self.first(basis) * (1 + pair))
        return nn.functional.silu(self.second(hidden))

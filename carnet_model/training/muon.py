"""Muon: steps of equal size in all directions of a matrix, and AdamW for what is no matrix.

The gradient of a matrix between hidden layers has few large singular values; a step along its
nearest orthogonal matrix follows the small ones as well.

Sources: K. Jordan and others 2024 (kellerjordan.github.io/posts/muon) for the method and its
polynomial; J. Liu and others 2025 (arXiv:2502.16982) for the size of a step, which lets learning
rate and weight decay stay those of AdamW.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..network.layers.mixing import Mixing
from ..network.model import CarNet

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of x, x^3 and x^5 in a polynomial that, repeated, takes singular values near one."""

STEPS = 5
"""How often it is applied: a singular value of 0.003 of the norm ends between 0.7 and 1.2."""

MOMENTUM = 0.95
"""What the momentum of a matrix keeps of itself in a step."""

SIZE = 0.2
"""Root mean square of the entries of a step of AdamW, relative to the learning rate."""


def hidden_matrices(model: CarNet) -> list[Tensor]:
    """Return the matrices from one hidden layer to another.

    Not the element embedding, which is the first layer, and not the heads, which are the last.
    Those that mix channels have one matrix for each irrep: shape ``(irreps, channels, channels)``.
    """
    ends = {*model.embedding.modules()}
    for output in model.outputs:
        ends.update(output.head.heads.modules())
    return [
        module.weight
        for module in model.modules()
        if isinstance(module, Mixing | nn.Linear) and module not in ends
    ]


def orthogonalized(matrices: Tensor) -> Tensor:
    """Return matrices with singular values near one and the singular vectors of those given.

    Args:
        matrices: shape ``(..., rows, columns)``.
    """
    linear, cubic, quintic = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    result: Tensor = matrices.mT if tall else matrices
    result = result / torch.linalg.matrix_norm(result, keepdim=True).clamp(min=1e-12)
    for _ in range(STEPS):
        square = result @ result.mT
        result = linear * result + (cubic * square + quintic * (square @ square)) @ result
    return result.mT if tall else result


class Muon(torch.optim.AdamW):
    """Muon for the groups of parameters that are matrices, AdamW for all others.

    Args:
        groups: of parameters, those of matrices with ``"matrices": True``.
        lr: learning rate of both.
        betas: of AdamW.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], lr: float, betas: tuple[float, float]
    ) -> None:
        groups = [{"matrices": False, **group} for group in groups]
        super().__init__(groups, lr=lr, betas=betas, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step; gradients of matrices are gone afterwards.

        Args:
            closure: computes the loss and the gradients.

        Returns:
            What it returns.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["matrices"]:
                for matrices in group["params"]:
                    self._turn(matrices, group["lr"], group["weight_decay"])
        super().step()  # AdamW passes over what has no gradient
        return loss

    def _turn(self, matrices: nn.Parameter, rate: float, decay: float) -> None:
        """Step along the matrix that is orthogonal and nearest to the momentum."""
        if matrices.grad is None:
            return
        state = self.state[matrices]
        if not state:
            # AdamW looks for a count of steps in every state that it is given
            state.update(step=torch.zeros(()), momentum=torch.zeros_like(matrices))
        momentum: Tensor = state["momentum"]
        momentum.mul_(MOMENTUM).add_(matrices.grad)
        ahead = matrices.grad.add(momentum, alpha=MOMENTUM)
        matrices.mul_(1 - rate * decay)
        size = SIZE * max(matrices.shape[-2:]) ** 0.5
        matrices.add_(orthogonalized(ahead), alpha=-rate * size)
        matrices.grad = None

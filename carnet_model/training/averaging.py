"""The average of the weights over a run, which validates and is exported.

An exponential average forgets the random weights of the start only after several times its memory,
1 / (1 - ema) steps. A run that is not much longer would export what it began with. The memory
therefore grows with the run: after t steps the average keeps the share min(ema, (1 + t) / (10 + t))
of itself, that is, it remembers a ninth of the steps so far until it remembers all it may.
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..network.model import CarNet

Weights: TypeAlias = tuple[Tensor, ...] | list[Tensor]
"""Of a network, in the order of its parameters."""


def kept_share(ema: float, steps: int) -> float:
    """Return the share of itself that the average keeps in the step after so many.

    >>> kept_share(0.997, 8), kept_share(0.997, 10_000)
    (0.5, 0.997)
    """
    return min(ema, (1 + steps) / (10 + steps))


def memory(ema: float, steps: int) -> float:
    """Return how many steps the average remembers after so many.

    >>> memory(0.75, 8), memory(0.75, 100)
    (2.0, 4.0)
    """
    return 1 / (1 - kept_share(ema, steps))


def average_of(model: CarNet, ema: float) -> AveragedModel:
    """Return the average of a network that learns; `update_parameters` follows each step.

    Args:
        model: the network.
        ema: largest share that the average keeps of itself in a step, 0 < ema < 1.
    """

    def follow(averaged: Weights, current: Weights, steps: Tensor | int) -> None:
        share = kept_share(ema, int(steps))
        get_ema_multi_avg_fn(share)(averaged, current, steps)  # type: ignore[no-untyped-call]

    average = AveragedModel(model, multi_avg_fn=follow)
    average.requires_grad_(False)
    return average


def short_run(ema: float, steps: int) -> str | None:
    """Say when a run ends before the average remembers all it may; None when it does not.

    Args:
        ema: largest share that the average keeps of itself in a step.
        steps: of the whole run.
    """
    whole, reached = memory(ema, 2**62), memory(ema, steps)
    if reached >= whole or not ema:
        return None
    return (
        f"a short run: the weights are averaged over about its last {reached:.0f} of "
        f"{steps} steps, not over {whole:.0f} as ema: {ema:g} says of a long one"
    )

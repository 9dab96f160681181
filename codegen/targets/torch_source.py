"""PyTorch as a target."""

from __future__ import annotations

from .python_source import Dialect

TORCH = Dialect(
    name="torch",
    imports=("import torch", "from torch import Tensor"),
    array="Tensor",
    flatten="{array}.flatten(-{axes})",
    constant="torch.full_like({value}, {number})",
    sign="torch.where({value} >= 0, torch.ones_like({value}), -torch.ones_like({value}))",
    stack="torch.stack({values}, dim={axis})",
    shaped="{value}.unflatten(-1, {shape})",
)

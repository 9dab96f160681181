"""PyTorch as a target language."""

from __future__ import annotations

from .python_source import Dialect, PythonLanguage

TORCH = PythonLanguage(
    Dialect(
        name="torch",
        imports=("import torch", "from torch import Tensor"),
        array="Tensor",
        flatten="{array}.flatten(-{axes})",
        constant="torch.full_like({value}, {number})",
        sign="torch.where({value} >= 0, torch.ones_like({value}), -torch.ones_like({value}))",
        root="torch.sqrt({value})",
        stack="torch.stack({values}, dim={axis})",
        broadcast="torch.broadcast_tensors(*{values})",
        shaped="{value}.unflatten(-1, {shape})",
        gather="{array}.index_select(0, {index})",
        scatter=(
            "total = {values}.new_zeros(({nodes}.shape[0], {size}, {nodes}.shape[-1]))",
            "return total.index_add(0, {index}, {values})",
        ),
    )
)
"""Functions of tensors on any device and of any floating type, differentiable."""

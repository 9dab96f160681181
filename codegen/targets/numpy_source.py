"""NumPy as a target language."""

from __future__ import annotations

from .python_source import Dialect, PythonLanguage

SPLIT = '''
def _split(array: Any, shape: tuple[int, ...]) -> Any:
    """Split the last axis."""
    return array.reshape(array.shape[:-1] + shape)
'''

NUMPY = PythonLanguage(
    Dialect(
        name="numpy",
        imports=("from typing import Any", "", "import numpy as np"),
        array="Any",
        flatten="{array}.reshape({array}.shape[: {array}.ndim - {axes}] + ({size},))",
        constant="np.full_like({value}, {number})",
        sign="np.where({value} >= 0, np.ones_like({value}), -np.ones_like({value}))",
        root="np.sqrt({value})",
        stack="np.stack({values}, axis={axis})",
        broadcast="np.broadcast_arrays(*{values})",
        shaped="_split({value}, {shape})",
        gather="{array}[{index}]",
        scatter=(
            "total = np.zeros(({nodes}.shape[0], {size}, {nodes}.shape[-1]), {values}.dtype)",
            "np.add.at(total, {index}, {values})",
            "return total",
        ),
        helpers=(("_split", SPLIT),),
    )
)
"""Functions of arrays of any floating type."""

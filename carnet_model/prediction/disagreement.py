"""A stiffness derived from a potential beside a predicted one: what they disagree by.

Both have errors of their own, and learnt from different data by different ways: their disagreement
is an uncertainty beside that of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natural_tensors.arrays import Floats, to_lists
from natural_tensors.errors import InputError
from natural_tensors.formatting import aligned

from .result import Prediction

MODULI = (
    ("bulk modulus K [GPa]", "bulk_hill"),
    ("shear modulus G", "shear_hill"),
    ("Young's modulus E", "youngs_hill"),
)


class DisagreementError(InputError, ValueError):
    """Two tensors that cannot be compared."""


@dataclass(frozen=True, eq=False)
class Disagreement:
    """A derived and a direct stiffness of one crystal, in the same axes.

    Attributes:
        derived: from an interatomic potential.
        direct: predicted from the structure.
    """

    derived: Prediction
    direct: Prediction

    def __post_init__(self) -> None:
        for each in (self.derived, self.direct):
            if each.moduli is None:
                raise DisagreementError(
                    f"{each.name}: {each.model} gives {each.target}; needed: elastic"
                )

    @property
    def relative(self) -> float:
        """Frobenius norm of the difference of the tensors over that of the direct one."""
        return relative_difference(self.derived.tensor, self.direct.tensor)

    def difference(self, name: str) -> float:
        """Return the derived less the direct value of a modulus, such as ``"bulk_hill"``, GPa."""
        return float(getattr(self.derived.moduli, name) - getattr(self.direct.moduli, name))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON holds beside the derived tensor."""
        return {
            "direct": {
                "model": self.direct.model,
                **{
                    key: value
                    for key, value in self.direct.to_dict().items()
                    if key in ("stiffness", "moduli", "stable", "uncertainty", "known", "warnings")
                },
            },
            "disagreement": {
                "relative": self.relative,
                "bulk": self.difference("bulk_hill"),
                "shear": self.difference("shear_hill"),
                "youngs": self.difference("youngs_hill"),
                "stiffness": to_lists(np.asarray(self.derived.stiffness) - self.direct.stiffness),
            },
        }

    def lines(self) -> list[str]:
        """Return both sets of moduli as a table, and by how much the tensors differ."""
        rows = [["", "derived", "direct", "± 68 %", "difference"]]
        for words, name in MODULI:
            width = self.direct.uncertainty.get(name.removesuffix("_hill"))
            rows.append(
                [
                    words,
                    f"{float(getattr(self.derived.moduli, name)):.1f}",
                    f"{float(getattr(self.direct.moduli, name)):.1f}",
                    "" if width is None else f"{float(width):.1f}",
                    f"{self.difference(name):+.1f}",
                ]
            )
        if not any(row[3] for row in rows[1:]):
            rows = [[*row[:3], row[4]] for row in rows]
        share = f"the tensors differ by {100 * self.relative:.1f} % of the norm of the direct one"
        return [*aligned(rows, left=1), share]


def relative_difference(tensor: Floats, reference: Floats) -> float:
    """Return the Frobenius norm of a difference over that of the reference, of full tensors."""
    size = float(np.linalg.norm(reference))
    return float(np.linalg.norm(tensor - reference)) / size if size else np.inf

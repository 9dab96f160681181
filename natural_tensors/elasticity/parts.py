"""The natural parts of a stiffness: norms, shares, and the deviation from Cauchy's relations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from .. import arrays
from ..arrays import Floats
from ..decomposition.reductions import reduction
from .stiffness import MANDEL_FACTORS, check_stiffness

CAUCHY = MappingProxyType(
    {
        "C12-C66": ((0, 1), (5, 5)),
        "C13-C55": ((0, 2), (4, 4)),
        "C23-C44": ((1, 2), (3, 3)),
        "C14-C56": ((0, 3), (4, 5)),
        "C25-C46": ((1, 4), (3, 5)),
        "C36-C45": ((2, 5), (3, 4)),
    }
)
"""Cauchy's six relations: pairs of Voigt entries that are equal in a totally symmetric tensor."""

SPLIT = np.array([4, 4, 4, 8, 8, 8]) / 3
"""What the square of each difference adds to the squared norm of the asymmetric part."""
SPLIT.setflags(write=False)


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition:
    """What each stiffness is made of. Norms are Frobenius norms of the full rank-4 tensor.

    Attributes:
        norm_gpa: shape ``batch``, GPa.
        weight_norms_gpa: norm of the part of weight 0, 2 and 4, each of shape ``batch``, GPa;
            their squares add up to that of the norm.
        weight_shares: the squares over that of the norm (rule 18); NaN for zero.
        cauchy_differences_gpa: by name, the six differences that vanish in a crystal of atoms at
            centres of inversion that act on each other by central forces; shape ``batch``, GPa.
        asymmetric_share: share of the squared norm that is not totally symmetric,
            ``|A|² / |C|²`` with ``A = C - (C_ijkl + C_ikjl + C_iljk) / 3``; NaN for zero.
    """

    norm_gpa: Floats
    weight_norms_gpa: Mapping[int, Floats]
    weight_shares: Mapping[int, Floats]
    cauchy_differences_gpa: Mapping[str, Floats]
    asymmetric_share: Floats

    def __repr__(self) -> str:
        if np.ndim(self.norm_gpa):
            return f"Decomposition(batch of shape {np.shape(self.norm_gpa)})"
        shares = ", ".join(f"{weight}: {share:.2%}" for weight, share in self.weight_shares.items())
        return (
            f"Decomposition(norm {self.norm_gpa:.1f} GPa; weight {shares}; "
            f"not totally symmetric {self.asymmetric_share:.2%})"
        )


def decomposition(stiffness: ArrayLike) -> Decomposition:
    """Return norms and shares of the natural parts, and the deviation from Cauchy's relations.

    The asymmetric part follows from the differences d alone:
    ``|A|² = 4/3 (d_1² + d_2² + d_3²) + 8/3 (d_4² + d_5² + d_6²)``.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.

    Source: G. Backus 1970, Rev. Geophys. 8, 633; Y. Itin and F. W. Hehl 2013, J. Math. Phys. 54,
    042903, for the split into a totally symmetric and an asymmetric part.
    """
    matrix = check_stiffness(stiffness)
    norm = np.linalg.norm(matrix * MANDEL_FACTORS, axis=(-2, -1))
    shares = reduction("elastic").fractions(matrix, form="voigt", invalid="ignore")
    norms = {
        weight: norm * np.sqrt(np.where(norm > 0, share, 0)) for weight, share in shares.items()
    }
    differences = {
        name: matrix[(..., *one)] - matrix[(..., *other)] for name, (one, other) in CAUCHY.items()
    }
    squares = np.stack(list(differences.values()), axis=-1) ** 2
    asymmetric = arrays.divided((SPLIT * squares).sum(axis=-1), norm**2)
    return Decomposition(norm, norms, shares, differences, asymmetric)

"""Moduli of an untextured polycrystal: Voigt, Reuss and Hill, and the anisotropy indices."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Floats, Integers
from .stiffness import check_stiffness, inverse


@dataclass(frozen=True, eq=False, repr=False)
class Moduli:
    """Moduli of the untextured polycrystal of each stiffness, every field of shape ``batch``.

    Voigt (uniform strain) and Reuss (uniform stress) bound the truth from above and below when the
    crystal is stable; Hill is their mean. For an unstable crystal the same formulas hold, without
    that meaning. NaN stands where the stiffness is singular, in every field but the Voigt ones.

    Attributes:
        bulk_voigt: K_V in GPa.
        bulk_reuss: K_R in GPa.
        bulk_hill: K = (K_V + K_R) / 2 in GPa.
        shear_voigt: G_V in GPa.
        shear_reuss: G_R in GPa.
        shear_hill: G = (G_V + G_R) / 2 in GPa.
        youngs_hill: E = 9 K G / (3 K + G) in GPa.
        poisson_hill: ν = (3 K - 2 G) / (6 K + 2 G).
        universal_anisotropy: A^U = 5 G_V / G_R + K_V / K_R - 6; 0 when isotropic.
        log_anisotropy: A^L = √(ln²(K_V / K_R) + 5 ln²(G_V / G_R)); 0 when isotropic, NaN when a
            ratio is not positive, as it may be in an unstable crystal.
    """

    bulk_voigt: Floats
    bulk_reuss: Floats
    bulk_hill: Floats
    shear_voigt: Floats
    shear_reuss: Floats
    shear_hill: Floats
    youngs_hill: Floats
    poisson_hill: Floats
    universal_anisotropy: Floats
    log_anisotropy: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch shape."""
        return np.shape(self.bulk_voigt)

    def __getitem__(
        self, where: int | tuple[int, ...] | slice | Integers | NDArray[np.bool_]
    ) -> Moduli:
        """Return the moduli of some members of the batch."""
        return Moduli(*(np.asarray(getattr(self, field.name))[where] for field in fields(self)))

    def __repr__(self) -> str:
        if self.shape:
            return f"Moduli(batch of shape {self.shape}, K, G and E in GPa)"
        return (
            f"Moduli(Voigt, Reuss, Hill: "
            f"K = {self.bulk_voigt:.1f}, {self.bulk_reuss:.1f}, {self.bulk_hill:.1f} GPa, "
            f"G = {self.shear_voigt:.1f}, {self.shear_reuss:.1f}, {self.shear_hill:.1f} GPa; "
            f"E = {self.youngs_hill:.1f} GPa, ν = {self.poisson_hill:.3f}, "
            f"A^U = {self.universal_anisotropy:.3f})"
        )


def moduli(stiffness: ArrayLike) -> Moduli:
    """Return bulk, shear and Young's moduli, Poisson's ratio and anisotropy indices.

    With the Voigt matrix C and its inverse S: 9 K_V = Σ C_ab over a, b ≤ 3,
    15 G_V = Σ C_aa - Σ_{a<b} C_ab + 3 (C44 + C55 + C66), 1 / K_R = Σ S_ab and
    15 / G_R = 4 Σ S_aa - 4 Σ_{a<b} S_ab + 3 (S44 + S55 + S66).

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa; :func:`check_stiffness` says what is refused.

    Source: R. Hill 1952, Proc. Phys. Soc. A 65, 349; A^U: S. I. Ranganathan and
    M. Ostoja-Starzewski 2008, Phys. Rev. Lett. 101, 055504, eq. 9; A^L: C. M. Kube 2016,
    AIP Adv. 6, 095209.
    """
    matrix = check_stiffness(stiffness)
    diagonal, beside, shears = _sums(matrix)
    bulk_voigt = (diagonal + 2 * beside) / 9
    shear_voigt = (diagonal - beside + 3 * shears) / 15
    diagonal, beside, shears = _sums(inverse(matrix))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bulk_reuss = 1 / (diagonal + 2 * beside)
        shear_reuss = 15 / (4 * (diagonal - beside) + 3 * shears)
        bulk = (bulk_voigt + bulk_reuss) / 2
        shear = (shear_voigt + shear_reuss) / 2
        bulk_ratio, shear_ratio = bulk_voigt / bulk_reuss, shear_voigt / shear_reuss
        return Moduli(
            bulk_voigt=bulk_voigt,
            bulk_reuss=bulk_reuss,
            bulk_hill=bulk,
            shear_voigt=shear_voigt,
            shear_reuss=shear_reuss,
            shear_hill=shear,
            youngs_hill=9 * bulk * shear / (3 * bulk + shear),
            poisson_hill=(3 * bulk - 2 * shear) / (6 * bulk + 2 * shear),
            universal_anisotropy=5 * shear_ratio + bulk_ratio - 6,
            log_anisotropy=np.sqrt(np.log(bulk_ratio) ** 2 + 5 * np.log(shear_ratio) ** 2),
        )


def _sums(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Return 11 + 22 + 33, 12 + 13 + 23 and 44 + 55 + 66 of symmetric Voigt matrices."""
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
    beside = matrix[..., 0, 1] + matrix[..., 0, 2] + matrix[..., 1, 2]
    return diagonal[..., :3].sum(axis=-1), beside, diagonal[..., 3:].sum(axis=-1)

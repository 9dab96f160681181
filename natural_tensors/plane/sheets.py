"""Elastic sheets: what the stiffness of a 2-D material says, in numbers and symbols alike.

A stiffness in the plane is a force per length (N/m), its Voigt form 3x3 over xx, yy, xy. The
formulas use sums, products and quotients only, so they hold for arrays and for expressions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

Value: TypeAlias = Any
"""A number, an array of numbers, or a SymPy expression."""

Six: TypeAlias = tuple[Value, Value, Value, Value, Value, Value]
"""Entries 11, 12, 16, 22, 26, 66 of a symmetric 3x3 matrix."""

Three: TypeAlias = tuple[Value, Value, Value]
"""Entries xx, yy, xy."""


def adjugate(six: Six) -> tuple[Six, Value]:
    """Return the cofactors of a symmetric 3x3 matrix and its determinant.

    The inverse is their quotient; kept apart, no quotient is formed of quotients.
    """
    a, b, c, d, e, f = six
    determinant = a * (d * f - e * e) - b * (b * f - c * e) + c * (b * e - c * d)
    cofactors = (d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e,
                 a * d - b * b)  # fmt: skip
    return cofactors, determinant


def contraction(six: Six, left: Three, right: Three) -> Value:
    """Return the bilinear form of a symmetric 3x3 matrix."""
    a, b, c, d, e, f = six
    (x, y, z), (u, v, w) = left, right
    mixed = b * (x * v + y * u) + c * (x * w + z * u) + e * (y * w + z * v)
    return a * x * u + d * y * v + f * z * w + mixed


@dataclass(frozen=True, eq=False, repr=False)
class Sheet(ABC):
    """An elastic sheet; obtain one from :func:`natural_tensors.plane.sheet`.

    Attributes:
        stiffness: C11, C12, C16, C22, C26, C66 in N/m; 6 is xy.
    """

    stiffness: Six

    @abstractmethod
    def finished(self, value: Value) -> Value:
        """Return a result as it is handed out."""

    @abstractmethod
    def divided(self, numerator: Value, denominator: Value) -> Value:
        """Return a quotient as it is handed out."""

    @abstractmethod
    def circle(self, angle: Value) -> tuple[Value, Value]:
        """Return the cosine and sine of an angle in radians."""

    @property
    def compliance(self) -> Six:
        """S11, S12, S16, S22, S26, S66 with the factors of Voigt compliances, in m/N."""
        cofactors, determinant = adjugate(self.stiffness)
        a, b, c, d, e, f = (self.divided(cofactor, determinant) for cofactor in cofactors)
        return a, b, c, d, e, f

    # --- averages over orientations ------------------------------------------------------------

    @property
    def area_modulus_voigt(self) -> Value:
        """K_V = (C11 + C22 + 2 C12)/4: isotropic tension per relative change of area."""
        a, b, _, d, _, _ = self.stiffness
        return self.finished((a + d + 2 * b) / 4)

    @property
    def shear_modulus_voigt(self) -> Value:
        """G_V = (C11 + C22 - 2 C12 + 4 C66)/8."""
        a, b, _, d, _, f = self.stiffness
        return self.finished((a + d - 2 * b + 4 * f) / 8)

    @property
    def area_modulus_reuss(self) -> Value:
        """K_R = 1/(S11 + S22 + 2 S12)."""
        (a, b, _, d, _, _), determinant = adjugate(self.stiffness)
        return self.divided(determinant, a + d + 2 * b)

    @property
    def shear_modulus_reuss(self) -> Value:
        """G_R = 2/(S11 + S22 - 2 S12 + S66)."""
        (a, b, _, d, _, f), determinant = adjugate(self.stiffness)
        return self.divided(2 * determinant, a + d - 2 * b + f)

    @property
    def area_modulus(self) -> Value:
        """K: the mean of Voigt and Reuss (Hill)."""
        return self.finished((self.area_modulus_voigt + self.area_modulus_reuss) / 2)

    @property
    def shear_modulus(self) -> Value:
        """G: the mean of Voigt and Reuss (Hill)."""
        return self.finished((self.shear_modulus_voigt + self.shear_modulus_reuss) / 2)

    @property
    def young_modulus(self) -> Value:
        """E = 4 K G/(K + G) of the average sheet."""
        k, g = self.area_modulus, self.shear_modulus
        return 4 * k * g / (k + g)  # of symbols left as it is: a quotient of products

    @property
    def poisson_ratio(self) -> Value:
        """The ratio (K - G)/(K + G) of the average sheet, between -1 and 1."""
        k, g = self.area_modulus, self.shear_modulus
        return (k - g) / (k + g)

    # --- in a direction ---------------------------------------------------------------------

    def _axes(self, angle: Value) -> tuple[Three, Three, Three]:
        """Return n n, m m and n m + m n as strains, n at an angle to x and m across it."""
        c, s = self.circle(angle)
        return (c * c, s * s, c * s), (s * s, c * c, -c * s), (-2 * c * s, 2 * c * s, c * c - s * s)

    def young(self, angle: Value) -> Value:
        """E(t) = 1/S_nnnn of the direction n at an angle to x, in radians."""
        along, _, _ = self._axes(angle)
        cofactors, determinant = adjugate(self.stiffness)
        return self.divided(determinant, contraction(cofactors, along, along))

    def poisson(self, angle: Value) -> Value:
        """The ratio -S_nnmm/S_nnnn: contraction across a pull along n."""
        along, across, _ = self._axes(angle)
        cofactors, _ = adjugate(self.stiffness)
        mixed, pulled = (contraction(cofactors, along, other) for other in (across, along))
        return self.divided(-mixed, pulled)

    def shear(self, angle: Value) -> Value:
        """G(t) = 1/(4 S_nmnm): the shear modulus between n and the direction across it."""
        _, _, sheared = self._axes(angle)
        cofactors, determinant = adjugate(self.stiffness)
        return self.divided(determinant, contraction(cofactors, sheared, sheared))

    # --- parts ------------------------------------------------------------------------------

    @property
    def polar_components(self) -> dict[str, Value]:
        """The polar parts: T0, T1, and R0, R1 as their components before the angles.

        ``R0 cos 4F0``, ``R0 sin 4F0``, ``R1 cos 2F1``, ``R1 sin 2F1`` of Vannucci, Meccanica 40
        (2005) 437, eq. 4. T0 = G_V and 2 T1 = K_V are the scalars, R1 is half the weight 2 and R0
        the weight 4 of :func:`natural_tensors.reduction`.
        """
        a, b, c, d, e, f = self.stiffness
        parts = {
            "T0": (a + d - 2 * b + 4 * f) / 8,
            "T1": (a + d + 2 * b) / 8,
            "R0 cos 4F0": (a + d - 2 * b - 4 * f) / 8,
            "R0 sin 4F0": (c - e) / 2,
            "R1 cos 2F1": (a - d) / 8,
            "R1 sin 2F1": (c + e) / 4,
        }
        return {name: self.finished(value) for name, value in parts.items()}

    # --- under load -------------------------------------------------------------------------

    def under_load(self, stress: Three) -> Self:
        """Return the sheet under a stress xx, yy, xy in N/m, tension positive.

        Its stiffness is the symmetrized Wallace tensor, whose definiteness decides on stability
        under a dead load: ``C_ijkl + (δ_ik σ_jl + δ_il σ_jk + δ_jk σ_il + δ_jl σ_ik)/2
        - (σ_ij δ_kl + δ_ij σ_kl)/2``. For an isotropic tension p these are C11 + p, C12 - p and
        C66 + p, as of Birch.

        Source: D. C. Wallace, Thermodynamics of Crystals (1972), sec. 2; Z. Zhou and B. Joos,
        Phys. Rev. B 54, 3841 (1996).
        """
        a, b, c, d, e, f = self.stiffness
        xx, yy, xy = map(self.finished, stress)
        loaded = (a + xx, b - (xx + yy) / 2, c + xy / 2, d + yy, e + xy / 2, f + (xx + yy) / 2)
        return type(self)(tuple(map(self.finished, loaded)))

"""Elastic sheets in numbers: moduli, extremes over directions, stability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Floats, to_numpy
from ..decomposition.components import Form
from ..exact.symbols import is_exact
from ..formatting import aligned, number
from .forms import PlaneForm
from .reductions import reduction
from .sheets import Sheet, Value
from .symbolic import SymbolicSheet

SAMPLES = 8
"""Directions that fix a function with no more than the harmonics 0, 2 and 4 of the angle."""


@dataclass(frozen=True)
class Extremes:
    """Smallest and largest value over all directions of the plane, each of the shape of the batch.

    Attributes:
        smallest: the value.
        smallest_at: angle of one direction with it, in radians from x, in [0, pi).
        largest: the value.
        largest_at: likewise.
    """

    smallest: Floats
    smallest_at: Floats
    largest: Floats
    largest_at: Floats


@dataclass(frozen=True, eq=False, repr=False)
class NumericSheet(Sheet):
    """An elastic sheet, or a batch of them, in numbers; results have the shape of the batch."""

    def finished(self, value: Value) -> Floats:
        """Return a result as float64."""
        return np.asarray(value, dtype=np.float64)

    def circle(self, angle: ArrayLike) -> tuple[Floats, Floats]:
        """Return the cosine and sine of angles; an array of angles broadcasts against the batch."""
        radians = np.asarray(angle, dtype=np.float64)
        return np.cos(radians), np.sin(radians)

    def divided(self, numerator: Value, denominator: Value) -> Floats:
        """Return a quotient; of a singular stiffness it may be infinite or NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.divide(numerator, denominator), dtype=np.float64)

    @property
    def matrix(self) -> Floats:
        """The stiffness in Voigt form, shape ``batch + (3, 3)``."""
        a, b, c, d, e, f = self.stiffness
        rows = [np.stack(row, -1) for row in ((a, b, c), (b, d, e), (c, e, f))]
        return np.asarray(np.stack(rows, -2), dtype=np.float64)

    @cached_property
    def kelvin_moduli(self) -> Floats:
        """Eigenvalues of the stiffness in Mandel form, ascending, shape ``batch + (3,)``."""
        factors = np.array([1, 1, np.sqrt(2)])
        moduli = np.linalg.eigvalsh(self.matrix * np.outer(factors, factors))
        return np.asarray(moduli, dtype=np.float64)

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Whether every strain costs energy: all Kelvin moduli are positive beyond rounding."""
        moduli = self.kelvin_moduli
        noise = 8 * np.finfo(np.float64).eps * np.abs(moduli).max(axis=-1)
        return np.asarray(moduli[..., 0] > noise)

    @property
    def universal_anisotropy(self) -> Floats:
        """A = sqrt((K_V/K_R - 1)^2 + 2 (G_V/G_R - 1)^2); 0 when isotropic.

        Source: R. Li et al., Extreme Mech. Lett. 34, 100615 (2020).
        """
        area = self.area_modulus_voigt / self.area_modulus_reuss - 1
        shear = self.shear_modulus_voigt / self.shear_modulus_reuss - 1
        return np.asarray(np.sqrt(area**2 + 2 * shear**2), dtype=np.float64)

    @property
    def polar_parameters(self) -> dict[str, Floats]:
        """T0, T1, R0, R1 in the unit of the stiffness, and the angles F0, F1 in radians."""
        parts = self.polar_components
        zero = parts["R0 cos 4F0"] + 1j * parts["R0 sin 4F0"]
        one = parts["R1 cos 2F1"] + 1j * parts["R1 sin 2F1"]
        return {
            "T0": parts["T0"], "T1": parts["T1"], "R0": np.abs(zero), "R1": np.abs(one),
            "F0": np.angle(zero) / 4, "F1": np.angle(one) / 2,
        }  # fmt: skip

    @property
    def young_extremes(self) -> Extremes:
        """Smallest and largest E over all directions."""
        return self._extremes("young")

    @property
    def shear_extremes(self) -> Extremes:
        """Smallest and largest G over all directions."""
        return self._extremes("shear")

    @property
    def poisson_extremes(self) -> Extremes:
        """Smallest and largest Poisson ratio over all directions."""
        return self._extremes("poisson")

    def _extremes(self, what: str) -> Extremes:
        """Find where the derivative vanishes: the roots of a polynomial in ``exp(2i t)``.

        A modulus is p/q; its extremes solve ``p' q - p q' = 0``, p and q with no more than the
        harmonics 0, 2, 4 of the angle.
        """
        angles = np.pi * np.arange(SAMPLES) / SAMPLES
        batch = self.stiffness[0].shape
        each = NumericSheet(tuple(entry.reshape(-1, 1) for entry in self.stiffness))
        below = 1 / (each.shear(angles) if what == "shear" else each.young(angles))
        above = each.poisson(angles) * below if what == "poisson" else np.ones_like(below)
        found = np.array([_stationary(p, q) for p, q in zip(above, below, strict=True)]).reshape(
            len(below), -1
        )
        values: Floats = np.asarray(getattr(each, what)(found))
        rows = np.arange(len(values))
        low, high = values.argmin(axis=1), values.argmax(axis=1)
        return Extremes(
            *(
                array[rows, place].reshape(batch)
                for place in (low, high)
                for array in (values, found)
            )
        )

    def __repr__(self) -> str:
        batch = np.shape(self.stiffness[0])
        if batch:
            return f"<{int(np.prod(batch))} sheets, {int(self.stable.sum())} of them stable>"
        rows = [[number(float(entry)) for entry in row] for row in self.matrix]
        young, poisson = self.young_extremes, self.poisson_extremes
        return "\n".join(
            [
                "stiffness of a sheet, Voigt form (xx, yy, xy)",
                *(f"  {line}" for line in aligned(rows, equal=True)),
                f"K = {number(self.area_modulus)}, G = {number(self.shear_modulus)}, "
                f"E = {number(self.young_modulus)}, nu = {number(self.poisson_ratio)} (Hill)",
                f"E from {_at(young.smallest, young.smallest_at)} "
                f"to {_at(young.largest, young.largest_at)}",
                f"nu from {_at(poisson.smallest, poisson.smallest_at)} "
                f"to {_at(poisson.largest, poisson.largest_at)}",
                "mechanically stable" if self.stable else "not mechanically stable",
            ]
        )


def _at(value: Floats, angle: Floats) -> str:
    degrees = np.rad2deg(angle)
    return f"{number(value)} at {number(degrees, 4, noise=1e-6)}°"


def _stationary(above: Floats, below: Floats) -> Floats:
    """Return angles that include all where p/q is stationary, from samples of p and q.

    Eight roots at most; where there are fewer the angle 0 is repeated.
    """
    harmonics = np.arange(-2, 3)
    p, q = (np.fft.fft(samples)[harmonics] / SAMPLES for samples in (above, below))
    derivative = np.convolve(p * harmonics, q) - np.convolve(p, q * harmonics)
    result = np.zeros(SAMPLES + 1)
    if not np.isfinite(derivative).all():
        return result
    size = np.abs(np.convolve(np.abs(p), np.abs(q))).max()
    derivative[np.abs(derivative) < 16 * np.finfo(np.float64).eps * size] = 0
    roots = np.roots(derivative[::-1])
    result[1 : 1 + len(roots)] = np.angle(roots) / 2 % np.pi
    return result


def sheet(values: object, *, form: Form = "voigt") -> NumericSheet | SymbolicSheet:
    """Return the elastic sheet of a stiffness in the plane.

    Args:
        values: numbers, or exact and symbolic values, shape ``batch + (3, 3)`` in Voigt form, no
            factors, rows and columns xx, yy, xy; a batch for numbers only. Or a
            :class:`PlaneForm` of ``"elastic"``, whose parameters are the symbols.
        form: another form of the stiffness, such as ``"full"``.

    Raises:
        SymmetryError: when the stiffness is not symmetric.
        ValueError: when its shape does not fit, or when the form is that of another tensor.

    >>> print(sheet([[352, 63, 0], [63, 352, 0], [0, 0, 144.5]]))
    stiffness of a sheet, Voigt form (xx, yy, xy)
        352     63      0
         63    352      0
          0      0  144.5
    K = 207.5, G = 144.5, E = 340.724, nu = 0.178977 (Hill)
    E from 340.724 at 0° to 340.724 at 0°
    nu from 0.178977 at 0° to 0.178977 at 0°
    mechanically stable
    """
    elastic = reduction("elastic")
    if isinstance(values, PlaneForm):
        if values.reduction.symmetry != elastic.symmetry:
            raise ValueError(f"{values!r} is no stiffness; give the form of 'elastic'")
        values, form = values.to_sympy(), "voigt"
    if is_exact(values):
        entries = elastic.convert(values, source=form, target="components")
        if entries.rank() != 1:
            raise ValueError("a batch of symbolic stiffnesses was given; give one at a time")
        return SymbolicSheet(tuple(entries))
    array = to_numpy(elastic.convert(values, source=form, target="components"))
    if array.dtype.kind != "f":
        raise ValueError("a stiffness is real, got complex numbers; give its real part")
    return NumericSheet(tuple(np.moveaxis(array.astype(np.float64), -1, 0)))

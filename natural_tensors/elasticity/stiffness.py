"""Elastic stiffness in numbers: checks, stability, compliance and polycrystal moduli.

Every function takes stiffness matrices in Voigt form without factors (rule 4: xx, yy, zz, yz, xz,
xy), shape ``batch + (6, 6)``, in GPa, and works on all of them at once in float64. A PyTorch tensor
is read as well; what comes back is NumPy.

A stiffness that is *singular*, which means that the smallest Kelvin modulus by magnitude is at most
rounding against the largest, has no compliance. What follows from the compliance is then NaN for
that tensor, while the rest of the batch keeps its values.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import arrays
from .symmetry import SymmetryError

Floats = NDArray[np.float64]

VOIGT_FACTORS = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
"""How many components of a symmetric 3x3 matrix one Voigt entry stands for."""
VOIGT_FACTORS.setflags(write=False)

MANDEL_FACTORS = np.sqrt(np.outer(VOIGT_FACTORS, VOIGT_FACTORS))
"""Mandel entry over Voigt entry of a stiffness: 1, √2 and exactly 2."""
MANDEL_FACTORS.setflags(write=False)

ROUNDING = 6 * float(np.finfo(np.float64).eps)
"""A Kelvin modulus below this, relative to the largest of its tensor, is not told from zero."""

# --- what comes in -----------------------------------------------------------------------------


def check_stiffness(values: Any) -> Floats:
    """Return stiffness matrices as float64, exactly symmetric, after checking them.

    Args:
        values: shape ``batch + (6, 6)``. May be asymmetric by rounding: half the digits of its own
            type, relative to the Frobenius norm. The symmetric part is returned.

    Raises:
        TypeError: when the entries are not real numbers.
        ValueError: when the shape is another or an entry is NaN or infinite.
        SymmetryError: when a matrix is not symmetric.
    """
    given = arrays.as_floating(values)
    tolerance = arrays.precision(given) ** 0.5
    array = arrays.to_numpy(given)
    if array.dtype.kind != "f":
        raise TypeError(
            f"a stiffness is real, got an array of type {array.dtype}; take its real part first"
        )
    matrix = array.astype(np.float64)
    if matrix.shape[-2:] != (6, 6):
        raise ValueError(
            f"a stiffness in Voigt form ends in the shape (6, 6), got an array of shape "
            f"{matrix.shape}; to_voigt converts (3, 3, 3, 3), and Reduction.convert('elastic') "
            "the 21 components"
        )
    finite = np.isfinite(matrix)
    if not finite.all():
        place = _first(~finite)
        raise ValueError(
            f"{_which(place[:-2])} holds a number that is NaN or infinite: entry "
            f"{place[-2:]} is {matrix[place]}; remove or repair it first"
        )
    difference = np.abs(matrix - matrix.swapaxes(-1, -2))
    bad = difference > tolerance * np.linalg.norm(matrix, axis=(-2, -1))[..., None, None]
    if bad.any():
        *batch, row, column = _first(bad)
        worst = matrix[tuple(batch)]
        raise SymmetryError(
            f"{_which(tuple(batch))} is not symmetric: entry {(row, column)} is "
            f"{worst[row, column]:.6g} but entry {(column, row)} is {worst[column, row]:.6g} "
            f"(allowed: {tolerance:.1e} of the norm); pass the symmetric part (C + C.T) / 2 if "
            "that is meant"
        )
    symmetric: Floats = matrix / 2 + matrix.swapaxes(-1, -2) / 2
    return symmetric


def _first(condition: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the indices of the first place where a condition holds."""
    return tuple(int(index) for index in np.argwhere(condition)[0])


def _which(batch: tuple[int, ...]) -> str:
    if not batch:
        return "the stiffness"
    return f"stiffness {batch[0] if len(batch) == 1 else batch}"


# --- other forms -------------------------------------------------------------------------------


def mandel(stiffness: Any) -> Floats:
    """Return the Mandel matrices, shape ``batch + (6, 6)``, GPa.

    The matrix of the tensor in an orthonormal basis of the symmetric 3x3 matrices: its Frobenius
    norm is that of the tensor, its eigenvalues do not depend on the frame.

    Source: M. M. Mehrabadi and S. C. Cowin 1990, Q. J. Mech. Appl. Math. 43, 15.
    """
    return check_stiffness(stiffness) * MANDEL_FACTORS


def compliance(stiffness: Any) -> Floats:
    """Return the compliance in Voigt form with factors 1, 2, 4, shape ``batch + (6, 6)``, 1/GPa.

    The inverse of the Voigt matrix (form ``"voigt-compliance"`` of rule 4), all NaN where the
    stiffness is singular.
    """
    return _inverse(check_stiffness(stiffness))


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of checked matrices, NaN where they are singular."""
    sizes = np.abs(_kelvin(matrix))
    singular = sizes.min(axis=-1) <= ROUNDING * sizes.max(axis=-1)
    inverse = np.linalg.inv(np.where(singular[..., None, None], np.eye(6), matrix))
    inverse = inverse / 2 + inverse.swapaxes(-1, -2) / 2
    result: Floats = np.where(singular[..., None, None], np.nan, inverse)
    return result


def isotropic(bulk: Any, shear: Any) -> Floats:
    """Return the stiffness of isotropic bodies, shape ``batch + (6, 6)``, GPa.

    C_ijkl = (K - 2/3 G) δ_ij δ_kl + G (δ_ik δ_jl + δ_il δ_jk).

    Args:
        bulk: K in GPa, any shape.
        shear: G in GPa, a shape that broadcasts with it.
    """
    bulk, shear = np.broadcast_arrays(np.asarray(bulk, float), np.asarray(shear, float))
    axial = np.zeros((6, 6))
    axial[:3, :3] = 1
    lame = bulk - 2 * shear / 3
    diagonal = np.diag(2 / VOIGT_FACTORS)
    matrix: Floats = lame[..., None, None] * axial + shear[..., None, None] * diagonal
    return matrix


# --- stability ---------------------------------------------------------------------------------


def kelvin_moduli(stiffness: Any) -> Floats:
    """Return the six eigenvalues of the Mandel matrix, ascending, shape ``batch + (6,)``, GPa.

    They are the stiffnesses of six strains that are proportional to their stress, and depend on
    no frame. Isotropic: 3K once and 2G five times.

    Source: W. Thomson (Lord Kelvin) 1856, Phil. Trans. R. Soc. 146, 481.
    """
    return _kelvin(check_stiffness(stiffness))


def _kelvin(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.eigvalsh(matrix * MANDEL_FACTORS), dtype=np.float64)


def is_stable(stiffness: Any) -> NDArray[np.bool_]:
    """Say which crystals resist every homogeneous strain: all Kelvin moduli positive.

    A modulus that is zero to rounding does not count as positive. Shape ``batch``.

    Source: M. Born 1940, Math. Proc. Camb. Philos. Soc. 36, 160; F. Mouhat and F.-X. Coudert 2014,
    Phys. Rev. B 90, 224104, eq. 2.
    """
    eigenvalues = kelvin_moduli(stiffness)
    stable: NDArray[np.bool_] = eigenvalues[..., 0] > ROUNDING * np.abs(eigenvalues).max(axis=-1)
    return stable


# --- moduli of a polycrystal -------------------------------------------------------------------


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

    def __getitem__(self, where: Any) -> Moduli:
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


def moduli(stiffness: Any) -> Moduli:
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
    diagonal, beside, shears = _sums(_inverse(matrix))
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

"""Kelvin moduli and their strains, and whether a crystal resists every strain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Floats
from ..so3.grids import TIE, oriented
from .stiffness import MANDEL_FACTORS, ROUNDING, check_stiffness, eigenvalues

MANDEL_PLACES = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
"""Which Mandel entry stands at a place of a symmetric 3x3 matrix."""
MANDEL_PLACES.setflags(write=False)

SAME_MODULUS = 1e-6
"""Kelvin moduli closer than this, relative to the largest, are one: single precision rounds so."""

OFF_DIAGONAL = 1 / np.sqrt(2.0)
COMPONENTS = ("e_xx", "e_yy", "e_zz", "e_yz", "e_xz", "e_xy")


def kelvin_moduli(stiffness: ArrayLike) -> Floats:
    """Return the six eigenvalues of the Mandel matrix, ascending, shape ``batch + (6,)``, GPa.

    They are the stiffnesses of six strains that are proportional to their stress, and depend on
    no frame. Isotropic: 3K once and 2G five times.

    Source: W. Thomson (Lord Kelvin) 1856, Phil. Trans. R. Soc. 146, 481.
    """
    return eigenvalues(check_stiffness(stiffness))


def is_stable(stiffness: ArrayLike) -> NDArray[np.bool_]:
    """Say which crystals resist every homogeneous strain: all Kelvin moduli positive.

    A modulus that is zero to rounding does not count as positive. Shape ``batch``.

    Source: M. Born 1940, Math. Proc. Camb. Philos. Soc. 36, 160; F. Mouhat and F.-X. Coudert 2014,
    Phys. Rev. B 90, 224104, eq. 2.
    """
    moduli = kelvin_moduli(stiffness)
    stable: NDArray[np.bool_] = moduli[..., 0] > ROUNDING * np.abs(moduli).max(axis=-1)
    return stable


@dataclass(frozen=True, eq=False, repr=False)
class KelvinModes:
    """The Kelvin moduli of each stiffness and the strains they belong to.

    Attributes:
        moduli_gpa: ascending, shape ``batch + (6,)``, GPa.
        strains: ``strains[..., k, :, :]`` is the symmetric 3x3 strain of modulus k, of unit
            Frobenius norm; ``C : e = modulus e``. Shape ``batch + (6, 3, 3)``. The sign is that of
            :func:`natural_tensors.so3.grids.oriented` on the components xx, yy, zz, yz, xz, xy
            (the last three times √2): the largest is positive. Where moduli coincide to 1e-6 of the
            largest, as in every cubic crystal, the strains are one orthonormal basis of many: each
            has as much as possible of one component, the first of those that allow most.
    """

    moduli_gpa: Floats
    strains: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch shape."""
        return self.moduli_gpa.shape[:-1]

    def __repr__(self) -> str:
        if self.shape:
            return f"KelvinModes(batch of shape {self.shape}, GPa)"
        moduli = ", ".join(f"{modulus:.1f}" for modulus in self.moduli_gpa)
        return f"KelvinModes({moduli} GPa; softest: {describe_strain(self.strains[0])})"


def kelvin_modes(stiffness: ArrayLike) -> KelvinModes:
    """Return the Kelvin moduli with their strains.

    In an unstable crystal the first strains, those of negative modulus, lower the energy
    ``modulus / 2`` per unit volume and unit squared strain; :func:`describe_strain` writes one
    down.

    Source: W. Thomson (Lord Kelvin) 1856, Phil. Trans. R. Soc. 146, 481; M. M. Mehrabadi and
    S. C. Cowin 1990, Q. J. Mech. Appl. Math. 43, 15.
    """
    moduli, vectors = np.linalg.eigh(check_stiffness(stiffness) * MANDEL_FACTORS)
    rows = oriented(_settled(moduli, vectors.swapaxes(-1, -2)))
    rows[..., 3:] *= OFF_DIAGONAL
    return KelvinModes(moduli, rows[..., MANDEL_PLACES])


def _settled(moduli: Floats, rows: Floats) -> Floats:
    """Return eigenvectors with a basis of every multiple eigenvalue that rounding does not choose.

    Args:
        moduli: ascending, shape ``batch + (6,)``.
        rows: an orthonormal eigenvector for each, shape ``batch + (6, 6)``.
    """
    allowed = SAME_MODULUS * np.abs(moduli).max(axis=-1, keepdims=True)
    level = np.concatenate(
        [np.zeros_like(allowed, dtype=np.int64), (np.diff(moduli) > allowed).cumsum(axis=-1)],
        axis=-1,
    )
    result = np.array(rows)
    for place in range(6):
        same = level == level[..., place : place + 1]
        later = same & (np.arange(6) >= place)
        # the space of the eigenvalue, without the vectors chosen already
        space = rows.swapaxes(-1, -2) @ (same[..., None] * rows)
        before = (same & ~later)[..., None] * result
        space = space - before.swapaxes(-1, -2) @ before
        weight = np.diagonal(space, axis1=-2, axis2=-1)
        first = (weight > (1 - TIE) * weight.max(axis=-1, keepdims=True)).argmax(axis=-1)
        chosen = np.take_along_axis(space, first[..., None, None], axis=-2)[..., 0, :]
        chosen = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
        alone = same.sum(axis=-1, keepdims=True) == 1
        result[..., place, :] = np.where(alone, rows[..., place, :], chosen)
    return result


def weakest_mode(stiffness: ArrayLike) -> str:
    """Say which strain of a crystal costs least, and whether it costs anything.

    Args:
        stiffness: of one crystal, shape ``(6, 6)``, GPa.

    Raises:
        ValueError: when it is a batch.
    """
    modes = kelvin_modes(stiffness)
    if modes.shape:
        raise ValueError(
            f"weakest_mode describes one crystal, got a batch of shape {modes.shape}; take one "
            "member, or kelvin_modes for all of them"
        )
    strain, modulus = describe_strain(modes.strains[0]), modes.moduli_gpa[0]
    if is_stable(stiffness):
        return f"stable: the weakest strain, {strain}, has the modulus {modulus:.4g} GPa"
    floor = ROUNDING * np.abs(modes.moduli_gpa).max()
    loss = "costs no energy" if abs(modulus) <= floor else "lowers the energy"
    return f"unstable: the strain {strain} {loss} (modulus {modulus:.4g} GPa)"


def describe_strain(strain: ArrayLike) -> str:
    """Return the components of a strain in words: ``"0.707 e_xx - 0.707 e_yy"``.

    Args:
        strain: symmetric, shape ``(3, 3)``. A component below a thousandth of the largest is left
            out; off-diagonal ones stand for both places.

    Raises:
        ValueError: when the shape is another.
    """
    matrix = np.asarray(strain, dtype=np.float64)
    if matrix.shape != (3, 3):
        raise ValueError(
            f"a strain is one 3x3 matrix, got an array of shape {matrix.shape}; "
            "take one member of the batch"
        )
    values = matrix[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    floor = np.abs(values).max() / 1000
    terms = [
        f"{'-' if value < 0 else '+'} {abs(value):.3f} {name}"
        for value, name in zip(values, COMPONENTS, strict=True)
        if abs(value) > floor
    ]
    return " ".join(terms).removeprefix("+ ") or "no strain"

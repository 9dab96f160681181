"""Stiffness matrices: what is accepted, and their other forms.

Every function of this package takes stiffness matrices in Voigt form without factors (rule 4: xx,
yy, zz, yz, xz, xy), shape ``batch + (6, 6)``, in GPa, and works on all of them at once in float64.
A PyTorch tensor is read as well; what comes back is NumPy.

A stiffness that is *singular*, which means that the smallest Kelvin modulus by magnitude is at most
rounding against the largest, has no compliance. What follows from the compliance is then NaN for
that tensor, while the rest of the batch keeps its values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Floats, symmetric_matrices

VOIGT_FACTORS = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
"""How many components of a symmetric 3x3 matrix one Voigt entry stands for."""
VOIGT_FACTORS.setflags(write=False)


MANDEL_FACTORS = np.sqrt(np.outer(VOIGT_FACTORS, VOIGT_FACTORS))
"""Mandel entry over Voigt entry of a stiffness: 1, √2 and exactly 2."""
MANDEL_FACTORS.setflags(write=False)


ROUNDING = 6 * float(np.finfo(np.float64).eps)
"""A Kelvin modulus below this, relative to the largest of its tensor, is not told from zero."""


def check_stiffness(values: ArrayLike) -> Floats:
    """Return stiffness matrices as float64, exactly symmetric, after checking them.

    Args:
        values: shape ``batch + (6, 6)``. May be asymmetric by rounding: half the digits of its own
            type, relative to the Frobenius norm. The symmetric part is returned.

    Raises:
        TypeError: when the entries are not real numbers.
        ValueError: when the shape is another or an entry is NaN or infinite.
        SymmetryError: when a matrix is not symmetric.
    """
    return symmetric_matrices(
        values,
        6,
        "stiffness",
        real="take its real part first",
        shape=" in Voigt form; to_voigt converts (3, 3, 3, 3), and Reduction.convert('elastic') "
        "the 21 components",
        symmetric="pass the symmetric part (C + C.T) / 2 if that is meant",
    )


def mandel(stiffness: ArrayLike) -> Floats:
    """Return the Mandel matrices, shape ``batch + (6, 6)``, GPa.

    The matrix of the tensor in an orthonormal basis of the symmetric 3x3 matrices: its Frobenius
    norm is that of the tensor, its eigenvalues do not depend on the frame.

    Source: M. M. Mehrabadi and S. C. Cowin 1990, Q. J. Mech. Appl. Math. 43, 15.
    """
    return check_stiffness(stiffness) * MANDEL_FACTORS


def compliance(stiffness: ArrayLike) -> Floats:
    """Return the compliance in Voigt form with factors 1, 2, 4, shape ``batch + (6, 6)``, 1/GPa.

    The inverse of the Voigt matrix (form ``"voigt-compliance"`` of rule 4), all NaN where the
    stiffness is singular.
    """
    return inverse(check_stiffness(stiffness))


def eigenvalues(matrix: Floats) -> Floats:
    """Return the Kelvin moduli of checked matrices, ascending, shape ``batch + (6,)``, GPa."""
    return np.asarray(np.linalg.eigvalsh(matrix * MANDEL_FACTORS), dtype=np.float64)


def inverse(matrix: Floats) -> Floats:
    """Return the inverse of checked matrices, NaN where they are singular."""
    sizes = np.abs(eigenvalues(matrix))
    singular = sizes.min(axis=-1) <= ROUNDING * sizes.max(axis=-1)
    inverse = np.linalg.inv(np.where(singular[..., None, None], np.eye(6), matrix))
    inverse = inverse / 2 + inverse.swapaxes(-1, -2) / 2
    result: Floats = np.where(singular[..., None, None], np.nan, inverse)
    return result


def isotropic(bulk: ArrayLike, shear: ArrayLike) -> Floats:
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

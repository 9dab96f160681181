"""Harmonics of a direction."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb

from natural_tensors import harmonic
from natural_tensors.exact.surds import Surd
from natural_tensors.so3.blocks import block_size
from natural_tensors.so3.harmonics import Normalization

from ..programs.lowering import ONE, Builder
from ..programs.program import Ref


def harmonics(
    built: Builder, vector: Sequence[Ref], weight: int, normalization: Normalization, *, solid: bool
) -> list[list[Ref]]:
    """Return the packed harmonics of each weight as values.

    Component m is an azimuthal factor, Re or Im (z + ix)^|m|, times a polar one in y (and r^2),
    both by recursion: the polar factors obey the three-term recursion of associated Legendre
    polynomials, scaled so that no coefficient is needed but one for each term.
    """
    x, y, z = vector
    square = built.constant(1)
    if solid:
        squares = [(ONE, built.product(v, v)) for v in vector]
        square = built.linear(squares, "r2")
    real, imaginary = [built.constant(1)], [built.constant(0)]
    for order in range(1, weight + 1):
        a, b = real[-1], imaginary[-1]
        zz, xx = built.product(z, a), built.product(x, b)
        zx, xz = built.product(z, b), built.product(x, a)
        real.append(built.linear([(ONE, zz), (Surd(-1), xx)], f"real_{order}"))
        imaginary.append(built.linear([(ONE, zx), (ONE, xz)], f"imaginary_{order}"))
    result = [[built.constant(0)] * block_size(ell) for ell in range(weight + 1)]
    for order in range(weight + 1):
        scales = {ell: _polar_scale(ell, order, normalization) for ell in range(order, weight + 1)}
        polar: dict[int, Ref] = {order: built.constant(scales[order])}
        for ell in range(order + 1, weight + 1):
            # (l-m) P_l = (2l-1) y P_(l-1) - (l+m-1) r^2 P_(l-2)
            ahead = scales[ell] / scales[ell - 1] * Fraction(2 * ell - 1, ell - order)
            terms = [(ahead, built.product(y, polar[ell - 1]))]
            if ell - 2 >= order:
                behind = scales[ell] / scales[ell - 2] * Fraction(ell + order - 1, ell - order)
                terms.append((-behind, built.product(square, polar[ell - 2])))
            polar[ell] = built.linear(terms, f"polar_{ell}_{order}")
        for ell, value in polar.items():
            result[ell][ell + order] = built.product(value, real[order], f"Y{ell}_{ell + order}")
            if order:
                result[ell][ell - order] = built.product(
                    value, imaginary[order], f"Y{ell}_{ell - order}"
                )
    return result


def _polar_scale(weight: int, order: int, normalization: Normalization) -> Surd:
    """Return the harmonic's polar factor over the one that the recursion starts from 1.

    Both are compared at the pole, where the recursion gives the binomial (l+m, 2m) and the
    harmonic the coefficient of y^(l-m) z^m.
    """
    polynomial, radicand = harmonic(weight, normalization).exact()[weight + order]
    leading = polynomial[0, weight - order, order]
    return Surd.root(radicand, Fraction(leading, comb(weight + order, 2 * order)))

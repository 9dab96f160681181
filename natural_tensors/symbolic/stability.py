"""Conditions for a crystal to be stable under strain: necessary, sufficient, and derived.

A stiffness is positive definite when each of its blocks over the point group is, and a block when
its leading principal minors are positive (Sylvester). At zero load these are Born's conditions. A
crystal under load resists a small strain with the symmetrized Wallace tensor in place of its
stiffness; under pressure that is Birch's. Sources: M. Born and K. Huang (1954); F. Birch, Phys.
Rev. 71, 809 (1947); D. C. Wallace, Phys. Rev. 162, 776 (1967); F. Mouhat and F.-X. Coudert, Phys.
Rev. B 90, 224104 (2014); M. Maździarz, arXiv:2411.15918 (2024), under any load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..crystals.point_groups import Operation
from ..exact.symbols import Expression, canonical, expressions
from .blocks import PAIRS, Block, strain_blocks

LARGEST_EXPANDED = 4
"""Minors above this size stay determinants: that of a triclinic 6x6 has 720 terms."""


@dataclass(frozen=True, eq=False, repr=False)
class Stability:
    """When a stiffness is positive definite: all conditions together, each an expression above 0.

    Attributes:
        blocks: the strains that each block of conditions is about.
        per_block: the conditions of each block, leading minors in order.
    """

    blocks: tuple[Block, ...]
    per_block: tuple[tuple[Expression, ...], ...]

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """Every condition once: expressions that must be positive."""
        return tuple(dict.fromkeys(c for conditions in self.per_block for c in conditions))

    def to_sympy(self) -> Expression:
        """Return the conditions as one logical SymPy expression, determinants written out."""
        import sympy

        return sympy.And(*(condition.doit() > 0 for condition in self.conditions))

    def holds(self, values: Mapping[str, object]) -> bool:
        """Say whether constants satisfy every condition.

        Args:
            values: a number for each constant, by its name.

        Raises:
            ValueError: when a constant is left without a number.
        """
        for condition in self.conditions:
            known = {s: values[str(s)] for s in condition.free_symbols if str(s) in values}
            value = condition.subs(known).doit()
            if value.free_symbols:
                names = ", ".join(sorted(map(str, value.free_symbols)))
                raise ValueError(f"no number was given for {names}, in the condition {condition}")
            if not value > 0:
                return False
        return True

    def latex(self) -> str:
        """Return the conditions in LaTeX, a line each."""
        import sympy

        return " \\\\\n".join(f"{sympy.latex(condition)} > 0" for condition in self.conditions)

    def __str__(self) -> str:
        return "\n".join(f"{condition} > 0" for condition in self.conditions)

    def __repr__(self) -> str:
        count = len(self.conditions)
        shown = "; ".join(str(self).splitlines())
        return f"Stability({count} condition{'s' * (count > 1)}: {shown})"


def stability(stiffness: Expression, rotations: tuple[Operation, ...]) -> Stability:
    """Derive the conditions for a stiffness to be positive definite.

    Args:
        stiffness: 6x6 Voigt matrix that the rotations leave alone.
        rotations: a group; see :func:`rotations_of`.
    """
    blocks = strain_blocks(rotations)
    return Stability(blocks, tuple(_minors(block.of(stiffness)) for block in blocks))


def _minors(matrix: Expression) -> tuple[Expression, ...]:
    """Return the leading principal minors of a Hermitian matrix, up to positive factors."""
    import sympy

    minors = []
    for size in range(1, matrix.rows + 1):
        corner = matrix[:size, :size]
        if size > LARGEST_EXPANDED:
            minors.append(sympy.Determinant(corner))
            continue
        minors.append(primitive(canonical(corner.det(method="berkowitz"))))
    return tuple(minors)


def primitive(value: Expression) -> Expression:
    """Return a polynomial with integer coefficients and no common factor, of the same sign."""
    import sympy

    numerator, denominator = sympy.fraction(sympy.together(value))
    if denominator.free_symbols or not numerator.free_symbols:
        return value
    polynomial = sympy.Poly(numerator, *sorted(numerator.free_symbols, key=str))
    lead = abs(polynomial.coeffs()[0])
    scaled = sympy.expand(numerator / lead) if not lead.is_Rational else numerator
    _, reduced = sympy.Poly(scaled, *polynomial.gens).primitive()
    return reduced.as_expr()


def under_load(stiffness: Expression, stress: Expression) -> Expression:
    """Return the stiffness that a crystal under a stress resists small strains with.

    The symmetrized Wallace tensor ``C_ijkl + (δ_ik σ_jl + δ_il σ_jk + δ_jk σ_il + δ_jl σ_ik
    - δ_ij σ_kl - δ_kl σ_ij) / 2``; for ``σ = -P δ`` Birch's, with ``C11 - P``, ``C12 + P`` and
    ``C44 - P``.

    Args:
        stiffness: 6x6 Voigt matrix under the load, the second derivative of the energy.
        stress: Cauchy stress, shape ``(3, 3)``, tension positive.

    Returns:
        6x6 Voigt matrix.

    Raises:
        ValueError: when the stress is no symmetric 3x3 matrix.
    """
    import sympy

    sigma = sympy.Matrix(expressions(stress).tolist())
    if sigma.shape != (3, 3) or sigma != sigma.T:
        raise ValueError(f"a stress is a symmetric matrix of shape (3, 3), got {sigma}")
    delta = sympy.eye(3)

    def entry(row: int, column: int) -> Expression:
        (i, j), (k, m) = PAIRS[row], PAIRS[column]
        return canonical(
            stiffness[row, column]
            + (
                delta[i, k] * sigma[j, m] + delta[i, m] * sigma[j, k]
                + delta[j, k] * sigma[i, m] + delta[j, m] * sigma[i, k]
                - delta[i, j] * sigma[k, m] - delta[k, m] * sigma[i, j]
            ) / 2
        )  # fmt: skip

    return sympy.ImmutableMatrix(6, 6, entry)

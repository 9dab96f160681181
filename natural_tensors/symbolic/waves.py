"""Plane waves of a Christoffel matrix in closed form, where it splits into small blocks."""

from __future__ import annotations

from dataclasses import dataclass

from ..exact.symbols import Expression, canonical, same_draws


@dataclass(frozen=True, eq=False, repr=False)
class WaveModes:
    """The three plane waves along one direction.

    Attributes:
        squares: density times squared speed of each wave in closed form, with multiplicity.
        polynomial: where no closed form was sought, the cubic in ``x`` whose roots the rest are.
    """

    squares: tuple[Expression, ...]
    polynomial: Expression | None = None

    @property
    def closed(self) -> bool:
        """Whether all three have a closed form without cubic roots."""
        return self.polynomial is None

    def speeds(self, density: Expression) -> tuple[Expression, ...]:
        """Return the speeds of the waves in closed form for a density."""
        import sympy

        return tuple(sympy.sqrt(square / density) for square in self.squares)

    def __repr__(self) -> str:
        shown = [str(square) for square in self.squares]
        if self.polynomial is not None:
            shown.append(f"roots of {self.polynomial}")
        return f"WaveModes(ρv² = {'; '.join(shown)})"


def wave_modes(christoffel: Expression) -> WaveModes:
    """Return the eigenvalues of a symmetric 3x3 matrix: in radicals for factors up to degree 2.

    The characteristic polynomial is factored over the rationals: a mirror plane or an axis of the
    crystal that holds the direction splits off a linear factor.
    """
    import sympy

    unknown = sympy.Symbol("x")
    polynomial = christoffel.charpoly(unknown).as_expr()
    squares: list[Expression] = []
    rest = None
    numerator, _ = sympy.fraction(sympy.together(canonical(polynomial)))
    with same_draws():
        _, factors = sympy.factor_list(numerator)
    for factor, power in factors:
        degree = sympy.degree(factor, unknown)
        if degree == 0:
            continue
        if degree > 2:
            rest = factor
            continue
        roots = sympy.roots(sympy.Poly(factor, unknown))
        squares += [root for root, count in roots.items() for _ in range(count * power)]
    return WaveModes(tuple(squares), rest)

"""Elastic sheets in symbols: moduli in closed form, Kelvin moduli, conditions of stability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from ..errors import SymmetryError
from ..exact.symbols import canonical, expression
from .forms import form
from .point_groups import PlaneGroup
from .sheets import Sheet, Three, Value, contraction

if TYPE_CHECKING:
    import sympy

Strains: TypeAlias = tuple[tuple[Three, int], ...]
"""Strains xx, yy and 2 xy, each with twice its squared length."""

CARTESIAN: Strains = (((1, 0, 0), 2), ((0, 1, 0), 2), ((0, 0, 1), 1))
NATURAL: Strains = (((1, 1, 0), 4), ((1, -1, 0), 4), ((0, 0, 1), 1))
"""The strain of weight 0 and the two of weight 2."""


@dataclass(frozen=True, eq=False)
class Block:
    """Strains that a stiffness does not mix with others.

    Attributes:
        strains: xx, yy and 2 xy of each.
        matrix: twice the energies, shape ``(n, n)``.
        lengths: squared length of each strain.
    """

    strains: tuple[Three, ...]
    matrix: sympy.Matrix
    lengths: tuple[sympy.Rational, ...]

    @cached_property
    def minors(self) -> tuple[sympy.Expr, ...]:
        """The leading principal minors, positive where the block is definite (Sylvester)."""
        size = len(self.strains)
        return tuple(canonical(self.matrix[:n, :n].det()) for n in range(1, size + 1))

    def characteristic(self, modulus: sympy.Symbol) -> sympy.Poly:
        """Return the polynomial whose roots are the Kelvin moduli of the block."""
        import sympy

        shifted = self.matrix - modulus * sympy.diag(*self.lengths)
        scale = sympy.prod(self.lengths)
        return sympy.Poly(sympy.expand((-1) ** len(self.strains) * shifted.det() / scale), modulus)


@dataclass(frozen=True, eq=False, repr=False)
class SymbolicSheet(Sheet):
    """An elastic sheet in symbols or exact numbers; results are canonical SymPy expressions."""

    def finished(self, value: Value) -> sympy.Expr:
        """Return a result in canonical form."""
        return canonical(expression(value))

    def divided(self, numerator: Value, denominator: Value) -> sympy.Expr:
        """Return a quotient in canonical form."""
        above, below = self.finished(numerator), self.finished(denominator)
        if below == 0:
            raise SymmetryError("the stiffness is singular; its compliance does not exist")
        return canonical(above / below)

    def circle(self, angle: Value) -> tuple[sympy.Expr, sympy.Expr]:
        """Return the cosine and sine of an angle."""
        import sympy

        return sympy.cos(angle), sympy.sin(angle)

    @property
    def matrix(self) -> sympy.ImmutableMatrix:
        """The stiffness in Voigt form."""
        import sympy

        a, b, c, d, e, f = self.stiffness
        return sympy.ImmutableMatrix([[a, b, c], [b, d, e], [c, e, f]])

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of the stiffness: of natural strains, or of xx, yy, xy where no fewer mix.

        A rotation of order 3 or more keeps weight 0 from weight 2, a mirror the two strains of
        weight 2 from each other.
        """
        found = [self._blocks(strains) for strains in (CARTESIAN, NATURAL)]
        return max(found, key=len)  # the first of equals

    def _blocks(self, strains: Strains) -> tuple[Block, ...]:
        import sympy

        energies = [
            [canonical(contraction(self.stiffness, left, right)) for right, _ in strains]
            for left, _ in strains
        ]
        return tuple(
            Block(
                tuple(strains[i][0] for i in group),
                sympy.Matrix([[energies[i][j] for j in group] for i in group]),
                tuple(sympy.Rational(strains[i][1], 2) for i in group),
            )
            for group in _connected(energies)
        )

    @cached_property
    def stability(self) -> tuple[sympy.Rel, ...]:
        """The necessary and sufficient conditions of stability at zero load: Born's.

        Each says that an expression is positive: the leading minors of each block, without
        positive factors and repetitions. With :meth:`Sheet.under_load`, those under a load.
        """
        import sympy

        conditions: list[sympy.Expr] = []
        for block in self.blocks:
            for minor in block.minors:
                reduced = _without_positive_factor(minor)
                if reduced not in conditions:
                    conditions.append(reduced)
        stated = (sympy.Gt(entry, 0) for entry in conditions)
        return tuple(condition for condition in stated if condition is not sympy.true)

    def kelvin_moduli(self) -> tuple[sympy.Expr | sympy.Poly, ...]:
        """Return the Kelvin moduli: in roots for blocks up to 2x2, else the polynomial in λ."""
        import sympy

        modulus = sympy.Symbol("λ", real=True)
        moduli: list[sympy.Expr | sympy.Poly] = []
        for block in self.blocks:
            polynomial = block.characteristic(modulus)
            if polynomial.degree() > 2:
                moduli.append(polynomial)
            elif polynomial.degree() == 1:
                moduli.append(canonical(-polynomial.nth(0) / polynomial.nth(1)))
            else:
                half = canonical(-polynomial.nth(1) / 2)
                radius = sympy.sqrt(canonical(half**2 - polynomial.nth(0)))
                moduli += [half - radius, half + radius]
        return tuple(moduli)

    def __repr__(self) -> str:
        conditions = ", ".join(map(str, self.stability))
        return f"SymbolicSheet({self.matrix.tolist()}; stable where {conditions})"


def _connected(table: Sequence[Sequence[sympy.Expr]]) -> list[list[int]]:
    """Return the groups of indices that nonzero entries join."""
    groups: list[list[int]] = []
    for index in range(len(table)):
        joined = [group for group in groups if any(table[index][other] != 0 for other in group)]
        merged = sorted([index, *(other for group in joined for other in group)])
        groups = [group for group in groups if group not in joined] + [merged]
    return sorted(groups)


def _without_positive_factor(minor: sympy.Expr) -> sympy.Expr:
    """Return an expression divided by the largest positive number that divides it."""
    import sympy

    _, rest = sympy.factor_terms(minor).as_content_primitive()
    return sympy.expand(rest)


def stability_conditions(group: str | PlaneGroup) -> tuple[sympy.Rel, ...]:
    """Return the conditions of stability of a sheet under a point group, in standard axes.

    Sources: M. Maździarz, 2D Mater. 6, 048001 (2019) at zero load, and arXiv:2411.15918 under any.

    >>> stability_conditions("4mm")
    (C11 + C12 > 0, C11 - C12 > 0, C66 > 0)
    """
    return SymbolicSheet(tuple(_components(group))).stability


def _components(group: str | PlaneGroup) -> list[sympy.Expr]:
    matrix = form("elastic", group).to_sympy()
    return [matrix[place] for place in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))]

"""A stiffness in symbols: compliance, moduli, directions, Kelvin modes, relations and stability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..crystals.forms import SymbolicForm, form
from ..crystals.point_groups import Operation, PointGroup, point_group
from ..decomposition.reductions import reduction
from ..errors import SymmetryError
from ..exact.symbols import Expression, as_result, canonical, expressions
from .blocks import rotations_of, strain_blocks
from .stability import Stability, stability, under_load
from .waves import WaveModes, wave_modes

NORMAL = ("n1", "n2", "n3")
"""Names of the components of a direction where none is given; a unit vector."""


@dataclass(frozen=True)
class SymbolicModuli:
    """Moduli of a polycrystal without texture, each an expression.

    Attributes:
        bulk: K.
        shear: G.
    """

    bulk: Expression
    shear: Expression

    @property
    def youngs(self) -> Expression:
        """Young's modulus ``E = 9 K G / (3 K + G)``."""
        return canonical(9 * self.bulk * self.shear / (3 * self.bulk + self.shear))

    @property
    def poisson(self) -> Expression:
        """Poisson's ratio ``(3 K - 2 G) / (6 K + 2 G)``."""
        return canonical((3 * self.bulk - 2 * self.shear) / (6 * self.bulk + 2 * self.shear))


@dataclass(frozen=True, eq=False, repr=False)
class SymbolicStiffness:
    """A stiffness whose entries are expressions; obtain one from :func:`stiffness`.

    Attributes:
        matrix: 6x6 Voigt matrix, symmetric.
        group: a point group that leaves it alone, in the axes of the matrix.
    """

    matrix: Expression
    group: PointGroup

    @property
    def constants(self) -> tuple[Expression, ...]:
        """The symbols in it, by name."""
        return tuple(sorted(self.matrix.free_symbols, key=str))

    @cached_property
    def compliance(self) -> Expression:
        """The inverse, 6x6 in the form ``voigt-compliance``, each entry in closed form.

        Raises:
            ZeroDivisionError: when the matrix is singular.
        """
        import sympy

        result = sympy.zeros(6, 6)
        for places in _coupled(self.matrix):
            inverse = _inverse(self.matrix.extract(places, places))
            for a, i in enumerate(places):
                for b, j in enumerate(places):
                    result[i, j] = inverse[a, b]
        return sympy.ImmutableMatrix(result)

    @cached_property
    def soft(self) -> Expression:
        """The compliance as a full array, shape ``(3, 3, 3, 3)``."""
        return reduction("compliance").convert(
            self.compliance, source="voigt-compliance", target="full"
        )

    @cached_property
    def full(self) -> Expression:
        """The stiffness as a full array, shape ``(3, 3, 3, 3)``."""
        return reduction("elastic").convert(self.matrix, source="voigt", target="full")

    # --- averages ---------------------------------------------------------------------------

    @cached_property
    def voigt(self) -> SymbolicModuli:
        """Moduli under uniform strain, the upper bound of a stable crystal."""
        c = self.matrix
        trace, sides = c[0, 0] + c[1, 1] + c[2, 2], c[0, 1] + c[0, 2] + c[1, 2]
        shears = c[3, 3] + c[4, 4] + c[5, 5]
        return SymbolicModuli(
            canonical((trace + 2 * sides) / 9), canonical((trace - sides + 3 * shears) / 15)
        )

    @cached_property
    def reuss(self) -> SymbolicModuli:
        """Moduli under uniform stress, the lower bound of a stable crystal."""
        s = self.compliance
        trace, sides = s[0, 0] + s[1, 1] + s[2, 2], s[0, 1] + s[0, 2] + s[1, 2]
        shears = s[3, 3] + s[4, 4] + s[5, 5]
        return SymbolicModuli(
            canonical(1 / canonical(trace + 2 * sides)),
            canonical(15 / canonical(4 * trace - 4 * sides + 3 * shears)),
        )

    @cached_property
    def hill(self) -> SymbolicModuli:
        """The means of the moduli of Voigt and Reuss."""
        return SymbolicModuli(
            canonical((self.voigt.bulk + self.reuss.bulk) / 2),
            canonical((self.voigt.shear + self.reuss.shear) / 2),
        )

    @property
    def universal_anisotropy(self) -> Expression:
        """``A^U = 5 G_V / G_R + K_V / K_R - 6``, 0 when isotropic (Ranganathan, 2008)."""
        return canonical(
            5 * self.voigt.shear / self.reuss.shear + self.voigt.bulk / self.reuss.bulk - 6
        )

    @property
    def zener(self) -> Expression:
        """Zener's ratio ``2 C44 / (C11 - C12)`` of a cubic stiffness.

        Raises:
            SymmetryError: when the group is not cubic.
        """
        if self.group.system not in ("cubic", "spherical"):
            raise SymmetryError(
                f"Zener's ratio is that of a cubic crystal and this one is {self.group.system}; "
                "universal_anisotropy is for every group"
            )
        c = self.matrix
        return canonical(2 * c[3, 3] / (c[0, 0] - c[0, 1]))

    # --- directions -------------------------------------------------------------------------

    def youngs_modulus(self, direction: object = NORMAL) -> Expression:
        """Return E along a direction: ``1 / E = S_ijkl n_i n_j n_k n_l``.

        Args:
            direction: three exact numbers or expressions of any length, not all zero; the
                symbols n1, n2, n3 of a unit vector when omitted.
        """
        n, square = direction_of(direction)
        return canonical(square**2 / self._soft(n, n, n, n))

    def linear_compressibility(self, direction: object = NORMAL) -> Expression:
        """Return ``β = S_ijkk n_i n_j`` along a direction, in the inverse unit of the constants."""
        n, square = direction_of(direction)
        total = sum(
            self.soft[i, j, k, k] * n[i] * n[j]
            for i in range(3) for j in range(3) for k in range(3)
        )  # fmt: skip
        return canonical(total / square)

    def shear_modulus(self, direction: object, transverse: object) -> Expression:
        """Return G of a plane's normal and a direction in it: ``1 / G = 4 S_ijkl n_i m_j n_k m_l``.

        Raises:
            ValueError: when the two are not provably perpendicular.
        """
        n, m, scale = self._pair(direction, transverse)
        return canonical(scale / (4 * self._soft(n, m, n, m)))

    def poisson_ratio(self, direction: object, transverse: object) -> Expression:
        """Return ``ν = - S_ijkl n_i n_j m_k m_l / S_ijkl n_i n_j n_k n_l``.

        Raises:
            ValueError: when the two are not provably perpendicular.
        """
        n, m, _ = self._pair(direction, transverse)
        _, long = direction_of(direction)
        _, short = direction_of(transverse)
        return canonical(-self._soft(n, n, m, m) * long / (self._soft(n, n, n, n) * short))

    def _pair(
        self, direction: object, transverse: object
    ) -> tuple[tuple[Expression, ...], tuple[Expression, ...], Expression]:
        n, first = direction_of(direction)
        m, second = direction_of(transverse)
        product = canonical(sum(a * b for a, b in zip(n, m, strict=True)))
        if product != 0:
            raise ValueError(
                f"the directions {list(n)} and {list(m)} have the product {product}, which is "
                "not provably 0; give perpendicular ones"
            )
        return n, m, canonical(first * second)

    def _soft(self, *vectors: tuple[Expression, ...]) -> Expression:
        a, b, c, d = vectors
        return canonical(
            sum(
                self.soft[i, j, k, m] * a[i] * b[j] * c[k] * d[m]
                for i in range(3) for j in range(3) for k in range(3) for m in range(3)
            )
        )  # fmt: skip

    # --- waves, modes, relations ------------------------------------------------------------

    def christoffel(self, direction: object = NORMAL) -> Expression:
        """Return ``Γ_ik = C_ijkl n_j n_l``, 3x3: its eigenvalues are density x speed²."""
        import sympy

        n, square = direction_of(direction)
        return sympy.ImmutableMatrix(
            3, 3,
            lambda i, k: canonical(
                sum(self.full[i, j, k, m] * n[j] * n[m] for j in range(3) for m in range(3))
                / square
            ),
        )  # fmt: skip

    def waves(self, direction: object) -> WaveModes:
        """Return the plane waves along a direction, in closed form where they have one."""
        return wave_modes(self.christoffel(direction))

    def cauchy_relations(self) -> tuple[Expression, ...]:
        """Return what central forces make zero: ``C12 - C66``, ``C14 - C56`` and the like."""
        pairs = (((0, 1), (5, 5)), ((0, 2), (4, 4)), ((1, 2), (3, 3)),
                 ((0, 3), (4, 5)), ((1, 4), (3, 5)), ((2, 5), (3, 4)))  # fmt: skip
        differences = (canonical(self.matrix[a] - self.matrix[b]) for a, b in pairs)
        return tuple(dict.fromkeys(d for d in differences if d != 0))

    def kelvin_moduli(self) -> tuple[tuple[Expression, int], ...]:
        """Return the eigenvalues of the Mandel matrix with their multiplicities, block by block.

        In radicals where a block is at most 2x2; otherwise ``RootOf``-free: the polynomial in
        ``λ`` whose roots they are, as a SymPy equation with 0.
        """
        import sympy

        unknown = sympy.Symbol("λ", real=True)
        moduli: list[tuple[Expression, int]] = []
        for block in strain_blocks(rotations_of(self.group)):
            pencil = block.of(self.matrix) - unknown * block.gram()
            polynomial = sympy.expand(pencil.det(method="berkowitz"))
            if block.size > 2:
                moduli.append((sympy.Eq(polynomial, 0), block.degeneracy))
                continue
            roots = sympy.roots(sympy.Poly(polynomial, unknown))
            moduli += [(canonical(root), n * block.degeneracy) for root, n in roots.items()]
        return tuple(moduli)

    def stability(self, *, pressure: object = None, stress: object = None) -> Stability:
        """Return the conditions for the crystal to be stable, at zero load or under one.

        Args:
            pressure: hydrostatic pressure, positive when it compresses.
            stress: Cauchy stress, shape ``(3, 3)``, tension positive, in place of a pressure.
        """
        import sympy

        if pressure is not None and stress is not None:
            raise ValueError("give a pressure or a stress, not both")
        rotations = rotations_of(self.group)
        if pressure is None and stress is None:
            return stability(self.matrix, rotations)
        load = -sympy.sympify(pressure) * sympy.eye(3) if stress is None else sympy.Matrix(stress)
        loaded = under_load(self.matrix, load)
        return stability(loaded, tuple(r for r in rotations if _keeps(r, load)))

    def latex(self) -> str:
        """Return the matrix in LaTeX, without dollar signs."""
        import sympy

        return str(sympy.latex(self.matrix))

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.constants))
        return f"SymbolicStiffness({self.group}: {names})"


def _coupled(matrix: Expression) -> list[list[int]]:
    """Return the sets of strain components that entries other than 0 join."""
    left, sets = list(range(6)), []
    while left:
        reached = [left[0]]
        for i in reached:  # grows while it is walked
            reached += [j for j in left if matrix[i, j] != 0 and j not in reached]
        sets.append(sorted(reached))
        left = [i for i in left if i not in reached]
    return sets


def _inverse(matrix: Expression) -> Expression:
    """Return the inverse of a symmetric matrix, each entry one quotient in lowest terms."""
    above, below = _adjugate(matrix)
    if canonical(below) == 0:
        raise ZeroDivisionError(f"the stiffness has no inverse: {matrix} is singular")
    if matrix.free_symbols and len(matrix.free_symbols) == matrix.rows * (matrix.rows + 1) // 2:
        return above / below  # independent entries: a minor and the determinant share no factor
    return above.applyfunc(lambda entry: canonical(entry / below))


def _adjugate(matrix: Expression) -> tuple[Expression, Expression]:
    """Return the cofactors and the determinant of a symmetric matrix.

    Minors grow row by row over all sets of columns, so that no product is formed twice and nothing
    is divided.
    """
    import sympy
    from sympy.polys.rings import sring

    size = matrix.rows
    ring, flat = sring(list(matrix))
    entries = [flat[row * size : (row + 1) * size] for row in range(size)]
    every = (1 << size) - 1
    cofactors = []
    for left_out in range(size):
        minors = {0: ring.one}  # by the bits of the columns used
        for row in (entries[row] for row in range(size) if row != left_out):
            minors = _grown(minors, row)
        signs = [(-1) ** (left_out + column) for column in range(size)]
        cofactors.append(
            [minors.get(every ^ 1 << j, ring.zero) * sign for j, sign in enumerate(signs)]
        )
    determinant = sum((a * b for a, b in zip(entries[0], cofactors[0], strict=True)), ring.zero)
    above = sympy.Matrix(size, size, lambda i, j: cofactors[i][j].as_expr())
    return above, determinant.as_expr()


def _grown(minors: dict[int, Any], row: Sequence[Any]) -> dict[int, Any]:
    """Return the minors of one row more, expanded along it."""
    grown: dict[int, Any] = {}
    for used, minor in minors.items():
        for column, entry in enumerate(row):
            if used >> column & 1 or not entry:
                continue
            term = minor * entry * (-1) ** (used >> column).bit_count()
            key = used | 1 << column
            grown[key] = grown[key] + term if key in grown else term
    return grown


def _keeps(rotation: Operation, stress: Expression) -> bool:
    """Say whether a rotation leaves a stress alone."""
    given = as_result([canonical(entry) for entry in stress], (3, 3))
    turned = reduction("stress").rotate(given, [list(row) for row in rotation.matrix])
    return bool(turned == given)


def direction_of(direction: object) -> tuple[tuple[Expression, ...], Expression]:
    """Return a direction as three expressions, and its squared length.

    Raises:
        ValueError: when there are not three, or all are zero.
    """
    import sympy

    if direction == NORMAL:
        return tuple(sympy.Symbol(name, real=True) for name in NORMAL), sympy.S.One
    entries = tuple(expressions(direction).reshape(-1))
    square = canonical(sum(entry**2 for entry in entries)) if entries else 0
    if len(entries) != 3 or square == 0:
        raise ValueError(
            f"{direction!r} is no direction: give three numbers or expressions, not all 0"
        )
    return entries, square


def stiffness(
    given: str | PointGroup | SymbolicForm | Expression, group: str | PointGroup | None = None
) -> SymbolicStiffness:
    """Return a stiffness in symbols.

    Args:
        given: a point group, whose constants then are C11, C12, ...; a form of :func:`form`; or a
            6x6 Voigt matrix of expressions.
        group: a point group that leaves a matrix alone; none is assumed when omitted.

    Raises:
        SymmetryError: when the matrix is not symmetric, or the group does not leave it alone.
        ValueError: when its shape is another.
    """
    import sympy

    if isinstance(given, (str, PointGroup)):
        given = form("elastic", given)
    if isinstance(given, SymbolicForm):
        matrix, points = given.to_sympy(), given.group if given.standard else point_group("1")
    else:
        matrix = reduction("elastic").convert(given, source="voigt", target="voigt", exact=True)
        points = point_group("1") if group is None else _as_group(group)
        _check_group(matrix, points)
    return SymbolicStiffness(sympy.ImmutableMatrix(matrix.tolist()), points)


def _as_group(group: str | PointGroup) -> PointGroup:
    return group if isinstance(group, PointGroup) else point_group(group)


def _check_group(matrix: Expression, group: PointGroup) -> None:
    """Refuse a matrix that an operation of the group changes."""
    from ..crystals.fitting import project

    full = reduction("elastic").convert(matrix, source="voigt", target="full", exact=True)
    kept = reduction("elastic").convert(project("elastic", full, group), target="voigt")
    for place in ((i, j) for i in range(6) for j in range(i, 6)):
        difference = canonical(matrix[place] - kept[place])
        if difference != 0:
            raise SymmetryError(
                f"the group {group} does not leave the matrix alone: its entry {place} is "
                f"{matrix[place]} and would be {kept[place]}; leave the group out, or give axes "
                "that fit"
            )

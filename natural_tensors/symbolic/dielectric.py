"""A dielectric tensor in symbols: principal values, light waves, optic axes and their angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from ..crystals.forms import SymbolicForm, form
from ..crystals.point_groups import PointGroup, point_group
from ..decomposition.reductions import reduction
from ..errors import SymmetryError
from ..exact.symbols import Expression, canonical, same_draws
from .groups import check_group
from .stiffness import NORMAL, direction_of
from .waves import wave_modes

Axis: TypeAlias = tuple[Expression, ...]
"""The three components of a unit vector."""

CLASSES = ("isotropic", "uniaxial", "biaxial")
"""Optical classes by the number of different principal values, from one to three."""

ASCENDING = (0, 1, 2)
"""The principal values from the smallest to the largest, as they are listed."""


@dataclass(frozen=True, eq=False, repr=False)
class SymbolicDielectric:
    """A relative permittivity whose entries are expressions; obtain one from :func:`dielectric`.

    Attributes:
        matrix: 3x3, symmetric.
        group: a point group that leaves it alone, in the axes of the matrix.
    """

    matrix: Expression
    group: PointGroup

    @property
    def constants(self) -> tuple[Expression, ...]:
        """The symbols in it, by name."""
        return tuple(sorted(self.matrix.free_symbols, key=str))

    @cached_property
    def impermeability(self) -> Expression:
        """The inverse, 3x3: its quadric is the optical indicatrix.

        Raises:
            ZeroDivisionError: when the matrix is singular.
        """
        import sympy

        below = canonical(self.matrix.det())
        if below == 0:
            raise ZeroDivisionError(f"the dielectric tensor has no inverse: {self} is singular")
        above = self.matrix.adjugate()
        return sympy.ImmutableMatrix(above.applyfunc(lambda entry: canonical(entry / below)))

    # --- principal values and axes ----------------------------------------------------------

    @cached_property
    def _principal(self) -> tuple[tuple[tuple[Expression, Axis], ...], Expression | None]:
        """Return each principal value with its axis, and the cubic of those without a form."""
        import sympy

        matrix = self.matrix
        units = [tuple(sympy.Integer(int(i == j)) for j in range(3)) for i in range(3)]
        coupled = [(i, j) for i in range(3) for j in range(i) if matrix[i, j] != 0]
        if len(coupled) > 1:
            modes = wave_modes(sympy.Matrix(matrix))
            values = tuple(map(canonical, modes.squares))
            return (() if modes.polynomial is not None else _axes(matrix, values)), modes.polynomial
        pairs = {i: (matrix[i, i], units[i]) for i in range(3)}
        for j, i in coupled:
            a, b, c = matrix[i, i], matrix[i, j], matrix[j, j]
            root = sympy.sqrt(canonical((a - c) ** 2 + 4 * b**2))
            for place, sign in ((i, -1), (j, 1)):
                value = canonical((a + c + sign * root) / 2)
                slope = canonical(value - a)
                length = sympy.sqrt(canonical(b**2 + slope**2))
                axis = [sympy.S.Zero] * 3
                axis[i], axis[j] = b / length, slope / length
                pairs[place] = (value, tuple(axis))
        return tuple(pairs.values()), None

    @property
    def principal_values(self) -> tuple[Expression, ...]:
        """The eigenvalues in closed form, with multiplicity: those of blocks of at most 2x2.

        In the order of the axes; the smaller of a 2x2 block before the larger. Empty where a 3x3
        matrix has no rational eigenvalue; see ``characteristic``.
        """
        return tuple(value for value, _ in self._principal[0])

    @property
    def principal_axes(self) -> tuple[Axis, ...]:
        """The unit axis of each principal value; of equal ones, axes at right angles.

        Raises:
            ValueError: when the principal values have no closed form.
        """
        self._closed()
        return tuple(axis for _, axis in self._principal[0])

    @property
    def characteristic(self) -> Expression | None:
        """The cubic in ``x`` whose roots the principal values are, where they have no form."""
        import sympy

        if self._principal[1] is None:
            return None
        return canonical(self.matrix.charpoly(sympy.Symbol("x")).as_expr())

    @property
    def optical_class(self) -> str:
        """``"isotropic"``, ``"uniaxial"`` or ``"biaxial"``, for symbols that are independent."""
        if self.characteristic is not None:
            return CLASSES[2]
        return CLASSES[len(set(self.principal_values)) - 1]

    def _closed(self) -> tuple[Expression, Expression, Expression]:
        if self.characteristic is not None:
            raise ValueError(
                f"the principal values are the roots of {self.characteristic} and have no closed "
                "form here; turn the tensor into axes in which it has a block of at most 2x2"
            )
        first, second, third = self.principal_values
        return first, second, third

    # --- light along a direction ------------------------------------------------------------

    def fresnel(self, direction: object = NORMAL) -> Expression:
        """Return Fresnel's quadratic in ``x``, the square of the refractive index, which is 0.

        ``x² (n ε n) - x (n (ε tr ε - ε²) n) + det ε`` for a unit vector n along which the phase
        travels (Born and Wolf, Principles of Optics, 7th ed., sec. 15.2.2).

        Args:
            direction: three exact numbers or expressions of any length, not all zero; the
                symbols n1, n2, n3 of a unit vector when omitted.
        """
        import sympy

        unknown = sympy.Symbol("x")
        first, second, third = self._fresnel(direction)
        n, _ = direction_of(direction)
        square = canonical(sum(entry**2 for entry in n))
        last = _over_unit(third, square, direction)
        return sympy.Add(first * unknown**2, -second * unknown, last)

    def _fresnel(self, direction: object) -> tuple[Expression, Expression, Expression]:
        """Return the three coefficients, of the last the factor by n·n not yet taken out."""
        import sympy

        n, _ = direction_of(direction)
        vector = sympy.Matrix(n)
        matrix = sympy.Matrix(self.matrix)
        inner = matrix.trace() * matrix - matrix * matrix
        square = vector.dot(vector)
        return (
            canonical((vector.T * matrix * vector)[0]),
            canonical((vector.T * inner * vector)[0]),
            canonical(matrix.det() * square),
        )

    def index_squares(self, direction: object = NORMAL) -> tuple[Expression, Expression]:
        """Return the squares of the two refractive indices along a direction, in closed form.

        In rational terms where Fresnel's quadratic splits, as in uniaxial crystals (the ordinary
        wave first) and along principal axes; otherwise the smaller first. An optic axis is where
        both are equal.

        Args:
            direction: as in :meth:`fresnel`.

        Raises:
            ValueError: when a wave does not propagate.
        """
        import sympy

        unknown = sympy.Symbol("x")
        a, b, c = self._fresnel(direction)
        if a == 0:
            raise ValueError(f"a wave along {direction!r} does not propagate: n ε n is 0 there")
        n, _ = direction_of(direction)
        square = canonical(sum(entry**2 for entry in n))
        polynomial = sympy.Add(a * unknown**2, -b * unknown, c)
        with same_draws():
            _, factors = sympy.factor_list(sympy.fraction(sympy.together(polynomial))[0], unknown)
        linear = [
            (sympy.Poly(factor, unknown), power)
            for factor, power in factors
            if sympy.degree(factor, unknown) == 1
        ]
        if not linear:
            root = sympy.sqrt(_over_unit(canonical(b**2 - 4 * a * c), square, direction))
            return (b - root) / (2 * a), (b + root) / (2 * a)
        values = []
        for factor, power in linear:
            slope, offset = factor.all_coeffs()
            quotient = canonical(_over_unit(canonical(-offset), square, direction) / slope)
            values += [quotient] * power
        double = self.ordinary_extraordinary[0] if self.optical_class == "uniaxial" else None
        first, second = sorted(values, key=lambda value: (value != double, str(value)))
        return first, second

    def refractive_indices(self, direction: object = NORMAL) -> tuple[Expression, Expression]:
        """Return the two refractive indices along a direction; see :meth:`index_squares`."""
        import sympy

        first, second = self.index_squares(direction)
        return sympy.sqrt(first), sympy.sqrt(second)

    # --- optic axes -------------------------------------------------------------------------

    @property
    def ordinary_extraordinary(self) -> tuple[Expression, Expression]:
        """The principal values of a uniaxial crystal: the double one, and that along its axis.

        Raises:
            SymmetryError: when it is isotropic or biaxial.
        """
        values = self.principal_values
        if self.optical_class != "uniaxial":
            raise SymmetryError(
                f"an ordinary wave is that of a uniaxial crystal and this one is "
                f"{self.optical_class}; index_squares is for every crystal"
            )
        double = next(value for value in values if values.count(value) == 2)
        return double, next(value for value in values if value != double)

    @property
    def birefringence(self) -> Expression:
        """``n_e - n_o`` of a uniaxial crystal; optically positive where it is above 0."""
        import sympy

        ordinary, extraordinary = self.ordinary_extraordinary
        return sympy.sqrt(extraordinary) - sympy.sqrt(ordinary)

    def tan_squared(self, order: Sequence[int] = ASCENDING) -> Expression:
        """Return ``tan² V``, V being half the angle between the optic axes of a biaxial crystal.

        ``(1/ε_1 - 1/ε_2) / (1/ε_2 - 1/ε_3)`` for ``ε_1 < ε_2 < ε_3``; V is measured from the axis
        of the largest, and is below 45 degrees where the crystal is optically positive (Born and
        Wolf, Principles of Optics, 7th ed., sec. 15.3.3).

        Args:
            order: the places in ``principal_values`` of the smallest, middle and largest, which
                symbols alone do not tell.

        Raises:
            SymmetryError: when the crystal is not biaxial.
            ValueError: when the order is no permutation, or there is no closed form.
        """
        low, middle, high = self._biaxial(order)
        return canonical(high * (middle - low) / (low * (high - middle)))

    def cos_squared(self, order: Sequence[int] = ASCENDING) -> Expression:
        """Return ``cos² V = ε_1 (ε_3 - ε_2) / (ε_2 (ε_3 - ε_1))``; see :meth:`tan_squared`."""
        low, middle, high = self._biaxial(order)
        return canonical(low * (high - middle) / (middle * (high - low)))

    def cos_2v(self, order: Sequence[int] = ASCENDING) -> Expression:
        """Return the cosine of 2V, negative where the acute angle is ``π - 2V``."""
        return canonical(2 * self.cos_squared(order) - 1)

    def optic_axes(self, order: Sequence[int] = ASCENDING) -> tuple[Axis, ...]:
        """Return the directions in which both waves have one index, unit vectors up to sign.

        One for a uniaxial crystal, whatever the order; two for a biaxial one.

        Raises:
            SymmetryError: when the crystal is isotropic.
            ValueError: as :meth:`tan_squared`.
        """
        import sympy

        if self.optical_class == "uniaxial":
            _, extraordinary = self.ordinary_extraordinary
            place = self.principal_values.index(extraordinary)
            return (self.principal_axes[place],)
        if self.optical_class == "isotropic":
            raise SymmetryError(
                "an optic axis is that of a uniaxial or biaxial crystal and this one is isotropic: "
                "every direction has one index"
            )
        cosine = sympy.sqrt(self.cos_squared(order))
        sine = sympy.sqrt(canonical(1 - cosine**2))
        low, _, high = (sympy.Matrix(self.principal_axes[place]) for place in order)
        return tuple(tuple(cosine * high + sign * sine * low) for sign in (1, -1))

    def _biaxial(self, order: Sequence[int]) -> tuple[Expression, Expression, Expression]:
        if sorted(order) != [0, 1, 2]:
            raise ValueError(
                f"order={order!r} is no order of three principal values: give the places of the "
                "smallest, middle and largest, such as (2, 0, 1)"
            )
        if self.optical_class != "biaxial":
            raise SymmetryError(
                f"only a biaxial crystal has an angle 2V and this one is {self.optical_class}; "
                "optic_axes gives the axis of a uniaxial one"
            )
        values = self._closed()
        low, middle, high = (values[place] for place in order)
        return low, middle, high

    def latex(self) -> str:
        """Return the matrix in LaTeX, without dollar signs."""
        import sympy

        return str(sympy.latex(self.matrix))

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.constants))
        return f"SymbolicDielectric({self.group}: {names or self.matrix.tolist()})"


def _axes(matrix: Expression, values: Sequence[Expression]) -> tuple[tuple[Expression, Axis], ...]:
    """Return each eigenvalue of a symmetric matrix with a unit axis, all at right angles."""
    import sympy

    found: list[tuple[Expression, Axis]] = []
    for value in values:
        rows = (matrix - value * sympy.eye(3)).applyfunc(canonical).tolist()
        rows += [list(axis) for other, axis in found if other == value]
        vectors = [sympy.Matrix(row) for row in rows if any(entry != 0 for entry in row)]
        units = [sympy.Matrix([int(i == j) for j in range(3)]) for i in range(3)]
        for first, second in ((a, b) for a in vectors for b in [*vectors, *units]):
            across = first.cross(second).applyfunc(canonical)
            fits = all(canonical(across.dot(vector)) == 0 for vector in vectors)
            if fits and any(entry != 0 for entry in across):
                length = sympy.sqrt(canonical(across.dot(across)))
                found.append((value, tuple(canonical(entry / length) for entry in across)))
                break
        else:
            raise ArithmeticError(f"no axis of the principal value {value} was found")
    return tuple(found)


def _over_unit(value: Expression, square: Expression, direction: object) -> Expression:
    """Divide by n·n as often as it divides: for symbols of a unit vector it is 1."""
    import sympy

    if direction != NORMAL:
        return value
    while value != 0:
        quotient, rest = sympy.div(value, square, *sorted(square.free_symbols, key=str))
        if rest != 0:
            break
        value = quotient
    return value


def dielectric(
    given: str | PointGroup | SymbolicForm | Expression, group: str | PointGroup | None = None
) -> SymbolicDielectric:
    """Return a dielectric tensor in symbols.

    Args:
        given: a point group, whose constants then are ε11, ε12, ...; a form of
            :func:`natural_tensors.form`; or a 3x3 matrix of expressions.
        group: a point group that leaves a matrix alone; none is assumed when omitted.

    Raises:
        SymmetryError: when the matrix is not symmetric, or the group does not leave it alone.
        ValueError: when its shape is another.
    """
    import sympy

    if isinstance(given, (str, PointGroup)):
        given = form("dielectric", given)
    if isinstance(given, SymbolicForm):
        matrix, points = given.to_sympy(), given.group if given.standard else point_group("1")
        matrix = reduction("dielectric").convert(
            matrix, source=given.written_as, target="full", exact=True
        )
    else:
        matrix = reduction("dielectric").convert(given, source="full", target="full", exact=True)
        points = check_group("dielectric", matrix, group)
    return SymbolicDielectric(sympy.ImmutableMatrix(matrix.tolist()), points)

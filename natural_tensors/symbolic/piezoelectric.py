"""Piezoelectricity in symbols: strain coefficients, stiffening by a field, coupling factors.

Linear piezoelectricity is one quadratic form of strain and field, with the stiffness at constant
field C, the piezoelectric stress tensor e and the permittivity at constant strain ε; stress is
``C S - e E`` and displacement ``e S + ε E``. Everything else follows from it by choosing what is
held constant. Source: IEEE Standard on Piezoelectricity, ANSI/IEEE Std 176-1987.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from ..crystals.forms import form
from ..crystals.point_groups import PointGroup, point_group
from ..decomposition.reductions import reduction
from ..exact.symbols import Expression, canonical, expressions
from .dielectric import SymbolicDielectric, dielectric
from .groups import check_group
from .stiffness import NORMAL, SymbolicStiffness, direction_of, stiffness
from .waves import WaveModes, wave_modes

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Cartesian indices of the stresses 1 to 6."""


@dataclass(frozen=True, eq=False, repr=False)
class SymbolicPiezoelectric:
    """The three tensors of a piezoelectric crystal; obtain one from :func:`piezoelectric`.

    Units are the caller's, as long as they fit: ``e²`` is a stiffness times a permittivity, which
    therefore is an absolute one (relative times ε0).

    Attributes:
        stress_coefficients: e, 3x6 in the form ``voigt``.
        elastic: the stiffness at constant electric field.
        clamped: the permittivity at constant strain.
        group: a point group that leaves all three alone.
    """

    stress_coefficients: Expression
    elastic: SymbolicStiffness
    clamped: SymbolicDielectric
    group: PointGroup

    @property
    def constants(self) -> tuple[Expression, ...]:
        """The symbols in the three tensors, by name."""
        symbols = self.stress_coefficients.free_symbols
        symbols = symbols | {*self.elastic.constants} | {*self.clamped.constants}
        return tuple(sorted(symbols, key=str))

    # --- other constants of the same crystal -------------------------------------------------

    @cached_property
    def strain_coefficients(self) -> Expression:
        """``d = e S`` with the compliance S, 3x6 in the form ``voigt-compliance``."""
        return _canonical(self.stress_coefficients * self.elastic.compliance)

    @cached_property
    def strain_tensor(self) -> Expression:
        """``d`` as a full array, shape ``(3, 3, 3)``."""
        return reduction("piezoelectric").convert(
            self.strain_coefficients, source="voigt-compliance", target="full"
        )

    @cached_property
    def stress_tensor(self) -> Expression:
        """``e`` as a full array, shape ``(3, 3, 3)``."""
        return reduction("piezoelectric-stress").convert(
            self.stress_coefficients, source="voigt", target="full"
        )

    @cached_property
    def free(self) -> SymbolicDielectric:
        """The permittivity at constant stress, ``ε + d eᵀ``."""
        added = self.strain_coefficients * self.stress_coefficients.T
        return SymbolicDielectric(_canonical(self.clamped.matrix + added), self.group)

    @cached_property
    def stiffened(self) -> SymbolicStiffness:
        """The stiffness at constant displacement field, ``C + eᵀ ε⁻¹ e``."""
        e = self.stress_coefficients
        added = e.T * self.clamped.impermeability * e
        return SymbolicStiffness(_canonical(self.elastic.matrix + added), self.group)

    # --- directions --------------------------------------------------------------------------

    def longitudinal(self, direction: object = NORMAL) -> Expression:
        """Return ``d_ijk n_i n_j n_k``: the strain along n by a field along n.

        Args:
            direction: three exact numbers or expressions of any length, not all zero; the
                symbols n1, n2, n3 of a unit vector when omitted.
        """
        import sympy

        n, square = direction_of(direction)
        total = canonical(
            sum(
                self.strain_tensor[i, j, k] * n[i] * n[j] * n[k]
                for i in range(3) for j in range(3) for k in range(3)
            )
        )  # fmt: skip
        return canonical(total / sympy.sqrt(square) ** 3)

    @property
    def hydrostatic(self) -> tuple[Expression, ...]:
        """The vector ``d_ijj``: the polarization by a unit of tension in every direction."""
        d = self.strain_coefficients
        return tuple(canonical(d[i, 0] + d[i, 1] + d[i, 2]) for i in range(3))

    def christoffel(self, direction: object = NORMAL) -> Expression:
        """Return the Christoffel matrix of waves along n, which a field along n stiffens.

        ``C_ijkl n_j n_l + (e_pij n_p n_j) (e_qkl n_q n_l) / (n ε n)``; its eigenvalues are density
        x speed² (B. A. Auld, Acoustic Fields and Waves in Solids, 1973, vol. I, ch. 8).

        Args:
            direction: as in :meth:`longitudinal`.
        """
        import sympy

        _, square = direction_of(direction)
        plain = self.elastic.christoffel(direction)
        vector, permittivity = self._along(direction)
        return sympy.ImmutableMatrix(
            3, 3,
            lambda i, k: canonical(plain[i, k] + vector[i] * vector[k] / (permittivity * square)),
        )  # fmt: skip

    def waves(self, direction: object) -> WaveModes:
        """Return the plane waves along a direction, in closed form where they have one."""
        return wave_modes(self.christoffel(direction))

    def _along(self, direction: object) -> tuple[list[Expression], Expression]:
        """Return ``e_pij n_p n_j`` and ``n ε n``, for a direction of any length."""
        n, _ = direction_of(direction)
        e, matrix = self.stress_tensor, self.clamped.matrix
        vector = [
            canonical(sum(e[p, i, j] * n[p] * n[j] for p in range(3) for j in range(3)))
            for i in range(3)
        ]
        return vector, canonical(
            sum(matrix[i, j] * n[i] * n[j] for i in range(3) for j in range(3))
        )

    # --- coupling ----------------------------------------------------------------------------

    def coupling(self, field: object, stress: object) -> Expression:
        """Return k² of a body under one kind of stress and a field along one direction.

        The share of the elastic work that is stored as electric energy: with the stress ``τ T`` and
        the field ``η f`` strain and displacement are ``s τ + d η`` and ``d τ + ε η``; at open
        circuit ``η = -d τ / ε`` leaves the compliance ``s - d²/ε``, and ``k² = 1 - (s - d²/ε) / s``
        ``= d² / (ε s)`` with the permittivity at constant stress.

        Args:
            field: direction of the field, of any length.
            stress: symmetric 3x3 matrix of any size: ``diag(0, 0, 1)`` a bar along z.

        Raises:
            ValueError: when the stress is no symmetric 3x3 matrix, or zero.
        """
        import sympy

        f, _ = direction_of(field)
        tension = sympy.Matrix(expressions(stress).tolist())
        if tension.shape != (3, 3) or tension != tension.T or tension.is_zero_matrix:
            raise ValueError(f"a stress is a symmetric 3x3 matrix, not zero, got {stress}")
        vector, electric = sympy.Matrix(f), sympy.Matrix(self.free.matrix)
        six = sympy.Matrix([tension[pair] for pair in VOIGT])
        compliance = canonical((six.T * self.elastic.compliance * six)[0])
        strain = canonical((vector.T * self.strain_coefficients * six)[0])
        permittivity = canonical((vector.T * electric * vector)[0])
        open_circuit = canonical(compliance - strain**2 / permittivity)
        return canonical(1 - open_circuit / compliance)

    def thickness_coupling(self, direction: object, displacement: object) -> Expression:
        """Return k² of a plate with electrodes on its faces, for one of its thickness modes.

        The share by which a field along the normal n stiffens a wave that moves along u:
        ``1 - (u Γ u) / (u Γ' u) = (e_pij n_p u_i n_j)² / ((n ε n) (u Γ' u))`` with the Christoffel
        matrices Γ at constant field and Γ' at constant displacement field.

        Args:
            direction: the normal of the plate, of any length.
            displacement: u, of any length; an eigenvector of the Christoffel matrix both with and
                without the field, so that the mode is one that exists.

        Raises:
            ValueError: when no plane wave along n moves along u only.
        """
        import sympy

        u, _ = direction_of(displacement)
        vector = sympy.Matrix(u)
        products = []
        for matrix in (self.elastic.christoffel(direction), self.christoffel(direction)):
            image = sympy.Matrix(matrix) * vector
            if any(canonical(entry) != 0 for entry in image.cross(vector)):
                raise ValueError(
                    f"no plane wave along {direction!r} moves along {displacement!r} alone, so "
                    "that it has no coupling factor of its own; choose a pure mode"
                )
            products.append(canonical(image.dot(vector)))
        short, stiff = products
        return canonical(1 - short / stiff)

    @cached_property
    def coupling_factors(self) -> Mapping[str, Expression]:
        """k² by name, in the axes of the tensors; those that the crystal makes zero are left out.

        ``k33``, ``k31`` and the like: field along the first index, a bar under the stress of the
        second (4, 5 and 6 are shears). ``kp``: field along 3, equal stress along 1 and 2, where
        the plane is isotropic. ``kt``: the thickness mode of a plate normal to 3, where it is pure.
        """
        import sympy

        units = [tuple(int(i == j) for j in range(3)) for i in range(3)]
        named = {}
        for i, field in enumerate(units):
            for number, (a, b) in enumerate(VOIGT):
                if self.strain_coefficients[i, number] != 0:
                    stress = sympy.zeros(3, 3)
                    stress[a, b] = stress[b, a] = 1
                    named[f"k{i + 1}{number + 1}"] = self.coupling(field, stress)
        d, s = self.strain_coefficients, self.elastic.compliance
        isotropic = (s[0, 0] - s[1, 1], s[5, 5] - 2 * s[0, 0] + 2 * s[0, 1], s[0, 5], s[1, 5])
        planar = all(canonical(each) == 0 for each in isotropic)
        if planar and d[2, 0] == d[2, 1] != 0:
            named["kp"] = self.coupling(units[2], sympy.diag(1, 1, 0))
        vector, _ = self._along(units[2])
        if vector[:2] == [0, 0] and vector[2] != 0:
            matrix = self.elastic.christoffel(units[2])
            if matrix[0, 2] == matrix[1, 2] == 0:
                named["kt"] = self.thickness_coupling(units[2], units[2])
        return MappingProxyType(named)

    def latex(self) -> str:
        """Return e in LaTeX, without dollar signs."""
        import sympy

        return str(sympy.latex(self.stress_coefficients))

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.constants))
        return f"SymbolicPiezoelectric({self.group}: {names})"


def _canonical(matrix: Expression) -> Expression:
    import sympy

    return sympy.ImmutableMatrix(sympy.Matrix(matrix).applyfunc(canonical))


def piezoelectric(
    group: str | PointGroup | None = None,
    *,
    stress_coefficients: Expression = None,
    stiffness_matrix: Expression = None,
    permittivity: Expression = None,
) -> SymbolicPiezoelectric:
    """Return the three tensors of a piezoelectric crystal in symbols.

    Args:
        group: a point group; tensors that are not given then are its forms, with the constants
            e11, ..., C11, ..., ε11, ...
        stress_coefficients: e, 3x6 in the form ``voigt``.
        stiffness_matrix: 6x6 Voigt matrix at constant electric field.
        permittivity: 3x3, at constant strain, absolute.

    Raises:
        SymmetryError: when the group does not leave a given tensor alone.
        ValueError: when a tensor is missing without a group, or has another shape.
    """
    import sympy

    given = (stress_coefficients, stiffness_matrix, permittivity)
    if group is None and any(each is None for each in given):
        raise ValueError(
            "without a group all three tensors are needed: stress_coefficients (3x6), "
            "stiffness_matrix (6x6) and permittivity (3x3)"
        )
    points = point_group("1") if group is None else group
    points = points if isinstance(points, PointGroup) else point_group(points)
    coefficients = stress_coefficients
    if coefficients is None:
        coefficients = form("piezoelectric-stress", points).to_sympy()
    else:
        kind = reduction("piezoelectric-stress")
        full = kind.convert(coefficients, source="voigt", target="full", exact=True)
        check_group("piezoelectric-stress", full, points)
        coefficients = kind.convert(full, target="voigt")
    return SymbolicPiezoelectric(
        sympy.ImmutableMatrix(coefficients.tolist()),
        stiffness(points) if stiffness_matrix is None else stiffness(stiffness_matrix, points),
        dielectric(points) if permittivity is None else dielectric(permittivity, points),
        points,
    )

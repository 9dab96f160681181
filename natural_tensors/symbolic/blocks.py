"""Strains sorted by the irreducible representations of a point group, exactly.

A stiffness that a group leaves alone commutes with it. Sums over classes of conjugate operations
split the six strains into isotypic spaces; within one, the eigenspace of a single operation that
meets each irreducible copy in one vector carries the whole stiffness: a real symmetric block, or a
Hermitian one where the representation is of complex type (4/m, -3, 6/m and their like).
Source: E. P. Wigner, Group Theory (1959), ch. 9 and 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

from ..crystals.point_groups import Operation, PointGroup, point_group
from ..exact.symbols import Expression, canonical, expression

PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Cartesian indices of each strain component, in the order of Voigt (rule 4)."""

SHEAR = (1, 1, 1, 2, 2, 2)
"""How often each component stands in the full tensor."""


@dataclass(frozen=True)
class Block:
    """Strains that carry a stiffness on one kind of irreducible representation.

    Attributes:
        basis: tensor components xx, yy, zz, yz, xz, xy of each strain, a row each; complex for a
            representation of complex type.
        degeneracy: how many equal blocks the stiffness has, the dimension of the representation.
    """

    basis: tuple[tuple[Expression, ...], ...]
    degeneracy: int

    @property
    def size(self) -> int:
        """Number of rows of the block."""
        return len(self.basis)

    def of(self, stiffness: Expression) -> Expression:
        """Return twice the energy of pairs of strains under a 6x6 Voigt stiffness, Hermitian."""
        return self._form(stiffness, SHEAR)

    def gram(self) -> Expression:
        """Return the scalar products of the strains, Hermitian."""
        import sympy

        return self._form(sympy.diag(*(sympy.Rational(1, count) for count in SHEAR)), SHEAR)

    def _form(self, matrix: Expression, factors: Sequence[int]) -> Expression:
        import sympy

        rows = sympy.Matrix(
            [[f * entry for f, entry in zip(factors, row, strict=True)] for row in self.basis]
        )
        product = rows.conjugate() * sympy.Matrix(matrix) * rows.T
        return sympy.ImmutableMatrix(product.applyfunc(canonical))


def rotations_of(group: PointGroup) -> tuple[Operation, ...]:
    """Return the rotations of a group, with those in its improper operations, identity first.

    The inversion leaves every strain alone. A limiting group is replaced by a crystallographic one
    that leaves the same stiffness.
    """
    if group.axes:
        group = point_group("6/mmm" if len(group.axes) == 1 else "m-3m")
    return tuple(dict.fromkeys(_proper(operation) for operation in group.operations))


@lru_cache(maxsize=64)
def strain_blocks(rotations: tuple[Operation, ...]) -> tuple[Block, ...]:
    """Return the blocks of every stiffness that a finite group of rotations leaves alone."""
    action = {rotation: _on_strains(rotation) for rotation in rotations}
    classes = _classes(rotations)
    blocks = [_block(space, classes, action) for space in _isotypic(classes, action)]
    return tuple(sorted(blocks, key=_first))


def _first(block: Block) -> list[bool]:
    """Order blocks by the components they hold: xx first."""
    return [all(row[place] == 0 for row in block.basis) for place in range(6)]


def _proper(operation: Operation) -> Operation:
    """Return the rotation in an operation, without inversion and time reversal."""
    if operation.determinant > 0:
        return Operation(operation.matrix)
    return Operation(tuple(tuple(-entry for entry in row) for row in operation.matrix))  # type: ignore[arg-type]


def _classes(rotations: Sequence[Operation]) -> list[list[Operation]]:
    """Return classes of conjugate rotations, each joined with that of the inverses."""
    inverse = {
        rotation: Operation(tuple(zip(*rotation.matrix, strict=True)))  # type: ignore[arg-type]
        for rotation in rotations
    }
    left = list(rotations)
    classes = []
    while left:
        first = left[0]
        conjugates = [rotation @ first @ inverse[rotation] for rotation in rotations]
        members = list(dict.fromkeys([*conjugates, *(inverse[other] for other in conjugates)]))
        classes.append(members)
        left = [rotation for rotation in left if rotation not in members]
    return classes


def _on_strains(operation: Operation) -> Expression:
    """Return the action of a rotation on the six tensor components of a strain."""
    import sympy

    rotation = sympy.Matrix(3, 3, lambda i, j: expression(operation.matrix[i][j]))

    def entry(row: int, column: int) -> Expression:
        (i, j), (a, b) = PAIRS[row], PAIRS[column]
        value = rotation[i, a] * rotation[j, b]
        return canonical(value if a == b else value + rotation[i, b] * rotation[j, a])

    return sympy.Matrix(6, 6, entry)


def _isotypic(
    classes: Sequence[Sequence[Operation]], action: dict[Operation, Expression]
) -> list[Expression]:
    """Split the strains into the joint eigenspaces of all sums over classes, rows of bases."""
    import sympy

    spaces = [sympy.eye(6)]
    for members in classes[1:]:
        total = sum((action[member] for member in members), sympy.zeros(6, 6))
        spaces = [
            piece
            for space in spaces
            for piece in ([space] if space.rows == 1 else _eigenspaces(space, total, len(members)))
        ]
    return spaces


def _eigenspaces(space: Expression, total: Expression, bound: int) -> list[Expression]:
    """Split a space by the eigenvalues of a sum over a class, integers up to its size."""
    import sympy

    pieces: list[Expression] = []
    for value in range(bound, -bound - 1, -1):
        piece = eigenspace(space, total, sympy.Integer(value))
        if piece.rows:
            pieces.append(piece)
        if sum(piece.rows for piece in pieces) == space.rows:
            break
    return pieces


def _block(
    space: Expression,
    classes: Sequence[Sequence[Operation]],
    action: dict[Operation, Expression],
) -> Block:
    """Return an eigenspace of one operation that meets each irreducible copy in one vector.

    With m copies the squared characters sum to ``m**2`` times the order of the group, or to
    ``2 m**2`` where the representation is of complex type; only one of these is a square.
    """
    import sympy

    total = sum(len(members) * _trace(space, action[members[0]]) ** 2 for members in classes)
    norm = int(total) // len(action)
    real = isqrt(norm) ** 2 == norm
    copies = isqrt(norm if real else norm // 2)
    third = sympy.Rational(-1, 2) + sympy.sqrt(3) * sympy.I / 2
    values = (sympy.S.One, sympy.S.NegativeOne) if real else (sympy.I, third, 1 + third)
    for value in values:
        for members in classes:
            basis = eigenspace(space, action[members[0]], value)
            if basis.rows == copies:
                rows = tuple(tuple(basis.row(i)) for i in range(copies))
                return Block(rows, space.rows // copies)
    raise ArithmeticError("no operation separates the copies of a representation")


def _trace(space: Expression, operator: Expression) -> Expression:
    """Return the trace of an operator on an invariant space whose basis is in reduced form."""
    pivots = [next(c for c in range(6) if space[r, c] != 0) for r in range(space.rows)]
    images = space * operator.T
    return canonical(sum(images[row, pivot] for row, pivot in enumerate(pivots)))


def eigenspace(space: Expression, operator: Expression, value: Expression) -> Expression:
    """Return the rows of a space on which an operator is a number, in reduced form."""
    import sympy
    from sympy.polys.matrices import DomainMatrix

    images = (operator - value * sympy.eye(6)) * space.T
    irrational = images.has(sympy.sqrt(3)) or space.has(sympy.sqrt(3))
    generators = [sympy.sqrt(3)] * irrational + [sympy.I] * images.has(sympy.I)
    field = sympy.QQ.algebraic_field(*generators) if generators else sympy.QQ
    kernel = DomainMatrix.from_Matrix(images).convert_to(field).nullspace()
    if not kernel.shape[0]:
        return sympy.zeros(0, 6)
    vectors = kernel * DomainMatrix.from_Matrix(space).convert_to(field)
    reduced, _ = vectors.rref()
    return reduced.to_Matrix().applyfunc(canonical)

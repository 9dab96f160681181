"""Decomposition and reconstruction of exact and symbolic tensors: every result is SymPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import lcm, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SymmetryError, UnknownPartError
from ..exact import symbols
from ..exact.symbols import Expression, Expressions
from ..so3.blocks import one_after_another
from .application import INVALID, Invalid

if TYPE_CHECKING:
    from .components import Components, EntryLayout, Form
    from .copies import Basis, WeightSpace
    from .symmetry import IndexSymmetry

Key = tuple[int, int]
Row = list[Expression]


class SymbolicApplication:
    """The operators of one reduction on exact values; the counterpart of :class:`Numerics`.

    A tensor is the row of its independent components. Every operator is a matrix of integers over
    one denominator, times the root of a fraction.
    """

    def __init__(
        self,
        symmetry: IndexSymmetry,
        components: Components,
        spaces: tuple[WeightSpace, ...],
        basis: Basis,
    ) -> None:
        self.symmetry = symmetry
        self.components = components
        self.spaces = {space.weight: space for space in spaces}
        self.basis = basis
        self.keys = [(s.weight, copy) for s in spaces for copy in range(s.multiplicity)]

    # --- matrices -------------------------------------------------------------------------------

    def _block(
        self, key: Key, kind: str, basis: Basis
    ) -> tuple[NDArray[np.object_], int, Fraction]:
        """Return the operator of a copy against the integer basis of its weight.

        Integers of shape ``(components, 2l+1)``, their denominator and the radicand.
        """
        weight, copy = key
        space = self.spaces[weight]
        row_of = space.embedding_row if kind == "embedding" else space.extraction_row
        row, radicand = row_of(copy, basis)
        denominator = lcm(*(q.denominator for q in row))
        mixing = np.array([int(q * denominator) for q in row], dtype=object)
        values = space.values(self.components).astype(object)
        return np.tensordot(values, mixing, axes=(1, 0)), denominator, radicand

    def _coordinates(self, key: Key, basis: Basis) -> tuple[NDArray[np.object_], int, Fraction]:
        """Return components to products with the integer basis, shape ``(2l+1, components)``."""
        block, denominator, radicand = self._block(key, "extraction", basis)
        return (block * self.components.orbits.sizes[:, None]).T, denominator, radicand

    def _inverse_norms(self, weight: int) -> tuple[NDArray[np.object_], int]:
        """Return ``1 / norm`` of each element of the integer basis over one denominator."""
        norms = self.spaces[weight].natural.norms
        common = lcm(*norms)
        return np.array([common // norm for norm in norms], dtype=object), common

    # --- reading and writing forms ----------------------------------------------------------------

    def _rows(
        self, tensor: object, layout: EntryLayout, form: str
    ) -> tuple[Expressions, tuple[int, ...]]:
        array = symbols.expressions(tensor)
        cut = array.ndim - len(layout.shape)
        if cut < 0 or array.shape[cut:] != layout.shape:
            wanted = " x ".join(map(str, layout.shape)) or "scalar"
            raise ValueError(
                f"a tensor of {self.symmetry} in form {form!r} ends in the shape {wanted}, "
                f"got an array of shape {array.shape}; choose the form with form=..."
            )
        return array.reshape((-1, len(layout.position))), array.shape[:cut]

    def _read(self, row: Row, layout: EntryLayout, form: str, invalid: Invalid) -> Row:
        """Return the independent components of one tensor, after the checks asked for."""
        if invalid not in INVALID:
            raise ValueError(f"invalid={invalid!r} is not one of {', '.join(map(repr, INVALID))}")
        if form == "components":
            return list(row)
        if invalid == "project":
            return self._projected(row, layout)
        halves = layout.halves[layout.entries]
        components = [
            _with_halves(row[entry], -int(count))
            for entry, count in zip(layout.entries, halves, strict=True)
        ]
        if invalid == "raise":
            self._check(row, self._write(components, layout), layout, form)
        return components

    def _write(self, components: Sequence[Expression], layout: EntryLayout) -> Row:
        """Return the entries of a form."""
        return [
            _with_halves(int(sign) * components[place], int(count))
            for place, sign, count in zip(layout.position, layout.signs, layout.halves, strict=True)
        ]

    def _check(self, row: Row, ideal: Row, layout: EntryLayout, form: str) -> None:
        for number, (given, wanted) in enumerate(zip(row, ideal, strict=True)):
            if given != wanted and symbols.canonical(given - wanted) != 0:
                place = tuple(int(i) for i in np.unravel_index(number, layout.shape))
                raise SymmetryError(
                    f"the tensor violates {self.symmetry}: the entry {place} of form {form!r} is "
                    f"{given} where its symmetry makes it {wanted}; use invalid='project' to "
                    "symmetrize it"
                )

    def _projected(self, row: Row, layout: EntryLayout) -> Row:
        """Return the components of the nearest tensor of the class, in the Frobenius norm."""
        full = self.components.layout("full")
        numbers = np.arange(len(full.position))
        if layout is not full:
            numbers = self.components.voigt_numbers
        sizes = self.components.orbits.sizes
        common = lcm(*(int(size) for size in sizes))
        shares = np.zeros((self.components.dimension, len(row)), dtype=object)
        for flat, number in enumerate(numbers):
            if full.signs[flat]:
                place = full.position[flat]
                shares[place, number] += int(full.signs[flat]) * (common // int(sizes[place]))
        bare = [
            _with_halves(entry, -int(count))
            for entry, count in zip(row, layout.halves, strict=True)
        ]
        return symbols.combined(shares.tolist(), common, bare)

    # --- what users do ----------------------------------------------------------------------------

    def _each(
        self,
        tensor: object,
        form: Form,
        invalid: Invalid,
        work: Callable[[Row], Row],
        shape: tuple[int, ...],
    ) -> Expression:
        """Read each tensor of a batch, work on its components, and join the results."""
        layout = self.components.layout(form)
        rows, batch = self._rows(tensor, layout, form)
        results: Row = []
        for row in rows:
            results += work(self._read(list(row), layout, form, invalid))
        return symbols.as_result(results, batch + shape)

    def decompose(self, tensor: object, form: Form, invalid: Invalid) -> dict[Key, Expression]:
        """See :meth:`Reduction.decompose`."""
        layout = self.components.layout(form)
        rows, batch = self._rows(tensor, layout, form)
        read = [self._read(list(row), layout, form, invalid) for row in rows]
        parts = {}
        for key in self.keys:
            entries = [entry for components in read for entry in self._part_of(components, key)]
            parts[key] = symbols.as_result(entries, batch + self.spaces[key[0]].natural.shape)
        return parts

    def _part_of(self, components: Row, key: Key) -> Row:
        """Return the flat natural tensor of one copy."""
        weight = key[0]
        coordinates, denominator, radicand = self._coordinates(key, self.basis)
        norms, common = self._inverse_norms(weight)
        natural = self.spaces[weight].natural
        monomials = natural.values.astype(object).T * norms
        table = (monomials @ coordinates).tolist()
        values = symbols.combined(table, denominator * common, components)
        values = symbols.scaled(values, radicand)
        return [values[number] for number in natural.monomials]

    def reconstruct(self, parts: Mapping[Key, object], form: Form, invalid: Invalid) -> Expression:
        """See :meth:`Reduction.reconstruct`."""
        layout = self.components.layout(form)
        given, batch = self._given(parts)
        count = prod(batch)
        results: Row = []
        for number in range(count):
            components: Row = [0] * self.components.dimension
            for key, rows in given.items():
                share = self._embedded(list(rows[number]), key, invalid)
                components = [a + b for a, b in zip(components, share, strict=True)]
            results += self._write([symbols.canonical(entry) for entry in components], layout)
        return symbols.as_result(results, batch + layout.shape)

    def _given(self, parts: Mapping[Key, object]) -> tuple[dict[Key, Expressions], tuple[int, ...]]:
        known = "; its parts (weight, copy) are " + ", ".join(map(str, self.keys))
        for key in parts:
            if key not in self.keys:
                raise UnknownPartError(f"{key!r} is not a part of {self.symmetry}{known}")
        if not parts:
            raise UnknownPartError(f"no part of {self.symmetry} was given{known}")
        given: dict[Key, Expressions] = {}
        batches: dict[tuple[int, ...], Key] = {}
        for key in self.keys:
            if key not in parts:
                continue
            array = symbols.expressions(parts[key])
            cut, shape = array.ndim - key[0], self.spaces[key[0]].natural.shape
            if cut < 0 or array.shape[cut:] != shape:
                raise ValueError(f"part {key} ends in the shape {shape}, got {array.shape}")
            batches.setdefault(array.shape[:cut], key)
            given[key] = array.reshape((-1, prod(shape)))
        if len(batches) > 1:
            (first, key), (second, other) = list(batches.items())[:2]
            raise ValueError(
                f"part {key} has batch shape {first} but part {other} has {second}; they must agree"
            )
        return given, next(iter(batches))

    def _embedded(self, part: Row, key: Key, invalid: Invalid) -> Row:
        """Return the components of the tensor that one copy makes of a flat natural tensor."""
        weight = key[0]
        basis = self.spaces[weight].natural
        norms, common = self._inverse_norms(weight)
        products = symbols.combined(basis.tensors().astype(object).tolist(), 1, part)
        if invalid == "raise" and weight > 1:
            monomials = (basis.values.astype(object).T * norms).tolist()
            natural = symbols.combined(monomials, common, products)
            for number, monomial in enumerate(basis.monomials):
                given, wanted = part[number], natural[monomial]
                if given != wanted and symbols.canonical(given - wanted) != 0:
                    place = tuple(int(i) for i in np.unravel_index(number, basis.shape))
                    raise SymmetryError(
                        f"part {key} is not symmetric and traceless: its entry {place} is {given} "
                        f"where that of its natural part is {wanted}; use invalid='project' to "
                        "take its natural part"
                    )
        block, denominator, radicand = self._block(key, "embedding", self.basis)
        table = (block * norms).tolist()
        return symbols.scaled(symbols.combined(table, denominator * common, products), radicand)

    def symmetrize(self, tensor: object, form: Form) -> Expression:
        """See :meth:`Reduction.symmetrize`."""
        return self.convert(tensor, form, form, "project")

    def convert(self, tensor: object, source: Form, target: Form, invalid: Invalid) -> Expression:
        """See :meth:`Reduction.convert`."""
        layout = self.components.layout(target)
        return self._each(
            tensor, source, invalid, lambda row: self._write(row, layout), layout.shape
        )

    def pack(self, tensor: object, form: Form, invalid: Invalid) -> Expression:
        """See :meth:`Reduction.pack`."""
        return self._each(tensor, form, invalid, self._packed, (self.components.dimension,))

    def _packed(self, components: Row) -> Row:
        packed: Row = []
        for key in self.keys:
            table, denominator, radicand = self._coordinates(key, "orthonormal")
            values = symbols.combined(table.tolist(), denominator, components)
            for value, norm in zip(values, self.spaces[key[0]].natural.norms, strict=True):
                packed += symbols.scaled([value], radicand / norm)
        return packed

    def unpack(self, packed: object, form: Form) -> Expression:
        """See :meth:`Reduction.unpack`."""
        array = symbols.expressions(packed)
        size = self.components.dimension
        if array.ndim < 1 or array.shape[-1] != size:
            raise ValueError(
                f"packed coordinates of {self.symmetry} end in the shape ({size},), got "
                f"{array.shape}"
            )
        layout = self.components.layout(form)
        results: Row = []
        for row in array.reshape((-1, size)):
            results += self._write(self._unpacked(list(row)), layout)
        return symbols.as_result(results, array.shape[:-1] + layout.shape)

    def _unpacked(self, packed: Row) -> Row:
        components: Row = [0] * self.components.dimension
        start = 0
        for key in self.keys:
            block, denominator, radicand = self._block(key, "embedding", "orthonormal")
            norms = self.spaces[key[0]].natural.norms
            lengths = [
                symbols.scaled([value], radicand / norm)[0]
                for value, norm in zip(packed[start : start + len(norms)], norms, strict=True)
            ]
            share = symbols.combined(block.tolist(), denominator, lengths)
            components = [a + b for a, b in zip(components, share, strict=True)]
            start += len(norms)
        return [symbols.canonical(entry) for entry in components]

    def part(self, tensor: object, weight: int, form: Form, invalid: Invalid) -> Expression:
        """See :meth:`Reduction.part`."""
        layout = self.components.layout(form)
        tables, denominators = [], []
        for key in self.keys:
            if key[0] != weight:
                continue
            norms, common = self._inverse_norms(weight)
            inward, below, radicand = self._coordinates(key, "orthonormal")
            outward, above, _ = self._block(key, "embedding", "orthonormal")
            tables.append((outward * norms) @ inward * radicand.numerator)
            denominators.append(below * above * common * radicand.denominator)
        common = lcm(*denominators)
        table = sum(
            table * (common // denominator)
            for table, denominator in zip(tables, denominators, strict=True)
        )

        def work(components: Row) -> Row:
            return self._write(symbols.combined(table.tolist(), common, components), layout)

        return self._each(tensor, form, invalid, work, layout.shape)

    def squared_norm(self, tensor: object, form: Form, invalid: Invalid) -> Expression:
        """Return the square of :meth:`Reduction.norm`."""
        sizes = self.components.orbits.sizes

        def work(components: Row) -> Row:
            squares = (int(size) * entry**2 for size, entry in zip(sizes, components, strict=True))
            return [symbols.canonical(sum(squares))]

        return self._each(tensor, form, invalid, work, ())

    def norm(self, tensor: object, form: Form, invalid: Invalid) -> Expression:
        """See :meth:`Reduction.norm`."""
        import sympy

        square = self.squared_norm(tensor, form, invalid)
        if isinstance(square, sympy.NDimArray):
            return square.applyfunc(sympy.sqrt)
        return sympy.sqrt(square)

    def fractions(
        self, tensor: object, per: str, form: Form, invalid: Invalid
    ) -> dict[Any, Expression]:
        """See :meth:`Reduction.fractions`."""
        if per not in ("weight", "copy"):
            raise ValueError(f"per={per!r} is not 'weight' or 'copy'")
        import sympy

        layout = self.components.layout(form)
        rows, batch = self._rows(tensor, layout, form)
        blocks = one_after_another(len(self.spaces[w].natural.norms) for w, _ in self.keys)
        shares: dict[Any, Row] = {}
        for row in rows:
            packed = self._packed(self._read(list(row), layout, form, invalid))
            squares: dict[Any, Expression] = {}
            for key, where in zip(self.keys, blocks, strict=True):
                name = key[0] if per == "weight" else key
                total = sum(entry**2 for entry in packed[where])
                squares[name] = squares.get(name, sympy.S.Zero) + total
            whole = symbols.canonical(sum(squares.values()))
            for name, square in squares.items():
                share = symbols.canonical(square / whole) if whole != 0 else sympy.nan
                shares.setdefault(name, []).append(share)
        return {name: symbols.as_result(values, batch) for name, values in shares.items()}

    def rotate(self, tensor: object, rotation: object) -> Expression:
        """See :meth:`Reduction.rotate`."""
        layout = self.components.layout("full")
        rows, batch = self._rows(tensor, layout, "full")
        matrix = symbols.rotation_matrix(rotation, self.components.axes)
        sign = symbols.determinant(matrix) if self.symmetry.axial else 1
        results: Row = []
        for row in rows:
            rotated = symbols.rotated(row.reshape(layout.shape), matrix)
            results += [sign * entry for entry in rotated.reshape(-1)]
        return symbols.as_result(results, batch + layout.shape)


def _with_halves(entry: Expression, halves: int) -> Expression:
    """Return ``2**(halves/2)`` times an entry, canonical."""
    import sympy

    if not halves:
        return entry
    return sympy.expand(sympy.sqrt(2) ** halves * entry)

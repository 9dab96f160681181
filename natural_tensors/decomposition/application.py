"""Decomposition and reconstruction of numeric tensors by the exact operators."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .. import arrays
from ..arrays import Array, TensorLike
from ..errors import SymmetryError, UnknownPartError
from ..exact import floats
from ..so3.blocks import one_after_another
from ..so3.packing import basis_table
from .components import Components, EntryLayout, Form
from .symmetry import IndexSymmetry

if TYPE_CHECKING:
    from .copies import Basis, WeightSpace


Invalid = Literal["raise", "project", "ignore"]
INVALID: tuple[Invalid, ...] = get_args(Invalid)

NORM_ROUNDING = 64
"""Rounding errors in the difference of two squared norms, each a sum of some hundred squares."""

CHUNK = 2048
"""Tensors worked on at once: what lies between input and output stays in the cache."""


class Numerics:
    """The operators of one reduction as matrices between the independent components and parts.

    ``packing`` takes components to orthonormal packed coordinates, ``coordinates`` to the packed
    coordinates of the copies of the chosen basis; ``unpacking`` and ``assembly`` go back.
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
        self.spaces = spaces
        self.basis = basis
        self.keys = [(s.weight, copy) for s in spaces for copy in range(s.multiplicity)]
        self.natural = {space.weight: space.natural for space in spaces}
        blocks = one_after_another(len(self.natural[weight].norms) for weight, _ in self.keys)
        self.slices = dict(zip(self.keys, blocks, strict=True))

    # --- matrices, built when first needed -----------------------------------------------------

    def _mixed(self, kind: Literal["embedding", "extraction"], basis: Basis) -> NDArray[np.float64]:
        """Return packed natural tensors against components, shape ``(dimension, components)``."""
        blocks = []
        for space in self.spaces:
            row_of = space.embedding_row if kind == "embedding" else space.extraction_row
            rows = [row_of(copy, basis) for copy in range(space.multiplicity)]
            mixing = floats.rationals([row for row, _ in rows])
            mixing *= floats.square_roots([radicand for _, radicand in rows])[:, None]
            values = space.values(self.components).astype(np.float64)
            values /= floats.square_roots(space.natural.norms)
            block = np.tensordot(mixing, values, axes=(1, 1)).swapaxes(1, 2)
            blocks.append(block.reshape(-1, self.components.dimension))
        return np.concatenate(blocks)

    @cached_property
    def unpacking(self) -> NDArray[np.float64]:
        """Packed coordinates to components, applied from the right."""
        return self._mixed("embedding", "orthonormal")

    @cached_property
    def packing(self) -> NDArray[np.float64]:
        """Components to packed coordinates: the transpose, with each component's multiplicity."""
        return (self.unpacking * self.components.orbits.sizes).T.copy()

    @cached_property
    def assembly(self) -> NDArray[np.float64]:
        """Coordinates of the copies of this basis to components."""
        if self.basis == "orthonormal":
            return self.unpacking
        return self._mixed("embedding", "dual")

    @cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """Components to coordinates of the copies of this basis."""
        if self.basis == "orthonormal":
            return self.packing
        return (self._mixed("extraction", "dual") * self.components.orbits.sizes).T.copy()

    # --- reading and writing forms -------------------------------------------------------------

    def _flat(
        self, tensor: TensorLike, layout: EntryLayout, form: str
    ) -> tuple[Array, tuple[int, ...]]:
        """Return tensors as rows, shape ``(tensors, entries)``, and the batch shape."""
        array = arrays.as_floating(tensor)
        shape = tuple(array.shape)
        cut = len(shape) - len(layout.shape)
        if cut < 0 or shape[cut:] != layout.shape:
            wanted = " x ".join(map(str, layout.shape)) or "scalar"
            raise ValueError(
                f"a tensor of {self.symmetry} in form {form!r} ends in the shape {wanted}, "
                f"got an array of shape {shape}; choose the form with form=..."
            )
        return array.reshape((-1, len(layout.position))), shape[:cut]

    def _read(
        self, rows: Array, layout: EntryLayout, form: str, invalid: Invalid, start: int
    ) -> Array:
        """Return the independent components of rows in a form, after the checks asked for."""
        if invalid not in INVALID:
            raise ValueError(f"invalid={invalid!r} is not one of {', '.join(map(repr, INVALID))}")
        if form == "components":
            if invalid == "raise":
                self._require_finite(rows, start)
            return rows
        if invalid == "project":
            return self._project(rows, layout)
        components = arrays.take(rows, arrays.like(layout.entries, rows))
        if layout.halves.any():
            factors = floats.root_of_two(-layout.halves[layout.entries])
            components = components * arrays.like(factors, rows)
        if invalid == "raise":
            self._check(rows, components, layout, form, start)
        return components

    def _write(self, components: Array, layout: EntryLayout) -> Array:
        """Return rows in a form from the independent components."""
        if layout is self.components.layout("components"):
            return components
        rows = arrays.take(components, arrays.like(layout.position, components))
        if (layout.signs != 1).any() or layout.halves.any():
            factors = layout.signs * floats.root_of_two(layout.halves)
            rows = rows * arrays.like(factors, components)
        return rows

    def _project(self, rows: Array, layout: EntryLayout) -> Array:
        """Return the components of the nearest tensors, in the Frobenius norm, of the class."""
        full = self.components.layout("full")
        if layout is not full:  # a Voigt entry stands for all full components it shows
            entries = self.components.voigt_numbers
            factors = floats.root_of_two(-layout.halves[entries])
            rows = arrays.take(rows, arrays.like(entries, rows)) * arrays.like(factors, rows)
        order = np.argsort(full.position, kind="stable")
        order = order[full.signs[order] != 0]
        starts = np.searchsorted(full.position[order], np.arange(self.components.dimension))
        sizes = self.components.orbits.sizes
        total = None
        for step in range(int(sizes.max())):
            inside = step < sizes
            entries = order[np.where(inside, starts + np.minimum(step, sizes - 1), 0)]
            share = inside * full.signs[entries] / sizes
            piece = arrays.take(rows, arrays.like(entries, rows)) * arrays.like(share, rows)
            total = piece if total is None else total + piece
        return total

    def _require_finite(self, rows: Array, start: int) -> None:
        """Refuse rows that hold a NaN or an infinity."""
        if arrays.all_finite(rows):
            return
        values = arrays.to_numpy(rows)
        row, entry = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        which = "the tensor" if start == 0 and len(values) == 1 else f"tensor {start + row}"
        raise ValueError(
            f"{which} holds a number that is NaN or infinite: entry {entry} (flat) is "
            f"{values[row, entry]}; remove or repair it first"
        )

    def _check(
        self, rows: Array, components: Array, layout: EntryLayout, form: str, start: int
    ) -> None:
        """Refuse rows that differ from what their independent components say."""
        ideal = self._write(components, layout)
        violation = self._violation(rows, ideal, start)
        if violation is None:
            return
        worst, excess = violation
        difference = np.abs(
            arrays.to_numpy(rows[worst - start]) - arrays.to_numpy(ideal[worst - start])
        )
        place = np.unravel_index(int(np.argmax(difference)), layout.shape)
        which = "the tensor" if start == 0 and rows.shape[0] == 1 else f"tensor {worst}"
        raise SymmetryError(
            f"{which} violates {self.symmetry}: {excess:.1e} of its norm (allowed "
            f"{arrays.precision(rows) ** 0.5:.1e}); the entry {tuple(map(int, place))} of form "
            f"{form!r} is off by {difference.max():.4g}; use invalid='project' to symmetrize it"
        )

    def _violation(
        self, rows: Array, ideal: Array, start: int, slack: int = 1
    ) -> tuple[int, float] | None:
        """Return the worst row and its distance from the ideal, None where it is rounding.

        Args:
            rows: tensors in some form, shape ``(tensors, entries)``.
            ideal: what they should be.
            start: number of the first row, for the message.
            slack: how many rounding errors the squared distance may be.

        Raises:
            ValueError: when a row holds a NaN or an infinity.
        """
        if not rows.shape[0]:
            return None
        self._require_finite(rows, start)
        allowed = slack * arrays.precision(rows)  # of the squared distance: half the digits
        size = arrays.squared_norm(rows)
        small = arrays.squared_norm(rows - ideal) <= allowed * size
        if arrays.everywhere(small & _in_range(size, rows)):
            return None  # squares are in range and say enough; else look closer
        excess = _relative_distance(arrays.to_numpy(rows), arrays.to_numpy(ideal))
        worst = int(np.argmax(excess))
        return (start + worst, float(excess[worst])) if excess[worst] > allowed**0.5 else None

    # --- what users do -------------------------------------------------------------------------

    def decompose(
        self, tensor: TensorLike, form: Form, invalid: Invalid
    ) -> dict[tuple[int, int], Array]:
        """See :meth:`Reduction.decompose`."""
        layout = self.components.layout(form)
        rows, batch = self._flat(tensor, layout, form)
        coordinates = arrays.like(self.coordinates, rows)

        def work(start: int, chunk: Array) -> Array:
            return self._read(chunk, layout, form, invalid, start) @ coordinates

        packed = arrays.in_chunks(work, rows, CHUNK)
        parts = {}
        for (weight, copy), where in self.slices.items():
            part = packed[..., where]
            if weight > 1:
                part = part @ arrays.like(basis_table(self.natural[weight]), rows)
            parts[weight, copy] = part.reshape(batch + self.natural[weight].shape)
        return parts

    def reconstruct(
        self, parts: Mapping[tuple[int, int], TensorLike], form: Form, invalid: Invalid
    ) -> Array:
        """See :meth:`Reduction.reconstruct`."""
        layout = self.components.layout(form)
        batch, given = self._given_parts(parts)
        pieces = []
        for key, part in given.items():

            def work(start: int, chunk: Array, key: tuple[int, int] = key) -> Array:
                return self._packed_part(chunk, key, invalid, start)

            pieces.append(
                arrays.in_chunks(work, part.reshape((-1, prod(self.natural[key[0]].shape))), CHUNK)
            )
        packed = arrays.concatenate(pieces)
        assembly = np.concatenate([self.assembly[self.slices[key]] for key in given])
        components = packed @ arrays.like(assembly, packed)
        return self._write(components, layout).reshape(batch + layout.shape)

    def _given_parts(
        self, parts: Mapping[tuple[int, int], TensorLike]
    ) -> tuple[tuple[int, ...], dict[tuple[int, int], Array]]:
        """Return the common batch shape and the parts in order, after checking keys and shapes."""
        if not isinstance(parts, Mapping):
            raise TypeError(
                "reconstruct takes a mapping {(weight, copy): array}, as decompose returns it, got "
                f"{type(parts).__name__}"
            )
        known = "; its parts (weight, copy) are " + ", ".join(map(str, self.keys))
        for key in parts:
            if key not in self.slices:
                raise UnknownPartError(f"{key!r} is not a part of {self.symmetry}{known}")
        if not parts:
            raise UnknownPartError(f"no part of {self.symmetry} was given{known}")
        given = {key: arrays.as_floating(parts[key]) for key in self.slices if key in parts}
        arrays.same_library(*given.values())
        batches: dict[tuple[int, ...], tuple[int, int]] = {}
        for (weight, copy), part in given.items():
            cut, shape = part.ndim - weight, self.natural[weight].shape
            if cut < 0 or tuple(part.shape[cut:]) != shape:
                raise ValueError(
                    f"part ({weight}, {copy}) ends in the shape {shape}, got {tuple(part.shape)}"
                )
            batches.setdefault(tuple(part.shape[:cut]), (weight, copy))
        if len(batches) > 1:
            (first, key), (second, other) = list(batches.items())[:2]
            raise ValueError(
                f"part {key} has batch shape {first} but part {other} has {second}; they must agree"
            )
        return next(iter(batches)), given

    def _packed_part(
        self, rows: Array, key: tuple[int, int], invalid: Invalid, start: int
    ) -> Array:
        """Return the packed coordinates of one part, shape ``(tensors, 2 weight + 1)``."""
        weight = key[0]
        if weight < 2:
            if invalid == "raise":
                self._require_finite(rows, start)
            return rows
        table = arrays.like(basis_table(self.natural[weight]), rows)
        packed = rows @ table.T
        if invalid == "raise" and not _keeps_its_norm(rows, packed):
            violation = self._violation(rows, packed @ table, start, NORM_ROUNDING)
            if violation is not None:
                worst, excess = violation
                allowed = (NORM_ROUNDING * arrays.precision(rows)) ** 0.5
                raise SymmetryError(
                    f"part {key} of tensor {worst} is not symmetric and traceless: it is off by "
                    f"{excess:.1e} of its norm (allowed {allowed:.1e}); "
                    "use invalid='project' to take its natural part"
                )
        return packed

    def symmetrize(self, tensor: TensorLike, form: Form) -> Array:
        """See :meth:`Reduction.symmetrize`."""
        return self.convert(tensor, form, form, "project")

    def convert(self, tensor: TensorLike, source: Form, target: Form, invalid: Invalid) -> Array:
        """See :meth:`Reduction.convert`."""
        return self._through(tensor, source, target, invalid, ())

    def pack(self, tensor: TensorLike, form: Form, invalid: Invalid) -> Array:
        """See :meth:`Reduction.pack`."""
        return self._through(tensor, form, "components", invalid, (self.packing,))

    def unpack(self, packed: TensorLike, form: Form) -> Array:
        """See :meth:`Reduction.unpack`."""
        rows = arrays.as_floating(packed)
        size = self.components.dimension
        if rows.ndim < 1 or rows.shape[-1] != size:
            raise ValueError(
                f"packed coordinates of {self.symmetry} end in the shape ({size},), got "
                f"{tuple(rows.shape)}"
            )
        return self._through(rows, "components", form, "ignore", (self.unpacking,))

    def part(self, tensor: TensorLike, weight: int, form: Form, invalid: Invalid) -> Array:
        """See :meth:`Reduction.part`."""
        inside = np.concatenate(
            [np.arange(w.start, w.stop) for key, w in self.slices.items() if key[0] == weight]
        )
        isolated = self.packing[:, inside] @ self.unpacking[inside]
        return self._through(tensor, form, form, invalid, (isolated,))

    def _through(
        self,
        tensor: TensorLike,
        source: Form,
        target: Form,
        invalid: Invalid,
        matrices: tuple[NDArray[np.float64], ...],
    ) -> Array:
        """Read a form, apply matrices to the components, write a form."""
        layout, wanted = self.components.layout(source), self.components.layout(target)
        rows, batch = self._flat(tensor, layout, source)
        if source == target == "components" and not matrices:
            rows = arrays.fresh(rows)  # nothing is computed, and results never share memory
        factors = [arrays.like(matrix, rows) for matrix in matrices]

        def work(start: int, chunk: Array) -> Array:
            components = self._read(chunk, layout, source, invalid, start)
            for factor in factors:
                components = components @ factor
            return self._write(components, wanted)

        return arrays.in_chunks(work, rows, CHUNK).reshape(batch + wanted.shape)

    def fractions(
        self, tensor: TensorLike, per: str, form: Form, invalid: Invalid
    ) -> dict[Any, Array]:
        """See :meth:`Reduction.fractions`."""
        if per not in ("weight", "copy"):
            raise ValueError(f"per={per!r} is not 'weight' or 'copy'")
        packed = arrays.scaled(self.pack(tensor, form, invalid))
        total = arrays.squared_norm(packed)
        shares: dict[Any, Array] = {}
        for key, where in self.slices.items():
            name = key[0] if per == "weight" else key
            share = arrays.divided(arrays.squared_norm(packed[..., where]), total)
            shares[name] = shares[name] + share if name in shares else share
        return shares

    def norm(self, tensor: TensorLike, form: Form, invalid: Invalid) -> Array:
        """See :meth:`Reduction.norm`."""
        return arrays.squared_norm(self.pack(tensor, form, invalid)) ** 0.5

    def rotate(self, tensor: TensorLike, rotation: TensorLike) -> Array:
        """See :meth:`Reduction.rotate`."""
        layout = self.components.layout("full")
        rows, batch = self._flat(tensor, layout, "full")
        matrix = arrays.rotation_matrix(rotation, rows, self.components.axes)
        result = rows.reshape((-1, *layout.shape))
        for axis in range(1, 1 + self.symmetry.rank):
            result = arrays.contract(result, matrix, axis)
        if self.symmetry.axial:
            result = result * arrays.determinant_sign(matrix)
        return result.reshape(batch + layout.shape)


def _in_range(size: Array, rows: Array) -> Array:
    """Say which squared norms neither overflowed nor lost digits to underflow."""
    return (size > arrays.smallest_square(rows)) & (size < arrays.INFINITY)


def _keeps_its_norm(rows: Array, packed: Array) -> bool:
    """Say whether packing, an isometry of natural tensors only, kept the norm of every row."""
    size = arrays.squared_norm(rows)
    lost = size - arrays.squared_norm(packed)
    kept = lost <= NORM_ROUNDING * arrays.precision(rows) * size
    return arrays.everywhere(kept & _in_range(size, rows))


def _relative_distance(rows: NDArray[Any], ideal: NDArray[Any]) -> NDArray[np.float64]:
    """Return the distance of each row from the ideal over the row's norm; 0 for equal rows."""
    largest = np.abs(rows).max(axis=-1, keepdims=True)  # scaled by it: squares leave the range
    largest[largest == 0] = 1
    size = np.linalg.norm(rows / largest, axis=-1)
    gap = np.linalg.norm(rows / largest - ideal / largest, axis=-1)
    size[size == 0] = 1
    return np.asarray(gap / size, dtype=np.float64)

"""Radial weights from tables of cubic splines: for long runs with few elements.

The radial weights of a convolution depend on a distance and two elements. For a simulation they
are computed once, at evenly spaced distances, and interpolated by cubic B-splines, which are twice
continuously differentiable, so energies stay smooth and forces are their exact gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx, once_differentiable

from ..network.bonds import Bonds
from ..network.layers.interaction import Interaction
from ..network.model import CarNet
from .compiler import SCALARS
from .convolution import ConvolutionKernel, ForChunk, convolution_kernel

SPACING = 0.01
"""Distance of neighbouring rows in angstrom; the error falls with its fourth power."""

SHORTEST = 0.5
"""Where tables start, in angstrom."""

MARGIN = 12
"""Rows before the first that is read: what the end of the spline does wrong has died out there."""


class TableError(ValueError):
    """Radial weights that cannot be tabulated, or not be read off a table."""


@dataclass(frozen=True, eq=False)
class RadialGrid:
    """Distances and pairs of elements of the tables of a model.

    Attributes:
        elements: atomic numbers, ascending.
        start: distance of the first row, in angstrom.
        spacing: between rows, in angstrom.
        rows: number of rows of a pair, four at a time of which are read.
        cutoff: where the tables end, in angstrom.
    """

    elements: tuple[int, ...]
    start: float
    spacing: float
    rows: int
    cutoff: float

    @classmethod
    def of(
        cls, model: CarNet, elements: Sequence[int], spacing: float, shortest: float
    ) -> RadialGrid:
        """Return the grid that reaches from the shortest distance to the cutoff of a model."""
        cutoff = model.settings.cutoff
        if not elements:
            raise TableError("name the elements that will occur, by atomic number")
        if not 0 < spacing <= 0.1:
            raise TableError(f"spacing is {spacing:g} Å; allowed: above 0, at most 0.1")
        if not (MARGIN + 2) * spacing <= shortest < cutoff:
            raise TableError(
                f"shortest is {shortest:g} Å; allowed: from {(MARGIN + 2) * spacing:g}, "
                f"{MARGIN + 2} spacings, to the cutoff, {cutoff:g}"
            )
        steps = int((cutoff - shortest) / spacing) + 1  # the cutoff is a knot
        return cls(
            tuple(sorted(set(elements))), cutoff - steps * spacing, spacing, steps + 3, cutoff
        )

    def distances(self) -> Tensor:
        """Return where the function is evaluated, margins included, in angstrom."""
        numbers = torch.arange(-MARGIN - 1, self.rows + MARGIN - 1, dtype=torch.float64)
        return self.start + self.spacing * numbers

    def read(self, bonds: Bonds) -> tuple[Tensor, Tensor, Tensor]:
        """Return first row, weights of four rows and their derivatives, for each bond.

        Raises:
            TableError: when a bond is shorter than the table, or an element is not in it.
        """
        numbers, known = bonds.numbers, torch.tensor(self.elements)
        species = torch.searchsorted(known, numbers).clamp(max=len(known) - 1)
        if not bool((known[species] == numbers).all()):
            other = sorted(set(numbers.tolist()) - set(self.elements))
            raise TableError(
                f"the tables hold the elements {list(self.elements)}, not {other}: tabulate the "
                "model for these as well"
            )
        lengths = bonds.lengths.detach()
        if len(lengths) and float(lengths.min()) < self.start:
            raise TableError(
                f"two atoms are {float(lengths.min()):.3g} Å apart and the tables start at "
                f"{self.start:.3g}: tabulate with a smaller shortest distance"
            )
        x = (lengths.double() - self.start) / self.spacing
        row = x.floor().clamp(0, self.rows - 4)
        t = (x - row).clamp(0, 1)
        pair = species[bonds.receivers] * len(known) + species[bonds.senders]
        s, sixth = 1 - t, 1 / 6
        values = [s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3]
        derivatives = [-3 * s**2, 9 * t**2 - 12 * t, -9 * s**2 + 12 * s, 3 * t**2]
        kind = bonds.lengths.dtype
        inside = (lengths < self.cutoff).unsqueeze(1) * sixth  # nothing at all beyond the cutoff
        return (
            pair * self.rows + row.long(),
            (torch.stack(values, dim=1) * inside).to(kind),
            (torch.stack(derivatives, dim=1) * inside / self.spacing).to(kind),
        )


@dataclass(frozen=True, eq=False)
class RadialTable:
    """The radial weights of one layer.

    Attributes:
        grid: distances and elements.
        values: B-spline coefficients, shape ``(pairs * rows, paths * channels)``.
        kernel: the convolution they belong to.
    """

    grid: RadialGrid
    values: Tensor
    kernel: ConvolutionKernel

    def fill(self, rows: Tensor, weights: Tensor) -> ForChunk:
        """Return what writes the radial weights of some edges, read off the table."""

        def fill(begin: int, end: int, buffer: Tensor) -> None:
            self.kernel.spline(rows[begin:end], weights[begin:end], self.values, buffer)

        return fill

    def convolve(self, features: Tensor, bonds: Bonds) -> Tensor:
        """Return the sums of messages, shape ``(atoms, size, channels)``.

        They differentiate once, by features, directions and lengths.

        Raises:
            TableError: when the features have another data type than the table.
        """
        if features.dtype != self.values.dtype or features.device != self.values.device:
            raise TableError(
                f"the tables are {self.values.dtype} on the CPU and the features {features.dtype} "
                f"on {features.device}: tabulate after the model has its data type"
            )
        place = bonds.once(self.grid, lambda: self.grid.read(bonds))
        return _convolve(self, bonds, place, features, bonds.directions, bonds.lengths)


class _Context(FunctionCtx):
    """What a convolution with a table keeps for its derivatives."""

    table: RadialTable
    bonds: Bonds
    place: tuple[Tensor, Tensor, Tensor]
    saved_tensors: tuple[Tensor, ...]


class _Convolve(Function):
    """Sums of messages with radial weights from a table."""

    @staticmethod
    def forward(
        ctx: _Context,
        table: RadialTable,
        bonds: Bonds,
        place: tuple[Tensor, Tensor, Tensor],
        features: Tensor,
        directions: Tensor,
        lengths: Tensor,
    ) -> Tensor:
        ctx.table, ctx.bonds, ctx.place = table, bonds, place
        ctx.save_for_backward(features)
        return table.kernel.message(bonds, features, table.fill(*place[:2]))

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        table, bonds = ctx.table, ctx.bonds
        (features,) = ctx.saved_tensors
        rows, values, derivatives = ctx.place
        kernel = table.kernel
        by_lengths = values.new_empty(len(values))

        def collect(begin: int, end: int, by_weights: Tensor) -> None:
            shares = kernel.spline_vjp(rows[begin:end], table.values, by_weights)
            by_lengths[begin:end] = (shares * derivatives[begin:end]).sum(dim=1)

        by_features, by_directions = kernel.vjp(
            bonds, features, gradient, table.fill(rows, values), collect
        )
        return None, None, None, by_features, by_directions, by_lengths


_convolve: Callable[..., Tensor] = _Convolve.apply


@torch.no_grad()
def tabulate(
    model: CarNet, elements: Sequence[int], *, spacing: float = SPACING, shortest: float = SHORTEST
) -> None:
    """Replace the radial networks of a model by tables: for prediction on the CPU only.

    Args:
        model: changed in place; its parameters must not change afterwards.
        elements: atomic numbers that will occur; every pair of them gets a table in every layer.
        spacing: of the rows, in angstrom; the error falls with its fourth power.
        shortest: where the tables start, in angstrom; a shorter bond is an error.

    Raises:
        TableError: when the model is on another device, or an argument makes no sense.
        BuildError: when there is no compiler.
    """
    grid = RadialGrid.of(model, elements, spacing, shortest)
    parameter = next(model.parameters())
    if parameter.device.type != "cpu" or parameter.dtype not in SCALARS:
        raise TableError(
            f"tables are for float32 and float64 on the CPU; the model is {parameter.dtype} on "
            f"{parameter.device}"
        )
    numbers = torch.tensor(grid.elements)
    embedded = model.embedding(numbers)
    basis = model.basis(grid.distances().to(parameter.dtype))
    solve = _spline_inverse(len(basis))
    for layer in model.interactions:
        assert isinstance(layer, Interaction)
        kernel = convolution_kernel(layer.kernel, model.settings.channels, parameter.dtype)
        blocks = []
        for receiver in range(len(numbers)):
            for sender in range(len(numbers)):
                ends = torch.tensor([receiver, sender]).expand(len(basis), 2)
                hidden = layer.radial.hidden(basis, embedded, ends[:, 1], ends[:, 0])
                exact = (hidden @ layer.radial.last.weight.t()).double()
                blocks.append((solve @ exact)[MARGIN : MARGIN + grid.rows].to(parameter.dtype))
        layer.table = RadialTable(grid, torch.cat(blocks), kernel).convolve


def _spline_inverse(size: int) -> Tensor:
    """Return the matrix from values at knots to coefficients of the interpolating spline."""
    matrix = torch.eye(size, dtype=torch.float64) * (4 / 6)
    matrix += torch.diag(torch.full((size - 1,), 1 / 6, dtype=torch.float64), 1)
    matrix += torch.diag(torch.full((size - 1,), 1 / 6, dtype=torch.float64), -1)
    inverse: Tensor = torch.linalg.inv(matrix)
    return inverse

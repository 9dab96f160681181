"""Recipes to try, generated modules, arguments for their functions, a graph to convolve on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest
import torch

import codegen
from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    Program,
    Recipe,
    RotationRecipe,
    TensorRecipe,
)
from codegen.pieces.layout import Parity
from natural_tensors import coupling, harmonic

LONG = np.longdouble

PRECISIONS = [(torch.float64, 1e-14), (torch.float32, 1e-6)]

each_precision = pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS, ids=str)

PARITIES: tuple[Parity, ...] = get_args(Parity)

each_parity = pytest.mark.parametrize("parity", PARITIES)

ELASTIC = TensorRecipe("elastic", form="voigt")

RECIPES: list[Recipe] = [
    ELASTIC,
    TensorRecipe("piezoelectric"),
    TensorRecipe("ijkl=-jikl=klij", basis="orthonormal"),
    TensorRecipe("compliance", form="voigt-compliance"),
    TensorRecipe("elastic", form="components"),
    TensorRecipe("ijk", axial=True),
    TensorRecipe("energy"),
    HarmonicsRecipe(3),
    HarmonicsRecipe(0),
    HarmonicsRecipe(3, "legendre", solid=True, cartesian=True),
    CouplingRecipe(2, 2, 3),
    RotationRecipe(2),
    RotationRecipe(0),
    ConvolutionRecipe(2, parity="both"),
    ConvolutionRecipe(1, 2, method="direct"),
    ConvolutionRecipe(0),
    ProductRecipe(2),
]


def label(recipe: Any) -> str:
    return "-".join([recipe.kind, *map(str, recipe.settings().values())])


each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=label)


@cache
def generated(recipe: Recipe, target: Any = "torch") -> ModuleType:
    return codegen.load(recipe, target)


@cache
def programs(recipe: Recipe) -> tuple[Program, ...]:
    return tuple(f for f in recipe.functions() if isinstance(f, Program))


def sizes(program: Program) -> list[tuple[int, ...]]:
    return [(*a.shape, 2) if a.channels else a.shape for a in program.arguments]


def random_arguments(
    program: Program, batch: Sequence[int] = (5,), dtype: torch.dtype = torch.float64
) -> list[Any]:
    """Return random arguments, two channels, as the generated function takes them."""
    generator = torch.Generator().manual_seed(3)
    arrays = [
        torch.randn((*batch, *size), generator=generator, dtype=dtype) for size in sizes(program)
    ]
    keys = [argument.key for argument in program.arguments]
    return arrays if keys[0] is None else [dict(zip(keys, arrays, strict=True))]


def flat(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value]


def changed(arguments: list[Any], how: Callable[[Any], Any]) -> list[Any]:
    return [{k: how(v) for k, v in a.items()} if isinstance(a, dict) else how(a) for a in arguments]


def close(found: Any, expected: Any, tolerance: float) -> bool:
    for a, b in zip(flat(found), flat(expected), strict=True):
        first = np.asarray(a, dtype=LONG)
        second = np.asarray(b, dtype=LONG)
        assert first.shape == second.shape
        if np.abs(first - second).max(initial=0) > tolerance * np.abs(second).max(initial=1e-300):
            return False
    return True


class Graph:
    """A random graph with bonds, features and radial weights."""

    def __init__(self, recipe: ConvolutionRecipe, dtype: torch.dtype = torch.float64) -> None:
        generator = torch.Generator().manual_seed(7)
        nodes, edges, channels = 5, 14, 3
        self.senders = torch.randint(nodes, (edges,), generator=generator)
        self.receivers = torch.randint(nodes, (edges,), generator=generator)
        bonds = torch.randn(edges, 3, generator=generator, dtype=torch.float64)
        bonds = bonds / bonds.norm(dim=-1, keepdim=True)
        # both poles and the equator among them
        bonds[:3] = torch.tensor([[0.0, 1, 0], [0, -1, 0], [0.6, 0, 0.8]], dtype=torch.float64)
        self.bonds = bonds.to(dtype)
        size = recipe.inputs[-1].slice.stop
        self.features = torch.randn(nodes, size, channels, generator=generator, dtype=dtype)
        self.weights = torch.randn(
            edges, len(recipe.paths), channels, generator=generator, dtype=dtype
        )

    def convolved(self, recipe: ConvolutionRecipe, features: Any = None, bonds: Any = None) -> Any:
        module = generated(recipe)
        geometry = module.frame if recipe.method == "aligned" else module.harmonics
        return module.convolve(
            self.features if features is None else features,
            geometry(self.bonds if bonds is None else bonds),
            self.weights, self.senders, self.receivers,
        )  # fmt: skip

    def expected(self, recipe: ConvolutionRecipe) -> Any:
        """Return the sum over edges and paths of couplings, by dense arrays."""
        x, y, z = self.bonds.numpy().astype(LONG).T
        neighbours = self.features.numpy().astype(LONG)[self.senders]
        total = np.zeros((5, recipe.outputs[-1].slice.stop, 3), dtype=LONG)
        for number, path in enumerate(recipe.paths):
            bond = np.stack(
                [
                    np.sqrt(LONG(r.numerator) / r.denominator)
                    * sum(k * x**a * y**b * z**c for (a, b, c), k in polynomial.items())
                    for polynomial, r in harmonic(path.l2, recipe.normalization).exact()
                ],
                axis=-1,
            )
            table = coupling(path.l1, path.l2, path.l3, recipe.normalization).to_array()
            message = np.einsum(
                "eic,ej,ijk,ec->ekc", neighbours[:, path.source.slice], bond, table.astype(LONG),
                self.weights[:, number].numpy().astype(LONG),
            )  # fmt: skip
            np.add.at(total[:, path.target.slice], self.receivers.numpy(), message)
        return total


def direct(recipe: ConvolutionRecipe) -> ConvolutionRecipe:
    return ConvolutionRecipe(
        recipe.weight, recipe.input_weight, recipe.parity, "direct", recipe.normalization
    )

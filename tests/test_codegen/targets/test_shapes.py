"""Every generated function refuses arrays of other shapes, before it computes anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from codegen import (
    ClosedFormRecipe,
    ConvolutionRecipe,
    ExpressionRecipe,
    InvariantsRecipe,
    ProductRecipe,
    Program,
    Recipe,
    TensorRecipe,
)
from natural_tensors import symbolic
from tests.helpers.generated_code import (
    RECIPES,
    Graph,
    generated,
    label,
    programs,
    random_arguments,
)

MORE: list[Recipe] = [
    ExpressionRecipe("C_ijkl n_j n_l", {"C": "elastic", "n": "i"}),
    InvariantsRecipe("strain", degree=3),
    ClosedFormRecipe(
        symbolic.stiffness("m-3m").youngs_modulus(),
        {"constants": ("C11", "C12", "C44"), "direction": ("n1", "n2", "n3")},
    ),
]

each_recipe = pytest.mark.parametrize("recipe", [*RECIPES, *MORE], ids=label)
each_target = pytest.mark.parametrize("target", ["torch", "numpy"])
each_method = pytest.mark.parametrize("method", ["aligned", "direct"])


@pytest.fixture(autouse=True, scope="module")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path_factory.mktemp("generated")))
        yield


def arrays_of(program: Program) -> list[Any]:
    """Return the arrays of two items, whether the function takes them one by one or as parts."""
    given = random_arguments(program, (2,))
    return list(given[0].values()) if isinstance(given[0], dict) else given


def call(recipe: Recipe, target: str, program: Program, arrays: list[Any]) -> Any:
    function = getattr(generated(recipe, target), program.name)
    if target == "numpy":
        arrays = [array.numpy() for array in arrays]
    keys = [argument.key for argument in program.arguments]
    return function(*arrays) if keys[0] is None else function(dict(zip(keys, arrays, strict=True)))


def misshapen(array: Any, axes: int, channels: bool) -> Iterator[Any]:
    """Yield arrays whose last axes, before the channels, are not those of an item."""
    first = array.ndim - axes - channels
    for axis in range(first, first + axes):
        yield torch.cat([array, array.narrow(axis, 0, 1)], dim=axis)
        yield array.narrow(axis, 0, array.shape[axis] - 1)
        yield array.narrow(axis, 0, 1)  # which would broadcast
    yield array.movedim(0, -1)  # the batch last
    yield array.reshape(*array.shape[:first], -1)  # all in one axis
    yield array[0].reshape(-1)[:1].reshape(())


@each_target
@each_recipe
def test_wrong_axes_of_every_argument_are_refused(recipe: Recipe, target: str) -> None:
    for program in programs(recipe):
        arrays = arrays_of(program)
        call(recipe, target, program, arrays)
        for number, argument in enumerate(program.arguments):
            shape = argument.shape
            if not shape:
                continue  # of a scalar any shape is a batch
            for wrong in misshapen(arrays[number], len(shape), argument.channels):
                last = wrong.shape[: wrong.ndim - argument.channels][-len(shape) :]
                if tuple(last) == shape:
                    continue  # the same again
                given = [*arrays[:number], wrong, *arrays[number + 1 :]]
                shown = re.escape(f"has the shape {tuple(wrong.shape)}, it must be (")
                name = argument.name if argument.key is None else f"parts[{argument.key[0]}"
                words = rf"^{program.name}: {re.escape(name)}.* {shown}"
                with pytest.raises(ValueError, match=words):
                    call(recipe, target, program, given)


@each_target
def test_parts_of_several_batches_are_refused(target: str) -> None:
    """A scalar part of another batch would broadcast, and so would a part of one tensor alone."""
    recipe = TensorRecipe("elastic")
    (program,) = (each for each in programs(recipe) if each.name == "reconstruct")
    arrays = arrays_of(program)
    for number, array in enumerate(arrays):
        for wrong in (array[0], array[:, None], array[:1]):
            with pytest.raises(ValueError, match=r"^reconstruct: parts\[\d, \d\] has the shape"):
                call(recipe, target, program, [*arrays[:number], wrong, *arrays[number + 1 :]])


@each_target
def test_the_message_says_what_was_given_and_what_is_taken(target: str) -> None:
    module = generated(TensorRecipe("elastic"), target)
    given = np.zeros((9, 9)) if target == "numpy" else torch.zeros(9, 9)
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole text is compared)
        module.decompose(given)
    assert str(error.value) == (
        "decompose: T has the shape (9, 9), it must be (..., 3, 3, 3, 3), ... any batch"
    )


Change = Callable[[dict[str, Any]], dict[str, Any]]

LOOPS: dict[str, tuple[str, Change]] = {
    "more components": ("features", lambda g: {"features": g["features"].repeat(1, 2, 1)}),
    "no channels": ("features", lambda g: {"features": g["features"][..., 0]}),
    "a batch": ("features", lambda g: {"features": g["features"][None]}),
    "fewer frames": ("geometry", lambda g: {"geometry": g["geometry"][1:]}),
    "one frame": ("geometry", lambda g: {"geometry": g["geometry"][:1]}),
    "short frames": ("geometry", lambda g: {"geometry": g["geometry"][:, 1:]}),
    "one weight": ("weights", lambda g: {"weights": g["weights"][:1]}),
    "fewer paths": ("weights", lambda g: {"weights": g["weights"][:, 1:]}),
    "other channels": ("weights", lambda g: {"weights": g["weights"][..., :1]}),
    "no paths": ("weights", lambda g: {"weights": g["weights"][:, 0]}),
    "fewer receivers": ("receivers", lambda g: {"receivers": g["receivers"][1:]}),
    "one sender": ("receivers", lambda g: {"senders": g["senders"][:1]}),
    "senders in a column": ("senders", lambda g: {"senders": g["senders"][:, None]}),
}


@each_target
@each_method
@pytest.mark.parametrize("change", LOOPS)
def test_convolutions_refuse_what_does_not_fit(change: str, method: Any, target: str) -> None:
    recipe = ConvolutionRecipe(2, method=method)
    module, graph = generated(recipe, target), Graph(recipe)
    geometry = generated(recipe).frame if method == "aligned" else generated(recipe).harmonics
    given = {
        "features": graph.features,
        "geometry": geometry(graph.bonds),
        "weights": graph.weights,
        "senders": graph.senders,
        "receivers": graph.receivers,
    }

    def convolved(arguments: dict[str, Any]) -> Any:
        values = arguments.values()
        return module.convolve(*(v.numpy() if target == "numpy" else v for v in values))

    assert convolved(given).shape == (5, 9, 3)
    name, how = LOOPS[change]
    name = name.replace("geometry", "frames" if method == "aligned" else "bonds")
    with pytest.raises(ValueError, match=rf"^convolve: {name} has the shape .*, it must be \("):
        convolved({**given, **how(given)})


def test_shapes_are_checked_while_compiling_and_exporting() -> None:
    """What does not fit is refused there too, by the same words."""
    product = generated(ProductRecipe(1)).product
    wrong = (torch.zeros(3, 9, 2), torch.zeros(3, 4, 2), torch.zeros(3, 4, 2))

    class Module(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        def forward(self, first: Any, second: Any, weights: Any) -> Any:
            return product(first, second, weights)

    with pytest.raises(Exception, match="product: "):
        torch.compile(Module(), backend="eager")(*wrong)
    with pytest.raises(ValueError, match=r"^product: "):
        torch.export.export(Module(), wrong, strict=False)

"""Compiled functions called by name: every argument that does not fit is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from carnet_model.compiled import compiler
from carnet_model.compiled.functions import Function, Given
from carnet_model.network import kernels
from carnet_model.network.irreps import Layout

pytestmark = pytest.mark.compiler

CHANNELS = 4


@cache
def code() -> compiler.Code:
    return compiler.library(kernels.convolution(Layout(1), 1), CHANNELS, torch.float64)


def message() -> dict[str, Given]:
    """Two atoms and three edges, all of which fit."""
    return {
        "first": 0,
        "last": 2,
        "threads": 1,
        "starts": torch.tensor([0, 1, 3]),
        "senders": torch.tensor([1, 0, 1]),
        "features": torch.ones(2, 4, CHANNELS).double(),
        "frames": torch.ones(3, 9).double(),
        "weights": torch.ones(3, 4, CHANNELS).double(),
        "message": torch.zeros(2, 4, CHANNELS).double(),
    }


def scatter() -> dict[str, Given]:
    """The rows of two of three edges."""
    return {
        "first": 1,
        "last": 3,
        "threads": 1,
        "senders": torch.tensor([1, 0, 1]),
        "values": torch.ones(2, 8).double(),
        "sums": torch.zeros(2, 8).double(),
    }


def spline() -> dict[str, Given]:
    """Two edges that read a table of six rows."""
    return {
        "threads": 1,
        "rows": torch.tensor([0, 2]),
        "weights": torch.ones(2, 4).double(),
        "table": torch.ones(6, 8).double(),
        "values": torch.zeros(2, 8).double(),
    }


def spline_vjp() -> dict[str, Given]:
    return {
        "threads": 1,
        "rows": torch.tensor([0, 2]),
        "table": torch.ones(6, 8).double(),
        "gradient": torch.ones(2, 8).double(),
        "weights": torch.zeros(2, 4).double(),
    }


def radial() -> dict[str, Given]:
    """Three edges, five hidden numbers."""
    return {
        "threads": 2,
        "hidden": torch.ones(3, 5).double(),
        "matrix": torch.ones(8, 5).double(),
        "weights": torch.zeros(3, 8).double(),
    }


def radial_vjp() -> dict[str, Given]:
    return {
        "threads": 2,
        "gradient": torch.ones(3, 8).double(),
        "matrix": torch.ones(8, 5).double(),
        "hidden_gradient": torch.zeros(3, 5).double(),
    }


def radial_matrix_vjp() -> dict[str, Given]:
    return {
        "threads": 2,
        "gradient": torch.ones(3, 8).double(),
        "hidden": torch.ones(3, 5).double(),
        "matrix_gradient": torch.zeros(8, 5).double(),
    }


CALLS = {
    each.__name__: each
    for each in (message, scatter, spline, spline_vjp, radial, radial_vjp, radial_matrix_vjp)
}
each_call = pytest.mark.parametrize("name", CALLS)


def refuse(name: str, kind: type[Exception], words: str, **changed: Given | None) -> None:
    """Check that a call is refused with some words; an argument that is None is left out."""
    given = {**CALLS[name](), **{key: value for key, value in changed.items() if value is not None}}
    given = {key: value for key, value in given.items() if changed.get(key, value) is not None}
    with pytest.raises(kind, match=re.escape(words)):
        code()[name](**given)


def tensor(value: Given) -> Tensor:
    assert isinstance(value, Tensor)
    return value


def tensors(name: str) -> dict[str, Tensor]:
    return {key: value for key, value in CALLS[name]().items() if isinstance(value, Tensor)}


@each_call
def test_what_fits_is_called(name: str) -> None:
    given = CALLS[name]()
    code()[name](**given)
    written = [array.name for array in code()[name].signature.arrays if array.written]
    for each in written:
        result = given[each]
        assert isinstance(result, Tensor)
        assert result.any()


def test_results_of_the_helpers() -> None:
    given = scatter()
    code()["scatter"](**given)
    assert torch.equal(tensor(given["sums"]), torch.ones(2, 8).double())
    given = spline()
    code()["spline"](**given)
    assert torch.equal(tensor(given["values"]), torch.full((2, 8), 4.0).double())
    given = spline_vjp()
    code()["spline_vjp"](**given)
    assert torch.equal(tensor(given["weights"]), torch.full((2, 4), 8.0).double())


SIZES = [
    (1, 1, 1),
    (5, 3, 64),
    (6, 64, 64),
    (7, 70, 33),
    (13, 129, 20),
    (31, 40, 300),
    (4, 17, 128),
]
"""Rows, columns and terms around the tiles of every width of register, and parts of them."""


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("edges", "width", "depth"), SIZES)
def test_products_of_matrices_of_any_size(edges: int, width: int, depth: int, threads: int) -> None:
    draw = torch.Generator().manual_seed(0)
    hidden, matrix, gradient, before = (
        torch.randn(*shape, generator=draw, dtype=torch.float64)
        for shape in ((edges, depth), (width, depth), (edges, width), (width, depth))
    )
    weights, by_hidden, by_matrix = gradient * 0, hidden * 0, before.clone()
    code()["radial"](threads=threads, hidden=hidden, matrix=matrix, weights=weights)
    code()["radial_vjp"](
        threads=threads, gradient=gradient, matrix=matrix, hidden_gradient=by_hidden
    )
    code()["radial_matrix_vjp"](
        threads=threads, gradient=gradient, hidden=hidden, matrix_gradient=by_matrix
    )
    for result, exact in (
        (weights, hidden @ matrix.t()),
        (by_hidden, gradient @ matrix),
        (by_matrix, before + gradient.t() @ hidden),
    ):  # some hundred products of size one, to rounding
        torch.testing.assert_close(result, exact, rtol=0, atol=1e-12)


@each_call
def test_missing_and_unknown_names(name: str) -> None:
    for key in CALLS[name]():
        refuse(name, TypeError, f"{key} is missing", **{key: None})
    refuse(name, TypeError, "other is not among them", other=1)


@each_call
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.to(torch.float16), "must be torch."),
        (lambda a: a.to("meta"), "on the CPU, got "),
        (lambda a: torch.stack([a, a], dim=-1)[..., 0], "must be contiguous, got strides "),
    ],
    ids=["dtype", "device", "strides"],
)
def test_data_type_device_and_layout_of_every_array(
    name: str, change: Callable[[Tensor], Tensor], words: str
) -> None:
    for key, value in tensors(name).items():
        with pytest.raises(TypeError, match=f"^{name}: {key} ") as error:
            code()[name](**{**CALLS[name](), key: change(value)})
        assert words in str(error.value)


@each_call
def test_what_is_no_tensor_and_no_integer(name: str) -> None:
    for key, value in CALLS[name]().items():
        wrong: Any = [1] if isinstance(value, Tensor) else 1.0
        with pytest.raises(TypeError, match=f"^{name}: {key} is (list|float), it must be an? "):
            code()[name](**{**CALLS[name](), key: wrong})
    refuse(name, TypeError, "threads is bool, it must be an integer", threads=True)
    refuse(name, TypeError, "threads is Tensor, it must be an integer", threads=torch.tensor(1))


@each_call
def test_one_axis_more_and_one_entry_more(name: str) -> None:
    for key, value in tensors(name).items():
        refuse(name, ValueError, f"{name}: {key} has the shape ", **{key: value[None]})
        if value.ndim > 1:
            wide = torch.cat([value, value[..., :1]], dim=-1)
            with pytest.raises(ValueError, match=f"^{name}: .* has the shape "):
                code()[name](**{**CALLS[name](), key: wide})


@each_call
def test_arrays_that_do_not_fit_together(name: str) -> None:
    """One row less of any array but those whose rows only the values of indices tell."""
    for key, value in tensors(name).items():
        if key != "table" and (name, key) != ("scatter", "sums"):
            with pytest.raises(ValueError, match=f"^{name}: "):
                code()[name](**{**CALLS[name](), key: value[:-1]})


def test_transposed_channels() -> None:
    """The right number of entries in the wrong order."""
    function = compiler.library(kernels.convolution(Layout(2), 1), CHANNELS, torch.float64)
    given = message()
    given["frames"] = torch.ones(3, 9 + 25).double()
    with pytest.raises(ValueError, match=r"message has the shape \(2, 4, 9\), it must be"):
        function["message"](
            **{**given, "weights": torch.ones(3, 7, 4).double(),
               "message": torch.zeros(2, 4, 9).double()}
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"first": -1}, "message: first is -1 and last is 2, of 2 atoms"),
        ({"first": 2, "last": 1}, "first is 2 and last is 1"),
        ({"last": 3}, "first is 0 and last is 3, of 2 atoms"),
        ({"threads": 0}, "threads is 0, at least 1"),
        ({"starts": torch.tensor([0, 1, 4])}, "starts says edges 0 to 4, of 3"),
        ({"starts": torch.tensor([2, 1, 1])}, "starts says edges 2 to 1, of 3"),
        ({"starts": torch.tensor([0, 1, 2, 3])}, "starts has 4 entries"),
        (
            {"weights": torch.ones(2, 4, CHANNELS).double()},
            "message: weights have 2 rows for 3 edges",
        ),
    ],
)
def test_numbers_and_ranges(changed: dict[str, Given], words: str) -> None:
    refuse("message", ValueError, words, **changed)


def test_ranges_of_edges() -> None:
    refuse("scatter", ValueError, "first is 1 and last is 4, of 3 edges", last=4)
    refuse("scatter", ValueError, "values have 2 rows for 3 edges", first=0)


def test_buffers_may_be_longer_than_a_chunk() -> None:
    given = message()
    for first, last in ((0, 1), (1, 2)):
        code()["message"](**{**given, "first": first, "last": last})
    expected = message()
    code()["message"](**expected)
    assert torch.equal(tensor(given["message"]), tensor(expected["message"]))


def test_every_function_of_the_text_has_its_signature() -> None:
    """The parameters that the C++ declares are those that are passed, in their order."""
    for kernel in (kernels.convolution(Layout(1), 1), kernels.product(Layout(1))):
        text = kernels.cpp(kernel).split('extern "C"')[1]
        declared = {
            name: re.findall(r"(\w+)(?:,|$)", parameters.replace("\n", " "))
            for name, parameters in re.findall(
                r"^const char\* (\w+)\(([^)]*)\)", text, re.MULTILINE
            )
        }
        stated = {
            each.name: [*each.numbers, "sizes", *(array.name for array in each.parameters)]
            for each in kernels.cpp_signatures(kernel)
        }
        assert declared == stated
        pointers = {
            name: [" ".join(p.split()[:-1]) for p in parameters.split(",")]
            for name, parameters in re.findall(
                r"^const char\* (\w+)\(([^)]*)\)", text, re.MULTILINE
            )
        }
        for each in kernels.cpp_signatures(kernel):
            kinds = pointers[each.name][len(each.numbers) + 1 :]
            assert pointers[each.name][: len(each.numbers)] == ["int64_t"] * len(each.numbers)
            for array, kind in zip(each.parameters, kinds, strict=True):
                assert kind.startswith("const ") == (not array.written)
                assert ("int64_t*" in kind) == array.integer


def test_kernels_refuse_what_their_code_would_misread() -> None:
    """Another data type than the kernel's, whose message says what to do."""
    function: Function = code()["message"]
    with pytest.raises(TypeError, match=r"message: features must be torch\.float64 .*float32.*to"):
        function(**{**message(), "features": torch.ones(2, 4, CHANNELS)})

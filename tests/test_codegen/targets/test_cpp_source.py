"""Kernels as C++ text: for which recipes, and always the same."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import codegen
from codegen.generation import is_intact
from codegen.programs.kernel import LENGTHS, Signature
from codegen.targets.cpp_source import CPP
from tests.helpers.compiled_kernels import Compiled

SIZES = {
    "count": 3, "count or 1": 3, "edges": 3, "chunk": 3, "atoms": 2, "atoms + 1": 3,
    "rows of the table": 8, "channels": 64, "width": 16, "depth": 5,
}  # fmt: skip
"""Two atoms and three edges, or three items, with the channels that the text is compiled for."""

CALLED = {
    name: recipe
    for recipe, names in (
        (codegen.ConvolutionRecipe(1), ("frame", "message", "message_vjp", "message_vjp_vjp",
                                        "scatter", "spline", "spline_vjp", "radial", "radial_vjp",
                                        "radial_matrix_vjp")),
        (codegen.ProductRecipe(1), ("product", "product_vjp", "product_vjp_vjp")),
        (codegen.ExpressionRecipe("e_ij f_ij", {"e": "strain", "f": "strain"}),
         ("evaluate", "evaluate_vjp")),
        (codegen.CouplingRecipe(1, 1, 2), ("couple", "couple_vjp")),
    )
    for name in names
}  # fmt: skip

each_function = pytest.mark.parametrize("name", CALLED)


def test_every_function_becomes_cpp_with_its_gradient() -> None:
    text = codegen.source(codegen.TensorRecipe("elastic"), "cpp")
    for name in ("decompose", "reconstruct", "pack", "unpack"):
        assert f"const char* {name}(" in text
        assert f"const char* {name}_vjp(" in text
    assert (
        codegen.report(codegen.ProductRecipe(1), "cpp")
        .splitlines()[2]
        .startswith("product_vjp_vjp: ")
    )
    assert codegen.report(codegen.HarmonicsRecipe(1), "cpp").splitlines() == [
        "harmonics: 3 multiplications, 0 additions",
        "harmonics_vjp: 3 multiplications, 0 additions",
    ]


def test_cpp_text_is_deterministic_intact_and_narrow() -> None:
    recipe = codegen.ConvolutionRecipe(1)
    text = codegen.source(recipe, "cpp")
    assert text == codegen.source(codegen.ConvolutionRecipe(1), "cpp")
    assert text.startswith("// Channel-wise convolution to weight 1")
    assert "//     target   cpp" in text
    assert is_intact(text)
    assert not is_intact(text.replace("const V t", "const  V t", 1))
    assert codegen.fingerprint(recipe, "cpp") != codegen.fingerprint(recipe, "torch")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    made: dict[codegen.Recipe, Compiled] = {}
    for recipe in CALLED.values():
        if recipe not in made:
            made[recipe] = Compiled(recipe, Path(tmp_path_factory.mktemp(recipe.kind)))
    return {name: made[recipe] for name, recipe in CALLED.items()}


def signature_of(name: str) -> Signature:
    return next(each for each in CPP.signatures(CALLED[name]) if each.name == name)


def numbers_of(signature: Signature, **changed: int) -> list[int]:
    known = {"count": 3, "first": 0, "threads": 1} | {key: SIZES[key] for key in LENGTHS}
    known["last"] = 2 if signature.loop == "atoms" else 3
    known |= {
        f"{a.name}_step": a.entries * (SIZES["channels"] if a.channels else 1)
        for a in signature.arrays
        if isinstance(a.entries, int)
    }
    return [{**known, **changed}[number] for number in signature.numbers]


def arrays_of(signature: Signature) -> dict[str, NDArray[Any]]:
    """Return arrays that fit: ones, and zeros where something is written."""
    arrays = {
        each.name: np.zeros([SIZES[s] if isinstance(s, str) else s for s in each.shape], np.int64)
        if each.integer
        else np.full(
            [SIZES[s] if isinstance(s, str) else s for s in each.shape], 1.0 - each.written
        )
        for each in signature.parameters
    }
    if "starts" in arrays:
        arrays["starts"][:] = [0, 1, 3]
    return arrays


def refused(
    compiled: dict[str, Compiled], name: str, arrays: dict[str, NDArray[Any]], **changed: int
) -> str | None:
    """Return the argument that a function refuses; then it must have written nothing."""
    signature = signature_of(name)
    numbers = [ctypes.c_int64(number) for number in numbers_of(signature, **changed)]
    given = [np.array(array) for array in arrays.values()]  # copies
    found = compiled[name].called(name, numbers, given)
    written = [each.written for each in signature.parameters]
    outputs = [array for array, out in zip(given, written, strict=True) if out]
    assert any(array.any() for array in outputs) == (found is None)
    return None if found is None else str(found.decode())


@pytest.mark.compiler
@each_function
def test_functions_refuse_arrays_of_other_sizes(name: str, compiled: dict[str, Compiled]) -> None:
    """One entry more or less of any array; what the lengths are read from contradicts others."""
    signature = signature_of(name)
    arrays = arrays_of(signature)
    assert refused(compiled, name, arrays) is None
    for each in signature.parameters:
        flat = arrays[each.name].reshape(-1)
        longer = np.append(flat, flat[-1:])
        short = {**arrays, each.name: flat[:-1]}
        long = {**arrays, each.name: longer}
        if each.name == "starts":
            assert refused(compiled, name, short) == "first"
            assert refused(compiled, name, long) is not None
        elif each.name == "senders":
            assert refused(compiled, name, short) == (
                "starts" if signature.loop == "atoms" else "first"
            )
        else:
            assert refused(compiled, name, short) == each.name
            assert refused(compiled, name, long) == each.name
        if each.row == "chunk":
            row = flat.size // 3
            assert refused(compiled, name, {**arrays, each.name: flat[:-row]}) == each.name
            more = np.append(flat, flat[:row])
            assert refused(compiled, name, {**arrays, each.name: more}) is None
        if each.row == "broadcast":
            shared = {**arrays, each.name: arrays[each.name][0]}
            step = f"{each.name}_step"
            assert refused(compiled, name, shared) == each.name
            assert refused(compiled, name, shared, **{step: 0}) is None
            assert refused(compiled, name, arrays, **{step: 7}) == each.name


@pytest.mark.compiler
@each_function
def test_functions_refuse_numbers_out_of_range(name: str, compiled: dict[str, Compiled]) -> None:
    signature = signature_of(name)
    arrays = arrays_of(signature)
    wrong = [("threads", {"threads": 0})]
    if signature.loop == "items":
        wrong.append(("count", {"count": -1}))
    else:
        last = SIZES[signature.loop]
        wrong += [("first", {"first": -1}), ("first", {"first": last, "last": last - 1}),
                  ("first", {"last": last + 1})]  # fmt: skip
    if "width" in signature.numbers:
        wrong.append(("width", {"width": 0}))
    for argument, changed in wrong:
        assert refused(compiled, name, arrays, **changed) == argument
    if signature.loop == "atoms":
        for starts in ([0, 1, 4], [-1, 1, 3], [2, 1, 1]):
            changed_starts = {**arrays, "starts": np.array(starts, dtype=np.int64)}
            assert refused(compiled, name, changed_starts) == "starts"

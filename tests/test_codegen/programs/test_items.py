"""Programs as functions of items: names that C++ can have, arguments and outputs that matter."""

from __future__ import annotations

import codegen
from codegen.programs.items import RESERVED, item_kernel, reduced, with_gradients
from codegen.programs.program import Program
from codegen.programs.reverse import vjp


def programs() -> list[Program]:
    functions = codegen.TensorRecipe("elastic", form="components").functions()
    return [each for each in functions if isinstance(each, Program)]


def test_every_program_is_followed_by_its_gradient_once() -> None:
    names = [each.name for each in with_gradients(programs())]
    assert names == [
        "decompose", "decompose_vjp", "reconstruct", "reconstruct_vjp",
        "pack", "pack_vjp", "unpack", "unpack_vjp",
    ]  # fmt: skip
    stated = codegen.ExpressionRecipe("e_ii", {"e": "strain"}).functions()
    assert [each.name for each in with_gradients(stated)] == ["evaluate", "evaluate_vjp"]


def test_names_are_none_that_kernels_use() -> None:
    for program in programs():
        kernel = item_kernel(program)
        (spelled,) = kernel.programs
        used = {*spelled.names(), *(array.name for array in kernel.arrays)}
        assert not used & RESERVED
        assert all(name.isidentifier() for name in used)
        assert kernel.counts() == program.counts()


def test_what_a_linear_gradient_does_not_read_or_write_is_left_out() -> None:
    pack = programs()[2]
    assert reduced(pack) == pack
    pulled = vjp(pack)
    assert [a.name for a in pulled.arguments] == ["T", "gradient"]
    kept = reduced(pulled)
    assert [a.name for a in kept.arguments] == ["gradient"]
    numbers = list(range(1, 22))
    assert kept.run(numbers) == pulled.run([0] * 21, numbers)
    second = vjp(pulled)
    assert [o.name for o in second.outputs] == ["T_gradient", "gradient_gradient"]
    assert [o.name for o in reduced(second).outputs] == ["gradient_gradient"]

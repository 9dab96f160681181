"""The gradient of a program by each of its arguments, as another program."""

from __future__ import annotations

from collections.abc import Mapping

from natural_tensors.exact.surds import Surd

from .kernel import Array, Signature
from .lowering import ONE, Builder
from .program import Argument, Linear, Output, Product, Program, Reciprocal, Ref, Root, Sign

GRADIENT, OF = "gradient", "_gradient"
"""Name of the gradient by the result, and the ending of the names of the other gradients."""


def signatures_with_gradient(entries: Mapping[str, int], size: int) -> tuple[Signature, Signature]:
    """Return how a function of items that broadcast, and its gradient, are called.

    Args:
        entries: components of each argument, by its name.
        size: components of the result.
    """
    given = tuple(Array(name, "broadcast", count) for name, count in entries.items())
    gradients = (Array(name + OF, "item", count, written=True) for name, count in entries.items())
    return (
        Signature("evaluate", "items", (*given, Array("result", "item", size, written=True))),
        Signature(
            "evaluate_vjp", "items", (*given, Array(GRADIENT, "broadcast", size), *gradients)
        ),
    )


def vjp(program: Program) -> Program:
    """Return the vector-Jacobian product of a program: a gradient by each argument, of its shape.

    The gradient by the one output of the program is an argument more; derivatives are taken in
    reverse, step by step (Linnainmaa 1976, BIT 16, 146), so that their cost is a small multiple of
    the program's.

    Raises:
        ValueError: when the program has several outputs, or channels.
    """
    if len(program.outputs) != 1 or any(argument.channels for argument in program.arguments):
        raise ValueError(f"{program.name} must have one output and no channels")
    (output,) = program.outputs
    labels = tuple(f"{GRADIENT}_{place}" for place in range(len(output.entries)))
    upstream = Argument(GRADIENT, output.shape, labels, False, "gradient by the result")
    built = Builder((*program.arguments, upstream))
    values: list[Ref] = list(range(program.inputs))
    for step in program.steps:
        values.append(_again(built, step.operation, values))
    adjoints: list[list[tuple[Surd, Ref]]] = [[] for _ in values]
    for ref, gradient in zip(output.entries, built.components(len(program.arguments)), strict=True):
        adjoints[ref].append((ONE, gradient))
    for number in range(len(program.steps) - 1, -1, -1):
        ref = program.inputs + number
        if adjoints[ref]:
            adjoint = built.linear(adjoints[ref])
            _backpropagate(
                built, program.steps[number].operation, adjoint, values, values[ref], adjoints
            )
    outputs = []
    place = 0
    for argument in program.arguments:
        size = len(argument.labels)
        entries = tuple(built.linear(adjoints[ref]) for ref in range(place, place + size))
        outputs.append(Output(argument.name + OF, argument.shape, entries, broadcast=True))
        place += size
    names = ", ".join(argument.name for argument in program.arguments)
    return built.program(
        f"{program.name}_vjp",
        f"Return the gradient by each argument, from the gradient by the result of {program.name}.",
        outputs,
        f"the gradients by {names}, of every item: sum over the axes along which an argument was "
        "broadcast.",
    )


def _again(built: Builder, operation: object, values: list[Ref]) -> Ref:
    match operation:
        case Linear(terms, offset):
            total = built.linear([(c, values[ref]) for c, ref in terms])
            return built.linear([(ONE, total), (ONE, built.constant(offset))]) if offset else total
        case Product(left, right):
            return built.product(values[left], values[right])
        case Reciprocal(value):
            return built.reciprocal(values[value])
        case Sign(value):
            return built.sign(values[value])
        case Root(value):
            return built.root(values[value])
    raise TypeError(f"no derivative of {operation!r}")


def _backpropagate(
    built: Builder,
    operation: object,
    adjoint: Ref,
    values: list[Ref],
    result: Ref,
    adjoints: list[list[tuple[Surd, Ref]]],
) -> None:
    """Add the contribution of a step to the adjoints of its operands."""
    match operation:
        case Linear(terms, _):
            for coefficient, ref in terms:
                adjoints[ref].append((coefficient, adjoint))
        case Product(left, right):
            adjoints[left].append((ONE, built.product(adjoint, values[right])))
            adjoints[right].append((ONE, built.product(adjoint, values[left])))
        case Reciprocal(value):
            square = built.product(result, result)
            adjoints[value].append((-ONE, built.product(adjoint, square)))
        case Root(value):
            slope = built.product(adjoint, built.reciprocal(result))
            adjoints[value].append((ONE / 2, slope))

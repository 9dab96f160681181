"""The gradient of a program by each of its arguments, as another program."""

from __future__ import annotations

from natural_tensors.exact.surds import Surd

from .lowering import ONE, Builder
from .program import Argument, Linear, Output, Product, Program, Reciprocal, Ref, Root, Sign

GRADIENT, OF = "gradient", "_gradient"
"""Name of the gradient by the result, and the ending of the names of the other gradients."""


def vjp(program: Program) -> Program:
    """Return the vector-Jacobian product of a program: a gradient by each argument, of its shape.

    The gradient by each output of the program is an argument more; derivatives are taken in
    reverse, step by step (Linnainmaa 1976, BIT 16, 146), so that their cost is a small multiple of
    the program's. What has no channels in a program with channels gets the sum over them. Of a
    program that is such a product itself, this gives the second derivatives.
    """
    channels = any(argument.channels for argument in program.arguments)
    upstream = tuple(
        Argument(
            name,
            output.shape,
            tuple(f"{name}_{place}" for place in range(len(output.entries))),
            channels and not output.summed,
            f"gradient by {'the result' if name == GRADIENT else output.name}",
        )
        for name, output in zip(_upstream_names(program), program.outputs, strict=True)
    )
    built = Builder((*program.arguments, *upstream))
    values: list[Ref] = list(range(program.inputs))
    for step in program.steps:
        values.append(_again(built, step.operation, values))
    adjoints: list[list[tuple[Surd, Ref]]] = [[] for _ in values]
    for number, output in enumerate(program.outputs, start=len(program.arguments)):
        for ref, gradient in zip(output.entries, built.components(number), strict=True):
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
        summed = channels and not argument.channels
        outputs.append(Output(argument.name + OF, argument.shape, entries, summed, broadcast=True))
        place += size
    names = ", ".join(argument.name for argument in program.arguments)
    return built.program(
        f"{program.name}_vjp",
        f"Return the gradient by each argument, from the gradient by the result of {program.name}.",
        outputs,
        f"the gradients by {names}, of every item: sum over the axes along which an argument was "
        "broadcast.",
    )


def _upstream_names(program: Program) -> list[str]:
    """Return what the gradients by the outputs are called: tangents where these are gradients."""
    names = [output.name for output in program.outputs]
    if all(name.endswith(OF) for name in names):
        return [name.removesuffix(OF) + "_tangent" for name in names]
    return [GRADIENT] if len(names) == 1 else [name + OF for name in names]


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

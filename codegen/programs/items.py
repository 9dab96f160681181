"""Programs as functions of many items, with their gradients, for a compiled language."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from .kernel import Array, Kernel, Signature
from .loop import Loop
from .program import Linear, Program, Ref, Step, renumbered
from .reverse import vjp

VJP = "_vjp"
"""Ending of the name of a gradient."""

_CPP = """
    T V N CHANNELS LANES SCALAR SHUFFLES Windows windows begin end at count threads sizes blocks
    block item left values row k load store add total sign root transpose fetch read_block
    write_block lane_of
    and asm auto bool case catch char class const delete default do double else enum explicit export
    extern false float for friend goto if inline int long mutable namespace new not operator or
    private protected public register return short signed sizeof static struct switch template this
    throw true try typedef typename union unsigned using virtual void volatile while xor
"""

RESERVED = frozenset(_CPP.split())
"""What nothing in a kernel may be called."""


def with_gradients(functions: Sequence[Program | Loop]) -> tuple[Program, ...]:
    """Return the programs among functions, each followed by its gradient."""
    programs = [function for function in functions if isinstance(function, Program)]
    names = {program.name for program in programs}
    found: list[Program] = []
    for program in programs:
        found.append(program)
        if not program.name.endswith(VJP) and program.name + VJP not in names:
            found.append(vjp(program))
    return tuple(found)


def item_kernel(program: Program) -> Kernel:
    """Return a program as a loop over items, one after another; each array may be one for all."""
    program = _without(RESERVED, program)
    channels = any(argument.channels for argument in program.arguments)
    arrays = [
        Array(argument.name, "broadcast", len(argument.labels), argument.channels)
        for argument in program.arguments
    ]
    arrays += [
        Array(output.name, "item", len(output.entries), channels and not output.summed, True)
        for output in program.outputs
    ]
    return Kernel(Signature(program.name, "items", tuple(arrays)), (program,))


def reduced(program: Program) -> Program:
    """Return a program without the outputs that are zero, nor the arguments it does not read."""
    zeros = [output.name for output in program.outputs if _is_zero(program, output.entries)]
    program = program.without(zeros)
    used = program.used()
    arguments, first = [], 0
    places: dict[Ref, Ref] = {}
    for argument in program.arguments:
        refs = range(first, first + len(argument.labels))
        first = refs.stop
        if not used.isdisjoint(refs):
            arguments.append(argument)
            places.update({ref: len(places) + place for place, ref in enumerate(refs)})
    return _renumbered(replace(program, arguments=tuple(arguments)), places, program.inputs)


def _is_zero(program: Program, entries: Sequence[Ref]) -> bool:
    def zero(ref: Ref) -> bool:
        operation = program.steps[ref - program.inputs].operation
        constant = isinstance(operation, Linear) and not operation.terms
        return constant and not operation.offset  # type: ignore[union-attr]

    return all(ref >= program.inputs and zero(ref) for ref in entries)


def _renumbered(program: Program, places: dict[Ref, Ref], inputs: int) -> Program:
    places = {**places, **{inputs + n: len(places) + n for n in range(len(program.steps))}}
    return replace(
        program,
        steps=tuple(Step(s.name, renumbered(s.operation, places)) for s in program.steps),
        outputs=tuple(
            replace(output, entries=tuple(places[ref] for ref in output.entries))
            for output in program.outputs
        ),
    )


def _without(reserved: Collection[str], program: Program) -> Program:
    """Return a program whose names are none of those reserved, nor keys of dictionaries."""

    def spelled(name: str) -> str:
        return name + "_" if name in reserved else name

    return replace(
        program,
        arguments=tuple(
            replace(a, name=spelled(a.name), labels=tuple(map(spelled, a.labels)), key=None)
            for a in program.arguments
        ),
        steps=tuple(Step(spelled(step.name), step.operation) for step in program.steps),
        outputs=tuple(replace(output, key=spelled(output.name)) for output in program.outputs),
    )

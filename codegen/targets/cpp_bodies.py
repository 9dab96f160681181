"""C++ of one item of a kernel: a straight line of values, or a table where that would be too long.

Without channels it is a template, for one item or for as many as a register holds side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from natural_tensors.exact.floats import surd_to_float
from natural_tensors.exact.surds import Surd

from ..programs.kernel import Kernel
from ..programs.program import Linear, Program, Ref
from .cpp_text import WIDTH, expression, parameters, pointer, wrapped

LONGEST_LINE = 5_000
"""Terms of linear combinations beyond which they are a table: compilers are slow on long code."""

CHAINS = 4
"""Sums that a row of a table is added up in, since each addition waits for the one before."""


def inline_lines(kernel: Kernel) -> list[str]:
    """Return a kernel for one item as functions to be called from other C++, without the loop.

    The last one, called ``NAME_one``, runs all programs; it takes the first channel, the one after
    the last, and a pointer to the row of each array.
    """
    lines: list[str] = []
    for number, program in enumerate(kernel.programs):
        lines += ["", *body_lines(kernel, number, program)]
    if len(kernel.programs) == 1:
        return lines
    head = ["int begin", "int end", *parameters(kernel.signature)]
    lines += ["", *wrapped(f"inline void {kernel.name}_one(", head, ") {", 4)]
    names = ["begin", "end", *(array.name for array in kernel.arrays)]
    for number in range(len(kernel.programs)):
        lines += wrapped(f"    {body_name(kernel, number)}(", names, ");", 8)
    return [*lines, "}"]


def body_name(kernel: Kernel, number: int) -> str:
    """Return the name of the function of one item for one of the programs."""
    return f"{kernel.name}_{number}" if len(kernel.programs) > 1 else f"{kernel.name}_one"


def body_lines(kernel: Kernel, number: int, program: Program) -> list[str]:
    """Return the function of one item for one of the programs."""
    lines = ["// " + str(program.counts())]
    if kernel.channels:
        return [*lines, *_with_channels(kernel, number, program)]
    if is_table(program):
        return [*lines, *_table(kernel, number, program)]
    return [*lines, *_without_channels(kernel, number, program)]


def is_table(program: Program) -> bool:
    """Say whether a program is one matrix, and so large that it is better printed as one."""
    terms = 0
    for step in program.steps:
        if not isinstance(step.operation, Linear) or step.operation.offset:
            return False
        if any(ref >= program.inputs for ref in step.operation.operands):
            return False
        terms += len(step.operation.terms)
    return terms > LONGEST_LINE


def _template(kernel: Kernel, number: int) -> list[str]:
    """Return the head of a function of one item without channels, or of a register of items."""
    arrays = [pointer(array, "N") for array in kernel.arrays]
    head = f"inline void {body_name(kernel, number)}("
    return ["template <class N>", *wrapped(head, ["int", "int", *arrays], ") {", 4)]


def _without_channels(kernel: Kernel, number: int, program: Program) -> list[str]:
    """Return the straight line of one item; each result is written as soon as it is known."""
    names, used, stores = program.names(), program.used(), _Stores(kernel, program)
    lines = [
        f"const N {label} = {argument.name}[{place}];"
        for ref, (argument, place, label) in enumerate(program.components())
        if ref in used
    ]
    for ref, step in enumerate(program.steps, start=program.inputs):
        kind = "N" if step.operation.operands else "T"
        lines.append(f"const {kind} {step.name} = {expression(step.operation, names)};")
        for array, place, value in stores.ready(ref + 1):
            text = names[value] if step.operation.operands else f"N{{}} + {names[value]}"
            lines.append(f"{array}[{place}] {'+=' if array in kernel.added else '='} {text};")
    for array, place, value in stores.ready(program.inputs + len(program.steps)):
        lines.append(f"{array}[{place}] {'+=' if array in kernel.added else '='} {names[value]};")
    return [*_template(kernel, number), *(f"    {line}" for line in lines), "}"]


def _with_channels(kernel: Kernel, number: int, program: Program) -> list[str]:
    """Return one item: what has no channels first, then a loop over the lanes of channels."""
    names, used, stores = program.names(), program.used(), _Stores(kernel, program)
    vectors = _vectors(program)
    summed = {output.name for output in program.outputs if output.summed}
    before: list[str] = []
    inside: list[str] = []
    for ref, (argument, place, label) in enumerate(program.components()):
        if ref in used and argument.channels:
            inside.append(f"const V {label} = load({argument.name} + {place} * CHANNELS + at);")
        elif ref in used:
            before.append(f"const T {label} = {argument.name}[{place}];")

    def store(limit: int) -> list[str]:
        lines = []
        for array, place, ref in stores.ready(limit):
            if array in summed:
                lines.append(f"sum_{array}_{place} += {names[ref]};")
                continue
            value = names[ref] if vectors[ref] else f"V{{}} + {names[ref]}"
            call = "add" if array in kernel.added else "store"
            lines.append(f"{call}({array} + {place} * CHANNELS + at, {value});")
        return lines

    for ref, step in enumerate(program.steps, start=program.inputs):
        text = expression(step.operation, names)
        if vectors[ref]:
            inside.append(f"const V {step.name} = {text};")
        else:
            before.append(f"const T {step.name} = {text};")
        inside += store(ref + 1)
    inside += store(program.inputs + len(program.steps))
    sums = [
        (output.name, place)
        for output in program.outputs
        if output.summed
        for place in range(len(output.entries))
    ]
    head = f"inline void {body_name(kernel, number)}("
    return [
        *wrapped(head, ["int begin", "int end", *parameters(kernel.signature)], ") {", 4),
        *(f"    {line}" for line in before),
        *(f"    V sum_{array}_{place}{{}};" for array, place in sums),
        "    for (int at = begin; at < end; at += LANES) {",
        *(f"        {line}" for line in inside),
        "    }",
        *(f"    {array}[{place}] = total(sum_{array}_{place});" for array, place in sums),
        "}",
    ]


class _Stores:
    """The entries of the outputs that are not written yet.

    Args:
        kernel: says which outputs are added to what is there: those need no zeros.
        program: writes the outputs.
    """

    def __init__(self, kernel: Kernel, program: Program) -> None:
        self._pending = [
            (output.name, place, ref)
            for output in program.outputs
            for place, ref in enumerate(output.entries)
            if not (output.name in kernel.added and _is_zero(program, ref))
        ]

    def ready(self, limit: Ref) -> Iterator[tuple[str, int, Ref]]:
        """Yield array, place and value of those known before a value, and forget them."""
        known = [each for each in self._pending if each[2] < limit]
        self._pending = [each for each in self._pending if each[2] >= limit]
        yield from known


def _is_zero(program: Program, ref: Ref) -> bool:
    number = ref - program.inputs
    if number < 0:
        return False
    operation = program.steps[number].operation
    return isinstance(operation, Linear) and not operation.terms and not operation.offset


def _vectors(program: Program) -> list[bool]:
    """Say of every value whether it has channels."""
    vectors = [argument.channels for argument, _, _ in program.components()]
    for step in program.steps:
        vectors.append(any(vectors[ref] for ref in step.operation.operands))
    return vectors


# --- tables -------------------------------------------------------------------------------------


def _table(kernel: Kernel, number: int, program: Program) -> list[str]:
    """Return a matrix row by row, its nonzero entries with their columns, and the loop over it."""
    name = body_name(kernel, number)
    known: dict[Surd, str] = {}
    starts, columns, numbers = [0], [], []
    for step in program.steps:
        assert isinstance(step.operation, Linear)
        for coefficient, ref in step.operation.terms:
            if coefficient not in known:
                known[coefficient] = f"T({surd_to_float(coefficient)!r})"
            columns.append(str(ref))
            numbers.append(known[coefficient])
        starts.append(len(columns))
    lines = [
        *_constants(f"int32_t {name}_starts", list(map(str, starts))),
        *_constants(f"int32_t {name}_columns", columns),
        *_constants(f"T {name}_numbers", numbers),
    ]
    for output in program.outputs:
        lines += _constants(f"int32_t {name}_{output.name}", list(map(str, output.entries)))
    size = program.inputs + len(program.steps)
    lines += [*_template(kernel, number), f"    N values[{size}];"]
    place = 0
    for argument in program.arguments:
        count = len(argument.labels)
        lines.append(
            f"    for (int k = 0; k < {count}; ++k) values[{place} + k] = {argument.name}[k];"
        )
        place += count
    sums = ", ".join(f"sum_{chain}{{}}" for chain in range(CHAINS))
    lines += [
        f"    for (int row = 0; row < {len(program.steps)}; ++row) {{",
        f"        N {sums};",
        f"        int k = {name}_starts[row];",
        f"        const int end = {name}_starts[row + 1];",
        f"        for (; k + {CHAINS} <= end; k += {CHAINS}) {{",
        *(
            f"            sum_{chain} += {name}_numbers[k + {chain}] * "
            f"values[{name}_columns[k + {chain}]];"
            for chain in range(CHAINS)
        ),
        "        }",
        f"        for (; k < end; ++k) sum_0 += {name}_numbers[k] * values[{name}_columns[k]];",
        f"        values[{place} + row] = "
        + " + ".join(f"sum_{chain}" for chain in range(CHAINS))
        + ";",
        "    }",
    ]
    for output in program.outputs:
        lines.append(
            f"    for (int k = 0; k < {len(output.entries)}; ++k) "
            f"{output.name}[k] = values[{name}_{output.name}[k]];"
        )
    return [*lines, "}"]


def _constants(name: str, values: Sequence[str]) -> list[str]:
    """Return an array of constants, many on a line."""
    lines = [f"const {name}[] = {{"]
    current = "   "
    for value in values:
        if len(current) + len(value) + 2 > WIDTH:
            lines.append(current)
            current = "   "
        current += f" {value},"
    return [*lines, current, "};"]

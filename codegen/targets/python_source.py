"""Python as a target language, in the dialect of an array library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from natural_tensors.exact.floats import surd_to_float
from natural_tensors.exact.surds import Surd

from ..programs.loop import Loop
from ..programs.program import (
    Argument,
    Counts,
    Linear,
    Output,
    Product,
    Program,
    Reciprocal,
    Root,
    Sign,
)
from .language import Heading, Language, Printable

WIDTH = 96

MISSHAPEN = '''
def _misshapen(name: str, shape: tuple[int, ...], wanted: str | tuple[int, ...]) -> ValueError:
    """Return what is wrong with the shape of an array."""
    wanted = wanted if isinstance(wanted, str) else tuple(wanted)
    return ValueError(f"{name} has the shape {tuple(shape)}, it must be {wanted}")
'''
"""What the checks at the door of a function raise."""


@dataclass(frozen=True)
class Dialect:
    """How an array library says the few things a program needs, as format strings.

    Attributes:
        name: the library, as it is imported.
        imports: lines at the top of a file.
        array: type of an array in a signature.
        flatten: join the last ``axes`` axes of ``array`` into one of length ``size``.
        constant: an array like ``value`` filled with ``number``.
        sign: +1 where ``value`` is zero or positive, else -1.
        root: the square root of ``value``.
        stack: stack ``values`` along ``axis``.
        broadcast: a list of ``values`` brought to one shape.
        shaped: ``value`` with its last axis split into ``shape``.
        gather: the rows of ``array`` with the numbers ``index``.
        scatter: lines that return, for each row of ``nodes``, the sum of the ``values`` whose
            ``index`` it is; a row has ``size`` components.
        helpers: name and text of functions that the other attributes call.
    """

    name: str
    imports: tuple[str, ...]
    array: str
    flatten: str
    constant: str
    sign: str
    root: str
    stack: str
    broadcast: str
    shaped: str
    gather: str
    scatter: tuple[str, ...]
    helpers: tuple[tuple[str, str], ...] = ()


class Constants:
    """The irrational coefficients of a file: names and values."""

    def __init__(self) -> None:
        self._names: dict[Surd, str] = {}

    def literal(self, coefficient: Surd) -> str:
        """Write a positive coefficient, ready to stand in front of ``*``."""
        if len(coefficient.terms) > 1:
            return f"({self.number(coefficient)})"
        ((root, factor),) = coefficient.terms.items()
        if root == 1:
            if factor.denominator == 1:
                return str(factor.numerator)
            return f"({factor.numerator} / {factor.denominator})"
        square = factor * factor * root
        name = f"ROOT_{square.numerator}"
        if square.denominator > 1:
            name += f"_{square.denominator}"
        self._names[coefficient] = name
        return name

    def number(self, constant: Surd) -> str:
        """Write a constant that stands alone, with its sign."""
        if not constant:
            return "0.0"
        text = ""
        for root, factor in constant.terms.items():
            literal = self.literal(Surd({root: abs(factor)}))
            sign = ("- " if factor < 0 else "+ ") if text else ("-" if factor < 0 else "")
            text += (" " if text else "") + sign + literal.strip("()")
        return text

    def lines(self) -> list[str]:
        """Return the definitions, ascending."""
        return [
            f"{name} = {surd_to_float(value)!r}  # {value}"
            for value, name in sorted(self._names.items(), key=lambda item: surd_to_float(item[0]))
        ]


def function_lines(program: Program, dialect: Dialect, constants: Constants) -> list[str]:
    """Return a program as the lines of a function."""
    names = program.names()
    with_channels = any(argument.channels for argument in program.arguments)
    lines = [*_signature(program, dialect), *_docstring(program, with_channels), *_door(program)]
    used = program.used()
    ref = 0
    first = min((ref for ref in used if ref < program.inputs), default=0)
    anchor = names[first]  # constants take its shape
    for argument in program.arguments:
        lines += _flattened(argument, dialect)
        for number, label in enumerate(argument.labels):
            if ref in used or ref == first:
                where = f"..., {number}"
                if with_channels:
                    where += ", :" if argument.channels else ", None"
                whole = not argument.shape and not with_channels
                lines.append(f"    {label} = {argument.name}" + ("" if whole else f"[{where}]"))
            ref += 1
    for step in program.steps:
        match step.operation:
            case Linear(terms, offset) if not terms:
                text = dialect.constant.format(value=anchor, number=constants.number(offset))
                lines.append(f"    {step.name} = {text}")
            case Linear():
                lines += _assignment(step.name, _sum(step.operation, names, constants))
            case Product(left, right):
                lines.append(f"    {step.name} = {names[left]} * {names[right]}")
            case Reciprocal(value):
                lines.append(f"    {step.name} = 1 / {names[value]}")
            case Sign(value):
                lines.append(f"    {step.name} = " + dialect.sign.format(value=names[value]))
            case Root(value):
                lines.append(f"    {step.name} = " + dialect.root.format(value=names[value]))
    return lines + _return(program, names, dialect, with_channels)


def _signature(program: Program, dialect: Dialect) -> list[str]:
    if program.arguments[0].key is not None:
        kind = f"dict[tuple[int, int], {dialect.array}]"
        parameters = f"parts: {kind}"
    else:
        parameters = ", ".join(f"{a.name}: {dialect.array}" for a in program.arguments)
    returned = dialect.array
    if not isinstance(program.outputs[0].key, str):
        returned = f"dict[tuple[int, int], {dialect.array}]"
    elif len(program.outputs) > 1:
        returned = f"tuple[{dialect.array}, ...]"
    return [f"def {program.name}({parameters}) -> {returned}:"]


def _shape_text(shape: Sequence[int], channels: bool) -> str:
    axes = ["...", *map(str, shape), *(["channels"] if channels else [])]
    return f"({', '.join(axes)})"


def _docstring(program: Program, with_channels: bool) -> list[str]:
    lines = [f'    """{program.summary}', "", "    Args:"]
    if program.arguments[0].key is not None:
        lines.append("        parts: natural tensors by (weight, copy), shape (..., 3, ..., 3).")
    else:
        for argument in program.arguments:
            shape = _shape_text(argument.shape, argument.channels)
            lines += _wrapped(f"{argument.name}: {argument.meaning}, shape {shape}.", 8)
    lines += ["", "    Returns:", *_wrapped(program.returns, 8)]
    return [*lines, "", f"    {program.counts()}.", '    """']


def _wrapped(text: str, indent: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and indent + len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("    " + word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return [" " * indent + line for line in lines]


def _given(argument: Argument) -> str:
    """Return how the array of an argument is called before it has a name of its own."""
    if argument.key is None:
        return argument.name
    return f"parts[{argument.key[0]}, {argument.key[1]}]"


def _refusal(wrong: str, function: str, array: str, wanted: str) -> list[str]:
    """Return the lines that raise where something is wrong with the shape of an array."""
    return [
        f"    if {wrong}:",
        f'        raise _misshapen("{function}: {array}", {array}.shape, {wanted})',
    ]


def _door(program: Program) -> list[str]:
    """Return the lines that refuse arrays of other shapes; the parts of a tensor have one batch."""
    lines: list[str] = []
    for number, argument in enumerate(program.arguments):
        array, shape, axes = _given(argument), argument.shape, len(argument.shape)
        if argument.key is not None and number:
            whole = f"(*batch, {', '.join(map(str, shape))})" if shape else "batch"
            lines += _refusal(f"{array}.shape != {whole}", program.name, array, whole)
            continue
        if shape:
            last = f"-{axes + 1}:-1" if argument.channels else f"-{axes}:"
            wanted = f'"{_shape_text(shape, argument.channels)}, ... any batch"'
            lines += _refusal(f"{array}.shape[{last}] != {shape}", program.name, array, wanted)
        if argument.key is not None and len(program.arguments) > 1:
            cut = f"[: {array}.ndim - {axes}]" if shape else ""
            lines.append(f"    batch = {array}.shape{cut}")
    return lines


def _flattened(argument: Argument, dialect: Dialect) -> list[str]:
    source = _given(argument)
    if len(argument.shape) > 1:
        text = dialect.flatten.format(
            array=source, axes=len(argument.shape), size=len(argument.labels)
        )
        return [f"    {argument.name} = {text}"]
    return [f"    {argument.name} = {source}"] if argument.key is not None else []


def _sum(operation: Linear, names: Sequence[str], constants: Constants) -> list[str]:
    """Return the signed terms of a linear combination, each a piece that may stand on a line."""
    pieces: list[str] = []

    def add(sign: int, text: str) -> None:
        if pieces:
            pieces.append(("- " if sign < 0 else "+ ") + text)
        else:
            pieces.append(("-" if sign < 0 else "") + text)

    for coefficient, members in operation.groups():
        if coefficient == 1:
            for sign, ref in members:
                add(sign, names[ref])
            continue
        literal = constants.literal(coefficient)
        if len(members) == 1:
            add(members[0][0], f"{literal} * {names[members[0][1]]}")
            continue
        lead = members[0][0]
        inner = names[members[0][1]] + "".join(
            (" + " if sign == lead else " - ") + names[ref] for sign, ref in members[1:]
        )
        add(lead, f"{literal} * ({inner})")
    if operation.offset:
        add(operation.offset.sign(), constants.number(abs(operation.offset)))
    return pieces


def _assignment(name: str, pieces: list[str]) -> list[str]:
    line = f"    {name} = " + " ".join(pieces)
    if len(line) <= WIDTH:
        return [line]
    lines = [f"    {name} = ("]
    current = ""
    for piece in pieces:
        if current and 8 + len(current) + 1 + len(piece) > WIDTH:
            lines.append(" " * 8 + current)
            current = piece
        else:
            current = f"{current} {piece}" if current else piece
    return [*lines, " " * 8 + current, "    )"]


def _list(items: Sequence[str], indent: int) -> str:
    """Write a list, over several lines where it is long."""
    line = f"[{', '.join(items)}]"
    if indent + len(line) <= WIDTH:
        return line
    lines = [""]
    for item in items:
        if len(lines[-1]) + len(item) + 2 + indent + 4 > WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + f"{item},"
    pad = " " * (indent + 4)
    return "[\n" + "\n".join(pad + line for line in lines) + "\n" + " " * indent + "]"


def _array(
    output: Output, names: Sequence[str], dialect: Dialect, with_channels: bool, indent: int
) -> str:
    if not output.shape:
        return names[output.entries[0]]
    axis = -2 if with_channels else -1
    distinct = list(dict.fromkeys(output.entries))
    repeats = len(distinct) < len(output.entries) and not with_channels
    shown = [names[ref] for ref in (distinct if repeats else output.entries)]
    values = _list(shown, indent)
    if output.broadcast:
        values = dialect.broadcast.format(values=values)
    text = dialect.stack.format(values=values, axis=axis)
    if repeats:  # equal components are computed and stacked once, then spread
        places = [str(distinct.index(ref)) for ref in output.entries]
        text += f"[..., {_list(places, indent)}]"
    if len(output.shape) > 1:
        text = dialect.shaped.format(value=text, shape=output.shape)
    return text


def _return(
    program: Program, names: Sequence[str], dialect: Dialect, with_channels: bool
) -> list[str]:
    if isinstance(program.outputs[0].key, str) and len(program.outputs) > 1:
        lines = ["    return ("]
        for output in program.outputs:
            value = _array(output, names, dialect, with_channels, 8)
            lines += f"        {value},".split("\n")
        return [*lines, "    )"]
    if isinstance(program.outputs[0].key, str):
        value = _array(program.outputs[0], names, dialect, with_channels, 4)
        return f"    return {value}".split("\n")
    lines = ["    return {"]
    for output in program.outputs:
        value = _array(output, names, dialect, with_channels, 8)
        lines += f"        {output.key}: {value},".split("\n")
    return [*lines, "    }"]


def loop_lines(loop: Loop, dialect: Dialect) -> list[str]:
    """Return a loop over edges as the lines of a function."""
    names = [*(argument.name for argument in loop.arguments), "senders", "receivers"]
    parameters = ", ".join(f"{name}: {dialect.array}" for name in names)
    head = [f"def {loop.name}({parameters}) -> {dialect.array}:"]
    if len(head[0]) > WIDTH:
        head = [f"def {loop.name}(", f"    {parameters}", f") -> {dialect.array}:"]
    called = ", ".join(
        dialect.gather.format(array=argument.name, index="senders")
        if argument.gathered
        else argument.name
        for argument in loop.arguments
    )
    scattered = [
        line.format(nodes=loop.nodes, size=loop.size, index="receivers", values="messages")
        for line in dialect.scatter
    ]
    return [
        *head,
        *_loop_docstring(loop),
        *_loop_door(loop),
        f"    messages = {loop.program.name}({called})",
        *(f"    {line}" for line in scattered),
    ]


def _loop_door(loop: Loop) -> list[str]:
    """Return the lines that refuse arrays that do not fit the loop, or not each other."""
    name, nodes = loop.name, loop.nodes
    lines = _refusal("senders.ndim != 1", name, "senders", '"(edges,)"')
    lines += _refusal("receivers.shape != senders.shape", name, "receivers", "(*senders.shape,)")
    pairs = list(zip(loop.arguments, loop.program.arguments, strict=True))
    for argument, inner in sorted(pairs, key=lambda pair: pair[0].name != nodes):
        array, axes = argument.name, 2 + inner.channels
        if array == nodes:  # the others must have its rows, or its channels
            wrong = f"{array}.ndim != {axes} or {array}.shape[1:2] != {inner.shape}"
            wanted = f'"(nodes, {inner.shape[0]}{", channels" if inner.channels else ""})"'
        else:
            rows = f"{nodes}.shape[0]" if argument.gathered else "senders.shape[0]"
            channels = f", {nodes}.shape[-1]" if inner.channels else ""
            wanted = f"({rows}, {inner.shape[0]}{channels})"
            wrong = f"{array}.shape != {wanted}"
        lines += _refusal(wrong, name, array, wanted)
    return lines


def _loop_docstring(loop: Loop) -> list[str]:
    lines = [f'    """{loop.summary}', "", "    Args:"]
    for argument, inner in zip(loop.arguments, loop.program.arguments, strict=True):
        axes = ["nodes" if argument.gathered else "edges", argument.axis]
        shape = ", ".join([*axes, "channels"] if inner.channels else axes)
        lines += _wrapped(f"{argument.name}: {argument.meaning}, shape ({shape}).", 8)
    return [
        *lines,
        "        senders: node each edge comes from, shape (edges,), integers.",
        "        receivers: node each edge goes to, shape (edges,), integers.",
        "",
        "    Returns:",
        f"        Sums, shape (nodes, {loop.size}, channels).",
        '    """',
    ]


class Docstring(Heading):
    """Lines between triple quotes."""

    name = "docstring"

    def write(self, lines: Sequence[str]) -> str:
        """Return the lines between triple quotes."""
        return '"""' + "\n".join(lines) + '\n"""\n\n'

    def read(self, text: str) -> tuple[list[str], str] | None:
        """Return the lines of the docstring, and the text below."""
        head, end, body = text.partition('"""\n\n')
        if not end or not text.startswith('"""'):
            return None
        return head.removeprefix('"""').removesuffix("\n").split("\n"), body


class PythonLanguage(Language):
    """Python modules for one array library: every recipe, a function for each of its own.

    Args:
        dialect: how the library says what a program needs.
    """

    suffix = ".py"
    heading = Docstring()
    importable = True

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.name = self.needs = dialect.name

    def content(self, recipe: Printable) -> str:
        """Return imports, constants, functions and the helpers that they call."""
        constants = Constants()
        body: list[str] = []
        for function in recipe.functions():
            body += ["", ""]
            if isinstance(function, Loop):
                body += loop_lines(function, self.dialect)
            else:
                body += function_lines(function, self.dialect, constants)
        for name, text in (*self.dialect.helpers, ("_misshapen", MISSHAPEN)):
            if any(f"{name}(" in line for line in body):
                body += ["", "", *text.strip("\n").split("\n")]
        lines = [*self.dialect.imports]
        if constants.lines():
            lines += ["", *constants.lines()]
        return "\n".join([*lines, *body]) + "\n"

    def counts(self, recipe: Printable) -> Iterator[tuple[str, Counts]]:
        """Yield the arithmetic of each function but the loops."""
        for function in recipe.functions():
            if isinstance(function, Program):
                yield function.name, function.counts()

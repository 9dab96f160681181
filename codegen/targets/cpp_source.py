"""C++ as a target language: kernels for a CPU, a loop over edges or items, channels in lanes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from natural_tensors.exact.floats import surd_to_float

from ..programs.kernel import Array, Kernel, Signature
from ..programs.program import Counts, Linear, Product, Program, Reciprocal, Ref, Root, Sign
from .language import Comment, Language, Printable

WIDTH = 96

LANES = """\
inline V load(const T* place) {
    V value;
    std::memcpy(&value, place, sizeof(V));
    return value;
}
inline void store(T* place, V value) { std::memcpy(place, &value, sizeof(V)); }
inline void add(T* place, V value) { store(place, load(place) + value); }
"""
"""How kernels read and write channels; `T` is a number, `V` some side by side."""

HEAD = """\
#include <cstdint>
#include <cstring>

// Set on the compiler's command line; lanes must divide the channels.
#ifndef SCALAR
#define SCALAR float
#endif
#ifndef CHANNELS
#define CHANNELS 64
#endif
#ifndef LANES
#define LANES 8
#endif
static_assert(LANES > 0 && CHANNELS > 0 && CHANNELS % LANES == 0, "lanes must divide the channels");

namespace {

using T = SCALAR;
#if LANES == 1
using V = T;
inline T total(V value) { return value; }
#else
typedef T V __attribute__((vector_size(LANES * sizeof(T))));
inline T total(V value) {
    T sum = 0;
    for (int lane = 0; lane < LANES; ++lane) sum += value[lane];
    return sum;
}
#endif
"""


DOOR = """
// Each function takes, after its numbers, how many entries each of its arrays has, in their order.
// It returns null, or the name of the first argument that does not fit; then it has done nothing.
"""

SCATTER = """
// Add rows of edges, which lie one after another, to the rows of their senders: each thread takes
// some columns of all of them, so that the order of summation is always the same.
DOOR OF scatter
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t part = 0; part < threads; ++part) {
        const int64_t begin = part * width / threads, end = (part + 1) * width / threads;
        for (int64_t edge = first; edge < last; ++edge) {
            const T* from = values + (edge - first) * width;
            T* to = sums + senders[edge] * width;
            for (int64_t column = begin; column < end; ++column) to[column] += from[column];
        }
    }
    return nullptr;
}
"""


SPLINE = """
// Cubic B-splines: rows of a table, four for each edge, with their weights.
DOOR OF spline
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t edge = 0; edge < count; ++edge) {
        const T *a = table + rows[edge] * width, *b = a + width, *c = b + width, *d = c + width;
        const T p = weights[4 * edge], q = weights[4 * edge + 1];
        const T r = weights[4 * edge + 2], s = weights[4 * edge + 3];
        T* to = values + edge * width;
        for (int64_t k = 0; k < width; ++k) to[k] = p * a[k] + q * b[k] + r * c[k] + s * d[k];
    }
    return nullptr;
}

// The scalar product of a gradient with each of the four rows of every edge.
DOOR OF spline_vjp
    if (width % LANES) return "width";
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t edge = 0; edge < count; ++edge) {
        const T *a = table + rows[edge] * width, *b = a + width, *c = b + width, *d = c + width;
        const T* g = gradient + edge * width;
        V p{}, q{}, r{}, s{};
        for (int64_t k = 0; k < width; k += LANES) {
            const V here = load(g + k);
            p += here * load(a + k);
            q += here * load(b + k);
            r += here * load(c + k);
            s += here * load(d + k);
        }
        weights[4 * edge] = total(p);
        weights[4 * edge + 1] = total(q);
        weights[4 * edge + 2] = total(r);
        weights[4 * edge + 3] = total(s);
    }
    return nullptr;
}
"""


HELPERS = (
    Signature(
        "scatter",
        "edges",
        (
            Array("values", "chunk", "width"),
            Array("sums", "sender", "width", written=True),
        ),
    ),
    Signature(
        "spline",
        "items",
        (
            Array("rows", "item", integer=True),
            Array("weights", "item", 4),
            Array("table", "table", "width"),
            Array("values", "item", "width", written=True),
        ),
    ),
    Signature(
        "spline_vjp",
        "items",
        (
            Array("rows", "item", integer=True),
            Array("table", "table", "width"),
            Array("gradient", "item", "width"),
            Array("weights", "item", 4, written=True),
        ),
    ),
)
"""How the functions that come with every loop over edges are called."""


class Cpp(Language):
    """C++ with OpenMP, compiled for one data type and number of channels."""

    name = "cpp"
    suffix = ".cpp"
    heading = Comment("//")
    needs = "a compiler"
    scope = "the convolution with method='aligned', the product, expressions and invariants"

    def accepts(self, recipe: Printable) -> bool:
        """Accept the recipes that have kernels."""
        return recipe.has_kernels

    def content(self, recipe: Printable) -> str:
        """Return the kernels, and the functions that loops over edges need besides."""
        return "\n".join(kernel_lines(recipe.kernels())) + "\n"

    def counts(self, recipe: Printable) -> Iterator[tuple[str, Counts]]:
        """Yield the arithmetic of each kernel."""
        for kernel in recipe.kernels():
            yield kernel.name, kernel.counts()

    def signatures(self, recipe: Printable) -> tuple[Signature, ...]:
        """Return how the functions of the file are called, without building them."""
        stated = tuple(recipe.signatures())
        return stated + HELPERS if any(each.loop == "atoms" for each in stated) else stated


CPP = Cpp()

END = ("    return nullptr;", "}")
"""The end of a function that is called: all fitted."""


def kernel_lines(kernels: Sequence[Kernel]) -> list[str]:
    """Return kernels as the lines of a C++ file."""
    lines = (HEAD + LANES).rstrip("\n").split("\n")
    steps = (step for kernel in kernels for program in kernel.programs for step in program.steps)
    if any(isinstance(step.operation, Root) for step in steps):
        lines.insert(0, "#include <cmath>")
    for kernel in kernels:
        for number, program in enumerate(kernel.programs):
            lines += ["", *_body(kernel, number, program)]
    lines += ["", "}  // namespace", *DOOR.rstrip("\n").split("\n"), 'extern "C" {']
    for kernel in kernels:
        lines += ["", *_loop(kernel)]
    if any(kernel.signature.loop == "atoms" for kernel in kernels):
        doors = {f"DOOR OF {each.name}": _door(each) for each in HELPERS}
        for line in (SCATTER + SPLINE).rstrip("\n").split("\n"):
            lines += doors.get(line, [line])
    return [*lines, "", '}  // extern "C"']


def inline_lines(kernel: Kernel) -> list[str]:
    """Return a kernel for one item as functions to be called from other C++, without the loop.

    The last one, called ``NAME_one``, runs all programs; it takes the first channel, the one after
    the last, and a pointer to the row of each array.
    """
    lines: list[str] = []
    for number, program in enumerate(kernel.programs):
        lines += ["", *_body(kernel, number, program)]
    if len(kernel.programs) == 1:
        return lines
    head = ["int begin", "int end", *_parameters(kernel.signature)]
    lines += ["", *_wrapped(f"inline void {kernel.name}_one(", head, ") {", 4)]
    names = ["begin", "end", *(array.name for array in kernel.arrays)]
    for number in range(len(kernel.programs)):
        lines += _wrapped(f"    {_name(kernel, number)}(", names, ");", 8)
    return [*lines, "}"]


def _name(kernel: Kernel, number: int) -> str:
    return f"{kernel.name}_{number}" if len(kernel.programs) > 1 else f"{kernel.name}_one"


def _parameters(signature: Signature) -> list[str]:
    return [
        ("T* __restrict " if array.written else "const T* __restrict ") + array.name
        for array in signature.arrays
    ]


def _door(signature: Signature) -> list[str]:
    """Return the head of a function that is called, and the lines that refuse what does not fit."""
    numbers = [f"int64_t {number}" for number in signature.numbers]
    integers = [a.name for a in signature.parameters if a.integer]
    indices = [f"const int64_t* {name}" for name in integers]
    arrays = [text for text in _parameters(signature) if text.split()[-1] not in integers]
    parameters = [*numbers, "const int64_t* sizes", *indices, *arrays]
    lines = _wrapped(f"const char* {signature.name}(", parameters, ") {", 4)

    def refuse(wrong: str, name: str) -> None:
        lines.append(f'    if ({wrong}) return "{name}";')

    refuse("threads < 1", "threads")
    if "width" in signature.numbers:
        refuse("width < 1", "width")
    if signature.loop == "items":
        refuse("count < 0", "count")
    else:
        of_atoms = signature.loop == "atoms"
        lengths = "atoms = sizes[0] - 1, edges = sizes[1]" if of_atoms else "edges = sizes[0]"
        lines.append(f"    const int64_t {lengths};")
        refuse(f"first < 0 || first > last || last > {signature.loop}", "first")
        ends = ("starts[first]", "starts[last]") if of_atoms else ("first", "last")
        lines.append(f"    const int64_t lowest = {ends[0]}, highest = {ends[1]};")
        if of_atoms:
            refuse("lowest < 0 || lowest > highest || highest > edges", "starts")
    for place, array in enumerate(signature.parameters):
        if array.name not in ("starts", "senders"):  # what the lengths are read from
            refuse(_unfit(array, f"sizes[{place}]", signature), array.name)
    return lines


def _unfit(array: Array, size: str, signature: Signature) -> str:
    """Return the condition under which an array does not have its size."""
    row = "1" if array.entries is None else str(array.entries)
    row += " * CHANNELS" if array.channels else ""
    whole = f"({row})" if array.channels else row
    rows = {"item": "count", "edge": "edges", "sender": "atoms", "receiver": "atoms"}
    if array.row == "broadcast":
        step = f"{array.name}_step"
        return f"{step} ? {step} != {row} || {size} != count * {row} : {size} != {row}"
    if array.row == "shared":
        return f"{size} != {row}"
    if array.row == "chunk":
        return f"{size} % {whole} || {size} < (highest - lowest) * {row}"
    if array.row == "table" or signature.loop == "edges":  # as long as the indices need
        return f"{size} % {whole}"
    return f"{size} != {rows[array.row]}" + (f" * {row}" if row != "1" else "")


def _wrapped(head: str, items: Sequence[str], tail: str, indent: int) -> list[str]:
    """Return a list in brackets over as many lines as it needs."""
    lines, current = [], head
    for number, item in enumerate(items):
        piece = item + ("," if number < len(items) - 1 else tail)
        if len(current) + 1 + len(piece) > WIDTH and current.strip() != head.strip():
            lines.append(current)
            current = " " * indent + piece
        else:
            current += ("" if current.endswith(("(", " " * indent)) else " ") + piece
    return [*lines, current]


def _body(kernel: Kernel, number: int, program: Program) -> list[str]:
    """Return the function of one item: scalars first, then a loop over the lanes of channels."""
    names = program.names()
    vectors = _vectors(program)
    mode = {str(output.key): output for output in program.outputs}
    head = _wrapped(
        f"inline void {_name(kernel, number)}(",
        ["int begin", "int end", *_parameters(kernel.signature)],
        ") {",
        4,
    )
    lines = ["// " + str(program.counts()), *head]
    used = {ref for step in program.steps for ref in step.operation.operands}
    used |= {ref for output in program.outputs for ref in output.entries}
    scalars: list[str] = []
    vectors_read: list[str] = []
    for ref, (argument, place, label) in enumerate(program.components()):
        if ref in used:
            if argument.channels:
                vectors_read.append(
                    f"const V {label} = load({argument.name} + {place} * CHANNELS + at);"
                )
            else:
                scalars.append(f"const T {label} = {argument.name}[{place}];")
    pending = {
        (str(output.key), place): ref
        for output in program.outputs
        for place, ref in enumerate(output.entries)
    }
    base = program.inputs

    def stores(limit: int) -> list[str]:
        """Write what is known by now."""
        ready = [key for key, ref in pending.items() if ref < limit]
        lines = []
        for array, place in ready:
            ref = pending.pop((array, place))
            if array in kernel.added and _zero(program, ref):
                continue
            lines += _store(
                array,
                place,
                names[ref],
                vectors[ref],
                mode[array].summed,
                array in kernel.added,
                kernel.channels,
            )
        return lines

    order: list[str] = []
    for ref, step in enumerate(program.steps, start=base):
        text = _expression(step.operation, names)
        if vectors[ref]:
            order.append(f"const V {step.name} = {text};")
        else:
            scalars.append(f"const T {step.name} = {text};")
        order += stores(ref + 1)
    order += stores(base + len(program.steps))
    lines += [f"    {line}" for line in scalars]
    if not kernel.channels:
        return [*lines, *(f"    {line}" for line in order), "}"]
    sums = [
        (str(output.key), place)
        for output in program.outputs
        if output.summed
        for place in range(len(output.entries))
    ]
    lines += [f"    V sum_{array}_{place}{{}};" for array, place in sums]
    lines.append("    for (int at = begin; at < end; at += LANES) {")
    lines += [f"        {line}" for line in [*vectors_read, *order]]
    lines.append("    }")
    lines += [f"    {array}[{place}] = total(sum_{array}_{place});" for array, place in sums]
    return [*lines, "}"]


def _store(
    array: str, place: int, name: str, vector: bool, summed: bool, added: bool, channels: bool
) -> list[str]:
    if summed:
        return [f"sum_{array}_{place} += {name};"]
    if not channels:
        return [f"{array}[{place}] {'+=' if added else '='} {name};"]
    value = name if vector else f"V{{}} + {name}"
    return [f"{'add' if added else 'store'}({array} + {place} * CHANNELS + at, {value});"]


def _zero(program: Program, ref: Ref) -> bool:
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


def _expression(operation: object, names: Sequence[str]) -> str:
    match operation:
        case Linear(terms, offset) if not terms:
            return f"T({surd_to_float(offset)!r})"
        case Linear(_, offset):
            text = ""
            for coefficient, members in operation.groups():
                lead = members[0][0]
                inner = names[members[0][1]] + "".join(
                    (" + " if sign == lead else " - ") + names[ref] for sign, ref in members[1:]
                )
                if coefficient != 1:
                    inner = f"({inner})" if len(members) > 1 else inner
                    inner = f"T({surd_to_float(coefficient)!r}) * {inner}"
                elif lead < 0 and len(members) > 1:
                    inner = f"({inner})"
                if text:
                    text += (" - " if lead < 0 else " + ") + inner
                else:
                    text = ("-" if lead < 0 else "") + inner
            if offset:
                text += f" + T({surd_to_float(offset)!r})"
            return text
        case Product(left, right):
            return f"{names[left]} * {names[right]}"
        case Reciprocal(value):
            return f"T(1) / {names[value]}"
        case Sign(value):
            return f"{names[value]} >= 0 ? T(1) : T(-1)"
        case Root(value):
            return f"std::sqrt({names[value]})"
    raise TypeError(f"no C++ for {operation!r}")


def _loop(kernel: Kernel) -> list[str]:
    """Return the function that is called: the loop around the programs."""
    signature, lines = kernel.signature, _door(kernel.signature)

    def calls(begin: str, end: str, indent: int) -> list[str]:
        rows = [f"{array.name} + {_offset(array)}" for array in kernel.arrays]
        texts = []
        for number in range(len(kernel.programs)):
            head = " " * indent + f"{_name(kernel, number)}("
            texts += _wrapped(head, [begin, end, *rows], ");", indent + 4)
        return texts

    if signature.loop == "atoms":
        return [
            *lines,
            "#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)",
            "    for (int64_t atom = first; atom < last; ++atom) {",
            "        for (int64_t edge = starts[atom]; edge < starts[atom + 1]; ++edge) {",
            *calls("0", "CHANNELS", 12),
            "        }",
            "    }",
            *END,
        ]
    vectors = "" if kernel.channels else " simd"  # without channels the items fill the lanes
    if kernel.parallel == "channels":
        return [
            *lines,
            "    const int64_t blocks = CHANNELS / LANES;",
            "#pragma omp parallel for schedule(static) num_threads(threads)",
            "    for (int64_t part = 0; part < threads; ++part) {",
            "        const int begin = part * blocks / threads * LANES;",
            "        const int end = (part + 1) * blocks / threads * LANES;",
            "        for (int64_t item = 0; item < count; ++item) {",
            *calls("begin", "end", 12),
            "        }",
            "    }",
            *END,
        ]
    return [
        *lines,
        f"#pragma omp parallel for{vectors} schedule(static) num_threads(threads)",
        "    for (int64_t item = 0; item < count; ++item) {",
        *calls("0", "CHANNELS", 8),
        "    }",
        *END,
    ]


def _offset(array: Array) -> str:
    """Return where the row of an array starts."""
    if array.row == "broadcast":
        return f"item * {array.name}_step"
    width = f"{array.entries} * CHANNELS" if array.channels else f"{array.entries}"
    index = {
        "item": "item",
        "edge": "edge",
        "chunk": "(edge - starts[first])",
        "sender": "senders[edge]",
        "receiver": "atom",
        "shared": "0",
    }[array.row]
    return f"{index} * {width}"

"""C++ as a target language: kernels for a CPU, in loops over edges or items, shared by threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..programs.kernel import LENGTHS, Array, Kernel, Signature
from ..programs.program import Counts, Root
from .cpp_blocks import BLOCKS, block_loop_lines
from .cpp_bodies import body_lines, body_name
from .cpp_matrices import RADIAL, RADIAL_SIGNATURES, TILES
from .cpp_text import parameters, wrapped
from .language import Comment, Language, Printable

LANES = """\
inline V load(const T* place) {
    V value;
    std::memcpy(&value, place, sizeof(V));
    return value;
}
inline void store(T* place, V value) { std::memcpy(place, &value, sizeof(V)); }
inline void add(T* place, V value) { store(place, load(place) + value); }
template <class N>
inline N sign(N value) {
    const N one = N{} + T(1);
    return value >= 0 ? one : -one;
}
"""
"""How kernels read and write channels; `T` is a number, `V` some side by side."""

HEAD = """\
#include <cstdint>
#include <cstring>
#include <utility>

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


ROOT = """
template <class N>
inline N root(N value) {
    T* lanes = reinterpret_cast<T*>(&value);
    for (int lane = 0; lane < int(sizeof(N) / sizeof(T)); ++lane)
        lanes[lane] = std::sqrt(lanes[lane]);
    return value;
}
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
    *RADIAL_SIGNATURES,
)
"""How the functions that come with every loop over edges are called."""


class Cpp(Language):
    """C++ with OpenMP, compiled for one data type and number of channels."""

    name = "cpp"
    suffix = ".cpp"
    heading = Comment("//")
    needs = "a compiler"

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
    steps = (step for kernel in kernels for program in kernel.programs for step in program.steps)
    roots = any(isinstance(step.operation, Root) for step in steps)
    head = ("#include <cmath>\n" if roots else "") + HEAD + LANES + (ROOT if roots else "")
    if not all(kernel.channels for kernel in kernels):
        head += BLOCKS
    over_edges = any(kernel.signature.loop == "atoms" for kernel in kernels)
    head += TILES if over_edges else ""
    lines = head.rstrip("\n").split("\n")
    for kernel in kernels:
        for number, program in enumerate(kernel.programs):
            lines += ["", *body_lines(kernel, number, program)]
    lines += ["", "}  // namespace", *DOOR.rstrip("\n").split("\n"), 'extern "C" {']
    for kernel in kernels:
        lines += ["", *_loop(kernel)]
    if over_edges:
        doors = {f"DOOR OF {each.name}": door_lines(each) for each in HELPERS}
        for line in (SCATTER + SPLINE + RADIAL).rstrip("\n").split("\n"):
            lines += doors.get(line, [line])
    return [*lines, "", '}  // extern "C"']


def door_lines(signature: Signature) -> list[str]:
    """Return the head of a function that is called, and the lines that refuse what does not fit."""
    numbers = [f"int64_t {number}" for number in signature.numbers]
    integers = [a.name for a in signature.parameters if a.integer]
    indices = [f"const int64_t* {name}" for name in integers]
    arrays = [text for text in parameters(signature) if text.split()[-1] not in integers]
    whole = [*numbers, "const int64_t* sizes", *indices, *arrays]
    lines = wrapped(f"const char* {signature.name}(", whole, ") {", 4)

    def refuse(wrong: str, name: str) -> None:
        lines.append(f'    if ({wrong}) return "{name}";')

    refuse("threads < 1", "threads")
    for length in LENGTHS:
        if length in signature.numbers:
            refuse(f"{length} < 1", length)
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
    rows = {
        "item": "count", "edge": "edges", "sender": "atoms", "receiver": "atoms", "width": "width"
    }  # fmt: skip
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


def _loop(kernel: Kernel) -> list[str]:
    """Return the function that is called: the loop around the programs."""
    signature, lines = kernel.signature, door_lines(kernel.signature)

    def calls(begin: str, end: str, indent: int) -> list[str]:
        rows = [f"{array.name} + {_offset(array)}" for array in kernel.arrays]
        texts = []
        for number in range(len(kernel.programs)):
            head = " " * indent + f"{body_name(kernel, number)}("
            texts += wrapped(head, [begin, end, *rows], ");", indent + 4)
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
    if not kernel.channels:
        names = [body_name(kernel, number) for number in range(len(kernel.programs))]
        return [*lines, *block_loop_lines(kernel, names), *END]
    return [
        *lines,
        "#pragma omp parallel for schedule(static) num_threads(threads)",
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

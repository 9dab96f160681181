"""C++ of a loop over items without channels: as many at once as a register has lanes.

Items lie one after another, their components side by side; a register wants one component of
several items. So the components of a block are transposed on the way in and out, by shuffles of
two registers at a time (log2 of the lanes for each).
"""

from __future__ import annotations

from ..programs.kernel import Array, Kernel
from .cpp_text import wrapped

BLOCKS = """\

#if LANES > 1 && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLES
#endif
#endif

#ifdef SHUFFLES
template <int D, int... J>
inline V first_halves(V a, V b, std::integer_sequence<int, J...>) {
    return __builtin_shufflevector(a, b, ((J & D) ? J - D + LANES : J)...);
}
template <int D, int... J>
inline V second_halves(V a, V b, std::integer_sequence<int, J...>) {
    return __builtin_shufflevector(a, b, ((J & D) ? J + LANES : J + D)...);
}
// Transposes a square: blocks of half its size change places, then the blocks themselves.
template <int D = LANES / 2>
inline void transpose(V* rows) {
    constexpr auto lanes = std::make_integer_sequence<int, LANES>{};
#pragma GCC unroll 16
    for (int i = 0; i < LANES; ++i) {
        if (i & D) continue;
        const V a = rows[i], b = rows[i + D];
        rows[i] = first_halves<D>(a, b, lanes);
        rows[i + D] = second_halves<D>(a, b, lanes);
    }
    if constexpr (D > 1) transpose<D / 2>(rows);
}
#endif

inline T* lane_of(V& value, int lane) { return reinterpret_cast<T*>(&value) + lane; }

// Asks for the numbers of the next block while this one is computed: a processor that sees rows
// read side by side does not guess that their memory is one stretch.
template <int WRITTEN>
inline void fetch(const T* from, int64_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(from);
    for (int64_t k = 0; k < size * int64_t(sizeof(T)); k += 64)
        __builtin_prefetch(reinterpret_cast<const void*>(at + k), WRITTEN);
}

// Where the components that are wanted begin, as many at a time as a register has lanes.
template <int SIZE>
struct Windows {
    int count = 0, at[SIZE] = {};
};
template <int SIZE>
constexpr Windows<SIZE> windows(std::initializer_list<int> wanted = {}) {  // none said: all
    Windows<SIZE> found;
    int stop = 0;
    const auto want = [&](int k) {
        if (k < stop) return;
        const int at = k + LANES <= SIZE ? k : SIZE > LANES ? SIZE - LANES : 0;
        found.at[found.count++] = at;
        stop = at + LANES;
    };
    for (int k : wanted) want(k);
    for (int k = 0; k < SIZE && wanted.size() == 0; ++k) want(k);
    return found;
}

// Reads components of a block of items, `step` numbers from one to the next; 0: all have the same.
// `left` items there are from here on; lanes beyond them repeat the last one.
template <int SIZE>
inline void read_block(const T* from, int64_t step, int64_t left, const Windows<SIZE>& wanted,
                       V* to) {
    if (step == 0) {
        for (int k = 0; k < SIZE; ++k) to[k] = from[k] - V{};
        return;
    }
    fetch<0>(from + LANES * step, SIZE * LANES);
#ifdef SHUFFLES
    // A register may reach into the next items, but not beyond the last one.
    constexpr int beyond = SIZE < LANES ? LANES - SIZE : 0;
    if (left >= LANES + (beyond + SIZE - 1) / SIZE) {
        if constexpr (SIZE == 1) {
            to[0] = load(from);
            return;
        }
        for (int window = 0; window < wanted.count; ++window) {
            const int at = wanted.at[window];
            V rows[LANES];
#pragma GCC unroll 16
            for (int lane = 0; lane < LANES; ++lane) rows[lane] = load(from + lane * step + at);
            transpose(rows);
#pragma GCC unroll 16
            for (int k = 0; k < LANES && k < SIZE; ++k) to[at + k] = rows[k];
        }
        return;
    }
#endif
    for (int lane = 0; lane < LANES; ++lane) {
        const T* item = from + (lane < left ? lane : left - 1) * step;
        for (int k = 0; k < SIZE; ++k) *lane_of(to[k], lane) = item[k];
    }
}

// Writes components of the items that are left, one after another.
template <int SIZE>
inline void write_block(V* from, int64_t left, T* to) {
    fetch<1>(to + LANES * SIZE, SIZE * LANES);
#ifdef SHUFFLES
    if (left >= LANES) {
        if constexpr (SIZE == 1) return store(to, from[0]);
        constexpr int width = SIZE < LANES ? SIZE : LANES;
        for (int k = 0; k < SIZE; k += width) {
            const int at = k + width <= SIZE ? k : SIZE - width;
            V rows[LANES]{};
#pragma GCC unroll 16
            for (int lane = 0; lane < width; ++lane) rows[lane] = from[at + lane];
            transpose(rows);
#pragma GCC unroll 16
            for (int lane = 0; lane < LANES; ++lane)
                std::memcpy(to + lane * SIZE + at, &rows[lane], width * sizeof(T));
        }
        return;
    }
#endif
    for (int lane = 0; lane < LANES && lane < left; ++lane)
        for (int k = 0; k < SIZE; ++k) to[lane * SIZE + k] = *lane_of(from[k], lane);
}
"""


def block_loop_lines(kernel: Kernel, names: list[str]) -> list[str]:
    """Return the loop over blocks of items.

    Args:
        kernel: without channels.
        names: of the functions of one item, called in turn.
    """
    arrays = kernel.arrays
    rows = ", ".join(f"{array.name}_rows[{array.entries}]" for array in arrays)
    given = [array for array in arrays if not array.written]
    wanted: list[str] = []
    for array in given:
        places = _read_places(kernel, array)
        some = [str(place) for place in places] if len(places) != array.entries else []
        head = f"    constexpr auto {array.name}_windows = windows<{array.entries}>("
        wanted += wrapped(head + "{", some, "});", 8) if some else [head + ");"]
    reads = [
        f"        read_block<{each.entries}>({each.name} + item * {_step(each)}, {_step(each)}, "
        f"left, {each.name}_windows, {each.name}_rows);"
        for each in given
    ]
    writes = [
        f"        write_block<{each.entries}>({each.name}_rows, left, "
        f"{each.name} + item * {each.entries});"
        for each in arrays
        if each.written
    ]
    called = ", ".join(["0", "CHANNELS", *(f"{array.name}_rows" for array in arrays)])
    return [
        *wanted,
        "    const int64_t blocks = (count + LANES - 1) / LANES;",
        "#pragma omp parallel for schedule(static) num_threads(threads)",
        "    for (int64_t block = 0; block < blocks; ++block) {",
        "        const int64_t item = block * LANES, left = count - item;",
        f"        V {rows};",
        *reads,
        *(f"        {name}({called});" for name in names),
        *writes,
        "    }",
    ]


def _read_places(kernel: Kernel, array: Array) -> list[int]:
    """Return which entries of a row the programs read."""
    places: set[int] = set()
    for program in kernel.programs:
        used = program.used()
        for ref, (argument, place, _) in enumerate(program.components()):
            if argument.name == array.name and ref in used:
                places.add(place)
    return sorted(places)


def _step(array: Array) -> str:
    return f"{array.name}_step" if array.row == "broadcast" else str(array.entries)

"""C++ of a loop over items without channels: as many at once as a register has lanes.

Items lie one after another, their components side by side; a register wants one component of
several items. So the components of a block are transposed on the way in and out, by shuffles of
two registers at a time (log2 of the lanes for each).
"""

from __future__ import annotations

from ..programs.kernel import Array, Kernel

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

// Reads components of a block of items, `step` numbers from one to the next; 0: all have the same.
// Lanes beyond the items that are present repeat the last one.
template <int SIZE>
inline void read_block(const T* from, int64_t step, int present, V* to) {
    if (step == 0) {
        for (int k = 0; k < SIZE; ++k) to[k] = V{} + from[k];
        return;
    }
#ifdef SHUFFLES
    if constexpr (SIZE >= LANES) {
        if (present == LANES) {
            for (int k = 0; k < SIZE; k += LANES) {
                const int at = k + LANES <= SIZE ? k : SIZE - LANES;
                V rows[LANES];
#pragma GCC unroll 16
                for (int lane = 0; lane < LANES; ++lane) rows[lane] = load(from + lane * step + at);
                transpose(rows);
#pragma GCC unroll 16
                for (int lane = 0; lane < LANES; ++lane) to[at + lane] = rows[lane];
            }
            return;
        }
    }
#endif
    for (int lane = 0; lane < LANES; ++lane) {
        const T* item = from + (lane < present ? lane : present - 1) * step;
        for (int k = 0; k < SIZE; ++k) *lane_of(to[k], lane) = item[k];
    }
}

// Writes components of the items that are present, one after another.
template <int SIZE>
inline void write_block(V* from, int present, T* to) {
#ifdef SHUFFLES
    if constexpr (SIZE == 1 || SIZE >= LANES) {
        if (present == LANES) {
            if constexpr (SIZE == 1) return store(to, from[0]);
            for (int k = 0; k < SIZE; k += LANES) {
                const int at = k + LANES <= SIZE ? k : SIZE - LANES;
                V rows[LANES];
#pragma GCC unroll 16
                for (int lane = 0; lane < LANES; ++lane) rows[lane] = from[at + lane];
                transpose(rows);
#pragma GCC unroll 16
                for (int lane = 0; lane < LANES; ++lane) store(to + lane * SIZE + at, rows[lane]);
            }
            return;
        }
    }
#endif
    for (int lane = 0; lane < present; ++lane)
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
    reads = [
        f"        read_block<{each.entries}>({each.name} + item * {_step(each)}, {_step(each)}, "
        f"present, {each.name}_rows);"
        for each in arrays
        if not each.written
    ]
    writes = [
        f"        write_block<{each.entries}>({each.name}_rows, present, "
        f"{each.name} + item * {each.entries});"
        for each in arrays
        if each.written
    ]
    called = ", ".join(["0", "CHANNELS", *(f"{array.name}_rows" for array in arrays)])
    return [
        "    const int64_t blocks = (count + LANES - 1) / LANES;",
        "#pragma omp parallel for schedule(static) num_threads(threads)",
        "    for (int64_t block = 0; block < blocks; ++block) {",
        "        const int64_t item = block * LANES;",
        "        const int present = count - item < LANES ? int(count - item) : LANES;",
        f"        V {rows};",
        *reads,
        *(f"        {name}({called});" for name in names),
        *writes,
        "    }",
    ]


def _step(array: Array) -> str:
    return f"{array.name}_step" if array.row == "broadcast" else str(array.entries)

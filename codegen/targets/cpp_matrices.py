"""C++ of the matrix products that make radial weights of a hidden layer, and of their derivatives.

Libraries of linear algebra are tuned for large matrices and, some of them, for processors of one
maker. These products have thousands of rows but 64 or so hidden numbers: a tile of sums that stays
in registers, over a panel of the second factor that stays in the cache, comes near the peak.
"""

from __future__ import annotations

from ..programs.kernel import Array, Signature

TILES = """\

// Products of matrices, a tile of sums in registers at a time.
#if defined(__AVX512F__)
constexpr int REGISTER = 64, ACROSS = 4;  // bytes, registers beside each other in a tile
#elif defined(__AVX__)
constexpr int REGISTER = 32, ACROSS = 2;
#else
constexpr int REGISTER = 16, ACROSS = 2;
#endif
typedef T Wide __attribute__((vector_size(REGISTER)));
constexpr int WIDE = REGISTER / sizeof(T), DOWN = 6, DEEP = 128;

template <int ROWS, int VECTORS>
inline void tile(int64_t depth, const T* a, int64_t row, int64_t step, const T* panel, T* sums,
                 int64_t width, bool more) {
    Wide held[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; ++v) {
            held[r][v] = Wide{};
            if (more) std::memcpy(&held[r][v], sums + r * width + v * WIDE, REGISTER);
        }
    }
    for (int64_t k = 0; k < depth; ++k) {
        Wide right[VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; ++v)
            std::memcpy(&right[v], panel + (k * VECTORS + v) * WIDE, REGISTER);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r) {
            const T left = a[r * row + k * step];
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; ++v) held[r][v] += left * right[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 8
        for (int v = 0; v < VECTORS; ++v)
            std::memcpy(sums + r * width + v * WIDE, &held[r][v], REGISTER);
    }
}

template <int ROWS, int VECTORS>
inline void tile_of(int present, int64_t depth, const T* a, int64_t row, int64_t step,
                    const T* panel, T* sums, int64_t width, bool more) {
    if (present == ROWS)
        tile<ROWS, VECTORS>(depth, a, row, step, panel, sums, width, more);
    else if constexpr (ROWS > 1)
        tile_of<ROWS - 1, VECTORS>(present, depth, a, row, step, panel, sums, width, more);
}

// A matrix: its numbers, and how far apart they lie from row to row and from column to column.
struct Matrix {
    const T* numbers;
    int64_t down, across;
};

// Some columns, as many as a tile has, of some rows of a product.
template <int VECTORS>
inline void strip(int64_t begin, int64_t end, int64_t column, int present, int64_t from,
                  int64_t depth, Matrix a, Matrix b, T* product, int64_t width, bool more) {
    constexpr int COLUMNS = VECTORS * WIDE;
    alignas(64) T panel[DEEP * COLUMNS];
    const T* start = b.numbers + from * b.down + column * b.across;
    for (int j = 0; j < COLUMNS; ++j)
        for (int64_t k = 0; k < depth; ++k)
            panel[k * COLUMNS + j] = j < present ? start[k * b.down + j * b.across] : T(0);
    for (int64_t row = begin; row < end; row += DOWN) {
        const int rows = end - row < DOWN ? int(end - row) : DOWN;
        const T* left = a.numbers + row * a.down + from * a.across;
        T* sums = product + row * width + column;
        if (present == COLUMNS) {
            tile_of<DOWN, VECTORS>(rows, depth, left, a.down, a.across, panel, sums, width, more);
            continue;
        }
        T part[DOWN * COLUMNS] = {};
        for (int r = 0; more && r < rows; ++r)
            std::memcpy(part + r * COLUMNS, sums + r * width, present * sizeof(T));
        tile_of<DOWN, VECTORS>(rows, depth, left, a.down, a.across, panel, part, COLUMNS, more);
        for (int r = 0; r < rows; ++r)
            std::memcpy(sums + r * width, part + r * COLUMNS, present * sizeof(T));
    }
}

// The narrowest strip that holds what is left of the columns.
template <int VECTORS>
inline void strip_of(int64_t begin, int64_t end, int64_t column, int present, int64_t from,
                     int64_t depth, Matrix a, Matrix b, T* product, int64_t width, bool more) {
    if constexpr (VECTORS > 1)
        if (present <= (VECTORS - 1) * WIDE)
            return strip_of<VECTORS - 1>(begin, end, column, present, from, depth, a, b, product,
                                         width, more);
    strip<VECTORS>(begin, end, column, present, from, depth, a, b, product, width, more);
}

// Sets, or adds to, a product of so many rows, columns, and terms in each sum.
inline void multiply(int64_t rows, int64_t columns, int64_t terms, Matrix a, Matrix b, T* product,
                     bool add, int64_t threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t part = 0; part < threads; ++part) {
        const int64_t begin = rows * part / threads, end = rows * (part + 1) / threads;
        for (int64_t from = 0; begin < end && from < terms; from += DEEP)
            for (int64_t column = 0; column < columns; column += ACROSS * WIDE) {
                const int64_t depth = terms - from < DEEP ? terms - from : DEEP;
                const int64_t left = columns - column;
                const int present = left < ACROSS * WIDE ? int(left) : ACROSS * WIDE;
                strip_of<ACROSS>(begin, end, column, present, from, depth, a, b, product, columns,
                                 add || from > 0);
            }
    }
}
"""
"""What `RADIAL` calls; stands where names are not seen from outside."""

RADIAL = """
// Radial weights: hidden layer times matrix.
DOOR OF radial
    multiply(count, width, depth, {hidden, depth, 1}, {matrix, 1, depth}, weights, false, threads);
    return nullptr;
}

// Their gradient by the hidden layer.
DOOR OF radial_vjp
    multiply(count, depth, width, {gradient, width, 1}, {matrix, depth, 1}, hidden_gradient, false,
             threads);
    return nullptr;
}

// Their gradient by the matrix, added to what is there.
DOOR OF radial_matrix_vjp
    multiply(width, depth, count, {gradient, 1, width}, {hidden, depth, 1}, matrix_gradient, true,
             threads);
    return nullptr;
}
"""

RADIAL_SIGNATURES = (
    Signature(
        "radial",
        "items",
        (
            Array("hidden", "item", "depth"),
            Array("matrix", "width", "depth"),
            Array("weights", "item", "width", written=True),
        ),
    ),
    Signature(
        "radial_vjp",
        "items",
        (
            Array("gradient", "item", "width"),
            Array("matrix", "width", "depth"),
            Array("hidden_gradient", "item", "depth", written=True),
        ),
    ),
    Signature(
        "radial_matrix_vjp",
        "items",
        (
            Array("gradient", "item", "width"),
            Array("hidden", "item", "depth"),
            Array("matrix_gradient", "width", "depth", written=True),
        ),
    ),
)
"""How these functions are called."""

// Vectors, matrices and nonlinearities.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#ifdef NAME_DOUBLE
#define SCALAR double
#else
#define SCALAR float
#endif

namespace {

using T = SCALAR;
using Values = std::vector<T>;
using Index = int64_t;

// What goes wrong, with the status that the interface returns.
struct Problem : std::exception {
    int status;
    std::string text;
    Problem(int status, std::string text) : status(status), text(std::move(text)) {}
    const char* what() const noexcept override { return text.c_str(); }
};

#if defined(__AVX512F__)
constexpr int REGISTER = 64;  // bytes
#elif defined(__AVX__)
constexpr int REGISTER = 32;
#else
constexpr int REGISTER = 16;
#endif
typedef T Wide __attribute__((vector_size(REGISTER)));
constexpr int WIDE = REGISTER / sizeof(T);

inline Wide wide(const T* place) {
    Wide value;
    std::memcpy(&value, place, sizeof value);
    return value;
}
inline void keep(T* place, Wide value) { std::memcpy(place, &value, sizeof value); }

// The scalar product of two arrays.
inline T dot(const T* x, const T* y, Index count) {
    Wide sums[4] = {};
    Index k = 0;
    for (; k + 4 * WIDE <= count; k += 4 * WIDE)
        for (int v = 0; v < 4; ++v) sums[v] += wide(x + k + v * WIDE) * wide(y + k + v * WIDE);
    for (; k + WIDE <= count; k += WIDE) sums[0] += wide(x + k) * wide(y + k);
    const Wide all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    T sum = 0;
    for (int lane = 0; lane < WIDE; ++lane) sum += all[lane];
    for (; k < count; ++k) sum += x[k] * y[k];
    return sum;
}

// A matrix that acts on rows from the right, and its transpose, which derivatives need.
struct Matrix {
    int in = 0, out = 0;
    Values forth, back;  // [in][out], [out][in]

    void set(int rows, int columns, const T* values) {
        in = rows, out = columns;
        forth.assign(values, values + Index(in) * out);
        back.resize(forth.size());
        for (int i = 0; i < in; ++i)
            for (int j = 0; j < out; ++j) back[Index(j) * in + i] = forth[Index(i) * out + j];
    }
};

template <int ROWS, int VECTORS>
inline void tile(const T* const* x, T* const* y, const T* w, int in, int stride, int column,
                 bool add) {
    Wide sums[ROWS][VECTORS];
    for (int r = 0; r < ROWS; ++r)
        for (int v = 0; v < VECTORS; ++v)
            sums[r][v] = add ? wide(y[r] + column + v * WIDE) : Wide{};
    for (int k = 0; k < in; ++k) {
        Wide right[VECTORS];
        for (int v = 0; v < VECTORS; ++v) right[v] = wide(w + Index(k) * stride + column + v * WIDE);
        for (int r = 0; r < ROWS; ++r)
            for (int v = 0; v < VECTORS; ++v) sums[r][v] += x[r][k] * right[v];
    }
    for (int r = 0; r < ROWS; ++r)
        for (int v = 0; v < VECTORS; ++v) keep(y[r] + column + v * WIDE, sums[r][v]);
}

template <int VECTORS>
inline void tiles(Index rows, const T* const* x, T* const* y, const T* w, int in, int stride,
                  int column, bool add) {
    Index row = 0;
    for (; row + 6 <= rows; row += 6)
        tile<6, VECTORS>(x + row, y + row, w, in, stride, column, add);
    for (; row + 2 <= rows; row += 2)
        tile<2, VECTORS>(x + row, y + row, w, in, stride, column, add);
    for (; row < rows; ++row) tile<1, VECTORS>(x + row, y + row, w, in, stride, column, add);
}

// Rows times a matrix [in][out], set or added; x and y do not overlap.
inline void multiply(Index rows, const T* const* x, T* const* y, const T* w, int in, int out,
                     bool add) {
    int column = 0;
    for (; column + 2 * WIDE <= out; column += 2 * WIDE)
        tiles<2>(rows, x, y, w, in, out, column, add);
    for (; column + WIDE <= out; column += WIDE) tiles<1>(rows, x, y, w, in, out, column, add);
    for (; column < out; ++column)
        for (Index row = 0; row < rows; ++row) {
            T sum = add ? y[row][column] : T(0);
            for (int k = 0; k < in; ++k) sum += x[row][k] * w[Index(k) * out + column];
            y[row][column] = sum;
        }
}

// The same for rows that lie one after another.
constexpr int ROWS_AT_ONCE = 256;
inline void multiply(Index rows, const T* x, Index x_step, T* y, Index y_step, const T* w, int in,
                     int out, bool add) {
    const T* from[ROWS_AT_ONCE];
    T* to[ROWS_AT_ONCE];
    for (Index first = 0; first < rows; first += ROWS_AT_ONCE) {
        const Index count = std::min<Index>(ROWS_AT_ONCE, rows - first);
        for (Index row = 0; row < count; ++row)
            from[row] = x + (first + row) * x_step, to[row] = y + (first + row) * y_step;
        multiply(count, from, to, w, in, out, add);
    }
}

inline T sigmoid(T x) { return T(1) / (T(1) + std::exp(-x)); }
inline T silu(T x) { return x * sigmoid(x); }
inline T silu_slope(T x) {
    const T s = sigmoid(x);
    return s * (T(1) + x * (T(1) - s));
}

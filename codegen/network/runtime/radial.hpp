// Radial weights of every path and channel, from a distance and two elements.

constexpr int BONDS_AT_ONCE = 16;

// Bessel functions under a smooth cutoff, and their derivatives by the length.
inline void basis(const double* waves, T length, T* values, T* slopes) {
    constexpr double ROOT = 1.41421356237309504880;
    const double x = double(length) / CUTOFF;
    const double x2 = x * x, x5 = x2 * x2 * x;
    const bool inside = x < 1;
    const double envelope = inside ? 1 - x5 * x * (28 - 48 * x + 21 * x2) : 0;
    const double envelope_slope = inside ? -168 * x5 * (1 - x) * (1 - x) : 0;
    for (int n = 0; n < RADIAL; ++n) {
        const double bessel = ROOT * std::sin(waves[n] * x) / x;
        values[n] = T(bessel * envelope);
        if (!slopes) continue;
        const double bessel_slope = (ROOT * waves[n] * std::cos(waves[n] * x) - bessel) / x;
        slopes[n] = T((bessel_slope * envelope + bessel * envelope_slope) / CUTOFF);
    }
}

struct Radial {
    int width = 0;              // paths times channels
    std::vector<double> waves;  // n pi, as the network was trained with
    Values senders, receivers;  // [species][hidden]
    Matrix first, second, last;
    Values table;             // B-spline coefficients, [pairs][rows][width]; empty: exact
    std::vector<int32_t> pairs;  // [species][species] to a table, -1 where there is none
    double start = 0, spacing = 0;
    Index rows = 0;

    Radial() = default;
    Radial(Reader& reader, int width)
        : width(width),
          waves(reader.doubles(RADIAL)),
          senders(reader.values(Index(SPECIES) * RADIAL_HIDDEN)),
          receivers(reader.values(Index(SPECIES) * RADIAL_HIDDEN)),
          first(reader.matrix(RADIAL, RADIAL_HIDDEN)),
          second(reader.matrix(RADIAL_HIDDEN, RADIAL_HIDDEN)),
          last(reader.matrix(RADIAL_HIDDEN, width)) {}

    // Some bonds of a pair of species each: weights [count][width] and, unless null, their
    // derivatives by the lengths.
    void exact(int count, const T* lengths, const int32_t* from, const int32_t* to, T* values,
               T* slopes) const {
        T in[2 * BONDS_AT_ONCE * RADIAL];
        T one[2 * BONDS_AT_ONCE * RADIAL_HIDDEN], two[2 * BONDS_AT_ONCE * RADIAL_HIDDEN];
        const int both = slopes ? 2 * count : count;  // values first, then their derivatives
        for (int bond = 0; bond < count; ++bond)
            basis(waves.data(), lengths[bond], in + bond * RADIAL,
                  slopes ? in + (count + bond) * RADIAL : nullptr);
        multiply(both, in, RADIAL, one, RADIAL_HIDDEN, first.forth.data(), RADIAL, RADIAL_HIDDEN,
                 false);
        for (int bond = 0; bond < count; ++bond) {
            const T* a = senders.data() + Index(from[bond]) * RADIAL_HIDDEN;
            const T* b = receivers.data() + Index(to[bond]) * RADIAL_HIDDEN;
            T *here = one + bond * RADIAL_HIDDEN, *slope = one + (count + bond) * RADIAL_HIDDEN;
            for (int k = 0; k < RADIAL_HIDDEN; ++k) {
                const T factor = T(1) + a[k] * b[k], x = here[k] * factor;
                if (slopes) slope[k] *= factor * silu_slope(x);
                here[k] = silu(x);
            }
        }
        multiply(both, one, RADIAL_HIDDEN, two, RADIAL_HIDDEN, second.forth.data(), RADIAL_HIDDEN,
                 RADIAL_HIDDEN, false);
        for (int bond = 0; bond < count; ++bond) {
            T *here = two + bond * RADIAL_HIDDEN, *slope = two + (count + bond) * RADIAL_HIDDEN;
            for (int k = 0; k < RADIAL_HIDDEN; ++k) {
                if (slopes) slope[k] *= silu_slope(here[k]);
                here[k] = silu(here[k]);
            }
        }
        multiply(count, two, RADIAL_HIDDEN, values, width, last.forth.data(), RADIAL_HIDDEN, width,
                 false);
        if (slopes)
            multiply(count, two + count * RADIAL_HIDDEN, RADIAL_HIDDEN, slopes, width,
                     last.forth.data(), RADIAL_HIDDEN, width, false);
    }

    // Cubic B-splines between rows of a table.
    void spline(T length, int32_t from, int32_t to, T* values, T* slopes) const {
        const int32_t pair = pairs[size_t(to) * SPECIES + from];
        const double x = (double(length) - start) / spacing;
        const Index row = std::min<Index>(Index(x), rows - 4);
        const double t = std::min(x - double(row), 1.0), s = 1 - t;
        const T* p = table.data() + (pair * rows + row) * width;
        const T *q = p + width, *r = q + width, *u = r + width;
        const T a = T(s * s * s / 6), b = T((3 * t * t * t - 6 * t * t + 4) / 6);
        const T c = T((3 * s * s * s - 6 * s * s + 4) / 6), d = T(t * t * t / 6);
        if (!slopes) {
            for (int k = 0; k < width; ++k)
                values[k] = a * p[k] + b * q[k] + c * r[k] + d * u[k];
            return;
        }
        const T da = T(-s * s / 2 / spacing), db = T((1.5 * t * t - 2 * t) / spacing);
        const T dc = T((-1.5 * s * s + 2 * s) / spacing), dd = T(t * t / 2 / spacing);
        for (int k = 0; k < width; ++k) {
            values[k] = a * p[k] + b * q[k] + c * r[k] + d * u[k];
            slopes[k] = da * p[k] + db * q[k] + dc * r[k] + dd * u[k];
        }
    }

    // Refuse bonds that are not in the tables.
    void check(const Bonds& bonds) const {
        if (table.empty()) return;
        for (Index atom = 0; atom < bonds.atoms; ++atom)
            if (pairs[size_t(bonds.species[atom]) * SPECIES + bonds.species[atom]] < 0)
                throw Problem(NAME_INPUT,
                              "atom " + std::to_string(atom) + " is of an element without tables: "
                              "name all elements that occur when the model is loaded");
        for (const T length : bonds.lengths)
            if (double(length) < start)
                throw Problem(NAME_INPUT,
                              "two atoms are " + std::to_string(double(length)) +
                              " angstrom apart and the tables start at " + std::to_string(start));
    }

    // The weights of some bonds of one receiver, first bond and how many.
    void weights(const Bonds& bonds, int32_t receiver, Index begin, int count, T* values,
                 T* slopes) const {
        int32_t from[BONDS_AT_ONCE], to[BONDS_AT_ONCE];
        for (int k = 0; k < count; ++k)
            from[k] = bonds.species[bonds.senders[begin + k]], to[k] = receiver;
        if (table.empty()) {
            exact(count, bonds.lengths.data() + begin, from, to, values, slopes);
            return;
        }
        for (int k = 0; k < count; ++k)
            spline(bonds.lengths[begin + k], from[k], receiver, values + Index(k) * width,
                   slopes ? slopes + Index(k) * width : nullptr);
    }

    // The weights of the kinds of bonds that are one thread's, in their places of [kinds][width].
    void of_kinds(const Bonds& bonds, Index first, Index end, T* values) const {
        for (Index kind = first; kind < end; kind += BONDS_AT_ONCE) {
            const int count = int(std::min<Index>(BONDS_AT_ONCE, end - kind));
            T lengths[BONDS_AT_ONCE];
            int32_t from[BONDS_AT_ONCE], to[BONDS_AT_ONCE];
            for (int k = 0; k < count; ++k) {
                const Index bond = bonds.examples[kind + k];
                const auto after = std::upper_bound(bonds.starts.begin(), bonds.starts.end(), bond);
                lengths[k] = bonds.lengths[bond];
                from[k] = bonds.species[bonds.senders[bond]];
                to[k] = bonds.species[after - bonds.starts.begin() - 1];
            }
            exact(count, lengths, from, to, values + kind * width, nullptr);
        }
    }

    // Tables for all pairs of some species; the error falls with the fourth power of the spacing.
    void tabulate(const std::vector<int32_t>& chosen, double shortest, double step) {
        constexpr Index MARGIN = 12;  // rows where the end of the spline dies out
        const Index steps = Index((CUTOFF - shortest) / step) + 1;  // the cutoff is a knot
        spacing = step, start = CUTOFF - double(steps) * step, rows = steps + 3;
        const Index knots = rows + 2 * MARGIN;
        pairs.assign(size_t(SPECIES) * SPECIES, -1);
        Values filled(size_t(Index(chosen.size() * chosen.size()) * rows * width));
        std::vector<double> solved(size_t(knots) * width), factors(static_cast<size_t>(knots));
        Values values(size_t(BONDS_AT_ONCE) * width);
        int32_t pair = 0;
        for (const int32_t to : chosen)
            for (const int32_t from : chosen) {
                for (Index knot = 0; knot < knots; knot += BONDS_AT_ONCE) {
                    const int count = int(std::min<Index>(BONDS_AT_ONCE, knots - knot));
                    T lengths[BONDS_AT_ONCE];
                    int32_t ends[BONDS_AT_ONCE], others[BONDS_AT_ONCE];
                    for (int k = 0; k < count; ++k)
                        lengths[k] = T(start + spacing * double(knot + k - MARGIN - 1)),
                        ends[k] = from, others[k] = to;
                    exact(count, lengths, ends, others, values.data(), nullptr);
                    std::copy(values.begin(), values.begin() + Index(count) * width,
                              solved.begin() + knot * width);
                }
                // the coefficients c of c[k-1] / 6 + 4 c[k] / 6 + c[k+1] / 6 = value[k]
                factors[0] = 0.25;
                for (int k = 0; k < width; ++k) solved[k] *= 1.5;
                for (Index knot = 1; knot < knots; ++knot) {
                    const double scale = 1 / (4 - factors[knot - 1]);
                    factors[knot] = scale;
                    double *here = solved.data() + knot * width, *before = here - width;
                    for (int k = 0; k < width; ++k) here[k] = (6 * here[k] - before[k]) * scale;
                }
                for (Index knot = knots - 2; knot >= 0; --knot) {
                    double *here = solved.data() + knot * width, *after = here + width;
                    for (int k = 0; k < width; ++k) here[k] -= factors[knot] * after[k];
                }
                T* rows_of_pair = filled.data() + Index(pair) * rows * width;
                for (Index k = 0; k < rows * width; ++k)
                    rows_of_pair[k] = T(solved[MARGIN * width + k]);
                pairs[size_t(to) * SPECIES + from] = pair++;
            }
        table.swap(filled);
    }
};

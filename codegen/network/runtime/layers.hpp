// One layer: sums over the neighbours, then products of the moments of each atom.

constexpr int ATOMS_AT_ONCE = 12;

// Rows from.. of x times a matrix into rows to.. of y.
struct Mix {
    int from, to, size, matrix;
};

// Mix channels of some atoms; x and y hold x_rows and y_rows rows of channels an atom.
inline void mix(const Mix* list, int count, const std::vector<Matrix>& matrices, bool transposed,
                bool add, int atoms, const T* x, int x_rows, T* y, int y_rows) {
    const T* from[ATOMS_AT_ONCE * LARGEST_SIZE];
    T* to[ATOMS_AT_ONCE * LARGEST_SIZE];
    for (int k = 0; k < count; ++k) {
        const Mix& each = list[k];
        const Matrix& matrix = matrices[each.matrix];
        int rows = 0;
        for (int atom = 0; atom < atoms; ++atom)
            for (int row = 0; row < each.size; ++row, ++rows) {
                const int a = each.from + row, b = each.to + row;
                from[rows] = x + Index(atom * x_rows + (transposed ? b : a)) * CHANNELS;
                to[rows] = y + Index(atom * y_rows + (transposed ? a : b)) * CHANNELS;
            }
        multiply(rows, from, to, (transposed ? matrix.back : matrix.forth).data(), CHANNELS,
                 CHANNELS, add);
    }
}

// What one thread needs for some atoms of a layer.
struct NodeScratch {
    Values sums, moments, bounded, sizes, totals, gates, results, gradients;
    std::vector<Values> hyper, hyper_gradients;
    Values by_totals, by_gates, by_moments, by_sums, by_second;
};

// Parameters of a layer; L holds its sizes and kernels.
template <class L>
struct Layer {
    Values factors;      // 1 + map of the element, [species][blocks][channels]
    Values start;        // of the first layer: what an element sends, [species][channels]
    Values kept;         // of the first layer: what an element keeps, [species][channels]
    std::vector<Matrix> before, after, skip;
    std::vector<std::vector<Matrix>> mixings;
    std::vector<Values> weights;  // of the products
    Matrix gate;
    Values gate_bias;
    Radial radial;

    Layer() = default;
    explicit Layer(Reader& reader) {
        factors = reader.values(Index(SPECIES) * L::MOMENT_BLOCKS * CHANNELS);
        if (L::FIRST) {
            start = reader.values(Index(SPECIES) * CHANNELS);
            kept = reader.values(Index(SPECIES) * CHANNELS);
        } else {
            before = reader.matrices(L::SENT_BLOCKS, CHANNELS, CHANNELS);
            skip = reader.matrices(L::SKIP_BLOCKS, CHANNELS, CHANNELS);
        }
        radial = Radial(reader, L::PATHS * CHANNELS);
        after = reader.matrices(L::MOMENT_BLOCKS, CHANNELS, CHANNELS);
        for (int order = 0; order <= L::PRODUCTS; ++order)
            mixings.push_back(reader.matrices(L::KEPT_BLOCKS, CHANNELS, CHANNELS));
        for (int order = 0; order < L::PRODUCTS; ++order)
            weights.push_back(reader.values(Index(L::PRODUCT_PATHS) * CHANNELS));
        if (L::KEPT_BLOCKS > 1) {
            gate = reader.matrix(CHANNELS, (L::KEPT_BLOCKS - 1) * CHANNELS);
            gate_bias = reader.values(Index(L::KEPT_BLOCKS - 1) * CHANNELS);
        }
    }

    static void prepare(NodeScratch& s) {
        const size_t row = size_t(ATOMS_AT_ONCE) * CHANNELS;
        s.sums.resize(row * L::MOMENT), s.moments.resize(row * L::MOMENT);
        s.by_sums.resize(row * L::MOMENT), s.by_moments.resize(row * L::MOMENT);
        s.bounded.resize(row * L::SIZE), s.sizes.resize(ATOMS_AT_ONCE * L::MOMENT_BLOCKS);
        s.totals.resize(row * L::KEPT), s.by_totals.resize(row * L::KEPT);
        s.results.resize(row * L::KEPT), s.gradients.resize(row * L::KEPT);
        s.gates.resize(row * L::KEPT_BLOCKS), s.by_gates.resize(row * L::KEPT_BLOCKS);
        s.by_second.resize(row * L::SIZE);
        s.hyper.resize(L::PRODUCTS), s.hyper_gradients.resize(L::PRODUCTS + 1);
        for (Values& each : s.hyper) each.resize(row * L::SIZE);
        for (Values& each : s.hyper_gradients) each.resize(row * L::SIZE);
    }

    // Features of some atoms after the layer, into s.results, from s.sums; features before the
    // layer are those of the same atoms, null in the first layer.
    void forward(int atoms, const int32_t* species, const T* features, NodeScratch& s) const {
        mix(L::AFTER, L::MOMENT_BLOCKS, after, false, false, atoms, s.sums.data(), L::MOMENT,
            s.moments.data(), L::MOMENT);
        std::fill(s.bounded.begin(), s.bounded.end(), T(0));
        for (int atom = 0; atom < atoms; ++atom)
            for (int block = 0; block < L::MOMENT_BLOCKS; ++block) {
                const Mix& rows = L::AFTER[block];
                T* here = s.moments.data() + Index(atom * L::MOMENT + rows.from) * CHANNELS;
                T* there = s.bounded.data() + Index(atom * L::SIZE + rows.from) * CHANNELS;
                const T* factor =
                    factors.data() +
                    (Index(species[atom]) * L::MOMENT_BLOCKS + block) * CHANNELS;
                for (int row = 0; row < rows.size; ++row)
                    for (int k = 0; k < CHANNELS; ++k) here[row * CHANNELS + k] *= factor[k];
                const T square = dot(here, here, rows.size * CHANNELS);
                const T size = L::BOUNDED
                                   ? T(1) / std::sqrt(T(1) + square / T(rows.size * CHANNELS))
                                   : T(1);
                s.sizes[atom * L::MOMENT_BLOCKS + block] = size;
                for (int k = 0; k < rows.size * CHANNELS; ++k) there[k] = here[k] * size;
            }
        mix(L::KEEP, L::KEPT_BLOCKS, mixings[0], false, false, atoms, s.bounded.data(), L::SIZE,
            s.totals.data(), L::KEPT);
        const Values* hyper = &s.bounded;
        for (int order = 0; order < L::PRODUCTS; ++order) {
            std::fill(s.hyper[order].begin(), s.hyper[order].end(), T(0));
            for (int atom = 0; atom < atoms; ++atom) {
                const Index place = Index(atom) * L::SIZE * CHANNELS;
                L::product(order, hyper->data() + place, s.bounded.data() + place,
                           weights[order].data(), s.hyper[order].data() + place);
            }
            hyper = &s.hyper[order];
            mix(L::KEEP, L::KEPT_BLOCKS, mixings[order + 1], false, true, atoms, hyper->data(),
                L::SIZE, s.totals.data(), L::KEPT);
        }
        constexpr int GATES = L::KEPT_BLOCKS - 1;
        if (GATES > 0)
            multiply(atoms, s.totals.data(), L::KEPT * CHANNELS, s.gates.data(), GATES * CHANNELS,
                     gate.forth.data(), CHANNELS, GATES * CHANNELS, false);
        for (int atom = 0; atom < atoms; ++atom) {
            const T* total = s.totals.data() + Index(atom) * L::KEPT * CHANNELS;
            T* result = s.results.data() + Index(atom) * L::KEPT * CHANNELS;
            for (int k = 0; k < CHANNELS; ++k) result[k] = silu(total[k]);
            if (L::FIRST) {
                const T* own = kept.data() + Index(species[atom]) * CHANNELS;
                for (int k = 0; k < CHANNELS; ++k) result[k] += own[k];
            }
            for (int block = 1; block < L::KEPT_BLOCKS; ++block) {
                T* open = s.gates.data() + (Index(atom) * GATES + block - 1) * CHANNELS;
                const T* bias = gate_bias.data() + Index(block - 1) * CHANNELS;
                for (int k = 0; k < CHANNELS; ++k) open[k] = sigmoid(open[k] + bias[k]);
                const Mix& rows = L::KEEP[block];
                for (int row = rows.to; row < rows.to + rows.size; ++row)
                    for (int k = 0; k < CHANNELS; ++k)
                        result[row * CHANNELS + k] = 2 * open[k] * total[row * CHANNELS + k];
            }
        }
        if (!L::FIRST)
            mix(L::SKIP, L::SKIP_BLOCKS, skip, false, true, atoms, features, L::BEFORE,
                s.results.data(), L::KEPT);
    }

    // After forward: the gradient by the sums, into s.by_sums, from that by the results in
    // s.gradients; the part that skips the layer is added to that by the features before it.
    void backward(int atoms, const int32_t* species, T* by_features, NodeScratch& s) const {
        if (!L::FIRST)
            mix(L::SKIP, L::SKIP_BLOCKS, skip, true, true, atoms, s.gradients.data(), L::KEPT,
                by_features, L::BEFORE);
        constexpr int GATES = L::KEPT_BLOCKS - 1;
        for (int atom = 0; atom < atoms; ++atom) {
            const T* total = s.totals.data() + Index(atom) * L::KEPT * CHANNELS;
            const T* gradient = s.gradients.data() + Index(atom) * L::KEPT * CHANNELS;
            T* by_total = s.by_totals.data() + Index(atom) * L::KEPT * CHANNELS;
            for (int k = 0; k < CHANNELS; ++k) by_total[k] = gradient[k] * silu_slope(total[k]);
            for (int block = 1; block < L::KEPT_BLOCKS; ++block) {
                const T* open = s.gates.data() + (Index(atom) * GATES + block - 1) * CHANNELS;
                T* by_open = s.by_gates.data() + (Index(atom) * GATES + block - 1) * CHANNELS;
                std::fill_n(by_open, CHANNELS, T(0));
                const Mix& rows = L::KEEP[block];
                for (int row = rows.to; row < rows.to + rows.size; ++row)
                    for (int k = 0; k < CHANNELS; ++k) {
                        const int place = row * CHANNELS + k;
                        by_total[place] = 2 * open[k] * gradient[place];
                        by_open[k] += gradient[place] * total[place];
                    }
                for (int k = 0; k < CHANNELS; ++k) by_open[k] *= 2 * open[k] * (1 - open[k]);
            }
        }
        if (GATES > 0)
            multiply(atoms, s.by_gates.data(), GATES * CHANNELS, s.by_totals.data(),
                     L::KEPT * CHANNELS, gate.back.data(), GATES * CHANNELS, CHANNELS, true);
        for (int order = 0; order <= L::PRODUCTS; ++order) {
            Values& by_hyper = s.hyper_gradients[order];
            std::fill(by_hyper.begin(), by_hyper.end(), T(0));
            mix(L::KEEP, L::KEPT_BLOCKS, mixings[order], true, true, atoms, s.by_totals.data(),
                L::KEPT, by_hyper.data(), L::SIZE);
        }
        std::fill(s.by_second.begin(), s.by_second.end(), T(0));
        for (int order = L::PRODUCTS - 1; order >= 0; --order) {
            const Values& first = order ? s.hyper[order - 1] : s.bounded;
            for (int atom = 0; atom < atoms; ++atom) {
                const Index place = Index(atom) * L::SIZE * CHANNELS;
                L::product_vjp(order, first.data() + place, s.bounded.data() + place,
                               weights[order].data(), s.hyper_gradients[order + 1].data() + place,
                               s.hyper_gradients[order].data() + place, s.by_second.data() + place);
            }
        }
        Values& by_bounded = s.hyper_gradients[0];
        for (size_t k = 0; k < by_bounded.size(); ++k) by_bounded[k] += s.by_second[k];
        for (int atom = 0; atom < atoms; ++atom)
            for (int block = 0; block < L::MOMENT_BLOCKS; ++block) {
                const Mix& rows = L::AFTER[block];
                const Index place = Index(atom * L::MOMENT + rows.from) * CHANNELS;
                const T* here = s.moments.data() + place;
                const T* gradient =
                    by_bounded.data() + Index(atom * L::SIZE + rows.from) * CHANNELS;
                T* to = s.by_moments.data() + place;
                const T* factor =
                    factors.data() +
                    (Index(species[atom]) * L::MOMENT_BLOCKS + block) * CHANNELS;
                const T size = s.sizes[atom * L::MOMENT_BLOCKS + block];
                const T inner = L::BOUNDED ? dot(gradient, here, rows.size * CHANNELS) : T(0);
                const T pull = inner * size * size * size / T(rows.size * CHANNELS);
                for (int row = 0; row < rows.size; ++row)
                    for (int k = 0; k < CHANNELS; ++k) {
                        const int at = row * CHANNELS + k;
                        to[at] = (gradient[at] * size - here[at] * pull) * factor[k];
                    }
            }
        mix(L::AFTER, L::MOMENT_BLOCKS, after, true, false, atoms, s.by_moments.data(), L::MOMENT,
            s.by_sums.data(), L::MOMENT);
    }
};

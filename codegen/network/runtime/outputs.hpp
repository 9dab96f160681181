// From the features of all layers to tensors.

enum class Pooling { mean, sum, atoms };

// What one thread needs for the outputs of some atoms.
struct OutputScratch {
    Values joined, by_joined, first, second, third, fourth, slopes, parts, importance, values;
};

// Rows through a matrix, with a bias for each row or the same for all.
inline void affine(Index rows, const T* x, int x_step, const Matrix& matrix, const T* bias,
                   T* y) {
    for (Index row = 0; row < rows; ++row)
        std::copy(bias, bias + matrix.out, y + row * matrix.out);
    multiply(rows, x, x_step, y, matrix.out, matrix.forth.data(), matrix.in, matrix.out, true);
}
inline void pull(Index rows, const T* by_y, const Matrix& matrix, T* by_x, int x_step) {
    multiply(rows, by_y, matrix.out, by_x, x_step, matrix.back.data(), matrix.out, matrix.in,
             false);
}
inline void through_silu(Values& values, T* slopes) {
    for (size_t k = 0; k < values.size(); ++k) {
        if (slopes) slopes[k] = silu_slope(values[k]);
        values[k] = silu(values[k]);
    }
}

// An irrep of a target: components, copies, and where its features begin among the parts.
struct Irrep {
    int size, copies, row;  // row -1: a scalar, which the head makes itself
};

// Parameters of an output; O holds its sizes.
template <class O>
struct Output {
    static constexpr int WIDTH = LAYERS * CHANNELS, HEAD_IN = O::HIDDEN + O::VOLUME;
    Values atomic_bias;  // of the element, [species][hidden]
    Matrix atomic_first, atomic_second, trunk_first, trunk_second, head, importance;
    Values atomic_second_bias, trunk_first_bias, trunk_second_bias, head_bias, importance_bias;
    std::vector<Matrix> readouts;
    std::vector<double> mean, scale, reference, unpack, pack, components;
    Repulsion repulsion;

    explicit Output(Reader& reader)
        : atomic_bias(reader.values(Index(SPECIES) * O::HIDDEN)),
          atomic_first(reader.matrix(WIDTH, O::HIDDEN)),
          atomic_second(reader.matrix(O::HIDDEN, O::HIDDEN)),
          trunk_first(reader.matrix(HEAD_IN, O::HIDDEN)),
          trunk_second(reader.matrix(O::HIDDEN, O::HIDDEN)),
          head(reader.matrix(O::HIDDEN, O::GATES)) {
        atomic_second_bias = reader.values(O::HIDDEN);
        trunk_first_bias = reader.values(O::HIDDEN);
        trunk_second_bias = reader.values(O::HIDDEN);
        head_bias = reader.values(O::GATES);
        if (O::PARTS) {
            importance_bias = reader.values(Index(SPECIES) * CHANNELS);
            importance = reader.matrix(WIDTH, CHANNELS);
            readouts = reader.matrices(O::READOUTS, CHANNELS, CHANNELS);
        }
        mean = reader.doubles(O::DIMENSION), scale = reader.doubles(O::DIMENSION);
        if (O::POOLING == Pooling::sum)
            reference = reader.doubles(Index(SPECIES) * O::DIMENSION);
        if (O::MATRIX) {
            unpack = reader.doubles(Index(O::DIMENSION) * O::MATRIX * O::MATRIX);
            pack = reader.doubles(Index(O::DIMENSION) * O::MATRIX * O::MATRIX);
        }
        components = reader.doubles(Index(O::DIMENSION) * O::ENTRIES);
        if (O::SCREENING) repulsion.read(reader, O::SCREENING);
    }

    // Energies of some atoms, and, unless null, their gradient by the scalars in s.joined.
    void energies(int atoms, const int32_t* species, double* result, bool gradient,
                  OutputScratch& s) const {
        const size_t size = size_t(atoms) * O::HIDDEN;
        s.first.resize(size), s.second.resize(size), s.third.resize(size), s.fourth.resize(size);
        s.slopes.resize(3 * size);
        T* slopes = gradient ? s.slopes.data() : nullptr;
        atomic(atoms, species, slopes, s);
        affine(atoms, s.second.data(), O::HIDDEN, trunk_first, trunk_first_bias.data(),
               s.third.data());
        through_silu(s.third, gradient ? slopes + size : nullptr);
        affine(atoms, s.third.data(), O::HIDDEN, trunk_second, trunk_second_bias.data(),
               s.fourth.data());
        through_silu(s.fourth, gradient ? slopes + 2 * size : nullptr);
        for (int atom = 0; atom < atoms; ++atom) {
            const T* row = s.fourth.data() + Index(atom) * O::HIDDEN;
            const T value = head_bias[0] + dot(row, head.back.data(), O::HIDDEN);
            result[atom] = mean[0] + scale[0] * double(value) + reference[species[atom]];
        }
        if (!gradient) return;
        for (int atom = 0; atom < atoms; ++atom)
            for (int k = 0; k < O::HIDDEN; ++k)
                s.fourth[Index(atom) * O::HIDDEN + k] =
                    T(scale[0]) * head.back[k] * slopes[2 * size + Index(atom) * O::HIDDEN + k];
        pull(atoms, s.fourth.data(), trunk_second, s.third.data(), O::HIDDEN);
        for (size_t k = 0; k < size; ++k) s.third[k] *= slopes[size + k];
        pull(atoms, s.third.data(), trunk_first, s.second.data(), O::HIDDEN);
        pull(atoms, s.second.data(), atomic_second, s.first.data(), O::HIDDEN);
        for (size_t k = 0; k < size; ++k) s.first[k] *= slopes[k];
        s.by_joined.resize(size_t(atoms) * WIDTH);
        pull(atoms, s.first.data(), atomic_first, s.by_joined.data(), WIDTH);
    }

    // Rows of the head for all systems: atoms, or the one structure; coordinates of the tensors.
    std::vector<double> coordinates(const Bonds& bonds, const std::vector<Values>& features,
                                    double volume) const {
        const Index systems = O::POOLING == Pooling::mean ? 1 : bonds.atoms;
        Values hidden(size_t(systems) * HEAD_IN), parts(size_t(systems) * O::PARTS * CHANNELS);
        std::vector<double> result(size_t(systems) * O::DIMENSION);
        OutputScratch s;
        for (Index first = 0; first < bonds.atoms; first += ATOMS_AT_ONCE) {
            const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, bonds.atoms - first));
            const int32_t* species = bonds.species.data() + first;
            join(atoms, first, features, s);
            const size_t size = size_t(atoms) * O::HIDDEN;
            s.first.resize(size), s.second.resize(size);
            atomic(atoms, species, nullptr, s);
            if (O::PARTS) read_out(atoms, first, species, features, s);
            for (int atom = 0; atom < atoms; ++atom) {
                const Index system = O::POOLING == Pooling::mean ? 0 : first + atom;
                T* to = hidden.data() + system * HEAD_IN;
                for (int k = 0; k < O::HIDDEN; ++k) to[k] += s.second[Index(atom) * O::HIDDEN + k];
                T* rows = parts.data() + system * O::PARTS * CHANNELS;
                for (int k = 0; k < O::PARTS * CHANNELS; ++k)
                    rows[k] += s.parts[Index(atom) * O::PARTS * CHANNELS + k];
            }
        }
        if (O::POOLING == Pooling::mean) {
            for (T& value : hidden) value /= T(bonds.atoms);
            for (T& value : parts) value /= T(bonds.atoms);
            if (O::VOLUME) {
                const double share = volume / double(bonds.atoms);
                hidden[O::HIDDEN] = T(std::log((share > 0 ? share : 15.0) / 15));
            }
        }
        Values gates(static_cast<size_t>(O::GATES));
        for (Index system = 0; system < systems; ++system) {
            heads(hidden.data() + system * HEAD_IN, gates, s);
            combine(gates, parts.data() + system * O::PARTS * CHANNELS,
                    result.data() + system * O::DIMENSION);
        }
        assemble(bonds, result);
        return result;
    }

    // Scalars of all layers side by side, into s.joined.
    static void join(int atoms, Index first, const std::vector<Values>& features,
                     OutputScratch& s) {
        s.joined.resize(size_t(atoms) * WIDTH);
        for (int layer = 0; layer < LAYERS; ++layer)
            for (int atom = 0; atom < atoms; ++atom)
                std::copy_n(features[layer].data() + (first + atom) * ROWS[layer] * CHANNELS,
                            CHANNELS,
                            s.joined.data() + Index(atom) * WIDTH + Index(layer) * CHANNELS);
    }

  private:
    // From s.joined to the hidden layer of each atom, in s.second.
    void atomic(int atoms, const int32_t* species, T* slopes, OutputScratch& s) const {
        for (int atom = 0; atom < atoms; ++atom)
            std::copy_n(atomic_bias.data() + Index(species[atom]) * O::HIDDEN, O::HIDDEN,
                        s.first.data() + Index(atom) * O::HIDDEN);
        multiply(atoms, s.joined.data(), WIDTH, s.first.data(), O::HIDDEN,
                 atomic_first.forth.data(), WIDTH, O::HIDDEN, true);
        through_silu(s.first, slopes);
        affine(atoms, s.first.data(), O::HIDDEN, atomic_second, atomic_second_bias.data(),
               s.second.data());
    }

    // Features that the head multiplies, times their importance, into s.parts.
    void read_out(int atoms, Index first, const int32_t* species,
                  const std::vector<Values>& features, OutputScratch& s) const {
        s.parts.assign(size_t(atoms) * O::PARTS * CHANNELS, T(0));
        for (int layer = 0; layer < LAYERS; ++layer)
            mix(O::readout(layer), O::readouts_of(layer), readouts, false, true, atoms,
                features[layer].data() + first * ROWS[layer] * CHANNELS, ROWS[layer],
                s.parts.data(), O::PARTS);
        s.importance.resize(size_t(atoms) * CHANNELS);
        for (int atom = 0; atom < atoms; ++atom)
            std::copy_n(importance_bias.data() + Index(species[atom]) * CHANNELS, CHANNELS,
                        s.importance.data() + Index(atom) * CHANNELS);
        multiply(atoms, s.joined.data(), WIDTH, s.importance.data(), CHANNELS,
                 importance.forth.data(), WIDTH, CHANNELS, true);
        for (int atom = 0; atom < atoms; ++atom)
            for (int row = 0; row < O::PARTS; ++row)
                for (int k = 0; k < CHANNELS; ++k)
                    s.parts[(Index(atom) * O::PARTS + row) * CHANNELS + k] *=
                        2 * sigmoid(s.importance[Index(atom) * CHANNELS + k]);
    }

    void heads(const T* hidden, Values& gates, OutputScratch& s) const {
        s.third.resize(O::HIDDEN), s.fourth.resize(O::HIDDEN);
        affine(1, hidden, HEAD_IN, trunk_first, trunk_first_bias.data(), s.third.data());
        through_silu(s.third, nullptr);
        affine(1, s.third.data(), O::HIDDEN, trunk_second, trunk_second_bias.data(),
               s.fourth.data());
        through_silu(s.fourth, nullptr);
        affine(1, s.fourth.data(), O::HIDDEN, head, head_bias.data(), gates.data());
    }

    static void combine(const Values& gates, const T* parts, double* result) {
        const T* gate = gates.data();
        for (int number = 0; number < O::IRREPS; ++number) {
            const Irrep& irrep = O::IRREP[number];
            if (irrep.row < 0) {
                for (int copy = 0; copy < irrep.copies; ++copy) *result++ = double(*gate++);
                continue;
            }
            const T scale = T(1) / std::sqrt(T(CHANNELS));
            for (int copy = 0; copy < irrep.copies; ++copy, gate += CHANNELS)
                for (int m = 0; m < irrep.size; ++m) {
                    const T sum = dot(parts + (irrep.row + m) * CHANNELS, gate, CHANNELS);
                    *result++ = double(sum * scale);
                }
        }
    }

    // Scale, shift, sum, and the exponential of a tensor that is positive.
    void assemble(const Bonds& bonds, std::vector<double>& values) const {
        const Index systems = Index(values.size()) / O::DIMENSION;
        for (Index system = 0; system < systems; ++system) {
            double* row = values.data() + system * O::DIMENSION;
            double factor = 1;
            if (O::MATRIX) {
                double square = 0;
                for (int k = 0; k < O::DIMENSION; ++k) square += row[k] * row[k];
                factor = std::pow(1 + std::pow(square / (O::LIMIT * O::LIMIT), 4), -0.125);
            }
            for (int k = 0; k < O::DIMENSION; ++k) {
                row[k] = mean[k] + scale[k] * factor * row[k];
                if (O::POOLING == Pooling::sum)
                    row[k] += reference[Index(bonds.species[system]) * O::DIMENSION + k];
            }
            if (O::MATRIX) exponential(row);
        }
        if (O::POOLING != Pooling::sum) return;
        std::vector<double> total(O::DIMENSION, 0.0);
        for (Index system = 0; system < systems; ++system)
            for (int k = 0; k < O::DIMENSION; ++k)
                total[k] += values[system * O::DIMENSION + k];
        if (O::SCREENING) {
            std::vector<double> each(size_t(bonds.atoms), 0.0);
            repulsion.add(bonds, each.data(), nullptr);
            for (double energy : each) total[0] += energy;
        }
        values.swap(total);
    }

    void exponential(double* row) const {
        constexpr int N = O::MATRIX, ENTRIES = N * N;
        std::vector<double> matrix(ENTRIES, 0.0);
        for (int k = 0; k < O::DIMENSION; ++k)
            for (int e = 0; e < ENTRIES; ++e) matrix[e] += row[k] * unpack[k * ENTRIES + e];
        exponential_of_symmetric(N, matrix);
        for (int k = 0; k < O::DIMENSION; ++k) {
            row[k] = 0;
            for (int e = 0; e < ENTRIES; ++e) row[k] += matrix[e] * pack[k * ENTRIES + e];
        }
    }
};

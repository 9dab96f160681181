// Messages along the bonds, and what pulls back along them.

struct BondScratch {
    Values weights, slopes, by_weights, by_features;
    T frame[LARGEST_FRAME], by_direction[3];
};

template <class L>
inline void prepare(BondScratch& s) {
    s.weights.resize(size_t(BONDS_AT_ONCE) * L::PATHS * CHANNELS);
    s.slopes.resize(s.weights.size());
    s.by_weights.resize(size_t(L::PATHS) * CHANNELS);
    s.by_features.resize(size_t(L::SENT) * CHANNELS);
}

// What the sender of a bond sends: by atom, in the first layer by element.
template <class L>
inline Index sent_by(const Bonds& bonds, Index bond) {
    const int32_t sender = bonds.senders[bond];
    return Index(L::FIRST ? bonds.species[sender] : sender) * L::SENT * CHANNELS;
}

// The sum of the messages to one atom; by_kind: radial weights of the kinds of bonds, or null.
template <class L>
inline void gather(const Layer<L>& layer, const Bonds& bonds, const T* sent, const T* by_kind,
                   Index atom, T* sums, BondScratch& s) {
    constexpr Index WIDTH = Index(L::PATHS) * CHANNELS;
    std::fill_n(sums, L::MOMENT * CHANNELS, T(0));
    const Index end = bonds.starts[atom + 1];
    for (Index begin = bonds.starts[atom]; begin < end; begin += BONDS_AT_ONCE) {
        const int count = int(std::min<Index>(BONDS_AT_ONCE, end - begin));
        if (!by_kind)
            layer.radial.weights(bonds, bonds.species[atom], begin, count, s.weights.data(),
                                 nullptr);
        for (int k = 0; k < count; ++k) {
            L::frame(bonds.directions.data() + 3 * (begin + k), s.frame);
            L::message(sent + sent_by<L>(bonds, begin + k), s.frame,
                       by_kind ? by_kind + bonds.kinds[begin + k] * WIDTH
                               : s.weights.data() + k * WIDTH,
                       sums);
        }
    }
}

// From the gradient by those sums: the gradient by the vectors of the bonds, and, but for the
// first layer, by what the senders send; both are added.
template <class L>
inline void scatter(const Layer<L>& layer, const Bonds& bonds, const T* sent, Index atom,
                    const T* by_sums, T* by_sent, double* by_vectors, BondScratch& s) {
    const Index end = bonds.starts[atom + 1];
    for (Index begin = bonds.starts[atom]; begin < end; begin += BONDS_AT_ONCE) {
        const int count = int(std::min<Index>(BONDS_AT_ONCE, end - begin));
        layer.radial.weights(bonds, bonds.species[atom], begin, count, s.weights.data(),
                             s.slopes.data());
        for (int k = 0; k < count; ++k) {
            const Index bond = begin + k, place = Index(k) * L::PATHS * CHANNELS;
            const T* direction = bonds.directions.data() + 3 * bond;
            const Index sender = sent_by<L>(bonds, bond);
            L::frame(direction, s.frame);
            L::message_vjp(sent + sender, by_sums, s.frame, s.weights.data() + place,
                           s.by_features.data(), s.by_weights.data(), s.by_direction);
            if (!L::FIRST)
                for (int at = 0; at < L::SENT * CHANNELS; ++at)
                    by_sent[sender + at] += s.by_features[at];
            const T by_length =
                dot(s.by_weights.data(), s.slopes.data() + place, L::PATHS * CHANNELS);
            T along = 0;
            for (int axis = 0; axis < 3; ++axis) along += s.by_direction[axis] * direction[axis];
            for (int axis = 0; axis < 3; ++axis)
                by_vectors[3 * bond + axis] +=
                    double(by_length * direction[axis] +
                           (s.by_direction[axis] - along * direction[axis]) / bonds.lengths[bond]);
        }
    }
}

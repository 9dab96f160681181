// One layer over all atoms, forwards and backwards; the threads share the atoms.

// What a computation keeps between layers.
struct Pass {
    std::vector<Values> features, sums, sent, by_features;  // of each layer
    Values by_kind;                                         // radial weights of the last layer
    std::vector<NodeScratch> nodes;                         // of each thread
    std::vector<BondScratch> bonds;
    std::vector<OutputScratch> outputs;

    explicit Pass(const Bonds& over)
        : features(LAYERS), sums(LAYERS), sent(LAYERS), by_features(LAYERS),
          nodes(size_t(over.threads())), bonds(size_t(over.threads())),
          outputs(size_t(over.threads())) {}
};

inline bool any(const char* from, int count) {
    return std::any_of(from, from + count, [](char flag) { return flag != 0; });
}

// Bonds from the atoms that count as far as which features before or after a layer matter.
template <class L>
constexpr int hops_before() { return LAYERS - L::NUMBER; }
template <class L>
constexpr int hops_after() { return hops_before<L>() - 1; }

// Features after a layer from those before it. Where only some energies are wanted, it leaves out
// atoms that these do not depend on.
template <class L>
inline void forward(const Layer<L>& layer, const Bonds& bonds, Pass& pass) {
    const Values* before = L::FIRST ? nullptr : &pass.features[L::NUMBER - 1];
    Values &features = pass.features[L::NUMBER], &sums = pass.sums[L::NUMBER];
    features.assign(size_t(bonds.atoms) * L::KEPT * CHANNELS, T(0));
    sums.assign(size_t(bonds.atoms) * L::MOMENT * CHANNELS, T(0));
    if (L::FIRST) {
        pass.sent[L::NUMBER] = layer.start;
    } else {
        pass.sent[L::NUMBER].assign(size_t(bonds.atoms) * L::SENT * CHANNELS, T(0));
        in_parts(bonds, [&](int, Index first, Index end) {
            for (Index atom = first; atom < end; atom += ATOMS_AT_ONCE) {
                const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, end - atom));
                if (!bonds.within(hops_before<L>(), atom, atom + atoms)) continue;
                mix(L::SEND, L::SENT_BLOCKS, layer.before, false, false, atoms,
                    before->data() + atom * L::BEFORE * CHANNELS, L::BEFORE,
                    pass.sent[L::NUMBER].data() + atom * L::SENT * CHANNELS, L::SENT);
            }
        });
    }
    for (int part = 0; part < bonds.threads(); ++part)
        Layer<L>::prepare(pass.nodes[part]), prepare<L>(pass.bonds[part]);
    const Index kinds = layer.radial.table.empty() ? Index(bonds.examples.size()) : 0;
    pass.by_kind.resize(size_t(kinds) * L::PATHS * CHANNELS);
    in_parts(bonds, [&](int part, Index, Index) {
        layer.radial.of_kinds(bonds, kinds * part / bonds.threads(),
                              kinds * (part + 1) / bonds.threads(), pass.by_kind.data());
    });
    const T* by_kind = kinds ? pass.by_kind.data() : nullptr;
    in_parts(bonds, [&](int part, Index first, Index end) {
        NodeScratch& s = pass.nodes[part];
        for (Index atom = first; atom < end; atom += ATOMS_AT_ONCE) {
            const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, end - atom));
            if (!bonds.within(hops_after<L>(), atom, atom + atoms)) continue;
            for (int k = 0; k < atoms; ++k)
                gather(layer, bonds, pass.sent[L::NUMBER].data(), by_kind, atom + k,
                       s.sums.data() + Index(k) * L::MOMENT * CHANNELS, pass.bonds[part]);
            layer.forward(atoms, bonds.species.data() + atom,
                          before ? before->data() + atom * L::BEFORE * CHANNELS : nullptr, s);
            std::copy_n(s.sums.data(), Index(atoms) * L::MOMENT * CHANNELS,
                        sums.data() + atom * L::MOMENT * CHANNELS);
            std::copy_n(s.results.data(), Index(atoms) * L::KEPT * CHANNELS,
                        features.data() + atom * L::KEPT * CHANNELS);
        }
    });
}

// From the gradient by the features after a layer: that by those before it and by the vectors of
// the bonds, both added.
template <class L>
inline void backward(const Layer<L>& layer, const Bonds& bonds, Pass& pass, double* by_vectors) {
    const Values &sums = pass.sums[L::NUMBER], &sent = pass.sent[L::NUMBER];
    const Values& gradients = pass.by_features[L::NUMBER];
    const Values* before = L::FIRST ? nullptr : &pass.features[L::NUMBER - 1];
    Values* by_before = L::FIRST ? nullptr : &pass.by_features[L::NUMBER - 1];
    std::vector<Values> by_sent(size_t(bonds.threads()));
    for (int part = 0; part < bonds.threads(); ++part) {
        Layer<L>::prepare(pass.nodes[part]), prepare<L>(pass.bonds[part]);
        if (!L::FIRST) by_sent[part].assign(sent.size(), T(0));
    }
    in_parts(bonds, [&](int part, Index first, Index end) {
        NodeScratch& s = pass.nodes[part];
        for (Index atom = first; atom < end; atom += ATOMS_AT_ONCE) {
            const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, end - atom));
            const T* gradient = gradients.data() + atom * L::KEPT * CHANNELS;
            const Index size = Index(atoms) * L::KEPT * CHANNELS;
            if (std::all_of(gradient, gradient + size, [](T value) { return value == 0; }))
                continue;
            std::copy_n(gradient, size, s.gradients.data());
            std::copy_n(sums.data() + atom * L::MOMENT * CHANNELS,
                        Index(atoms) * L::MOMENT * CHANNELS, s.sums.data());
            const int32_t* species = bonds.species.data() + atom;
            layer.forward(atoms, species,
                          before ? before->data() + atom * L::BEFORE * CHANNELS : nullptr, s);
            layer.backward(atoms, species,
                           by_before ? by_before->data() + atom * L::BEFORE * CHANNELS : nullptr, s);
            for (int k = 0; k < atoms; ++k)
                scatter(layer, bonds, sent.data(), atom + k,
                        s.by_sums.data() + Index(k) * L::MOMENT * CHANNELS, by_sent[part].data(),
                        by_vectors, pass.bonds[part]);
        }
    });
    if (L::FIRST) return;
    in_parts(bonds, [&](int, Index first, Index end) {
        const Index from = first * L::SENT * CHANNELS, to = end * L::SENT * CHANNELS;
        for (int part = 1; part < bonds.threads(); ++part)
            for (Index k = from; k < to; ++k) by_sent[0][k] += by_sent[part][k];
        for (Index atom = first; atom < end; atom += ATOMS_AT_ONCE) {
            const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, end - atom));
            if (!bonds.within(hops_before<L>(), atom, atom + atoms)) continue;
            mix(L::SEND, L::SENT_BLOCKS, layer.before, true, true, atoms,
                by_sent[0].data() + atom * L::SENT * CHANNELS, L::SENT,
                by_before->data() + atom * L::BEFORE * CHANNELS, L::BEFORE);
        }
    });
}

// Energies of the atoms from the features of all layers; with gradients, those by the features.
template <class O>
inline void network_energies(const Output<O>& output, const Bonds& bonds, Pass& pass, double* result,
                     bool gradient) {
    if (gradient)
        for (int layer = 0; layer < LAYERS; ++layer)
            pass.by_features[layer].assign(pass.features[layer].size(), T(0));
    in_parts(bonds, [&](int part, Index first, Index end) {
        OutputScratch& s = pass.outputs[part];
        for (Index atom = first; atom < end; atom += ATOMS_AT_ONCE) {
            const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, end - atom));
            std::fill_n(result + atom, atoms, 0.0);
            if (!any(bonds.counted.data() + atom, atoms)) continue;
            Output<O>::join(atoms, atom, pass.features, s);
            output.energies(atoms, bonds.species.data() + atom, result + atom, gradient, s);
            for (int k = 0; k < atoms; ++k) {
                if (!bonds.counted[atom + k]) {
                    result[atom + k] = 0;
                    continue;
                }
                for (int layer = 0; gradient && layer < LAYERS; ++layer)
                    std::copy_n(
                        s.by_joined.data() + (Index(k) * LAYERS + layer) * CHANNELS, CHANNELS,
                        pass.by_features[layer].data() + (atom + k) * ROWS[layer] * CHANNELS);
            }
        }
    });
}

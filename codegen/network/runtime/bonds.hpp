// The bonds as the layers read them: sorted by receiver, those within the cutoff.

struct Bonds {
    Index atoms = 0;
    std::vector<int32_t> species;     // of each atom
    std::vector<char> counted;        // whether an atom's energy counts
    std::vector<char> hops;           // bonds from an atom to the nearest that counts; UNREACHED
    std::vector<Index> starts;        // first bond of each receiver; atoms + 1
    std::vector<int32_t> senders;     // of each bond
    std::vector<Index> places;        // of each bond in the caller's list
    Values lengths, directions;       // [bonds], [bonds][3]
    std::vector<Index> parts;         // atoms of each thread; threads + 1
    std::vector<int32_t> kinds;       // of each bond, where some are alike; else empty
    std::vector<Index> examples;      // a bond of each kind
    Index size() const { return Index(senders.size()); }
    int threads() const { return int(parts.size()) - 1; }

    // Whether one of some atoms is so near to those that count.
    bool within(int most, Index first, Index end) const {
        return std::any_of(hops.begin() + first, hops.begin() + end,
                           [most](char hop) { return hop <= most; });
    }
};

// Bonds are alike whose elements are the same, and whose lengths are as far as the arithmetic
// tells. In crystals many are: what depends on no more is computed once for a kind. Left alone
// where fewer than half would be spared.
inline void find_kinds(Bonds& bonds) {
    constexpr double PARTS = sizeof(T) > sizeof(float) ? 0x1p46 : 0x1p21;  // of an angstrom
    constexpr int BITS = 50;       // for lengths below 16 angstrom; the rest for pairs of elements
    constexpr size_t MOST = 4096;  // kinds whose radial weights are held at once
    if (CUTOFF >= 16) return;
    const Index count = bonds.size();
    size_t slots = 64;
    while (slots < size_t(2 * count)) slots *= 2;
    std::vector<int32_t> table(slots, -1);  // kinds by hash, the next free slot where one is taken
    std::vector<uint64_t> keys;
    bonds.kinds.resize(size_t(count));
    for (Index atom = 0; atom < bonds.atoms; ++atom)
        for (Index bond = bonds.starts[atom]; bond < bonds.starts[atom + 1]; ++bond) {
            const uint64_t pair = uint64_t(bonds.species[atom]) * SPECIES +
                                  uint64_t(bonds.species[bonds.senders[bond]]);
            const uint64_t key =
                pair << BITS | uint64_t(std::llround(double(bonds.lengths[bond]) * PARTS));
            size_t slot = size_t((key * 0x9e3779b97f4a7c15u) >> 20) & (slots - 1);
            while (table[slot] >= 0 && keys[table[slot]] != key) slot = (slot + 1) & (slots - 1);
            if (table[slot] < 0) {
                table[slot] = int32_t(keys.size());
                keys.push_back(key);
                bonds.examples.push_back(bond);
                if (keys.size() > MOST || 2 * keys.size() > size_t(count)) {
                    bonds.kinds.clear(), bonds.examples.clear();
                    return;
                }
            }
            bonds.kinds[bond] = table[slot];
        }
}

constexpr char UNREACHED = 127;  // more bonds than a network has layers

// Count the bonds over which messages of an atom come to one whose energy counts.
inline void count_hops(Bonds& bonds) {
    std::vector<Index> ring, next;
    for (Index atom = 0; atom < bonds.atoms; ++atom)
        if (bonds.counted[atom])
            ring.push_back(atom);
        else
            bonds.hops[atom] = UNREACHED;
    for (char hop = 1; hop < UNREACHED && !ring.empty(); ++hop, ring.swap(next)) {
        next.clear();
        for (Index atom : ring)
            for (Index bond = bonds.starts[atom]; bond < bonds.starts[atom + 1]; ++bond) {
                const int32_t sender = bonds.senders[bond];
                if (bonds.hops[sender] != UNREACHED) continue;
                bonds.hops[sender] = hop;
                next.push_back(sender);
            }
    }
}

// Share the atoms out so that all threads get about as many bonds; few bonds are not shared out.
inline void share_out(Bonds& bonds, int threads) {
    constexpr Index WORTH = 64;  // bonds that repay waking a thread
    threads = int(std::max<Index>(1, std::min<Index>(threads, bonds.size() / WORTH)));
    bonds.parts.assign(1, 0);
    for (int part = 1; part < threads; ++part) {
        const Index wanted = bonds.size() * part / threads;
        const auto place = std::lower_bound(bonds.starts.begin(), bonds.starts.end(), wanted);
        const Index atom = std::min<Index>(place - bonds.starts.begin(), bonds.atoms);
        bonds.parts.push_back(std::max(atom, bonds.parts.back()));
    }
    bonds.parts.push_back(bonds.atoms);
}

// Run work(part, first atom, end) for every part, each in a thread of its own.
template <class Work>
inline void in_parts(const Bonds& bonds, Work work) {
    const int threads = bonds.threads();
    if (threads == 1) {
        work(0, Index(0), bonds.atoms);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part) work(part, bonds.parts[part], bonds.parts[part + 1]);
}

inline Bonds bonds_of(Index atoms, const int32_t* species, const uint8_t* counted, Index count,
                      const int32_t* receivers, const int32_t* senders, const double* vectors,
                      double cutoff, int threads) {
    Bonds bonds;
    bonds.atoms = atoms;
    bonds.species.assign(species, species + atoms);
    bonds.counted.assign(size_t(atoms), 1);
    if (counted) std::copy(counted, counted + atoms, bonds.counted.begin());
    bonds.starts.assign(size_t(atoms) + 1, 0);
    std::vector<double> lengths(static_cast<size_t>(count), 0.0);
    Index kept = 0;
    for (Index k = 0; k < count; ++k) {
        const int32_t i = receivers[k], j = senders[k];
        if (i < 0 || i >= atoms || j < 0 || j >= atoms)
            throw Problem(NAME_INPUT, "bond " + std::to_string(k) + " joins atoms " +
                                             std::to_string(i) + " and " + std::to_string(j) +
                                             "; there are atoms 0 to " +
                                             std::to_string(atoms - 1));
        const double *v = vectors + 3 * k, square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        if (!(square > 0) || !std::isfinite(square))
            throw Problem(NAME_INPUT, "bond " + std::to_string(k) + ", from atom " +
                                             std::to_string(i) + " to " + std::to_string(j) +
                                             ", has no length; two atoms in one place?");
        lengths[k] = std::sqrt(square);
        if (lengths[k] < cutoff) ++bonds.starts[i + 1], ++kept;
    }
    for (Index atom = 0; atom < atoms; ++atom) bonds.starts[atom + 1] += bonds.starts[atom];
    std::vector<Index> next(bonds.starts.begin(), bonds.starts.end() - 1);
    bonds.senders.resize(size_t(kept));
    bonds.places.resize(size_t(kept));
    bonds.lengths.resize(size_t(kept));
    bonds.directions.resize(size_t(3 * kept));
    for (Index k = 0; k < count; ++k) {
        if (!(lengths[k] < cutoff)) continue;
        const Index place = next[receivers[k]]++;
        bonds.senders[place] = senders[k];
        bonds.places[place] = k;
        bonds.lengths[place] = T(lengths[k]);
        for (int axis = 0; axis < 3; ++axis)
            bonds.directions[3 * place + axis] = T(vectors[3 * k + axis] / lengths[k]);
    }
    bonds.hops.assign(size_t(atoms), 0);
    if (counted) count_hops(bonds);
    share_out(bonds, threads);
    return bonds;
}

// The repulsion of nuclei that come near: the universal screened potential of Ziegler, Biersack and
// Littmark (1985), out where atoms bond.

struct Repulsion {
    // Of each element: root of half the Coulomb energy at an angstrom, rate of screening, radius.
    std::vector<double> charges, rates, radii;
    std::vector<double> terms;  // factors and rates of the exponentials, in pairs

    void read(Reader& reader, Index terms_count) {
        charges = reader.doubles(SPECIES), rates = reader.doubles(SPECIES);
        radii = reader.doubles(SPECIES), terms = reader.doubles(2 * terms_count);
    }

    // Add the energies of the atoms that count, and, unless null, their gradient by the vectors of
    // their bonds.
    void add(const Bonds& bonds, double* energies, double* by_vectors) const {
        in_parts(bonds, [&](int, Index first, Index end) {
            for (Index atom = first; atom < end; ++atom) {
                if (!bonds.counted[atom]) continue;
                for (Index bond = bonds.starts[atom]; bond < bonds.starts[atom + 1]; ++bond)
                    add_bond(bonds, atom, bond, energies, by_vectors);
            }
        });
    }

  private:
    void add_bond(const Bonds& bonds, Index atom, Index bond, double* energies,
                  double* by_vectors) const {
        const int32_t i = bonds.species[atom], j = bonds.species[bonds.senders[bond]];
        const double length = double(bonds.lengths[bond]), reach = radii[i] + radii[j];
        if (length >= reach) return;
        const double rate = rates[i] + rates[j];
        double screened = 0, screened_slope = 0;
        for (size_t k = 0; k < terms.size(); k += 2) {
            const double term = terms[k] * std::exp(-terms[k + 1] * rate * length);
            screened += term, screened_slope -= terms[k + 1] * rate * term;
        }
        const double x = length / reach, x5 = x * x * x * x * x;
        const double envelope = 1 + x5 * x * (-28 + x * (48 - 21 * x));
        const double envelope_slope = x5 * (-168 + x * (336 - 168 * x)) / reach;
        const double size = charges[i] * charges[j] / length;
        energies[atom] += size * screened * envelope;
        if (!by_vectors) return;
        const double slope = size * (screened_slope * envelope + screened * envelope_slope -
                                     screened * envelope / length);
        for (int axis = 0; axis < 3; ++axis)
            by_vectors[3 * bond + axis] += slope * double(bonds.directions[3 * bond + axis]);
    }
};

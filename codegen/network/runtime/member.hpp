// One network of an ensemble, whatever its sizes.
struct Member {
    virtual ~Member() = default;
    virtual void tabulate(const std::vector<int32_t>& species) = 0;
    virtual void check(const Bonds& bonds) const = 0;
    // Energies of the atoms, added; the gradient by the vectors of sorted bonds, added.
    virtual void energies(const Bonds& bonds, double* energies, double* by_vectors) const = 0;
    // Packed coordinates of a target, by system.
    virtual std::vector<double> coordinates(int target, const Bonds& bonds,
                                            double volume) const = 0;
    // Cartesian components of a target from its coordinates, [dimension][entries].
    virtual const std::vector<double>& components(int target) const = 0;
};

// The interface in C.

struct NAME_model {
    std::vector<std::unique_ptr<Member>> members;
};

namespace {

int tell(NAME_message message, int status, const char* text) {
    if (message.text && message.length) {
        std::strncpy(message.text, text, message.length - 1);
        message.text[message.length - 1] = 0;
    }
    return status;
}

// Run work, and return what became of it.
template <class Work>
int guarded(NAME_message message, Work work) {
    try {
        work();
        return tell(message, NAME_OK, "");
    } catch (const Problem& problem) {
        return tell(message, problem.status, problem.text.c_str());
    } catch (const std::bad_alloc&) {
        return tell(message, NAME_MEMORY, "there is not enough memory");
    } catch (const std::exception& error) {
        return tell(message, NAME_INTERNAL, error.what());
    }
}

void need(bool present, const char* what) {
    if (!present) throw Problem(NAME_INPUT, std::string(what) + " is null or negative");
}

int32_t species_of(int32_t number) {
    const int32_t* place = std::lower_bound(ELEMENTS, ELEMENTS + SPECIES, number);
    if (place == ELEMENTS + SPECIES || *place != number)
        throw Problem(NAME_INPUT, "the network does not know the atomic number " +
                                      std::to_string(number) + "; it knows " + ELEMENTS_IN_WORDS);
    return int32_t(place - ELEMENTS);
}

// A model from the content of the file of weights.
NAME_model* loaded(std::vector<char> bytes, const std::string& name, const int32_t* elements,
                   int64_t count) {
    need(count >= 0 && (elements || !count), "elements");
    const File file(std::move(bytes), name, HEADER, SIZE_OF_FILE, HASH);
    auto fresh = std::make_unique<NAME_model>();
    add_members(file, fresh->members);
    std::vector<int32_t> species;
    for (int64_t k = 0; k < count; ++k) species.push_back(species_of(elements[k]));
    std::sort(species.begin(), species.end());
    species.erase(std::unique(species.begin(), species.end()), species.end());
    if (!species.empty())
        for (const auto& member : fresh->members) member->tabulate(species);
    return fresh.release();
}

int threads_of(int asked) {
#ifdef _OPENMP
    return asked > 0 ? asked : omp_get_max_threads();
#else
    (void)asked;
    return 1;
#endif
}

Bonds read(const NAME_model* model, const NAME_bonds* given, int threads) {
    need(model, "model");
    need(given, "bonds");
    need(given->atoms >= 0 && (given->numbers || !given->atoms), "numbers");
    need(given->bonds >= 0 && ((given->receivers && given->senders && given->vectors) ||
                               !given->bonds),
         "receivers, senders or vectors");
    if (given->atoms > MOST_ATOMS || given->bonds > MOST_BONDS || threads < 0 ||
        threads > MOST_THREADS)
        throw Problem(NAME_INPUT, "at most " + std::to_string(MOST_ATOMS) + " atoms, " +
                                      std::to_string(MOST_BONDS) + " bonds and " +
                                      std::to_string(MOST_THREADS) + " threads are allowed");
    std::vector<int32_t> species(size_t(given->atoms));
    for (Index atom = 0; atom < given->atoms; ++atom)
        species[atom] = species_of(given->numbers[atom]);
    Bonds bonds = bonds_of(given->atoms, species.data(), given->counted, given->bonds,
                           given->receivers, given->senders, given->vectors, CUTOFF,
                           threads_of(threads));
    for (const auto& member : model->members) member->check(bonds);
    return bonds;
}

// The networks whose mean is asked for.
std::vector<const Member*> chosen(const NAME_model* model, int member) {
    const int count = int(model->members.size());
    if (member < -1 || member >= count)
        throw Problem(NAME_INPUT, "member is " + std::to_string(member) + "; there are 0 to " +
                                      std::to_string(count - 1) + ", and -1 for the mean");
    std::vector<const Member*> result;
    for (int number = 0; number < count; ++number)
        if (member < 0 || member == number) result.push_back(model->members[number].get());
    return result;
}

void compute(const NAME_model* model, int member, const NAME_bonds* given, int threads,
             double* energy, double* energies, double* forces, double* virial, double* gradient) {
    if (POTENTIAL < 0)
        throw Problem(NAME_UNSUPPORTED, "this network has no energy among its targets");
    need(energy, "energy");
    const Bonds bonds = read(model, given, threads);
    const bool derivatives = forces || virial || gradient;
    std::vector<double> each(size_t(bonds.atoms), 0.0);
    std::vector<double> by_vectors(derivatives ? size_t(3 * bonds.size()) : 0, 0.0);
    const std::vector<const Member*> networks = chosen(model, member);
    for (const Member* network : networks)
        network->energies(bonds, each.data(), derivatives ? by_vectors.data() : nullptr);
    const double share = 1.0 / double(networks.size());
    *energy = 0;
    for (double& value : each) value *= share, *energy += value;
    for (double& value : by_vectors) value *= share;
    if (energies) std::copy(each.begin(), each.end(), energies);
    if (gradient) {
        std::fill_n(gradient, 3 * given->bonds, 0.0);
        for (Index bond = 0; bond < bonds.size(); ++bond)
            std::copy_n(by_vectors.data() + 3 * bond, 3, gradient + 3 * bonds.places[bond]);
    }
    if (forces) {
        std::fill_n(forces, 3 * bonds.atoms, 0.0);
        for (Index atom = 0; atom < bonds.atoms; ++atom)
            for (Index bond = bonds.starts[atom]; bond < bonds.starts[atom + 1]; ++bond)
                for (int axis = 0; axis < 3; ++axis) {
                    const double value = by_vectors[3 * bond + axis];
                    forces[3 * atom + axis] += value;
                    forces[3 * Index(bonds.senders[bond]) + axis] -= value;
                }
    }
    if (virial) {
        std::fill_n(virial, 9, 0.0);
        for (Index bond = 0; bond < bonds.size(); ++bond)
            for (int i = 0; i < 3; ++i)
                for (int j = 0; j < 3; ++j)
                    virial[3 * i + j] -= 0.5 *
                                         (by_vectors[3 * bond + i] * bonds.directions[3 * bond + j] +
                                          by_vectors[3 * bond + j] * bonds.directions[3 * bond + i]) *
                                         bonds.lengths[bond];
    }
}

void compute(const NAME_model* model, int member, int target, const NAME_bonds* given, int threads,
             double* values, int64_t capacity) {
    if (target < 0 || target >= TARGETS)
        throw Problem(NAME_INPUT, "target is " + std::to_string(target) + "; there are 0 to " +
                                      std::to_string(TARGETS - 1));
    need(values || !capacity, "values");
    Bonds bonds = read(model, given, threads);
    find_kinds(bonds);  // not for energies, which are the integral of forces that know every length
    if (given->counted) throw Problem(NAME_UNSUPPORTED, "counted is for energies only");
    std::vector<double> mean;
    const std::vector<const Member*> networks = chosen(model, member);
    for (const Member* network : networks) {
        const std::vector<double> one = network->coordinates(target, bonds, given->volume);
        mean.resize(one.size(), 0.0);
        for (size_t k = 0; k < one.size(); ++k) mean[k] += one[k] / double(networks.size());
    }
    const std::vector<double>& components = model->members[0]->components(target);
    const Index dimension = DIMENSIONS[target], entries = Index(components.size()) / dimension;
    const Index systems = Index(mean.size()) / dimension;
    if (capacity < systems * entries)
        throw Problem(NAME_INPUT, "values holds " + std::to_string(capacity) + " numbers; " +
                                      std::to_string(systems * entries) + " are needed");
    for (Index system = 0; system < systems; ++system)
        for (Index entry = 0; entry < entries; ++entry) {
            double sum = 0;
            for (Index k = 0; k < dimension; ++k)
                sum += mean[system * dimension + k] * components[k * entries + entry];
            values[system * entries + entry] = sum;
        }
}

#ifdef NAME_VESIN
// A list of vesin's, freed at the end of its scope.
struct FoundList {
    VesinNeighborList list{};
    ~FoundList() { vesin_free(&list); }
};

// The bonds of a structure, found by vesin.
struct Found {
    FoundList found;
    std::vector<int32_t> receivers, senders;
    NAME_bonds bonds{};

    explicit Found(const NAME_structure* given) {
        need(given && given->atoms >= 0 && (!given->atoms || (given->numbers && given->positions)),
             "numbers or positions");
        need(given->cell && given->periodic, "cell or periodic");
        need_finite(given->positions, 3 * given->atoms, "positions");
        need_finite(given->cell, 9, "cell");
        double box[3][3];
        std::memcpy(box, given->cell, sizeof box);
        bool periodic[3];
        for (int axis = 0; axis < 3; ++axis) periodic[axis] = given->periodic[axis] != 0;
        VesinOptions options{};
        options.cutoff = CUTOFF;
        options.full = true;
        options.return_vectors = true;
        const char* problem = nullptr;
        VesinNeighborList& list = found.list;
        if (given->atoms &&  // vesin takes no empty structure
            vesin_neighbors(reinterpret_cast<const double(*)[3]>(given->positions),
                            size_t(given->atoms), box, periodic, VesinDevice{VesinCPU, 0}, options,
                            &list, &problem) != EXIT_SUCCESS)
            throw Problem(NAME_INPUT, std::string("no neighbours: ") + (problem ? problem : ""));
        for (size_t k = 0; k < list.length; ++k) {
            receivers.push_back(int32_t(list.pairs[k][0]));
            senders.push_back(int32_t(list.pairs[k][1]));
        }
        const double(&a)[3][3] = box;
        const double volume = a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
                              a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
                              a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
        bonds = {given->atoms, given->numbers, nullptr, int64_t(list.length), receivers.data(),
                 senders.data(), list.length ? &list.vectors[0][0] : nullptr, std::fabs(volume)};
    }

  private:
    static void need_finite(const double* values, Index count, const char* what) {
        if (!std::all_of(values, values + count, [](double value) { return std::isfinite(value); }))
            throw Problem(NAME_INPUT, std::string(what) + " hold a number that is not finite");
    }
};
#endif

}  // namespace

extern "C" {

int NAME_interface(void) { return NAME_INTERFACE; }
const char* NAME_describe(void) { return DESCRIPTION; }
double NAME_cutoff(void) { return CUTOFF; }
double NAME_influence(void) { return INFLUENCE; }

int NAME_load(const char* weights, const int32_t* elements, int64_t count, NAME_model** model,
              NAME_message message) {
    return guarded(message, [&] {
        need(model, "model");
        *model = nullptr;
        need(weights, "weights");
        *model = loaded(File::content(weights, SIZE_OF_FILE), weights, elements, count);
    });
}

int NAME_load_bytes(const void* weights, int64_t length, const int32_t* elements, int64_t count,
                    NAME_model** model, NAME_message message) {
    return guarded(message, [&] {
        need(model, "model");
        *model = nullptr;
        need(weights && length >= 0, "weights");
        const char* bytes = static_cast<const char*>(weights);
        *model = loaded({bytes, bytes + length}, "the weights", elements, count);
    });
}

void NAME_free(NAME_model* model) { delete model; }

int NAME_potential(const NAME_model* model, int member, const NAME_bonds* bonds, int threads,
                   double* energy, double* energies, double* forces, double* virial,
                   double* gradient, NAME_message message) {
    return guarded(message, [&] {
        compute(model, member, bonds, threads, energy, energies, forces, virial, gradient);
    });
}

int NAME_tensor(const NAME_model* model, int member, int target, const NAME_bonds* bonds,
                int threads, double* values, int64_t capacity, NAME_message message) {
    return guarded(message,
                   [&] { compute(model, member, target, bonds, threads, values, capacity); });
}

#ifdef NAME_VESIN
int NAME_potential_of(const NAME_model* model, int member, const NAME_structure* structure,
                      int threads, double* energy, double* energies, double* forces,
                      double* virial, NAME_message message) {
    return guarded(message, [&] {
        const Found found(structure);
        compute(model, member, &found.bonds, threads, energy, energies, forces, virial, nullptr);
    });
}

int NAME_tensor_of(const NAME_model* model, int member, int target,
                   const NAME_structure* structure, int threads, double* values, int64_t capacity, NAME_message message) {
    return guarded(message, [&] {
        const Found found(structure);
        compute(model, member, target, &found.bonds, threads, values, capacity);
    });
}
#else
int NAME_potential_of(const NAME_model*, int, const NAME_structure*, int, double*, double*,
                      double*, double*, NAME_message message) {
    return tell(message, NAME_UNSUPPORTED, "built without vesin: define NAME_VESIN");
}
int NAME_tensor_of(const NAME_model*, int, int, const NAME_structure*, int, double*, int64_t,
                   NAME_message message) {
    return tell(message, NAME_UNSUPPORTED, "built without vesin: define NAME_VESIN");
}
#endif

}  // extern "C"

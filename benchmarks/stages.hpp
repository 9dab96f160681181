// Times of the stages of a network, each over all atoms or bonds in one thread. Follows the text
// of a program that was written with the name network, and sees what is in it.

#include <ctime>

namespace {

double seconds_of_thread() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

inline void seen() { asm volatile("" ::: "memory"); }  // what was written stays

namespace network_1 {

// As gather and scatter go over the bonds, as far as a stage: the next one's time is a difference.
enum class Until { weights, frames, gradients };

template <Until UNTIL, bool SLOPES, class L>
void over_bonds(const Layer<L>& layer, const Bonds& bonds, const T* sent, const T* by_sums,
                BondScratch& s) {
    constexpr Index WIDTH = Index(L::PATHS) * CHANNELS;
    for (Index atom = 0; atom < bonds.atoms; ++atom) {
        const Index end = bonds.starts[atom + 1];
        for (Index begin = bonds.starts[atom]; begin < end; begin += BONDS_AT_ONCE) {
            const int count = int(std::min<Index>(BONDS_AT_ONCE, end - begin));
            layer.radial.weights(bonds, bonds.species[atom], begin, count, s.weights.data(),
                                 SLOPES ? s.slopes.data() : nullptr);
            for (int k = 0; k < count && UNTIL != Until::weights; ++k, seen()) {
                L::frame(bonds.directions.data() + 3 * (begin + k), s.frame);
                if (UNTIL == Until::gradients)
                    L::message_vjp(sent + sent_by<L>(bonds, begin + k),
                                   by_sums + atom * L::MOMENT * CHANNELS, s.frame,
                                   s.weights.data() + k * WIDTH, s.by_features.data(),
                                   s.by_weights.data(), s.by_direction);
            }
            seen();
        }
    }
}

template <class L>
void over_atoms(const Layer<L>& layer, const Bonds& bonds, Pass& pass, bool back, Values* by_sums) {
    NodeScratch& s = pass.nodes[0];
    Values* before = L::FIRST ? nullptr : &pass.features[L::NUMBER - 1];
    Values unread(before ? before->size() : 0);
    for (Index atom = 0; atom < bonds.atoms; atom += ATOMS_AT_ONCE) {
        const int atoms = int(std::min<Index>(ATOMS_AT_ONCE, bonds.atoms - atom));
        const Index row = atom * L::MOMENT * CHANNELS, size = Index(atoms) * L::MOMENT * CHANNELS;
        const Index place = atom * L::BEFORE * CHANNELS;
        std::copy_n(pass.sums[L::NUMBER].data() + row, size, s.sums.data());
        layer.forward(atoms, bonds.species.data() + atom, before ? before->data() + place : nullptr,
                      s);
        if (!back) continue;
        std::copy_n(pass.by_features[L::NUMBER].data() + atom * L::KEPT * CHANNELS,
                    Index(atoms) * L::KEPT * CHANNELS, s.gradients.data());
        layer.backward(atoms, bonds.species.data() + atom, before ? unread.data() + place : nullptr,
                       s);
        if (by_sums) std::copy_n(s.by_sums.data(), size, by_sums->data() + row);
    }
}

// Seconds of one stage of a layer.
template <class L>
double stage_of(const Layer<L>& layer, const Bonds& bonds, Pass& pass, int stage) {
    Layer<L>::prepare(pass.nodes[0]), prepare<L>(pass.bonds[0]);
    BondScratch& s = pass.bonds[0];
    const T* sent = pass.sent[L::NUMBER].data();
    Values by_sums(size_t(bonds.atoms) * L::MOMENT * CHANNELS), sums(size_t(L::MOMENT) * CHANNELS);
    Values by_sent(pass.sent[L::NUMBER].size());
    std::vector<double> by_vectors(size_t(3 * bonds.size()));
    if (stage == 5 || stage == 6) over_atoms(layer, bonds, pass, true, &by_sums);
    const double start = seconds_of_thread();
    if (stage == 0) over_bonds<Until::weights, false>(layer, bonds, sent, nullptr, s);
    if (stage == 1) over_bonds<Until::frames, false>(layer, bonds, sent, nullptr, s);
    for (Index atom = 0; atom < bonds.atoms && stage == 2; ++atom)
        gather(layer, bonds, sent, nullptr, atom, sums.data(), s);
    if (stage == 3) over_bonds<Until::weights, true>(layer, bonds, sent, nullptr, s);
    if (stage == 4) over_bonds<Until::frames, true>(layer, bonds, sent, nullptr, s);
    if (stage == 5) over_bonds<Until::gradients, true>(layer, bonds, sent, by_sums.data(), s);
    for (Index atom = 0; atom < bonds.atoms && stage == 6; ++atom)
        scatter(layer, bonds, sent, atom, by_sums.data() + atom * L::MOMENT * CHANNELS,
                by_sent.data(), by_vectors.data(), s);
    if (stage == 7 || stage == 8) over_atoms(layer, bonds, pass, stage == 8, nullptr);
    return seconds_of_thread() - start;
}

struct Stages {
    network_model* model;
    Bonds bonds;
    Pass pass;
    std::vector<double> energies, by_vectors;

    const Network& network() const { return static_cast<const Network&>(*model->members[0]); }

    Stages(network_model* model, Bonds read)
        : model(model), bonds(std::move(read)), pass(bonds), energies(size_t(bonds.atoms)),
          by_vectors(size_t(3 * bonds.size())) {
        network().forwards(bonds, pass);
        outputs();
        backward(network().layer_2, bonds, pass, by_vectors.data());
    }
    ~Stages() { network_free(model); }

    void outputs() { network_energies(network().output_1, bonds, pass, energies.data(), true); }

    double seconds(int layer, int stage) {
        if (layer == 1) return stage_of(network().layer_1, bonds, pass, stage);
        if (layer == 2) return stage_of(network().layer_2, bonds, pass, stage);
        const double start = seconds_of_thread();
        network().energies(bonds, energies.data(), by_vectors.data());
        return seconds_of_thread() - start;
    }
};

}  // namespace network_1
// Seconds of a multiplication and an addition for each entry of sixteen registers, so many times.
double seconds_in_registers(Index times) {
    Wide sums[16] = {}, factor = {}, term = {};
    for (int lane = 0; lane < WIDE; ++lane) factor[lane] = T(0.5), term[lane] = T(lane);
    const double start = seconds_of_thread();
    for (Index k = 0; k < times; ++k)
        for (Wide& sum : sums) sum = sum * factor + term;
    const double took = seconds_of_thread() - start;
    for (Wide& sum : sums) asm volatile("" : : "m"(sum));
    return took;
}

}  // namespace

extern "C" {

// Null where something is wrong: text then says what.
void* stages_open(const char* weights, int32_t element, int64_t atoms, const int32_t* numbers,
                  int64_t count, const int32_t* receivers, const int32_t* senders,
                  const double* vectors, char* text, size_t length) {
    const network_message message = {text, length};
    network_model* model = nullptr;
    const network_bonds given = {atoms, numbers, nullptr, count, receivers, senders, vectors, 0};
    void* stages = nullptr;
    if (network_load(weights, &element, 1, &model, message) != network_OK) return stages;
    guarded(message, [&] { stages = new network_1::Stages(model, read(model, &given, 1)); });
    return stages;
}
void stages_close(void* stages) { delete static_cast<network_1::Stages*>(stages); }
// Seconds for an operation of the processor at its best: one addition or multiplication.
double stages_operation(int64_t times) {
    return seconds_in_registers(times) / double(2 * 16 * WIDE * times);
}
double stages_seconds(void* stages, int layer, int stage) {
    return static_cast<network_1::Stages*>(stages)->seconds(layer, stage);
}

}  // extern "C"

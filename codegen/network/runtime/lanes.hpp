// Channels side by side in the lanes of a register.
constexpr int lanes() {
    int count = REGISTER / int(sizeof(T));
    while (CHANNELS % count) count /= 2;
    return count;
}
constexpr int LANES = lanes();
typedef T V __attribute__((vector_size(LANES * sizeof(T))));
inline T total(V value) {
    T sum = 0;
    for (int lane = 0; lane < LANES; ++lane) sum += value[lane];
    return sum;
}
inline V load(const T* place) {
    V value;
    std::memcpy(&value, place, sizeof(V));
    return value;
}
inline void store(T* place, V value) { std::memcpy(place, &value, sizeof(V)); }
inline void add(T* place, V value) { store(place, load(place) + value); }

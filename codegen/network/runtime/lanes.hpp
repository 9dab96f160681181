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

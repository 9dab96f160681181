// The exponential of a symmetric matrix, by rotations that make it diagonal (Jacobi).

inline void exponential_of_symmetric(int n, std::vector<double>& a) {
    std::vector<double> axes(size_t(n) * n, 0.0);
    for (int i = 0; i < n; ++i) axes[i * n + i] = 1;
    for (int sweep = 0; sweep < 60; ++sweep) {
        double off = 0, all = 0;
        for (int i = 0; i < n; ++i)
            for (int j = 0; j < n; ++j) (i == j ? all : off) += a[i * n + j] * a[i * n + j];
        if (off <= 1e-34 * all) break;
        for (int p = 0; p < n; ++p)
            for (int q = p + 1; q < n; ++q) {
                const double apq = a[p * n + q];
                if (apq == 0) continue;
                const double ratio = (a[q * n + q] - a[p * n + p]) / (2 * apq);
                const double t =
                    (ratio >= 0 ? 1 : -1) / (std::fabs(ratio) + std::sqrt(ratio * ratio + 1));
                const double c = 1 / std::sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; ++k) {
                    const double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
                }
                for (int k = 0; k < n; ++k) {
                    const double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
                }
                for (int k = 0; k < n; ++k) {
                    const double x = axes[k * n + p], y = axes[k * n + q];
                    axes[k * n + p] = c * x - s * y, axes[k * n + q] = s * x + c * y;
                }
            }
    }
    std::vector<double> values(static_cast<size_t>(n));
    for (int k = 0; k < n; ++k) values[k] = std::exp(a[k * n + k]);
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
            a[i * n + j] = 0;
            for (int k = 0; k < n; ++k) a[i * n + j] += axes[i * n + k] * values[k] * axes[j * n + k];
        }
}

// Cylinders, once for each level: see each_level.h. A neighbour weighs in at most four cells of each axis: a
// patch of four rows, each one vector of four doubles. Every cell gets its neighbours in their order, so that
// sums agree to the last bit at each level.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

typedef double Doubles __attribute__((vector_size(32), may_alias));
typedef std::int64_t Longs __attribute__((vector_size(32), may_alias));
typedef double LooseDoubles __attribute__((vector_size(32), may_alias, aligned(8)));

// exp(x) of -30 < x < 30, to 2 units in the last place: x = n ln 2 + r, a polynomial of r, times 2^n.
MATCHER_INLINE void exponential(const Doubles& x, Doubles& out) {
    constexpr double kToWhole =
        6755399441055744.0;  // 1.5 * 2^52: adding it rounds, and n stands in the low bits
    const Doubles shifted = x * 1.44269504088896338700 + kToWhole;
    const Doubles n = shifted - kToWhole;
    const Doubles r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    // Taylor's terms up to r^13, in pairs.
    const Doubles r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    const Doubles p0 = 1.0 + r;
    const Doubles p2 = 1.0 / 2 + r * (1.0 / 6);
    const Doubles p4 = 1.0 / 24 + r * (1.0 / 120);
    const Doubles p6 = 1.0 / 720 + r * (1.0 / 5040);
    const Doubles p8 = 1.0 / 40320 + r * (1.0 / 362880);
    const Doubles p10 = 1.0 / 3628800 + r * (1.0 / 39916800);
    const Doubles p12 = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
    const Doubles value = (p0 + p2 * r2) + ((p4 + p6 * r2) * r4 + ((p8 + p10 * r2) + p12 * r4) * r8);
    out = (Doubles)((Longs)value + ((Longs)shifted << 52));
}

MATCHER_INLINE int bound(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

// Cells within kNear of a place on an axis.
struct Cells {
    int first, last;
    double off;  // of the first one's centre from the place
};

MATCHER_INLINE Cells cells_near(double at) {
    // Both are above -1 within the reach of a cylinder: what is cut off is rounded down.
    constexpr double kBase = 64.0, kASide = 1.0 / kSide;
    const double low = (at - kNear + kRadius) * kASide - 0.5, high = (at + kNear + kRadius) * kASide - 0.5;
    const int from = kGrid - static_cast<int>(kBase + kGrid - low) + static_cast<int>(kBase);
    const int to = static_cast<int>(high + kBase) - static_cast<int>(kBase);
    const int first = bound(from, 0, kGrid), last = bound(to, -1, kGrid - 1);
    return {first, last, centre(first) - at};
}

// Gaussians at equal steps are products: g(k + 1) = g(k) r(k), r(k + 1) = r(k) q.
MATCHER_INLINE void along_axis(double g, double r, double q, Doubles& out) {
    const double g1 = g * r, r1 = r * q;
    const double g2 = g1 * r1, r2 = r1 * q;
    out = Doubles{g, g1, g2, g2 * r2};
}

// Where a neighbour weighs in, and what its Gaussians start from.
struct Patch {
    Doubles starts;
    Cells down, right;
    const double* of_angle;
};

MATCHER_INLINE void add_patch(const Patch& patch, double q, CylinderSums& out) {
    const Cells &down = patch.down, &right = patch.right;
    const Doubles& starts = patch.starts;
    const double* of_angle = patch.of_angle;
    Doubles of_row, of_column;
    along_axis(starts[0], starts[1], q, of_row);
    along_axis(starts[2], starts[3], q, of_column);
    const Doubles lanes = {0, 1, 2, 3};
    const Doubles there = right.off + lanes * kSide;
    const Longs inside = lanes <= (Doubles{} + right.last - right.first);
    for (int a = down.first; a <= down.last; ++a) {
        const int step = a - down.first;
        const double away = down.off + step * kSide;
        const Longs reached = inside & (away * away + there * there <= (Doubles{} + kNear * kNear));
        const Doubles of_space = (Doubles)((Longs)(of_row[step] * of_column) & reached);
        for (int k = 0; k < kPlanes; ++k) {
            LooseDoubles* sums = reinterpret_cast<LooseDoubles*>(&out.cell[k][a][right.first]);
            *sums = *sums + of_space * of_angle[k];
        }
    }
}

// Writes which points are near enough to weigh anything, in their order; returns how many. A pass of its own,
// without a branch: half of them are near, and none could guess which.
MATCHER_INLINE int neighbours(const Points& points, int i, int* near) {
    int count = 0;
    for (int j = 0; j < points.count; ++j) {
        const double dx = points.x[j] - points.x[i], dy = points.y[i] - points.y[j];
        near[count] = j;
        count += static_cast<int>(j != i) & static_cast<int>(dx * dx + dy * dy <= kReach * kReach);
    }
    return count;
}

void add_neighbours(const Points& points, int i, const CylinderTables& t, CylinderSums& out) {
    std::memset(&out, 0, sizeof out);
    const double x = points.x[i], y = points.y[i];
    const std::uint8_t own = points.direction[i];
    const double cosine = t.cosine[own], sine = t.sine[own];
    int near[kMaxPacked];
    const int count = neighbours(points, i, near);
    Patch patches[kMaxPacked];
    int made = 0;
    for (int n = 0; n < count; ++n) {
        const int j = near[n];
        const double dx = points.x[j] - x, dy = y - points.y[j];
        Patch& patch = patches[made];
        const Cells down = cells_near(dx * cosine + dy * sine), right = cells_near(dy * cosine - dx * sine);
        patch.down = down;
        patch.right = right;
        const Doubles off = {down.off, 2.0 * down.off * kSide + kSide * kSide, right.off,
                             2.0 * right.off * kSide + kSide * kSide};
        const Doubles factor = {down.off, 1.0, right.off, 1.0};
        exponential(off * factor * (-1.0 / kTwice), patch.starts);
        patch.of_angle = t.weight[static_cast<std::uint8_t>(own - points.direction[j])];
        made += static_cast<int>(down.first <= down.last) & static_cast<int>(right.first <= right.last);
    }
    for (int n = 0; n < made; ++n) add_patch(patches[n], t.step, out);
}

MATCHER_INLINE std::uint64_t above(const double* row) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    return _mm512_cmp_pd_mask(_mm512_loadu_pd(row), _mm512_set1_pd(kThreshold), _CMP_GT_OQ);
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
    const __m256d least = _mm256_set1_pd(kThreshold);
    const int low = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(row), least, _CMP_GT_OQ));
    const int high = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(row + 4), least, _CMP_GT_OQ));
    return static_cast<std::uint64_t>(low | high << 4);
#else
    std::uint64_t bits = 0;
    for (int b = 0; b < kGrid; ++b) bits |= static_cast<std::uint64_t>(row[b] > kThreshold) << b;
    return bits;
#endif
}

void cylinder_bits(const CylinderSums& sums, const CylinderTables& t, std::uint64_t out[kPlanes]) {
    for (int k = 0; k < kPlanes; ++k) {
        std::uint64_t word = 0;
        for (int a = 0; a < kGrid; ++a) {
            const CylinderRow& row = t.row[a];
            const std::uint64_t own = above(sums.cell[k][a]) >> row.first & ((1U << row.count) - 1U);
            word |= own << row.bit;
        }
        out[k] = word;
    }
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

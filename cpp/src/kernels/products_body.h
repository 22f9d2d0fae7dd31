// Products of 16-bit numbers, once for each level: see each_level.h. All of it is integer arithmetic.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;

// Each lane holds two numbers of 16 bits: `sum` and the sum of their products with the other's.
MATCHER_INLINE Ints add_products(const Ints& sum, const Ints& left, const Ints& right) {
    Ints out;
    for (int k = 0; k < kParts; ++k) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
        out.part[k] = (NativeInts)_mm512_dpwssd_epi32((__m512i)sum.part[k], (__m512i)left.part[k],
                                                      (__m512i)right.part[k]);
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
        out.part[k] =
            sum.part[k] + (NativeInts)_mm256_madd_epi16((__m256i)left.part[k], (__m256i)right.part[k]);
#elif defined(__x86_64__)
        out.part[k] = sum.part[k] + (NativeInts)_mm_madd_epi16((__m128i)left.part[k], (__m128i)right.part[k]);
#else
        const NativeInts low = (left.part[k] << 16 >> 16) * (right.part[k] << 16 >> 16);
        out.part[k] = sum.part[k] + low + (left.part[k] >> 16) * (right.part[k] >> 16);
#endif
    }
    return out;
}

MATCHER_INLINE std::int32_t pair_at(const std::int16_t* numbers) {
    std::int32_t both;
    std::memcpy(&both, numbers, sizeof both);
    return both;
}

// Blocks b to b + kBlocks of all rows: so many sums grow beside each other that none waits for its last step.
template <int kBlocks>
MATCHER_INLINE void block_products(const std::int16_t* const row[kProductRows], const std::int32_t* columns,
                                   int pairs, int blocks, const std::int32_t* start, std::int32_t* out) {
    Ints sum[kBlocks][kProductRows];
    for (int b = 0; b < kBlocks; ++b) {
        for (int r = 0; r < kProductRows; ++r) sum[b][r] = load(start + b * kProductColumns);
    }
    for (int p = 0; p < pairs; ++p, columns += kProductColumns) {
        Ints numbers[kProductRows];
        for (int r = 0; r < kProductRows; ++r) numbers[r] = all(pair_at(row[r] + 2 * p));
        for (int b = 0; b < kBlocks; ++b) {
            const Ints column = load(columns + b * pairs * kProductColumns);
            for (int r = 0; r < kProductRows; ++r) sum[b][r] = add_products(sum[b][r], column, numbers[r]);
        }
    }
    for (int b = 0; b < kBlocks; ++b) {
        for (int r = 0; r < kProductRows; ++r) store(out + (r * blocks + b) * kProductColumns, sum[b][r]);
    }
}

void products(const std::int16_t* rows, const std::int16_t* matrix, int pairs, int blocks,
              const std::int32_t* start, std::int32_t* out) {
    constexpr int kTogether = MATCHER_WIDTH == 64 ? 4 : 1;  // as many as the registers hold
    const std::int16_t* row[kProductRows];
    for (int r = 0; r < kProductRows; ++r) row[r] = rows + r * 2 * pairs;
    const auto* columns = reinterpret_cast<const std::int32_t*>(matrix);
    int b = 0;
    for (; b + kTogether <= blocks; b += kTogether) {
        block_products<kTogether>(row, columns + b * pairs * kProductColumns, pairs, blocks,
                                  start + b * kProductColumns, out + b * kProductColumns);
    }
    for (; b < blocks; ++b) {
        block_products<1>(row, columns + b * pairs * kProductColumns, pairs, blocks,
                          start + b * kProductColumns, out + b * kProductColumns);
    }
}

int greatest_place(const std::int32_t* numbers, int count) {
    Ints most = load(numbers), block = all(0);
    for (int i = kProductColumns; i < count; i += kProductColumns) {
        const Ints here = load(numbers + i), more = most < here;
        most = greatest(most, here);
        block = block + ((all(i) - block) & more);
    }
    alignas(64) std::int32_t value[kProductColumns], place[kProductColumns];
    store(value, most);
    store(place, block + lane_numbers());
    int best = 0;
    for (int lane = 1; lane < kProductColumns; ++lane) {
        const bool first = value[lane] == value[best] && place[lane] < place[best];
        if (value[lane] > value[best] || first) best = lane;
    }
    return place[best];
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

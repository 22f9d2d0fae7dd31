// Products of 16-bit numbers, once for each level: see each_level.h. All of it is integer arithmetic.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;

// Each lane holds two numbers of 16 bits: the sum of their products with the other's.
MATCHER_INLINE Ints pair_products(const Ints& left, const Ints& right) {
    Ints out;
    for (int k = 0; k < kParts; ++k) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
        out.part[k] = (NativeInts)_mm512_madd_epi16((__m512i)left.part[k], (__m512i)right.part[k]);
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
        out.part[k] = (NativeInts)_mm256_madd_epi16((__m256i)left.part[k], (__m256i)right.part[k]);
#elif defined(__x86_64__)
        out.part[k] = (NativeInts)_mm_madd_epi16((__m128i)left.part[k], (__m128i)right.part[k]);
#else
        const NativeInts low = (left.part[k] << 16 >> 16) * (right.part[k] << 16 >> 16);
        out.part[k] = low + (left.part[k] >> 16) * (right.part[k] >> 16);
#endif
    }
    return out;
}

MATCHER_INLINE std::int32_t pair_at(const std::int16_t* numbers) {
    std::int32_t both;
    std::memcpy(&both, numbers, sizeof both);
    return both;
}

void products(const std::int16_t* rows, const std::int16_t* matrix, int pairs, int blocks,
              const std::int32_t* start, std::int32_t* out) {
    const std::int16_t* row[kProductRows];
    for (int r = 0; r < kProductRows; ++r) row[r] = rows + r * 2 * pairs;
    const auto* columns = reinterpret_cast<const std::int32_t*>(matrix);
    for (int b = 0; b < blocks; ++b) {
        const Ints first = load(start + b * kProductColumns);
        Ints one = first, two = first, three = first, four = first;
        for (int p = 0; p < pairs; ++p, columns += kProductColumns) {
            const Ints column = load(columns);
            one = one + pair_products(column, all(pair_at(row[0] + 2 * p)));
            two = two + pair_products(column, all(pair_at(row[1] + 2 * p)));
            three = three + pair_products(column, all(pair_at(row[2] + 2 * p)));
            four = four + pair_products(column, all(pair_at(row[3] + 2 * p)));
        }
        std::int32_t* at = out + b * kProductColumns;
        store(at, one);
        store(at + blocks * kProductColumns, two);
        store(at + 2 * blocks * kProductColumns, three);
        store(at + 3 * blocks * kProductColumns, four);
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

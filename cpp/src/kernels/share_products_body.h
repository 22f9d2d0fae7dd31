// Products of shares, once for each level: see share_products.cpp. Included several times, hence no guard.
//
// 16-bit products are summed in 32-bit lanes, two neighbours at a time: sums wrap modulo 2^32, whose lowest
// 16 bits are those of the sum modulo 2^16, whatever the signs that the instruction reads into its operands.
namespace matcher::privacy::kernels::MATCHER_LEVEL {
namespace {

// A tile's rows and turns: their sums stay in registers, and each vector that is loaded serves 4 products.
constexpr int kTileRows = 4;
constexpr int kTileTurns = MATCHER_WIDTH == 64 ? 4 : 2;
constexpr std::size_t kLoaded = MATCHER_WIDTH / sizeof(std::uint16_t);

#if MATCHER_WIDTH > 16
// Sums the lanes of a vector that lies in memory, a quarter at a time: gcc 12 warns of its own reductions.
MATCHER_INLINE std::uint32_t sum_of_quarters(const __m128i* part) {
    __m128i sum = _mm_add_epi32(part[0], part[1]);
    for (int k = 2; k < MATCHER_WIDTH / 16; ++k) sum = _mm_add_epi32(sum, part[k]);
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum));
}
#endif
#if MATCHER_WIDTH == 64
typedef __m512i Vector;
MATCHER_INLINE Vector zero() { return _mm512_setzero_si512(); }
MATCHER_INLINE Vector load(const std::uint16_t* p) { return _mm512_loadu_si512(p); }
MATCHER_INLINE Vector multiply_add(Vector sum, Vector x, Vector y) {
    // As _mm512_dpwssd_epi32, for which gcc 12 copies every sum from register to register and back.
    asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
    return sum;
}
MATCHER_INLINE std::uint32_t sum_of(Vector v) {
    alignas(64) __m128i part[4];
    _mm512_store_si512(part, v);
    return sum_of_quarters(part);
}
#elif MATCHER_WIDTH == 32
typedef __m256i Vector;
MATCHER_INLINE Vector zero() { return _mm256_setzero_si256(); }
MATCHER_INLINE Vector load(const std::uint16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
MATCHER_INLINE Vector multiply_add(Vector sum, Vector x, Vector y) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
}
MATCHER_INLINE std::uint32_t sum_of(Vector v) {
    alignas(32) __m128i part[2];
    _mm256_store_si256(reinterpret_cast<__m256i*>(part), v);
    return sum_of_quarters(part);
}
#else
struct Vector {
    std::uint32_t sum;
    std::uint16_t lane[8];
};
MATCHER_INLINE Vector zero() { return Vector{}; }
MATCHER_INLINE Vector load(const std::uint16_t* p) {
    Vector out{};
    std::memcpy(out.lane, p, sizeof out.lane);
    return out;
}
MATCHER_INLINE Vector multiply_add(Vector sum, const Vector& x, const Vector& y) {
    for (int k = 0; k < 8; ++k) sum.sum += std::uint32_t{x.lane[k]} * y.lane[k];
    return sum;
}
MATCHER_INLINE std::uint32_t sum_of(const Vector& v) { return v.sum; }
#endif

// Computes rows x turns; meanwhile asks memory for kFetched rows from `next` on. Asked for bit by bit, memory
// keeps up with the multiplying; all at once, both wait for each other.
template <int kRows, int kTurns, int kFetched>
MATCHER_INLINE void tile(const Products<std::uint16_t>& task, std::size_t row, std::size_t turn,
                         const std::uint16_t* next) {
    Vector sums[kRows][kTurns];
    for (int r = 0; r < kRows; ++r)
        for (int t = 0; t < kTurns; ++t) sums[r][t] = zero();
    const std::uint16_t* rows[kRows];
    const std::uint16_t* probes[kTurns];
    for (int r = 0; r < kRows; ++r) rows[r] = task.rows + (row + r) * task.stride;
    for (int t = 0; t < kTurns; ++t) probes[t] = task.probes + task.places[turn + t];
    std::size_t k = 0;
    for (; k + kLoaded <= task.length; k += kLoaded) {
        for (int r = 0; r < kFetched; ++r) __builtin_prefetch(next + r * task.stride + k, 0, 2);
        Vector one[kTurns];
        for (int t = 0; t < kTurns; ++t) one[t] = load(probes[t] + k);
        for (int r = 0; r < kRows; ++r) {
            const Vector candidate = load(rows[r] + k);
            for (int t = 0; t < kTurns; ++t) sums[r][t] = multiply_add(sums[r][t], candidate, one[t]);
        }
    }
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kTurns; ++t) {
            std::uint32_t sum = sum_of(sums[r][t]);
            for (std::size_t rest = k; rest < task.length; ++rest) {
                sum += std::uint32_t{rows[r][rest]} * probes[t][rest];
            }
            task.out[(turn + t) * task.count + row + r] = static_cast<std::uint16_t>(sum);
        }
    }
}

template <int kRows>
MATCHER_INLINE void turns_of(const Products<std::uint16_t>& task, std::size_t row, std::size_t turn) {
    for (; turn + kTileTurns <= task.turns; turn += kTileTurns) {
        tile<kRows, kTileTurns, 0>(task, row, turn, nullptr);
    }
    for (; turn < task.turns; ++turn) tile<kRows, 1, 0>(task, row, turn, nullptr);
}

void products16(const Products<std::uint16_t>& task) {
    std::size_t row = 0;
    // While a tile is at work the next one's rows come: the processor's own look-ahead stops at a page's end.
    for (; row + 2 * kTileRows <= task.count; row += kTileRows) {
        const std::uint16_t* next = task.rows + (row + kTileRows) * task.stride;
        std::size_t turn = 0;
        if (task.turns >= kTileRows * kTileTurns) {
            for (int r = 0; r < kTileRows; ++r, turn += kTileTurns) {
                tile<kTileRows, kTileTurns, 1>(task, row, turn, next + r * task.stride);
            }
        } else if (task.turns >= kTileTurns) {
            tile<kTileRows, kTileTurns, kTileRows>(task, row, turn, next);
            turn += kTileTurns;
        } else if (task.turns > 0) {
            tile<kTileRows, 1, kTileRows>(task, row, turn++, next);
        }
        turns_of<kTileRows>(task, row, turn);
    }
    for (; row + kTileRows <= task.count; row += kTileRows) turns_of<kTileRows>(task, row, 0);
    for (; row < task.count; ++row) turns_of<1>(task, row, 0);
}

void products32(const Products<std::uint32_t>& task) {
    for (std::size_t row = 0; row < task.count; ++row) {
        const std::uint32_t* candidate = task.rows + row * task.stride;
        for (std::size_t turn = 0; turn < task.turns; ++turn) {
            const std::uint32_t* probe = task.probes + task.places[turn];
            std::uint32_t sum = 0;
            for (std::size_t k = 0; k < task.length; ++k) sum += candidate[k] * probe[k];
            task.out[turn * task.count + row] = sum;
        }
    }
}

// Up to 64 values; those missing count as 0.
MATCHER_INLINE void slice_block(const std::uint16_t* values, int width, std::size_t words,
                                std::uint64_t* planes) {
#if MATCHER_WIDTH == 64
    const Vector low = load(values), high = load(values + 32);
    for (int b = 0; b < width; ++b) {
        const __m128i up = _mm_cvtsi32_si128(15 - b);
        const std::uint64_t first = _mm512_movepi16_mask(_mm512_sll_epi16(low, up));
        const std::uint64_t second = _mm512_movepi16_mask(_mm512_sll_epi16(high, up));
        planes[static_cast<std::size_t>(b) * words] = first | second << 32;
    }
#else
    for (int b = 0; b < width; ++b) {
        std::uint64_t plane = 0;
        for (int v = 0; v < 64; ++v) plane |= static_cast<std::uint64_t>(values[v] >> b & 1U) << v;
        planes[static_cast<std::size_t>(b) * words] = plane;
    }
#endif
}

void slice(const std::uint16_t* values, std::size_t count, int width, std::uint64_t* planes) {
    const std::size_t words = (count + kWordBits - 1) / kWordBits;
    const std::size_t whole = count / kWordBits;
    for (std::size_t w = 0; w < whole; ++w) slice_block(values + w * kWordBits, width, words, planes + w);
    if (whole < words) {
        std::uint16_t last[kWordBits] = {};
        std::memcpy(last, values + whole * kWordBits, (count - whole * kWordBits) * sizeof(std::uint16_t));
        slice_block(last, width, words, planes + whole);
    }
}

void and_share(const And& task) {
    for (std::size_t w = 0; w < task.words; ++w) {
        task.out[w] = (task.x0[w] & (task.y0[w] ^ task.y1[w])) ^ (task.x1[w] & task.y0[w]) ^ task.zero[w];
    }
}

std::uint64_t multiply_only(std::uint64_t rounds, std::uint32_t* sink) {
    std::uint16_t numbers[kLoaded];
    for (std::size_t k = 0; k < kLoaded; ++k) numbers[k] = static_cast<std::uint16_t>(*sink + k);
    const Vector x = load(numbers), y = load(numbers);
    // Named, not an array: a compiler may keep an array in memory, and then this measures memory. Twelve, as
    // the instruction takes up to five clocks and two may begin in each.
    Vector a = zero(), b = zero(), c = zero(), d = zero(), e = zero(), f = zero();
    Vector g = zero(), h = zero(), i = zero(), j = zero(), k = zero(), l = zero();
    for (std::uint64_t round = 0; round < rounds; ++round) {
        a = multiply_add(a, x, y), b = multiply_add(b, x, y), c = multiply_add(c, x, y);
        d = multiply_add(d, x, y), e = multiply_add(e, x, y), f = multiply_add(f, x, y);
        g = multiply_add(g, x, y), h = multiply_add(h, x, y), i = multiply_add(i, x, y);
        j = multiply_add(j, x, y), k = multiply_add(k, x, y), l = multiply_add(l, x, y);
#if MATCHER_WIDTH > 16
        // Nothing that the compiler could take out of the loop, and no instruction either.
        asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f));
        asm volatile("" : "+v"(g), "+v"(h), "+v"(i), "+v"(j), "+v"(k), "+v"(l));
#endif
    }
    const Vector all[] = {a, b, c, d, e, f, g, h, i, j, k, l};
    for (const Vector& sum : all) *sink += sum_of(sum);
    return rounds * 12 * kLoaded;
}

}  // namespace
}  // namespace matcher::privacy::kernels::MATCHER_LEVEL

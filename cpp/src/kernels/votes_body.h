// What is near a voter, once for each level: see each_level.h. 64 postings at a time: each part of their
// codes is looked up by a shuffle of bytes, and saturating sums are compared with the limit.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

constexpr std::size_t kBlock = 64;

// out[j] = saturated sum of the parts of posting j, for 64 of them.
#if defined(__x86_64__) && MATCHER_WIDTH == 64
MATCHER_INLINE void sums_of(const std::uint8_t* codes, std::size_t stride, const std::uint8_t* table,
                            std::uint8_t base, std::uint8_t* out) {
    const __m512i low = _mm512_set1_epi8(0x0f);
    constexpr __mmask16 all = 0xffff;  // gcc 12 warns of the form without a mask
    __m512i even = _mm512_set1_epi8(static_cast<char>(base)), odd = _mm512_setzero_si512();
    for (int b = 0; b < kCodeBytes; ++b) {
        const __m512i code = _mm512_loadu_si512(codes + static_cast<std::size_t>(b) * stride);
        const auto* part = reinterpret_cast<const __m128i*>(table + 2 * b * kPartCentres);
        const __m512i first = _mm512_maskz_broadcast_i32x4(all, _mm_loadu_si128(part));
        const __m512i second = _mm512_maskz_broadcast_i32x4(all, _mm_loadu_si128(part + 1));
        even = _mm512_adds_epu8(even, _mm512_shuffle_epi8(first, _mm512_and_si512(code, low)));
        const __m512i high = _mm512_and_si512(_mm512_srli_epi16(code, 4), low);
        odd = _mm512_adds_epu8(odd, _mm512_shuffle_epi8(second, high));
    }
    _mm512_storeu_si512(out, _mm512_adds_epu8(even, odd));
}
MATCHER_INLINE std::uint64_t within(const std::uint8_t* sums, std::uint8_t limit) {
    return _mm512_cmple_epu8_mask(_mm512_loadu_si512(sums), _mm512_set1_epi8(static_cast<char>(limit)));
}
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
MATCHER_INLINE void sums_of(const std::uint8_t* codes, std::size_t stride, const std::uint8_t* table,
                            std::uint8_t base, std::uint8_t* out) {
    const __m256i low = _mm256_set1_epi8(0x0f);
    for (int half = 0; half < 2; ++half) {
        __m256i even = _mm256_set1_epi8(static_cast<char>(base)), odd = _mm256_setzero_si256();
        for (int b = 0; b < kCodeBytes; ++b) {
            const std::uint8_t* at = codes + static_cast<std::size_t>(b) * stride + 32 * half;
            const __m256i code = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
            const auto* part = reinterpret_cast<const __m128i*>(table + 2 * b * kPartCentres);
            const __m256i first = _mm256_broadcastsi128_si256(_mm_loadu_si128(part));
            const __m256i second = _mm256_broadcastsi128_si256(_mm_loadu_si128(part + 1));
            even = _mm256_adds_epu8(even, _mm256_shuffle_epi8(first, _mm256_and_si256(code, low)));
            const __m256i high = _mm256_and_si256(_mm256_srli_epi16(code, 4), low);
            odd = _mm256_adds_epu8(odd, _mm256_shuffle_epi8(second, high));
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 32 * half), _mm256_adds_epu8(even, odd));
    }
}
MATCHER_INLINE std::uint64_t within(const std::uint8_t* sums, std::uint8_t limit) {
    const __m256i most = _mm256_set1_epi8(static_cast<char>(limit));
    std::uint64_t bits = 0;
    for (int half = 0; half < 2; ++half) {
        const __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + 32 * half));
        const __m256i no_more = _mm256_cmpeq_epi8(_mm256_min_epu8(sum, most), sum);
        bits |= std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(no_more))} << (32 * half);
    }
    return bits;
}
#else
MATCHER_INLINE void sums_of(const std::uint8_t* codes, std::size_t stride, const std::uint8_t* table,
                            std::uint8_t base, std::uint8_t* out) {
    for (std::size_t j = 0; j < kBlock; ++j) {
        unsigned sum = base;
        for (int b = 0; b < kCodeBytes; ++b) {
            const unsigned code = codes[static_cast<std::size_t>(b) * stride + j];
            const std::uint8_t* part = table + 2 * b * kPartCentres;
            sum += part[code & 15U];
            sum += part[kPartCentres + (code >> 4)];
        }
        out[j] = static_cast<std::uint8_t>(sum < 255 ? sum : 255);
    }
}
MATCHER_INLINE std::uint64_t within(const std::uint8_t* sums, std::uint8_t limit) {
    std::uint64_t bits = 0;
    for (std::size_t j = 0; j < kBlock; ++j) bits |= std::uint64_t{sums[j] <= limit} << j;
    return bits;
}
#endif

// Appends the places and sums of the postings whose bit is set to what was found before; returns how many
// there are then.
MATCHER_INLINE std::size_t append(std::uint64_t bits, const std::uint8_t* sums, std::size_t first,
                                  std::size_t found, Near& out) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    alignas(64) constexpr std::uint16_t numbers[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                     11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                                     22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
    const auto low = static_cast<__mmask32>(bits), high = static_cast<__mmask32>(bits >> 32);
    const __m512i begin = _mm512_set1_epi16(static_cast<short>(first));
    const __m512i places = _mm512_add_epi16(_mm512_load_si512(numbers), begin);
    const __m512i behind = _mm512_add_epi16(places, _mm512_set1_epi16(32));
    const auto some = static_cast<std::size_t>(__builtin_popcount(low));
    _mm512_storeu_si512(out.places + found, _mm512_maskz_compress_epi16(low, places));
    _mm512_storeu_si512(out.places + found + some, _mm512_maskz_compress_epi16(high, behind));
    _mm512_storeu_si512(out.sums + found, _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(sums)));
    return found + static_cast<std::size_t>(__builtin_popcountll(bits));
#else
    for (; bits != 0; bits &= bits - 1) {
        const int j = __builtin_ctzll(bits);
        out.places[found] = static_cast<std::uint16_t>(first + static_cast<std::size_t>(j));
        out.sums[found++] = sums[j];
    }
    return found;
#endif
}

std::size_t near(const List& list, std::size_t count, const Voter& voter, const List* next, Near& out) {
    alignas(64) std::uint8_t sums[kBlock];
    std::size_t found = 0;
    for (std::size_t first = 0; first < count; first += kBlock) {
        if (next != nullptr && first < next->count) {
            // Each list is a few short streams, over before the processor has noticed them.
            for (int b = 0; b < kCodeBytes; ++b) {
                __builtin_prefetch(next->codes + static_cast<std::size_t>(b) * next->stride + first);
            }
            __builtin_prefetch(next->rows + first);
            __builtin_prefetch(next->rows + first + kBlock / 2);
        }
        sums_of(list.codes + first, list.stride, voter.table, voter.base, sums);
        std::uint64_t bits = within(sums, voter.limit);
        const std::size_t left = count - first;
        if (left < kBlock) bits &= (std::uint64_t{1} << left) - 1;
        found = append(bits, sums, first, found, out);
    }
    return found;
}

std::size_t marked(const std::uint16_t* rows, std::size_t count, const std::uint32_t* marks,
                   std::uint16_t* places) {
    std::size_t found = 0, j = 0;
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    alignas(32) constexpr std::uint16_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m256i ascending = _mm256_load_si256(reinterpret_cast<const __m256i*>(numbers));
    for (; j + 16 <= count; j += 16) {
        const __m256i narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + j));
        const __m512i row = _mm512_maskz_cvtepu16_epi32(0xffff, narrow);
        const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff,
                                                          _mm512_maskz_srli_epi32(0xffff, row, 5), marks, 4);
        const __m512i bit = _mm512_maskz_sllv_epi32(0xffff, _mm512_set1_epi32(1),
                                                    _mm512_and_epi32(row, _mm512_set1_epi32(31)));
        const __mmask16 set = _mm512_test_epi32_mask(words, bit);
        if (set == 0) continue;
        const __m256i own = _mm256_add_epi16(ascending, _mm256_set1_epi16(static_cast<short>(j)));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(places + found),
                            _mm256_maskz_compress_epi16(set, own));
        found += static_cast<std::size_t>(__builtin_popcount(set));
    }
#endif
    for (; j < count; ++j) {
        places[found] = static_cast<std::uint16_t>(j);
        found += marks[rows[j] / 32] >> (rows[j] % 32) & 1U;
    }
    return found;
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

// The scan, once for each level: see each_level.h. 64 postings at a time: each part of their codes is looked
// up by a shuffle of bytes, saturating sums are compared with the limit, and the few within vote one by one.
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

MATCHER_INLINE bool stands_in(const Chosen& chosen, std::size_t posting) {
    const unsigned list = chosen.lists[posting];
    return (chosen.words[list / 64] >> (list % 64) & 1) != 0;
}

void scan(const List& list, const Voter& voter, const Chosen* chosen, std::uint32_t* states) {
    alignas(64) std::uint8_t sums[kBlock];
    const std::uint32_t mark = voter.number << kVoterShift;
    for (std::size_t first = 0; first < list.count; first += kBlock) {
        sums_of(list.codes + first, list.stride, voter.table, voter.base, sums);
        std::uint64_t near = within(sums, voter.limit);
        const std::size_t left = list.count - first;
        if (left < kBlock) near &= (std::uint64_t{1} << left) - 1;
        for (; near != 0; near &= near - 1) {
            const int j = __builtin_ctzll(near);
            if (chosen != nullptr && !stands_in(*chosen, first + static_cast<std::size_t>(j))) continue;
            const std::uint32_t weight = voter.weights[sums[j]];
            std::uint32_t& state = states[list.rows[first + static_cast<std::size_t>(j)]];
            const std::uint32_t held =
                (state >> kVoterShift & 0xff) == voter.number ? state >> kVoteShift : 0;
            if (weight > held) state = ((state & kSumMask) + weight - held) | mark | weight << kVoteShift;
        }
    }
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

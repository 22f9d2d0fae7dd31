// 8 lanes of 64 bits and a count of their set bits, in as many native vectors as the level needs. Included
// once for each level by a body, hence no guard; see each_level.h.
namespace matcher::iris::kernels::MATCHER_LEVEL {
namespace {

constexpr int kWordLanes = 8;
constexpr int kWordParts = 64 / MATCHER_WIDTH;

typedef std::uint64_t NativeWords __attribute__((vector_size(MATCHER_WIDTH), may_alias));
typedef std::uint64_t UnalignedWords __attribute__((vector_size(MATCHER_WIDTH), may_alias, aligned(8)));

struct Words {
    NativeWords part[kWordParts];
};

#define MATCHER_EACH_WORD(expression)                                \
    Words out;                                                       \
    for (int k = 0; k < kWordParts; ++k) out.part[k] = (expression); \
    return out

MATCHER_INLINE Words load_words(const std::uint64_t* p) {
    MATCHER_EACH_WORD(reinterpret_cast<const UnalignedWords*>(p)[k]);
}
MATCHER_INLINE void store_words(std::uint64_t* p, const Words& v) {
    for (int k = 0; k < kWordParts; ++k) reinterpret_cast<UnalignedWords*>(p)[k] = v.part[k];
}
MATCHER_INLINE Words same_words(std::uint64_t value) { MATCHER_EACH_WORD(NativeWords{} + value); }
MATCHER_INLINE Words operator&(const Words& left, const Words& right) {
    MATCHER_EACH_WORD(left.part[k] & right.part[k]);
}
MATCHER_INLINE Words operator+(const Words& left, const Words& right) {
    MATCHER_EACH_WORD(left.part[k] + right.part[k]);
}
// (left ^ right) & valid, one instruction where the level has it.
MATCHER_INLINE Words differing(const Words& left, const Words& right, const Words& valid) {
    MATCHER_EACH_WORD((left.part[k] ^ right.part[k]) & valid.part[k]);
}

// Population counts, summed. Levels without the instruction count within bytes: at most kTallyAdds additions
// before `settled` takes them out.
constexpr int kTallyAdds = 31;

struct Tally {
    Words sums;
};

MATCHER_INLINE Tally empty_tally() { return {same_words(0)}; }

MATCHER_INLINE NativeWords counted(NativeWords v) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    return (NativeWords)_mm512_popcnt_epi64((__m512i)v);
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
    // Two table look-ups of a byte's halves (Mula).
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i bytes = (__m256i)v;
    const __m256i lower = _mm256_shuffle_epi8(table, _mm256_and_si256(bytes, low));
    const __m256i upper = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi64(bytes, 4), low));
    return (NativeWords)_mm256_add_epi8(lower, upper);
#else
    const NativeWords pairs = v - (v >> 1 & 0x5555555555555555U);
    const NativeWords nibbles = (pairs & 0x3333333333333333U) + (pairs >> 2 & 0x3333333333333333U);
    return (nibbles + (nibbles >> 4)) & 0x0f0f0f0f0f0f0f0fU;
#endif
}

MATCHER_INLINE void count(Tally& tally, const Words& v) {
    // Bytes never carry into each other, so whole words may be added.
    for (int k = 0; k < kWordParts; ++k) tally.sums.part[k] += counted(v.part[k]);
}

// The counts of each 64-bit lane.
MATCHER_INLINE Words settled(const Tally& tally) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    return tally.sums;
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
    MATCHER_EACH_WORD((NativeWords)_mm256_sad_epu8((__m256i)tally.sums.part[k], _mm256_setzero_si256()));
#else
    Words out;
    for (int k = 0; k < kWordParts; ++k) {
        const NativeWords bytes = tally.sums.part[k];
        const NativeWords halves = (bytes & 0x00ff00ff00ff00ffU) + (bytes >> 8 & 0x00ff00ff00ff00ffU);
        const NativeWords quarters = halves + (halves >> 32);
        out.part[k] = (quarters + (quarters >> 16)) & 0xffffU;
    }
    return out;
#endif
}

MATCHER_INLINE std::uint64_t sum_of(const Words& v) {
#if MATCHER_WIDTH == 64
    const NativeWords halves =
        v.part[0] + __builtin_shufflevector(v.part[0], v.part[0], 4, 5, 6, 7, 0, 1, 2, 3);
    const NativeWords quarters = halves + __builtin_shufflevector(halves, halves, 2, 3, 0, 1, 6, 7, 4, 5);
    return quarters[0] + quarters[1];
#else
    NativeWords sum = v.part[0];
    for (int k = 1; k < kWordParts; ++k) sum += v.part[k];
    std::uint64_t out = 0;
    for (int lane = 0; lane < MATCHER_WIDTH / 8; ++lane) out += sum[lane];
    return out;
#endif
}

#undef MATCHER_EACH_WORD

}  // namespace
}  // namespace matcher::iris::kernels::MATCHER_LEVEL

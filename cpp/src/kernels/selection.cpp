// A row of the matrix is one 64-byte vector: counting the pairs above a level, and masking by rotation, are a
// few instructions a row. All of it is integer arithmetic.
#include "kernels/selection.h"

#include "kernels/lanes.h"

namespace matcher::fingerprint::kernels {
namespace {

using matcher::kernels::bytes;
using matcher::kernels::Bytes;

static_assert(kMaxMinutiae == sizeof(Bytes), "a row is one vector");

MATCHER_INLINE int count_from(const std::uint8_t* rows, int count, int level) {
    const Bytes least = Bytes{} + static_cast<std::uint8_t>(level);
    Bytes sums = {};  // at most 64 rows: no overflow
    for (int i = 0; i < count; ++i) sums -= (Bytes)(bytes(rows + i * kMaxMinutiae) >= least);
    std::uint64_t words[8];
    std::memcpy(words, &sums, sizeof words);
    // Bytes of at most 64, eight words: pairs of bytes add up to 16 bits, then all by a multiplication.
    std::uint64_t halves = 0;
    for (const std::uint64_t word : words) {
        halves += (word & 0x00ff00ff00ff00ff) + (word >> 8 & 0x00ff00ff00ff00ff);
    }
    return static_cast<int>(halves * 0x0001000100010001 >> 48);
}

MATCHER_INLINE int choose(const std::uint8_t* rows, int count, int most, Choice* out) {
    // The lowest level, from 1, that at most `most` pairs reach.
    int level = 1;
    for (int low = 1, high = 256; low < high;) {
        level = (low + high) / 2;
        if (level == 256) break;
        if (count_from(rows, count, level) > most) {
            low = level + 1;
        } else {
            high = level;
        }
        level = high;
    }
    if (level > 255) return 0;
    const Bytes least = Bytes{} + static_cast<std::uint8_t>(level);
    int chosen = 0;
    for (int i = 0; i < count; ++i) {
        const Bytes taken = (Bytes)(bytes(rows + i * kMaxMinutiae) >= least);
        std::uint64_t words[8];
        std::memcpy(words, &taken, sizeof words);
        for (int w = 0; w < 8; ++w) {
            for (std::uint64_t word = words[w]; word != 0;) {
                const int byte = __builtin_ctzll(word) / 8;
                word &= ~(std::uint64_t{0xff} << (8 * byte));
                const int j = 8 * w + byte;
                out[chosen++] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(j),
                                 rows[i * kMaxMinutiae + j]};
            }
        }
    }
    return chosen;
}

MATCHER_INLINE void restrict_rotation(const std::uint8_t* rows, int count,
                                      const std::uint8_t* probe_direction,
                                      const std::uint8_t* candidate_direction, int rotation, int window,
                                      std::uint8_t* out) {
    const Bytes widest = Bytes{} + static_cast<std::uint8_t>(2 * window);
    const Bytes& candidate = bytes(candidate_direction);
    for (int i = 0; i < count; ++i) {
        // 0 to 2 * window where the rotation is within the window; bytes wrap as angles do.
        const Bytes off = static_cast<std::uint8_t>(probe_direction[i] - rotation + window) - candidate;
        bytes(out + i * kMaxMinutiae) = bytes(rows + i * kMaxMinutiae) & (Bytes)(off <= widest);
    }
}

#define MATCHER_SELECTION(level, target)                                                                   \
    target int choose_##level(const std::uint8_t* rows, int count, int most, Choice* out) {                \
        return choose(rows, count, most, out);                                                             \
    }                                                                                                      \
    target void restrict_##level(const std::uint8_t* rows, int count, const std::uint8_t* probe_direction, \
                                 const std::uint8_t* candidate_direction, int rotation, int window,        \
                                 std::uint8_t* out) {                                                      \
        restrict_rotation(rows, count, probe_direction, candidate_direction, rotation, window, out);       \
    }

MATCHER_SELECTION(scalar, )
#if defined(__x86_64__)
MATCHER_SELECTION(avx2, MATCHER_AVX2)
MATCHER_SELECTION(avx512, MATCHER_AVX512)
#endif

}  // namespace

Selection selection_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {choose_avx512, restrict_avx512};
    if (level == SimdLevel::avx2) return {choose_avx2, restrict_avx2};
#endif
    (void)level;
    return {choose_scalar, restrict_scalar};
}

}  // namespace matcher::fingerprint::kernels

// The coarse pass, once for each level: see each_level.h. Integers but for the limit, which is made of single
// exactly rounded operations.
#include "kernels/iris_words.h"

namespace matcher::iris::kernels::MATCHER_LEVEL {
namespace {

// Bit c is set where count c is at most limit c.
MATCHER_INLINE std::uint8_t at_most(const Words& counts, const Words& limits) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    return _mm512_cmple_epi64_mask((__m512i)counts.part[0], (__m512i)limits.part[0]);
#else
    std::int64_t count[kWordLanes], limit[kWordLanes];
    std::memcpy(count, &counts, sizeof count);
    std::memcpy(limit, &limits, sizeof limit);
    unsigned bits = 0;
    for (int c = 0; c < kWordLanes; ++c) bits |= static_cast<unsigned>(count[c] <= limit[c]) << c;
    return static_cast<std::uint8_t>(bits);
#endif
}

void gather(const std::uint64_t* const* records, int count, CoarseGroup& out) {
    for (int c = 0; c < kGroup; ++c) {
        for (int w = 0; w < kBlockWords; ++w) {
            out.code[w][c] = c < count ? records[c][w] : 0;
            out.mask[w][c] = c < count ? records[c][kBlockWords + w] : 0;
        }
    }
    Tally valid = empty_tally();
    for (int w = 0; w < kBlockWords; ++w) MATCHER_LEVEL::count(valid, load_words(out.mask[w]));
    std::uint64_t bits[kGroup];
    store_words(bits, settled(valid));
    for (int c = 0; c < kGroup; ++c) {
        out.compared[c] = static_cast<float>(static_cast<std::int32_t>(bits[c]));
        out.root[c] = std::sqrt(out.compared[c]);
    }
}

void screen(const CoarseProbe& probe, const CoarseGroup& group, std::uint8_t active, Passed& out) {
    // compared - 2 differing >= strictness * root, turned round; negative limits let nothing pass.
    std::int64_t most[kGroup];
    for (int c = 0; c < kGroup; ++c) {
        const float margin = group.compared[c] - probe.strictness * group.root[c];
        most[c] = static_cast<std::int32_t>(margin + 2.0F) / 2 - 1;
    }
    Words limits;
    std::memcpy(&limits, most, sizeof limits);
    Words code[kBlockWords], mask[kBlockWords];
    for (int w = 0; w < kBlockWords; ++w) {
        code[w] = load_words(group.code[w]);
        mask[w] = load_words(group.mask[w]);
    }
    unsigned any = 0;
    for (int turn = 0; turn < kCoarseTurns; ++turn) {
        Tally differ = empty_tally();
        for (int w = 0; w < kBlockWords; ++w) {
            count(differ, differing(same_words(probe.code[turn][w]), code[w], mask[w]));
        }
        const unsigned passed = at_most(settled(differ), limits) & active;
        out.turns[turn] = static_cast<std::uint8_t>(passed);
        any |= passed;
    }
    out.any = static_cast<std::uint8_t>(any);
}

}  // namespace
}  // namespace matcher::iris::kernels::MATCHER_LEVEL

// Counting at every rotation, once for each level: see each_level.h. Integers but for the last step, whose
// division and square root are exactly rounded at every level.
#include "kernels/iris_words.h"

namespace matcher::iris::kernels::MATCHER_LEVEL {
namespace {

// Both counts of a rotation in one word: sums of at most 16,384 keep to their halves.
MATCHER_INLINE void put(Counts& out, int turn, const Tally& common, const Tally& differ) {
    Words both = settled(differ);
    for (int k = 0; k < kWordParts; ++k) both.part[k] <<= 32;
    const std::uint64_t sums = sum_of(both + settled(common));
    out.common[turn] = static_cast<std::int32_t>(sums & 0xffffffffU);
    out.differing[turn] = static_cast<std::int32_t>(sums >> 32);
}

MATCHER_INLINE void leave_rest_empty(Counts& out) {
    for (int turn = kTurns; turn < kTurnLanes; ++turn) out.common[turn] = out.differing[turn] = 0;
}

void search(const Turned& probe, const std::uint64_t* record, Counts& out) {
    static_assert(kBlockWords == kWordLanes, "a block's code is one vector");
    Words code[kBlocks], mask[kBlocks];
    for (int b = 0; b < kBlocks; ++b) {
        code[b] = load_words(record + 2 * b * kBlockWords);
        mask[b] = load_words(record + (2 * b + 1) * kBlockWords);
    }
    for (int turn = 0; turn < kTurns; ++turn) {
        const std::uint64_t* turned = probe.records[turn];
        Tally common = empty_tally(), differ = empty_tally();
        for (int b = 0; b < kBlocks; ++b) {
            const Words valid = load_words(turned + (2 * b + 1) * kBlockWords) & mask[b];
            count(common, valid);
            count(differ, differing(load_words(turned + 2 * b * kBlockWords), code[b], valid));
        }
        put(out, turn, common, differ);
    }
    leave_rest_empty(out);
}

void full(const Rolled& probe, const std::uint64_t* record, Counts& out) {
    for (int turn = 0; turn < kTurns; ++turn) {
        const std::uint64_t* code = probe.code + turn;
        const std::uint64_t* mask = probe.mask + turn;
        Words commons = same_words(0), differs = same_words(0);
        constexpr int kStride = kAngles / 2;
        static_assert(kStride / kWordLanes <= kTallyAdds, "bytes do not overflow");
        for (int first = 0; first < kAngles; first += kStride) {
            Tally common = empty_tally(), differ = empty_tally();
            for (int w = first; w < first + kStride; w += kWordLanes) {
                const Words valid = load_words(mask + w) & load_words(record + kAngles + w);
                count(common, valid);
                count(differ, differing(load_words(code + w), load_words(record + w), valid));
            }
            commons = commons + settled(common);
            differs = differs + settled(differ);
        }
        out.common[turn] = static_cast<std::int32_t>(sum_of(commons));
        out.differing[turn] = static_cast<std::int32_t>(sum_of(differs));
    }
    leave_rest_empty(out);
}

Best best(const Counts& counts, int bits, int minimum) {
    alignas(64) float raw[kTurnLanes];
    const float all_bits = static_cast<float>(bits);
    for (int turn = 0; turn < kTurnLanes; ++turn) {
        const std::int32_t common = counts.common[turn];
        const std::int32_t agreement = common - 2 * counts.differing[turn];
        const float enough = static_cast<float>(common >= minimum ? common : 1);
        const float value = static_cast<float>(agreement) / std::sqrt(enough * all_bits);
        raw[turn] = common >= minimum ? value : 0.0F;
    }
    Best found{0.0F, -1};
    for (int turn = 0; turn < kTurns; ++turn) found.raw = raw[turn] > found.raw ? raw[turn] : found.raw;
    if (found.raw > 0.0F) {
        for (found.turn = 0; raw[found.turn] != found.raw;) ++found.turn;
    }
    return found;
}

}  // namespace
}  // namespace matcher::iris::kernels::MATCHER_LEVEL

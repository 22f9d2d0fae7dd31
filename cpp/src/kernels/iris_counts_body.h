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

MATCHER_INLINE void clear(Counts& out, int from, int to) {
    for (int lane = from; lane < to; ++lane) out.common[lane] = out.differing[lane] = 0;
}

struct Record {
    Words code[kBlocks], mask[kBlocks];
};

MATCHER_INLINE Record load_record(const std::uint64_t* record) {
    static_assert(kBlockWords == kWordLanes, "a block's code is one vector");
    Record out;
    for (int b = 0; b < kBlocks; ++b) {
        out.code[b] = load_words(record + 2 * b * kBlockWords);
        out.mask[b] = load_words(record + (2 * b + 1) * kBlockWords);
    }
    return out;
}

MATCHER_INLINE void compare(const std::uint64_t* turned, const Record& record, Counts& out, int lane) {
    Tally common = empty_tally(), differ = empty_tally();
    for (int b = 0; b < kBlocks; ++b) {
        const Words valid = load_words(turned + (2 * b + 1) * kBlockWords) & record.mask[b];
        count(common, valid);
        count(differ, differing(load_words(turned + 2 * b * kBlockWords), record.code[b], valid));
    }
    put(out, lane, common, differ);
}

void search(const Turned& probe, const std::uint64_t* words, int first, int last, Counts& out) {
    const Record record = load_record(words);
    for (int turn = first; turn < last; ++turn) compare(probe.records[turn], record, out, turn);
    clear(out, 0, first);
    clear(out, last, kTurnLanes);
}

void singles(const Turned& probe, const Single* singles, int count, Counts& out) {
    for (int s = 0; s < count; ++s) {
        compare(probe.records[singles[s].turn], load_record(singles[s].record), out, s);
    }
    clear(out, count, kTurnLanes);
}

void upright(const std::uint64_t* turned, const std::uint64_t* records, int count, Counts& out) {
    // Asked for so far ahead, across the pages where the processor's own look-ahead stops.
    constexpr int kAhead = 16 * kSearchWords;
    for (int row = 0; row < count; ++row) {
        const std::uint64_t* record = records + row * kSearchWords;
        for (int w = 0; w < kSearchWords; w += 8) __builtin_prefetch(record + kAhead + w);
        compare(turned, load_record(record), out, row);
    }
    clear(out, count, kTurnLanes);
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
    clear(out, kTurns, kTurnLanes);
}

void scores(const Counts& counts, int bits, int minimum, float* out) {
    const float all_bits = static_cast<float>(bits);
    for (int lane = 0; lane < kTurnLanes; ++lane) {
        const std::int32_t common = counts.common[lane];
        const std::int32_t agreement = common - 2 * counts.differing[lane];
        const float enough = static_cast<float>(common >= minimum ? common : 1);
        const float value = static_cast<float>(agreement) / std::sqrt(enough * all_bits);
        out[lane] = common >= minimum ? value : 0.0F;
    }
}

Best best(const Counts& counts, int bits, int minimum) {
    alignas(64) float raw[kTurnLanes];
    scores(counts, bits, minimum, raw);
    Best found{0.0F, -1};
    for (int turn = 0; turn < kTurns; ++turn) found.raw = raw[turn] > found.raw ? raw[turn] : found.raw;
    if (found.raw > 0.0F) {
        for (found.turn = 0; raw[found.turn] != found.raw;) ++found.turn;
    }
    return found;
}

std::uint64_t read_sum(const std::uint64_t* words, std::size_t count) {
    constexpr std::size_t kAtOnce = 8 * kWordLanes;
    Words sums = same_words(0);
    std::size_t w = 0;
    for (; w + kAtOnce <= count; w += kAtOnce) {
        Words sum = load_words(words + w);
        for (std::size_t k = kWordLanes; k < kAtOnce; k += kWordLanes) sum = sum + load_words(words + w + k);
        sums = sums + sum;
    }
    std::uint64_t out = sum_of(sums);
    for (; w < count; ++w) out += words[w];
    return out;
}

}  // namespace
}  // namespace matcher::iris::kernels::MATCHER_LEVEL

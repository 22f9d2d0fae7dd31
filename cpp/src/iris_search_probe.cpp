#include "iris_search_probe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "iris_turn.h"
#include "matcher/simd.h"

namespace matcher::iris {
namespace {

// Bits that stand in for the probe's invalid ones: any fixed pattern without structure (SplitMix64).
std::uint64_t filling(std::uint64_t number) {
    std::uint64_t z = (number + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

}  // namespace

void prepare_search(const std::uint64_t* record, const Strictness& how, SearchProbe& out) {
    turn_search_record(record, out.turned);
    std::uint64_t filled[kSearchWords];
    int valid = 0;
    for (int w = 0; w < kSearchWords; w += 2 * kBlockWords) {
        for (int k = w; k < w + kBlockWords; ++k) {
            const std::uint64_t mask = record[k + kBlockWords];
            valid += __builtin_popcountll(mask);
            filled[k] = (record[k] & mask) | (filling(static_cast<std::uint64_t>(k)) & ~mask);
            filled[k + kBlockWords] = mask;
        }
    }
    kernels::Turned turned;
    turn_search_record(filled, turned);
    for (int turn = 0; turn < kernels::kCoarseTurns; ++turn) {
        std::memcpy(out.coarse.code[turn], turned.records[turn * kernels::kTurnStep],
                    sizeof out.coarse.code[turn]);
    }
    out.share = static_cast<float>(std::max(valid, 1)) / kSearchBits;
    const float spread = std::sqrt(how.variance + (1.0F - out.share) / out.share);
    const float mean = how.slope * how.reliable_raw * std::pow(out.share, how.power);
    const float least = mean - how.deviations * spread;
    out.coarse.strictness = least * std::sqrt(out.share);
}

void coarse_statistics(const std::uint64_t* probes, const std::uint64_t* records, std::size_t count,
                       float* out) {
    const auto probe = std::make_unique<SearchProbe>();
    const auto group = std::make_unique<kernels::CoarseGroup>();
    for (std::size_t i = 0; i < count; ++i) {
        prepare_search(probes + i * kSearchWords, {}, *probe);
        const std::uint64_t* record = records + i * kSearchWords;
        kernels::coarse_for(simd_level()).gather(&record, 1, *group);
        int least = kernels::kBlockBits;
        for (const auto& code : probe->coarse.code) {
            int differing = 0;
            for (int w = 0; w < kBlockWords; ++w) {
                differing += __builtin_popcountll((code[w] ^ group->code[w][0]) & group->mask[w][0]);
            }
            least = std::min(least, differing);
        }
        const float agreement = group->compared[0] - 2.0F * static_cast<float>(least);
        out[i] = group->compared[0] > 0 ? agreement / (group->root[0] * std::sqrt(probe->share)) : 0.0F;
    }
}

}  // namespace matcher::iris

#include "fingerprint_select.h"

#include <algorithm>
#include <functional>

namespace matcher::fingerprint {
namespace {

constexpr int kTurn = 256;  // direction units in a full turn

int rotation(const Unpacked& probe, const Unpacked& candidate, PairKey key) {
    return (probe.direction[key.probe()] - candidate.direction[key.candidate()]) & (kTurn - 1);
}

// Centre of the triangle window that gathers most similarity; the lowest of equals.
int vote_for_rotation(const Unpacked& probe, const Unpacked& candidate, const PairKey* keys, int count) {
    constexpr int kWidth = kVoteHalfWidth + 1;
    std::int64_t votes[kTurn] = {};
    for (int v = 0; v < count; ++v) {
        const std::int64_t similarity = keys[v].similarity() >> 5;  // 10 bits: fourth powers summed fit 64
        votes[rotation(probe, candidate, keys[v])] += similarity * similarity * similarity * similarity;
    }
    std::int64_t most = -1;
    int peak = 0;
    for (int centre = 0; centre < kTurn; ++centre) {
        std::int64_t sum = 0;
        for (int d = -kVoteHalfWidth; d <= kVoteHalfWidth; ++d) {
            sum += votes[(centre + d) & (kTurn - 1)] * (kWidth - (d < 0 ? -d : d));
        }
        if (sum > most) {
            most = sum;
            peak = centre;
        }
    }
    return peak;
}

}  // namespace

void find_voters(const Unpacked& probe, const Unpacked& candidate, const std::int32_t* similarity,
                 Voters& out) {
    PairKey all[kMaxMinutiae * kMaxMinutiae];
    int count = 0;
    for (int i = 0; i < probe.count; ++i) {
        for (int j = 0; j < candidate.count; ++j) {
            const auto value = static_cast<std::uint32_t>(similarity[i * kMaxMinutiae + j]);
            if (value == 0) continue;
            all[count++] = {value << 12 | static_cast<std::uint32_t>(63 - i) << 6 |
                            static_cast<std::uint32_t>(63 - j)};
        }
    }
    const int fewer = std::min(probe.count, candidate.count);
    const int most = std::min({count, kMaxVoters, kVotersPerMinutia * fewer});
    const auto greater = [](PairKey left, PairKey right) { return left.word > right.word; };
    if (most < count) std::nth_element(all, all + most, all + count, greater);
    std::sort(all, all + most, greater);
    const int peak = vote_for_rotation(probe, candidate, all, most);
    out.count = 0;
    for (int v = 0; v < most; ++v) {
        const int off = (rotation(probe, candidate, all[v]) - peak + kTurn + kTurn / 2) % kTurn - kTurn / 2;
        if (off >= -kRotationWindow && off <= kRotationWindow) out.keys[out.count++] = all[v];
    }
}

int select_best(const Voters& voters, int most, PairKey* out) {
    const int count = std::min(most, voters.count);
    std::copy(voters.keys, voters.keys + count, out);
    return count;
}

int select_one_to_one(const Voters& voters, int most, PairKey* out) {
    std::uint64_t probe_used = 0, candidate_used = 0;
    int count = 0;
    for (int v = 0; v < voters.count && count < most; ++v) {
        const PairKey key = voters.keys[v];
        const std::uint64_t probe_bit = std::uint64_t{1} << key.probe();
        const std::uint64_t candidate_bit = std::uint64_t{1} << key.candidate();
        if ((probe_used & probe_bit) != 0 || (candidate_used & candidate_bit) != 0) continue;
        probe_used |= probe_bit;
        candidate_used |= candidate_bit;
        out[count++] = key;
    }
    return count;
}

}  // namespace matcher::fingerprint

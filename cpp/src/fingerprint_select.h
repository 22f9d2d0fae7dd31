// Which pairs of minutiae enter relaxation.
#pragma once
#include <cstdint>

#include "fingerprint_parameters.h"
#include "fingerprint_unpack.h"

namespace matcher::fingerprint {

// A pair of minutiae with its similarity, ordered by similarity, then by lower numbers.
struct PairKey {
    std::uint32_t word;  // similarity << 12 | (63 - probe) << 6 | (63 - candidate)
    int similarity() const { return static_cast<int>(word >> 12); }
    int probe() const { return 63 - static_cast<int>(word >> 6 & 63); }
    int candidate() const { return 63 - static_cast<int>(word & 63); }
};

struct Voters {
    PairKey keys[kMaxVoters];  // greatest first
    int count;
};

// The most similar pairs that agree on one rotation. similarity[i * kMaxMinutiae + j].
void find_voters(const Unpacked& probe, const Unpacked& candidate, const std::int32_t* similarity,
                 Voters& out);

// The first `most` voters as they come, and the first `most` that share no minutia; both return their number.
int select_best(const Voters& voters, int most, PairKey* out);
int select_one_to_one(const Voters& voters, int most, PairKey* out);

}  // namespace matcher::fingerprint

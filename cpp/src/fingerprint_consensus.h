// How many minutiae one rigid motion brings together.
#pragma once
#include <utility>
#include <vector>

#include "fingerprint_unpack.h"

namespace matcher::fingerprint {

struct Consensus {
    float weight = 0;  // sum over paired minutiae, 1 for an exact fit, 0 at the reach
    int count = 0;
    std::pair<std::uint8_t, std::uint8_t> pairs[kMaxMinutiae];  // probe, candidate
};

// Under the motion that lays candidate minutia `candidate_minutia` on `probe_minutia`.
void find_consensus(const Unpacked& probe, const Unpacked& candidate, int probe_minutia,
                    int candidate_minutia, Consensus& out);

}  // namespace matcher::fingerprint

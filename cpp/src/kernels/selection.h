// Choosing the most similar pairs out of a matrix of similarities.
#pragma once
#include <cstdint>

#include "matcher/fingerprint_layout.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// One chosen pair of minutiae.
struct Choice {
    std::uint8_t probe, candidate, similarity;
};

// rows[i * kMaxMinutiae + j], 0 where no pair is. Takes every pair from the lowest similarity on of which at
// most `most` are above; returns their number. Pairs come by i, then j.
using Choose = int (*)(const std::uint8_t* rows, int count, int most, Choice* out);

// Copies rows, with 0 for each pair whose rotation (probe's less candidate's direction) is more than `window`
// from `rotation`, in direction units.
using Restrict = void (*)(const std::uint8_t* rows, int count, const std::uint8_t* probe_direction,
                          const std::uint8_t* candidate_direction, int rotation, int window,
                          std::uint8_t* out);

struct Selection {
    Choose choose;
    Restrict restrict_rotation;
};

Selection selection_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

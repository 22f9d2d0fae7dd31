// Support that selected pairs of minutiae give each other (MCC, section 4.3, "relaxation").
#pragma once
#include <cstdint>

#include "fingerprint_parameters.h"
#include "kernels/blocks.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

constexpr int kPairSlots = matcher::kernels::blocks_for(kMaxPairs) * matcher::kernels::kLanes;

// Selected pairs that share no minutia, one lane each; lanes from `count` to the next whole vector are zero.
struct alignas(64) Pairs {
    float probe_x[kPairSlots], probe_y[kPairSlots];          // px
    float candidate_x[kPairSlots], candidate_y[kPairSlots];  // px
    float half_cos[kPairSlots], half_sin[kPairSlots];        // of half the pair's rotation
    std::int32_t turn[kPairSlots];                           // the rotation, direction units
    float similarity[kPairSlots];                            // 0 to 1
    float support[kPairSlots];                               // out: after relaxation
    std::uint8_t probe[kPairSlots], candidate[kPairSlots];   // minutia numbers
    int count;
};

struct alignas(64) Agreement {
    float value[kPairSlots * kPairSlots];
};

struct Relaxation {
    // Fills `support`.
    void (*relax)(Pairs& pairs, Agreement& scratch);
    // Numbers of the pairs, most supported first; equals in their own order.
    void (*order)(const Pairs& pairs, int* out);
};

Relaxation relaxation_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

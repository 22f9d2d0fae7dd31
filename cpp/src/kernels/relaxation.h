// Support that selected pairs of minutiae give each other (MCC, section 4.3, "relaxation").
#pragma once
#include <cstdint>

#include "fingerprint_parameters.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

constexpr int kLanes = 16;
constexpr int kPairSlots = (kMaxPairs + kLanes - 1) / kLanes * kLanes;

// Selected pairs, one lane each; lanes from `count` to the next multiple of kLanes are zero.
struct alignas(64) Pairs {
    float probe_x[kPairSlots], probe_y[kPairSlots];          // px
    float candidate_x[kPairSlots], candidate_y[kPairSlots];  // px
    float half_cos[kPairSlots], half_sin[kPairSlots];        // of half the pair's rotation
    std::int32_t probe[kPairSlots], candidate[kPairSlots];   // minutia numbers
    float similarity[kPairSlots];                            // 0 to 1
    float support[kPairSlots];                               // out: after relaxation
    int count;
};

struct alignas(64) Agreement {
    float value[kPairSlots * kPairSlots];
};

using Relax = void (*)(Pairs& pairs, Agreement& scratch);

Relax relax_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

// The coarse pass: the first block of 8 candidates, every fourth angle, at every third rotation, so that each
// rotation is at most one step from one that is looked at; codes change little over a step.
//
// 8 candidates stand in the 8 lanes of a vector, so that counts need no sum across lanes. The candidate's
// mask is exact; the probe's invalid bits are filled by a fixed pattern, which on average agrees in half of
// them: that adds a little noise, but saves the second mask and the count of common bits, half of all work.
// The number of bits compared is then the candidate's own, the same at every rotation.
#pragma once
#include <cstdint>

#include "matcher/iris_layout.h"
#include "matcher/simd.h"

namespace matcher::iris::kernels {

constexpr int kGroup = 8;
constexpr int kBlockBits = 64 * kBlockWords;
constexpr int kTurnStep = 3;
constexpr int kCoarseTurns = (kTurns - 1) / kTurnStep + 1;
static_assert((kTurns - 1) % kTurnStep == 0, "the first and the last rotation are looked at");

struct CoarseProbe {
    // Bits of the first block, invalid ones filled, at every kTurnStep-th rotation.
    alignas(64) std::uint64_t code[kCoarseTurns][kBlockWords];
    // A rotation passes where compared - 2 differing >= strictness * root, of the candidate below.
    float strictness;
};

struct CoarseGroup {
    alignas(64) std::uint64_t code[kBlockWords][kGroup];  // word by word, a lane a candidate
    alignas(64) std::uint64_t mask[kBlockWords][kGroup];
    alignas(32) float compared[kGroup];  // bits that the mask lets through
    alignas(32) float root[kGroup];      // square root of that
};

// What passed: bit c of turns[t] for candidate c at rotation t * kTurnStep, and of `any` for candidate c.
struct Passed {
    std::uint8_t any;
    std::uint8_t turns[kCoarseTurns];
};

struct Coarse {
    // Takes the first blocks of `count` (at most 8) search records, each wherever it lies; lanes beyond are
    // empty.
    void (*gather)(const std::uint64_t* const* records, int count, CoarseGroup& out);
    // Only candidates of `active` can pass.
    void (*screen)(const CoarseProbe& probe, const CoarseGroup& group, std::uint8_t active, Passed& out);
};

Coarse coarse_for(SimdLevel level);

}  // namespace matcher::iris::kernels

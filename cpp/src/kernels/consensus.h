// Which minutiae one motion of the whole print brings together.
#pragma once
#include <cstdint>

#include "fingerprint_unpack.h"
#include "kernels/relaxation.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// probe = matrix * candidate + shift, px with y down; turn: the rotation in direction units.
struct Motion {
    float xx, xy, yx, yy;
    float shift_x, shift_y;
    int turn;
};

// Minutiae of both prints that lie together after a motion, one to one, each with the closeness 1 - misfit.
struct alignas(64) Matches {
    float probe_x[kMaxMinutiae], probe_y[kMaxMinutiae];
    float candidate_x[kMaxMinutiae], candidate_y[kMaxMinutiae];
    float turn_cos[kMaxMinutiae], turn_sin[kMaxMinutiae];
    float weight[kMaxMinutiae];
    std::uint8_t probe[kMaxMinutiae], candidate[kMaxMinutiae];
    int count;
    float total;  // of the weights
};

// Minutiae of either print inside the rectangle that both cover after a motion.
struct Overlap {
    int probe, candidate;
};

struct ConsensusKernels {
    // The motion that best carries the selected pairs: of those that lay one of the `tried` pairs in `order`
    // exactly, the one that brings most support along, fitted to what it brought.
    Motion (*find)(const Pairs& pairs, const int* order, int tried);
    // Minutiae within reach of each other after the motion.
    void (*match)(const Unpacked& probe, const Unpacked& candidate, const Motion& motion, float reach,
                  Matches& out);
    Overlap (*overlap)(const Unpacked& probe, const Unpacked& candidate, const Motion& motion);
    // The motion that fits the matches best in least squares; may stretch.
    Motion (*fit)(const Matches& matches);
};

ConsensusKernels consensus_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

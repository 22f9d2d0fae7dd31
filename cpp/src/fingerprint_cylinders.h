// Cylinders of the Minutia Cylinder-Code (Cappelli, Ferrara & Maltoni, TPAMI 2010, section 3): what the
// neighbours of a minutia weigh in each cell, and bits that say where that is enough. Definition and reasons:
// matcher/fingerprint/resident.py; tests/reference_scorer.py and reference_votes.py compute them slowly.
#pragma once
#include <cstdint>

#include "matcher/fingerprint_layout.h"

namespace matcher::fingerprint {

struct Points {
    const double* x;                // px
    const double* y;                // px, down
    const std::uint8_t* direction;  // units of 2 pi / 256
    int count;
};

// Cells of a cylinder by bit number, those inside the circle; a weight for each section of directions.
struct Cylinder {
    float weight[kCells][kPlanes];
};

// Writes the weights of minutia i's cylinder.
void cylinder_weights(const Points& points, int i, Cylinder& out);

// Writes the bits of minutia i's cylinder, a word a section.
void cylinder_bits(const Points& points, int i, std::uint64_t out[kPlanes]);

// Writes both, at the price of one.
void cylinder_both(const Points& points, int i, Cylinder& weights, std::uint64_t bits[kPlanes]);

}  // namespace matcher::fingerprint

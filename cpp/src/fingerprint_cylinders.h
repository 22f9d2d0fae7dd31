// Cylinder bits of the Minutia Cylinder-Code (Cappelli, Ferrara & Maltoni, TPAMI 2010, section 3), as
// matcher/fingerprint/kernels/cylinder.py computes them: that is the definition, and a test compares the two.
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

// Writes the bits of minutia i's cylinder, a word a section.
void cylinder_bits(const Points& points, int i, std::uint64_t out[kPlanes]);

}  // namespace matcher::fingerprint

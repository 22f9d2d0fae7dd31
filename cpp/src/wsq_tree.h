// How a WSQ image is split into subbands (specification, part 1, figure 3), by its size alone.
#pragma once
#include <array>
#include <vector>

#include "wsq_tables.h"

namespace matcher::wsq {

// A rectangle of the image-sized array in which the subbands lie side by side.
struct Region {
    int x = 0;
    int y = 0;
    int width = 0;
    int height = 0;
    // A band that was high-passed and decimated holds its frequencies in reverse: it is split high half
    // first.
    bool reversed_x = false;
    bool reversed_y = false;
};

struct Tree {
    std::array<Region, kCodedSubbands> subbands;  // in coding order
    std::vector<Region> splits;                   // in the order of synthesis: children before their parent
};

// Samples in the part of a split band that is stored first: the low part, which has one more where the length
// is odd, unless the band is reversed.
int first_half(int length, bool reversed);

Tree build_tree(int width, int height);

}  // namespace matcher::wsq

// Inverse symmetric wavelet transform (specification, part 1, annex A), filters of odd or even length.
#pragma once
#include <vector>

#include "wsq_filters.h"
#include "wsq_tree.h"

namespace matcher::wsq {

// Rebuilds, in place, the image from its subbands in `pixels` (rows of `width`).
void synthesise(const Tree& tree, const Filters& filters, int width, std::vector<float>& pixels);

}  // namespace matcher::wsq

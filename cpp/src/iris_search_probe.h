// A probe as a search uses it.
#pragma once
#include <cstdint>

#include "kernels/iris_coarse.h"
#include "kernels/iris_counts.h"
#include "matcher/iris_search.h"

namespace matcher::iris {

struct SearchProbe {
    kernels::Turned turned;
    kernels::CoarseProbe coarse;
    float share;  // of bits that are valid
};

void prepare_search(const std::uint64_t* record, const Strictness& how, SearchProbe& out);

}  // namespace matcher::iris

// Inner products of shares and bit slices, one set of functions a level.
#pragma once
#include "matcher/privacy.h"
#include "matcher/simd.h"

namespace matcher::privacy::kernels {

struct Shares {
    void (*products16)(const Products<std::uint16_t>& task);
    void (*products32)(const Products<std::uint32_t>& task);
    void (*slice)(const std::uint16_t* values, std::size_t count, int width, std::uint64_t* planes);
    void (*and_share)(const And& task);
    std::uint64_t (*multiply_only)(std::uint64_t rounds, std::uint32_t* sink);
};

Shares shares_for(SimdLevel level);

}  // namespace matcher::privacy::kernels

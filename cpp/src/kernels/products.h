// Products of 16-bit numbers with a matrix, exact in 32 bits.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

constexpr int kProductRows = 4;      // rows of a call
constexpr int kProductColumns = 16;  // columns of a block

// out[r * 16 blocks + 16 b + c] = start[16 b + c] + sum over i of rows[r * 2 pairs + i] * m(i, 16 b + c), for
// 4 rows, where the matrix lies as matrix[((b * pairs + p) * 16 + c) * 2 + s] = m(2 p + s, 16 b + c). No sum
// may leave 32 bits.
using Products = void (*)(const std::int16_t* rows, const std::int16_t* matrix, int pairs, int blocks,
                          const std::int32_t* start, std::int32_t* out);

// First place of the greatest of `count` numbers, a multiple of 16 and not 0.
using Greatest = int (*)(const std::int32_t* numbers, int count);

struct ProductKernels {
    Products products;
    Greatest greatest;
};

ProductKernels product_kernels_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

// Similarity of every probe cylinder with every candidate cylinder.
#pragma once
#include <cstdint>

#include "matcher/fingerprint_layout.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// The probe's side: cell bits alone (nothing above bit 51), minutia by minutia, and norms scaled by the unit.
struct ProbeCylinders {
    const std::uint64_t* cells;  // cells[i * kPlanes + k]
    const float* scaled_norm;    // kSimilarityOne / sqrt(cells set)
    int count;
};

// out[i * row_bytes(candidate.count) + j] = int(common cells * scaled_norm[i] * inverse_norm[j]); 0 for j >=
// candidate.count.
using Similarity = void (*)(const ProbeCylinders& probe, const Resident& candidate, const float* inverse_norm,
                            std::uint8_t* out);

// out[j] = 1 / sqrt(cells set of minutia j), 0 where none is.
using Norms = void (*)(const Resident& resident, float* out);

Similarity similarity_for(SimdLevel level);
Norms norms_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

// Which pairs of minutiae enter relaxation: those of one rotation, most similar first, each minutia once.
#pragma once
#include <cstdint>

#include "fingerprint_parameters.h"
#include "fingerprint_unpack.h"
#include "kernels/relaxation.h"
#include "kernels/selection.h"

namespace matcher::fingerprint {

// Room for choosing; written before it is read.
struct alignas(64) SelectionScratch {
    std::uint8_t rows[kMaxMinutiae * kMaxMinutiae];
    kernels::Choices chosen;
    std::uint16_t sorted[kMaxChoice];  // numbers of chosen pairs
};

// similarity[i * kernels::row_bytes(candidate.count) + j]; both prints have minutiae.
void select_pairs(const Unpacked& probe, const Unpacked& candidate, const std::uint8_t* similarity,
                  const kernels::Selection& kernels, SelectionScratch& scratch, kernels::Pairs& out);

}  // namespace matcher::fingerprint

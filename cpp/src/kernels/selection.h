// Choosing the most similar pairs out of a matrix of similarities.
#pragma once
#include <cstdint>

#include "fingerprint_parameters.h"
#include "matcher/fingerprint_layout.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// A row of the matrix is one or two vectors of 64 bytes, as the candidate needs.
constexpr int kRowVector = 64;
constexpr int row_bytes(int candidate_count) {
    return candidate_count <= kRowVector ? kRowVector : 2 * kRowVector;
}

// Room past the last pair for the rest of a vector.
constexpr int kChoiceSlots = kMaxChoice + kRowVector;

// Chosen pairs by probe minutia, then by candidate minutia.
struct alignas(64) Choices {
    std::uint8_t probe[kChoiceSlots], candidate[kChoiceSlots], similarity[kChoiceSlots];
    int count;
    int least;  // similarity of any of them; 256 if there are none
};

// rows[i * row + j], 0 where no pair is, `count` rows of `row` bytes. Takes every pair from the lowest
// similarity on of which at most `most` are above.
using Choose = void (*)(const std::uint8_t* rows, int count, int row, int most, Choices& out);

// Copies rows, with 0 for each pair whose rotation (probe's less candidate's direction) is more than `window`
// from `rotation`, in direction units.
using Restrict = void (*)(const std::uint8_t* rows, int count, int row, const std::uint8_t* probe_direction,
                          const std::uint8_t* candidate_direction, int rotation, int window,
                          std::uint8_t* out);

struct Selection {
    Choose choose;
    Restrict restrict_rotation;
};

Selection selection_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

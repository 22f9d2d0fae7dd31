// Which votes of a row agree with one motion of the print.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/blocks.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// Votes of one row, each with the places of the two minutiae that it joins; arrays of whole vectors, in units
// of a place (fingerprint_support.h), 0 to 255.
struct Joined {
    const std::int32_t *own_x, *own_y, *own_direction;
    const std::int32_t *its_x, *its_y, *its_direction;
    std::size_t count;
};

// What lays the row's minutia (from) on the probe's (to): the shift after the turn.
struct Motion {
    std::int32_t from_x, from_y, to_x, to_y;
    std::int32_t turn;          // 2 pi / 256
    std::int32_t cosine, sine;  // of the turn, in 2^-14
};

// Bit k % 16 of bits[k / 16] is set where vote k agrees; of the last vector's empty lanes none is.
using Agree = void (*)(const Joined& votes, const Motion& motion, std::uint16_t* bits);

Agree agree_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

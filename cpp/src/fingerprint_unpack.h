// Minutiae taken out of a resident form, in the order and shape that the scorer's loops want.
#pragma once
#include <cstdint>

#include "matcher/fingerprint_layout.h"

namespace matcher::fingerprint {

// Slots from `count` to the next multiple of 16 are zero.
struct alignas(64) Unpacked {
    float x[kMaxMinutiae];              // px
    float y[kMaxMinutiae];              // px, down
    std::int32_t facing[kMaxMinutiae];  // direction, units of 2 pi / 256
    std::uint8_t direction[kMaxMinutiae];
    std::uint8_t index[kMaxMinutiae];  // in the template
    int count;
};

void unpack(const Resident& resident, Unpacked& out);

}  // namespace matcher::fingerprint

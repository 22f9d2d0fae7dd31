// Minutiae taken out of a resident form, in the order and shape that the scorer's loops want.
#pragma once
#include <cstdint>

#include "matcher/fingerprint_layout.h"

namespace matcher::fingerprint {

struct alignas(64) Unpacked {
    float x[kMaxMinutiae];             // px
    float y[kMaxMinutiae];             // px, down
    float inverse_norm[kMaxMinutiae];  // 1 / sqrt(cells set); 0 where none is
    std::uint8_t direction[kMaxMinutiae];
    std::uint8_t index[kMaxMinutiae];  // in the template
    int count;
};

void unpack(const Resident& resident, Unpacked& out);

}  // namespace matcher::fingerprint

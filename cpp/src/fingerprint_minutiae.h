// The minutiae of a packed form (fingerprint_packed.h), as loops want them.
#pragma once
#include <cstddef>
#include <cstdint>

#include "fingerprint_cylinders.h"
#include "matcher/fingerprint_packed.h"

namespace matcher::fingerprint {

struct PackedMinutiae {
    double x[kMaxPacked], y[kMaxPacked];  // px, y down
    std::uint8_t direction[kMaxPacked];   // units of 2 pi / 256
    int kept[kMaxMinutiae];               // those that are compared, ascending
    int count, kept_count;

    Points points() const { return {x, y, direction, count}; }
};

// Throws CorruptResident.
void read_packed(const std::uint64_t* words, std::size_t size, PackedMinutiae& out);

}  // namespace matcher::fingerprint

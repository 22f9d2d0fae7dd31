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

// Writes the header of a resident form; minutiae follow by `write_minutia`. Returns the form's words.
std::size_t write_header(const PackedMinutiae& minutiae, std::uint64_t* resident);

// Writes minutia kept[k] with its cylinder's bits, which are changed.
void write_minutia(const PackedMinutiae& minutiae, int k, std::uint64_t bits[kPlanes],
                   std::uint64_t* resident);

}  // namespace matcher::fingerprint

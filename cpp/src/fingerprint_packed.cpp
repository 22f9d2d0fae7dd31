#include "matcher/fingerprint_packed.h"

#include <cstring>

#include "fingerprint_minutiae.h"

namespace matcher::fingerprint {
namespace {

constexpr int kLeftOut = 1 << 15;
constexpr int kCoordinate = (1 << 14) - 1;

}  // namespace

bool is_packed(const std::uint64_t* words, std::size_t size) {
    return size >= 1 && (words[0] & 0xffff) == kPackedMagic;
}

void read_packed(const std::uint64_t* words, std::size_t size, PackedMinutiae& out) {
    if (!is_packed(words, size)) throw CorruptResident("expected the magic of a packed fingerprint");
    const std::uint64_t header = words[0];
    if (((header >> 16) & 0xffff) != kPackedVersion || (header >> 40) != 0) {
        throw CorruptResident("expected version 1 in the header of a packed fingerprint");
    }
    const auto n = static_cast<std::size_t>((header >> 32) & 0xff);
    if (size != 1 + (5 * n + 7) / 8) {
        throw CorruptResident("the header's number of minutiae does not agree with the array's length");
    }
    std::uint16_t x[kMaxPacked], y[kMaxPacked];
    const auto* bytes = reinterpret_cast<const unsigned char*>(words + 1);
    std::memcpy(x, bytes, 2 * n);
    std::memcpy(y, bytes + 2 * n, 2 * n);
    std::memcpy(out.direction, bytes + 4 * n, n);
    out.count = static_cast<int>(n);
    out.kept_count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        out.x[i] = x[i] & kCoordinate;
        out.y[i] = y[i] & kCoordinate;
        if ((y[i] & kLeftOut) != 0) continue;
        if (out.kept_count == kMaxMinutiae) {
            throw CorruptResident("more minutiae are compared than a resident form holds");
        }
        out.kept[out.kept_count++] = static_cast<int>(i);
    }
}

std::size_t write_header(const PackedMinutiae& minutiae, std::uint64_t* resident) {
    const auto count = static_cast<std::uint64_t>(minutiae.kept_count);
    resident[0] = kMagic | kVersion << 16 | std::uint64_t{kPlanes} << 24 | count << 32;
    return 1 + kPlanes * static_cast<std::size_t>(count);
}

void write_minutia(const PackedMinutiae& minutiae, int k, std::uint64_t bits[kPlanes],
                   std::uint64_t* resident) {
    const int i = minutiae.kept[k];
    const auto x = static_cast<std::uint64_t>(minutiae.x[i]), y = static_cast<std::uint64_t>(minutiae.y[i]);
    bits[0] |= (x & 0xfff) << kCells;
    bits[1] |= (y & 0xfff) << kCells;
    bits[2] |= (minutiae.direction[i] | x >> 12 << 8 | y >> 12 << 10) << kCells;
    bits[3] |= static_cast<std::uint64_t>(i) << kCells;
    for (int plane = 0; plane < kPlanes; ++plane) resident[1 + plane * minutiae.kept_count + k] = bits[plane];
}

std::size_t expand(const std::uint64_t* words, std::size_t size, std::uint64_t* out) {
    PackedMinutiae minutiae;
    read_packed(words, size, minutiae);
    for (int k = 0; k < minutiae.kept_count; ++k) {
        std::uint64_t bits[kPlanes];
        cylinder_bits(minutiae.points(), minutiae.kept[k], bits);
        write_minutia(minutiae, k, bits, out);
    }
    return write_header(minutiae, out);
}

}  // namespace matcher::fingerprint

#include "matcher/fingerprint_layout.h"

namespace matcher::fingerprint {

Resident open_resident(const std::uint64_t* words, std::size_t size) {
    if (size < 1) throw CorruptResident("expected at least the header word, got an empty array");
    const std::uint64_t header = words[0];
    if ((header & 0xffff) != kMagic) throw CorruptResident("expected the magic of a resident fingerprint");
    if (((header >> 16) & 0xff) != kVersion || ((header >> 24) & 0xff) != kPlanes || (header >> 40) != 0) {
        throw CorruptResident("expected version 1 with 5 planes in the header");
    }
    const auto count = static_cast<std::size_t>((header >> 32) & 0xff);
    if (count > kMaxMinutiae || size != 1 + kPlanes * count) {
        throw CorruptResident("the header's number of minutiae does not agree with the array's length");
    }
    return {words + 1, static_cast<int>(count)};
}

}  // namespace matcher::fingerprint

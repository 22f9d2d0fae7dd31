#include "matcher/fingerprint_records.h"

#include <algorithm>
#include <stdexcept>

namespace matcher::fingerprint {
namespace {

constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

// Little endian whatever the machine, and never beyond the end: missing bytes are zero.
std::uint64_t word_at(const unsigned char* data, std::size_t size, std::size_t begin) {
    std::uint64_t word = 0;
    const std::size_t there = std::min(kWordBytes, size - begin);
    for (std::size_t i = 0; i < there; ++i) word |= static_cast<std::uint64_t>(data[begin + i]) << 8 * i;
    return word;
}

std::uint64_t taken(std::uint64_t& word, int bits) {
    const std::uint64_t low = word & ((std::uint64_t{1} << bits) - 1);
    word >>= bits;
    return low;
}

}  // namespace

void read_records(const unsigned char* data, std::size_t size, std::size_t count, const RecordBits& bits,
                  std::int16_t* x, std::int16_t* y, std::uint8_t* direction, std::uint8_t* kind,
                  std::uint8_t* quality) {
    const int fields[] = {bits.x, bits.y, bits.direction, bits.kind, bits.quality};
    if (std::any_of(std::begin(fields), std::end(fields),
                    [](int b) { return b < 0 || b > kMaxRecordBits; }) ||
        bits.sum() > kMaxRecordBits) {
        throw std::invalid_argument("bits of a record: expected at most 57 together");
    }
    const auto record = static_cast<std::size_t>(bits.sum());
    if (count > size * 8 + 1 || size != (count * record + 7) / 8) {
        throw std::invalid_argument("records: the number of bytes is another than that of these records");
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = i * record;
        std::uint64_t word = at / 8 < size ? word_at(data, size, at / 8) >> at % 8 : 0;
        x[i] = static_cast<std::int16_t>(taken(word, bits.x));
        y[i] = static_cast<std::int16_t>(taken(word, bits.y));
        direction[i] = static_cast<std::uint8_t>(taken(word, bits.direction));
        kind[i] = static_cast<std::uint8_t>(taken(word, bits.kind));
        quality[i] = static_cast<std::uint8_t>(taken(word, bits.quality));
    }
}

}  // namespace matcher::fingerprint

// Minutiae as the stored template keeps them: records of some bits each, side by side, the lowest bit first.
#pragma once
#include <cstddef>
#include <cstdint>

namespace matcher::fingerprint {

// Bits of a record's fields, in their order within it.
struct RecordBits {
    int x, y, direction, kind, quality;
    int sum() const { return x + y + direction + kind + quality; }
};

// Most bits of a record: it and seven bits before it are read as one word.
constexpr int kMaxRecordBits = 57;

// Writes the fields of `count` records. `data` holds count * bits.sum() bits, rounded up to whole bytes; a
// field wider than its target keeps its low bits. Throws std::invalid_argument where the size is another, or
// the bits of a field are negative or more than kMaxRecordBits together.
void read_records(const unsigned char* data, std::size_t size, std::size_t count, const RecordBits& bits,
                  std::int16_t* x, std::int16_t* y, std::uint8_t* direction, std::uint8_t* kind,
                  std::uint8_t* quality);

}  // namespace matcher::fingerprint

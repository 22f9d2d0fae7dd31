// The resident form of a fingerprint: what a candidate is in memory, read by the scorer as it lies.
//
//   words[0]                          header, see below
//   words[1 + k*n : 1 + (k+1)*n]      plane k = 0 .. kPlanes-1 of the n minutiae, one word a minutia
//
// Bits 0-51 of a plane word are the minutia's cylinder cells of one direction section (Cappelli, Ferrara &
// Maltoni, TPAMI 2010); the 12 bits above them carry the minutia itself, so that nothing is stored beside:
//   plane 0: x, low 12 bits          plane 1: y, low 12 bits
//   plane 2: direction (8) | x, bits 12-13, << 8 | y, bits 12-13, << 10
//   plane 3: index in the template (8)            plane 4: reserved, zero
// n minutiae are 8 + 40 n bytes. Planes are contiguous, so eight (AVX-512) or four (AVX2) minutiae load at
// once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace matcher::fingerprint {

constexpr int kPlanes = 5;
constexpr int kCells = 52;
constexpr std::uint64_t kCellMask = (std::uint64_t{1} << kCells) - 1;

// Most minutiae a resident form holds; bounds every buffer of the scorer. A rolled print has over 100.
constexpr int kMaxMinutiae = 128;

// Header: bits 0-15 magic, 16-23 version, 24-31 planes, 32-39 minutiae, 40-63 zero.
constexpr std::uint64_t kMagic = 0x5246;  // "FR", little endian
constexpr std::uint64_t kVersion = 1;

// A word array that is no resident form of this version.
class CorruptResident : public std::invalid_argument {
  public:
    using std::invalid_argument::invalid_argument;
};

// A checked look at someone else's words.
struct Resident {
    const std::uint64_t* planes = nullptr;  // planes[k * count + i]
    int count = 0;
};

// Throws CorruptResident unless header and length agree. Any bits in the planes are a valid fingerprint.
Resident open_resident(const std::uint64_t* words, std::size_t size);

}  // namespace matcher::fingerprint

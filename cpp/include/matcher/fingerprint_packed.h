// The packed form of a fingerprint: the minutiae alone, 5 bytes each, where the resident form with its
// cylinders would take 40. It is expanded when it is scored, which takes longer than the comparison itself:
// for the candidates of a shortlist, not for everybody.
//
//   words[0]   header: bits 0-15 magic, 16-23 version, 24-31 zero, 32-39 minutiae n (at most 255), 40-63 zero
//   then       n x of 16 bits; n y of 16 bits, bit 15 set where the minutia fills its neighbours' cells but
//   is
//              not compared itself; n directions of 8 bits; zeros up to a whole word
// Coordinates have 14 bits. All minutiae of the template are there, in its order: 8 + 5 n bytes, rounded up.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/fingerprint_layout.h"

namespace matcher::fingerprint {

// Header's magic "FP", little endian.
constexpr std::uint64_t kPackedMagic = 0x5046;
constexpr std::uint64_t kPackedVersion = 1;
constexpr int kMaxPacked = 255;

// Words of the largest resident form.
constexpr std::size_t kMaxResidentWords = 1 + kPlanes * kMaxMinutiae;

// Whether words begin as a packed form does; their content is checked by `expand`.
bool is_packed(const std::uint64_t* words, std::size_t size);

// Writes the resident form of a packed one, at most kMaxResidentWords, and returns its words. Cylinder bits
// are those of matcher/fingerprint/resident.py. Throws CorruptResident.
std::size_t expand(const std::uint64_t* words, std::size_t size, std::uint64_t* out);

}  // namespace matcher::fingerprint

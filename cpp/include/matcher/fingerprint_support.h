// The second look at rows that have many votes: how many of a row's votes lay the print on the probe by one
// motion. The votes of chosen rows are counted again, each with the two minutiae that it joins; each of the
// strongest is tried as the motion (rotation by the difference of directions, then the shift that lays its
// minutiae on each other), and the votes of all that agree with it are added up: the best once for each
// minutia of the probe, and of the row.
//
// All of it is integer arithmetic.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/fingerprint_votes.h"

namespace matcher::fingerprint {

constexpr int kPlaceBytes = 3;      // of a minutia: x and y, units of kPlaceUnit px modulo 256, and direction
constexpr int kPlaceUnit = 4;       // px
constexpr int kMotions = 6;         // strongest votes that are tried
constexpr int kRotationSlack = 16;  // farthest that directions turn apart, units of 2 pi / 256: 22.5 degrees
constexpr int kShiftSlack = 4;  // farthest that places lie apart, in x and in y, units of kPlaceUnit: 16 px,
constexpr int kStretch = 983;   // and 0.06 of their distance from the motion's minutia, in 2^-14
constexpr int kFine = 14;       // fraction bits of cosines and of the above

struct ChosenRows {
    const std::uint64_t* bits;  // bit n % 64 of bits[n / 64]: whether the row of number n is looked at
    std::size_t words;          // rows beyond are not
};

// Writes out[numbers[r]] = min(65535, support * factors[minutiae[r]] >> kFactorShift) of chosen rows alone.
// `places` are the postings', `probe_places` the voters', kPlaceBytes each. Throws std::out_of_range where a
// list or a row leaves its array.
void support(const VoteProbe& probe, const std::uint8_t* probe_places, const Postings& postings,
             const std::uint8_t* places, const RowTable& table, const ChosenRows& chosen, std::uint16_t* out,
             std::size_t out_size);
void support(const VoteProbe& probe, const std::uint8_t* probe_places, const TailPostings& postings,
             const std::uint8_t* places, const RowTable& table, const ChosenRows& chosen, std::uint16_t* out,
             std::size_t out_size);

}  // namespace matcher::fingerprint

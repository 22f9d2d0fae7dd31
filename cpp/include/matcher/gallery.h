// What a search does to rows between the kernels: look them up, choose them, calibrate and count their
// scores.
//
// Plain loops over some dozen to some thousand numbers. They are here because numpy gives the interpreter's
// lock away in each of its steps, and a search that is one of several waits to have it back every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace matcher::gallery {

// Rows of encounters in a block, and whose each is.
struct Found {
    std::vector<std::int64_t> rows;
    std::vector<std::int32_t> owners;
};

// The rows of `asked` that live. `encounters` (of a block's rows) and `asked` ascend; owners[i] is of
// asked[i].
Found rows_of(const std::int32_t* encounters, const bool* dead, std::size_t count, const std::int32_t* asked,
              const std::int32_t* owners, std::size_t asked_count);

// What a row must be beside allowed: of a position or of position 0 (unknown); of an extractor.
struct Wanted {
    const std::uint8_t* position = nullptr;  // of each row; null: any
    std::uint8_t wanted_position = 0;
    const std::uint8_t* extractor = nullptr;  // of each row; null: any
    std::uint8_t wanted_extractor = 0;
};

// Bit r % 64 of bits[r / 64] says whether row r passes; bits above `count` are 0. Returns how many pass.
std::size_t passing_bits(const bool* allowed, std::size_t count, const Wanted& wanted, std::uint64_t* bits);

// Piecewise linear: ys at xs (ascending, two at least), between them on the line, beyond them the end's.
// numpy.interp for finite numbers, to the last bit.
void interpolate(const double* values, std::size_t count, const double* xs, const double* ys,
                 std::size_t knots, double* out);

// Take in scores: of owner o the count in comparisons[o], the sum of cubes in sums[o], the highest in
// best[o]. Every owner is below `owner_count`, or std::out_of_range is thrown and nothing is taken in.
void tally(const std::int32_t* owners, const double* scores, const double* cubes, std::size_t count,
           std::int32_t* comparisons, double* sums, double* best, std::size_t owner_count);

}  // namespace matcher::gallery

// Bits valid in both codes, and those of them that differ, at every rotation.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/iris_layout.h"
#include "matcher/simd.h"

namespace matcher::iris::kernels {

// Rotations in a whole number of vectors; the last one repeats no rotation and counts nothing.
constexpr int kTurnLanes = 32;

struct Counts {
    alignas(64) std::int32_t common[kTurnLanes];
    alignas(64) std::int32_t differing[kTurnLanes];
};

// A probe's search records at every rotation.
struct Turned {
    alignas(64) std::uint64_t records[kTurns][kSearchWords];
};

// A probe's full code and mask, as many angles repeated as rotations reach beyond the last.
constexpr int kRolled = kAngles + 2 * kReach;
struct Rolled {
    alignas(64) std::uint64_t code[kRolled];
    alignas(64) std::uint64_t mask[kRolled];
};

// The best rotation: the first of those with the highest (common - 2 differing) / sqrt(common * bits) among
// rotations with at least `minimum` common bits. `turn` is 0 to kTurns - 1, or -1 where none is above 0.
struct Best {
    float raw;
    int turn;
};

// One candidate at one rotation.
struct Single {
    const std::uint64_t* record;
    std::int32_t turn;
};

struct Comparison {
    // Rotations first to last - 1; the others count nothing.
    void (*search)(const Turned& probe, const std::uint64_t* record, int first, int last, Counts& out);
    void (*full)(const Rolled& probe, const std::uint64_t* record, Counts& out);
    // At most kTurnLanes candidates by their search records, each at its own rotation; the rest counts
    // nothing.
    void (*singles)(const Turned& probe, const Single* singles, int count, Counts& out);
    // At most kTurnLanes candidates one behind the other, all at one rotation; the rest counts nothing.
    void (*upright)(const std::uint64_t* turned, const std::uint64_t* records, int count, Counts& out);
    // Raw scores of all lanes, 0 where fewer than `minimum` bits are common.
    void (*scores)(const Counts& counts, int bits, int minimum, float* out);
    Best (*best)(const Counts& counts, int bits, int minimum);
    // The sum of all words: nothing but reading.
    std::uint64_t (*read_sum)(const std::uint64_t* words, std::size_t count);
};

Comparison comparison_for(SimdLevel level);

}  // namespace matcher::iris::kernels

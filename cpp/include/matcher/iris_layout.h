// The forms that an eye has in memory: what comparisons read. The one definition; Python reads its constants.
//
// Codes are kept angle by angle; turning an eye by one step of 1.41 degrees turns its angles by one.
// Search record, 64 words (512 B): four blocks, one for each remainder of the angle by 4, in the order of
// kRemainders. A block is 64 bytes of code, byte j being angle 4 j + remainder (8 bits), and 64 of mask. The
// first block, every fourth angle, is what a coarse pass reads; the first two are every second angle.
// Full record, 512 words (4,096 B): 256 words of code, one an angle, and 256 of mask.
// Resident form: a search record, then a full record.
// A mask bit of 1 says that the code's bit is valid. Any content is safe to read: what the masks leave out
// has no effect.
#pragma once
#include <cstddef>
#include <cstdint>

namespace matcher::iris {

constexpr int kAngles = 256;
// Rotations: -kReach to kReach steps, +-21.1 degrees.
constexpr int kReach = 15;
constexpr int kTurns = 2 * kReach + 1;

constexpr int kBlocks = 4;
constexpr int kRemainders[kBlocks] = {0, 2, 1, 3};
// Words of a block's code, and of its mask.
constexpr int kBlockWords = kAngles / kBlocks / 8;

constexpr int kSearchBits = 8 * kAngles;
constexpr int kSearchWords = 2 * kBlocks * kBlockWords;
constexpr int kFullBits = 64 * kAngles;
constexpr int kFullWords = 2 * kAngles;
constexpr int kResidentWords = kSearchWords + kFullWords;

// Share of the bits that must be valid in both codes at a rotation for it to count, 1 / this: below are some
// 30 degrees of freedom, and a fitted tail of hundreds says nothing about so few.
constexpr int kMinimumShare = 8;

}  // namespace matcher::iris

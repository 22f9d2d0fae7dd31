#include "iris_turn.h"

#include <cstring>

namespace matcher::iris {
namespace {

constexpr int kBlockBytes = 8 * kBlockWords;

// Byte of the code of angle `angle` within a record; its mask is kBlockBytes behind.
int place_of(int angle) {
    int block = 0;
    while (kRemainders[block] != angle % kBlocks) ++block;
    return 2 * block * kBlockBytes + angle / kBlocks;
}

}  // namespace

void turn_search_record(const std::uint64_t* record, kernels::Turned& out) {
    std::uint8_t from[8 * kSearchWords];
    std::memcpy(from, record, sizeof from);
    for (int angle = 0; angle < kAngles; ++angle) {
        const std::uint8_t mask = from[place_of(angle) + kBlockBytes];
        const std::uint8_t code = from[place_of(angle)];
        for (int turn = 0; turn < kTurns; ++turn) {
            const int to = place_of((angle - (turn - kReach) + kAngles) % kAngles);
            std::memcpy(reinterpret_cast<char*>(out.records[turn]) + to, &code, 1);
            std::memcpy(reinterpret_cast<char*>(out.records[turn]) + to + kBlockBytes, &mask, 1);
        }
    }
}

void roll_full_record(const std::uint64_t* record, kernels::Rolled& out) {
    for (int i = 0; i < kernels::kRolled; ++i) {
        const int angle = (i - kReach + kAngles) % kAngles;
        out.code[i] = record[angle];
        out.mask[i] = record[kAngles + angle];
    }
}

}  // namespace matcher::iris

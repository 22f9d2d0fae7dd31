// The scan of one list of postings by one minutia of a probe.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/fingerprint_votes.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// A row's state while one probe votes: sum of votes (16 bits), the voter that voted last (8), its vote (8).
constexpr int kVoterShift = 16;
constexpr int kVoteShift = 24;
constexpr std::uint32_t kSumMask = 0xffff;
static_assert(kMaxVoters * 255 <= kSumMask && kMaxVoters < 255, "sums and voters fit their bits");

struct List {
    const std::uint8_t* codes;  // byte b of code j is codes[b * stride + j]
    std::size_t stride;
    const std::uint16_t* rows;
    std::size_t count;
};

// Lists that postings must stand in, where a scan holds several: bit l % 64 of words[l / 64].
struct Chosen {
    const std::uint16_t* lists;
    const std::uint64_t* words;
};

struct Voter {
    const std::uint8_t* table;
    const std::uint8_t* weights;
    std::uint8_t base;
    std::uint8_t limit;    // sums up to this have a weight
    std::uint32_t number;  // 1 to kMaxVoters
};

// Reads up to kOverread bytes behind the last code. All postings of the list may vote where `chosen` is null.
using Scan = void (*)(const List& list, const Voter& voter, const Chosen* chosen, std::uint32_t* states);

Scan scan_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

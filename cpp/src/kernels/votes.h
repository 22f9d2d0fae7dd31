// The scan of lists of postings by one minutia of a probe.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/fingerprint_votes.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

// Postings looked at between two steps: what is found of them stays in a core's first cache.
constexpr std::size_t kChunk = 2048;

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

// Postings of a chunk that are near a voter, ascending, and their sums, whose weights the voter knows; there
// is room for what is written beyond the last.
struct Near {
    alignas(64) std::uint16_t places[kChunk + 64];
    alignas(64) std::uint8_t sums[kChunk + 64];
};

struct Votes {
    // Which of the first `count` postings (at most kChunk) are within the voter's limit; returns how many.
    // Reads up to kOverread bytes behind the last code. What lies as far into `next` is asked for meanwhile.
    std::size_t (*near)(const List& list, std::size_t count, const Voter& voter, const List* next, Near& out);
    // Places of the first `count` rows (at most kChunk) whose bit r % 32 of marks[r / 32] is set, ascending;
    // returns how many. Writes up to 32 places beyond.
    std::size_t (*marked)(const std::uint16_t* rows, std::size_t count, const std::uint32_t* marks,
                          std::uint16_t* places);
};

Votes votes_for(SimdLevel level);

// One voter's votes for the rows of a list. All postings of the list may vote where `chosen` is null; `next`,
// where not null, is the list that is scanned next.
void scan(const Votes& kernels, const List& list, const Voter& voter, const Chosen* chosen, const List* next,
          std::uint32_t* states);

}  // namespace matcher::fingerprint::kernels

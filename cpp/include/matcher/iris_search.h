// Search of many eyes for a batch of probes by their search codes: coarse to fine, or exhaustive.
//
// 1. Every fourth angle of every candidate is compared at every third rotation (kernels/iris_coarse.h). What
// a
//    mate of raw score `reliable_raw` would not fall below, but for a modelled share, goes on.
// 2. Each rotation that passed is scored on all bits. Where this reaches `near_share` of `reliable_raw`,
// 3. all rotations are scored on all bits: the exhaustive score, which is what is returned.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "matcher/iris_layout.h"

namespace matcher::iris {

// How strict the coarse pass is. Its statistic, over the first block, is (compared - 2 differing) /
// sqrt(compared * share), `share` being that of the probe's valid bits. The highest over rotations is, for
// mates of exhaustive raw score r, nearly normal around slope * r with variance + (1 - share) / share: what
// is left of the bits' own spread, and the noise of the probe's filled bits. So many `deviations` below still
// pass.
struct Strictness {
    bool exhaustive = true;  // leave the coarse pass out
    float reliable_raw = 0;  // mates from this raw score on are returned, but for the modelled loss
    float slope = 0;
    float power = 0;
    float variance = 0;
    float deviations = 0;
    float near_share = 0;
};

struct Query {
    const std::uint64_t* probes = nullptr;  // search records
    std::size_t probe_count = 0;
    const std::uint64_t* records = nullptr;  // search records
    std::size_t begin = 0, end = 0;          // rows that are searched
    const std::uint64_t* bitmap = nullptr;   // bit r % 64 of word r / 64 lets row r in; all rows where null
    int reach = kReach;                      // rotations to either side, 0 to kReach
    float least_raw = 0;                     // nothing below is returned
    std::size_t most = 0;                    // candidates a probe, best first; 0 for all
    int threads = 1;
    Strictness strictness;
};

struct Hit {
    std::uint32_t probe;
    std::int64_t row;
    float raw;
};

// What stages did, summed over probes and candidates.
struct Work {
    std::uint64_t pairs = 0;         // that the bitmap let in
    std::uint64_t turns_passed = 0;  // rotations that the coarse pass let through
    std::uint64_t scored = 0;        // pairs scored at all rotations
};

// Hits by probe, then by falling raw score, then by row. The caller has checked all ranges.
std::vector<Hit> search(const Query& query, Work* work = nullptr);

// out[i] = the coarse pass's highest statistic for probe i and record i.
void coarse_statistics(const std::uint64_t* probes, const std::uint64_t* records, std::size_t count,
                       float* out);

// Reads `count` words once and adds them up: the limit of any pass that reads them.
std::uint64_t read_sum(const std::uint64_t* words, std::size_t count);

}  // namespace matcher::iris

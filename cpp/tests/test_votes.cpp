// Fingerprint votes by themselves: levels agree with a plain count, ends of arrays hold, numbers are checked.
#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.h"
#include "kernels/votes.h"
#include "matcher/fingerprint_votes.h"
#include "matcher/simd.h"

namespace {

using namespace matcher::fingerprint;
using matcher::best_simd_level;
using matcher::SimdLevel;
using Bytes = std::vector<std::uint8_t>;

std::vector<SimdLevel> levels() {
    std::vector<SimdLevel> all;
    for (const SimdLevel level : {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512}) {
        if (level <= best_simd_level()) all.push_back(level);
    }
    return all;
}

Bytes random_bytes(std::mt19937_64& random, std::size_t count, unsigned below) {
    Bytes bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() % below);
    return bytes;
}

Bytes falling_weights() {
    Bytes weights(256);
    for (int d = 0; d < 200; ++d) weights[static_cast<std::size_t>(d)] = static_cast<std::uint8_t>(220 - d);
    return weights;
}

unsigned distance(const std::uint8_t* codes, std::size_t stride, std::size_t j, const kernels::Voter& voter) {
    unsigned sum = voter.base;
    for (std::size_t b = 0; b < kCodeBytes; ++b) {
        const unsigned code = codes[b * stride + j];
        sum += voter.table[2 * b * kPartCentres + (code & 15U)];
        sum += voter.table[(2 * b + 1) * kPartCentres + (code >> 4)];
    }
    return std::min(sum, 255U);
}

// Votes of `voters` random minutiae over `count` random postings of few rows, every posting in one list.
void check_scan(std::mt19937_64& random, std::size_t count, std::size_t stride, bool chosen_only) {
    constexpr std::size_t kRows = 40, kLists = 70;
    // No byte more than promised, so that a sanitizer sees what is read beyond.
    const Bytes codes = random_bytes(random, kCodeBytes * stride + kOverread, 256);
    const Bytes weights = falling_weights();
    std::vector<std::uint16_t> rows(count), lists(count);
    for (std::size_t j = 0; j < count; ++j) {
        rows[j] = static_cast<std::uint16_t>(random() % kRows);
        lists[j] = static_cast<std::uint16_t>(random() % kLists);
    }
    const std::uint64_t words[] = {random(), random()};
    const kernels::Chosen chosen{lists.data(), words};
    for (const SimdLevel level : levels()) {
        std::vector<std::uint32_t> states(kRows), expected(kRows);
        std::mt19937_64 own(count);
        for (std::uint32_t number = 1; number <= 3; ++number) {
            const Bytes table = random_bytes(own, kTableBytes, 40);
            const kernels::Voter voter{table.data(), weights.data(), 7, 199, number};
            const kernels::List list{codes.data(), stride, rows.data(), count};
            kernels::scan(kernels::votes_for(level), list, voter, chosen_only ? &chosen : nullptr,
                          number < 3 ? &list : nullptr, states.data());
            std::map<std::size_t, unsigned> best;
            for (std::size_t j = 0; j < count; ++j) {
                if (chosen_only && (words[lists[j] / 64] >> (lists[j] % 64) & 1) == 0) continue;
                const unsigned weight = weights[distance(codes.data(), stride, j, voter)];
                best[rows[j]] = std::max(best[rows[j]], weight);
            }
            for (const auto& [row, weight] : best) expected[row] += weight;
        }
        for (std::size_t r = 0; r < kRows; ++r) CHECK((states[r] & kernels::kSumMask) == expected[r]);
    }
}

TEST(votes_are_a_plain_count_at_every_level_and_length) {
    std::mt19937_64 random(1);
    for (const std::size_t count : {0, 1, 63, 64, 65, 127, 128, 200, 1000, 2048, 2049, 5000}) {
        check_scan(random, count, count, false);
        check_scan(random, count, count + 29, true);
    }
}

TEST(marked_rows_are_those_whose_bits_are_set_at_every_level_and_length) {
    std::mt19937_64 random(3);
    std::vector<std::uint32_t> marks(2048);
    for (std::uint32_t& word : marks) word = static_cast<std::uint32_t>(random() & random());
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                                    std::size_t{33}, kernels::kChunk}) {
        std::vector<std::uint16_t> rows(count), expected;
        for (std::size_t j = 0; j < count; ++j) {
            rows[j] = static_cast<std::uint16_t>(random());
            if (marks[rows[j] / 32] >> (rows[j] % 32) & 1U) expected.push_back(static_cast<std::uint16_t>(j));
        }
        for (const SimdLevel level : levels()) {
            std::vector<std::uint16_t> places(count + 32);
            const auto found =
                kernels::votes_for(level).marked(rows.data(), count, marks.data(), places.data());
            CHECK(found == expected.size());
            CHECK(std::equal(expected.begin(), expected.end(), places.begin()));
        }
    }
}

TEST(most_votes_go_by_total_then_by_place) {
    std::mt19937_64 random(2);
    std::vector<std::uint16_t> totals(5000);
    for (std::uint16_t& total : totals) total = static_cast<std::uint16_t>(random() % 40);
    std::vector<std::pair<std::int32_t, std::uint16_t>> all;
    for (std::size_t s = 0; s < totals.size(); ++s) {
        if (totals[s] != 0) all.emplace_back(static_cast<std::int32_t>(s), totals[s]);
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const std::size_t most : {std::size_t{1}, std::size_t{77}, all.size(), all.size() + 9}) {
        const auto found = most_votes(totals.data(), totals.size(), most);
        CHECK(found.size() == std::min(most, all.size()));
        CHECK(std::equal(found.begin(), found.end(), all.begin()));
    }
    CHECK(most_votes(totals.data(), 0, 5).empty());
}

TEST(totals_take_the_best_row_of_an_owner_and_stay_in_16_bits) {
    const std::vector<std::uint16_t> votes{10, 60000, 30, 40, 50};
    const std::vector<std::uint8_t> alive{1, 1, 1, 0, 1};
    const std::vector<std::int32_t> owners{0, 1, 0, 0, -1};
    const std::uint64_t allowed = 0b11110;
    std::vector<std::uint16_t> totals{1, 60000};
    add_votes({votes.data(), alive.data(), &allowed, owners.data(), 5}, totals.data(), 2);
    CHECK(totals[0] == 31 && totals[1] == 65535);
    bool refused = false;
    try {
        add_votes({votes.data(), alive.data(), nullptr, owners.data(), 5}, totals.data(), 1);
    } catch (const std::out_of_range&) {
        refused = true;
    }
    CHECK(refused);
}

TEST(rows_and_lists_beyond_their_arrays_are_refused) {
    const Bytes tables(kTableBytes), bases(1), codes(kCodeBytes + kOverread), minutiae{1};
    const Bytes weights = falling_weights();
    const std::vector<std::uint16_t> rows{0}, factors(256, 1 << kFactorShift);
    const std::vector<std::uint32_t> offsets{0, 1, 1};
    const Postings postings{codes.data(), rows.data(), offsets.data(), 2};
    std::vector<std::uint16_t> out(3);
    const auto votes_of = [&](std::int32_t list, std::int32_t number) {
        const VoteProbe probe{tables.data(), bases.data(), &list, weights.data(), 1, 1};
        const RowTable table{&number, minutiae.data(), factors.data(), 1};
        vote(probe, postings, table, out.data(), out.size());
        return out[2];
    };
    CHECK(votes_of(0, 2) == 220);
    CHECK(votes_of(1, 2) == 0);
    for (const auto& [list, number] :
         {std::pair{2, 2}, std::pair{-1, 2}, std::pair{0, 3}, std::pair{0, -1}}) {
        bool refused = false;
        try {
            votes_of(list, number);
        } catch (const std::out_of_range&) {
            refused = true;
        }
        CHECK(refused);
    }
}

}  // namespace

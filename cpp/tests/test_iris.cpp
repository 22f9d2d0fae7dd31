// The iris core by itself: levels agree, rotations are found, places are checked, threads rethrow.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.h"
#include "iris_turn.h"
#include "kernels/iris_coarse.h"
#include "kernels/iris_counts.h"
#include "matcher/iris.h"
#include "matcher/iris_search.h"
#include "matcher/simd.h"

namespace {

using namespace matcher::iris;
using matcher::best_simd_level;
using matcher::SimdLevel;
using Words = std::vector<std::uint64_t>;

std::vector<SimdLevel> levels() {
    std::vector<SimdLevel> all;
    for (const SimdLevel level : {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512}) {
        if (level <= best_simd_level()) all.push_back(level);
    }
    return all;
}

// Random words; each round of `dense` sets half of the bits that are left.
Words random_eye(std::mt19937_64& random, int dense) {
    Words words(kResidentWords);
    for (std::uint64_t& word : words) {
        word = random();
        for (int round = 0; round < dense; ++round) word |= random();
    }
    return words;
}

// Angle `angle` of a search record: code in the low byte, mask above.
unsigned angle_of(const std::uint64_t* record, int angle) {
    int block = 0;
    while (kRemainders[block] != angle % kBlocks) ++block;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(record + 2 * block * kBlockWords);
    return bytes[angle / kBlocks] | static_cast<unsigned>(bytes[8 * kBlockWords + angle / kBlocks]) << 8;
}

}  // namespace

TEST(iris_counts_are_those_of_single_bits_at_every_level) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 12; ++round) {
        const Words one = random_eye(random, round % 4), two = random_eye(random, round / 4);
        const std::uint64_t* full_one = one.data() + kSearchWords;
        const std::uint64_t* full_two = two.data() + kSearchWords;
        kernels::Turned turned;
        kernels::Rolled rolled;
        turn_search_record(one.data(), turned);
        roll_full_record(full_one, rolled);
        for (const SimdLevel level : levels()) {
            const kernels::Comparison kernel = kernels::comparison_for(level);
            kernels::Counts search, full;
            kernel.search(turned, two.data(), 0, kTurns, search);
            kernel.full(rolled, full_two, full);
            for (int turn = 0; turn < kTurns; ++turn) {
                int common = 0, differing = 0, full_common = 0, full_differing = 0;
                for (int angle = 0; angle < kAngles; ++angle) {
                    const int other = (angle + turn - kReach + kAngles) % kAngles;
                    const unsigned p = angle_of(one.data(), other), c = angle_of(two.data(), angle);
                    const unsigned valid = (p & c) >> 8;
                    common += __builtin_popcount(valid);
                    differing += __builtin_popcount((p ^ c) & valid);
                    const std::uint64_t both = full_one[kAngles + other] & full_two[kAngles + angle];
                    full_common += __builtin_popcountll(both);
                    full_differing += __builtin_popcountll((full_one[other] ^ full_two[angle]) & both);
                }
                CHECK(search.common[turn] == common && search.differing[turn] == differing);
                CHECK(full.common[turn] == full_common && full.differing[turn] == full_differing);
            }
        }
    }
}

TEST(iris_counts_do_not_overflow_where_all_bits_are_set) {
    const Words ones(kResidentWords, ~std::uint64_t{0});
    kernels::Turned turned;
    kernels::Rolled rolled;
    turn_search_record(ones.data(), turned);
    roll_full_record(ones.data() + kSearchWords, rolled);
    Words dark = ones;
    for (int block = 0; block < kBlocks; ++block) {
        for (int w = 0; w < kBlockWords; ++w) dark[static_cast<std::size_t>(2 * block * kBlockWords + w)] = 0;
    }
    for (int angle = 0; angle < kAngles; ++angle) dark[static_cast<std::size_t>(kSearchWords + angle)] = 0;
    for (const SimdLevel level : levels()) {
        const kernels::Comparison kernel = kernels::comparison_for(level);
        kernels::Counts search, full;
        kernel.search(turned, dark.data(), 0, kTurns, search);
        kernel.full(rolled, dark.data() + kSearchWords, full);
        for (int turn = 0; turn < kTurns; ++turn) {
            CHECK(search.common[turn] == kSearchBits && search.differing[turn] == kSearchBits);
            CHECK(full.common[turn] == kFullBits && full.differing[turn] == kFullBits);
        }
        CHECK(kernel.best(full, kFullBits, 1).turn == -1 && kernel.best(full, kFullBits, 1).raw == 0);
        kernel.full(rolled, ones.data() + kSearchWords, full);
        CHECK(kernel.best(full, kFullBits, kFullBits).raw == 1 && kernel.best(full, kFullBits, 1).turn == 0);
    }
}

TEST(iris_best_rotation_agrees_to_the_bit_at_every_level) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 500; ++round) {
        kernels::Counts counts{};
        for (int turn = 0; turn < kTurns; ++turn) {
            counts.common[turn] = static_cast<int>(random() % (kFullBits + 1));
            counts.differing[turn] =
                static_cast<int>(random() % static_cast<unsigned>(counts.common[turn] + 1));
        }
        const kernels::Best expected =
            kernels::comparison_for(SimdLevel::scalar).best(counts, kFullBits, 2048);
        for (const SimdLevel level : levels()) {
            const kernels::Best found = kernels::comparison_for(level).best(counts, kFullBits, 2048);
            CHECK(found.turn == expected.turn &&
                  std::memcmp(&found.raw, &expected.raw, sizeof found.raw) == 0);
        }
    }
}

TEST(iris_scores_many_on_threads_and_refuses_places_outside) {
    std::mt19937_64 random(3);
    Words all;
    std::vector<std::int64_t> places;
    for (int i = 0; i < 3000; ++i) {
        const Words eye = random_eye(random, 1);
        places.push_back(static_cast<std::int64_t>(all.size()));
        all.insert(all.end(), eye.begin(), eye.begin() + kSearchWords);
    }
    const Words one = random_eye(random, 1);
    const Probe probe(one.data());
    std::vector<float> alone(places.size()), shared(places.size());
    score_many(probe, Kind::search, {all.data(), all.size(), places.data(), places.size()}, 1, alone.data());
    score_many(probe, Kind::search, {all.data(), all.size(), places.data(), places.size()}, 4, shared.data());
    CHECK(alone == shared);
    CHECK(alone[2999] == probe.compare_search(all.data() + places[2999]).raw);
    const auto last = static_cast<std::int64_t>(all.size());
    for (const std::int64_t outside :
         {std::int64_t{-1}, last, last - kSearchWords + 1, INT64_MIN, INT64_MAX}) {
        bool thrown = false;
        try {
            score_many(probe, Kind::search, {all.data(), all.size(), &outside, 1}, 2, shared.data());
        } catch (const std::out_of_range&) {
            thrown = true;
        }
        CHECK(thrown);
    }
}

namespace {

Words random_records(std::mt19937_64& random, std::size_t count) {
    Words all;
    for (std::size_t i = 0; i < count; ++i) {
        const Words eye = random_eye(random, 1);
        all.insert(all.end(), eye.begin(), eye.begin() + kSearchWords);
    }
    return all;
}

bool same(const std::vector<Hit>& one, const std::vector<Hit>& two) {
    if (one.size() != two.size()) return false;
    for (std::size_t h = 0; h < one.size(); ++h) {
        if (one[h].probe != two[h].probe || one[h].row != two[h].row || one[h].raw != two[h].raw)
            return false;
    }
    return true;
}

}  // namespace

TEST(iris_coarse_pass_agrees_at_every_level) {
    std::mt19937_64 random(4);
    const Words records = random_records(random, 8), one = random_records(random, 1);
    kernels::Turned turned;
    turn_search_record(one.data(), turned);
    kernels::CoarseProbe probe;
    for (int turn = 0; turn < kernels::kCoarseTurns; ++turn) {
        std::memcpy(probe.code[turn], turned.records[turn * kernels::kTurnStep], sizeof probe.code[turn]);
    }
    for (const float strictness : {-3.0F, 0.0F, 0.7F, 1.5F, 100.0F}) {
        probe.strictness = strictness;
        for (int count = 1; count <= kernels::kGroup; ++count) {
            for (const SimdLevel level : levels()) {
                kernels::CoarseGroup group;
                kernels::Passed passed;
                const std::uint64_t* places[kernels::kGroup];
                for (int c = 0; c < count; ++c) places[c] = records.data() + c * kSearchWords;
                kernels::coarse_for(level).gather(places, count, group);
                const auto active = static_cast<std::uint8_t>((1U << count) - 1 - (count > 3 ? 4 : 0));
                kernels::coarse_for(level).screen(probe, group, active, passed);
                unsigned any = 0;
                for (int turn = 0; turn < kernels::kCoarseTurns; ++turn) {
                    for (int c = 0; c < kernels::kGroup; ++c) {
                        int compared = 0, differing = 0;
                        for (int w = 0; c < count && w < kBlockWords; ++w) {
                            const std::uint64_t* record = records.data() + c * kSearchWords;
                            const std::uint64_t mask = record[kBlockWords + w];
                            compared += __builtin_popcountll(mask);
                            differing += __builtin_popcountll((probe.code[turn][w] ^ record[w]) & mask);
                        }
                        const double agreement = compared - 2.0 * differing;
                        const bool in = (active >> c & 1) != 0 &&
                                        agreement >= static_cast<double>(strictness) * std::sqrt(compared);
                        CHECK((passed.turns[turn] >> c & 1) == (in ? 1 : 0));
                        any |= in ? 1U << c : 0U;
                    }
                }
                CHECK(passed.any == any);
            }
        }
    }
}

TEST(iris_search_finds_what_single_comparisons_find) {
    std::mt19937_64 random(5);
    constexpr std::size_t kCount = 1003;  // no whole chunk, no whole group
    const Words records = random_records(random, kCount), probes = random_records(random, 3);
    std::vector<std::uint64_t> bitmap((kCount + 63) / 64);
    for (std::uint64_t& word : bitmap) word = random();
    Query query;
    query.probes = probes.data();
    query.probe_count = 3;
    query.records = records.data();
    query.bitmap = bitmap.data();
    query.begin = 5;
    query.end = kCount;
    query.least_raw = 0.05F;
    Work work;
    const std::vector<Hit> all = search(query, &work);
    std::size_t expected = 0;
    for (std::size_t p = 0; p < 3; ++p) {
        Words whole(kResidentWords);
        std::memcpy(whole.data(), probes.data() + p * kSearchWords, kSearchWords * sizeof whole[0]);
        const Probe probe(whole.data());
        for (std::size_t row = 5; row < kCount; ++row) {
            if ((bitmap[row / 64] >> (row % 64) & 1) == 0) continue;
            const float raw = probe.compare_search(records.data() + row * kSearchWords).raw;
            if (raw < query.least_raw) continue;
            ++expected;
            bool there = false;
            for (const Hit& hit : all) {
                there =
                    there || (hit.probe == p && hit.row == static_cast<std::int64_t>(row) && hit.raw == raw);
            }
            CHECK(there);
        }
    }
    CHECK(all.size() == expected && expected > 100 && work.scored == work.pairs);
    query.threads = 4;
    CHECK(same(search(query), all));
    // A pass that lets everything through is the exhaustive one; one that lets nothing through is empty.
    query.strictness = {false, 0.0F, 1.0F, 0.0F, 1.0F, 100.0F, 0.0F};
    CHECK(same(search(query), all));
    query.strictness.deviations = -1000.0F;
    CHECK(search(query).empty());
    query.strictness = {};
    query.most = 2;
    CHECK(search(query).size() == 6 && search(query)[0].raw == all[0].raw);
    query.reach = 0;
    query.most = 0;
    CHECK(search(query).size() <= all.size());
    query.end = query.begin;
    CHECK(search(query).empty());
}

TEST(iris_read_sum_is_the_sum) {
    std::mt19937_64 random(6);
    Words words(1000);
    std::uint64_t sum = 0;
    for (std::uint64_t& word : words) sum += word = random();
    CHECK(read_sum(words.data(), words.size()) == sum);
    CHECK(read_sum(words.data(), 0) == 0);
}

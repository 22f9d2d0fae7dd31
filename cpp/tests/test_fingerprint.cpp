// The fingerprint core by itself: levels agree, damaged words are refused, threads rethrow.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "fingerprint_select.h"
#include "fingerprint_unpack.h"
#include "kernels/consensus.h"
#include "kernels/relaxation.h"
#include "kernels/selection.h"
#include "kernels/similarity.h"
#include "matcher/fingerprint.h"
#include "matcher/simd.h"

namespace {

namespace kernels = matcher::fingerprint::kernels;
using matcher::best_simd_level;
using matcher::parse_simd_level;
using matcher::simd_level_name;
using matcher::SimdError;
using matcher::SimdLevel;
using namespace matcher::fingerprint;
using Words = std::vector<std::uint64_t>;

std::vector<SimdLevel> levels() {
    std::vector<SimdLevel> all;
    for (const SimdLevel level : {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512}) {
        if (level <= best_simd_level()) all.push_back(level);
    }
    return all;
}

std::uint64_t header_of(int count) {
    return kMagic | kVersion << 16 | std::uint64_t{kPlanes} << 24 | static_cast<std::uint64_t>(count) << 32;
}

// A print of `count` minutiae: every cell set with probability 1 / `sparsity`, any geometry within `extent`
// px.
Words random_print(std::mt19937_64& random, int count, unsigned sparsity, unsigned extent) {
    Words words{header_of(count)};
    for (int k = 0; k < kPlanes; ++k) {
        for (int i = 0; i < count; ++i) {
            std::uint64_t cells = 0;
            for (int c = 0; c < kCells; ++c) cells |= std::uint64_t{random() % sparsity == 0} << c;
            std::uint64_t high = random() % extent;
            if (k == 2) high = random() & 0xff;
            if (k >= 3) high = static_cast<std::uint64_t>(i);
            words.push_back(cells | high << kCells);
        }
    }
    return words;
}

template <class Call>
bool refuses(Call call) {
    try {
        call();
    } catch (const CorruptResident&) {
        return true;
    }
    return false;
}

}  // namespace

TEST(fingerprint_opens_only_what_agrees_with_its_header) {
    std::mt19937_64 random(1);
    const Words sound = random_print(random, 20, 8, 400);
    CHECK(open_resident(sound.data(), sound.size()).count == 20);
    CHECK(refuses([&] { open_resident(sound.data(), 0); }));
    CHECK(refuses([&] { open_resident(sound.data(), 1); }));
    CHECK(refuses([&] { open_resident(sound.data(), sound.size() - 1); }));
    for (int bit = 0; bit < 64; ++bit) {
        Words damaged = sound;
        damaged[0] ^= std::uint64_t{1} << bit;
        CHECK(refuses([&] { open_resident(damaged.data(), damaged.size()); }));
    }
    const Words too_many(1 + kPlanes * (kMaxMinutiae + 1), header_of(kMaxMinutiae + 1));
    CHECK(refuses([&] { open_resident(too_many.data(), too_many.size()); }));
}

TEST(fingerprint_similarities_agree_at_every_level) {
    std::mt19937_64 random(2);
    for (int count = 1; count <= kMaxMinutiae; ++count) {
        const Words one = random_print(random, kMaxMinutiae + 1 - count, 6, 400);
        const Words two = random_print(random, count, 3, 400);
        const Resident probe = open_resident(one.data(), one.size());
        const Resident candidate = open_resident(two.data(), two.size());
        Words cells;
        for (int i = 0; i < probe.count; ++i) {
            for (int k = 0; k < kPlanes; ++k) cells.push_back(probe.planes[k * probe.count + i] & kCellMask);
        }
        std::vector<std::uint8_t> expected;
        for (const SimdLevel level : levels()) {
            float probe_norm[kMaxMinutiae], candidate_norm[kMaxMinutiae];
            kernels::norms_for(level)(probe, probe_norm);
            kernels::norms_for(level)(candidate, candidate_norm);
            for (float& norm : probe_norm) norm *= kSimilarityOne;
            alignas(64) std::uint8_t out[kMaxMinutiae * kMaxMinutiae];
            std::memset(out, 0xee, sizeof out);
            kernels::similarity_for(level)({cells.data(), probe_norm, probe.count}, candidate, candidate_norm,
                                           out);
            const int row = kernels::row_bytes(count);
            std::vector<std::uint8_t> found(out, out + probe.count * row);
            if (expected.empty()) expected = found;
            CHECK(found == expected);
            int common = 0;
            for (int k = 0; k < kPlanes; ++k) {
                common += __builtin_popcountll(cells[static_cast<std::size_t>(k)] &
                                               candidate.planes[k * count + count - 1]);
            }
            const float last = static_cast<float>(common) * probe_norm[0] * candidate_norm[count - 1];
            CHECK(found[static_cast<std::size_t>(count - 1)] == static_cast<int>(last));
            for (int j = count; j < row; ++j) CHECK(found[static_cast<std::size_t>(j)] == 0);
        }
    }
}

TEST(fingerprint_selection_takes_whole_levels_up_to_its_bound) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 12; ++round) {
        const int most = std::vector<int>{0, 1, 7, 60, 300, 512}[static_cast<std::size_t>(round % 6)];
        const int row = round < 6 ? kernels::kRowVector : 2 * kernels::kRowVector;
        alignas(64) std::uint8_t rows[kMaxMinutiae * kMaxMinutiae];
        for (std::uint8_t& similarity : rows) similarity = static_cast<std::uint8_t>(random() % 200);
        std::vector<int> expected;
        int least = 1;
        for (; least < 256; ++least) {
            expected.clear();
            for (int p = 0; p < kMaxMinutiae * row; ++p) {
                if (rows[p] >= least) expected.push_back(p);
            }
            if (static_cast<int>(expected.size()) <= most) break;
        }
        for (const SimdLevel level : levels()) {
            kernels::Choices chosen;
            kernels::selection_for(level).choose(rows, kMaxMinutiae, row, most, chosen);
            CHECK(chosen.count == static_cast<int>(expected.size()));
            CHECK(chosen.least == least);
            for (int c = 0; c < chosen.count; ++c) {
                const int place = expected[static_cast<std::size_t>(c)];
                CHECK(chosen.probe[c] * row + chosen.candidate[c] == place);
                CHECK(chosen.similarity[c] == rows[place]);
            }
        }
    }
}

TEST(fingerprint_selection_keeps_a_window_of_rotations_around_the_circle) {
    alignas(64) std::uint8_t rows[kMaxMinutiae * kMaxMinutiae], out[kMaxMinutiae * kMaxMinutiae];
    alignas(64) std::uint8_t probe[kMaxMinutiae], candidate[kMaxMinutiae];
    std::memset(rows, 9, sizeof rows);
    for (int i = 0; i < kMaxMinutiae; ++i) {
        probe[i] = static_cast<std::uint8_t>(4 * i);
        candidate[i] = static_cast<std::uint8_t>(251 * i);
    }
    for (const SimdLevel level : levels()) {
        for (const int rotation : {0, 3, 128, 250}) {
            kernels::selection_for(level).restrict_rotation(rows, kMaxMinutiae, kMaxMinutiae, probe,
                                                            candidate, rotation, 40, out);
            for (int p = 0; p < kMaxMinutiae * kMaxMinutiae; ++p) {
                const int i = p / kMaxMinutiae, j = p % kMaxMinutiae;
                const int off = static_cast<std::int8_t>(probe[i] - candidate[j] - rotation);
                CHECK(out[p] == (off >= -40 && off <= 40 ? 9 : 0));
            }
        }
    }
}

TEST(fingerprint_stages_agree_to_the_bit_at_every_level) {
    std::mt19937_64 random(4);
    for (int count = 2; count <= kMaxMinutiae; ++count) {
        const int other = count % 3 == 0 ? 90 : 40;
        const int row = kernels::row_bytes(other);
        const Words one = random_print(random, count, 6, 300), two = random_print(random, other, 6, 300);
        Unpacked probe, candidate;
        unpack(open_resident(one.data(), one.size()), probe);
        unpack(open_resident(two.data(), two.size()), candidate);
        alignas(64) std::uint8_t rows[kMaxMinutiae * kMaxMinutiae] = {};
        for (int i = 0; i < count; ++i) {
            for (int j = 0; j < other; ++j) rows[i * row + j] = static_cast<std::uint8_t>(random() % 256);
        }
        Words expected;
        for (const SimdLevel level : levels()) {
            SelectionScratch scratch;
            kernels::Pairs pairs;
            kernels::Agreement agreement;
            kernels::Matches matches;
            select_pairs(probe, candidate, rows, kernels::selection_for(level), scratch, pairs);
            kernels::relaxation_for(level).relax(pairs, agreement);
            int by_support[kMaxPairs];
            kernels::relaxation_for(level).order(pairs, by_support);
            for (int p = 1; p < pairs.count; ++p) {
                // The order looks at all but the lowest six bits.
                CHECK(pairs.support[by_support[p - 1]] >= pairs.support[by_support[p]] * 0.99999F);
            }
            const kernels::ConsensusKernels consensus = kernels::consensus_for(level);
            const int order[] = {0, 1};
            kernels::Motion motion = consensus.find(pairs, order, pairs.count < 2 ? pairs.count : 2);
            consensus.match(probe, candidate, motion, 60.0F, matches);
            motion = consensus.fit(matches);
            const kernels::Overlap overlap = consensus.overlap(probe, candidate, motion);
            CHECK(overlap.probe <= count && overlap.candidate <= other);
            Words bits;
            const auto add = [&bits](float value) {
                std::uint32_t word;
                std::memcpy(&word, &value, sizeof word);
                bits.push_back(word);
            };
            for (int p = 0; p < pairs.count; ++p) {
                add(pairs.support[p]);
                bits.push_back(static_cast<std::uint64_t>(by_support[p]));
            }
            for (const float m : {motion.xx, motion.xy, motion.yx, motion.yy, motion.shift_x, motion.shift_y})
                add(m);
            add(matches.total);
            bits.push_back(
                static_cast<std::uint64_t>(motion.turn + 1000 * overlap.probe + 1000000 * overlap.candidate));
            if (expected.empty()) expected = bits;
            CHECK(bits == expected);
        }
    }
}

TEST(fingerprint_any_planes_score_finite) {
    std::mt19937_64 random(5);
    for (int round = 0; round < 400; ++round) {
        const int count = static_cast<int>(random() % (kMaxMinutiae + 1));
        const unsigned sparsity = 1 + random() % 40;
        const unsigned extent = round % 3 == 0 ? 1 : 4096;
        Words one = random_print(random, count, sparsity, extent);
        Words two = random_print(random, static_cast<int>(random() % (kMaxMinutiae + 1)), sparsity, extent);
        if (round % 4 == 0) {
            for (std::size_t w = 1; w < two.size(); ++w)
                two[w] = round % 8 == 0 ? ~std::uint64_t{0} : random();
        }
        Pairing pairing;
        const Probe probe(one.data(), one.size());
        const ScoreParts parts = probe.compare(open_resident(two.data(), two.size()), &pairing);
        CHECK(std::isfinite(parts.raw) && parts.raw >= 0);
        CHECK(static_cast<int>(pairing.size()) == parts.paired);
    }
}

TEST(fingerprint_threads_score_the_same_and_rethrow) {
    std::mt19937_64 random(6);
    const Words one = random_print(random, 30, 6, 300);
    Words all;
    std::vector<std::int64_t> offsets{0};
    for (int c = 0; c < 1500; ++c) {
        const Words print = random_print(random, c % 40, 6, 300);
        all.insert(all.end(), print.begin(), print.end());
        offsets.push_back(static_cast<std::int64_t>(all.size()));
    }
    const Probe probe(one.data(), one.size());
    const Gallery gallery{all.data(), all.size(), offsets.data(), offsets.size() - 1};
    std::vector<float> alone(1500), shared(1500);
    score_many(probe, gallery, nullptr, 1500, 1, alone.data());
    score_many(probe, gallery, nullptr, 1500, 4, shared.data());
    CHECK(alone == shared);
    all[static_cast<std::size_t>(offsets[1203])] = 0;
    CHECK(refuses([&] { score_many(probe, gallery, nullptr, 1500, 4, shared.data()); }));
    const std::int64_t far = 1500;
    bool thrown = false;
    try {
        score_many(probe, gallery, &far, 1, 4, shared.data());
    } catch (const std::out_of_range&) {
        thrown = true;
    }
    CHECK(thrown);
}

TEST(fingerprint_simd_level_is_known_or_refused) {
    CHECK(parse_simd_level(nullptr) == best_simd_level());
    CHECK(parse_simd_level("") == best_simd_level());
    for (const SimdLevel level : levels()) CHECK(parse_simd_level(simd_level_name(level)) == level);
    bool thrown = false;
    try {
        parse_simd_level("neon");
    } catch (const SimdError&) {
        thrown = true;
    }
    CHECK(thrown);
}

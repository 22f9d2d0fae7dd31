// The second look at rows by itself: votes that agree on a motion count, ends of arrays hold, numbers are
// checked. tests/gallery/test_index_fingerprint.py compares with a slow reference.
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.h"
#include "matcher/fingerprint_support.h"

namespace {

using namespace matcher::fingerprint;
using Bytes = std::vector<std::uint8_t>;

constexpr int kVoters = 70, kProbed = 4;
constexpr std::size_t kLists = 9, kRows = 30, kPostings = 400;

struct Task {
    Bytes tables, bases, weights, probe_places, codes, places, minutiae;
    std::vector<std::int32_t> probed, numbers;
    std::vector<std::uint32_t> offsets;
    std::vector<std::uint16_t> rows, lists, factors;

    explicit Task(std::mt19937_64& random) {
        const auto bytes = [&random](std::size_t count, unsigned below) {
            Bytes made(count);
            for (std::uint8_t& one : made) one = static_cast<std::uint8_t>(random() % below);
            return made;
        };
        tables = bytes(kVoters * kTableBytes, 20);
        bases = bytes(kVoters, 20);
        weights = bytes(256, 200);
        weights[255] = 0;
        probe_places = bytes(kVoters * kPlaceBytes, 256);
        // No byte more than promised, so that a sanitizer sees what is read beyond.
        codes = bytes(kPostings * kCodeBytes, 256);
        places = bytes(kPostings * kPlaceBytes, 256);
        minutiae = Bytes(kRows, 10);
        for (int n = 0; n < kVoters * kProbed; ++n)
            probed.push_back(static_cast<std::int32_t>(random() % kLists));
        for (std::size_t r = 0; r < kRows; ++r) numbers.push_back(static_cast<std::int32_t>(3 * r));
        for (std::size_t l = 0; l <= kLists; ++l) {
            offsets.push_back(static_cast<std::uint32_t>(l * kPostings / kLists));
        }
        for (std::size_t j = 0; j < kPostings; ++j) {
            rows.push_back(static_cast<std::uint16_t>(random() % kRows));
            lists.push_back(static_cast<std::uint16_t>(random() % kLists));
        }
        factors.assign(256, 256);
    }

    VoteProbe probe() const {
        return {tables.data(), bases.data(), probed.data(), weights.data(), kVoters, kProbed};
    }
    Postings postings() const { return {codes.data(), rows.data(), offsets.data(), kLists}; }
    TailPostings tail() const { return {codes.data(), kPostings, lists.data(), rows.data(), kPostings}; }
    RowTable table() const { return {numbers.data(), minutiae.data(), factors.data(), kRows}; }
};

}  // namespace

TEST(support_is_of_chosen_rows_and_within_arrays) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 20; ++round) {
        const Task task(random);
        const std::vector<std::uint64_t> bits{0x249249249ULL};  // every third number: 0, 3 ... 33
        std::vector<std::uint16_t> of_lists(100, 7), of_tail(100, 7);
        support(task.probe(), task.probe_places.data(), task.postings(), task.places.data(), task.table(),
                {bits.data(), bits.size()}, of_lists.data(), of_lists.size());
        support(task.probe(), task.probe_places.data(), task.tail(), task.places.data(), task.table(),
                {bits.data(), bits.size()}, of_tail.data(), of_tail.size());
        bool any = false;
        for (std::size_t n = 0; n < of_lists.size(); ++n) {
            const bool chosen = n % 3 == 0 && n < 36;
            CHECK(chosen || (of_lists[n] == 7 && of_tail[n] == 7));
            any = any || (chosen && of_lists[n] > 0);
        }
        CHECK(any);
    }
}

TEST(support_refuses_what_leaves_its_arrays) {
    std::mt19937_64 random(4);
    Task task(random);
    const std::vector<std::uint64_t> bits{~std::uint64_t{0}};
    std::vector<std::uint16_t> out(100), few(3);
    const auto refused = [&](std::vector<std::uint16_t>& to) {
        try {
            support(task.probe(), task.probe_places.data(), task.postings(), task.places.data(), task.table(),
                    {bits.data(), bits.size()}, to.data(), to.size());
        } catch (const std::out_of_range&) {
            return true;
        }
        return false;
    };
    CHECK(!refused(out));
    CHECK(refused(few));
    task.offsets[3] = kPostings;
    CHECK(refused(out));
    task.offsets[3] = task.offsets[2];
    task.probed[5] = kLists;
    CHECK(refused(out));
}

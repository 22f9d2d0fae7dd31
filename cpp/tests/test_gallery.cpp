// Rows of a search by themselves, for the sanitizers: ends of arrays hold, wrong owners are refused.
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "check.h"
#include "matcher/gallery.h"

namespace {

using namespace matcher::gallery;

TEST(gallery_rows_of_first_last_and_absent_encounters) {
    const std::vector<std::int32_t> encounters = {2, 2, 5, 9, 9, 9};
    const bool dead[] = {false, true, false, false, false, true};
    const std::vector<std::int32_t> asked = {1, 2, 3, 9, 12};
    const std::vector<std::int32_t> owners = {10, 11, 12, 13, 14};
    const Found found = rows_of(encounters.data(), dead, 6, asked.data(), owners.data(), 5);
    CHECK((found.rows == std::vector<std::int64_t>{0, 3, 4}));
    CHECK((found.owners == std::vector<std::int32_t>{11, 13, 13}));
    CHECK(rows_of(nullptr, nullptr, 0, asked.data(), owners.data(), 5).rows.empty());
    CHECK(rows_of(encounters.data(), dead, 6, nullptr, nullptr, 0).rows.empty());
}

TEST(gallery_bits_end_within_a_word) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{67}}) {
        const std::unique_ptr<bool[]> allowed(new bool[count]);
        std::vector<std::uint8_t> position(count), extractor(count, 1);
        for (std::size_t n = 0; n < count; ++n) {
            allowed[n] = n % 5 != 0;
            position[n] = static_cast<std::uint8_t>(n % 3);
        }
        std::vector<std::uint64_t> bits((count + 63) / 64);
        const Wanted wanted{position.data(), 2, extractor.data(), 1};
        std::size_t passing = 0;
        CHECK(passing_bits(allowed.get(), count, wanted, bits.data()) <= count);
        for (std::size_t n = 0; n < 64 * bits.size(); ++n) {
            const bool there = (bits[n / 64] >> (n % 64) & 1U) != 0;
            CHECK(there == (n < count && n % 5 != 0 && n % 3 != 1));
            passing += there ? 1 : 0;
        }
        CHECK(passing == passing_bits(allowed.get(), count, wanted, bits.data()));
    }
}

TEST(gallery_lines_at_and_beyond_the_ends) {
    const std::vector<double> xs = {0.0, 1.0, 4.0}, ys = {0.0, 10.0, 40.0};
    const std::vector<double> values = {-1.0, 0.0, 0.5, 1.0, 2.5, 4.0, 5.0};
    std::vector<double> out(values.size());
    interpolate(values.data(), values.size(), xs.data(), ys.data(), xs.size(), out.data());
    CHECK((out == std::vector<double>{0.0, 0.0, 5.0, 10.0, 25.0, 40.0, 40.0}));
}

TEST(gallery_tally_refuses_who_is_not_there) {
    const std::vector<std::int32_t> owners = {0, 2};
    const std::vector<double> scores = {3.0, 4.0};
    std::vector<std::int32_t> comparisons(2);
    std::vector<double> sums(2), best(2, -std::numeric_limits<double>::infinity());
    bool refused = false;
    try {
        tally(owners.data(), scores.data(), scores.data(), 2, comparisons.data(), sums.data(), best.data(),
              2);
    } catch (const std::out_of_range&) {
        refused = true;
    }
    CHECK(refused && comparisons[0] == 0 && sums[0] == 0.0);
}

}  // namespace

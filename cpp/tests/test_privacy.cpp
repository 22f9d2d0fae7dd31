// Products of shares by themselves: levels agree with plain sums, tails and unaligned places included.
#include <cstdint>
#include <random>
#include <vector>

#include "check.h"
#include "kernels/share_products.h"
#include "matcher/privacy.h"
#include "matcher/simd.h"

namespace {

using namespace matcher::privacy;
using matcher::best_simd_level;
using matcher::SimdLevel;

std::vector<kernels::Shares> levels() {
    std::vector<kernels::Shares> all;
    for (const SimdLevel level : {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512}) {
        if (level <= best_simd_level()) all.push_back(kernels::shares_for(level));
    }
    return all;
}

template <typename T>
std::vector<T> random_numbers(std::mt19937_64& random, std::size_t count) {
    std::vector<T> numbers(count);
    for (T& number : numbers) number = static_cast<T>(random());
    return numbers;
}

template <typename T>
void check_products(std::mt19937_64& random, std::size_t count, std::size_t length, std::size_t turns) {
    const std::vector<T> rows = random_numbers<T>(random, count * length);
    const std::vector<T> probes = random_numbers<T>(random, length + 3 * turns);
    std::vector<std::int64_t> places;
    for (std::size_t t = 0; t < turns; ++t) places.push_back(static_cast<std::int64_t>(3 * t));
    for (const kernels::Shares& level : levels()) {
        std::vector<T> out(count * turns);
        const Products<T> task{rows.data(),   count,         length, length,
                               probes.data(), places.data(), turns,  out.data()};
        if constexpr (sizeof(T) == 2) {
            level.products16(task);
        } else {
            level.products32(task);
        }
        for (std::size_t t = 0; t < turns; ++t) {
            for (std::size_t r = 0; r < count; ++r) {
                std::uint64_t sum = 0;
                for (std::size_t k = 0; k < length; ++k) {
                    sum += std::uint64_t{rows[r * length + k]} * probes[3 * t + k];
                }
                CHECK(out[t * count + r] == static_cast<T>(sum));
            }
        }
    }
}

}  // namespace

TEST(share_products_are_plain_sums_at_every_level) {
    std::mt19937_64 random(11);
    for (const std::size_t count : {0, 1, 3, 4, 9}) {
        for (const std::size_t length : {2, 31, 32, 70}) {
            for (const std::size_t turns : {1, 4, 7}) {
                check_products<std::uint16_t>(random, count, length, turns);
                check_products<std::uint32_t>(random, count, length, turns);
            }
        }
    }
}

TEST(share_slices_hold_each_values_bits_at_every_level) {
    std::mt19937_64 random(12);
    for (const std::size_t count : {1, 63, 64, 65, 200}) {
        const auto values = random_numbers<std::uint16_t>(random, count);
        const std::size_t words = (count + kWordBits - 1) / kWordBits;
        for (const kernels::Shares& level : levels()) {
            std::vector<std::uint64_t> planes(16 * words);
            level.slice(values.data(), count, 16, planes.data());
            for (std::size_t b = 0; b < 16; ++b) {
                for (std::size_t v = 0; v < words * kWordBits; ++v) {
                    const std::uint64_t bit = planes[b * words + v / kWordBits] >> (v % kWordBits) & 1U;
                    CHECK(bit == (v < count ? (values[v] >> b & 1U) : 0U));
                }
            }
        }
    }
}

// Products of 16-bit numbers by themselves: every level gives what a plain sum gives.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "check.h"
#include "kernels/products.h"
#include "matcher/simd.h"

namespace {

using namespace matcher::fingerprint::kernels;
using matcher::best_simd_level;
using matcher::SimdLevel;

struct alignas(64) Line {
    std::int32_t number[16];
};

std::vector<SimdLevel> levels() {
    std::vector<SimdLevel> all;
    for (const SimdLevel level : {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512}) {
        if (level <= best_simd_level()) all.push_back(level);
    }
    return all;
}

void check_products(std::mt19937_64& random, int pairs, int blocks) {
    std::vector<std::int16_t> rows(static_cast<std::size_t>(kProductRows * 2 * pairs));
    for (std::int16_t& number : rows) number = static_cast<std::int16_t>(random() % 8001) - 4000;
    std::vector<Line> matrix(static_cast<std::size_t>(pairs * blocks));
    auto* numbers = reinterpret_cast<std::int16_t*>(matrix[0].number);
    for (int i = 0; i < pairs * blocks * 32; ++i)
        numbers[i] = static_cast<std::int16_t>(random() % 8001) - 4000;
    std::vector<Line> start(static_cast<std::size_t>(blocks));
    for (int c = 0; c < 16 * blocks; ++c)
        start[0].number[c] = static_cast<std::int32_t>(random() % 999) - 500;
    for (const SimdLevel level : levels()) {
        std::vector<Line> out(static_cast<std::size_t>(kProductRows * blocks));
        product_kernels_for(level).products(rows.data(), numbers, pairs, blocks, start[0].number,
                                            out[0].number);
        for (int r = 0; r < kProductRows; ++r) {
            for (int c = 0; c < 16 * blocks; ++c) {
                std::int32_t sum = start[0].number[c];
                for (int i = 0; i < 2 * pairs; ++i) {
                    const int at = ((c / 16 * pairs + i / 2) * 16 + c % 16) * 2 + i % 2;
                    sum += rows[static_cast<std::size_t>(r * 2 * pairs + i)] * numbers[at];
                }
                CHECK(out[0].number[r * 16 * blocks + c] == sum);
            }
        }
    }
}

}  // namespace

TEST(products_are_plain_sums) {
    std::mt19937_64 random(1);
    for (const int pairs : {1, 8, 24, 130}) {
        for (const int blocks : {1, 3, 5}) check_products(random, pairs, blocks);
    }
}

TEST(the_first_of_the_greatest_is_found) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 300; ++round) {
        const int count = 16 * (1 + static_cast<int>(random() % 20));
        std::vector<Line> lines(static_cast<std::size_t>(count / 16));
        std::int32_t* numbers = lines[0].number;
        // Few different ones, so that the greatest stands in several places; negative ones alone, too.
        for (int i = 0; i < count; ++i)
            numbers[i] = static_cast<std::int32_t>(random() % 9) - 8 * (round % 3);
        const auto expected = static_cast<int>(std::max_element(numbers, numbers + count) - numbers);
        for (const SimdLevel level : levels()) {
            CHECK(product_kernels_for(level).greatest(numbers, count) == expected);
        }
    }
}

#include "matcher/gallery.h"

#include <algorithm>
#include <stdexcept>

namespace matcher::gallery {
namespace {

constexpr std::size_t kBits = 64;

// Eight bytes of 0 or 1 to eight bits: the product gathers the lowest bit of each in the topmost byte.
constexpr std::uint64_t kGather = 0x0102040810204080U;
constexpr int kTopByte = 56;

std::uint64_t word_of(const unsigned char* passes) {
    std::uint64_t word = 0;
    for (std::size_t byte = 0; byte < kBits / 8; ++byte) {
        std::uint64_t eight = 0;
        for (std::size_t bit = 0; bit < 8; ++bit) {
            eight |= static_cast<std::uint64_t>(passes[8 * byte + bit]) << (8 * bit);
        }
        word |= ((eight * kGather) >> kTopByte) << (8 * byte);
    }
    return word;
}

}  // namespace

Found rows_of(const std::int32_t* encounters, const bool* dead, std::size_t count, const std::int32_t* asked,
              const std::int32_t* owners, std::size_t asked_count) {
    Found found;
    if (count == 0) return found;
    const std::int32_t* const end = encounters + count;
    const std::int32_t* row = encounters;
    std::size_t next = static_cast<std::size_t>(std::lower_bound(asked, asked + asked_count, *row) - asked);
    for (; next < asked_count && row < end; ++next) {
        row = std::lower_bound(row, end, asked[next]);
        for (const std::int32_t* its = row; its < end && *its == asked[next]; ++its) {
            const std::ptrdiff_t number = its - encounters;
            if (dead[number]) continue;
            found.rows.push_back(number);
            found.owners.push_back(owners[next]);
        }
    }
    return found;
}

std::size_t passing_bits(const bool* allowed, std::size_t count, const Wanted& wanted, std::uint64_t* bits) {
    std::size_t passing = 0;
    for (std::size_t begin = 0; begin < count; begin += kBits) {
        const std::size_t rows = std::min(kBits, count - begin);
        unsigned char passes[kBits] = {};
        for (std::size_t n = 0; n < rows; ++n) passes[n] = allowed[begin + n] ? 1 : 0;
        if (wanted.position != nullptr) {
            const std::uint8_t* const position = wanted.position + begin;
            for (std::size_t n = 0; n < rows; ++n) {
                passes[n] &=
                    static_cast<unsigned char>((position[n] == wanted.wanted_position) | (position[n] == 0));
            }
        }
        if (wanted.extractor != nullptr) {
            const std::uint8_t* const extractor = wanted.extractor + begin;
            for (std::size_t n = 0; n < rows; ++n) {
                passes[n] &= static_cast<unsigned char>(extractor[n] == wanted.wanted_extractor);
            }
        }
        for (std::size_t n = 0; n < rows; ++n) passing += passes[n];
        bits[begin / kBits] = word_of(passes);
    }
    return passing;
}

void interpolate(const double* values, std::size_t count, const double* xs, const double* ys,
                 std::size_t knots, double* out) {
    const double* const last = xs + knots - 1;
    for (std::size_t n = 0; n < count; ++n) {
        const double x = values[n];
        if (x < xs[0]) {
            out[n] = ys[0];
        } else if (x >= *last) {
            out[n] = ys[knots - 1];
        } else {
            const std::size_t at = static_cast<std::size_t>(std::upper_bound(xs, last, x) - xs) - 1;
            const double slope = (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]);
            out[n] = slope * (x - xs[at]) + ys[at];
        }
    }
}

void tally(const std::int32_t* owners, const double* scores, const double* cubes, std::size_t count,
           std::int32_t* comparisons, double* sums, double* best, std::size_t owner_count) {
    for (std::size_t n = 0; n < count; ++n) {
        if (owners[n] < 0 || static_cast<std::size_t>(owners[n]) >= owner_count) {
            throw std::out_of_range("owners: expected numbers below that of all owners");
        }
    }
    for (std::size_t n = 0; n < count; ++n) {
        const auto owner = static_cast<std::size_t>(owners[n]);
        ++comparisons[owner];
        sums[owner] += cubes[n];
        best[owner] = std::max(best[owner], scores[n]);
    }
}

}  // namespace matcher::gallery

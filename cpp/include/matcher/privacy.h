// Local steps of three-party matching: products of shares, bits in slices, AND of replicated bits.
//
// All arithmetic is that of the integers modulo 2^16 or 2^32, so every instruction set gives the same result.
#pragma once
#include <cstddef>
#include <cstdint>

namespace matcher::privacy {

// Bits of one word of a slice.
constexpr std::size_t kWordBits = 64;

// Inner products of `count` rows with `turns` vectors: out[t * count + r] is the sum over k below `length` of
// rows[r * stride + k] * probes[places[t] + k]. A rotation is another place in the same probe.
template <typename T>
struct Products {
    const T* rows;
    std::size_t count;
    std::size_t stride;
    std::size_t length;
    const T* probes;
    const std::int64_t* places;
    std::size_t turns;
    T* out;
};

void products(const Products<std::uint16_t>& task);
void products(const Products<std::uint32_t>& task);

// Bit b of value v becomes bit v % 64 of planes[b * words + v / 64], b below `width` (1 to 16); words =
// ceil(count / 64), and bits beyond the last value are 0.
void slice(const std::uint16_t* values, std::size_t count, int width, std::uint64_t* planes);

// One party's additive share of x AND y, masked: (x0 & y0) ^ (x0 & y1) ^ (x1 & y0) ^ zero, word by word.
struct And {
    const std::uint64_t* x0;
    const std::uint64_t* x1;
    const std::uint64_t* y0;
    const std::uint64_t* y1;
    const std::uint64_t* zero;
    std::size_t words;
    std::uint64_t* out;
};
void and_share(const And& task);

// `rounds` rounds of nothing but the multiply-and-add that 16-bit products are made of, on registers; returns
// multiplications done. `sink` keeps the compiler from leaving it out.
std::uint64_t multiply_only(std::uint64_t rounds, std::uint32_t* sink);

}  // namespace matcher::privacy

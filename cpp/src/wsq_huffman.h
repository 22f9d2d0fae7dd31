// Entropy-coded data of a WSQ block: bits with stuffed zero bytes, and canonical Huffman codes.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace matcher::wsq {

constexpr int kMaxCodeBits = 16;
constexpr int kEndOfData = -1;

// Bits of entropy-coded data, most significant first. 0xFF is followed by a stuffed 0, or is a marker and
// ends the data; restart markers only align to the next byte.
class BitReader {
  public:
    BitReader(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    // The next 16 bits, filled up with ones (the padding before a marker) where fewer are left.
    std::uint32_t peek16() {
        if (held_ < kMaxCodeBits) fill();
        if (held_ >= kMaxCodeBits)
            return static_cast<std::uint32_t>(bits_ >> (held_ - kMaxCodeBits)) & 0xFFFFU;
        const int missing = kMaxCodeBits - held_;
        return (static_cast<std::uint32_t>(bits_ << missing) | ((1U << missing) - 1U)) & 0xFFFFU;
    }
    int available() const { return held_; }
    void drop(int count) { held_ -= count; }

    // `count` bits (at most 16) as a number, or kEndOfData.
    int take(int count) {
        if (held_ < count) fill();
        if (held_ < count) return kEndOfData;
        held_ -= count;
        return static_cast<int>(bits_ >> held_ & ((std::uint64_t{1} << count) - 1));
    }

    // Whether a restart marker follows what is held; if so, reading goes on behind it.
    bool restart();

    // Offset of the marker that ended the data, or the data's size.
    std::size_t end_position() const;

  private:
    void fill();

    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t position_ = 0;  // of the next byte to hold; at a marker once one was met
    std::uint64_t bits_ = 0;    // the lowest held_ bits count
    int held_ = 0;
};

// A canonical Huffman code (annex C): short codes by one look, longer ones length by length.
class HuffmanDecoder {
  public:
    // counts[i] codes of i + 1 bits. Throws WsqError where more codes are listed than bits can tell apart.
    HuffmanDecoder(const std::array<std::uint8_t, kMaxCodeBits>& counts, const std::uint8_t* symbols,
                   std::size_t total);

    // The next symbol, or kEndOfData where the data end. Throws WsqError at bits that are no code.
    int next(BitReader& reader) const;

  private:
    static constexpr int kLookBits = 10;
    static constexpr std::size_t kMaxSymbols = 256;

    struct Entry {
        std::uint8_t symbol;
        std::uint8_t bits;  // 0: longer than kLookBits, or no code
    };

    std::array<Entry, std::size_t{1} << kLookBits> look_{};
    std::array<std::uint32_t, kMaxCodeBits> first_code_{};  // of each length
    std::array<std::uint32_t, kMaxCodeBits> first_index_{};
    std::array<std::uint32_t, kMaxCodeBits> counts_{};
    std::array<std::uint8_t, kMaxSymbols> symbols_{};
};

}  // namespace matcher::wsq

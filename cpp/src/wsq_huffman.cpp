#include "wsq_huffman.h"

#include <algorithm>

#include "matcher/wsq.h"
#include "wsq_tables.h"

namespace matcher::wsq {

void BitReader::fill() {
    // 56 held bits are the most to which a byte can be added.
    while (held_ <= 48 && position_ < size_) {
        const std::uint8_t byte = data_[position_];
        if (byte == 0xFF) {
            if (position_ + 1 >= size_ || data_[position_ + 1] != 0) return;
            ++position_;
        }
        ++position_;
        bits_ = bits_ << 8 | byte;
        held_ += 8;
    }
}

bool BitReader::restart() {
    if (held_ >= 8 || position_ + 1 >= size_ || data_[position_] != 0xFF) return false;
    const int marker = 0xFF00 | data_[position_ + 1];
    if (marker < kRst0 || marker > kRst7) return false;
    position_ += 2;
    held_ = 0;
    return true;
}

std::size_t BitReader::end_position() const {
    for (std::size_t at = position_; at + 1 < size_; ++at) {
        const bool is_restart = data_[at + 1] >= (kRst0 & 0xFF) && data_[at + 1] <= (kRst7 & 0xFF);
        if (data_[at] == 0xFF && data_[at + 1] != 0 && data_[at + 1] != 0xFF && !is_restart) return at;
    }
    return size_;
}

HuffmanDecoder::HuffmanDecoder(const std::array<std::uint8_t, kMaxCodeBits>& counts,
                               const std::uint8_t* symbols, std::size_t total) {
    if (total > kMaxSymbols) throw WsqError(Fault::kCorrupt, "a Huffman table lists more than 256 symbols");
    std::copy(symbols, symbols + total, symbols_.begin());
    std::uint32_t code = 0;
    std::uint32_t index = 0;
    for (int length = 1; length <= kMaxCodeBits; ++length) {
        const auto row = static_cast<std::size_t>(length - 1);
        counts_[row] = counts[row];
        first_code_[row] = code;
        first_index_[row] = index;
        code += counts_[row];
        index += counts_[row];
        if (code > 1U << length) throw WsqError(Fault::kCorrupt, "a Huffman table lists more codes than fit");
        if (length <= kLookBits) {
            for (std::uint32_t offset = 0; offset < counts_[row]; ++offset) {
                const Entry entry{symbols_[first_index_[row] + offset], static_cast<std::uint8_t>(length)};
                const int free_bits = kLookBits - length;
                const auto first = static_cast<std::ptrdiff_t>((first_code_[row] + offset) << free_bits);
                std::fill_n(look_.begin() + first, std::size_t{1} << free_bits, entry);
            }
        }
        code <<= 1;
    }
}

int HuffmanDecoder::next(BitReader& reader) const {
    for (;;) {
        const std::uint32_t bits = reader.peek16();
        const Entry entry = look_[bits >> (kMaxCodeBits - kLookBits)];
        if (entry.bits != 0 && entry.bits <= reader.available()) {
            reader.drop(entry.bits);
            return entry.symbol;
        }
        if (entry.bits == 0) {
            for (int length = kLookBits + 1; length <= std::min(kMaxCodeBits, reader.available()); ++length) {
                const auto row = static_cast<std::size_t>(length - 1);
                const std::uint32_t offset = (bits >> (kMaxCodeBits - length)) - first_code_[row];
                if (offset < counts_[row]) {
                    reader.drop(length);
                    return symbols_[first_index_[row] + offset];
                }
            }
            if (reader.available() >= kMaxCodeBits)
                throw WsqError(Fault::kCorrupt, "the data hold no Huffman code");
        }
        if (!reader.restart()) return kEndOfData;
    }
}

}  // namespace matcher::wsq

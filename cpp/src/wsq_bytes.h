// A bounded view of bytes: reading past its end is a WsqError, never a read.
#pragma once
#include <cstddef>
#include <cstdint>

#include "matcher/wsq.h"

namespace matcher::wsq {

class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    std::size_t position() const { return position_; }
    std::size_t left() const { return size_ - position_; }
    const std::uint8_t* here() const { return data_ + position_; }

    std::uint8_t u8() {
        need(1);
        return data_[position_++];
    }
    std::uint16_t u16() {
        need(2);
        const auto value = static_cast<std::uint16_t>(data_[position_] << 8 | data_[position_ + 1]);
        position_ += 2;
        return value;
    }
    std::uint32_t u32() {
        const std::uint32_t high = u16();
        return high << 16 | u16();
    }
    void skip(std::size_t count) {
        need(count);
        position_ += count;
    }
    // The next `count` bytes as a view of their own; this one moves behind them.
    Bytes take(std::size_t count) {
        need(count);
        const Bytes part(data_ + position_, count);
        position_ += count;
        return part;
    }

  private:
    void need(std::size_t count) const {
        if (count > left())
            throw WsqError(Fault::kTruncated, "the file or one of its segments ends too early");
    }

    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t position_ = 0;
};

}  // namespace matcher::wsq

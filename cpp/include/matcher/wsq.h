// WSQ decoding (IAFIS-IC-0110, FBI grey-scale fingerprint image compression specification, version 3.1).
// Any bytes are safe: every length is bounded before memory is taken, and the only exception thrown is
// WsqError.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace matcher::wsq {

// Most pixels that decode() takes on: two ten-print cards at 500 ppi; 270 MB of working memory.
constexpr std::size_t kMaxPixels = std::size_t{1} << 25;

enum class Fault {
    kTruncated,  // the bytes end too early
    kCorrupt,    // the bytes contradict themselves or the specification
    kTooLarge,   // more than kMaxPixels, or more memory than there is
};

class WsqError : public std::runtime_error {
  public:
    WsqError(Fault fault, const std::string& what) : std::runtime_error(what), fault_(fault) {}
    Fault fault() const { return fault_; }

  private:
    Fault fault_;
};

// What a file says of itself before its first block of coefficients.
struct Header {
    int width = 0;     // pixels, 1 to 65535
    int height = 0;    // pixels, 1 to 65535
    double ppi = 0.0;  // of its NIST comment; 0 where none is stated
};

// Reads the header only; no memory is taken in proportion to what it claims.
Header read_header(const std::uint8_t* data, std::size_t size);

// Returns the pixels row by row, height x width, 0 black.
std::vector<std::uint8_t> decode(const std::uint8_t* data, std::size_t size);

}  // namespace matcher::wsq

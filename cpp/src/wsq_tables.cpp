#include "wsq_tables.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

namespace matcher::wsq {
namespace {

constexpr int kMaxDecimals =
    30;  // largest power of ten that a number is divided by; 10^-30 is 0 for all uses
constexpr std::size_t kMaxPpi = 8;  // most characters of the resolution in a NIST comment
constexpr char kNistComment[] = "NIST_COM";
constexpr char kPpiKey[] = "\nPPI ";

[[noreturn]] void corrupt(const char* what) { throw WsqError(Fault::kCorrupt, what); }

// Numbers are stored as an integer and a count of decimals.
double scaled(double digits, int decimals) {
    if (decimals > kMaxDecimals) corrupt("a number has too many decimals");
    return digits / std::pow(10.0, decimals);
}

double read_scaled16(Bytes& segment) {
    const int decimals = segment.u8();
    return scaled(segment.u16(), decimals);
}

// The right half of a symmetric filter of `length` taps, centre first.
std::vector<double> read_half_filter(Bytes& segment, int length) {
    std::vector<double> half(static_cast<std::size_t>((length + 1) / 2));
    for (double& tap : half) {
        const bool negative = segment.u8() != 0;
        const int decimals = segment.u8();
        tap = scaled(segment.u32(), decimals);
        if (negative) tap = -tap;
    }
    return half;
}

// B.2.3 (DTT): the analysis filters are sent, their right halves only. The synthesis filters follow by
// turning every second sign: low from the analysis high-pass, high from the analysis low-pass.
Filters read_filters(Bytes& segment) {
    const int low_length = segment.u8();
    const int high_length = segment.u8();
    if (low_length < 1 || high_length < 1 || low_length % 2 != high_length % 2) {
        corrupt("the filters have no taps, or one an odd and one an even number");
    }
    const std::vector<double> low = read_half_filter(segment, low_length);
    const std::vector<double> high = read_half_filter(segment, high_length);
    return synthesis_filters(low, low_length, high, high_length);
}

// B.2.4 (DQT)
Quantiser read_quantiser(Bytes& segment) {
    Quantiser quantiser;
    quantiser.centre = static_cast<float>(read_scaled16(segment));
    for (std::size_t band = 0; band < kSubbandCount; ++band) {
        quantiser.bin[band] = static_cast<float>(read_scaled16(segment));
        quantiser.zero_bin[band] = static_cast<float>(read_scaled16(segment));
    }
    return quantiser;
}

// B.2.5 (DHT): one or more tables.
void read_huffman(Bytes& segment, Tables& tables) {
    while (segment.left() > 0) {
        const std::size_t id = segment.u8();
        if (id >= kHuffmanTables) corrupt("a Huffman table has an id above 7");
        std::array<std::uint8_t, kMaxCodeBits> counts{};
        std::size_t total = 0;
        for (auto& count : counts) {
            count = segment.u8();
            total += count;
        }
        if (total > segment.left()) corrupt("a Huffman table lists more symbols than its segment holds");
        const std::uint8_t* symbols = segment.here();
        segment.skip(total);
        tables.huffman[id].emplace(counts, symbols, total);
    }
}

// B.2.2 (SOF)
Frame read_frame(Bytes& segment) {
    segment.skip(2);  // the grey levels of black and white: of the scanner, not of these pixels
    Frame frame;
    frame.height = segment.u16();
    frame.width = segment.u16();
    frame.shift = static_cast<float>(read_scaled16(segment));
    frame.scale = static_cast<float>(read_scaled16(segment));
    segment.skip(3);  // encoder number and software version
    if (frame.width < 1 || frame.height < 1) corrupt("the frame has no pixels");
    return frame;
}

// NIST's comment: lines of "KEY value", the first "NIST_COM count". -1 stands for an unknown resolution.
void read_comment(const Bytes& segment, Tables& tables) {
    const std::string text(reinterpret_cast<const char*>(segment.here()), segment.left());
    if (text.compare(0, std::strlen(kNistComment), kNistComment) != 0) return;
    const std::size_t at = text.find(kPpiKey);
    if (at == std::string::npos) return;
    const std::string value = text.substr(at + std::strlen(kPpiKey), kMaxPpi);
    const double ppi = std::strtod(value.c_str(), nullptr);
    if (std::isfinite(ppi) && ppi > 0.0) tables.ppi = ppi;
}

}  // namespace

void read_segment(std::uint16_t marker, Bytes& bytes, Tables& tables) {
    const std::size_t length = bytes.u16();  // counts itself
    if (length < 2) corrupt("a segment is shorter than its length field");
    Bytes segment = bytes.take(length - 2);
    try {
        switch (marker) {
            case kDtt:
                tables.filters = read_filters(segment);
                break;
            case kDqt:
                tables.quantiser = read_quantiser(segment);
                break;
            case kDht:
                read_huffman(segment, tables);
                break;
            case kSof:
                if (tables.frame) corrupt("there are two frame headers");
                tables.frame = read_frame(segment);
                break;
            case kCom:
                read_comment(segment, tables);
                break;
            case kDrt:
                // How many coefficients lie between restarts need not be known: the markers show where.
                segment.skip(2);
                break;
            default:
                corrupt("expected a marker of this format");
        }
    } catch (const WsqError& error) {
        // The segment lies inside the file, so its own end coming too early contradicts its length field.
        if (error.fault() == Fault::kTruncated) corrupt("a segment is shorter than its content");
        throw;
    }
}

}  // namespace matcher::wsq

// The spine of WSQ decoding: header and tables, blocks of coefficients, inverse transform, grey levels.
#include "matcher/wsq.h"

#include <cmath>
#include <new>

#include "wsq_bytes.h"
#include "wsq_coefficients.h"
#include "wsq_synthesis.h"
#include "wsq_tables.h"
#include "wsq_tree.h"

namespace matcher::wsq {
namespace {

// Most segments and blocks: files have about ten and three. More would only cost time.
constexpr int kMaxSegments = 1024;
constexpr int kMaxBlocks = 64;

// Symbols of the Huffman code (specification, part 1, table 1).
constexpr int kLastShortRun = 100;  // 1 to 100: so many zeros
constexpr int kPositive8 = 101;     // the value follows in so many bits
constexpr int kNegative8 = 102;
constexpr int kPositive16 = 103;
constexpr int kNegative16 = 104;
constexpr int kRun8 = 105;  // the number of zeros follows
constexpr int kRun16 = 106;
constexpr int kLastSymbol = 254;  // 107 to 254: the value plus 180
constexpr int kValueOffset = 180;

constexpr float kWhite = 255.0F;

std::uint16_t read_marker(Bytes& bytes) {
    std::uint16_t marker = bytes.u16();
    while (marker == 0xFFFF) marker = static_cast<std::uint16_t>(0xFF00 | bytes.u8());  // fill bytes
    return marker;
}

// Reads segments until a block starts (true) or the image ends (false).
bool read_segments(Bytes& bytes, Tables& tables) {
    for (int count = 0; count < kMaxSegments; ++count) {
        const std::uint16_t marker = read_marker(bytes);
        if (marker == kSob) return true;
        if (marker == kEoi) return false;
        read_segment(marker, bytes, tables);
    }
    throw WsqError(Fault::kCorrupt, "there are too many segments");
}

int read_value(BitReader& reader, int bits) {
    const int value = reader.take(bits);
    if (value == kEndOfData) throw WsqError(Fault::kCorrupt, "a block ends inside a coefficient");
    return value;
}

// Decodes one block; it ends at a marker, where the data end, or when every coefficient is there.
void read_coefficients(BitReader& reader, const HuffmanDecoder& decoder, CoefficientSink& sink) {
    while (!sink.full()) {
        const int symbol = decoder.next(reader);
        if (symbol == kEndOfData) return;
        if (symbol > kRun16 && symbol <= kLastSymbol) {
            sink.push(symbol - kValueOffset);
        } else if (symbol >= 1 && symbol <= kLastShortRun) {
            sink.skip_zeros(symbol);
        } else if (symbol == kPositive8) {
            sink.push(read_value(reader, 8));
        } else if (symbol == kNegative8) {
            sink.push(-read_value(reader, 8));
        } else if (symbol == kPositive16) {
            sink.push(read_value(reader, 16));
        } else if (symbol == kNegative16) {
            sink.push(-read_value(reader, 16));
        } else if (symbol == kRun8) {
            sink.skip_zeros(read_value(reader, 8));
        } else if (symbol == kRun16) {
            sink.skip_zeros(read_value(reader, 16));
        } else {
            throw WsqError(Fault::kCorrupt, "a Huffman code stands for no symbol");
        }
    }
}

void read_block(Bytes& bytes, const Tables& tables, CoefficientSink& sink) {
    const std::size_t length = bytes.u16();
    if (length != 3) throw WsqError(Fault::kCorrupt, "a block header is not of 3 bytes");
    const std::size_t id = bytes.u8();
    if (id >= kHuffmanTables || !tables.huffman[id]) {
        throw WsqError(Fault::kCorrupt, "a block names a Huffman table that is not there");
    }
    BitReader reader(bytes.here(), bytes.left());
    read_coefficients(reader, *tables.huffman[id], sink);
    bytes.skip(reader.end_position());
}

void start(Bytes& bytes) {
    if (bytes.u16() != kSoi) throw WsqError(Fault::kCorrupt, "the file does not start with its marker");
}

void check_complete(const Tables& tables) {
    if (!tables.frame) throw WsqError(Fault::kCorrupt, "there is no frame header before the first block");
    if (!tables.quantiser)
        throw WsqError(Fault::kCorrupt, "there is no quantisation table before the first block");
    if (!tables.filters)
        throw WsqError(Fault::kCorrupt, "there is no transform table before the first block");
    const auto pixels =
        static_cast<std::size_t>(tables.frame->width) * static_cast<std::size_t>(tables.frame->height);
    if (pixels > kMaxPixels) throw WsqError(Fault::kTooLarge, "the frame has too many pixels");
}

std::vector<std::uint8_t> to_grey(const std::vector<float>& values, const Frame& frame) {
    std::vector<std::uint8_t> pixels(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float grey = values[i] * frame.scale + frame.shift + 0.5F;
        if (!std::isfinite(grey)) throw WsqError(Fault::kCorrupt, "the coefficients overflow");
        pixels[i] = grey <= 0.0F ? 0 : static_cast<std::uint8_t>(grey < kWhite ? grey : kWhite);
    }
    return pixels;
}

std::vector<std::uint8_t> decode_checked(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    Tables tables;
    start(bytes);
    bool block = read_segments(bytes, tables);
    check_complete(tables);
    const Frame frame = *tables.frame;
    const Quantiser quantiser = *tables.quantiser;
    const Tree tree = build_tree(frame.width, frame.height);
    std::vector<float> values(static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height));
    CoefficientSink sink(tree, quantiser, frame.width, values);
    for (int count = 0; block; ++count) {
        if (count == kMaxBlocks) throw WsqError(Fault::kCorrupt, "there are too many blocks");
        read_block(bytes, tables, sink);
        block = read_segments(bytes, tables);
    }
    if (!sink.full()) throw WsqError(Fault::kCorrupt, "the image ends before its last coefficient");
    synthesise(tree, *tables.filters, frame.width, values);
    return to_grey(values, frame);
}

}  // namespace

Header read_header(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    Tables tables;
    start(bytes);
    read_segments(bytes, tables);
    check_complete(tables);
    return {tables.frame->width, tables.frame->height, tables.ppi};
}

std::vector<std::uint8_t> decode(const std::uint8_t* data, std::size_t size) {
    try {
        return decode_checked(data, size);
    } catch (const std::bad_alloc&) {
        throw WsqError(Fault::kTooLarge, "there is not enough memory for the image");
    }
}

}  // namespace matcher::wsq

// The marker segments of a WSQ file (specification, part 1, annex B): markers, tables, frame header.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "wsq_bytes.h"
#include "wsq_filters.h"
#include "wsq_huffman.h"

namespace matcher::wsq {

enum Marker : std::uint16_t {
    kSoi = 0xFFA0,  // start of image
    kEoi = 0xFFA1,  // end of image
    kSof = 0xFFA2,  // start of frame
    kSob = 0xFFA3,  // start of block
    kDtt = 0xFFA4,  // transform table
    kDqt = 0xFFA5,  // quantisation table
    kDht = 0xFFA6,  // Huffman table
    kDrt = 0xFFA7,  // restart interval
    kCom = 0xFFA8,  // comment
    kRst0 = 0xFFB0,
    kRst7 = 0xFFB7,
};

constexpr int kSubbandCount = 64;   // entries of the quantisation table
constexpr int kCodedSubbands = 60;  // the last four, the highest diagonal frequencies, are never coded
constexpr int kHuffmanTables = 8;

struct Quantiser {
    float centre = 0.0F;                          // C: where in its bin a value is rebuilt
    std::array<float, kSubbandCount> bin{};       // Q: width of a bin; 0 where the subband is not coded
    std::array<float, kSubbandCount> zero_bin{};  // Z: width of the bin around zero
};

struct Frame {
    int width = 0;
    int height = 0;
    float shift = 0.0F;  // M
    float scale = 0.0F;  // R
};

// All that has been said so far; segments may come in any order, and again.
struct Tables {
    std::optional<Filters> filters;
    std::optional<Quantiser> quantiser;
    std::optional<Frame> frame;
    std::array<std::optional<HuffmanDecoder>, kHuffmanTables> huffman;
    double ppi = 0.0;
};

// Reads the segment that `marker` starts into `tables`; `bytes` stands behind the marker.
void read_segment(std::uint16_t marker, Bytes& bytes, Tables& tables);

}  // namespace matcher::wsq

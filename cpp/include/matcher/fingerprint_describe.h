// Search descriptors of minutiae: each one's neighbourhood as a list number and a code of 16 x 4 bits
// (fingerprint_votes.h says what is done with them).
//
// A neighbourhood is the square roots of a cylinder's weights, brought to length 1, less a mean, projected on
// D directions, and brought to length 1 again. Matrix products are of 16-bit integers, exact in 32 bits, so
// every instruction set gives the same descriptors. matcher/fingerprint/descriptor.py has the reasons.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "matcher/fingerprint_layout.h"
#include "matcher/fingerprint_votes.h"

namespace matcher::fingerprint {

constexpr int kFeatures = kPlanes * kCells;  // feature k * kCells + c: cell c of section k
constexpr int kMaxDimensions = 64;
constexpr int kMaxLists = 65536;

// The fitted numbers; D is a multiple of 16, lists too.
struct BookNumbers {
    const float* mean;        // kFeatures
    const float* projection;  // kFeatures x D
    const float* centres;     // 16 x 16 x D / 16
    const float* coarse;      // lists x D, every number between -2 and 2
    int dimensions;
    int lists;
    float scale;  // quantised distance at a squared distance of 1
};

// Neighbourhoods of a print's minutiae, in their order; of those that have none there is nothing.
struct Neighbourhoods {
    int count = 0;
    std::vector<float> vectors;        // count x D, each of length 1
    std::vector<std::uint8_t> index;   // count: number among the minutiae that are compared
    std::vector<std::uint8_t> places;  // count x kPlaceBytes: where they lie
};

struct Descriptor {
    std::vector<std::uint16_t> lists;  // count
    std::vector<std::uint8_t> codes;   // count x kCodeBytes
};

struct DescriptorTables {
    std::vector<std::uint8_t> tables;  // count x kTableBytes
    std::vector<std::uint8_t> bases;   // count
    std::vector<std::int32_t> lists;   // count x probed, nearest first
};

// Writes the features of all compared minutiae of a packed print, count x kFeatures: zeros where a minutia
// has no neighbour. Throws CorruptResident.
std::vector<float> features(const std::uint64_t* packed, std::size_t size);

class Describer {
  public:
    // Throws std::invalid_argument where numbers are out of range.
    explicit Describer(const BookNumbers& book);

    // With `resident`, the resident form too, at most kMaxResidentWords: it costs hardly more. Throws
    // CorruptResident.
    Neighbourhoods neighbourhoods(const std::uint64_t* packed, std::size_t size,
                                  std::vector<std::uint64_t>* resident = nullptr) const;
    Descriptor describe(const Neighbourhoods& of) const;
    DescriptorTables prepare(const Neighbourhoods& of, int probed) const;  // probed: 1 to lists

    int dimensions() const { return dimensions_; }
    int lists() const { return lists_; }

  private:
    // Memory of whole vectors of the widest level.
    struct alignas(64) Pairs {
        std::int16_t number[32];
    };
    struct alignas(64) Lanes {
        std::int32_t number[16];
    };
    // Distances of a unit vector's parts to their centres, squared.
    void part_distances(const float* vector, float out[kCodeParts][kPartCentres]) const;
    // Calls take(i, closeness) with what each coarse centre's nearness to vector i is: greater is nearer.
    template <class Take>
    void each_closeness(const Neighbourhoods& of, const Take& take) const;

    int dimensions_, lists_, part_;
    float scale_;
    std::vector<Pairs> projection_, coarse_;  // as kernels/products.h wants them
    std::vector<Lanes> nothing_;              // D zeros
    std::vector<Lanes> start_;                // lists: half the squared length of each centre, negative
    std::vector<float> unit_, bias_;          // D: what a product's 1 is, and what is taken off
    std::vector<float> centres_;              // 16 x D / 16 x 16: centres of a part side by side
};

}  // namespace matcher::fingerprint

#include "matcher/fingerprint_describe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "fingerprint_minutiae.h"
#include "kernels/products.h"
#include "matcher/fingerprint_support.h"

namespace matcher::fingerprint {
namespace {

using kernels::kProductColumns;
using kernels::kProductRows;

constexpr float kUnit = 1 << 14;          // of a number between -2 and 2 in 16 bits
constexpr float kColumn = (1 << 15) - 1;  // length of a column of the projection in 16 bits
constexpr float kNoLength = 1e-6F;        // a shorter neighbourhood is none
constexpr int kFeaturePairs = kFeatures / 2;
constexpr unsigned kFarthest = 255;
static_assert(kFeatures % 2 == 0, "features are taken by pairs");

std::int16_t rounded(float value) { return static_cast<std::int16_t>(std::lrint(value)); }

// Where number (i, column) of a matrix with so many pairs of rows stands, see kernels/products.h.
std::size_t place_of(int i, int column, int pairs) {
    const int block = column / kProductColumns, lane = column % kProductColumns;
    return 2 * (static_cast<std::size_t>(block * pairs + i / 2) * kProductColumns + lane) + i % 2;
}

// Square roots of weights by cell, then section; their sum of squares.
float roots_of(const Cylinder& cylinder, float out[kFeatures]) {
    const float* weight = &cylinder.weight[0][0];
    double sums[kPlanes] = {};
    for (int c = 0; c < kCells; ++c) {
        for (int k = 0; k < kPlanes; ++k) sums[k] += cylinder.weight[c][k];
    }
    for (int f = 0; f < kFeatures; ++f) out[f] = std::sqrt(weight[f]);
    return static_cast<float>(sums[0] + sums[1] + sums[2] + sums[3] + sums[4]);
}

// Place of the least of 16 distances; distances as near as 2^-19 of themselves are equal, and the first wins.
int least_place(const float distance[kPartCentres]) {
    std::int32_t bits[kPartCentres];  // of numbers from 0 they are in their order
    std::memcpy(bits, distance, sizeof bits);
    for (int c = 0; c < kPartCentres; ++c) bits[c] = (bits[c] & ~(kPartCentres - 1)) | c;
    std::int32_t least = bits[0];
    for (int c = 1; c < kPartCentres; ++c) least = std::min(least, bits[c]);
    return least & (kPartCentres - 1);
}

// The places of the greatest numbers, greatest first, equal ones by place.
class Nearest {
  public:
    Nearest(int count, int wanted)
        : count_(count), wanted_(wanted), greatest_((count + kGroup - 1) / kGroup) {}

    void write(const std::int32_t* numbers, std::int32_t* out) {
        // No number among the wanted is below the wanted-th of the groups' greatest.
        for (std::size_t g = 0; g < greatest_.size(); ++g) greatest_[g] = greatest_in(numbers, g);
        std::int32_t least = INT32_MIN;
        if (wanted_ < static_cast<int>(greatest_.size())) {
            sorted_ = greatest_;
            std::nth_element(sorted_.begin(), sorted_.begin() + wanted_ - 1, sorted_.end(), std::greater<>());
            least = sorted_[static_cast<std::size_t>(wanted_ - 1)];
        }
        keys_.clear();
        for (std::size_t g = 0; g < greatest_.size(); ++g) {
            if (greatest_[g] < least) continue;
            const int first = static_cast<int>(g) * kGroup, last = std::min(first + kGroup, count_);
            for (int place = first; place < last; ++place) {
                // Falling by number, then rising by place.
                if (numbers[place] >= least) keys_.push_back(std::int64_t{numbers[place]} * kPlaces - place);
            }
        }
        std::partial_sort(keys_.begin(), keys_.begin() + wanted_, keys_.end(), std::greater<>());
        for (int n = 0; n < wanted_; ++n) {
            const auto place = -keys_[static_cast<std::size_t>(n)] & (kPlaces - 1);
            out[n] = static_cast<std::int32_t>(place);
        }
    }

  private:
    static constexpr int kGroup = 32;
    static constexpr std::int64_t kPlaces = kMaxLists;

    std::int32_t greatest_in(const std::int32_t* numbers, std::size_t group) const {
        const int first = static_cast<int>(group) * kGroup, last = std::min(first + kGroup, count_);
        std::int32_t most = numbers[first];
        for (int place = first; place < last; ++place) most = std::max(most, numbers[place]);
        return most;
    }

    int count_, wanted_;
    std::vector<std::int32_t> greatest_, sorted_;
    std::vector<std::int64_t> keys_;
};

}  // namespace

std::vector<float> features(const std::uint64_t* packed, std::size_t size) {
    PackedMinutiae minutiae;
    read_packed(packed, size, minutiae);
    std::vector<float> out(static_cast<std::size_t>(minutiae.kept_count) * kFeatures);
    for (int n = 0; n < minutiae.kept_count; ++n) {
        Cylinder cylinder;
        float roots[kFeatures];
        cylinder_weights(minutiae.points(), minutiae.kept[n], cylinder);
        const float length = std::sqrt(roots_of(cylinder, roots));
        if (!(length > kNoLength)) continue;
        float* own = out.data() + static_cast<std::size_t>(n) * kFeatures;
        for (int c = 0; c < kCells; ++c) {
            for (int k = 0; k < kPlanes; ++k) own[k * kCells + c] = roots[c * kPlanes + k] / length;
        }
    }
    return out;
}

Describer::Describer(const BookNumbers& book)
    : dimensions_(book.dimensions),
      lists_(book.lists),
      part_(book.dimensions / kCodeParts),
      scale_(book.scale) {
    const int d = dimensions_, pairs = d / 2;
    if (d < kCodeParts || d > kMaxDimensions || d % kProductColumns != 0) {
        throw std::invalid_argument("projection: expected 16, 32, 48 or 64 columns");
    }
    if (lists_ < kProductColumns || lists_ > kMaxLists || lists_ % kProductColumns != 0) {
        throw std::invalid_argument("coarse: expected a multiple of 16 centres, at most 65,536");
    }
    projection_.resize(static_cast<std::size_t>(kFeaturePairs) *
                       static_cast<std::size_t>(d / kProductColumns));
    std::int16_t* projection = projection_[0].number;
    for (int column = 0; column < d; ++column) {
        double squares = 0, offset = 0;
        for (int f = 0; f < kFeatures; ++f) {
            const double number = book.projection[f * d + column];
            squares += number * number;
            offset += book.mean[f] * number;
        }
        // A column's length fills 16 bits, and roots have length 1: products stay within 30.
        const float length = std::max(static_cast<float>(std::sqrt(squares)), kNoLength);
        for (int c = 0; c < kCells; ++c) {
            for (int k = 0; k < kPlanes; ++k) {
                const float number = book.projection[(k * kCells + c) * d + column];
                projection[place_of(c * kPlanes + k, column, kFeaturePairs)] =
                    rounded(number / length * kColumn);
            }
        }
        unit_.push_back(length / kColumn / kUnit);
        bias_.push_back(static_cast<float>(offset));
    }
    nothing_.resize(static_cast<std::size_t>(d / kProductColumns));
    coarse_.resize(static_cast<std::size_t>(pairs) * static_cast<std::size_t>(lists_ / kProductColumns));
    start_.resize(static_cast<std::size_t>(lists_ / kProductColumns));
    for (int l = 0; l < lists_; ++l) {
        double squares = 0;
        for (int i = 0; i < d; ++i) {
            const float number = book.coarse[static_cast<std::size_t>(l) * static_cast<std::size_t>(d) + i];
            if (!(std::fabs(number) < 2.0F)) throw std::invalid_argument("coarse: expected numbers within 2");
            coarse_[0].number[place_of(i, l, pairs)] = rounded(number * kUnit);
            squares += static_cast<double>(number) * number;
        }
        if (squares > 4.0) throw std::invalid_argument("coarse: expected centres of a length within 2");
        start_[0].number[l] = -static_cast<std::int32_t>(std::lrint(squares / 2 * kUnit * kUnit));
    }
    centres_.resize(static_cast<std::size_t>(kPartCentres * d));
    for (int p = 0; p < kCodeParts; ++p) {
        for (int c = 0; c < kPartCentres; ++c) {
            for (int i = 0; i < part_; ++i) {
                centres_[static_cast<std::size_t>((p * part_ + i) * kPartCentres + c)] =
                    book.centres[(p * kPartCentres + c) * part_ + i];
            }
        }
    }
}

Neighbourhoods Describer::neighbourhoods(const std::uint64_t* packed, std::size_t size,
                                         std::vector<std::uint64_t>* resident) const {
    PackedMinutiae minutiae;
    read_packed(packed, size, minutiae);
    if (resident != nullptr) {
        resident->resize(kMaxResidentWords);
        resident->resize(write_header(minutiae, resident->data()));
    }
    const kernels::Products products = kernels::product_kernels_for(simd_level()).products;
    Neighbourhoods out;
    out.vectors.reserve(static_cast<std::size_t>(minutiae.kept_count * dimensions_));
    std::int16_t rows[kProductRows][kFeatures];
    alignas(64) std::int32_t found[kProductRows * kMaxDimensions];
    int waiting = 0;
    const auto project = [&] {
        products(rows[0], projection_[0].number, kFeaturePairs, dimensions_ / kProductColumns,
                 nothing_[0].number, found);
        for (int r = 0; r < waiting; ++r) {
            float vector[kMaxDimensions];
            double squares = 0;
            for (int i = 0; i < dimensions_; ++i) {
                const auto place = static_cast<std::size_t>(i);
                vector[i] = static_cast<float>(found[r * dimensions_ + i]) * unit_[place] - bias_[place];
                squares += static_cast<double>(vector[i]) * vector[i];
            }
            const float length = std::max(static_cast<float>(std::sqrt(squares)), kNoLength);
            for (int i = 0; i < dimensions_; ++i) out.vectors.push_back(vector[i] / length);
        }
        waiting = 0;
    };
    for (int n = 0; n < minutiae.kept_count; ++n) {
        Cylinder cylinder;
        float roots[kFeatures];
        const int i = minutiae.kept[n];
        if (resident == nullptr) {
            cylinder_weights(minutiae.points(), i, cylinder);
        } else {
            std::uint64_t bits[kPlanes];
            cylinder_both(minutiae.points(), i, cylinder, bits);
            write_minutia(minutiae, n, bits, resident->data());
        }
        const float length = std::sqrt(roots_of(cylinder, roots));
        if (!(length > kNoLength)) continue;
        const float unit = kUnit / length;
        for (int f = 0; f < kFeatures; ++f) {
            rows[waiting][f] = static_cast<std::int16_t>(static_cast<int>(roots[f] * unit + 0.5F));
        }
        out.index.push_back(static_cast<std::uint8_t>(n));
        out.places.push_back(static_cast<std::uint8_t>(static_cast<int>(minutiae.x[i]) / kPlaceUnit));
        out.places.push_back(static_cast<std::uint8_t>(static_cast<int>(minutiae.y[i]) / kPlaceUnit));
        out.places.push_back(minutiae.direction[i]);
        ++out.count;
        if (++waiting == kProductRows) project();
    }
    if (waiting > 0) {
        for (int r = waiting; r < kProductRows; ++r) std::fill(rows[r], rows[r] + kFeatures, 0);
        project();
    }
    return out;
}

void Describer::part_distances(const float* vector, float out[kCodeParts][kPartCentres]) const {
    const float* centre = centres_.data();
    for (int p = 0; p < kCodeParts; ++p) {
        for (int c = 0; c < kPartCentres; ++c) out[p][c] = 0;
        for (int i = 0; i < part_; ++i, centre += kPartCentres, ++vector) {
            for (int c = 0; c < kPartCentres; ++c) {
                const float off = *vector - centre[c];
                out[p][c] += off * off;
            }
        }
    }
}

template <class Take>
void Describer::each_closeness(const Neighbourhoods& of, const Take& take) const {
    const kernels::Products products = kernels::product_kernels_for(simd_level()).products;
    std::vector<Lanes> room(kProductRows * start_.size());
    std::int16_t rows[kProductRows * kMaxDimensions];
    for (int first = 0; first < of.count; first += kProductRows) {
        const int here = std::min(kProductRows, of.count - first);
        const float* vectors = of.vectors.data() + first * dimensions_;
        std::fill(rows, rows + kProductRows * dimensions_, 0);
        for (int i = 0; i < here * dimensions_; ++i) rows[i] = rounded(vectors[i] * kUnit);
        products(rows, coarse_[0].number, dimensions_ / 2, lists_ / kProductColumns, start_[0].number,
                 room[0].number);
        for (int r = 0; r < here; ++r) take(first + r, room[0].number + static_cast<std::size_t>(r * lists_));
    }
}

Descriptor Describer::describe(const Neighbourhoods& of) const {
    const kernels::Greatest greatest = kernels::product_kernels_for(simd_level()).greatest;
    Descriptor out;
    const auto count = static_cast<std::size_t>(of.count);
    out.lists.resize(count);
    out.codes.resize(count * kCodeBytes);
    each_closeness(of, [&](int i, const std::int32_t* closeness) {
        out.lists[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(greatest(closeness, lists_));
    });
    for (int i = 0; i < of.count; ++i) {
        float distance[kCodeParts][kPartCentres];
        part_distances(of.vectors.data() + i * dimensions_, distance);
        for (int p = 0; p < kCodeParts; ++p) {
            const int nearest = least_place(distance[p]);
            out.codes[static_cast<std::size_t>(i * kCodeBytes + p / 2)] |=
                static_cast<std::uint8_t>(nearest << (4 * (p % 2)));
        }
    }
    return out;
}

DescriptorTables Describer::prepare(const Neighbourhoods& of, int probed) const {
    DescriptorTables out;
    const auto count = static_cast<std::size_t>(of.count);
    out.tables.resize(count * kTableBytes);
    out.bases.resize(count);
    out.lists.resize(count * static_cast<std::size_t>(probed));
    Nearest nearest(lists_, probed);
    each_closeness(of, [&](int i, const std::int32_t* closeness) {
        nearest.write(closeness, out.lists.data() + static_cast<std::ptrdiff_t>(i) * probed);
    });
    for (int i = 0; i < of.count; ++i) {
        float distance[kCodeParts][kPartCentres];
        part_distances(of.vectors.data() + i * dimensions_, distance);
        std::uint8_t* table = out.tables.data() + i * kTableBytes;
        float base = 0;
        for (int p = 0; p < kCodeParts; ++p) {
            const float least = *std::min_element(distance[p], distance[p] + kPartCentres);
            base += least;
            for (int c = 0; c < kPartCentres; ++c) {
                const float units = std::min((distance[p][c] - least) * scale_, float{kFarthest});
                *table++ = static_cast<std::uint8_t>(std::lrint(units));
            }
        }
        const float units = std::min(base * scale_, float{kFarthest});
        out.bases[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::lrint(units));
    }
    return out;
}

}  // namespace matcher::fingerprint

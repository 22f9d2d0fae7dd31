// Sums of a cylinder: what the neighbours of a minutia weigh in each cell of the square around it.
#pragma once
#include <cmath>
#include <cstdint>

#include "fingerprint_cylinders.h"
#include "matcher/fingerprint_packed.h"
#include "matcher/simd.h"

namespace matcher::fingerprint::kernels {

constexpr int kGrid = 8;               // cells along the diameter
constexpr double kRadius = 70;         // px at 500 ppi
constexpr double kSigma = 28.0 / 3.0;  // spread over cells, px
constexpr double kPi = 3.14159265358979323846;
constexpr double kSigmaAngle = 2.0 * kPi / 9.0;  // spread over sections, rad
constexpr double kThreshold = 0.3;               // of a cell's bit
constexpr double kNear = 3.0 * kSigma;           // farthest cell that a neighbour weighs in
constexpr double kReach = kRadius + kNear;       // farthest neighbour
constexpr double kSide = 2.0 * kRadius / kGrid;
constexpr double kTwice = 2.0 * kSigma * kSigma;
constexpr int kDirections = 256;

// Cells of one axis that a neighbour weighs in, at most: a vector of doubles.
constexpr int kPatch = 4;
static_assert(2.0 * kNear < kPatch * kSide, "a neighbour reaches no further cell");

// A row has room for a patch that begins in its last cell.
constexpr int kRow = kGrid + kPatch;

struct CylinderSums {
    alignas(64) double cell[kPlanes][kGrid][kRow];
};

// Cells of a row that lie inside the circle, and the number of the first one's bit.
struct CylinderRow {
    int first, count, bit;
};

struct CylinderTables {
    double cosine[kDirections], sine[kDirections];
    double weight[kDirections][kPlanes];  // by the difference of directions
    CylinderRow row[kGrid];
    double step;  // exp(-2 side^2 / 2 sigma^2)
};

const CylinderTables& cylinder_tables();

constexpr double centre(int cell) { return (cell + 0.5) * kSide - kRadius; }

// Writes the sums of minutia i.
using AddNeighbours = void (*)(const Points& points, int i, const CylinderTables& tables, CylinderSums& out);

// Writes which sums are above the threshold, a word a section.
using CylinderBits = void (*)(const CylinderSums& sums, const CylinderTables& tables,
                              std::uint64_t out[kPlanes]);

struct Cylinders {
    AddNeighbours add_neighbours;
    CylinderBits bits;
};

Cylinders cylinders_for(SimdLevel level);

}  // namespace matcher::fingerprint::kernels

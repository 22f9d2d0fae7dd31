#include "fingerprint_cylinders.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace matcher::fingerprint {
namespace {

constexpr int kGrid = 8;               // cells along the diameter
constexpr double kRadius = 70;         // px at 500 ppi
constexpr double kSigma = 28.0 / 3.0;  // spread over cells, px
constexpr double kPi = 3.14159265358979323846;
constexpr double kSigmaAngle = 2.0 * kPi / 9.0;  // spread over sections, rad
constexpr double kThreshold = 0.3;
constexpr double kNear = 3.0 * kSigma;      // farthest cell that a neighbour weighs in
constexpr double kReach = kRadius + kNear;  // farthest neighbour
constexpr double kSide = 2.0 * kRadius / kGrid;
constexpr int kDirections = 256;

// What the neighbours weigh in every cell of the square, by section.
using Sums = double[kGrid][kGrid][kPlanes];

double centre(int cell) { return (cell + 0.5) * kSide - kRadius; }

struct Tables {
    double cosine[kDirections], sine[kDirections];
    double weight[kDirections][kPlanes];  // by the difference of directions
    int bit[kGrid][kGrid];                // -1 outside the circle

    Tables() {
        const double unit = 2.0 * kPi / kDirections, step = 2.0 * kPi / kPlanes;
        for (int d = 0; d < kDirections; ++d) {
            cosine[d] = std::cos(d * unit);
            sine[d] = std::sin(d * unit);
            for (int k = 0; k < kPlanes; ++k) {
                double off = d * unit + kPi - (k + 0.5) * step;
                off -= 2.0 * kPi * std::floor(off / (2.0 * kPi) + 0.5);
                weight[d][k] = std::exp(-off * off / (2.0 * kSigmaAngle * kSigmaAngle));
            }
        }
        int next = 0;
        for (int a = 0; a < kGrid; ++a) {
            for (int b = 0; b < kGrid; ++b) {
                const bool inside = centre(a) * centre(a) + centre(b) * centre(b) <= kRadius * kRadius;
                bit[a][b] = inside ? next++ : -1;
            }
        }
    }
};

const Tables& tables() {
    static const Tables made;
    return made;
}

// One axis of a neighbour's weight: distances of the cells' centres, squared, and exp(-distance2 / 2
// sigma^2).
struct Axis {
    int first, last;  // cells within kNear
    double distance2[kGrid], weight[kGrid];

    explicit Axis(double at) {
        first = std::max(0, static_cast<int>(std::ceil((at - kNear + kRadius) / kSide - 0.5)));
        last = std::min(kGrid - 1, static_cast<int>(std::floor((at + kNear + kRadius) / kSide - 0.5)));
        if (first > last) return;
        // Gaussians at equal steps are products: g(k + 1) = g(k) r(k), r(k + 1) = r(k) q. Two exponentials.
        constexpr double kTwice = 2.0 * kSigma * kSigma;
        static const double q = std::exp(-2.0 * kSide * kSide / kTwice);
        const double off = centre(first) - at;
        double g = std::exp(-off * off / kTwice);
        double r = std::exp(-(2.0 * off * kSide + kSide * kSide) / kTwice);
        for (int cell = first; cell <= last; ++cell) {
            const double d = centre(cell) - at;
            distance2[cell] = d * d;
            weight[cell] = g;
            g *= r;
            r *= q;
        }
    }
};

// Adds up what the neighbours of minutia i weigh in the cells of the whole square.
void add_neighbours(const Points& points, int i, Sums& sums) {
    const Tables& t = tables();
    const std::uint8_t own = points.direction[i];
    for (int j = 0; j < points.count; ++j) {
        const double dx = points.x[j] - points.x[i], dy = points.y[i] - points.y[j];
        if (j == i || dx * dx + dy * dy > kReach * kReach) continue;
        const Axis along(dx * t.cosine[own] + dy * t.sine[own]);
        const Axis across(dy * t.cosine[own] - dx * t.sine[own]);
        const double* of_angle = t.weight[static_cast<std::uint8_t>(own - points.direction[j])];
        for (int a = along.first; a <= along.last; ++a) {
            for (int b = across.first; b <= across.last; ++b) {
                if (along.distance2[a] + across.distance2[b] > kNear * kNear) continue;
                const double of_space = along.weight[a] * across.weight[b];
                for (int k = 0; k < kPlanes; ++k) sums[a][b][k] += of_space * of_angle[k];
            }
        }
    }
}

void write_weights(const Sums& sums, Cylinder& out) {
    const Tables& t = tables();
    for (int a = 0; a < kGrid; ++a) {
        for (int b = 0; b < kGrid; ++b) {
            const int cell = t.bit[a][b];
            if (cell < 0) continue;
            for (int k = 0; k < kPlanes; ++k) out.weight[cell][k] = static_cast<float>(sums[a][b][k]);
        }
    }
}

void write_bits(const Sums& sums, std::uint64_t out[kPlanes]) {
    const Tables& t = tables();
    std::fill(out, out + kPlanes, 0);
    for (int a = 0; a < kGrid; ++a) {
        for (int b = 0; b < kGrid; ++b) {
            if (t.bit[a][b] < 0) continue;
            for (int k = 0; k < kPlanes; ++k) {
                out[k] |= static_cast<std::uint64_t>(sums[a][b][k] > kThreshold) << t.bit[a][b];
            }
        }
    }
}

}  // namespace

void cylinder_weights(const Points& points, int i, Cylinder& out) {
    Sums sums = {};
    add_neighbours(points, i, sums);
    write_weights(sums, out);
}

void cylinder_bits(const Points& points, int i, std::uint64_t out[kPlanes]) {
    Sums sums = {};
    add_neighbours(points, i, sums);
    write_bits(sums, out);
}

void cylinder_both(const Points& points, int i, Cylinder& weights, std::uint64_t bits[kPlanes]) {
    Sums sums = {};
    add_neighbours(points, i, sums);
    write_weights(sums, weights);
    write_bits(sums, bits);
}

}  // namespace matcher::fingerprint

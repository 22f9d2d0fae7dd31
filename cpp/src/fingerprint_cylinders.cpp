#include "fingerprint_cylinders.h"

#include "kernels/cylinders.h"

namespace matcher::fingerprint {
namespace {

using kernels::CylinderRow;
using kernels::CylinderSums;

const kernels::Cylinders& kernel() {
    static const kernels::Cylinders chosen = kernels::cylinders_for(simd_level());
    return chosen;
}

void write_weights(const CylinderSums& sums, Cylinder& out) {
    for (int a = 0; a < kernels::kGrid; ++a) {
        const CylinderRow& row = kernels::cylinder_tables().row[a];
        for (int n = 0; n < row.count; ++n) {
            for (int k = 0; k < kPlanes; ++k) {
                out.weight[row.bit + n][k] = static_cast<float>(sums.cell[k][a][row.first + n]);
            }
        }
    }
}

}  // namespace

void cylinder_weights(const Points& points, int i, Cylinder& out) {
    CylinderSums sums;
    kernel().add_neighbours(points, i, kernels::cylinder_tables(), sums);
    write_weights(sums, out);
}

void cylinder_bits(const Points& points, int i, std::uint64_t out[kPlanes]) {
    CylinderSums sums;
    kernel().add_neighbours(points, i, kernels::cylinder_tables(), sums);
    kernel().bits(sums, kernels::cylinder_tables(), out);
}

void cylinder_both(const Points& points, int i, Cylinder& weights, std::uint64_t bits[kPlanes]) {
    CylinderSums sums;
    kernel().add_neighbours(points, i, kernels::cylinder_tables(), sums);
    write_weights(sums, weights);
    kernel().bits(sums, kernels::cylinder_tables(), bits);
}

}  // namespace matcher::fingerprint

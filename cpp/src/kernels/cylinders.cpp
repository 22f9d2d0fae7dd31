#include "kernels/cylinders.h"

#define MATCHER_BODY "kernels/cylinders_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {
namespace {

CylinderTables make_tables() {
    CylinderTables t;
    const double unit = 2.0 * kPi / kDirections, step = 2.0 * kPi / kPlanes;
    for (int d = 0; d < kDirections; ++d) {
        t.cosine[d] = std::cos(d * unit);
        t.sine[d] = std::sin(d * unit);
        for (int k = 0; k < kPlanes; ++k) {
            double off = d * unit + kPi - (k + 0.5) * step;
            off -= 2.0 * kPi * std::floor(off / (2.0 * kPi) + 0.5);
            t.weight[d][k] = std::exp(-off * off / (2.0 * kSigmaAngle * kSigmaAngle));
        }
    }
    int bit = 0;
    for (int a = 0; a < kGrid; ++a) {
        t.row[a] = {0, 0, bit};
        for (int b = 0; b < kGrid; ++b) {
            if (centre(a) * centre(a) + centre(b) * centre(b) > kRadius * kRadius) continue;
            if (t.row[a].count == 0) t.row[a].first = b;
            ++t.row[a].count;
        }
        bit += t.row[a].count;
    }
    t.step = std::exp(-2.0 * kSide * kSide / kTwice);
    return t;
}

}  // namespace

const CylinderTables& cylinder_tables() {
    static const CylinderTables made = make_tables();
    return made;
}

Cylinders cylinders_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::add_neighbours, avx512::cylinder_bits};
    if (level == SimdLevel::avx2) return {avx2::add_neighbours, avx2::cylinder_bits};
#endif
    (void)level;
    return {scalar::add_neighbours, scalar::cylinder_bits};
}

}  // namespace matcher::fingerprint::kernels

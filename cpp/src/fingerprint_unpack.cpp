#include "fingerprint_unpack.h"

#include <cmath>

namespace matcher::fingerprint {

void unpack(const Resident& resident, Unpacked& out) {
    const int n = resident.count;
    const std::uint64_t* planes = resident.planes;
    out.count = n;
    for (int i = 0; i < n; ++i) {
        const std::uint64_t high = planes[2 * n + i] >> kCells;
        out.x[i] = static_cast<float>((planes[i] >> kCells) | ((high >> 8) & 3) << 12);
        out.y[i] = static_cast<float>((planes[n + i] >> kCells) | ((high >> 10) & 3) << 12);
        out.direction[i] = static_cast<std::uint8_t>(high & 0xff);
        out.index[i] = static_cast<std::uint8_t>((planes[3 * n + i] >> kCells) & 0xff);
        int cells = 0;
        for (int k = 0; k < kPlanes; ++k) cells += __builtin_popcountll(planes[k * n + i] & kCellMask);
        out.inverse_norm[i] = cells == 0 ? 0.0F : 1.0F / std::sqrt(static_cast<float>(cells));
    }
}

}  // namespace matcher::fingerprint

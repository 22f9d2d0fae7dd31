#include "fingerprint_unpack.h"

#include "kernels/blocks.h"

namespace matcher::fingerprint {
void unpack(const Resident& resident, Unpacked& out) {
    const int n = resident.count;
    const std::uint64_t* planes = resident.planes;
    out.count = n;
    for (int i = 0; i < n; ++i) {
        const auto high = static_cast<std::uint32_t>(planes[2 * n + i] >> kCells);
        const auto x = static_cast<std::uint32_t>(planes[i] >> kCells) | (high >> 8 & 3) << 12;
        const auto y = static_cast<std::uint32_t>(planes[n + i] >> kCells) | (high >> 10 & 3) << 12;
        out.x[i] = static_cast<float>(static_cast<int>(x));
        out.y[i] = static_cast<float>(static_cast<int>(y));
        out.facing[i] = static_cast<int>(high & 0xff);
        out.direction[i] = static_cast<std::uint8_t>(high);
        out.index[i] = static_cast<std::uint8_t>(planes[3 * n + i] >> kCells);
    }
    const int slots = matcher::kernels::blocks_for(n) * matcher::kernels::kLanes;
    for (int i = n; i < slots; ++i) {
        out.x[i] = out.y[i] = 0;
        out.facing[i] = out.direction[i] = out.index[i] = 0;
    }
}

}  // namespace matcher::fingerprint

// The agreement of votes with a motion, 16 at a time, once for each level: see each_level.h. Integers alone.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;
using matcher::kernels::kLanes;

// Differences of places and of directions lie modulo 256: -128 to 127.
MATCHER_INLINE Ints wrapped_back(const Ints& difference) {
    Ints out;
    for (int k = 0; k < kParts; ++k) out.part[k] = difference.part[k] << 24 >> 24;
    return out;
}
MATCHER_INLINE Ints product(const Ints& left, std::int32_t right) {
    Ints out;
    for (int k = 0; k < kParts; ++k) out.part[k] = left.part[k] * right;
    return out;
}
MATCHER_INLINE Ints magnitude(const Ints& v) { return greatest(v, 0 - v); }

// Bit k is set where lane k is; lanes are all ones or all zeros.
MATCHER_INLINE std::uint16_t lanes_set(const Ints& mask) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    return _mm512_movepi32_mask((__m512i)mask.part[0]);
#else
    alignas(64) std::int32_t lane[kLanes];
    store(lane, mask);
    unsigned bits = 0;
    for (int k = 0; k < kLanes; ++k) bits |= (lane[k] & 1U) << k;
    return static_cast<std::uint16_t>(bits);
#endif
}

void agree(const Joined& votes, const Motion& motion, std::uint16_t* bits) {
    for (std::size_t first = 0; first < votes.count; first += kLanes) {
        const Ints off = load(votes.its_direction + first) - load(votes.own_direction + first);
        // y points down, and directions turn counter-clockwise as seen.
        const Ints dx = wrapped_back(load(votes.own_x + first) - motion.from_x);
        const Ints dy = wrapped_back(load(votes.own_y + first) - motion.from_y);
        const Ints to_x = product(wrapped_back(load(votes.its_x + first) - motion.to_x), 1 << kFine);
        const Ints to_y = product(wrapped_back(load(votes.its_y + first) - motion.to_y), 1 << kFine);
        const Ints ex = product(dx, motion.cosine) + product(dy, motion.sine) - to_x;
        const Ints ey = product(dy, motion.cosine) - product(dx, motion.sine) - to_y;
        const Ints slack = product(greatest(magnitude(dx), magnitude(dy)), kStretch) + (kShiftSlack << kFine);
        const Ints turned = magnitude(wrapped_back(off - motion.turn)) < kRotationSlack + 1;
        const Ints near = greatest(magnitude(ex), magnitude(ey)) < slack + 1;
        unsigned found = lanes_set(turned & near);
        if (votes.count - first < kLanes) found &= (1U << (votes.count - first)) - 1;
        bits[first / kLanes] = static_cast<std::uint16_t>(found);
    }
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

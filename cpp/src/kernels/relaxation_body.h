// Relaxation, once for each level: see each_level.h.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;
using matcher::kernels::blocks_for;
using matcher::kernels::kLanes;

// 1 / d for positive d, to six digits: a linear first guess on the exponent and two Newton steps. The
// hardware's own estimate differs between instruction sets, its division is eight times slower.
MATCHER_INLINE Floats inverse(const Floats& d) {
    constexpr std::int32_t kGuess = 0x7ef311c7;
    const Floats first = floats_of_bits(kGuess - bits_of(d));
    const Floats second = first * (2.0F - d * first);
    return second * (2.0F - d * second);
}

// Agreement of pair i with the pairs from k on. A rotation by (rotation_i + rotation_k) / 2 brings the
// candidate's vector onto the probe's; what is left of the difference splits into a part along and a part
// across. All is multiplied through by the mean squared length, so that one division does.
MATCHER_INLINE Floats agree(const Pairs& p, int i, int k, float rotation_floor) {
    const Floats ax = load(p.probe_x + k) - p.probe_x[i], ay = load(p.probe_y + k) - p.probe_y[i];
    const Floats bx = load(p.candidate_x + k) - p.candidate_x[i];
    const Floats by = load(p.candidate_y + k) - p.candidate_y[i];
    const Floats hc = load(p.half_cos + k), hs = load(p.half_sin + k);
    const float ic = p.half_cos[i], is = p.half_sin[i];
    const Floats zero = all(0.0F);

    const Floats apart = hc * ic + hs * is;  // cos of half the rotations' difference, up to its sign
    const Floats turn_cos = hc * ic - hs * is, turn_sin = hs * ic + hc * is;
    // y runs down, directions count with y up.
    const Floats dot = ax * bx + ay * by, cross = ax * by - ay * bx;
    const Floats turned = dot * turn_cos + cross * turn_sin;
    const Floats across = cross * turn_cos - dot * turn_sin;
    const Floats forward = select(apart < zero, zero - turned, turned);
    const Floats length2 = (ax * ax + ay * ay + bx * bx + by * by) * 0.5F;
    const Floats across2 = across * across;
    const Floats along2 = (length2 - forward) * 2.0F * length2 - across2;
    const Floats along_limit = (length2 * (kAlongGrowth * kAlongGrowth) + kAlongBase * kAlongBase) * length2;
    const Floats across_limit =
        (length2 * (kAcrossGrowth * kAcrossGrowth) + kAcrossBase * kAcrossBase) * length2;
    const Floats along_left = along_limit - along2;
    const Floats across_left = across_limit - across2;
    const Floats rotation_left = apart * apart - rotation_floor;
    // The 1 keeps pair i with itself, where all is zero, from dividing by zero.
    const Floats share = inverse(along_limit * across_limit * (1.0F - rotation_floor) + 1.0F);
    const Floats value = along_left * across_left * rotation_left * share;
    const Ints good = (along_left > zero) & (across_left > zero) & (rotation_left > zero) & (forward > zero);
    return select(good, value, zero);
}

// How many a pair's support is shared among.
MATCHER_INLINE float shared_among(int pairs) {
    const float others = static_cast<float>(pairs > 1 ? pairs - 1 : 1);
    return others > kManyShared ? others : std::sqrt(others * kManyShared);
}

void relax(Pairs& p, Agreement& agreement) {
    const int n = p.count;
    const int blocks = blocks_for(n);
    for (int i = 0; i < n; ++i) {
        for (int b = 0; b < blocks; ++b) {
            store(agreement.value + i * kPairSlots + b * kLanes, agree(p, i, b * kLanes, kRotationFloor));
        }
    }
    const float share = (1.0F - kKeep) / shared_among(n);
    for (int b = 0; b < blocks; ++b) store(p.support + b * kLanes, load(p.similarity + b * kLanes));
    for (int round = 0; round < kRounds; ++round) {
        Floats sum[kPairSlots / kLanes];
        for (Floats& block : sum) block = all(0.0F);
        for (int i = 0; i < n; ++i) {
            const float support = p.support[i];
            for (int b = 0; b < blocks; ++b) {
                sum[b] = sum[b] + load(agreement.value + i * kPairSlots + b * kLanes) * support;
            }
        }
        for (int b = 0; b < blocks; ++b) {
            float* support = p.support + b * kLanes;
            store(support, load(support) * kKeep + sum[b] * share);
        }
    }
}

// A positive float orders as its bits do; the lowest six make room for the pair's number. A pair's place is
// the number of keys above its own.
void order_by_support(const Pairs& p, int* out) {
    static_assert(kPairSlots <= 64, "a pair's number has six bits");
    alignas(64) std::int32_t keys[kPairSlots], places[kPairSlots];
    const int blocks = blocks_for(p.count);
    for (int b = 0; b < blocks; ++b) {
        const Ints last = 63 - (lane_numbers() + b * kLanes);
        store(keys + b * kLanes, (bits_of(load(p.support + b * kLanes)) & ~63) | last);
        store(places + b * kLanes, all(0));
    }
    for (int k = 0; k < p.count; ++k) {
        for (int b = 0; b < blocks; ++b) {
            const Ints above = load(keys + b * kLanes) < keys[k];
            store(places + b * kLanes, load(places + b * kLanes) - above);
        }
    }
    for (int k = 0; k < p.count; ++k) out[places[k]] = k;
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

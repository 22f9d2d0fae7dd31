// One source for all levels: 16-lane vectors that the compiler maps to whatever the target has. Every lane
// does the same IEEE operations in the same order at each level, and sums run over pairs in their order, so
// that the results agree to the last bit.
#include "kernels/relaxation.h"

#include <cmath>

#define MATCHER_INLINE inline __attribute__((always_inline))

namespace matcher::fingerprint::kernels {
namespace {

typedef float Floats __attribute__((vector_size(64)));
typedef std::int32_t Ints __attribute__((vector_size(64)));

MATCHER_INLINE const Floats& floats(const float* p) { return *reinterpret_cast<const Floats*>(p); }
MATCHER_INLINE Floats& floats(float* p) { return *reinterpret_cast<Floats*>(p); }
MATCHER_INLINE const Ints& ints(const std::int32_t* p) { return *reinterpret_cast<const Ints*>(p); }

// cos^2 of half the largest difference of two rotations
const float kRotationFloor = 0.5F + 0.5F * std::cos(kRotationApart);

// Agreement of pair i with the pairs from k on. A rotation by (rotation_i + rotation_k) / 2 brings the
// candidate's vector onto the probe's; what is left of the difference splits into a part along and a part
// across. All is multiplied through by the mean squared length, so that one division does.
MATCHER_INLINE void agree(const Pairs& p, int i, int k, float rotation_floor, Floats& out) {
    const Floats ax = floats(p.probe_x + k) - p.probe_x[i], ay = floats(p.probe_y + k) - p.probe_y[i];
    const Floats bx = floats(p.candidate_x + k) - p.candidate_x[i];
    const Floats by = floats(p.candidate_y + k) - p.candidate_y[i];
    const Floats hc = floats(p.half_cos + k), hs = floats(p.half_sin + k);
    const float ic = p.half_cos[i], is = p.half_sin[i];
    const Floats zero = {};

    const Floats apart = hc * ic + hs * is;  // cos of half the rotations' difference, up to its sign
    const Floats turn_cos = hc * ic - hs * is, turn_sin = hs * ic + hc * is;
    // y runs down and directions count with y up: the rotation is that of the mirrored vectors.
    const Floats dot = ax * bx + ay * by, cross = ax * by - ay * bx;
    const Floats turned = dot * turn_cos + cross * turn_sin;
    const Floats across = cross * turn_cos - dot * turn_sin;
    const Floats forward = apart < zero ? -turned : turned;
    const Floats length2 = (ax * ax + ay * ay + bx * bx + by * by) * 0.5F;
    const Floats across2 = across * across;
    const Floats along2 = (length2 - forward) * 2.0F * length2 - across2;
    const Floats along_limit = (length2 * (kAlongGrowth * kAlongGrowth) + kAlongBase * kAlongBase) * length2;
    const Floats across_limit =
        (length2 * (kAcrossGrowth * kAcrossGrowth) + kAcrossBase * kAcrossBase) * length2;
    const Floats along_left = along_limit - along2;
    const Floats across_left = across_limit - across2;
    const Floats rotation_left = apart * apart - rotation_floor;
    const Floats value = along_left * across_left * rotation_left /
                         (along_limit * across_limit * (1.0F - rotation_floor) + 1.0F);
    const Ints good = (along_left > zero) & (across_left > zero) & (rotation_left > zero) & (forward > zero) &
                      (ints(p.probe + k) != p.probe[i]) & (ints(p.candidate + k) != p.candidate[i]);
    out = good ? value : zero;
}

MATCHER_INLINE void relax(Pairs& p, Agreement& agreement) {
    const int n = p.count;
    const int blocks = (n + kLanes - 1) / kLanes;
    for (int i = 0; i < n; ++i) {
        for (int b = 0; b < blocks; ++b) {
            agree(p, i, b * kLanes, kRotationFloor, floats(agreement.value + i * kPairSlots + b * kLanes));
        }
    }
    const float share = (1.0F - kKeep) / static_cast<float>(n > 1 ? n - 1 : 1);
    for (int b = 0; b < blocks; ++b) floats(p.support + b * kLanes) = floats(p.similarity + b * kLanes);
    for (int round = 0; round < kRounds; ++round) {
        Floats sum[kPairSlots / kLanes] = {};
        for (int i = 0; i < n; ++i) {
            const float support = p.support[i];
            for (int b = 0; b < blocks; ++b) {
                sum[b] += floats(agreement.value + i * kPairSlots + b * kLanes) * support;
            }
        }
        for (int b = 0; b < blocks; ++b) {
            Floats& support = floats(p.support + b * kLanes);
            support = support * kKeep + sum[b] * share;
        }
    }
}

void relax_scalar(Pairs& pairs, Agreement& scratch) { relax(pairs, scratch); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) void relax_avx2(Pairs& pairs, Agreement& scratch) { relax(pairs, scratch); }
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void relax_avx512(Pairs& pairs,
                                                                                Agreement& scratch) {
    relax(pairs, scratch);
}
#endif

}  // namespace

Relax relax_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return relax_avx512;
    if (level == SimdLevel::avx2) return relax_avx2;
#endif
    (void)level;
    return relax_scalar;
}

}  // namespace matcher::fingerprint::kernels

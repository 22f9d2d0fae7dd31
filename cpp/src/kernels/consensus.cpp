#include "kernels/consensus.h"

#include <cmath>

#include "fingerprint_turns.h"

namespace matcher::fingerprint::kernels {
namespace {

using matcher::kernels::blocks_for;
using matcher::kernels::floats;
using matcher::kernels::Floats;
using matcher::kernels::ints;
using matcher::kernels::Ints;
using matcher::kernels::kLanes;
using matcher::kernels::sum_of;

constexpr float kTurnShare = 1.0F / (kReachTurn * kReachTurn);
constexpr int kFullTurn = 256;

// Weighted sums that a least-squares fit needs, over lanes.
struct Moments {
    Floats weight, probe_x, probe_y, candidate_x, candidate_y;
};

// A rotation about the weighted centres, pulled towards the directions' own rotations; then, where `stretch`
// is allowed, a matrix pulled towards that rotation.
MATCHER_INLINE Motion fit_lanes(int count, const float* probe_x, const float* probe_y,
                                const float* candidate_x, const float* candidate_y, const float* turn_cos,
                                const float* turn_sin, const float* weight, bool stretch) {
    const int lanes = blocks_for(count) * kLanes;
    Moments sums = {};
    for (int k = 0; k < lanes; k += kLanes) {
        const Floats w = floats(weight + k);
        sums.weight += w;
        sums.probe_x += w * floats(probe_x + k);
        sums.probe_y += w * floats(probe_y + k);
        sums.candidate_x += w * floats(candidate_x + k);
        sums.candidate_y += w * floats(candidate_y + k);
    }
    const float total = sum_of(sums.weight);
    const float scale = total > 0 ? 1.0F / total : 0.0F;
    const float px = sum_of(sums.probe_x) * scale, py = sum_of(sums.probe_y) * scale;
    const float qx = sum_of(sums.candidate_x) * scale, qy = sum_of(sums.candidate_y) * scale;

    Floats xx = {}, xy = {}, yx = {}, yy = {}, cx = {}, cy = {}, cc = {}, tc = {}, ts = {};
    for (int k = 0; k < lanes; k += kLanes) {
        const Floats w = floats(weight + k);
        const Floats ax = (floats(probe_x + k) - px) * w, ay = (floats(probe_y + k) - py) * w;
        const Floats bx = floats(candidate_x + k) - qx, by = floats(candidate_y + k) - qy;
        xx += ax * bx;
        xy += ax * by;
        yx += ay * bx;
        yy += ay * by;
        cx += w * bx * bx;
        cc += w * bx * by;
        cy += w * by * by;
        tc += w * floats(turn_cos + k);
        ts += w * floats(turn_sin + k);
    }
    const float sxx = sum_of(xx), sxy = sum_of(xy), syx = sum_of(yx), syy = sum_of(yy);
    // y runs down: a turn by t takes (x, y) to (x cos t + y sin t, y cos t - x sin t).
    const float real = sxx + syy + kDirectionHold * sum_of(tc);
    const float imaginary = sxy - syx + kDirectionHold * sum_of(ts);
    const float norm = std::sqrt(real * real + imaginary * imaginary);
    const float c = norm > 0 ? real / norm : 1.0F, s = norm > 0 ? imaginary / norm : 0.0F;
    Motion m{c, s, -s, c, 0, 0, 0};
    constexpr float kUnits = 128.0F / 3.14159265F;
    m.turn = static_cast<int>(std::lround(std::atan2(s, c) * kUnits)) & (kFullTurn - 1);
    if (stretch) {
        const float dxx = sum_of(cx) + kStretchHold, dyy = sum_of(cy) + kStretchHold, dxy = sum_of(cc);
        const float rxx = sxx + kStretchHold * c, rxy = sxy + kStretchHold * s;
        const float ryx = syx - kStretchHold * s, ryy = syy + kStretchHold * c;
        const float determinant = dxx * dyy - dxy * dxy;
        // Not below the hold's own square but for rounding, where prints are absurdly wide.
        if (determinant >= kStretchHold * kStretchHold) {
            m.xx = (rxx * dyy - rxy * dxy) / determinant;
            m.xy = (rxy * dxx - rxx * dxy) / determinant;
            m.yx = (ryx * dyy - ryy * dxy) / determinant;
            m.yy = (ryy * dxx - ryx * dxy) / determinant;
        }
    }
    m.shift_x = px - (m.xx * qx + m.xy * qy);
    m.shift_y = py - (m.yx * qx + m.yy * qy);
    return m;
}

// Angles in direction units, brought to -128 .. 127.
MATCHER_INLINE void wrap(const Ints& turn, Floats& out) {
    out = __builtin_convertvector((turn << 24) >> 24, Floats);
}

MATCHER_INLINE Motion find_motion(const Pairs& pairs, const int* order, int tried) {
    const int lanes = blocks_for(pairs.count) * kLanes;
    constexpr float kShare = 1.0F / (kLooseReach * kLooseReach);
    alignas(64) float weight[2][kPairSlots];
    alignas(64) float turn_cos[kPairSlots], turn_sin[kPairSlots];
    int best = 0;
    float most = -1;
    for (int t = 0; t < tried; ++t) {
        const int p = order[t];
        const float hc = pairs.half_cos[p], hs = pairs.half_sin[p];
        const float c = hc * hc - hs * hs, s = 2.0F * hs * hc;
        const float shift_x = pairs.probe_x[p] - (pairs.candidate_x[p] * c + pairs.candidate_y[p] * s);
        const float shift_y = pairs.probe_y[p] - (pairs.candidate_y[p] * c - pairs.candidate_x[p] * s);
        float* mine = weight[1 - best];
        Floats sum = {};
        for (int k = 0; k < lanes; k += kLanes) {
            const Floats bx = floats(pairs.candidate_x + k), by = floats(pairs.candidate_y + k);
            const Floats ex = bx * c + by * s + shift_x - floats(pairs.probe_x + k);
            const Floats ey = by * c - bx * s + shift_y - floats(pairs.probe_y + k);
            const Floats far = (ex * ex + ey * ey) * kShare;
            Floats off;
            wrap(ints(pairs.turn + k) - pairs.turn[p], off);
            const Floats turned = off * off * kTurnShare;
            const Floats misfit = far > turned ? far : turned;
            const Floats left = 1.0F - misfit;
            const Floats carried = left > 0.0F ? left * floats(pairs.support + k) : Floats{};
            floats(mine + k) = carried;
            sum += carried;
        }
        const float total = sum_of(sum);
        if (total > most) {
            most = total;
            best = 1 - best;
        }
    }
    for (int k = 0; k < lanes; k += kLanes) {
        const Floats hc = floats(pairs.half_cos + k), hs = floats(pairs.half_sin + k);
        floats(turn_cos + k) = hc * hc - hs * hs;
        floats(turn_sin + k) = 2.0F * hs * hc;
    }
    return fit_lanes(pairs.count, pairs.probe_x, pairs.probe_y, pairs.candidate_x, pairs.candidate_y,
                     turn_cos, turn_sin, weight[best], false);
}

MATCHER_INLINE void move(const Unpacked& candidate, const Motion& motion, float* x, float* y) {
    for (int k = 0; k < blocks_for(candidate.count) * kLanes; k += kLanes) {
        const Floats bx = floats(candidate.x + k), by = floats(candidate.y + k);
        floats(x + k) = bx * motion.xx + by * motion.xy + motion.shift_x;
        floats(y + k) = bx * motion.yx + by * motion.yy + motion.shift_y;
    }
}

MATCHER_INLINE void match_minutiae(const Unpacked& probe, const Unpacked& candidate, const Motion& motion,
                                   float reach, Matches& out) {
    alignas(64) float x[kMaxMinutiae], y[kMaxMinutiae];
    move(candidate, motion, x, y);
    // The closest candidate minutia of each probe minutia: closeness as the bits of a float, which order as
    // the float does where it is positive, with the candidate's number in the lowest six.
    alignas(64) std::int32_t nearest[kMaxMinutiae];
    const float share = 1.0F / (reach * reach);
    for (int k = 0; k < blocks_for(probe.count) * kLanes; k += kLanes) {
        const Floats ax = floats(probe.x + k), ay = floats(probe.y + k);
        const Ints facing = ints(probe.facing + k) - motion.turn;
        Ints best = {};
        for (int j = 0; j < candidate.count; ++j) {
            const Floats ex = ax - x[j], ey = ay - y[j];
            const Floats far = (ex * ex + ey * ey) * share;
            Floats off;
            wrap(facing - candidate.facing[j], off);
            const Floats turned = off * off * kTurnShare;
            const Floats misfit = far > turned ? far : turned;
            const Ints key = ((Ints)(1.0F - misfit) & ~63) | j;
            best = key > best ? key : best;
        }
        ints(nearest + k) = best;
    }
    // Of the probe minutiae that claim one candidate minutia, the closest gets it.
    std::int32_t claim[kMaxMinutiae] = {};
    for (int i = 0; i < probe.count; ++i) {
        const std::int32_t mine = (nearest[i] & ~63) | i;
        std::int32_t& theirs = claim[nearest[i] & 63];
        if (nearest[i] > 63 && mine > theirs) theirs = mine;
    }
    int count = 0;
    for (int j = 0; j < candidate.count; ++j) {
        if (claim[j] == 0) continue;
        const int i = claim[j] & 63;
        const std::int32_t closeness = claim[j] & ~63;
        std::memcpy(&out.weight[count], &closeness, sizeof closeness);
        const int turn = (probe.facing[i] - candidate.facing[j]) & (kFullTurn - 1);
        out.probe_x[count] = probe.x[i];
        out.probe_y[count] = probe.y[i];
        out.candidate_x[count] = candidate.x[j];
        out.candidate_y[count] = candidate.y[j];
        out.turn_cos[count] = turn_cosine(turn);
        out.turn_sin[count] = turn_sine(turn);
        out.probe[count] = static_cast<std::uint8_t>(i);
        out.candidate[count] = static_cast<std::uint8_t>(j);
        ++count;
    }
    out.count = count;
    const int lanes = blocks_for(count) * kLanes;
    for (int k = count; k < lanes; ++k) {
        out.probe_x[k] = out.probe_y[k] = out.candidate_x[k] = out.candidate_y[k] = 0;
        out.turn_cos[k] = out.turn_sin[k] = out.weight[k] = 0;
    }
    Floats sum = {};
    for (int k = 0; k < lanes; k += kLanes) sum += floats(out.weight + k);
    out.total = sum_of(sum);
}

MATCHER_INLINE void least_and_most(const float* values, int count, float& least, float& most) {
    Floats low = Floats{} + values[0], high = low;
    const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int k = 0; k < blocks_for(count) * kLanes; k += kLanes) {
        const Floats v = lane < count - k ? floats(values + k) : low;
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    least = most = values[0];
    for (int k = 0; k < kLanes; ++k) {
        least = low[k] < least ? low[k] : least;
        most = high[k] > most ? high[k] : most;
    }
}

struct Box {
    float left, right, top, bottom;
};

MATCHER_INLINE int inside(const Box& box, const float* xs, const float* ys, int count) {
    const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Ints sum = {};
    for (int k = 0; k < blocks_for(count) * kLanes; k += kLanes) {
        const Floats x = floats(xs + k), y = floats(ys + k);
        sum -= (x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom) & (lane < count - k);
    }
    return sum_of(sum);
}

MATCHER_INLINE Overlap find_overlap(const Unpacked& probe, const Unpacked& candidate, const Motion& motion) {
    alignas(64) float x[kMaxMinutiae], y[kMaxMinutiae];
    move(candidate, motion, x, y);
    Box mine, theirs;
    least_and_most(probe.x, probe.count, mine.left, mine.right);
    least_and_most(probe.y, probe.count, mine.top, mine.bottom);
    least_and_most(x, candidate.count, theirs.left, theirs.right);
    least_and_most(y, candidate.count, theirs.top, theirs.bottom);
    const Box both{mine.left > theirs.left ? mine.left : theirs.left,
                   mine.right < theirs.right ? mine.right : theirs.right,
                   mine.top > theirs.top ? mine.top : theirs.top,
                   mine.bottom < theirs.bottom ? mine.bottom : theirs.bottom};
    return {inside(both, probe.x, probe.y, probe.count), inside(both, x, y, candidate.count)};
}

#define MATCHER_CONSENSUS(level, target)                                                                     \
    target Motion find_##level(const Pairs& pairs, const int* order, int tried) {                            \
        return find_motion(pairs, order, tried);                                                             \
    }                                                                                                        \
    target void match_##level(const Unpacked& probe, const Unpacked& candidate, const Motion& motion,        \
                              float reach, Matches& out) {                                                   \
        match_minutiae(probe, candidate, motion, reach, out);                                                \
    }                                                                                                        \
    target Overlap overlap_##level(const Unpacked& probe, const Unpacked& candidate, const Motion& motion) { \
        return find_overlap(probe, candidate, motion);                                                       \
    }                                                                                                        \
    target Motion fit_##level(const Matches& m) {                                                            \
        return fit_lanes(m.count, m.probe_x, m.probe_y, m.candidate_x, m.candidate_y, m.turn_cos,            \
                         m.turn_sin, m.weight, m.count >= kStretchPairs);                                    \
    }

MATCHER_CONSENSUS(scalar, )
#if defined(__x86_64__)
MATCHER_CONSENSUS(avx2, MATCHER_AVX2)
MATCHER_CONSENSUS(avx512, MATCHER_AVX512)
#endif

}  // namespace

ConsensusKernels consensus_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {find_avx512, match_avx512, overlap_avx512, fit_avx512};
    if (level == SimdLevel::avx2) return {find_avx2, match_avx2, overlap_avx2, fit_avx2};
#endif
    (void)level;
    return {find_scalar, match_scalar, overlap_scalar, fit_scalar};
}

}  // namespace matcher::fingerprint::kernels

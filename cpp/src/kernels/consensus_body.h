// Consensus, once for each level: see each_level.h.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;
using matcher::kernels::blocks_for;
using matcher::kernels::kLanes;

constexpr float kTurnShare = 1.0F / (kReachTurn * kReachTurn);
constexpr int kFullTurn = 256;
constexpr std::int32_t kNumber = kMaxMinutiae - 1;  // bits that hold a minutia's number

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
    Moments sums{all(0.0F), all(0.0F), all(0.0F), all(0.0F), all(0.0F)};
    for (int k = 0; k < lanes; k += kLanes) {
        const Floats w = load(weight + k);
        sums.weight = sums.weight + w;
        sums.probe_x = sums.probe_x + w * load(probe_x + k);
        sums.probe_y = sums.probe_y + w * load(probe_y + k);
        sums.candidate_x = sums.candidate_x + w * load(candidate_x + k);
        sums.candidate_y = sums.candidate_y + w * load(candidate_y + k);
    }
    const float total = sum_of(sums.weight);
    const float scale = total > 0 ? 1.0F / total : 0.0F;
    const float px = sum_of(sums.probe_x) * scale, py = sum_of(sums.probe_y) * scale;
    const float qx = sum_of(sums.candidate_x) * scale, qy = sum_of(sums.candidate_y) * scale;

    Floats xx = all(0.0F), xy = xx, yx = xx, yy = xx, cx = xx, cy = xx, cc = xx, tc = xx, ts = xx;
    for (int k = 0; k < lanes; k += kLanes) {
        const Floats w = load(weight + k);
        const Floats ax = (load(probe_x + k) - px) * w, ay = (load(probe_y + k) - py) * w;
        const Floats bx = load(candidate_x + k) - qx, by = load(candidate_y + k) - qy;
        xx = xx + ax * bx;
        xy = xy + ax * by;
        yx = yx + ay * bx;
        yy = yy + ay * by;
        cx = cx + w * bx * bx;
        cc = cc + w * bx * by;
        cy = cy + w * by * by;
        tc = tc + w * load(turn_cos + k);
        ts = ts + w * load(turn_sin + k);
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

Motion find_motion(const Pairs& pairs, const int* order, int tried) {
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
        Floats sum = all(0.0F);
        for (int k = 0; k < lanes; k += kLanes) {
            const Floats bx = load(pairs.candidate_x + k), by = load(pairs.candidate_y + k);
            const Floats ex = bx * c + by * s + shift_x - load(pairs.probe_x + k);
            const Floats ey = by * c - bx * s + shift_y - load(pairs.probe_y + k);
            const Floats far = (ex * ex + ey * ey) * kShare;
            const Floats off = wrapped(load(pairs.turn + k) - pairs.turn[p]);
            const Floats turned = off * off * kTurnShare;
            const Floats misfit = greatest(far, turned);
            const Floats left = 1.0F - misfit;
            const Floats carried = select(left > 0.0F, left * load(pairs.support + k), all(0.0F));
            store(mine + k, carried);
            sum = sum + carried;
        }
        const float total = sum_of(sum);
        if (total > most) {
            most = total;
            best = 1 - best;
        }
    }
    for (int k = 0; k < lanes; k += kLanes) {
        const Floats hc = load(pairs.half_cos + k), hs = load(pairs.half_sin + k);
        store(turn_cos + k, hc * hc - hs * hs);
        store(turn_sin + k, 2.0F * hs * hc);
    }
    return fit_lanes(pairs.count, pairs.probe_x, pairs.probe_y, pairs.candidate_x, pairs.candidate_y,
                     turn_cos, turn_sin, weight[best], false);
}

MATCHER_INLINE void move(const Unpacked& candidate, const Motion& motion, float* x, float* y) {
    for (int k = 0; k < blocks_for(candidate.count) * kLanes; k += kLanes) {
        const Floats bx = load(candidate.x + k), by = load(candidate.y + k);
        store(x + k, bx * motion.xx + by * motion.xy + motion.shift_x);
        store(y + k, bx * motion.yx + by * motion.yy + motion.shift_y);
    }
}

void match_minutiae(const Unpacked& probe, const Unpacked& candidate, const Motion& motion, float reach,
                    Matches& out) {
    alignas(64) float x[kMaxMinutiae], y[kMaxMinutiae];
    move(candidate, motion, x, y);
    // The closest candidate minutia of each probe minutia: closeness as the bits of a float, which order as
    // the float does where it is positive, with the candidate's number in the lowest bits.
    alignas(64) std::int32_t nearest[kMaxMinutiae];
    const float share = 1.0F / (reach * reach);
    for (int k = 0; k < blocks_for(probe.count) * kLanes; k += kLanes) {
        const Floats ax = load(probe.x + k), ay = load(probe.y + k);
        const Ints facing = load(probe.facing + k) - motion.turn;
        Ints best = all(0);
        for (int j = 0; j < candidate.count; ++j) {
            const Floats ex = ax - x[j], ey = ay - y[j];
            const Floats far = (ex * ex + ey * ey) * share;
            const Floats off = wrapped(facing - candidate.facing[j]);
            const Floats turned = off * off * kTurnShare;
            const Floats misfit = greatest(far, turned);
            const Ints key = (bits_of(1.0F - misfit) & ~kNumber) | j;
            best = greatest(key, best);
        }
        store(nearest + k, best);
    }
    // Of the probe minutiae that claim one candidate minutia, the closest gets it.
    std::int32_t claim[kMaxMinutiae] = {};
    for (int i = 0; i < probe.count; ++i) {
        const std::int32_t mine = (nearest[i] & ~kNumber) | i;
        std::int32_t& theirs = claim[nearest[i] & kNumber];
        if (nearest[i] > kNumber && mine > theirs) theirs = mine;
    }
    int count = 0;
    for (int j = 0; j < candidate.count; ++j) {
        if (claim[j] == 0) continue;
        const int i = claim[j] & kNumber;
        const std::int32_t closeness = claim[j] & ~kNumber;
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
    Floats sum = all(0.0F);
    for (int k = 0; k < lanes; k += kLanes) sum = sum + load(out.weight + k);
    out.total = sum_of(sum);
}

MATCHER_INLINE void least_and_most(const float* values, int count, float& least, float& most) {
    Floats low = all(values[0]), high = low;
    const Ints lane = lane_numbers();
    for (int k = 0; k < blocks_for(count) * kLanes; k += kLanes) {
        const Floats v = select(lane < count - k, load(values + k), low);
        low = lower(v, low);
        high = greatest(v, high);
    }
    alignas(64) float lows[kLanes], highs[kLanes];
    store(lows, low);
    store(highs, high);
    least = most = values[0];
    for (int k = 0; k < kLanes; ++k) {
        least = lows[k] < least ? lows[k] : least;
        most = highs[k] > most ? highs[k] : most;
    }
}

struct Box {
    float left, right, top, bottom;
};

MATCHER_INLINE int inside(const Box& box, const float* xs, const float* ys, int count) {
    const Ints lane = lane_numbers();
    Ints sum = all(0);
    for (int k = 0; k < blocks_for(count) * kLanes; k += kLanes) {
        const Floats x = load(xs + k), y = load(ys + k);
        sum = sum -
              ((x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom) & (lane < count - k));
    }
    return sum_of(sum);
}

Overlap find_overlap(const Unpacked& probe, const Unpacked& candidate, const Motion& motion) {
    alignas(64) float x[kMaxMinutiae], y[kMaxMinutiae];
    move(candidate, motion, x, y);
    Box mine, theirs;
    least_and_most(probe.x, probe.count, mine.left, mine.right);
    least_and_most(probe.y, probe.count, mine.top, mine.bottom);
    least_and_most(x, candidate.count, theirs.left, theirs.right);
    least_and_most(y, candidate.count, theirs.top, theirs.bottom);
    const Box both{(mine.left > theirs.left ? mine.left : theirs.left) - kOverlapMargin,
                   (mine.right < theirs.right ? mine.right : theirs.right) + kOverlapMargin,
                   (mine.top > theirs.top ? mine.top : theirs.top) - kOverlapMargin,
                   (mine.bottom < theirs.bottom ? mine.bottom : theirs.bottom) + kOverlapMargin};
    return {inside(both, probe.x, probe.y, probe.count), inside(both, x, y, candidate.count)};
}

Motion fit_motion(const Matches& m) {
    return fit_lanes(m.count, m.probe_x, m.probe_y, m.candidate_x, m.candidate_y, m.turn_cos, m.turn_sin,
                     m.weight, m.count >= kStretchPairs);
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

#include "fingerprint_consensus.h"

#include <cmath>
#include <cstdlib>

#include "fingerprint_parameters.h"
#include "fingerprint_turns.h"

namespace matcher::fingerprint {

void find_consensus(const Unpacked& probe, const Unpacked& candidate, int probe_minutia,
                    int candidate_minutia, Consensus& out) {
    const int turn = (probe.direction[probe_minutia] - candidate.direction[candidate_minutia]) & 255;
    const float c = turn_cosine(turn), s = turn_sine(turn);
    float x[kMaxMinutiae], y[kMaxMinutiae];
    for (int j = 0; j < candidate.count; ++j) {
        const float dx = candidate.x[j] - candidate.x[candidate_minutia];
        const float dy = candidate.y[j] - candidate.y[candidate_minutia];
        x[j] = probe.x[probe_minutia] + (dx * c + dy * s);
        y[j] = probe.y[probe_minutia] + (dy * c - dx * s);
    }
    std::uint64_t used = 0;
    out.weight = 0;
    out.count = 0;
    for (int i = 0; i < probe.count; ++i) {
        float best = 1.0F;
        int mate = -1;
        for (int j = 0; j < candidate.count; ++j) {
            const float dx = probe.x[i] - x[j], dy = probe.y[i] - y[j];
            const float far = (dx * dx + dy * dy) * (1.0F / (kConsensusReach * kConsensusReach));
            if (far >= best || (used >> j & 1) != 0) continue;
            const int off = static_cast<std::int8_t>(probe.direction[i] - candidate.direction[j] - turn);
            const float turned = static_cast<float>(off * off) * (1.0F / (kConsensusTurn * kConsensusTurn));
            const float misfit = far > turned ? far : turned;
            if (misfit < best) {
                best = misfit;
                mate = j;
            }
        }
        if (mate < 0) continue;
        used |= std::uint64_t{1} << mate;
        out.weight += 1.0F - best;
        out.pairs[out.count++] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(mate)};
    }
}

}  // namespace matcher::fingerprint

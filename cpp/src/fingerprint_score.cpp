// The spine of a comparison: each line of Probe::compare is a stage.
#include <algorithm>
#include <cmath>

#include "fingerprint_consensus.h"
#include "fingerprint_parameters.h"
#include "fingerprint_select.h"
#include "fingerprint_turns.h"
#include "fingerprint_unpack.h"
#include "kernels/relaxation.h"
#include "kernels/similarity.h"
#include "matcher/fingerprint.h"

namespace matcher::fingerprint {

using kernels::Agreement;
using kernels::Pairs;

struct Probe::Prepared {
    Unpacked minutiae;
    std::uint64_t cells[kMaxMinutiae * kPlanes];
    float scaled_norm[kMaxMinutiae];
    kernels::Similarity similarity;
    kernels::Relax relax;
};

namespace {

// Everything a comparison writes before it reads: no allocation, nothing kept between candidates.
struct alignas(64) Workspace {
    Unpacked candidate;
    std::int32_t similarity[kMaxMinutiae * kMaxMinutiae];
    Voters voters;
    PairKey selected[kMaxPairs];
    Pairs pairs;
    Agreement agreement;
    Consensus consensus, trial;
};

void load_pairs(const Unpacked& probe, const Unpacked& candidate, const PairKey* keys, int count,
                Pairs& out) {
    out.count = count;
    const int slots = (count + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes;
    for (int p = 0; p < slots; ++p) {
        if (p >= count) {
            out.probe_x[p] = out.probe_y[p] = out.candidate_x[p] = out.candidate_y[p] = 0;
            out.half_cos[p] = out.half_sin[p] = out.similarity[p] = 0;
            out.probe[p] = out.candidate[p] = -1;
            continue;
        }
        const int i = keys[p].probe(), j = keys[p].candidate();
        const int turn = (probe.direction[i] - candidate.direction[j]) & 255;
        out.probe_x[p] = probe.x[i];
        out.probe_y[p] = probe.y[i];
        out.candidate_x[p] = candidate.x[j];
        out.candidate_y[p] = candidate.y[j];
        out.half_cos[p] = half_turn_cosine(turn);
        out.half_sin[p] = half_turn_sine(turn);
        out.probe[p] = i;
        out.candidate[p] = j;
        out.similarity[p] = static_cast<float>(keys[p].similarity()) * (1.0F / kSimilarityOne);
    }
}

// n_P of MCC: how many pairs make the score.
int pairs_that_count(int fewer) {
    const float x = kPairsSlope * (static_cast<float>(fewer) - kPairsMiddle);
    return static_cast<int>(kFewPairs + (kManyPairs - kFewPairs) / (1.0F + std::exp(-x)) + 0.5F);
}

// Pair numbers, most supported first.
void order_by_support(const Pairs& pairs, int* order) {
    for (int p = 0; p < pairs.count; ++p) order[p] = p;
    std::sort(order, order + pairs.count, [&](int left, int right) {
        return pairs.support[left] != pairs.support[right] ? pairs.support[left] > pairs.support[right]
                                                           : left < right;
    });
}

// Mean support of the best pairs, each minutia used once.
float mean_support(const Pairs& pairs, const int* order, int wanted) {
    std::uint64_t probe_used = 0, candidate_used = 0;
    float sum = 0;
    int taken = 0;
    for (int o = 0; o < pairs.count && taken < wanted; ++o) {
        const int p = order[o];
        const std::uint64_t probe_bit = std::uint64_t{1} << pairs.probe[p];
        const std::uint64_t candidate_bit = std::uint64_t{1} << pairs.candidate[p];
        if ((probe_used & probe_bit) != 0 || (candidate_used & candidate_bit) != 0) continue;
        probe_used |= probe_bit;
        candidate_used |= candidate_bit;
        sum += pairs.support[p];
        ++taken;
    }
    return sum / static_cast<float>(wanted);
}

float mean_similarity(const PairKey* keys, int count, int wanted) {
    float sum = 0;
    for (int p = 0; p < count && p < wanted; ++p) sum += static_cast<float>(keys[p].similarity());
    return sum * (1.0F / kSimilarityOne) / static_cast<float>(wanted);
}

void best_consensus(const Unpacked& probe, Workspace& work, const int* order) {
    const int hypotheses = std::min(kHypotheses, work.pairs.count);
    for (int h = 0; h < hypotheses; ++h) {
        const int p = order[h];
        Consensus& target = h == 0 ? work.consensus : work.trial;
        find_consensus(probe, work.candidate, work.pairs.probe[p], work.pairs.candidate[p], target);
        if (h > 0 && target.weight > work.consensus.weight) work.consensus = target;
    }
}

}  // namespace

Probe::Probe(const std::uint64_t* words, std::size_t size) {
    const Resident resident = open_resident(words, size);
    auto prepared = std::make_unique<Prepared>();
    unpack(resident, prepared->minutiae);
    for (int i = 0; i < resident.count; ++i) {
        for (int k = 0; k < kPlanes; ++k) {
            prepared->cells[i * kPlanes + k] = resident.planes[k * resident.count + i] & kCellMask;
        }
        prepared->scaled_norm[i] = kSimilarityOne * prepared->minutiae.inverse_norm[i];
    }
    prepared->similarity = kernels::similarity_for(simd_level());
    prepared->relax = kernels::relax_for(simd_level());
    prepared_ = std::move(prepared);
}

Probe::~Probe() = default;
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;

int Probe::minutia_count() const { return prepared_->minutiae.count; }

ScoreParts Probe::compare(const Resident& resident, Pairing* pairing) const {
    if (pairing != nullptr) pairing->clear();
    const Unpacked& probe = prepared_->minutiae;
    const int fewer = std::min(probe.count, resident.count);
    if (fewer < kMinMinutiae) return {};
    const int most = std::min(fewer, kMaxPairs);
    const int wanted = pairs_that_count(fewer);
    Workspace work;
    int order[kMaxPairs];
    ScoreParts parts;

    unpack(resident, work.candidate);
    prepared_->similarity({prepared_->cells, prepared_->scaled_norm, probe.count}, resident,
                          work.candidate.inverse_norm, work.similarity);
    find_voters(probe, work.candidate, work.similarity, work.voters);

    const int best = select_best(work.voters, most, work.selected);
    load_pairs(probe, work.candidate, work.selected, best, work.pairs);
    prepared_->relax(work.pairs, work.agreement);
    order_by_support(work.pairs, order);
    parts.relaxed = mean_support(work.pairs, order, wanted);

    const int one_to_one = select_one_to_one(work.voters, most, work.selected);
    parts.local = mean_similarity(work.selected, one_to_one, wanted);
    load_pairs(probe, work.candidate, work.selected, one_to_one, work.pairs);
    prepared_->relax(work.pairs, work.agreement);
    order_by_support(work.pairs, order);
    parts.relaxed += mean_support(work.pairs, order, wanted);

    best_consensus(probe, work, order);
    parts.consensus = work.pairs.count > 0 ? work.consensus.weight : 0;
    parts.paired = work.pairs.count > 0 ? work.consensus.count : 0;
    for (int p = 0; pairing != nullptr && p < parts.paired; ++p) {
        pairing->emplace_back(probe.index[work.consensus.pairs[p].first],
                              work.candidate.index[work.consensus.pairs[p].second]);
    }
    parts.raw = kRelaxedWeight * parts.relaxed + kConsensusWeight * parts.consensus;
    return parts;
}

}  // namespace matcher::fingerprint

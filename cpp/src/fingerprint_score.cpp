// The spine of a comparison: each line of Probe::compare is a stage.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "fingerprint_parameters.h"
#include "fingerprint_select.h"
#include "fingerprint_unpack.h"
#include "kernels/consensus.h"
#include "kernels/relaxation.h"
#include "kernels/selection.h"
#include "kernels/similarity.h"
#include "matcher/fingerprint.h"

namespace matcher::fingerprint {

using kernels::Matches;
using kernels::Motion;
using kernels::Overlap;
using kernels::Pairs;

struct Probe::Prepared {
    Unpacked minutiae;
    std::uint64_t cells[kMaxMinutiae * kPlanes];
    float scaled_norm[kMaxMinutiae];
    kernels::Norms norms;
    kernels::Similarity similarity;
    kernels::Selection selection;
    kernels::Relaxation relaxation;
    kernels::ConsensusKernels consensus;
};

namespace {

// Everything a comparison writes before it reads: no allocation, nothing kept between candidates.
struct alignas(64) Workspace {
    Unpacked candidate;
    float inverse_norm[kMaxMinutiae];
    std::uint8_t similarity[kMaxMinutiae * kMaxMinutiae];
    SelectionScratch selection;
    Pairs pairs;
    kernels::Agreement agreement;
    Matches matches;
    int order[kMaxPairs];
};

// n_P of MCC, for every number of minutiae in the smaller template.
struct PairsThatCount {
    int number[kMaxMinutiae + 1];
    PairsThatCount() {
        for (int n = 0; n <= kMaxMinutiae; ++n) {
            const float x = kPairsSlope * (static_cast<float>(n) - kPairsMiddle);
            number[n] = static_cast<int>(kFewPairs + (kManyPairs - kFewPairs) / (1.0F + std::exp(-x)) + 0.5F);
        }
    }
};
const PairsThatCount kPairsThatCount;

float mean_support(const Pairs& pairs, const int* order, int wanted) {
    float sum = 0;
    for (int o = 0; o < pairs.count && o < wanted; ++o) sum += pairs.support[order[o]];
    return sum / static_cast<float>(wanted);
}

// Pairs are loaded most similar first.
float mean_similarity(const Pairs& pairs, int wanted) {
    float sum = 0;
    for (int p = 0; p < pairs.count && p < wanted; ++p) sum += pairs.similarity[p];
    return sum / static_cast<float>(wanted);
}

// Weight of what came together, squared, by the minutiae that could have.
float consensus_of(const Matches& matches, const Overlap& overlap) {
    const float possible = static_cast<float>(std::max(overlap.probe, 1) * std::max(overlap.candidate, 1));
    return matches.total * matches.total / std::sqrt(possible);
}

}  // namespace

Probe::Probe(const std::uint64_t* words, std::size_t size) {
    const Resident resident = open_resident(words, size);
    auto prepared = std::make_unique<Prepared>();
    unpack(resident, prepared->minutiae);
    float inverse_norm[kMaxMinutiae];
    kernels::norms_for(simd_level())(resident, inverse_norm);
    for (int i = 0; i < resident.count; ++i) {
        for (int k = 0; k < kPlanes; ++k) {
            prepared->cells[i * kPlanes + k] = resident.planes[k * resident.count + i] & kCellMask;
        }
        prepared->scaled_norm[i] = kSimilarityOne * inverse_norm[i];
    }
    prepared->norms = kernels::norms_for(simd_level());
    prepared->similarity = kernels::similarity_for(simd_level());
    prepared->selection = kernels::selection_for(simd_level());
    prepared->relaxation = kernels::relaxation_for(simd_level());
    prepared->consensus = kernels::consensus_for(simd_level());
    prepared_ = std::move(prepared);
}

Probe::~Probe() = default;
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;

int Probe::minutia_count() const { return prepared_->minutiae.count; }

ScoreParts Probe::compare(const Resident& resident, Pairing* pairing) const {
    if (pairing != nullptr) pairing->clear();
    const Prepared& p = *prepared_;
    const Unpacked& probe = p.minutiae;
    const int fewer = std::min(probe.count, resident.count);
    if (fewer < kMinMinutiae) return {};
    const int wanted = kPairsThatCount.number[fewer];
    Workspace work;
    ScoreParts parts;

    unpack(resident, work.candidate);
    p.norms(resident, work.inverse_norm);
    p.similarity({p.cells, p.scaled_norm, probe.count}, resident, work.inverse_norm, work.similarity);
    select_pairs(probe, work.candidate, work.similarity, p.selection, work.selection, work.pairs);
    if (work.pairs.count < kMinMinutiae) return {};
    parts.local = mean_similarity(work.pairs, wanted);

    p.relaxation.relax(work.pairs, work.agreement);
    p.relaxation.order(work.pairs, work.order);
    parts.relaxed = mean_support(work.pairs, work.order, wanted);
    parts.raw = kSupportWeight * parts.relaxed;
    if (parts.relaxed < kHopelessSupport) return parts;

    Motion motion = p.consensus.find(work.pairs, work.order, std::min(work.pairs.count, kHypotheses));
    for (int round = 0; round < kFits; ++round) {
        p.consensus.match(probe, work.candidate, motion, kLooseReach, work.matches);
        motion = p.consensus.fit(work.matches);
    }
    p.consensus.match(probe, work.candidate, motion, kReach, work.matches);
    parts.consensus = consensus_of(work.matches, p.consensus.overlap(probe, work.candidate, motion));
    parts.paired = work.matches.count;

    if (pairing != nullptr) {
        for (int m = 0; m < work.matches.count; ++m) {
            pairing->emplace_back(probe.index[work.matches.probe[m]],
                                  work.candidate.index[work.matches.candidate[m]]);
        }
    }
    parts.raw += kConsensusWeight * parts.consensus;
    return parts;
}

}  // namespace matcher::fingerprint

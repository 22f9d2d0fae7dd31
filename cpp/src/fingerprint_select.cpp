#include "fingerprint_select.h"

#include <algorithm>

#include "fingerprint_turns.h"

namespace matcher::fingerprint {
namespace {

using kernels::Choice;

constexpr int kTurn = 256;  // direction units in a full turn
constexpr int kBins = kTurn / kVoteBin;
constexpr int kLevels = 256;  // similarities

int rotation(const Unpacked& probe, const Unpacked& candidate, const Choice& pair) {
    return (probe.facing[pair.probe] - candidate.facing[pair.candidate]) & (kTurn - 1);
}

// out[k] = in[k] + .. + in[k + kVoteHalfWidth], around the circle.
void sum_neighbours(const std::uint32_t* in, std::uint32_t* out) {
    std::uint32_t circle[kBins + kVoteHalfWidth];
    std::copy(in, in + kBins, circle);
    std::copy(in, in + kVoteHalfWidth, circle + kBins);
    for (int k = 0; k < kBins; ++k) {
        std::uint32_t sum = 0;
        for (int d = 0; d <= kVoteHalfWidth; ++d) sum += circle[k + d];
        out[k] = sum;
    }
}

// The rotation, in direction units, that gathers most similarity; the lowest bin of equals.
int vote_for_rotation(const Unpacked& probe, const Unpacked& candidate, const Choice* pairs, int count) {
    // Fourth powers of a byte less 18 bits: kMaxChoice of them, smoothed and favoured, fit 32 bits.
    constexpr int kSpare = 9;
    std::uint32_t votes[kBins] = {}, box[kBins], triangle[kBins];
    for (int p = 0; p < count; ++p) {
        const std::uint32_t square = static_cast<std::uint32_t>(pairs[p].similarity) * pairs[p].similarity;
        votes[rotation(probe, candidate, pairs[p]) / kVoteBin] += (square >> kSpare) * (square >> kSpare);
    }
    sum_neighbours(votes, box);
    sum_neighbours(box, triangle);
    std::uint32_t most = 0;
    int peak = 0;
    for (int bin = 0; bin < kBins; ++bin) {
        // Summed twice over kVoteHalfWidth bins to the right: the triangle's middle lies that far on.
        const int turned = ((bin + kVoteHalfWidth) * kVoteBin + kVoteBin / 2) % kTurn;
        const bool usual = std::min(turned, kTurn - turned) <= kUsualRotation;
        const std::uint32_t sum = triangle[bin] * (usual ? kUnusualRotation : 1);
        if (sum > most) {
            most = sum;
            peak = turned;
        }
    }
    return peak;
}

// By similarity, greatest first; equals stay in the order of their minutiae.
void sort_by_similarity(const Choice* pairs, int count, Choice* out) {
    std::uint16_t first[kLevels + 1] = {};
    for (int p = 0; p < count; ++p) ++first[kLevels - pairs[p].similarity];
    for (int level = 1; level <= kLevels; ++level) {
        first[level] = static_cast<std::uint16_t>(first[level] + first[level - 1]);
    }
    for (int p = 0; p < count; ++p) out[first[kLevels - 1 - pairs[p].similarity]++] = pairs[p];
}

void load_pair(const Unpacked& probe, const Unpacked& candidate, const Choice& pair, kernels::Pairs& out) {
    const int p = out.count++;
    const int i = pair.probe, j = pair.candidate;
    const int turn = rotation(probe, candidate, pair);
    out.probe_x[p] = probe.x[i];
    out.probe_y[p] = probe.y[i];
    out.candidate_x[p] = candidate.x[j];
    out.candidate_y[p] = candidate.y[j];
    out.half_cos[p] = half_turn_cosine(turn);
    out.half_sin[p] = half_turn_sine(turn);
    out.turn[p] = turn;
    out.similarity[p] = static_cast<float>(pair.similarity) * (1.0F / kSimilarityOne);
    out.probe[p] = pair.probe;
    out.candidate[p] = pair.candidate;
}

void load_one_to_one(const Unpacked& probe, const Unpacked& candidate, const Choice* pairs, int count,
                     int most, kernels::Pairs& out) {
    std::uint64_t probe_used = 0, candidate_used = 0;
    out.count = 0;
    for (int p = 0; p < count && out.count < most; ++p) {
        const std::uint64_t probe_bit = std::uint64_t{1} << pairs[p].probe;
        const std::uint64_t candidate_bit = std::uint64_t{1} << pairs[p].candidate;
        if ((probe_used & probe_bit) != 0 || (candidate_used & candidate_bit) != 0) continue;
        probe_used |= probe_bit;
        candidate_used |= candidate_bit;
        load_pair(probe, candidate, pairs[p], out);
    }
    const int slots = matcher::kernels::blocks_for(out.count) * matcher::kernels::kLanes;
    for (int p = out.count; p < slots; ++p) {
        out.probe_x[p] = out.probe_y[p] = out.candidate_x[p] = out.candidate_y[p] = 0;
        out.half_cos[p] = out.half_sin[p] = out.similarity[p] = 0;
        out.turn[p] = 0;
    }
}

}  // namespace

void select_pairs(const Unpacked& probe, const Unpacked& candidate, const std::uint8_t* similarity,
                  const kernels::Selection& kernels, SelectionScratch& scratch, kernels::Pairs& out) {
    const int fewer = std::min(probe.count, candidate.count);
    const int voters = std::min(kVotersPerMinutia * fewer, kMaxChoice);
    const int choice = std::min(kChoicePerMinutia * fewer, kMaxChoice);
    const int voting = kernels.choose(similarity, probe.count, voters, scratch.chosen);
    const int peak = vote_for_rotation(probe, candidate, scratch.chosen, voting);
    kernels.restrict_rotation(similarity, probe.count, probe.direction, candidate.direction, peak,
                              kRotationWindow, scratch.rows);
    const int count = kernels.choose(scratch.rows, probe.count, choice, scratch.chosen);
    sort_by_similarity(scratch.chosen, count, scratch.sorted);
    load_one_to_one(probe, candidate, scratch.sorted, count, std::min(fewer, kMaxPairs), out);
}

}  // namespace matcher::fingerprint

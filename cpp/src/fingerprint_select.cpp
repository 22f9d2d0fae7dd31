#include "fingerprint_select.h"

#include <algorithm>

#include "fingerprint_turns.h"

namespace matcher::fingerprint {
namespace {

using kernels::Choices;

constexpr int kTurn = 256;  // direction units in a full turn
constexpr int kBins = kTurn / kVoteBin;
constexpr int kLevels = 256;  // similarities

// What a pair of each similarity adds to its rotation: fourth powers of a byte less 18 bits, so that
// kMaxChoice of them, smoothed and favoured, fit 32 bits.
struct Votes {
    std::uint32_t of[kLevels];
    Votes() {
        constexpr std::uint32_t kSpare = 9;
        for (std::uint32_t s = 0; s < kLevels; ++s) of[s] = (s * s >> kSpare) * (s * s >> kSpare);
    }
};
const Votes kVotes;

// Bytes wrap as angles do.
int rotation(const Unpacked& probe, const Unpacked& candidate, int i, int j) {
    return static_cast<std::uint8_t>(probe.direction[i] - candidate.direction[j]);
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
int vote_for_rotation(const Unpacked& probe, const Unpacked& candidate, const Choices& pairs) {
    std::uint32_t votes[kBins] = {}, box[kBins], triangle[kBins];
    for (int p = 0; p < pairs.count; ++p) {
        const int turn = rotation(probe, candidate, pairs.probe[p], pairs.candidate[p]);
        votes[turn / kVoteBin] += kVotes.of[pairs.similarity[p]];
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
void sort_by_similarity(const Choices& pairs, std::uint16_t* out) {
    std::uint16_t place[kLevels + 1];
    const int levels = kLevels - pairs.least;
    for (int k = 0; k <= levels; ++k) place[k] = 0;
    // place[k + 1] counts similarity 255 - k, then place[k] is where the first of them goes.
    for (int p = 0; p < pairs.count; ++p) ++place[kLevels - pairs.similarity[p]];
    for (int k = 1; k <= levels; ++k) place[k] = static_cast<std::uint16_t>(place[k] + place[k - 1]);
    for (int p = 0; p < pairs.count; ++p) {
        out[place[kLevels - 1 - pairs.similarity[p]]++] = static_cast<std::uint16_t>(p);
    }
}

// Of pairs in `order`, each that shares no minutia with an earlier one kept, up to `most`; returns how many.
int keep_one_to_one(const Choices& pairs, const std::uint16_t* order, int most, std::uint16_t* kept) {
    // No branch on whether a pair is kept: it could not be foretold.
    std::uint8_t probe_used[kMaxMinutiae] = {}, candidate_used[kMaxMinutiae] = {};
    int count = 0;
    for (int o = 0; o < pairs.count && count < most; ++o) {
        const int p = order[o];
        std::uint8_t& mine = probe_used[pairs.probe[p]];
        std::uint8_t& theirs = candidate_used[pairs.candidate[p]];
        const auto free = static_cast<std::uint8_t>((mine | theirs) ^ 1);
        kept[count] = static_cast<std::uint16_t>(p);
        count += free;
        mine |= free;
        theirs |= free;
    }
    return count;
}

void load_pairs(const Unpacked& probe, const Unpacked& candidate, const Choices& pairs,
                const std::uint16_t* kept, int count, kernels::Pairs& out) {
    out.count = count;
    for (int k = 0; k < count; ++k) {
        const int i = pairs.probe[kept[k]], j = pairs.candidate[kept[k]];
        const int turn = rotation(probe, candidate, i, j);
        out.probe_x[k] = probe.x[i];
        out.probe_y[k] = probe.y[i];
        out.candidate_x[k] = candidate.x[j];
        out.candidate_y[k] = candidate.y[j];
        out.half_cos[k] = half_turn_cosine(turn);
        out.half_sin[k] = half_turn_sine(turn);
        out.turn[k] = turn;
        out.similarity[k] = static_cast<float>(pairs.similarity[kept[k]]) * (1.0F / kSimilarityOne);
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
    const int row = kernels::row_bytes(candidate.count);
    const int voters = std::min(kVotersPerMinutia * fewer, kMaxChoice);
    const int choice = std::min(kChoicePerMinutia * fewer, kMaxChoice);
    kernels.choose(similarity, probe.count, row, voters, scratch.chosen);
    const int peak = vote_for_rotation(probe, candidate, scratch.chosen);
    kernels.restrict_rotation(similarity, probe.count, row, probe.direction, candidate.direction, peak,
                              kRotationWindow, scratch.rows);
    kernels.choose(scratch.rows, probe.count, row, choice, scratch.chosen);
    sort_by_similarity(scratch.chosen, scratch.sorted);
    std::uint16_t kept[kMaxPairs + 1];
    const int most = std::min(fewer, kMaxPairs);
    const int count = keep_one_to_one(scratch.chosen, scratch.sorted, most, kept);
    load_pairs(probe, candidate, scratch.chosen, kept, count, out);
}

}  // namespace matcher::fingerprint

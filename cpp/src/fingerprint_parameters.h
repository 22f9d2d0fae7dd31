// Every tunable of the fingerprint scorer. px are pixels at 500 ppi; angles in rad unless said otherwise.
// MCC = Cappelli, Ferrara & Maltoni, TPAMI 2010. Values were chosen by measurement on several sets, with
// minutiae of two extractors and with minutiae dropped, added and moved at random.
#pragma once

namespace matcher::fingerprint {

// Similarity of two identical cylinders; kept in one byte.
constexpr float kSimilarityOne = 255.0F;

// Templates of fewer minutiae than this compare as 0.
constexpr int kMinMinutiae = 2;

// Most similar pairs that vote for a rotation, for each minutia of the smaller template.
constexpr int kVotersPerMinutia = 4;
// The vote: direction differences in bins of this many units of 2 pi / 256, smoothed by a triangle.
constexpr int kVoteBin = 4;
constexpr int kVoteHalfWidth = 3;  // bins
// A rotation of more than this needs a vote stronger by kUnusualRotation: fingers come roughly upright, and
// the freedom to turn helps non-mated pairs more than mated ones.
constexpr int kUsualRotation = 36;  // direction units: 50 degrees
constexpr int kUnusualRotation = 2;
// Pairs whose rotation is within this of the vote's stay, direction units.
constexpr int kRotationWindow = 40;

// Pairs that selection looks at, for each minutia of the smaller template, and at most.
constexpr int kChoicePerMinutia = 8;
constexpr int kMaxChoice = 512;
// Pairs that enter relaxation.
constexpr int kMaxPairs = 48;

// Number of best pairs whose mean support counts (MCC n_P): kFewPairs to kManyPairs, half-way at kPairsMiddle
// minutiae in the smaller template.
constexpr float kFewPairs = 4.0F;
constexpr float kManyPairs = 10.0F;
constexpr float kPairsMiddle = 20.0F;
constexpr float kPairsSlope = 0.4F;

// Relaxation (MCC LSS-R): rounds, and the weight that a pair's own support keeps in each.
constexpr int kRounds = 4;
constexpr float kKeep = 0.5F;
// Support is shared among the other pairs, and among the geometric mean of their number and this where they
// are fewer: otherwise a handful of pairs that agree by chance scores like a whole print, and one calibration
// cannot serve small and large templates. (This number itself instead of the mean costs mated pairs of small
// templates more than it spares non-mated ones.)
constexpr float kManyShared = 16.0F;

// Two pairs agree where the vectors between their minutiae differ by little along and across, and the two
// rotations by little. Tolerances grow with the distance: skin stretches, directions are off.
constexpr float kAlongBase = 10.0F;     // px
constexpr float kAlongGrowth = 0.10F;   // px per px
constexpr float kAcrossBase = 10.0F;    // px
constexpr float kAcrossGrowth = 0.40F;  // px per px, a tangent
constexpr float kRotationApart = 0.6F;  // rad

// Pairs that support each other less than this are looked at no further: their consensus counts as 0. Two in
// three non-mated comparisons end there, and one mated one in 1,700, which no threshold in use accepts.
constexpr float kHopelessSupport = 0.0275F;

// Consensus: motions tried, and how far a minutia may lie from its mate while one is looked for and at the
// end.
constexpr int kHypotheses = 12;
// Times the best motion is fitted to what it brings together: a rolled and a plain print of one finger differ
// by so much stretch that the first fit does not reach all of it.
constexpr int kFits = 2;
constexpr float kLooseReach = 18.0F;    // px
constexpr float kReach = 12.0F;         // px
constexpr float kReachTurn = 21.3333F;  // direction units: 30 degrees
// How firmly the fitted rotation holds to the directions, and the fitted stretch to a rotation: px^2.
constexpr float kDirectionHold = 1000.0F;
constexpr float kStretchHold = 3000.0F;
// Margin of the rectangle that both prints cover, px: a minutia on its edge is in, however it was rounded.
constexpr float kOverlapMargin = 0.5F;
// Fewest paired minutiae that allow a stretch.
constexpr int kStretchPairs = 4;

// raw = kSupportWeight * support + kConsensusWeight * consensus
constexpr float kSupportWeight = 200.0F;
constexpr float kConsensusWeight = 3.5F;

}  // namespace matcher::fingerprint

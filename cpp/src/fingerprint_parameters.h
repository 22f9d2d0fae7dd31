// Every tunable of the fingerprint scorer. px are pixels at 500 ppi; angles in rad unless said otherwise.
// Sources: MCC = Cappelli, Ferrara & Maltoni, TPAMI 2010; the rest chosen by measurement on several sets.
#pragma once

namespace matcher::fingerprint {

// Similarities are kept as integers, kSimilarityOne for identical cylinders.
constexpr float kSimilarityOne = 32767.0F;

// Selection: pairs that enter relaxation, at most one per minutia of the smaller template, within these
// bounds.
constexpr int kMaxPairs = 48;
constexpr int kMinMinutiae = 2;

// Most similar pairs, whatever their rotation, that vote for a rotation and that selection chooses from.
constexpr int kMaxVoters = 384;
constexpr int kVotersPerMinutia = 8;
// The vote: a triangle of this half width over direction differences; then pairs within the window stay.
// Both in direction units of 2 pi / 256.
constexpr int kVoteHalfWidth = 12;
constexpr int kRotationWindow = 40;

// Number of best pairs that make the score (MCC n_P): from kFewPairs to kManyPairs around kPairsMiddle
// minutiae.
constexpr float kFewPairs = 4.0F;
constexpr float kManyPairs = 12.0F;
constexpr float kPairsMiddle = 20.0F;
constexpr float kPairsSlope = 0.4F;

// Relaxation (MCC LSS-R): rounds, and the weight a pair's own support keeps in each.
constexpr int kRounds = 4;
constexpr float kKeep = 0.5F;

// Two pairs agree where the vectors between their minutiae differ by little along and across, and the two
// rotations by little. Tolerances grow with the distance: skin stretches, directions are off.
constexpr float kAlongBase = 10.0F;     // px
constexpr float kAlongGrowth = 0.10F;   // px per px
constexpr float kAcrossBase = 10.0F;    // px
constexpr float kAcrossGrowth = 0.40F;  // px per px, a tangent
constexpr float kRotationApart = 0.6F;  // rad

// Consensus: how far a minutia may lie from its mate after one rigid motion.
constexpr int kHypotheses = 3;
constexpr float kConsensusReach = 15.0F;  // px
constexpr float kConsensusTurn = 21.0F;   // direction units of 2 pi / 256

// raw = kRelaxedWeight * relaxed + kConsensusWeight * consensus
constexpr float kRelaxedWeight = 100.0F;
constexpr float kConsensusWeight = 1.0F;

}  // namespace matcher::fingerprint

#include "wsq_filters.h"

#include <cmath>
#include <cstddef>

#include "matcher/wsq.h"

namespace matcher::wsq {
namespace {

// Largest error of the filter bank: WSQ's own filters are sent with 9 digits or more.
constexpr double kBankTolerance = 1e-3;

// Largest tap of a filter in any usual normalisation (gain 1, sqrt 2 or 2).
constexpr double kMaxTap = 16.0;

// The whole filter from its right half; `skew` -1 where the left half has its sign turned.
std::vector<double> unfold(const std::vector<double>& half, int length, double skew) {
    std::vector<double> whole(static_cast<std::size_t>(length));
    for (int i = 0; i < static_cast<int>(half.size()); ++i) {
        const int right = length / 2 + i;
        const int left = length - 1 - right;
        const double tap = half[static_cast<std::size_t>(i)];
        whole[static_cast<std::size_t>(left)] = skew * tap;
        whole[static_cast<std::size_t>(right)] = tap;
    }
    return whole;
}

std::vector<double> alternate(std::vector<double> half, int first) {
    for (std::size_t i = 0; i < half.size(); ++i) {
        if ((i + static_cast<std::size_t>(first)) % 2 == 1) half[i] = -half[i];
    }
    return half;
}

// Low-pass analysis and synthesis together must pass every second sample unchanged: sum over n of
// low[n] synthesis[2 k - n] is 1 for k = 0 and else 0, up to the sign. The high-pass pair then fits by
// itself.
void check_bank(const std::vector<double>& low, const std::vector<double>& synthesis) {
    const int span = static_cast<int>(low.size() + synthesis.size()) - 1;
    const int centre = (span - 1) / 2;
    for (int at = centre % 2; at < span; at += 2) {
        double sum = 0.0;
        for (int i = 0; i < static_cast<int>(low.size()); ++i) {
            const int j = at - i;
            if (j >= 0 && j < static_cast<int>(synthesis.size())) {
                sum += low[static_cast<std::size_t>(i)] * synthesis[static_cast<std::size_t>(j)];
            }
        }
        const double expected = at == centre ? 1.0 : 0.0;
        if (!(std::abs(std::abs(sum) - expected) <= kBankTolerance)) {
            throw WsqError(Fault::kCorrupt, "the filters do not rebuild what they split");
        }
    }
}

std::vector<float> narrow(const std::vector<double>& taps) {
    for (const double tap : taps) {
        if (!(std::abs(tap) <= kMaxTap)) throw WsqError(Fault::kCorrupt, "a filter tap is too large");
    }
    return {taps.begin(), taps.end()};
}

}  // namespace

Filters synthesis_filters(const std::vector<double>& low_half, int low_length,
                          const std::vector<double>& high_half, int high_length) {
    const bool odd = low_length % 2 == 1;
    // Symmetric where odd; where even, the high-pass filters are antisymmetric and their alternation starts
    // late.
    const std::vector<double> lo = unfold(alternate(high_half, odd ? 0 : 1), high_length, 1.0);
    const std::vector<double> hi = unfold(alternate(low_half, 0), low_length, odd ? 1.0 : -1.0);
    check_bank(unfold(low_half, low_length, 1.0), lo);
    return {narrow(lo), narrow(hi)};
}

}  // namespace matcher::wsq

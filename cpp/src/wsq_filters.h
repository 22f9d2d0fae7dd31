// The pair of synthesis filters that a WSQ transform table stands for.
#pragma once
#include <vector>

namespace matcher::wsq {

// All taps, left to right; both lengths odd or both even.
struct Filters {
    std::vector<float> lo;
    std::vector<float> hi;
};

// Synthesis filters from the right halves (centre first) of the analysis filters and their full lengths.
// Throws WsqError where the two do not make a bank that rebuilds what it split: the table is then damaged.
Filters synthesis_filters(const std::vector<double>& low_half, int low_length,
                          const std::vector<double>& high_half, int high_length);

}  // namespace matcher::wsq

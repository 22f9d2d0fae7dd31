#include "fingerprint_turns.h"

#include <cmath>

namespace matcher::fingerprint {

TurnTable::TurnTable() {
    constexpr double kUnit = 3.14159265358979323846 / 256;
    for (int k = 0; k < 512; ++k) {
        cosine[k] = static_cast<float>(std::cos(k * kUnit));
        sine[k] = static_cast<float>(std::sin(k * kUnit));
    }
}

const TurnTable kTurns;

}  // namespace matcher::fingerprint

// Sines and cosines of direction differences, from tables made once.
#pragma once

namespace matcher::fingerprint {

struct TurnTable {
    float cosine[512], sine[512];  // of k * 2 pi / 512
    TurnTable();
};
extern const TurnTable kTurns;

// Of `turn` direction units of 2 pi / 256, 0 to 255.
inline float turn_cosine(int turn) { return kTurns.cosine[2 * turn]; }
inline float turn_sine(int turn) { return kTurns.sine[2 * turn]; }
// Of half that angle.
inline float half_turn_cosine(int turn) { return kTurns.cosine[turn]; }
inline float half_turn_sine(int turn) { return kTurns.sine[turn]; }

}  // namespace matcher::fingerprint

// Votes of one row that agree on one motion of the print.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/agreement.h"
#include "matcher/fingerprint_support.h"

namespace matcher::fingerprint {

// A vote that joins minutia `voter` of the probe with a posting, whose place comes along.
struct Vote {
    std::uint32_t posting;
    std::uint16_t row;
    std::uint8_t voter, weight;
    std::uint8_t x, y, direction;

    // The strongest votes come first; of equal ones the order is one that storage does not change.
    std::uint64_t strength() const {
        const std::uint64_t place = std::uint64_t{x} << 16 | std::uint64_t{y} << 8 | direction;
        return std::uint64_t{weight} << 32 | std::uint64_t{voter} << 24 | place;
    }
};

struct Turns {
    std::int32_t cosine[256], sine[256];

    Turns() {
        const double unit = 2.0 * 3.14159265358979323846 / 256;
        for (int d = 0; d < 256; ++d) {
            cosine[d] = static_cast<std::int32_t>(std::lrint(std::cos(d * unit) * (1 << kFine)));
            sine[d] = static_cast<std::int32_t>(std::lrint(std::sin(d * unit) * (1 << kFine)));
        }
    }
};

inline const Turns& turns() {
    static const Turns made;
    return made;
}

// The best that the votes of one row come to together.
class Supporter {
  public:
    explicit Supporter(const std::uint8_t* probe_places) : probe_places_(probe_places) {}

    std::uint32_t of(const Vote* votes, std::size_t count) {
        join(votes, count);
        std::uint64_t strongest[kMotions];
        std::size_t which[kMotions], held = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const std::uint64_t own = votes[k].strength();
            if (held == kMotions && strongest[kMotions - 1] >= own) continue;
            std::size_t at = held;
            while (at > 0 && strongest[at - 1] < own) --at;
            held = std::min<std::size_t>(held + 1, kMotions);
            for (std::size_t n = held - 1; n > at; --n) {
                strongest[n] = strongest[n - 1];
                which[n] = which[n - 1];
            }
            strongest[at] = own;
            which[at] = k;
        }
        std::uint32_t best = 0;
        for (std::size_t n = 0; n < held; ++n) {
            agree_(joined(count), motion(which[n]), bits_.data());
            best = std::max(best, agreeing(votes, count));
        }
        return best;
    }

  private:
    enum Column { kOwnX, kOwnY, kOwnDirection, kItsX, kItsY, kItsDirection, kColumns };

    void join(const Vote* votes, std::size_t count) {
        stride_ = static_cast<std::size_t>(matcher::kernels::blocks_for(static_cast<int>(count))) *
                  matcher::kernels::kLanes;
        // One vector more than needed, so that the first column begins at a multiple of its size.
        if (columns_.size() < kColumns * stride_ + matcher::kernels::kLanes) {
            columns_.resize(kColumns * stride_ + matcher::kernels::kLanes);
        }
        bits_.resize(stride_ / matcher::kernels::kLanes);
        for (std::size_t k = 0; k < count; ++k) {
            const std::uint8_t* its = probe_places_ + std::size_t{votes[k].voter} * kPlaceBytes;
            column(kOwnX)[k] = votes[k].x;
            column(kOwnY)[k] = votes[k].y;
            column(kOwnDirection)[k] = votes[k].direction;
            column(kItsX)[k] = its[0];
            column(kItsY)[k] = its[1];
            column(kItsDirection)[k] = its[2];
        }
    }

    std::int32_t* column(Column which) {
        constexpr std::uintptr_t kVector = 64;
        const auto begin = reinterpret_cast<std::uintptr_t>(columns_.data());
        const std::uintptr_t skipped = (kVector - begin % kVector) % kVector / sizeof(std::int32_t);
        return columns_.data() + skipped + which * stride_;
    }

    kernels::Joined joined(std::size_t count) {
        return {column(kOwnX),         column(kOwnY), column(kOwnDirection), column(kItsX), column(kItsY),
                column(kItsDirection), count};
    }

    kernels::Motion motion(std::size_t k) {
        const std::int32_t turn = (column(kItsDirection)[k] - column(kOwnDirection)[k]) & 255;
        return {column(kOwnX)[k],     column(kOwnY)[k],  column(kItsX)[k], column(kItsY)[k], turn,
                turns().cosine[turn], turns().sine[turn]};
    }

    // The votes whose bits are set: the best once for each voter, and for each posting; the lesser counts.
    std::uint32_t agreeing(const Vote* votes, std::size_t count) {
        std::uint32_t by_voter = 0, by_posting = 0, here = 0;
        std::int64_t posting = -1;
        each(count, [&](std::size_t k) {
            const Vote& vote = votes[k];
            if (vote.posting != posting) {
                by_posting += here;
                here = 0;
                posting = vote.posting;
            }
            here = std::max<std::uint32_t>(here, vote.weight);
            if (vote.weight > best_[vote.voter]) {
                by_voter += vote.weight - std::uint32_t{best_[vote.voter]};
                best_[vote.voter] = vote.weight;
            }
        });
        each(count, [&](std::size_t k) { best_[votes[k].voter] = 0; });
        return std::min(by_voter, by_posting + here);
    }

    template <class Work>
    void each(std::size_t count, const Work& work) const {
        constexpr std::size_t kLanes = matcher::kernels::kLanes;
        for (std::size_t first = 0; first < count; first += kLanes) {
            for (unsigned bits = bits_[first / kLanes]; bits != 0; bits &= bits - 1) {
                work(first + static_cast<std::size_t>(__builtin_ctz(bits)));
            }
        }
    }

    const std::uint8_t* probe_places_;
    const kernels::Agree agree_ = kernels::agree_for(simd_level());
    std::vector<std::int32_t> columns_;
    std::vector<std::uint16_t> bits_;
    std::size_t stride_ = 0;
    std::uint8_t best_[kMaxVoters] = {};
};

}  // namespace matcher::fingerprint

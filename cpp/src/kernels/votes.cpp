#include "kernels/votes.h"

#include <algorithm>

#define MATCHER_BODY "kernels/votes_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {
namespace {

bool stands_in(const Chosen& chosen, std::size_t posting) {
    const unsigned list = chosen.lists[posting];
    return (chosen.words[list / 64] >> (list % 64) & 1) != 0;
}

}  // namespace

Votes votes_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::near, avx512::marked};
    if (level == SimdLevel::avx2) return {avx2::near, avx2::marked};
#endif
    (void)level;
    return {scalar::near, scalar::marked};
}

void scan(const Votes& kernels, const List& list, const Voter& voter, const Chosen* chosen, const List* next,
          std::uint32_t* states) {
    Near near;
    const std::uint32_t mark = voter.number << kVoterShift;
    for (std::size_t first = 0; first < list.count; first += kChunk) {
        const std::size_t count = std::min(kChunk, list.count - first);
        const List part{list.codes + first, list.stride, list.rows + first, count};
        const bool more = next != nullptr && first < next->count;
        const List ahead =
            more ? List{next->codes + first, next->stride, next->rows + first, next->count - first} : List{};
        const std::size_t found = kernels.near(part, count, voter, more ? &ahead : nullptr, near);
        for (std::size_t k = 0; k < found; ++k) {
            const std::size_t place = near.places[k];
            if (chosen != nullptr && !stands_in(*chosen, first + place)) continue;
            const std::uint32_t weight = voter.weights[near.sums[k]];
            std::uint32_t& state = states[part.rows[place]];
            const std::uint32_t old = state;
            const std::uint32_t held = (old >> kVoterShift & 0xff) == voter.number ? old >> kVoteShift : 0;
            const std::uint32_t voted = ((old & kSumMask) + weight - held) | mark | weight << kVoteShift;
            // Without a branch: which postings are better than those before them is chance.
            state = weight > held ? voted : old;
        }
    }
}

}  // namespace matcher::fingerprint::kernels

#include "matcher/fingerprint_support.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "fingerprint_motion.h"
#include "kernels/votes.h"

namespace matcher::fingerprint {
namespace {

using kernels::kChunk;

constexpr std::size_t kListNumbers = 65536;

// Which voters look into a list.
struct Voters {
    std::uint64_t low = 0, high = 0;

    bool any() const { return (low | high) != 0; }
};

std::vector<Voters> voters_by_list(const VoteProbe& probe, std::size_t lists) {
    std::vector<Voters> by_list(lists);
    for (int i = 0; i < probe.voters; ++i) {
        for (int p = 0; p < probe.probed; ++p) {
            const auto l = static_cast<std::size_t>(probe.lists[i * probe.probed + p]);
            if (l >= lists) throw std::out_of_range("lists: expected numbers below " + std::to_string(lists));
            (i < 64 ? by_list[l].low : by_list[l].high) |= std::uint64_t{1} << (i % 64);
        }
    }
    return by_list;
}

// Marks of the chosen rows of a segment, by row; false where there is none.
bool mark(const RowTable& table, const ChosenRows& chosen, std::vector<std::uint32_t>& marks) {
    marks.assign(kSegmentRows / 32, 0);
    std::uint32_t any = 0;
    for (std::size_t r = 0; r < table.rows; ++r) {
        const auto number = static_cast<std::uint32_t>(table.numbers[r]);
        if (number / 64 >= chosen.words) continue;
        const std::uint32_t bit = chosen.bits[number / 64] >> (number % 64) & 1;
        marks[r / 32] |= bit << (r % 32);
        any |= bit;
    }
    return any != 0;
}

// At most kChunk postings of one list, and which of them are of chosen rows.
struct Part {
    const std::uint8_t* codes = nullptr;  // byte b of the code at j is codes[b * stride + j]
    std::size_t stride = 0;
    const std::uint16_t* rows = nullptr;
    std::size_t first = 0;  // number of the posting at 0
    const Voters* voters = nullptr;
    std::size_t found = 0;
    std::vector<std::uint16_t> chosen = std::vector<std::uint16_t>(kChunk + matcher::kernels::kLanes);
};

// The votes for chosen rows.
class Gathered {
  public:
    Gathered(const VoteProbe& probe, const std::uint8_t* places)
        : probe_(probe), places_(places), codes_(kCodeBytes * kChunk + kOverread) {}

    // Takes the votes for the chosen postings of a part.
    void take(const Part& part) {
        if (part.found == 0) return;
        for (std::size_t b = 0; b < kCodeBytes; ++b) {
            const std::uint8_t* from = part.codes + b * part.stride;
            std::uint8_t* to = codes_.data() + b * kChunk;
            for (std::size_t k = 0; k < part.found; ++k) to[k] = from[part.chosen[k]];
        }
        found_.clear();
        take(part.voters->low, 0, part.found);
        take(part.voters->high, 64, part.found);
        append(part);
    }

    // Votes by row, those of a posting side by side: votes[first[r]:first[r + 1]].
    void sort(std::size_t rows) {
        first.assign(rows + 1, 0);
        for (const Vote& vote : votes) ++first[vote.row + std::size_t{1}];
        for (std::size_t r = 0; r < rows; ++r) first[r + 1] += first[r];
        std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
        std::vector<Vote> sorted(votes.size());
        for (const Vote& vote : votes) sorted[next[vote.row]++] = vote;
        votes.swap(sorted);
    }

    std::vector<Vote> votes;
    std::vector<std::uint32_t> first;

  private:
    struct Found {
        std::uint16_t place;
        std::uint8_t voter, weight;
    };

    void take(std::uint64_t voters, int offset, std::size_t count) {
        for (; voters != 0; voters &= voters - 1) {
            const int i = offset + __builtin_ctzll(voters);
            const kernels::Voter voter{probe_.tables + static_cast<std::size_t>(i) * kTableBytes,
                                       probe_.weights, probe_.bases[i], 254, 1};
            const std::size_t near =
                kernels_.near({codes_.data(), kChunk, nullptr, count}, count, voter, nullptr, near_);
            for (std::size_t k = 0; k < near; ++k) {
                const std::uint8_t weight = probe_.weights[near_.sums[k]];
                if (weight > 0) found_.push_back({near_.places[k], static_cast<std::uint8_t>(i), weight});
            }
        }
    }

    // Adds what was found, by posting, then by voter.
    void append(const Part& part) {
        const std::size_t count = part.found;
        begins_.assign(count + 1, 0);
        for (const Found& one : found_) ++begins_[one.place + std::size_t{1}];
        for (std::size_t k = 0; k < count; ++k) begins_[k + 1] += begins_[k];
        const std::size_t before = votes.size();
        votes.resize(before + found_.size());
        for (const Found& one : found_) {
            const std::size_t j = part.chosen[one.place], posting = part.first + j;
            const std::uint8_t* at = places_ + posting * kPlaceBytes;
            votes[before + begins_[one.place]++] = {static_cast<std::uint32_t>(posting),
                                                    part.rows[j],
                                                    one.voter,
                                                    one.weight,
                                                    at[0],
                                                    at[1],
                                                    at[2]};
        }
    }

    const VoteProbe& probe_;
    const std::uint8_t* places_;
    const kernels::Votes kernels_ = kernels::votes_for(simd_level());
    std::vector<std::uint8_t> codes_;
    std::vector<Found> found_;
    std::vector<std::uint32_t> begins_;
    kernels::Near near_;
};

void publish(Gathered& gathered, const std::uint8_t* probe_places, const RowTable& table, std::uint16_t* out,
             std::size_t out_size) {
    gathered.sort(table.rows);
    Supporter supporter(probe_places);
    for (std::size_t r = 0; r < table.rows; ++r) {
        const std::size_t first = gathered.first[r], count = gathered.first[r + 1] - first;
        if (count == 0) continue;
        const auto number = static_cast<std::uint32_t>(table.numbers[r]);
        if (number >= out_size) throw std::out_of_range("numbers: expected rows within the votes");
        const std::uint32_t sum = supporter.of(gathered.votes.data() + first, count);
        const std::uint32_t votes = sum * table.factors[table.minutiae[r]] >> kFactorShift;
        out[number] = static_cast<std::uint16_t>(std::min<std::uint32_t>(votes, 65535));
    }
}

}  // namespace

void support(const VoteProbe& probe, const std::uint8_t* probe_places, const Postings& postings,
             const std::uint8_t* places, const RowTable& table, const ChosenRows& chosen, std::uint16_t* out,
             std::size_t out_size) {
    check_offsets(postings);
    const std::vector<Voters> by_list = voters_by_list(probe, postings.lists);
    std::vector<std::uint32_t> marks;
    if (!mark(table, chosen, marks)) return;
    const kernels::Votes level = kernels::votes_for(simd_level());
    Gathered gathered(probe, places);
    // One part of a list ahead: chosen postings lie far apart, and are asked for before they are needed.
    Part parts[2];
    Part *here = &parts[0], *ahead = &parts[1];
    for (std::size_t l = 0; l < postings.lists; ++l) {
        if (!by_list[l].any()) continue;
        const std::size_t begin = postings.offsets[l], count = postings.offsets[l + 1] - begin;
        for (std::size_t at = 0; at < count; at += kChunk) {
            *ahead = {postings.codes + kCodeBytes * begin + at,
                      count,
                      postings.rows + begin + at,
                      begin + at,
                      &by_list[l],
                      0,
                      std::move(ahead->chosen)};
            ahead->found =
                level.marked(ahead->rows, std::min(kChunk, count - at), marks.data(), ahead->chosen.data());
            if (ahead->found == 0) continue;
            for (std::size_t k = 0; k < ahead->found; ++k) {
                const std::size_t j = ahead->chosen[k];
                for (std::size_t b = 0; b < kCodeBytes; ++b) __builtin_prefetch(ahead->codes + b * count + j);
                __builtin_prefetch(places + (ahead->first + j) * kPlaceBytes);
            }
            gathered.take(*here);
            std::swap(here, ahead);
        }
    }
    gathered.take(*here);
    publish(gathered, probe_places, table, out, out_size);
}

void support(const VoteProbe& probe, const std::uint8_t* probe_places, const TailPostings& postings,
             const std::uint8_t* places, const RowTable& table, const ChosenRows& chosen, std::uint16_t* out,
             std::size_t out_size) {
    const std::vector<Voters> by_list = voters_by_list(probe, kListNumbers);
    std::vector<std::uint32_t> marks;
    if (!mark(table, chosen, marks)) return;
    Gathered gathered(probe, places);
    Part part;
    part.stride = postings.stride;
    part.found = 1;  // at 0
    for (std::size_t j = 0; j < postings.count; ++j) {
        const std::uint16_t row = postings.rows[j];
        if ((marks[row / 32] >> (row % 32) & 1) == 0) continue;
        part.codes = postings.codes + j;
        part.rows = postings.rows + j;
        part.first = j;
        part.voters = &by_list[postings.lists[j]];
        gathered.take(part);
    }
    publish(gathered, probe_places, table, out, out_size);
}

}  // namespace matcher::fingerprint

#include "matcher/fingerprint_support.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace matcher::fingerprint {
namespace {

constexpr int kFine = 14;  // fraction bits of a cosine
constexpr std::size_t kListNumbers = 65536;

// A vote that joins minutia `voter` of the probe with a posting.
struct Vote {
    std::uint32_t posting;
    std::uint16_t row;
    std::uint8_t voter;
    std::uint8_t weight;
};

// Which voters look into a list.
struct Voters {
    std::uint64_t low = 0, high = 0;
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

const Turns& turns() {
    static const Turns made;
    return made;
}

std::int32_t apart(std::uint8_t one, std::uint8_t other) { return static_cast<std::int8_t>(one - other); }

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
bool mark(const RowTable& table, const ChosenRows& chosen, std::vector<std::uint64_t>& marks) {
    marks.assign(kSegmentRows / 64, 0);
    bool any = false;
    for (std::size_t r = 0; r < table.rows; ++r) {
        const auto number = static_cast<std::uint32_t>(table.numbers[r]);
        if (number / 64 >= chosen.words || (chosen.bits[number / 64] >> (number % 64) & 1) == 0) continue;
        marks[r / 64] |= std::uint64_t{1} << (r % 64);
        any = true;
    }
    return any;
}

class Gathered {
  public:
    explicit Gathered(const VoteProbe& probe) : probe_(probe) {}

    // Takes the votes of some voters for a posting, whose code's bytes stand `stride` apart.
    void take(const std::uint8_t* code, std::size_t stride, std::uint32_t posting, std::uint16_t row,
              const Voters& voters) {
        std::uint8_t parts[kCodeParts];
        for (std::size_t b = 0; b < kCodeBytes; ++b) {
            parts[2 * b] = code[b * stride] & 15;
            parts[2 * b + 1] = code[b * stride] >> 4;
        }
        take(parts, posting, row, voters.low, 0);
        take(parts, posting, row, voters.high, 64);
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
    void take(const std::uint8_t* parts, std::uint32_t posting, std::uint16_t row, std::uint64_t voters,
              int offset) {
        for (; voters != 0; voters &= voters - 1) {
            const int i = offset + __builtin_ctzll(voters);
            const std::uint8_t* table = probe_.tables + static_cast<std::size_t>(i) * kTableBytes;
            unsigned sum = probe_.bases[i];
            for (int p = 0; p < kCodeParts; ++p) sum += table[p * kPartCentres + parts[p]];
            const std::uint8_t weight = probe_.weights[std::min(sum, 255U)];
            if (weight > 0) votes.push_back({posting, row, static_cast<std::uint8_t>(i), weight});
        }
    }

    const VoteProbe& probe_;
};

// The strongest votes come first; of equal ones the order is one that storage does not change.
std::uint64_t strength(const Vote& vote, const std::uint8_t* places) {
    const std::uint8_t* at = places + std::size_t{vote.posting} * kPlaceBytes;
    const std::uint64_t key = std::uint64_t{vote.weight} << 32 | std::uint64_t{vote.voter} << 24;
    return key | std::uint64_t{at[0]} << 16 | std::uint64_t{at[1]} << 8 | at[2];
}

// The votes of a row that agree with the motion of one of them.
std::uint32_t agreeing(const Vote* votes, std::size_t count, const Vote& motion,
                       const std::uint8_t* probe_places, const std::uint8_t* places) {
    const std::uint8_t* from = places + std::size_t{motion.posting} * kPlaceBytes;
    const std::uint8_t* to = probe_places + std::size_t{motion.voter} * kPlaceBytes;
    const auto turn = static_cast<std::uint8_t>(to[2] - from[2]);
    const std::int32_t cosine = turns().cosine[turn], sine = turns().sine[turn];
    std::uint8_t best[kMaxVoters] = {};
    std::uint32_t by_posting = 0, here = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const Vote& vote = votes[k];
        if (k > 0 && vote.posting != votes[k - 1].posting) {
            by_posting += here;
            here = 0;
        }
        const std::uint8_t* own = places + std::size_t{vote.posting} * kPlaceBytes;
        const std::uint8_t* its = probe_places + std::size_t{vote.voter} * kPlaceBytes;
        const auto off = static_cast<std::uint8_t>(its[2] - own[2]);
        if (std::abs(apart(off, turn)) > kRotationSlack) continue;
        // y points down, and directions turn counter-clockwise as seen.
        const std::int32_t dx = apart(own[0], from[0]), dy = apart(own[1], from[1]);
        const std::int32_t ex = cosine * dx + sine * dy - (apart(its[0], to[0]) * (1 << kFine));
        const std::int32_t ey = cosine * dy - sine * dx - (apart(its[1], to[1]) * (1 << kFine));
        const std::int32_t slack = (kShiftSlack << kFine) + kStretch * std::max(std::abs(dx), std::abs(dy));
        if (std::max(std::abs(ex), std::abs(ey)) > slack) continue;
        best[vote.voter] = std::max(best[vote.voter], vote.weight);
        here = std::max<std::uint32_t>(here, vote.weight);
    }
    by_posting += here;
    std::uint32_t by_voter = 0;
    for (const std::uint8_t weight : best) by_voter += weight;
    return std::min(by_voter, by_posting);
}

std::uint32_t support_of(const Vote* votes, std::size_t count, const std::uint8_t* probe_places,
                         const std::uint8_t* places) {
    std::uint64_t strongest[kMotions];
    std::uint32_t which[kMotions];
    std::size_t held = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const std::uint64_t own = strength(votes[k], places);
        std::size_t at = held;
        while (at > 0 && strongest[at - 1] < own) --at;
        if (at == kMotions) continue;
        held = std::min<std::size_t>(held + 1, kMotions);
        for (std::size_t n = held - 1; n > at; --n) {
            strongest[n] = strongest[n - 1];
            which[n] = which[n - 1];
        }
        strongest[at] = own;
        which[at] = static_cast<std::uint32_t>(k);
    }
    std::uint32_t best = 0;
    for (std::size_t n = 0; n < held; ++n) {
        best = std::max(best, agreeing(votes, count, votes[which[n]], probe_places, places));
    }
    return best;
}

void publish(Gathered& gathered, const std::uint8_t* probe_places, const std::uint8_t* places,
             const RowTable& table, std::uint16_t* out, std::size_t out_size) {
    gathered.sort(table.rows);
    for (std::size_t r = 0; r < table.rows; ++r) {
        const std::size_t first = gathered.first[r], count = gathered.first[r + 1] - first;
        if (count == 0) continue;
        const auto number = static_cast<std::uint32_t>(table.numbers[r]);
        if (number >= out_size) throw std::out_of_range("numbers: expected rows within the votes");
        const std::uint32_t sum = support_of(gathered.votes.data() + first, count, probe_places, places);
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
    std::vector<std::uint64_t> marks;
    if (!mark(table, chosen, marks)) return;
    Gathered gathered(probe);
    for (std::size_t l = 0; l < postings.lists; ++l) {
        if ((by_list[l].low | by_list[l].high) == 0) continue;
        const std::size_t first = postings.offsets[l], count = postings.offsets[l + 1] - first;
        const std::uint16_t* rows = postings.rows + first;
        for (std::size_t j = 0; j < count; ++j) {
            if ((marks[rows[j] / 64] >> (rows[j] % 64) & 1) == 0) continue;
            gathered.take(postings.codes + kCodeBytes * first + j, count,
                          static_cast<std::uint32_t>(first + j), rows[j], by_list[l]);
        }
    }
    publish(gathered, probe_places, places, table, out, out_size);
}

void support(const VoteProbe& probe, const std::uint8_t* probe_places, const TailPostings& postings,
             const std::uint8_t* places, const RowTable& table, const ChosenRows& chosen, std::uint16_t* out,
             std::size_t out_size) {
    const std::vector<Voters> by_list = voters_by_list(probe, kListNumbers);
    std::vector<std::uint64_t> marks;
    if (!mark(table, chosen, marks)) return;
    Gathered gathered(probe);
    for (std::size_t j = 0; j < postings.count; ++j) {
        const std::uint16_t row = postings.rows[j];
        if ((marks[row / 64] >> (row % 64) & 1) == 0) continue;
        gathered.take(postings.codes + j, postings.stride, static_cast<std::uint32_t>(j), row,
                      by_list[postings.lists[j]]);
    }
    publish(gathered, probe_places, places, table, out, out_size);
}

}  // namespace matcher::fingerprint

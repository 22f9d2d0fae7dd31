#include "matcher/fingerprint_votes.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/votes.h"

namespace matcher::fingerprint {
namespace {

using kernels::List;
using kernels::Voter;

constexpr std::size_t kListWords = 65536 / 64;  // lists are numbered by 16 bits

// One state for each row of a segment, kept by the thread: a search visits dozens of segments.
std::uint32_t* cleared_states() {
    thread_local std::vector<std::uint32_t> states(kSegmentRows);
    std::fill(states.begin(), states.end(), 0);
    return states.data();
}

std::uint8_t limit_of(const std::uint8_t* weights) {
    int limit = 254;
    while (limit > 0 && weights[limit] == 0) --limit;
    return static_cast<std::uint8_t>(limit);
}

Voter voter_at(const VoteProbe& probe, int i, std::uint8_t limit) {
    return {probe.tables + static_cast<std::size_t>(i) * kTableBytes, probe.weights, probe.bases[i], limit,
            static_cast<std::uint32_t>(i + 1)};
}

List list_at(const Postings& postings, std::int32_t number) {
    const auto l = static_cast<std::size_t>(number);
    if (l >= postings.lists) {
        throw std::out_of_range("lists: expected numbers below " + std::to_string(postings.lists));
    }
    const std::size_t first = postings.offsets[l], count = postings.offsets[l + 1] - first;
    return {postings.codes + kCodeBytes * first, count, postings.rows + first, count};
}

void publish(const std::uint32_t* states, const RowTable& table, std::uint16_t* out, std::size_t out_size) {
    for (std::size_t r = 0; r < table.rows; ++r) {
        const auto number = static_cast<std::uint32_t>(table.numbers[r]);
        if (number >= out_size) throw std::out_of_range("numbers: expected rows within the votes");
        const std::uint32_t sum = states[r] & kernels::kSumMask;
        const std::uint32_t votes = sum * table.factors[table.minutiae[r]] >> kFactorShift;
        out[number] = static_cast<std::uint16_t>(std::min<std::uint32_t>(votes, 65535));
    }
}

}  // namespace

void check_offsets(const Postings& postings) {
    for (std::size_t l = 0; l < postings.lists; ++l) {
        if (postings.offsets[l] > postings.offsets[l + 1]) {
            throw std::out_of_range("offsets: expected ascending numbers");
        }
    }
}

void vote(const VoteProbe& probe, const Postings& postings, const RowTable& table, std::uint16_t* out,
          std::size_t out_size) {
    check_offsets(postings);
    const kernels::Votes level = kernels::votes_for(simd_level());
    const std::uint8_t limit = limit_of(probe.weights);
    std::uint32_t* states = cleared_states();
    const int looks = probe.voters * probe.probed;
    List list = looks == 0 ? List{} : list_at(postings, probe.lists[0]);
    for (int look = 0; look < looks; ++look) {
        const bool last = look + 1 == looks;
        const List next = last ? List{} : list_at(postings, probe.lists[look + 1]);
        scan(level, list, voter_at(probe, look / probe.probed, limit), nullptr, last ? nullptr : &next,
             states);
        list = next;
    }
    publish(states, table, out, out_size);
}

void vote(const VoteProbe& probe, const TailPostings& postings, const RowTable& table, std::uint16_t* out,
          std::size_t out_size) {
    const kernels::Votes level = kernels::votes_for(simd_level());
    const std::uint8_t limit = limit_of(probe.weights);
    std::uint32_t* states = cleared_states();
    const List all{postings.codes, postings.stride, postings.rows, postings.count};
    std::vector<std::uint64_t> words(kListWords);
    const kernels::Chosen chosen{postings.lists, words.data()};
    for (int i = 0; i < probe.voters; ++i) {
        std::fill(words.begin(), words.end(), 0);
        for (int p = 0; p < probe.probed; ++p) {
            const auto l = static_cast<std::uint32_t>(probe.lists[i * probe.probed + p]);
            if (l / 64 >= kListWords) throw std::out_of_range("lists: expected numbers below 65536");
            words[l / 64] |= std::uint64_t{1} << (l % 64);
        }
        scan(level, all, voter_at(probe, i, limit), &chosen, nullptr, states);
    }
    publish(states, table, out, out_size);
}

void add_votes(const RowVotes& rows, std::uint16_t* totals, std::size_t count) {
    const auto counted = [&rows](std::size_t r) -> unsigned {
        const bool in = rows.allowed == nullptr || (rows.allowed[r / 64] >> (r % 64) & 1) != 0;
        return in && rows.alive[r] != 0 ? rows.votes[r] : 0;
    };
    const auto add = [totals](std::size_t place, unsigned votes) {
        totals[place] = static_cast<std::uint16_t>(std::min(totals[place] + votes, 65535U));
    };
    if (rows.owners == nullptr) {
        if (rows.rows > count) throw std::out_of_range("totals: expected one for each row");
        for (std::size_t r = 0; r < rows.rows; ++r) add(r, counted(r));
        return;
    }
    std::vector<std::uint16_t> best(count);
    for (std::size_t r = 0; r < rows.rows; ++r) {
        if (rows.owners[r] < 0) continue;
        const auto owner = static_cast<std::size_t>(rows.owners[r]);
        if (owner >= count) throw std::out_of_range("owners: expected numbers below the number of totals");
        best[owner] = static_cast<std::uint16_t>(std::max<unsigned>(best[owner], counted(r)));
    }
    for (std::size_t s = 0; s < count; ++s) add(s, best[s]);
}

std::vector<std::pair<std::int32_t, std::uint16_t>> most_votes(const std::uint16_t* totals, std::size_t count,
                                                               std::size_t most) {
    std::vector<std::uint32_t> histogram(65536);
    for (std::size_t s = 0; s < count; ++s) ++histogram[totals[s]];
    // The lowest total that still belongs to the `most`, and how many of those that have it do.
    std::size_t above = 0;
    unsigned least = 65535;
    while (least > 1 && above + histogram[least] < most) above += histogram[least--];
    std::size_t equal = std::min<std::size_t>(histogram[least], most > above ? most - above : 0);
    std::vector<std::pair<std::int32_t, std::uint16_t>> found;
    found.reserve(above + equal);
    for (std::size_t s = 0; s < count; ++s) {
        if (totals[s] < least) continue;
        if (totals[s] == least) {
            if (equal == 0) continue;
            --equal;
        }
        found.emplace_back(static_cast<std::int32_t>(s), totals[s]);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& one, const auto& other) { return one.second > other.second; });
    return found;
}

}  // namespace matcher::fingerprint

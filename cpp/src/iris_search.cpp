// Coarse to fine, chunk by chunk: a chunk's first blocks are gathered once and serve every probe. Rows that
// are not let in (right eyes where a left one is searched) take no lane.
#include "matcher/iris_search.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "iris_hits.h"
#include "iris_pool.h"
#include "iris_search_probe.h"
#include "kernels/iris_coarse.h"
#include "kernels/iris_counts.h"
#include "matcher/simd.h"

namespace matcher::iris {
namespace {

using kernels::kGroup;
using kernels::kTurnLanes;

// Rows of a chunk: gathered blocks of 35 kB stay in the first cache, records of 128 kB in the second.
constexpr std::size_t kChunkRows = 256;
constexpr std::size_t kChunkGroups = kChunkRows / kGroup;

// Chunks a thread takes at once.
constexpr std::size_t kTaskChunks = 8;

// Groups of records that are asked for ahead of their use.
constexpr std::size_t kAhead = 4;

constexpr int kMinimum = kSearchBits / kMinimumShare;

// Rows of a chunk that are let in.
struct Listed {
    std::size_t first = ~std::size_t{0};  // none yet
    std::size_t count = 0;
    std::uint8_t active[kChunkGroups] = {};  // a bit a row, little-endian as the bitmap
    const std::uint64_t* records[kChunkRows];
};

class Searcher {
  public:
    Searcher(const Query& query, const std::vector<SearchProbe>& probes)
        : query_(query),
          probes_(probes),
          comparison_(kernels::comparison_for(simd_level())),
          coarse_(kernels::coarse_for(simd_level())),
          first_turn_(kReach - query.reach),
          last_turn_(kReach + query.reach + 1),
          near_raw_(query.strictness.near_share * query.strictness.reliable_raw),
          hits_(probes.size()) {}

    // Rows first to first + kChunkRows - 1, of those that the query lets in.
    void chunk(std::size_t first) {
        std::swap(own_, next_);
        if (own_.first != first) list(first, own_);
        list(first + kChunkRows, next_);
        if (own_.count == 0) return;
        work_.pairs += probes_.size() * own_.count;
        if (query_.strictness.exhaustive) {
            for (std::size_t p = 0; p < probes_.size(); ++p) {
                query_.reach == 0 ? upright(p) : exhaustive(p);
            }
            return;
        }
        gather();
        for (std::size_t p = 0; p < probes_.size(); ++p) screen(p);
    }

    const std::vector<Hits>& hits() const { return hits_; }
    const Work& work() const { return work_; }

  private:
    const std::uint64_t* record(std::size_t row) const { return query_.records + row * kSearchWords; }

    // Which rows of a chunk are let in.
    void list(std::size_t first, Listed& out) const {
        out.first = first;
        out.count = 0;
        for (std::size_t w = 0; w < kChunkRows / 64; ++w) {
            const std::size_t row = first + 64 * w;
            std::uint64_t in = 0;
            if (row < query_.end && row + 64 > query_.begin) {
                in = query_.bitmap == nullptr ? ~std::uint64_t{0} : query_.bitmap[row / 64];
                if (row < query_.begin) in &= ~std::uint64_t{0} << (query_.begin - row);
                if (row + 64 > query_.end) in &= ~std::uint64_t{0} >> (row + 64 - query_.end);
            }
            for (std::size_t g = 0; g < 8; ++g) {
                out.active[8 * w + g] = static_cast<std::uint8_t>(in >> (8 * g));
            }
            for (; in != 0; in &= in - 1) {
                out.records[out.count++] = record(row + static_cast<std::size_t>(__builtin_ctzll(in)));
            }
        }
    }

    void gather() {
        for (std::size_t r = 0; r < own_.count; r += kGroup) {
            const std::size_t ahead = r + kAhead * kGroup;
            for (std::size_t a = ahead; a < ahead + kGroup; ++a) {
                const std::size_t beyond = a - std::min(a, own_.count);
                if (a >= own_.count && beyond >= next_.count) break;
                const std::uint64_t* words = a < own_.count ? own_.records[a] : next_.records[beyond];
                __builtin_prefetch(words);
                __builtin_prefetch(words + kBlockWords);
            }
            coarse_.gather(own_.records + r, lanes(r), groups_[r / kGroup]);
        }
    }

    // Rows of the group that begins with the r-th of those let in.
    int lanes(std::size_t r) const { return static_cast<int>(std::min<std::size_t>(kGroup, own_.count - r)); }

    void screen(std::size_t p) {
        kernels::Passed passed;
        single_count_ = 0;
        for (std::size_t r = 0; r < own_.count; r += kGroup) {
            const auto active = static_cast<std::uint8_t>((1U << lanes(r)) - 1);
            coarse_.screen(probes_[p].coarse, groups_[r / kGroup], active, passed);
            if (passed.any != 0) take(own_.records + r, passed);
        }
        work_.turns_passed += single_count_;
        refine(p);
    }

    void take(const std::uint64_t* const* records, const kernels::Passed& passed) {
        for (unsigned any = passed.any; any != 0; any &= any - 1) {
            const std::uint64_t* words = records[__builtin_ctz(any)];
            // The rest of the record, by cache lines: needed in a microsecond.
            for (int w = 2 * kBlockWords; w < kSearchWords; w += 8) __builtin_prefetch(words + w);
        }
        for (int turn = 0; turn < kernels::kCoarseTurns; ++turn) {
            const int at = turn * kernels::kTurnStep;
            if (at + 1 < first_turn_ || at > last_turn_) continue;
            for (unsigned bits = passed.turns[turn]; bits != 0; bits &= bits - 1) {
                // Written where it stays: a copy would wait for its two halves.
                kernels::Single& single = singles_[single_count_++];
                single.record = records[__builtin_ctz(bits)];
                single.turn = at;
            }
        }
    }

    void refine(std::size_t p) {
        alignas(64) float raw[kTurnLanes];
        std::memset(scored_, 0, sizeof scored_);
        for (std::size_t s = 0; s < single_count_; s += kTurnLanes) {
            const int count = static_cast<int>(std::min<std::size_t>(kTurnLanes, single_count_ - s));
            comparison_.singles(probes_[p].turned, singles_.data() + s, count, counts_);
            comparison_.scores(counts_, kSearchBits, kMinimum, raw);
            for (int lane = 0; lane < count; ++lane) {
                if (raw[lane] < near_raw_) continue;
                const auto row = static_cast<std::size_t>(
                                     singles_[s + static_cast<std::size_t>(lane)].record - query_.records) /
                                 kSearchWords;
                if (scored_[row - own_.first]) continue;
                scored_[row - own_.first] = true;
                score(p, row);
            }
        }
    }

    void score(std::size_t p, std::size_t row) {
        ++work_.scored;
        comparison_.search(probes_[p].turned, record(row), first_turn_, last_turn_, counts_);
        add(p, row, comparison_.best(counts_, kSearchBits, kMinimum).raw);
    }

    void exhaustive(std::size_t p) {
        for (std::size_t g = 0; g < kChunkGroups; ++g) {
            for (unsigned bits = own_.active[g]; bits != 0; bits &= bits - 1) {
                score(p, own_.first + g * kGroup + static_cast<std::size_t>(__builtin_ctz(bits)));
            }
        }
    }

    // One rotation: scores of many candidates at a time.
    void upright(std::size_t p) {
        alignas(64) float raw[kTurnLanes];
        for (std::size_t g = 0; g < kChunkGroups; g += kTurnLanes / kGroup) {
            std::uint32_t active;
            std::memcpy(&active, own_.active + g, sizeof active);
            if (active == 0) continue;
            const std::size_t row = own_.first + g * kGroup;
            const int count = static_cast<int>(std::min<std::size_t>(kTurnLanes, query_.end - row));
            comparison_.upright(probes_[p].turned.records[kReach], record(row), count, counts_);
            comparison_.scores(counts_, kSearchBits, kMinimum, raw);
            work_.scored += static_cast<std::uint64_t>(__builtin_popcount(active));
            // Almost always none: one look at all lanes, without a branch for each.
            int enough = 0;
            for (int lane = 0; lane < kTurnLanes; ++lane) enough += raw[lane] >= query_.least_raw ? 1 : 0;
            if (enough == 0 && query_.least_raw > 0) continue;
            for (int lane = 0; lane < count; ++lane) {
                const float value = std::max(raw[lane], 0.0F);
                if (value < query_.least_raw || (active >> lane & 1U) == 0) continue;
                add(p, row + static_cast<std::size_t>(lane), value);
            }
        }
    }

    void add(std::size_t p, std::size_t row, float raw) {
        if (raw < query_.least_raw) return;
        hits_[p].add({static_cast<std::uint32_t>(p), static_cast<std::int64_t>(row), raw}, query_.most);
    }

    const Query& query_;
    const std::vector<SearchProbe>& probes_;
    const kernels::Comparison comparison_;
    const kernels::Coarse coarse_;
    const int first_turn_, last_turn_;
    const float near_raw_;
    std::vector<Hits> hits_;
    Work work_;

    // Of the chunk at hand.
    Listed own_, next_;
    kernels::CoarseGroup groups_[kChunkGroups];
    std::vector<kernels::Single> singles_ = std::vector<kernels::Single>(kChunkRows * kernels::kCoarseTurns);
    std::size_t single_count_ = 0;
    bool scored_[kChunkRows] = {};
    kernels::Counts counts_;
};

}  // namespace

std::vector<Hit> search(const Query& query, Work* work) {
    if (query.begin >= query.end || query.probe_count == 0) return {};
    std::vector<SearchProbe> probes(query.probe_count);
    for (std::size_t p = 0; p < probes.size(); ++p) {
        prepare_search(query.probes + p * kSearchWords, query.strictness, probes[p]);
    }
    constexpr std::size_t kTaskRows = kTaskChunks * kChunkRows;
    const std::size_t first_task = query.begin / kTaskRows;
    const std::size_t tasks = (query.end - 1) / kTaskRows - first_task + 1;
    std::vector<std::unique_ptr<Searcher>> searchers;
    for (std::size_t w = workers_for(query.threads, tasks); w > 0; --w) {
        searchers.push_back(std::make_unique<Searcher>(query, probes));
    }
    each_chunk(tasks, searchers.size(), [&](std::size_t worker, std::size_t task) {
        const std::size_t first = (first_task + task) * kTaskRows;
        for (std::size_t c = 0; c < kTaskChunks; ++c) searchers[worker]->chunk(first + c * kChunkRows);
    });

    std::vector<Hit> out;
    for (std::size_t p = 0; p < probes.size(); ++p) {
        const std::size_t start = out.size();
        for (const auto& searcher : searchers) {
            const std::vector<Hit>& found = searcher->hits()[p].found();
            out.insert(out.end(), found.begin(), found.end());
        }
        std::sort(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), comes_before);
        if (query.most != 0 && out.size() - start > query.most) out.resize(start + query.most);
    }
    if (work != nullptr) {
        for (const auto& searcher : searchers) {
            work->pairs += searcher->work().pairs;
            work->turns_passed += searcher->work().turns_passed;
            work->scored += searcher->work().scored;
        }
    }
    return out;
}

std::uint64_t read_sum(const std::uint64_t* words, std::size_t count) {
    return kernels::comparison_for(simd_level()).read_sum(words, count);
}

}  // namespace matcher::iris

// One probe against many candidates, on several threads.
#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "matcher/fingerprint.h"
#include "matcher/fingerprint_packed.h"

namespace matcher::fingerprint {
namespace {

// Candidates a thread takes at once: a millisecond of work, so that few are worth several threads, too.
constexpr std::size_t kChunk = 32;

// Most threads a caller gets, whatever it asks for.
constexpr int kMaxThreads = 256;

// `room` holds a packed candidate's resident form.
Resident candidate_at(const Gallery& gallery, std::int64_t row, std::uint64_t* room) {
    const std::int64_t first = gallery.offsets[row], last = gallery.offsets[row + 1];
    if (first < 0 || last < first || static_cast<std::uint64_t>(last) > gallery.word_count) {
        throw std::out_of_range("offsets: expected ascending positions within words, at row " +
                                std::to_string(row));
    }
    const std::uint64_t* words = gallery.words + first;
    const auto size = static_cast<std::size_t>(last - first);
    if (is_packed(words, size)) return open_resident(room, expand(words, size, room));
    return open_resident(words, size);
}

void check_rows(const Gallery& gallery, const std::int64_t* rows, std::size_t count) {
    if (rows == nullptr) return;
    for (std::size_t i = 0; i < count; ++i) {
        if (rows[i] < 0 || static_cast<std::uint64_t>(rows[i]) >= gallery.gallery_count) {
            throw std::out_of_range("rows: expected numbers below the number of candidates, got " +
                                    std::to_string(rows[i]));
        }
    }
}

}  // namespace

void score_many(const Probe& probe, const Gallery& gallery, const std::int64_t* rows, std::size_t count,
                int threads, float* out) {
    check_rows(gallery, rows, count);
    const std::size_t chunks = (count + kChunk - 1) / kChunk;
    const std::size_t asked = static_cast<std::size_t>(std::clamp(threads, 1, kMaxThreads));
    const std::size_t workers = std::max<std::size_t>(1, std::min(asked, chunks));
    std::atomic<std::size_t> next{0};
    std::vector<std::exception_ptr> failures(workers);

    const auto work = [&](std::size_t worker) {
        try {
            std::vector<std::uint64_t> room(kMaxResidentWords);
            for (std::size_t chunk = next++; chunk < chunks; chunk = next++) {
                const std::size_t end = std::min(count, (chunk + 1) * kChunk);
                for (std::size_t i = chunk * kChunk; i < end; ++i) {
                    const std::int64_t row = rows == nullptr ? static_cast<std::int64_t>(i) : rows[i];
                    out[i] = probe.compare(candidate_at(gallery, row, room.data())).raw;
                }
            }
        } catch (...) {
            failures[worker] = std::current_exception();
            next = chunks;
        }
    };

    std::vector<std::thread> pool;
    try {
        for (std::size_t w = 1; w < workers; ++w) pool.emplace_back(work, w);
    } catch (...) {
        // Fewer threads than asked for: the others take over their chunks.
    }
    work(0);
    for (std::thread& thread : pool) thread.join();
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

void score_among(const std::vector<Print>& prints, RepeatLimits limits, float* out) {
    const std::size_t count = prints.size();
    std::vector<Probe> probes;
    std::vector<Resident> candidates;
    for (const Print& print : prints) {
        probes.emplace_back(print.words, print.size);
        candidates.push_back(open_resident(print.words, print.size));
    }
    for (std::size_t i = 0; i < count; ++i) out[i * count + i] = probes[i].compare(candidates[i]).raw;
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = i + 1; j < count; ++j) {
            float raw = probes[i].compare(candidates[j]).raw;
            const float own = std::min(out[i * count + i], out[j * count + j]);
            // The other direction can only lower what decides nothing already.
            if (raw >= limits.least || raw >= limits.share * own) {
                raw = std::min(raw, probes[j].compare(candidates[i]).raw);
            }
            out[i * count + j] = out[j * count + i] = raw;
        }
    }
}

}  // namespace matcher::fingerprint

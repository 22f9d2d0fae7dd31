// One probe against one candidate, and against many.
#include <stdexcept>
#include <string>

#include "iris_pool.h"
#include "iris_turn.h"
#include "kernels/iris_counts.h"
#include "matcher/iris.h"
#include "matcher/simd.h"

namespace matcher::iris {
namespace {

// Candidates a thread takes at once: about a millisecond of work.
constexpr std::size_t kChunk = 1024;

ScoreParts parts_of(const kernels::Comparison& kernel, const kernels::Counts& counts, int bits) {
    const kernels::Best best = kernel.best(counts, bits, bits / kMinimumShare);
    if (best.turn < 0) return {};
    return {best.raw, best.turn - kReach, counts.common[best.turn], counts.differing[best.turn]};
}

}  // namespace

struct Probe::Prepared {
    kernels::Turned turned;
    kernels::Rolled rolled;
    kernels::Comparison kernel;
};

Probe::Probe(const std::uint64_t* words) {
    auto prepared = std::make_unique<Prepared>();
    prepared->kernel = kernels::comparison_for(simd_level());
    turn_search_record(words, prepared->turned);
    roll_full_record(words + kSearchWords, prepared->rolled);
    prepared_ = std::move(prepared);
}

Probe::~Probe() = default;
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;

ScoreParts Probe::compare_full(const std::uint64_t* full_record) const {
    kernels::Counts counts;
    prepared_->kernel.full(prepared_->rolled, full_record, counts);
    return parts_of(prepared_->kernel, counts, kFullBits);
}

ScoreParts Probe::compare_search(const std::uint64_t* search_record) const {
    kernels::Counts counts;
    prepared_->kernel.search(prepared_->turned, search_record, 0, kTurns, counts);
    return parts_of(prepared_->kernel, counts, kSearchBits);
}

void score_many(const Probe& probe, Kind kind, const Records& candidates, int threads, float* out) {
    const std::size_t length = kind == Kind::full ? kFullWords : kSearchWords;
    for (std::size_t i = 0; i < candidates.count; ++i) {
        const std::int64_t place = candidates.places[i];
        if (place < 0 || candidates.word_count < length ||
            static_cast<std::uint64_t>(place) > candidates.word_count - length) {
            throw std::out_of_range("places: expected a whole record within words at " +
                                    std::to_string(place));
        }
    }
    const std::size_t chunks = (candidates.count + kChunk - 1) / kChunk;
    each_chunk(chunks, workers_for(threads, chunks), [&](std::size_t, std::size_t chunk) {
        const std::size_t end = std::min(candidates.count, (chunk + 1) * kChunk);
        for (std::size_t i = chunk * kChunk; i < end; ++i) {
            const std::uint64_t* record = candidates.words + candidates.places[i];
            out[i] = kind == Kind::full ? probe.compare_full(record).raw : probe.compare_search(record).raw;
        }
    });
}

void score_among(const std::vector<const std::uint64_t*>& eyes, float* out) {
    const std::size_t count = eyes.size();
    for (std::size_t i = 0; i < count; ++i) {
        const Probe probe(eyes[i]);
        for (std::size_t j = i; j < count; ++j) {
            // Turning one eye against the other finds the same bits as turning the other against it.
            out[i * count + j] = out[j * count + i] = probe.compare_full(eyes[j] + kSearchWords).raw;
        }
    }
}

}  // namespace matcher::iris

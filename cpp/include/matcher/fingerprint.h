// Comparison of two fingerprints: a probe prepared once, candidates read from their resident form.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "matcher/fingerprint_layout.h"

namespace matcher::fingerprint {

// A comparison's parts; `raw` is the score, the others explain it. All 0 where too few minutiae exist.
struct ScoreParts {
    float raw = 0;        // the score: not negative, greater is more alike
    float local = 0;      // mean similarity of the best one-to-one cylinder pairs, 0 to 1
    float relaxed = 0;    // support of the best pairs by the others after relaxation
    float consensus = 0;  // weight of minutiae that one rigid motion brings together
    int paired = 0;       // minutiae that this motion pairs
};

// One paired minutia: indices into the two templates.
using Pairing = std::vector<std::pair<int, int>>;

class Probe {
  public:
    // Copies what it needs. Throws CorruptResident.
    Probe(const std::uint64_t* words, std::size_t size);
    ~Probe();
    Probe(Probe&&) noexcept;
    Probe& operator=(Probe&&) noexcept;

    int minutia_count() const;
    // With `pairing`, the minutiae that were laid on each other too.
    ScoreParts compare(const Resident& candidate, Pairing* pairing = nullptr) const;

  private:
    struct Prepared;
    std::unique_ptr<const Prepared> prepared_;
};

// Candidates may be in their resident or packed form (fingerprint_packed.h), each by itself.
// out[i] = raw score of candidate row(i) = words[offsets[row] : offsets[row + 1]], row(i) = rows[i], or i
// where rows is null. Every row and offset is checked before anything is scored. Throws CorruptResident or
// std::out_of_range, also from worker threads.
struct Gallery {
    const std::uint64_t* words;
    std::size_t word_count;
    const std::int64_t* offsets;  // gallery_count + 1
    std::size_t gallery_count;
};
void score_many(const Probe& probe, const Gallery& gallery, const std::int64_t* rows, std::size_t count,
                int threads, float* out);

// From where prints are taken for repeats of each other.
struct RepeatLimits {
    float share;  // of the lower self-score
    float least;  // raw score
};
struct Print {
    const std::uint64_t* words;  // a resident form
    std::size_t size;
};
// out[i * count + j] = raw score of prints i and j, the lower of both directions; of two that are below both
// limits one way, the score that way. Throws CorruptResident.
void score_among(const std::vector<Print>& prints, RepeatLimits limits, float* out);

}  // namespace matcher::fingerprint

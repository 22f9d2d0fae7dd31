// Comparison of two eyes: fractional Hamming distance over 31 rotations, normalised by the number of valid
// bits (Daugman, IEEE Trans. SMC-B 37(5), 2007): HDnorm = 0.5 - (0.5 - HDraw) sqrt(n / nref), nref being all
// bits of the code. The raw score is 1 - 2 HDnorm = (n - 2 d) / sqrt(n nref) at the best rotation, n bits
// being valid in both codes and d of them different: 1 for equal codes, around 0 for different eyes, never
// below 0.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "matcher/iris_layout.h"

namespace matcher::iris {

// What a comparison found. `turn`, `common` and `differing` are of the best rotation; all are 0 where no
// rotation has enough valid bits, or none has fewer than half of them different.
struct ScoreParts {
    float raw = 0;
    int turn = 0;       // steps that the candidate is turned by against the probe, -kReach to kReach
    int common = 0;     // bits valid in both
    int differing = 0;  // of those, the ones that differ
};

// One side of many comparisons, prepared once; both forms of it. May be used by several threads.
class Probe {
  public:
    // `words` is a resident form of kResidentWords.
    explicit Probe(const std::uint64_t* words);
    ~Probe();
    Probe(Probe&&) noexcept;
    Probe& operator=(Probe&&) noexcept;

    ScoreParts compare_full(const std::uint64_t* full_record) const;
    ScoreParts compare_search(const std::uint64_t* search_record) const;

  private:
    struct Prepared;
    std::unique_ptr<const Prepared> prepared_;
};

// Candidates: records of one kind, each at words[places[i]].
struct Records {
    const std::uint64_t* words;
    std::size_t word_count;
    const std::int64_t* places;
    std::size_t count;
};

enum class Kind { full, search };

// out[i] = raw score of candidate i. Throws std::out_of_range before anything is scored.
void score_many(const Probe& probe, Kind kind, const Records& candidates, int threads, float* out);

// out[i * count + j] = raw score of eyes i and j by their full codes, the same both ways; each is a resident
// form.
void score_among(const std::vector<const std::uint64_t*>& eyes, float* out);

}  // namespace matcher::iris

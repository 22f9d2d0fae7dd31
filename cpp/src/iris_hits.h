// What a search returns, best first: all of it or the best few of each probe.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "matcher/iris_search.h"

namespace matcher::iris {

// The order of a reply; total, so that it does not depend on how threads shared the work.
inline bool comes_before(const Hit& left, const Hit& right) {
    if (left.raw != right.raw) return left.raw > right.raw;
    return left.row < right.row;
}

// Hits of one probe; with `most` > 0 no more than so many, the best, are kept.
class Hits {
  public:
    void add(const Hit& hit, std::size_t most) {
        if (most == 0 || hits_.size() < most) {
            hits_.push_back(hit);
            if (most != 0) std::push_heap(hits_.begin(), hits_.end(), comes_before);
        } else if (comes_before(hit, hits_.front())) {
            std::pop_heap(hits_.begin(), hits_.end(), comes_before);
            hits_.back() = hit;
            std::push_heap(hits_.begin(), hits_.end(), comes_before);
        }
    }
    const std::vector<Hit>& found() const { return hits_; }

  private:
    std::vector<Hit> hits_;  // a heap with the last in order in front, where `most` > 0
};

}  // namespace matcher::iris

// A probe's codes at every rotation.
#pragma once
#include <cstdint>

#include "kernels/iris_counts.h"
#include "matcher/iris_layout.h"

namespace matcher::iris {

// Rotation number t compares the probe's angle a + t - kReach with the candidate's angle a.
void turn_search_record(const std::uint64_t* record, kernels::Turned& out);
void roll_full_record(const std::uint64_t* record, kernels::Rolled& out);

}  // namespace matcher::iris

// The instruction set that kernels use: the best this processor has, or what MATCHER_SIMD asks for.
#pragma once
#include <stdexcept>

namespace matcher {

enum class SimdLevel { scalar, avx2, avx512 };

// MATCHER_SIMD names no level, or one that this processor lacks.
class SimdError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Chosen at the first call and kept. Throws SimdError.
SimdLevel simd_level();
SimdLevel best_simd_level();
// `name` may be null or empty: the best level. Throws SimdError.
SimdLevel parse_simd_level(const char* name);
const char* simd_level_name(SimdLevel level);

}  // namespace matcher

#include "matcher/simd.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace matcher {

SimdLevel best_simd_level() {
#if defined(__x86_64__)
    // These also ask whether the operating system saves the wide registers.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vnni")) {
        return SimdLevel::avx512;
    }
    if (__builtin_cpu_supports("avx2")) return SimdLevel::avx2;
#endif
    return SimdLevel::scalar;
}

const char* simd_level_name(SimdLevel level) {
    switch (level) {
        case SimdLevel::avx512:
            return "avx512";
        case SimdLevel::avx2:
            return "avx2";
        case SimdLevel::scalar:
            break;
    }
    return "scalar";
}

SimdLevel parse_simd_level(const char* name) {
    const SimdLevel best = best_simd_level();
    if (name == nullptr || *name == '\0') return best;
    for (const SimdLevel level : {SimdLevel::scalar, SimdLevel::avx2, SimdLevel::avx512}) {
        if (std::strcmp(name, simd_level_name(level)) != 0) continue;
        if (level <= best) return level;
        throw SimdError(std::string("MATCHER_SIMD: this processor has no ") + name);
    }
    throw SimdError("MATCHER_SIMD: expected scalar, avx2 or avx512");
}

SimdLevel simd_level() {
    static const SimdLevel level = parse_simd_level(std::getenv("MATCHER_SIMD"));
    return level;
}

}  // namespace matcher

// What kernels of all levels share.
#pragma once
#include <cstdint>
#include <cstring>

#define MATCHER_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__)
#define MATCHER_AVX2 __attribute__((target("avx2")))
#define MATCHER_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))
#endif

namespace matcher::kernels {

constexpr int kLanes = 16;

// Vectors that hold `count` lanes.
constexpr int blocks_for(int count) { return (count + kLanes - 1) / kLanes; }

}  // namespace matcher::kernels

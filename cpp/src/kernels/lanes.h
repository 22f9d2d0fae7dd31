// Vectors of the compiler's own kind: one source gives AVX-512, AVX2 and baseline code. Every lane does the
// same IEEE operations in the same order at each level (no contraction, no library call, no hardware
// estimate), so that results agree to the last bit. Everything here must be inlined: the caller's target
// decides.
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

typedef float Floats __attribute__((vector_size(4 * kLanes), may_alias));
typedef std::int32_t Ints __attribute__((vector_size(4 * kLanes), may_alias));
typedef std::uint8_t Bytes __attribute__((vector_size(64), may_alias));

// Memory as vectors; p is aligned to 64 bytes.
MATCHER_INLINE const Floats& floats(const float* p) { return *reinterpret_cast<const Floats*>(p); }
MATCHER_INLINE Floats& floats(float* p) { return *reinterpret_cast<Floats*>(p); }
MATCHER_INLINE const Ints& ints(const std::int32_t* p) { return *reinterpret_cast<const Ints*>(p); }
MATCHER_INLINE Ints& ints(std::int32_t* p) { return *reinterpret_cast<Ints*>(p); }
MATCHER_INLINE const Bytes& bytes(const std::uint8_t* p) { return *reinterpret_cast<const Bytes*>(p); }
MATCHER_INLINE Bytes& bytes(std::uint8_t* p) { return *reinterpret_cast<Bytes*>(p); }

// Sum of the lanes, neighbours at distance 8, 4, 2, 1 added in turn.
MATCHER_INLINE float sum_of(const Floats& v) {
    float lane[kLanes];
    std::memcpy(lane, &v, sizeof lane);
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int k = 0; k < width; ++k) lane[k] += lane[k + width];
    }
    return lane[0];
}

MATCHER_INLINE std::int32_t sum_of(const Ints& v) {
    std::int32_t sum = 0;
    for (int k = 0; k < kLanes; ++k) sum += v[k];
    return sum;
}

MATCHER_INLINE std::int32_t max_of(const Ints& v) {
    std::int32_t lane[kLanes];
    std::memcpy(lane, &v, sizeof lane);
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int k = 0; k < width; ++k) lane[k] = lane[k] > lane[k + width] ? lane[k] : lane[k + width];
    }
    return lane[0];
}

// Vectors that need `count` lanes.
constexpr int blocks_for(int count) { return (count + kLanes - 1) / kLanes; }

}  // namespace matcher::kernels

// Compiles MATCHER_BODY once for each instruction set, in namespaces scalar, avx2 and avx512, on lanes of
// that set. A body holds functions of internal linkage only and instantiates no template of others, so that
// no code of a wider set can leak into common functions.
//
// (An always_inline function called from target functions would not do: gcc 12 breaks its vectors down for
// the baseline before it inlines.)
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC diagnostic ignored "-Wunused-function"

#define MATCHER_LEVEL scalar
#define MATCHER_WIDTH 16
#include "kernels/lanes.h"
#include MATCHER_BODY
#undef MATCHER_LEVEL
#undef MATCHER_WIDTH

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2")
#define MATCHER_LEVEL avx2
#define MATCHER_WIDTH 32
#include "kernels/lanes.h"
#include MATCHER_BODY
#undef MATCHER_LEVEL
#undef MATCHER_WIDTH
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx512vbmi,avx512vbmi2,avx512vnni,popcnt,prefer-vector-width=512")
#define MATCHER_LEVEL avx512
#define MATCHER_WIDTH 64
#include "kernels/lanes.h"
#include MATCHER_BODY
#undef MATCHER_LEVEL
#undef MATCHER_WIDTH
#pragma GCC pop_options
#endif

#pragma GCC diagnostic pop

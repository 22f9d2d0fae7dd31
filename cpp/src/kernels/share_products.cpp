#include "kernels/share_products.h"

#define MATCHER_BODY "kernels/share_products_body.h"

#include <cstdint>
#include <cstring>

#include "kernels/blocks.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// As each_level.h does it, with VNNI for the widest level: that header's set is the other kernels' and stays.
#define MATCHER_LEVEL scalar
#define MATCHER_WIDTH 16
#include MATCHER_BODY
#undef MATCHER_LEVEL
#undef MATCHER_WIDTH

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2")
#define MATCHER_LEVEL avx2
#define MATCHER_WIDTH 32
#include MATCHER_BODY
#undef MATCHER_LEVEL
#undef MATCHER_WIDTH
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,prefer-vector-width=512")
#define MATCHER_LEVEL avx512
#define MATCHER_WIDTH 64
#include MATCHER_BODY
#undef MATCHER_LEVEL
#undef MATCHER_WIDTH
#pragma GCC pop_options
#endif

namespace matcher::privacy::kernels {

Shares shares_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512 && __builtin_cpu_supports("avx512vnni"))
        return {avx512::products16, avx512::products32, avx512::slice, avx512::and_share,
                avx512::multiply_only};
    if (level >= SimdLevel::avx2)
        return {avx2::products16, avx2::products32, avx2::slice, avx2::and_share, avx2::multiply_only};
#endif
    (void)level;
    return {scalar::products16, scalar::products32, scalar::slice, scalar::and_share, scalar::multiply_only};
}

}  // namespace matcher::privacy::kernels

#include "kernels/share_products.h"

#define MATCHER_BODY "kernels/share_products_body.h"
#include "kernels/each_level.h"

namespace matcher::privacy::kernels {

Shares shares_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512)
        return {avx512::products16, avx512::products32, avx512::slice, avx512::and_share,
                avx512::multiply_only};
    if (level >= SimdLevel::avx2)
        return {avx2::products16, avx2::products32, avx2::slice, avx2::and_share, avx2::multiply_only};
#endif
    (void)level;
    return {scalar::products16, scalar::products32, scalar::slice, scalar::and_share, scalar::multiply_only};
}

}  // namespace matcher::privacy::kernels

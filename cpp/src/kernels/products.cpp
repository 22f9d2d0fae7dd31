#include "kernels/products.h"

#include <limits>

#define MATCHER_BODY "kernels/products_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {

ProductKernels product_kernels_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::products, avx512::greatest_place};
    if (level == SimdLevel::avx2) return {avx2::products, avx2::greatest_place};
#endif
    (void)level;
    return {scalar::products, scalar::greatest_place};
}

}  // namespace matcher::fingerprint::kernels

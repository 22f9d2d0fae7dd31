#include "kernels/iris_counts.h"

#define MATCHER_BODY "kernels/iris_counts_body.h"
#include "kernels/each_level.h"

namespace matcher::iris::kernels {

Comparison comparison_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::search, avx512::full, avx512::best};
    if (level == SimdLevel::avx2) return {avx2::search, avx2::full, avx2::best};
#endif
    (void)level;
    return {scalar::search, scalar::full, scalar::best};
}

}  // namespace matcher::iris::kernels

#include "kernels/iris_counts.h"

#define MATCHER_BODY "kernels/iris_counts_body.h"
#include "kernels/each_level.h"

namespace matcher::iris::kernels {

Comparison comparison_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512)
        return {avx512::search, avx512::full, avx512::singles, avx512::upright,
                avx512::scores, avx512::best, avx512::read_sum};
    if (level == SimdLevel::avx2)
        return {avx2::search, avx2::full, avx2::singles, avx2::upright,
                avx2::scores, avx2::best, avx2::read_sum};
#endif
    (void)level;
    return {scalar::search, scalar::full, scalar::singles, scalar::upright,
            scalar::scores, scalar::best, scalar::read_sum};
}

}  // namespace matcher::iris::kernels

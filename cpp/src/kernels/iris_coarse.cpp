#include "kernels/iris_coarse.h"

#define MATCHER_BODY "kernels/iris_coarse_body.h"
#include "kernels/each_level.h"

namespace matcher::iris::kernels {

Coarse coarse_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::gather, avx512::screen};
    if (level == SimdLevel::avx2) return {avx2::gather, avx2::screen};
#endif
    (void)level;
    return {scalar::gather, scalar::screen};
}

}  // namespace matcher::iris::kernels

#include "kernels/selection.h"

#define MATCHER_BODY "kernels/selection_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {

Selection selection_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::choose, avx512::restrict_rotation};
    if (level == SimdLevel::avx2) return {avx2::choose, avx2::restrict_rotation};
#endif
    (void)level;
    return {scalar::choose, scalar::restrict_rotation};
}

}  // namespace matcher::fingerprint::kernels

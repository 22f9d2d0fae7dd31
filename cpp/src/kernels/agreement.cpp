#include "kernels/agreement.h"

#include "matcher/fingerprint_support.h"

#define MATCHER_BODY "kernels/agreement_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {

Agree agree_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return avx512::agree;
    if (level == SimdLevel::avx2) return avx2::agree;
#endif
    (void)level;
    return scalar::agree;
}

}  // namespace matcher::fingerprint::kernels

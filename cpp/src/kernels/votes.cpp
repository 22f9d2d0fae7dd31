#include "kernels/votes.h"

#define MATCHER_BODY "kernels/votes_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {

Scan scan_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return avx512::scan;
    if (level == SimdLevel::avx2) return avx2::scan;
#endif
    (void)level;
    return scalar::scan;
}

}  // namespace matcher::fingerprint::kernels

#include "kernels/consensus.h"

#include "fingerprint_turns.h"

#define MATCHER_BODY "kernels/consensus_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {

ConsensusKernels consensus_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) {
        return {avx512::find_motion, avx512::match_minutiae, avx512::find_overlap, avx512::fit_motion};
    }
    if (level == SimdLevel::avx2) {
        return {avx2::find_motion, avx2::match_minutiae, avx2::find_overlap, avx2::fit_motion};
    }
#endif
    (void)level;
    return {scalar::find_motion, scalar::match_minutiae, scalar::find_overlap, scalar::fit_motion};
}

}  // namespace matcher::fingerprint::kernels

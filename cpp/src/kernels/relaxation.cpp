#include "kernels/relaxation.h"

#include <cmath>

namespace matcher::fingerprint::kernels {
namespace {

// cos^2 of half the largest difference of two rotations
const float kRotationFloor = 0.5F + 0.5F * std::cos(kRotationApart);

}  // namespace
}  // namespace matcher::fingerprint::kernels

#define MATCHER_BODY "kernels/relaxation_body.h"
#include "kernels/each_level.h"

namespace matcher::fingerprint::kernels {

Relaxation relaxation_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return {avx512::relax, avx512::order_by_support};
    if (level == SimdLevel::avx2) return {avx2::relax, avx2::order_by_support};
#endif
    (void)level;
    return {scalar::relax, scalar::order_by_support};
}

}  // namespace matcher::fingerprint::kernels

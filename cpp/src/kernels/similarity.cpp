// AND, population count, two multiplications: the cosine of two sets of cells. A float product in one stated
// order and truncation give the same integers at every level. The geometry bits of the candidate's words fall
// away because the probe's are zero there.
#include "kernels/similarity.h"

#include <cmath>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/selection.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace matcher::fingerprint::kernels {
namespace {

struct InverseRoots {
    float of[kPlanes * kCells + 1];
    InverseRoots() {
        of[0] = 0;
        for (int k = 1; k <= kPlanes * kCells; ++k) of[k] = 1.0F / std::sqrt(static_cast<float>(k));
    }
};
const InverseRoots kInverseRoots;

// Inlined where the target has an instruction to count bits.
MATCHER_INLINE void norms(const Resident& resident, float* out) {
    const int n = resident.count;
    for (int j = 0; j < n; ++j) {
        int cells = 0;
        for (int k = 0; k < kPlanes; ++k)
            cells += __builtin_popcountll(resident.planes[k * n + j] & kCellMask);
        out[j] = kInverseRoots.of[cells];
    }
}

void norms_scalar(const Resident& resident, float* out) { norms(resident, out); }
#if defined(__x86_64__)
__attribute__((target("popcnt"))) void norms_popcnt(const Resident& resident, float* out) {
    norms(resident, out);
}
#endif

void clear_rows(int count, int row, std::uint8_t* out) {
    std::memset(out, 0, static_cast<std::size_t>(count) * row);
}

void columns_scalar(const ProbeCylinders& probe, const Resident& candidate, const float* inverse_norm,
                    std::uint8_t* out, int first) {
    const int n = candidate.count;
    const int row = row_bytes(n);
    for (int i = 0; i < probe.count; ++i) {
        const std::uint64_t* cells = probe.cells + i * kPlanes;
        for (int j = first; j < n; ++j) {
            int common = 0;
            for (int k = 0; k < kPlanes; ++k) {
                common += __builtin_popcountll(cells[k] & candidate.planes[k * n + j]);
            }
            const float similarity = static_cast<float>(common) * probe.scaled_norm[i] * inverse_norm[j];
            out[i * row + j] = static_cast<std::uint8_t>(static_cast<int>(similarity));
        }
    }
}

void similarity_scalar(const ProbeCylinders& probe, const Resident& candidate, const float* inverse_norm,
                       std::uint8_t* out) {
    const int row = row_bytes(candidate.count);
    clear_rows(probe.count, row, out);
    columns_scalar(probe, candidate, inverse_norm, out, 0);
}

#if defined(__x86_64__)

// Population count of each byte by two table look-ups of its halves (Mula), summed to 64-bit lanes.
MATCHER_AVX2 inline __m256i byte_counts(__m256i v) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i halves = _mm256_shuffle_epi8(table, _mm256_and_si256(v, low));
    return _mm256_add_epi8(halves,
                           _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi64(v, 4), low)));
}

MATCHER_AVX2 void similarity_avx2(const ProbeCylinders& probe, const Resident& candidate,
                                  const float* inverse_norm, std::uint8_t* out) {
    const int row = row_bytes(candidate.count);
    clear_rows(probe.count, row, out);
    constexpr int kBlock = 4;
    const int n = candidate.count;
    const int whole = n - n % kBlock;
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 0, 0, 0);
    for (int j = 0; j < whole; j += kBlock) {
        __m256i planes[kPlanes];
        for (int k = 0; k < kPlanes; ++k) {
            planes[k] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(candidate.planes + k * n + j));
        }
        const __m128 norm = _mm_loadu_ps(inverse_norm + j);
        for (int i = 0; i < probe.count; ++i) {
            const std::uint64_t* cells = probe.cells + i * kPlanes;
            __m256i bytes = _mm256_setzero_si256();
            for (int k = 0; k < kPlanes; ++k) {
                const __m256i word = _mm256_set1_epi64x(static_cast<long long>(cells[k]));
                bytes = _mm256_add_epi8(bytes, byte_counts(_mm256_and_si256(word, planes[k])));
            }
            const __m256i sums = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
            const __m128i common = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(sums, even));
            const __m128 scaled = _mm_mul_ps(_mm_cvtepi32_ps(common), _mm_set1_ps(probe.scaled_norm[i]));
            const __m128i words =
                _mm_packs_epi32(_mm_cvttps_epi32(_mm_mul_ps(scaled, norm)), _mm_setzero_si128());
            const int four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
            std::memcpy(out + i * row + j, &four, kBlock);
        }
    }
    columns_scalar(probe, candidate, inverse_norm, out, whole);
}

MATCHER_AVX512 void similarity_avx512(const ProbeCylinders& probe, const Resident& candidate,
                                      const float* inverse_norm, std::uint8_t* out) {
    const int row = row_bytes(candidate.count);
    clear_rows(probe.count, row, out);
    constexpr int kBlock = 8;
    const int n = candidate.count;
    for (int j = 0; j < n; j += kBlock) {
        const __mmask8 lanes = n - j >= kBlock ? 0xff : static_cast<__mmask8>((1 << (n - j)) - 1);
        __m512i planes[kPlanes];
        for (int k = 0; k < kPlanes; ++k) {
            planes[k] = _mm512_maskz_loadu_epi64(lanes, candidate.planes + k * n + j);
        }
        const __m256 norm = _mm256_maskz_loadu_ps(lanes, inverse_norm + j);
        for (int i = 0; i < probe.count; ++i) {
            const std::uint64_t* cells = probe.cells + i * kPlanes;
            __m512i common = _mm512_setzero_si512();
            for (int k = 0; k < kPlanes; ++k) {
                const __m512i word = _mm512_set1_epi64(static_cast<long long>(cells[k]));
                common = _mm512_add_epi64(common, _mm512_popcnt_epi64(_mm512_and_si512(word, planes[k])));
            }
            const __m256 count = _mm512_maskz_cvtepi64_ps(lanes, common);
            const __m256 scaled = _mm256_mul_ps(count, _mm256_set1_ps(probe.scaled_norm[i]));
            const __m256i similarity = _mm256_cvttps_epi32(_mm256_mul_ps(scaled, norm));
            // Lanes past the last minutia hold zero, as the row's rest does.
            const __m128i eight = _mm256_maskz_cvtepi32_epi8(lanes, similarity);
            _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i * row + j), eight);
        }
    }
}

#endif

}  // namespace

Norms norms_for(SimdLevel level) {
#if defined(__x86_64__)
    // Every processor with AVX2 has it.
    if (level != SimdLevel::scalar) return norms_popcnt;
#endif
    (void)level;
    return norms_scalar;
}

Similarity similarity_for(SimdLevel level) {
#if defined(__x86_64__)
    if (level == SimdLevel::avx512) return similarity_avx512;
    if (level == SimdLevel::avx2) return similarity_avx2;
#endif
    (void)level;
    return similarity_scalar;
}

}  // namespace matcher::fingerprint::kernels

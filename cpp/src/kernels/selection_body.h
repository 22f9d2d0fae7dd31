// Selection, once for each level: see each_level.h. A row of the matrix is one or two vectors of 64 bytes:
// counting the pairs above a level, and masking by rotation, are a few instructions a vector. All of it is
// integer arithmetic.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;
using matcher::kernels::blocks_for;
using matcher::kernels::kLanes;

static_assert(kRowVector == sizeof(Bytes), "a row is whole vectors");

constexpr int kMostSummed = 128;  // vectors whose bytes add up without overflow
constexpr int kLevels = 256;      // similarities

MATCHER_INLINE int count_some(const std::uint8_t* bytes, int vectors, const Bytes& least) {
    Bytes sums = all(std::uint8_t{0});
    for (int v = 0; v < vectors; ++v) sums = sums - (load(bytes + v * kRowVector) >= least);
    std::uint64_t words[8];
    std::memcpy(words, &sums, sizeof words);
    // Bytes of at most 128, eight words: pairs of bytes add up to 16 bits, then all by a multiplication.
    std::uint64_t halves = 0;
    for (const std::uint64_t word : words) {
        halves += (word & 0x00ff00ff00ff00ff) + (word >> 8 & 0x00ff00ff00ff00ff);
    }
    return static_cast<int>(halves * 0x0001000100010001 >> 48);
}

MATCHER_INLINE int count_from(const std::uint8_t* bytes, int vectors, int level) {
    const Bytes least = all(static_cast<std::uint8_t>(level));
    int sum = 0;
    for (int done = 0; done < vectors; done += kMostSummed) {
        const int some = vectors - done < kMostSummed ? vectors - done : kMostSummed;
        sum += count_some(bytes + done * kRowVector, some, least);
    }
    return sum;
}

// Appends the pairs of probe minutia i whose bits are set in `taken`; bit 0 is candidate minutia `first`.
MATCHER_INLINE int append(const std::uint8_t* similarity, std::uint64_t taken, int i, int first, int chosen,
                          Choices& out) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    alignas(64) static constexpr std::uint8_t kNumbers[] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i numbers =
        _mm512_add_epi8(_mm512_load_si512(kNumbers), _mm512_set1_epi8(static_cast<char>(first)));
    _mm512_storeu_si512(out.probe + chosen, _mm512_set1_epi8(static_cast<char>(i)));
    _mm512_storeu_si512(out.candidate + chosen, _mm512_maskz_compress_epi8(taken, numbers));
    _mm512_storeu_si512(out.similarity + chosen,
                        _mm512_maskz_compress_epi8(taken, _mm512_load_si512(similarity)));
    return chosen + static_cast<int>(_mm_popcnt_u64(taken));
#else
    for (; taken != 0; taken &= taken - 1) {
        const int j = __builtin_ctzll(taken);
        out.probe[chosen] = static_cast<std::uint8_t>(i);
        out.candidate[chosen] = static_cast<std::uint8_t>(first + j);
        out.similarity[chosen++] = similarity[j];
    }
    return chosen;
#endif
}

void choose(const std::uint8_t* rows, int count, int row, int most, Choices& out) {
    const int vectors = count * (row / kRowVector);
    // The lowest level, from 1, that at most `most` pairs reach.
    int low = 1, high = kLevels;
    while (low < high) {
        const int level = (low + high) / 2;
        if (count_from(rows, vectors, level) > most) {
            low = level + 1;
        } else {
            high = level;
        }
    }
    out.count = 0;
    out.least = low;
    if (low == kLevels) return;
    const Bytes least = all(static_cast<std::uint8_t>(low));
    for (int i = 0; i < count; ++i) {
        for (int first = 0; first < row; first += kRowVector) {
            const std::uint8_t* similarity = rows + i * row + first;
            out.count = append(similarity, bits_set(load(similarity) >= least), i, first, out.count, out);
        }
    }
}

void restrict_rotation(const std::uint8_t* rows, int count, int row, const std::uint8_t* probe_direction,
                       const std::uint8_t* candidate_direction, int rotation, int window, std::uint8_t* out) {
    const Bytes widest = all(static_cast<std::uint8_t>(2 * window));
    for (int first = 0; first < row; first += kRowVector) {
        const Bytes candidate = load(candidate_direction + first);
        for (int i = 0; i < count; ++i) {
            // 0 to 2 * window where the rotation is within the window; bytes wrap as angles do.
            const Bytes off = static_cast<std::uint8_t>(probe_direction[i] - rotation + window) - candidate;
            store(out + i * row + first, load(rows + i * row + first) & (off <= widest));
        }
    }
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

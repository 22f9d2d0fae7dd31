// Selection, once for each level: see each_level.h. A row of the matrix is one 64-byte vector: counting the
// pairs above a level, and masking by rotation, are a few instructions a row. All of it is integer
// arithmetic.
namespace matcher::fingerprint::kernels::MATCHER_LEVEL {
namespace {

using namespace matcher::kernels::MATCHER_LEVEL;
using matcher::kernels::blocks_for;
using matcher::kernels::kLanes;

static_assert(kMaxMinutiae == sizeof(Bytes), "a row is one vector");

MATCHER_INLINE int count_from(const std::uint8_t* rows, int count, int level) {
    const Bytes least = all(static_cast<std::uint8_t>(level));
    Bytes sums = all(std::uint8_t{0});  // at most 64 rows: no overflow
    for (int i = 0; i < count; ++i) sums = sums - (load(rows + i * kMaxMinutiae) >= least);
    std::uint64_t words[8];
    std::memcpy(words, &sums, sizeof words);
    // Bytes of at most 64, eight words: pairs of bytes add up to 16 bits, then all by a multiplication.
    std::uint64_t halves = 0;
    for (const std::uint64_t word : words) {
        halves += (word & 0x00ff00ff00ff00ff) + (word >> 8 & 0x00ff00ff00ff00ff);
    }
    return static_cast<int>(halves * 0x0001000100010001 >> 48);
}

int choose(const std::uint8_t* rows, int count, int most, Choice* out) {
    // The lowest level, from 1, that at most `most` pairs reach.
    int level = 1;
    for (int low = 1, high = 256; low < high;) {
        level = (low + high) / 2;
        if (level == 256) break;
        if (count_from(rows, count, level) > most) {
            low = level + 1;
        } else {
            high = level;
        }
        level = high;
    }
    if (level > 255) return 0;
    const Bytes least = all(static_cast<std::uint8_t>(level));
    int chosen = 0;
    for (int i = 0; i < count; ++i) {
        const std::uint8_t* row = rows + i * kMaxMinutiae;
        for (std::uint64_t taken = bits_set(load(row) >= least); taken != 0; taken &= taken - 1) {
            const int j = __builtin_ctzll(taken);
            out[chosen++] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(j), row[j]};
        }
    }
    return chosen;
}

void restrict_rotation(const std::uint8_t* rows, int count, const std::uint8_t* probe_direction,
                       const std::uint8_t* candidate_direction, int rotation, int window, std::uint8_t* out) {
    const Bytes widest = all(static_cast<std::uint8_t>(2 * window));
    const Bytes candidate = load(candidate_direction);
    for (int i = 0; i < count; ++i) {
        // 0 to 2 * window where the rotation is within the window; bytes wrap as angles do.
        const Bytes off = static_cast<std::uint8_t>(probe_direction[i] - rotation + window) - candidate;
        store(out + i * kMaxMinutiae, load(rows + i * kMaxMinutiae) & (off <= widest));
    }
}

}  // namespace
}  // namespace matcher::fingerprint::kernels::MATCHER_LEVEL

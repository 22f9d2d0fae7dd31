// 16 lanes of 32 bits, or 64 bytes, in as many native vectors as the level needs. Included once for each
// level by each_level.h, hence no guard; MATCHER_LEVEL names the namespace, MATCHER_WIDTH is the native width
// in bytes.
//
// Every lane does the same IEEE operations in the same order at each level (no contraction, no hardware
// estimate, sums in one stated order), so that results agree to the last bit.
namespace matcher::kernels::MATCHER_LEVEL {
namespace {

constexpr int kParts = 64 / MATCHER_WIDTH;

typedef float NativeFloats __attribute__((vector_size(MATCHER_WIDTH), may_alias));
typedef std::int32_t NativeInts __attribute__((vector_size(MATCHER_WIDTH), may_alias));
typedef std::uint8_t NativeBytes __attribute__((vector_size(MATCHER_WIDTH), may_alias));

struct Floats {
    NativeFloats part[kParts];
};
struct Ints {
    NativeInts part[kParts];
};
struct Bytes {
    NativeBytes part[kParts];
};

#define MATCHER_EACH_PART(expression)                            \
    for (int k = 0; k < kParts; ++k) out.part[k] = (expression); \
    return out

// Memory of a whole vector; p is aligned to 64 bytes.
MATCHER_INLINE Floats load(const float* p) {
    Floats out;
    MATCHER_EACH_PART(reinterpret_cast<const NativeFloats*>(p)[k]);
}
MATCHER_INLINE Ints load(const std::int32_t* p) {
    Ints out;
    MATCHER_EACH_PART(reinterpret_cast<const NativeInts*>(p)[k]);
}
MATCHER_INLINE Bytes load(const std::uint8_t* p) {
    Bytes out;
    MATCHER_EACH_PART(reinterpret_cast<const NativeBytes*>(p)[k]);
}
MATCHER_INLINE void store(float* p, const Floats& v) {
    for (int k = 0; k < kParts; ++k) reinterpret_cast<NativeFloats*>(p)[k] = v.part[k];
}
MATCHER_INLINE void store(std::int32_t* p, const Ints& v) {
    for (int k = 0; k < kParts; ++k) reinterpret_cast<NativeInts*>(p)[k] = v.part[k];
}
MATCHER_INLINE void store(std::uint8_t* p, const Bytes& v) {
    for (int k = 0; k < kParts; ++k) reinterpret_cast<NativeBytes*>(p)[k] = v.part[k];
}

MATCHER_INLINE Floats all(float value) {
    Floats out;
    MATCHER_EACH_PART(NativeFloats{} + value);
}
MATCHER_INLINE Ints all(std::int32_t value) {
    Ints out;
    MATCHER_EACH_PART(NativeInts{} + value);
}
MATCHER_INLINE Bytes all(std::uint8_t value) {
    Bytes out;
    MATCHER_EACH_PART(NativeBytes{} + value);
}

#define MATCHER_OPERATOR(type, scalar, op)                                                         \
    MATCHER_INLINE type operator op(const type& left, const type& right) {                         \
        type out;                                                                                  \
        MATCHER_EACH_PART(left.part[k] op right.part[k]);                                          \
    }                                                                                              \
    MATCHER_INLINE type operator op(const type& left, scalar right) { return left op all(right); } \
    MATCHER_INLINE type operator op(scalar left, const type& right) { return all(left) op right; }

MATCHER_OPERATOR(Floats, float, +)
MATCHER_OPERATOR(Floats, float, -)
MATCHER_OPERATOR(Floats, float, *)
MATCHER_OPERATOR(Ints, std::int32_t, +)
MATCHER_OPERATOR(Ints, std::int32_t, -)
MATCHER_OPERATOR(Ints, std::int32_t, &)
MATCHER_OPERATOR(Ints, std::int32_t, |)
MATCHER_OPERATOR(Bytes, std::uint8_t, -)
MATCHER_OPERATOR(Bytes, std::uint8_t, &)

// Comparisons give lanes of all ones or all zeros.
#define MATCHER_COMPARISON(type, scalar, mask, native, op)                 \
    MATCHER_INLINE mask operator op(const type& left, const type& right) { \
        mask out;                                                          \
        MATCHER_EACH_PART((native)(left.part[k] op right.part[k]));        \
    }                                                                      \
    MATCHER_INLINE mask operator op(const type& left, scalar right) { return left op all(right); }

MATCHER_COMPARISON(Floats, float, Ints, NativeInts, <)
MATCHER_COMPARISON(Floats, float, Ints, NativeInts, >)
MATCHER_COMPARISON(Floats, float, Ints, NativeInts, <=)
MATCHER_COMPARISON(Floats, float, Ints, NativeInts, >=)
MATCHER_COMPARISON(Ints, std::int32_t, Ints, NativeInts, <)
MATCHER_COMPARISON(Bytes, std::uint8_t, Bytes, NativeBytes, >=)
MATCHER_COMPARISON(Bytes, std::uint8_t, Bytes, NativeBytes, <=)

MATCHER_INLINE Floats select(const Ints& mask, const Floats& yes, const Floats& no) {
    Floats out;
    MATCHER_EACH_PART(mask.part[k] ? yes.part[k] : no.part[k]);
}
MATCHER_INLINE Floats lower(const Floats& left, const Floats& right) {
    Floats out;
    MATCHER_EACH_PART(left.part[k] < right.part[k] ? left.part[k] : right.part[k]);
}
MATCHER_INLINE Floats greatest(const Floats& left, const Floats& right) {
    Floats out;
    MATCHER_EACH_PART(left.part[k] > right.part[k] ? left.part[k] : right.part[k]);
}
MATCHER_INLINE Ints greatest(const Ints& left, const Ints& right) {
    Ints out;
    MATCHER_EACH_PART(left.part[k] > right.part[k] ? left.part[k] : right.part[k]);
}

MATCHER_INLINE Ints bits_of(const Floats& v) {
    Ints out;
    MATCHER_EACH_PART((NativeInts)v.part[k]);
}
MATCHER_INLINE Floats floats_of_bits(const Ints& v) {
    Floats out;
    MATCHER_EACH_PART((NativeFloats)v.part[k]);
}

// Angles in direction units of 2 pi / 256, brought to -128 .. 127.
MATCHER_INLINE Floats wrapped(const Ints& turn) {
    Floats out;
    MATCHER_EACH_PART(__builtin_convertvector((turn.part[k] << 24) >> 24, NativeFloats));
}

MATCHER_INLINE Ints lane_numbers() {
    alignas(64) constexpr std::int32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return load(numbers);
}

// Sum of the lanes: those at distance 8 are added, then 4, 2, 1.
MATCHER_INLINE float sum_of(const Floats& v) {
    alignas(64) float lane[kLanes];
    store(lane, v);
    for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int k = 0; k < width; ++k) lane[k] += lane[k + width];
    }
    return lane[0];
}
MATCHER_INLINE std::int32_t sum_of(const Ints& v) {
    alignas(64) std::int32_t lane[kLanes];
    store(lane, v);
    std::int32_t sum = 0;
    for (const std::int32_t one : lane) sum += one;
    return sum;
}

// Bit k is set where byte k is not zero; bytes are all ones or all zeros.
MATCHER_INLINE std::uint64_t bits_set(const Bytes& mask) {
#if defined(__x86_64__) && MATCHER_WIDTH == 64
    return _mm512_movepi8_mask((__m512i)mask.part[0]);
#elif defined(__x86_64__) && MATCHER_WIDTH == 32
    const auto low = static_cast<std::uint32_t>(_mm256_movemask_epi8((__m256i)mask.part[0]));
    const auto high = static_cast<std::uint32_t>(_mm256_movemask_epi8((__m256i)mask.part[1]));
    return std::uint64_t{high} << 32 | low;
#else
    std::uint8_t bytes[64];
    std::memcpy(bytes, &mask, sizeof bytes);
    std::uint64_t bits = 0;
    for (int k = 0; k < 64; ++k) bits |= std::uint64_t{bytes[k] & 1U} << k;
    return bits;
#endif
}

#undef MATCHER_EACH_PART
#undef MATCHER_OPERATOR
#undef MATCHER_COMPARISON

}  // namespace
}  // namespace matcher::kernels::MATCHER_LEVEL

/* The real type: everything between here and isa/ is written once, in terms of `real`, and compiled twice.
 *
 * kernels.h includes the sources with FL_BITS 32 and then 64. A function that exists per type is declared
 * with FN(name); where a name is used often, an object-like macro spells FN for it (see vmath.h).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>

#undef real
#undef bits_t
#undef ubits_t
#undef FN
#undef C
#undef EXPONENT_BIAS
#undef FL_FMA
#undef MANTISSA_BITS

#if FL_BITS == 32
#define real float
#define bits_t int32_t
#define ubits_t uint32_t
#define FN(name) name##_f32
#define C(x) x##f /* a constant in this type: C(0.5); hexadecimal floats too */
#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#else
#define real double
#define bits_t int64_t
#define ubits_t uint64_t
#define FN(name) name##_f64
#define C(x) x
#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#endif

/* Before a loop whose iterations are independent. GCC then turns every select into a blend, also where several meet
 * in one value, which it otherwise leaves as branches. Needs -fopenmp-simd, no OpenMP runtime. */
#define SIMD _Pragma("omp simd")

#define INLINE static inline __attribute__((always_inline, unused))

/* One rounding where the instruction set has it. -ffp-contract=off keeps the compiler from adding others:
 * every build with FMA runs the same IEEE operations and gives the same bits. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FL_FMA 1
#else
#define FL_FMA 0
#endif
INLINE real FN(fma)(real a, real b, real c) {
#if FL_FMA
#if FL_BITS == 32
    return __builtin_fmaf(a, b, c);
#else
    return __builtin_fma(a, b, c);
#endif
#else
    return a * b + c;
#endif
}
#define vfma FN(fma)

INLINE bits_t FN(bits_of)(real x) {
    bits_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}
#define bits_of FN(bits_of)

INLINE real FN(from_bits)(bits_t i) {
    real x;
    memcpy(&x, &i, sizeof x);
    return x;
}
#define from_bits FN(from_bits)

/* Not by its bits: GCC would select between those then, and a clamp of it be two instructions and a comparison. */
INLINE real FN(abs)(real x) {
#if FL_BITS == 32
    return __builtin_fabsf(x);
#else
    return __builtin_fabs(x);
#endif
}
#define vabs FN(abs)

/* Clamps: one instruction each unless the bound is a literal (see BOUNDS in vmath.h). A NaN x stays. */
INLINE real FN(at_least)(real low, real x) { return x < low ? low : x; }
#undef at_least
#define at_least FN(at_least)
INLINE real FN(at_most)(real high, real x) { return high < x ? high : x; }
#undef at_most
#define at_most FN(at_most)

/* exp, log, erf, atan and their relatives for one SIMD lane: straight-line code that the compiler vectorises.
 *
 * No branch, no table, no libm, no inner loop, and only operations that AVX2 has for 64-bit lanes too: a loop over
 * these functions becomes vector code on every x86-64 level and on NEON. With FMA the operations, and so the bits, are
 * the same on every target; without it (x86-64-v2) a product gets a rounding of its own.
 *
 * A function's comment says: identity, reduction, domain, largest error. An error is given in ULP of the exact result
 * (of the smallest subnormal, where that is smaller) with the argument that has it, then for a build without FMA.
 * tests/accuracy/vmath_exhaustive.c measures it: float32 over all 2^32 inputs, float64 over 10^8 random points and the
 * hard ones of vmath_hard_points.py. NaN gives NaN throughout. Polynomials come from fit_coefficients.py; `--check`
 * compares.
 *
 * Two of them bound the classification losses, vexp_nonpositive and vlog1p_unit: they give up a little accuracy that
 * vsigmoid and vsoftplus, which stand alone, do not. In a kernel put them into loops of their own over a block that
 * stays in L1: one loop with both has a chain of dependent operations longer than the processor's scheduler.
 *
 * Included once per type, after real.h; hence no include guard. Only BOUNDS and names that begin with v outlive the
 * inclusion.
 */

#include "poly.h"

#if FL_BITS == 32
#define ROUNDING_SHIFT 0x1.8p23f /* |x| < 2^22: x + shift holds the integer nearest to x in its low bits */
#define LN2_HIGH 0x1.62e4p-1f    /* 15 bits: n * LN2_HIGH is exact for every exponent n */
#define LN2_LOW 0x1.7f7d1cp-20f
#define LEAST 0x1p-149f           /* the smallest positive number */
#define GREATEST 0x1.fffffep127f /* the largest finite one */
#define EXP_HIGHEST 0x1.62e43p6f /* the least number whose exp is infinite, and so it comes out */
#define TIMES_EXP_HIGHEST 174.0f /* exp of it and of its negative is the product of two normal numbers */
#define EXP_LOWEST -104.0f  /* below -103.97 exp rounds to zero, and so it comes out at this point */
#define EXP_VANISHES -105.0f /* 2^n is 0 there, n = -151 lifted by SUBNORMAL_LIFT */
#define SUBNORMAL_LIFT 24   /* the smallest subnormal times 2^24 is normal, with a bit to spare */
#define NEGLIGIBLE 0x1p-26f /* x (1 + x) rounds to x below it */
#define EXPM1_LOWEST -18.0f /* expm1 rounds to -1 */
#define TANH_SATURATED 10.0f
#define ERF_SATURATED 4.0f
#define TWO_THIRDS 0x1.555556p-1f
#define TWO_THIRDS_LOW -0x1.555556p-26f
#else
#define ROUNDING_SHIFT 0x1.8p52
#define LN2_HIGH 0x1.62e42fefap-1 /* 36 bits */
#define LN2_LOW 0x1.cf79abc9e3b3ap-40
#define LEAST 0x1p-1074
#define GREATEST 0x1.fffffffffffffp1023
#define EXP_HIGHEST 0x1.62e42fefa39fp9
#define TIMES_EXP_HIGHEST 1416.0
#define EXP_LOWEST -745.2
#define EXP_VANISHES -746.5 /* n = -1077 */
#define SUBNORMAL_LIFT 54
#define NEGLIGIBLE 0x1p-55
#define EXPM1_LOWEST -38.0
#define TANH_SATURATED 20.0
#define ERF_SATURATED 6.0
#define TWO_THIRDS 0x1.5555555555555p-1
#define TWO_THIRDS_LOW 0x1.5555555555555p-55
#endif

#define SIGN_BIT ((bits_t)((ubits_t)1 << (FL_BITS - 1)))
#define INFINITE ((real)__builtin_inf())
#define NOT_A_NUMBER ((real)__builtin_nan(""))
#define LOG2_E C(0x1.71547652b82fep0)

/* ---- Building blocks ---- */

/* Where functions saturate. GCC makes `x < low ? low : x` one instruction that keeps NaN, but only of a `low` that it
 * cannot see to be constant: a weak object it must not look into. */
__attribute__((weak, visibility("hidden"))) const struct {
    real zero, one, least, greatest, exp_lowest, exp_vanishes, exp_highest, times_exp_highest, expm1_lowest, tanh_saturated,
        erf_saturated;
} FN(fl_bounds) = {0,           1,         LEAST,        GREATEST,          EXP_LOWEST,
                   EXP_VANISHES, EXP_HIGHEST, TIMES_EXP_HIGHEST, EXPM1_LOWEST, TANH_SATURATED, ERF_SATURATED};
#undef BOUNDS
#define BOUNDS FN(fl_bounds)

INLINE real FN(from_exponent)(ubits_t biased) { return from_bits((bits_t)(biased << MANTISSA_BITS)); }
#define from_exponent FN(from_exponent)

/* a b + c where the two nearly cancel, so that the product must not be rounded first.
 * Without FMA: the factors are cut in halves whose products are exact. */
INLINE real FN(residual)(real a, real b, real c) {
#if FL_FMA
    return vfma(a, b, c);
#else
    const bits_t upper = -((bits_t)1 << (MANTISSA_BITS / 2 + 1));
    const real ah = from_bits(bits_of(a) & upper), al = a - ah;
    const real bh = from_bits(bits_of(b) & upper), bl = b - bh;
    const real product = a * b;
    const real lost = ((ah * bh - product) + ah * bl + al * bh) + al * bl;
    return (product + c) + lost;
#endif
}
#define residual FN(residual)

/* What rounding took from p = x y. */
INLINE real FN(product_rest)(real x, real y, real p) { return residual(x, y, -p); }
#define vproduct_rest FN(product_rest)

/* A number as the unevaluated sum of two: h rounded, l what the rounding lost. */
typedef struct {
    real h, l;
} FN(pair);
#define pair FN(pair)

/* a + b exactly, for |a| >= |b| or a == 0. */
INLINE pair FN(sum_ordered)(real a, real b) {
    const real h = a + b;
    return (pair){h, b - (h - a)};
}
#define sum_ordered FN(sum_ordered)

/* x^2 y as a pair, for where there is no FMA: each of its products would be rounded. */
INLINE pair FN(square_times)(real x, real y) {
    const real square = x * x, h = square * y;
    return (pair){h, residual(square, y, -h) + residual(x, x, -square) * y};
}

/* n / d for d.h in [1, 2]: one rounding instead of three. The remainder is about one ULP, so the reciprocal that turns
 * it into a correction may be a straight line, 24/17 - 8/17 d (within 6 %). */
INLINE real FN(divide)(pair n, pair d) {
    const real q = n.h / d.h;
    const real remainder = residual(-q, d.h, n.h) + vfma(-q, d.l, n.l);
    return vfma(remainder, vfma(d.h, C(-0x1.e1e1e2p-2), C(0x1.696968p0)), q);
}
#define divide FN(divide)

/* ---- exp: x = n ln 2 + r, |r| <= ln 2 / 2 ---- */

/* (exp(r) - 1 - r) / r^2 */
INLINE real FN(exp_tail)(real r) {
#if FL_BITS == 32
    return HORNER(r, C(0x1.fffffcp-2), C(0x1.555492p-3), C(0x1.5558bap-5), C(0x1.1239b4p-7), C(0x1.6a4346p-10));
#else
    const real r2 = r * r;
    return POLY(r, r2,
                C(0x1.000000000000ap-1), C(0x1.5555555555508p-3), C(0x1.5555555550731p-5),
                C(0x1.11111111250c5p-7), C(0x1.6c16c1845b5e1p-10), C(0x1.a01a01364843dp-13),
                C(0x1.a01999a257a93p-16), C(0x1.71df0e7ca318dp-19), C(0x1.28adc86e06dd9p-22),
                C(0x1.ad9f5a4b80676p-26));
#endif
}
#define exp_tail FN(exp_tail)

/* The same with an error small beside expm1(r), not only beside exp(r). */
INLINE real FN(expm1_tail)(real r) {
    const real r2 = r * r;
#if FL_BITS == 32
    return vfma(r, POLY(r, r2,
                        C(0x1.555554p-3), C(0x1.5554f8p-5), C(0x1.1112d6p-7), C(0x1.6d3a5ap-10),
                        C(0x1.9e7818p-13)),
                C(0x1p-1));
#else
    return vfma(r, vfma(r, POLY(r, r2,
                                C(0x1.5555555555558p-5), C(0x1.111111110f719p-7), C(0x1.6c16c16c175cdp-10),
                                C(0x1.a01a01af9a92ap-13), C(0x1.a01a01994834ep-16), C(0x1.71ddf92f429f9p-19),
                                C(0x1.27e503bf66c9bp-22), C(0x1.af5d2e0a4b89fp-26), C(0x1.1f286bdce23dap-29)),
                     C(0x1.5555555555559p-3)),
                C(0x1p-1));
#endif
}
#define expm1_tail FN(expm1_tail)

typedef struct {
    ubits_t exponent; /* its low bits hold n + offset */
    real r, r_low;    /* r_low: what the rounding of r lost */
} FN(exp_parts);
#define exp_parts FN(exp_parts)

/* Adding 1.5 * 2^MANTISSA_BITS rounds x / ln 2 to an integer and leaves it in the low bits, where it can be shifted
 * into an exponent; `offset` rides along in the same constant. A NaN makes r NaN. */
INLINE exp_parts FN(exp_reduce)(real x, int offset) {
    const real shift = ROUNDING_SHIFT + (real)offset;
    const real shifted = vfma(x, LOG2_E, shift);
    const real n = shifted - shift;
    const real coarse = vfma(-n, LN2_HIGH, x); /* exact */
    const real r = vfma(-n, LN2_LOW, coarse);
    return (exp_parts){(ubits_t)bits_of(shifted), r, vfma(-n, LN2_LOW, coarse - r)};
}
#define exp_reduce FN(exp_reduce)

/* 2^n for n <= 0, exponent = n + EXPONENT_BIAS + SUBNORMAL_LIFT. A shift can only make a normal number, so 2^n is first
 * made 2^SUBNORMAL_LIFT too large. Taking it down again rounds nothing and runs beside the polynomial; the one rounding
 * of a subnormal result is left to the caller's product. */
INLINE real FN(scale_down)(ubits_t exponent) {
    return from_exponent(exponent) * from_exponent(EXPONENT_BIAS - SUBNORMAL_LIFT);
}
#define scale_down FN(scale_down)

/* exp(r). Without FMA each product is rounded; then 1 + r is kept as a pair. */
INLINE real FN(exp_of)(exp_parts e) {
#if FL_FMA
    return vfma(e.r, vfma(e.r, exp_tail(e.r), C(1.0)), C(1.0));
#else
    const pair sum = sum_ordered(C(1.0), e.r);
    return sum.h + (e.r * e.r * exp_tail(e.r) + (sum.l + e.r_low));
#endif
}
#define exp_of FN(exp_of)

/* exp(x) for x <= 0, such as exp(-|z|): one clamp fewer than vexp, and one scaling.
 * ULP: float32 0.891 at -0x1.765026p2, float64 0.899 at -0x1.a9ed917d56651p8;
 * without FMA 0.775 and 0.792. */
INLINE real FN(exp_nonpositive)(real x) {
    x = at_least(BOUNDS.exp_lowest, x);
    const exp_parts e = exp_reduce(x, EXPONENT_BIAS + SUBNORMAL_LIFT);
    return exp_of(e) * scale_down(e.exponent);
}
#define vexp_nonpositive FN(exp_nonpositive)

/* 2^SUBNORMAL_LIFT exp(x) for x <= 0, and exactly 0 for -inf. Lifted, it is a normal number (down to what rounds to zero), so
 * that one product scales it; vlowered takes it down. ULP: that of exp_nonpositive. */
INLINE real FN(exp_lifted)(real x) {
    const exp_parts e = exp_reduce(at_least(BOUNDS.exp_vanishes, x), EXPONENT_BIAS + SUBNORMAL_LIFT);
    return exp_of(e) * from_exponent(e.exponent);
}
#define vexp_lifted FN(exp_lifted)
INLINE real FN(lowered)(real lifted) { return lifted * from_exponent(EXPONENT_BIAS - SUBNORMAL_LIFT); }
#define vlowered FN(lowered)

/* p 2^n, rounded once, for exponent = n + 2 EXPONENT_BIAS: 2^n may not be representable, 2^(n/2) is. */
INLINE real FN(scale_in_halves)(real p, ubits_t exponent) {
    const ubits_t half = exponent >> 1;
    return p * from_exponent(half) * from_exponent(exponent - half);
}
#define scale_in_halves FN(scale_in_halves)

/* exp(x) = 2^n exp(r), x = n ln 2 + r. Overflows to infinity and underflows gradually, each where it should.
 * ULP: float32 0.891 at -0x1.765026p2, float64 0.890 at 0x1.1a4a1c9cefc94p9;
 * without FMA 0.775 and 0.776. */
INLINE real FN(exp)(real x) {
    x = at_most(BOUNDS.exp_highest, x);
    x = at_least(BOUNDS.exp_lowest, x);
    const exp_parts e = exp_reduce(x, 2 * EXPONENT_BIAS);
    return scale_in_halves(exp_of(e), e.exponent);
}
#define vexp FN(exp)

/* exp(h + l), l small beside h: an exponential multiplies the error of its argument by up to 745, and l makes up for it. */
INLINE real FN(exp_pair)(real h, real l) {
    const real t = at_least(BOUNDS.exp_lowest, at_most(BOUNDS.exp_highest, h));
    const exp_parts e = exp_reduce(t, 2 * EXPONENT_BIAS);
    const real r = e.r + (t == h ? l : C(0.0));
    return scale_in_halves(vfma(r, vfma(r, exp_tail(r), C(1.0)), C(1.0)), e.exponent);
}
#define exp_pair FN(exp_pair)

/* exp((h + l) x), h + l a parameter with more digits than a number has. Measured within the loss. */
INLINE real FN(exp_product)(real h, real l, real x) {
    const real product = h * x;
    return exp_pair(product, vfma(l, x, residual(h, x, -product)));
}
#define vexp_product FN(exp_product)

/* c exp(x), also where exp(x) alone is out of range: half of the scaling goes to either factor. x stops where any finite
 * c but 0 gives a result whose square is 0 or infinite. No ULP line: measured within the losses. */
INLINE real FN(times_exp)(real c, real x) {
    x = at_most(BOUNDS.times_exp_highest, x);
    x = at_least(-BOUNDS.times_exp_highest, x);
    const exp_parts e = exp_reduce(x, 2 * EXPONENT_BIAS);
    const ubits_t half = e.exponent >> 1;
    return c * from_exponent(half) * (exp_of(e) * from_exponent(e.exponent - half));
}
#define vtimes_exp FN(times_exp)

/* exp(-t) and expm1(-t) for t >= 0 in one, exp(-t) as two factors: times a number it is exact also where it would be subnormal
 * by itself. Where that leaves nothing of any number, the factors are 0.
 * ULP of expm1: float32 0.881, float64 1.128; without FMA 0.859 and 1.090. */
typedef struct {
    real first, second, less_1;
} FN(exp_factors);
INLINE FN(exp_factors) FN(exp_of_minus)(real t) {
    const exp_parts e = exp_reduce(-at_most(BOUNDS.times_exp_highest, t), 2 * EXPONENT_BIAS);
    const ubits_t half = e.exponent >> 1;
    const real a = from_exponent(half), b = from_exponent(e.exponent - half), s = a * b;
    const real r = vfma(e.r * e.r, expm1_tail(e.r), e.r);
    return (FN(exp_factors)){t > TIMES_EXP_HIGHEST ? 0 : vfma(a, r, a), b, vfma(s, r, s - C(1.0))};
}
#define vexp_of_minus FN(exp_of_minus)

/* expm1(x) = 2^n (exp(r) - 1) + (2^n - 1). Near x = +-ln 2 / 2 the two cancel, so their sum is kept as a pair, and
 * r_low counts. Everything is halved, since 2^n itself would overflow at the top.
 * ULP: float32 0.896 at 0x1.632112p-2, float64 1.065 at 0x1.6db6736f05cp-2;
 * without FMA 0.815 and 1.002. */
INLINE real FN(expm1)(real x) {
    const real t = at_least(BOUNDS.expm1_lowest, at_most(BOUNDS.exp_highest, x));
    const exp_parts e = exp_reduce(t, EXPONENT_BIAS - 1);
    const real s = from_exponent(e.exponent); /* 2^n / 2 */
    const real base = s - C(0.5);
    const pair sum = sum_ordered(base, s * e.r);
#if FL_FMA
    const real tail = vfma(e.r * e.r, expm1_tail(e.r), e.r_low);
#else
    const pair product = FN(square_times)(e.r, expm1_tail(e.r));
    const real tail = product.h + (product.l + e.r_low);
#endif
    const real low = sum.l + ((s - base) - C(0.5));
    const real result = C(2.0) * (sum.h + vfma(s, tail, low));
    return vabs(x) < NEGLIGIBLE ? x : result; /* -0 and subnormals */
}
#define vexpm1 FN(expm1)

/* (expm1(x) - x - x^2 / 2) / x^3 for |x| <= 3/2 */
INLINE real FN(expm1_excess_tail)(real x) {
    const real x2 = x * x;
#if FL_BITS == 32
    return POLY(x, x2,
                C(0x1.555552p-3), C(0x1.555552p-5), C(0x1.111222p-7), C(0x1.6c170ep-10),
                C(0x1.9fabbcp-13), C(0x1.a0025ep-16), C(0x1.82ad64p-19), C(0x1.2f29bap-22));
#else
    return POLY(x, x2,
                C(0x1.5555555555556p-3), C(0x1.5555555555561p-5), C(0x1.1111111111082p-7),
                C(0x1.6c16c16c15846p-10), C(0x1.a01a01a023e0bp-13), C(0x1.a01a01a166a51p-16),
                C(0x1.71de3a5087ccdp-19), C(0x1.27e4fad7bba21p-22), C(0x1.ae6458ee29b0cp-26),
                C(0x1.1eeddfadbaee7p-29), C(0x1.6123c7b61171cp-33), C(0x1.936b01fd019efp-37),
                C(0x1.ae9bfcc2c3b04p-41), C(0x1.bafc04a0a60a6p-45), C(0x1.97cf3d3243c29p-49));
#endif
}

/* exp(x), expm1(x) and expm1(x) - x in one, each relative; the last, x^2 / 2 near 0, is a polynomial up to |x| = 3/2.
 * ULP: float32 0.984, 1.449 and 2.264, float64 0.978, 1.815 and 2.311;
 * without FMA 0.952, 1.460 and 2.464, 0.954, 1.918 and 2.278. */
typedef struct {
    real exp, less_1, excess;
} FN(growth);
INLINE FN(growth) FN(exp_growth)(real x) {
    const real below = at_most(BOUNDS.exp_highest, x);
    const exp_parts e = exp_reduce(at_least(BOUNDS.exp_lowest, below), 2 * EXPONENT_BIAS);
    const ubits_t half = e.exponent >> 1;
    const real a = from_exponent(half), b = from_exponent(e.exponent - half);
    const real r = vfma(e.r * e.r, expm1_tail(e.r), e.r);
    const real less_1 = vfma(a, r, a - from_exponent(half + 2 * EXPONENT_BIAS - e.exponent)) * b; /* a r + (a - 1/b) */
    const real x2 = x * x, near = vfma(x2 * x, FN(expm1_excess_tail)(x), C(0.5) * x2);
    return (FN(growth)){
        .exp = vfma(a, r, a) * b,
        .less_1 = less_1,
        .excess = vabs(x) < C(1.5) ? near : less_1 - below,
    };
}
#define vexp_growth FN(exp_growth)

/* log cosh(a) for 0 <= a <= 1, without cancellation: a^2/2 + a^4 q(a^2). No ULP line here and below: measured within the
 * loss (losses_exhaustive.c). */
INLINE real FN(log_cosh_near)(real a) {
    const real u = a * a, u2 = u * u;
#if FL_BITS == 32
    const real q = POLY(u, u2,
                        C(-0x1.555516p-4), C(0x1.6c02bcp-6), C(-0x1.b7f9d8p-8), C(0x1.10f5d4p-9),
                        C(-0x1.25d044p-11), C(0x1.70894ap-14));
#else
    const real q = POLY(u, u2,
                        C(-0x1.555555555554cp-4), C(0x1.6c16c16c15cd5p-6), C(-0x1.ba1ba1b98f5bdp-8),
                        C(0x1.1ea5d387534e6p-9), C(-0x1.833d98ebc3f41p-11), C(0x1.0d0b1eb242a78p-12),
                        C(-0x1.7d9f49dbf230fp-14), C(0x1.12db5e3429f0cp-15), C(-0x1.8ff6e7f6b6c92p-17),
                        C(0x1.22ca156739ddbp-18), C(-0x1.9ab0115c98095p-20), C(0x1.090ef39eca995p-21),
                        C(-0x1.19ec34cbdc0c8p-23), C(0x1.a3d85f3a53feep-26), C(-0x1.3bdd253ef4e33p-29));
#endif
    return vfma(u2, q, C(0.5) * u);
}
#define vlog_cosh_near FN(log_cosh_near)

/* tanh(a) for 0 <= a <= 0.56, where (1 - E)/(1 + E), E = exp(-2a), cancels: a + a^3 q(a^2) */
INLINE real FN(tanh_near)(real a) {
    const real u = a * a, u2 = u * u;
#if FL_BITS == 32
    const real q = POLY(u, u2,
                        C(-0x1.555548p-2), C(0x1.110c5ep-3), C(-0x1.b905c4p-5), C(0x1.581206p-6),
                        C(-0x1.945604p-8));
#else
    const real q = POLY(u, u2,
                        C(-0x1.5555555555555p-2), C(0x1.111111111108p-3), C(-0x1.ba1ba1ba10e2fp-5),
                        C(0x1.664f487f8ee2cp-6), C(-0x1.226e34cf94f3p-7), C(0x1.d6d3b10c9350bp-9),
                        C(-0x1.7da104b33819ap-10), C(0x1.35390ee645c2cp-11), C(-0x1.f34aad6d6cd84p-13),
                        C(0x1.88dc845909335p-14), C(-0x1.11413610244b6p-15), C(0x1.e502fde9eee0dp-18));
#endif
    return vfma(a * u, q, a);
}
#define vtanh_near FN(tanh_near)

/* expm1(x) as a pair, for EXPM1_LOWEST <= x <= 0 or NaN */
INLINE pair FN(expm1_pair)(real x) {
    const exp_parts e = exp_reduce(x, EXPONENT_BIAS);
    const real s = from_exponent(e.exponent);
    const pair base = sum_ordered(C(-1.0), s);
    const pair sum = sum_ordered(base.h, s * e.r);
    const real tail = vfma(e.r * e.r, expm1_tail(e.r), e.r_low);
    return sum_ordered(sum.h, vfma(s, tail, sum.l + base.l));
}

/* exp(x) as a pair, for x <= 0 or NaN */
INLINE pair FN(exp_nonpositive_pair)(real x) {
    x = at_least(BOUNDS.exp_lowest, x);
    const exp_parts e = exp_reduce(x, EXPONENT_BIAS + SUBNORMAL_LIFT);
    const pair sum = sum_ordered(C(1.0), e.r);
    const pair p = sum_ordered(sum.h, vfma(e.r * e.r, exp_tail(e.r), sum.l + e.r_low));
    const real s = scale_down(e.exponent);
    return (pair){p.h * s, p.l * s};
}

/* tanh(x) = -m / (2 + m), m = expm1(-2 |x|), with the sign of x; numerator and denominator as pairs.
 * ULP: float32 0.786 at 0x1.012322p-3, float64 0.857 at -0x1.688098f57efp-3;
 * without FMA 0.780 and 0.823. */
INLINE real FN(tanh)(real x) {
    const real a = at_most(BOUNDS.tanh_saturated, vabs(x));
    const pair m = FN(expm1_pair)(C(-2.0) * a);
    pair d = sum_ordered(C(2.0), m.h);
    d.l += m.l;
    const real t = divide(m, d);
    return from_bits(bits_of(vabs(t)) | (bits_of(x) & SIGN_BIT));
}
#define vtanh FN(tanh)

/* sigmoid(x) = 1 / (1 + E) for x >= 0, E / (1 + E) for x < 0, E = exp(-|x|): no overflow, both tails relative.
 * ULP: float32 0.775 at -0x1.5ef11ep6, float64 0.778 at -0x1.6265ac25ee54ap9;
 * without FMA 0.803 and 0.815. */
INLINE real FN(sigmoid)(real x) {
    const pair e = FN(exp_nonpositive_pair)(-vabs(x));
    pair d = sum_ordered(C(1.0), e.h);
    d.l += e.l;
    const pair n = {x < C(0.0) ? e.h : C(1.0), x < C(0.0) ? e.l : C(0.0)};
    return divide(n, d);
}
#define vsigmoid FN(sigmoid)

/* ---- log ---- */

/* log1p(e) = e + e^2 q for e in [0, 1], q = LOG1P_MIDDLE + t * this, t = e - 1/2. Around the middle the last product
 * of the chain is small, and the rounding errors before it with it. */
INLINE real FN(log1p_unit_tail)(real t) {
#if FL_BITS == 32
#define LOG1P_MIDDLE C(-0x1.833704p-2)
    return HORNER(t, C(0x1.6f0d78p-3), C(-0x1.7de15cp-4), C(0x1.a2847ep-5), C(-0x1.d957dep-6), C(0x1.10e298p-6),
                  C(-0x1.507af4p-7), C(0x1.c7e7acp-8), C(-0x1.9fab34p-9));
#else
#define LOG1P_MIDDLE C(-0x1.833704d019edp-2)
    const real t2 = t * t;
    return vfma(t, POLY(t, t2,
                        C(-0x1.7ddf1fe86abdep-4), C(0x1.a279c04c79c74p-5), C(-0x1.da3482488a65fp-6),
                        C(0x1.131116fb975c4p-6), C(-0x1.44ba45d7bc3cp-7), C(0x1.84904efe39681p-8),
                        C(-0x1.d5faf2cbf1feep-9), C(0x1.1ebd3f314bb9ep-9), C(-0x1.6075da837c974p-10),
                        C(0x1.b3ddbacaa2ae2p-11), C(-0x1.0ed271d16bbcap-11), C(0x1.53274f231c776p-12),
                        C(-0x1.ad897edb34932p-13), C(0x1.0730c848289e9p-13), C(-0x1.2ac74eb88a1eep-14),
                        C(0x1.ba3cc7b4e609dp-15), C(-0x1.aba3b35ac04cbp-15), C(0x1.a84c65fcdbb82p-16)),
                C(0x1.6f0d7bd624be3p-3));
#endif
}
#define log1p_unit_tail FN(log1p_unit_tail)

/* (log1p(f) - f) / f^2 for f in [-1/3, 1/3] */
INLINE real FN(log1p_tail)(real f) {
    const real f2 = f * f;
#if FL_BITS == 32
    return vfma(f, POLY(f, f2,
                        C(0x1.555506p-2), C(-0x1.fffefcp-3), C(0x1.99d054p-3), C(-0x1.559c54p-3),
                        C(0x1.1ed49cp-3), C(-0x1.f3300ap-4), C(0x1.1e7368p-3), C(-0x1.07d11ap-3)),
                C(-0x1p-1));
#else
    return vfma(f, POLY(f, f2,
                        C(0x1.5555555555539p-2), C(-0x1.00000000014bfp-2), C(0x1.99999999a0188p-3),
                        C(-0x1.555555535ac74p-3), C(0x1.24924920a9ee5p-3), C(-0x1.000000b04ed08p-3),
                        C(0x1.c71c74116c052p-4), C(-0x1.99995678259aep-4), C(0x1.745cb54eea4a7p-4),
                        C(-0x1.555cf9c6ffddap-4), C(0x1.3b1dc19915e45p-4), C(-0x1.2407a14dfefa3p-4),
                        C(0x1.10690e351514bp-4), C(-0x1.06238c85b830fp-4), C(0x1.efc4103bcb952p-5),
                        C(-0x1.7384882cf8b79p-5), C(0x1.560a3580b859ep-5), C(-0x1.6420efef25f9fp-4),
                        C(0x1.5c24ffcbd25b4p-4)),
                C(-0x1.ffffffffffff8p-2));
#endif
}
#define log1p_tail FN(log1p_tail)

/* log1p(e) for e in [0, 1], such as exp(-|z|): one polynomial, without division or reduction.
 * Written e + e^2 q, so that tiny and subnormal e come out as they are.
 * ULP: float32 1.000 at 0x1.fe330cp-1, float64 1.008 at 0x1.fffecfc40cb29p-1;
 * without FMA 0.947 and 0.951. */
INLINE real FN(log1p_unit)(real e) {
    const real t = e - C(0.5), q = vfma(t, log1p_unit_tail(t), LOG1P_MIDDLE);
#if FL_FMA
    return vfma(e * e, q, e);
#else
    const pair product = FN(square_times)(e, q), sum = sum_ordered(e, product.h);
    return sum.h + (sum.l + product.l);
#endif
}
#define vlog1p_unit FN(log1p_unit)

/* log1p(e) / e for e in [0, 1]. Measured within the loss. */
INLINE real FN(log1p_unit_ratio)(real e) {
    const real t = e - C(0.5);
    return vfma(e, vfma(t, log1p_unit_tail(t), LOG1P_MIDDLE), C(1.0));
}
#define vlog1p_unit_ratio FN(log1p_unit_ratio)

typedef struct {
    real k, m;
} FN(log_parts);
#define log_parts FN(log_parts)

/* A biased exponent as the number it stands for. AVX2 cannot convert 64-bit integers: it is put into the low bits of
 * 2^MANTISSA_BITS, which makes it a float, and the excess subtracted. */
INLINE real FN(unbiased)(ubits_t biased) {
    const real big = from_exponent(EXPONENT_BIAS + MANTISSA_BITS);
    return from_bits((bits_t)(biased | (ubits_t)bits_of(big))) - (big + (real)EXPONENT_BIAS);
}
#define unbiased FN(unbiased)

/* x = 2^k m, m in [2/3, 4/3), for positive finite normal x. */
INLINE log_parts FN(log_reduce)(real x) {
    const ubits_t third = (ubits_t)(bits_of(C(1.0)) - bits_of(C(1.0) / C(1.5))); /* from 2/3 to 1 */
    const ubits_t biased = ((ubits_t)bits_of(x) + third) >> MANTISSA_BITS;
    const real m = from_bits((bits_t)((ubits_t)bits_of(x) - ((biased - EXPONENT_BIAS) << MANTISSA_BITS)));
    return (log_parts){unbiased(biased), m};
}
#define log_reduce FN(log_reduce)

/* The same for subnormal x too. */
INLINE log_parts FN(log_reduce_any)(real x) {
    const int lifted = x < from_exponent(1);
    log_parts p = log_reduce(lifted ? x * from_exponent(EXPONENT_BIAS + SUBNORMAL_LIFT) : x);
    p.k -= lifted ? (real)SUBNORMAL_LIFT : C(0.0);
    return p;
}
#define log_reduce_any FN(log_reduce_any)

/* k ln 2 + log1p(f) + low. The sum k ln 2 + f is kept as a pair: near k = -1, f = 1/3 it cancels by half. */
INLINE real FN(log_assemble)(real k, real f, real low) {
    const pair sum = sum_ordered(k * LN2_HIGH, f);
    return sum.h + vfma(f * f, log1p_tail(f), vfma(k, LN2_LOW, sum.l + low));
}
#define log_assemble FN(log_assemble)

/* What log makes of the ends of its domain: +inf stays, 0 gives -inf, a negative number or NaN gives NaN. */
INLINE real FN(log_specials)(real x, real result) {
    result = x < INFINITE ? result : x;
    return x > C(0.0) ? result : (x == C(0.0) ? -INFINITE : NOT_A_NUMBER);
}
#define log_specials FN(log_specials)

/* log(x) = k ln 2 + log(m), x = 2^k m.
 * ULP: float32 0.880 at 0x1.477e92p0, float64 0.885 at 0x1.4593f32f6f20ap0;
 * without FMA 0.974 and 0.956. */
INLINE real FN(log)(real x) {
    const log_parts p = log_reduce_any(x);
    return log_specials(x, log_assemble(p.k, p.m - C(1.0), C(0.0)));
}
#define vlog FN(log)

/* log(u), u about 1 + x: the reduction of u, but f = 2^-k x + (2^-k - 1) is taken from x itself, so that the rounding of
 * u does no harm; f_low is what is lost when f is rounded, for x in [1/3, 1/2], and 1.4 the slope of log there. Where 1 + x
 * is not `exact` for x < -1/2, u has the digits there. For huge x, f comes from u too, as 2^-k may not be representable. */
INLINE real FN(log_about_1)(real u, real x, int exact) {
    const log_parts p = exact ? log_reduce(u) : log_reduce_any(u);
    const real s = from_bits(bits_of(C(1.0)) - (bits_of(u) - bits_of(p.m)));
    const real base = s - C(1.0), close = vfma(x, s, base);
    const real f = (x > C(0x1p64)) | (!exact & (x < C(-0.5))) ? p.m - C(1.0) : close;
    const real f_low = vfma(x, s, base - close);
    return log_specials(u, log_assemble(p.k, f, x > C(0.5) ? C(0.0) : C(1.4) * f_low));
}
#define vlog_about_1(u, x) FN(log_about_1)(u, x, 0) /* measured within the losses */

/* log1p(x)
 * ULP: float32 0.909 at 0x1.566c7ep-2, float64 0.878 at 0x1.5daf047f7b2ap-2;
 * without FMA 0.974 and 0.973. */
INLINE real FN(log1p)(real x) {
    const real result = FN(log_about_1)(C(1.0) + x, x, 1);
    return x == C(0.0) ? x : result; /* -0 */
}
#define vlog1p FN(log1p)

/* (1 + r) log1p(r) + (1 - r) log1p(-r) for |r| <= 1/2, where the two terms cancel: r^2 + r^4 q(r^2). No ULP line: measured
 * within the loss. */
INLINE real FN(log1p_both_near)(real r) {
    const real x = r * r, x2 = x * x;
#if FL_BITS == 32
    const real q = POLY(x, x2,
                        C(0x1.55559ap-3), C(0x1.10f366p-4), C(0x1.28ad2p-5), C(0x1.2e2b8ep-6),
                        C(0x1.bfaceep-6));
#else
    const real q = POLY(x, x2,
                        C(0x1.555555555549p-3), C(0x1.111111112ae61p-4), C(0x1.24924911b9e82p-5),
                        C(0x1.6c16c84dc8e51p-6), C(0x1.f07aa71bf3b1fp-7), C(0x1.682fefdb47d44p-7),
                        C(0x1.0fed193f4b06bp-7), C(0x1.be0ce632b8d9bp-8), C(0x1.f80ee51043db7p-9),
                        C(0x1.2e2fa4dd1591fp-7), C(-0x1.ba87905c54ddfp-8), C(0x1.d73c0814b596ap-7));
#endif
    return vfma(x2, q, x);
}
#define vlog1p_both_near FN(log1p_both_near)

/* log(a/b) for a, b >= 0, d = a - b with all its digits: log1p(d/b), unless a is far below b. One of the two that is about to
 * leave the range of normal numbers is lifted, lest the quotient overflow; an a or b of 0 gives an infinity, both NaN. */
INLINE real FN(log_ratio)(real a, real b, real d) {
    const real low = from_exponent(SUBNORMAL_LIFT + 1), lift = from_exponent(EXPONENT_BIAS + SUBNORMAL_LIFT);
    const real lift_a = a < low ? lift : C(1.0), lift_b = b < low ? lift : C(1.0);
    const real lifted = (real)SUBNORMAL_LIFT * C(0x1.62e42fefa39efp-1);
    const real restored = (b < low ? lifted : C(0.0)) - (a < low ? lifted : C(0.0));
    const real above = a * lift_a, below = b * lift_b;
    const real far = lift_a == lift_b ? C(0.5) * below : INFINITE;
    const bool direct = above < far;
    const real q = (direct ? above : d * lift_a) / below;
    return restored + vlog_about_1(direct ? q : 1 + q, direct ? q - 1 : q);
}
#define vlog_ratio FN(log_ratio)

/* (f - log1p(f)) / f^2 = LOG1P_EXCESS_MIDDLE + t * this, t = f - LOG1P_EXCESS_CENTER, for f in [0, 1] */
INLINE real FN(log1p_excess_tail)(real t) {
    const real t2 = t * t;
#if FL_BITS == 32
#define LOG1P_EXCESS_CENTER 0.2861328125f
#define LOG1P_EXCESS_MIDDLE C(0x1.af6a1p-2)
    return vfma(t, POLY(t, t2,
                        C(0x1.167732p-3), C(-0x1.6042c2p-4), C(0x1.cde194p-5), C(-0x1.377f9p-5),
                        C(0x1.b25dd2p-6), C(-0x1.2b5f74p-6), C(0x1.48e06ap-7), C(-0x1.739c9ep-9)),
                C(-0x1.d1d23cp-3));
#else
#define LOG1P_EXCESS_CENTER 0.48046875
#define LOG1P_EXCESS_MIDDLE C(0x1.86d6130c1703fp-2)
    return vfma(t, POLY(t, t2,
                        C(0x1.8a687d694bd0ap-4), C(-0x1.b589460c7ed31p-5), C(0x1.f605a828252cfp-6),
                        C(-0x1.26e5aa8bd9e7p-6), C(0x1.609740ba29d76p-7), C(-0x1.ab54d1907e0bcp-8),
                        C(0x1.05c61b5cfa3p-8), C(-0x1.438f04f404333p-9), C(0x1.92e1bc710bd86p-10),
                        C(-0x1.f8cefb6b3f062p-11), C(0x1.3ddb6bea3ea7fp-11), C(-0x1.91ab6c3d338fep-12),
                        C(0x1.0015e80f2a40fp-12), C(-0x1.4ca978ad2692ap-13), C(0x1.9bf9fcaa55a68p-14),
                        C(-0x1.be240bb526991p-15), C(0x1.566f44a6be3eep-15), C(-0x1.78130e042582cp-15),
                        C(0x1.8564b5797886ep-16)),
                C(-0x1.76a1f34ff1364p-3));
#endif
}

/* 1 + x = 2^k (1 + f) for x >= 0, f in [0, 1], and log1p(f) = f - excess. f comes from x itself: 2^-k x + (2^-k - 1), which for
 * x < 1 is x. What is made of it is never a difference that cancels. With one = 0 in place of 1 it is x, a normal number. */
typedef struct {
    real k, f, excess;
} FN(log1p_parts);
#define log1p_parts FN(log1p_parts)
INLINE log1p_parts FN(log1p_reduce)(real one, real x) {
    const ubits_t biased = (ubits_t)bits_of(one + x) >> MANTISSA_BITS;
    const real s = C(0.5) * from_exponent(2 * EXPONENT_BIAS + 1 - biased); /* 2^-k, which may be subnormal */
    const real f = vfma(x, s, one * s - C(1.0)), t = f - LOG1P_EXCESS_CENTER;
    return (log1p_parts){unbiased(biased), f, f * f * vfma(t, FN(log1p_excess_tail)(t), LOG1P_EXCESS_MIDDLE)};
}
#define log1p_reduce FN(log1p_reduce)

/* log(one + x) - n ln 2 for x >= 0: log1p(x) with one = 1 and n = 0, or with one = 0 the logarithm of what times 2^n is x,
 * a normal number, though it is none itself. It is far from 1. ULP: that of log1p_nonnegative. */
INLINE real FN(log_scaled)(real one, real x, real n) {
    const log1p_parts p = log1p_reduce(one, x);
    const real k = p.k - n;
    const pair sum = sum_ordered(k * LN2_HIGH, p.f);
    const real result = sum.h + (vfma(k, LN2_LOW, sum.l) - p.excess);
    return x < INFINITE ? result : x;
}
#define vlog_scaled FN(log_scaled)

/* log1p(x) for x >= 0
 * ULP: float32 1.242 at 0x1.f92cfep-1, float64 1.271 at 0x1.ffffff569a0a1p-1;
 * without FMA 1.343 and 1.317. */
INLINE real FN(log1p_nonnegative)(real x) { return vlog_scaled(C(1.0), x, C(0.0)); }
#define vlog1p_nonnegative FN(log1p_nonnegative)

/* x - log1p(x) for x >= 0, relative also where it is x^2 / 2: for k = 0 x - f is exactly 0. From 2^60 on x is the result.
 * ULP: float32 2.322 at 0x1.01d1a8p-5, float64 2.164 at 0x1.086e3176d8711p-3;
 * without FMA 2.420 and 2.258. */
INLINE real FN(log1p_excess)(real x) {
    const log1p_parts p = log1p_reduce(C(1.0), x);
    const real linear = vfma(-p.k, LN2_HIGH, x) - p.f;
    const real result = vfma(-p.k, LN2_LOW, linear) + p.excess;
    return x < C(0x1p60) ? result : x;
}
#define vlog1p_excess FN(log1p_excess)

/* softplus(x) = log(1 + exp(x)) = max(x, 0) + log1p(E), E = exp(-|x|) as a pair; relative in the lower tail.
 * ULP: float32 0.847 at -0x1.c9095ep-2, float64 0.808 at -0x1.b192cfba60816p-18;
 * without FMA 0.866 and 0.848. */
INLINE real FN(softplus)(real x) {
    const pair e = FN(exp_nonpositive_pair)(-vabs(x));
    const real m = x < C(0.0) ? C(0.0) : x;
    /* log1p(h + l) = log1p(h) + l / (1 + h), the reciprocal by a straight line */
    const real low = e.l * vfma(e.h, C(-0x1.e1e1e2p-2), C(0x1.df1f2p-1));
    const real t = e.h - C(0.5), tail = log1p_unit_tail(t), e2 = e.h * e.h;
    const real q = vfma(t, tail, LOG1P_MIDDLE), q_low = vfma(t, tail, LOG1P_MIDDLE - q);
    const real log_h = vfma(e2, q, e.h), log_l = residual(e2, q, e.h - log_h) + vfma(e2, q_low, low);
    const real h = m + log_h, back = h - m; /* m + log_h = h + l, whichever is the larger */
    const real l = (m - (h - back)) + (log_h - back);
    return m < C(0x1p60) ? h + (l + log_l) : m; /* inf - inf */
}
#define vsoftplus FN(softplus)

/* ---- erf, atan ---- */

/* erf(x) / x - 1 for |x| <= 1, u = x^2 */
INLINE real FN(erf_near)(real u) {
    const real u2 = u * u;
#if FL_BITS == 32
    return POLY(u, u2,
                C(0x1.06eba8p-3), C(-0x1.81273ep-2), C(0x1.ce2ce6p-4), C(-0x1.b7f71ap-6),
                C(0x1.53f222p-8), C(-0x1.a3512cp-11), C(0x1.4770e2p-14));
#else
    return POLY(u, u2,
                C(0x1.06eba8214db68p-3), C(-0x1.812746b03799dp-2), C(0x1.ce2f21a03f8b9p-4),
                C(-0x1.b82ce311a90cdp-6), C(0x1.565bcceeb58cfp-8), C(-0x1.c02daead72f8dp-11),
                C(0x1.f9a295614fe04p-14), C(-0x1.f4c8137732d6p-17), C(0x1.b969fcc9b1991p-20),
                C(-0x1.5b8247bcfb4ap-23), C(0x1.d38a73f34fd46p-27), C(-0x1.a11e7f2782766p-31));
#endif
}

/* exp(a^2) erfc(a) for a >= 1, t = a - 1 <= ERF_SATURATED - 1, with an error small beside exp(a^2) */
INLINE real FN(erfcx)(real t) {
    const real t2 = t * t;
#if FL_BITS == 32
    return vfma(t, POLY(t, t2,
                        C(-0x1.17c4bap-2), C(0x1.3c1e5p-3), C(-0x1.43e46cp-4), C(0x1.2e8b78p-5),
                        C(-0x1.f1affcp-7), C(0x1.45a776p-8), C(-0x1.1ac472p-10), C(0x1.cd7c36p-14)),
                C(0x1.b5d878p-2));
#else
    return vfma(t, POLY(t, t2,
                        C(-0x1.17c4e3f17bcf7p-2), C(0x1.3c27283c16f8ep-3), C(-0x1.44837f8369653p-4),
                        C(0x1.33cad058ee70bp-5), C(-0x1.10fce84349d83p-6), C(0x1.c8caceb288836p-8),
                        C(-0x1.6aecb92d0fd07p-9), C(0x1.1334781361804p-10), C(-0x1.8f977802db3b8p-12),
                        C(0x1.159454843c16dp-13), C(-0x1.6e1c3167592dcp-15), C(0x1.c1a55b2a14eaap-17),
                        C(-0x1.f1dbe91cf1d56p-19), C(0x1.dbf4960a60917p-21), C(-0x1.755a122cfaf63p-23),
                        C(0x1.c4bc6ce4f899p-26), C(-0x1.8868754b89d84p-29), C(0x1.ac5786363fe25p-33),
                        C(-0x1.b74d7357670c9p-38)),
                C(0x1.b5d8780f956bp-2));
#endif
}

/* erf(x) from E = exp(-x^2), which a normal density needs as well: x + x q(x^2) up to 1, then 1 - E erfcx(|x|) with the
 * sign of x. That subtracts 0.16 at most, and the error of E, rounded x^2 included, counts as much less. */
INLINE real FN(erf_given)(real x, real E) {
    const real a = vabs(x), near = vfma(x, FN(erf_near)(x * x), x);
    const real far = vfma(-E, FN(erfcx)(at_most(BOUNDS.erf_saturated, a) - C(1.0)), C(1.0));
    return a < C(1.0) ? near : from_bits(bits_of(far) | (bits_of(x) & SIGN_BIT));
}
#define verf_given FN(erf_given)

/* erf(x)
 * ULP: float32 0.979 at 0x1.f76b0ap-1, float64 1.280 at 0x1.000005c219f9ep0;
 * without FMA 1.197 and 1.338. */
INLINE real FN(erf)(real x) { return verf_given(x, vexp_nonpositive(-(x * x))); }
#define verf FN(erf)

/* atan(x) = x + x^3 q(x^2) for |x| <= 1: one polynomial, without division; beyond, atan(x) = pi / 2 - atan(1 / x).
 * ULP: float32 0.935 at 0x1.f96e1cp-1, float64 1.111 at 0x1.ffff0d4f18148p-1;
 * without FMA 1.139 and 1.436. */
INLINE real FN(atan_unit)(real x) {
    const real u = x * x, u2 = u * u;
#if FL_BITS == 32
    const real q = vfma(u, POLY(u, u2,
                                C(0x1.9991e4p-3), C(-0x1.242084p-3), C(0x1.c08c28p-4), C(-0x1.58088ep-4),
                                C(0x1.da27e8p-5), C(-0x1.fd7974p-6), C(0x1.641f7cp-7), C(-0x1.d34fbp-10)),
                        C(-0x1.55553ep-2));
#else
    const real q = vfma(u, POLY(u, u2,
                                C(0x1.9999999984113p-3), C(-0x1.2492491fa22a3p-3), C(0x1.c71c709e21b23p-4),
                                C(-0x1.745d0231b0722p-4), C(0x1.3b12b2f1e644fp-4), C(-0x1.11089d53ffcep-4),
                                C(0x1.e1781b3b609adp-5), C(-0x1.ad32cce6f23cep-5), C(0x1.7ee436269397ep-5),
                                C(-0x1.4f45c791c75ebp-5), C(0x1.1717208a34fecp-5), C(-0x1.a72a7167e0962p-6),
                                C(0x1.163077f5d66c1p-6), C(-0x1.2cfe67d2929ffp-7), C(0x1.f97d4d38ee7e8p-9),
                                C(-0x1.31377afcf2865p-10), C(0x1.d3d4c574a95c5p-13), C(-0x1.53fca20d0ed2ap-16)),
                        C(-0x1.555555555544cp-2));
#endif
    return vfma(x * u, q, x);
}
#define vatan_unit FN(atan_unit)

/* ---- pow, lgamma ---- */

/* (2 atanh(s) - 2 s - 2/3 s^3) / s^5 as a polynomial in u = s^2 */
INLINE real FN(atanh_tail)(real u) {
    const real u2 = u * u;
#if FL_BITS == 32
    return POLY(u, u2,
                C(0x1.999996p-2), C(0x1.2495p-2), C(0x1.c5bfdap-3), C(0x1.97e92ap-3));
#else
    return POLY(u, u2,
                C(0x1.999999999999ap-2), C(0x1.2492492492359p-2), C(0x1.c71c71c747ca4p-3),
                C(0x1.745d172d67dacp-3), C(0x1.3b13b9386bd39p-3), C(0x1.110f74fe9833fp-3),
                C(0x1.e24976d79c3e3p-4), C(0x1.a7457e5029936p-4), C(0x1.da5297095794bp-4));
#endif
}
#define atanh_tail FN(atanh_tail)

/* log(x) as a pair, about 10 bits more than a float has: pow multiplies its error by up to 745.
 * log(m) = 2 atanh(s) = 2 s + 2/3 s^3 + ..., s = (m - 1) / (m + 1); the first two terms as pairs. */
INLINE pair FN(log_pair)(real x) {
    const log_parts p = log_reduce_any(x);
    const real f = p.m - C(1.0);
    const pair d = sum_ordered(C(2.0), f);
    const real reciprocal = C(1.0) / d.h;
    const real s = f * reciprocal;
    const real s_low = vfma(-s, d.l, residual(-s, d.h, f)) * reciprocal;
    /* 2/3 s^3 as a pair */
    const real u = s * s, u_low = residual(s, s, -u);
    const real v = s * u, v_low = vfma(s, u_low, residual(s, u, -v));
    const real w = TWO_THIRDS * v, w_low = vfma(TWO_THIRDS, v_low, vfma(TWO_THIRDS_LOW, v, residual(TWO_THIRDS, v, -w)));
    const pair a = sum_ordered(p.k * LN2_HIGH, C(2.0) * s);
    const pair b = sum_ordered(a.h, w);
    const real slope = vfma(u, vfma(u, C(2.0), C(2.0)), C(2.0)); /* of 2 atanh(s), to be applied to s_low */
    const real low = a.l + b.l + vfma(p.k, LN2_LOW, vfma(u * v, atanh_tail(u), vfma(slope, s_low, w_low)));
    const pair c = sum_ordered(b.h, low);
    const real special = log_specials(x, c.h);
    return (pair){special, special == c.h ? c.l : C(0.0)};
}
#define log_pair FN(log_pair)

/* What is lost when 1 + x is rounded to t, for finite x. */
INLINE real FN(lost_beside_one)(real x, real t) { return at_most(BOUNDS.one, x) - (t - at_least(BOUNDS.one, x)); }

/* log1p(x) - log1p(y) for x >= -1 and finite y > -1, relative also where they are about equal: the logarithm of t/s, t = 1 + x
 * and s = 1 + y with what their rounding lost. With k the integer beside log2(t/s), both are scaled to where no power of two is
 * out of range: t/s = 2^k m/n, n in [4, 8) and m/n in [2/3, 3/2]. Then it is k ln 2 + 2 atanh(q), q = (m - n)/(m + n) as a
 * pair. One division, for a quotient would need its own before the logarithm's polynomial. Measured within the loss. */
INLINE real FN(log1p_difference)(real x, real y) {
    const real t = C(1.0) + x, s = C(1.0) + y;
    const ubits_t t_bits = (ubits_t)bits_of(t), s_bits = (ubits_t)bits_of(s), mantissa = ((ubits_t)1 << MANTISSA_BITS) - 1;
    const ubits_t quotient = t_bits - s_bits, power = (quotient + (mantissa + 1) / 2) & ~mantissa; /* k as an exponent */
    const ubits_t n_bits = (s_bits & mantissa) | (ubits_t)bits_of(C(4.0)), to_n = n_bits - s_bits + (ubits_t)bits_of(C(1.0));
    const real n = from_bits((bits_t)n_bits), difference = from_bits((bits_t)(n_bits + (quotient - power))) - n; /* exact */
    const real t_low = FN(lost_beside_one)(x, t) * from_bits((bits_t)(to_n - power));
    const real s_low = FN(lost_beside_one)(y, s) * from_bits((bits_t)to_n);
    const pair a = sum_ordered(difference, t_low - s_low);
    const real sum = vfma(C(2.0), n, difference), sum_low = (difference - vfma(C(-2.0), n, sum)) + (t_low + s_low);
    const real inverse = C(1.0) / sum, q = a.h * inverse, u = q * q;
    const real q_low = (residual(-q, sum, a.h) + vfma(-q, sum_low, a.l)) * inverse;
    const real big = from_exponent(EXPONENT_BIAS + MANTISSA_BITS), bias = 1 + (real)EXPONENT_BIAS;
    const real k = from_bits((bits_t)((power ^ (ubits_t)SIGN_BIT) >> MANTISSA_BITS | (ubits_t)bits_of(big))) - (big + 2 * bias);
    const real k_high = k * LN2_HIGH, h = vfma(C(2.0), q, k_high), l = vfma(C(2.0), q, k_high - h);
    const real low = vfma(C(2.0), q_low, vfma(k, LN2_LOW, l));
    const real d = h + vfma(u * q, vfma(u, atanh_tail(u), TWO_THIRDS), low), finite_d = t < INFINITE ? d : t;
    return t == C(0.0) ? -INFINITE : finite_d;
}
#define vlog1p_difference FN(log1p_difference)

/* pow(x, y) = exp(y log(x)) for x >= 0 (NaN below), log(x) and the product as pairs. Special values as in C:
 * pow(x, 0) = pow(1, y) = 1 even for NaN, pow(0, -y) = inf.
 * ULP: float32 1.063 at 0x1.07d2a2p-2, float64 1.324 at 0x1.5594af4dbb0a9p-1;
 * without FMA 1.352 and 1.444. */
INLINE real FN(pow_pair)(real x, real y, real y_low) {
    const pair l = log_pair(x);
    const real h = y * l.h, result = exp_pair(h, vfma(y_low, l.h, vfma(y, l.l, residual(y, l.h, -h))));
    return (x == C(1.0)) | (y == C(0.0)) ? C(1.0) : result;
}
#define vpow_pair FN(pow_pair) /* of an exponent y + y_low, a parameter with more digits than a number has */
INLINE real FN(pow)(real x, real y) { return vpow_pair(x, y, C(0.0)); }
#define vpow FN(pow)

/* x^(y + y_low) exp(a), and log(x), for finite x > 0. Measured within the loss. */
typedef struct {
    real power, log;
} FN(power_and_log);
INLINE FN(power_and_log) FN(pow_log)(real x, real y, real y_low, real a) {
    const pair l = log_pair(x);
    const real h = y * l.h, sum = h + a, back = sum - h, lost = (h - (sum - back)) + (a - back);
    const real power = exp_pair(sum, lost + vfma(y_low, l.h, vfma(y, l.l, residual(y, l.h, -h))));
    return (FN(power_and_log)){power, l.h + l.l};
}
#define vpow_log FN(pow_log)

/* lgamma(1 + y) = y (y - 1) q for y in [0, 3], q = LGAMMA_MIDDLE + t * this, t = y - LGAMMA_CENTER */
INLINE real FN(lgamma_near_tail)(real t) {
    const real t2 = t * t;
#if FL_BITS == 32
#define LGAMMA_CENTER 1.46875f
#define LGAMMA_MIDDLE C(0x1.8718aap-2)
    return vfma(t, vfma(t, POLY(t, t2,
                                C(-0x1.9acfbcp-8), C(0x1.0d6736p-9), C(-0x1.720d56p-11), C(0x1.043528p-12),
                                C(-0x1.5ed176p-14), C(0x1.054b1p-15), C(-0x1.285fa6p-16), C(0x1.982eecp-18),
                                C(0x1.6c3a7p-20), C(-0x1.56f28cp-22), C(-0x1.041e1p-20), C(0x1.6de0cp-22)),
                     C(0x1.4f8fa2p-6)),
                C(-0x1.36fdb4p-4));
#else
#define LGAMMA_CENTER 1.53125
#define LGAMMA_MIDDLE C(0x1.8251477cd294ap-2)
    return vfma(t, vfma(t, POLY(t, t2,
                                C(-0x1.7ae452107b42ap-8), C(0x1.e4d02a735ac7fp-10), C(-0x1.43a608ecd3339p-11),
                                C(0x1.bcafe0e5830abp-13), C(-0x1.37ccf8301cc92p-14), C(0x1.bbef1480bc74cp-16),
                                C(-0x1.3fbb678e39c05p-17), C(0x1.d0cde87ce646fp-19), C(-0x1.545d0ee69e22dp-20),
                                C(0x1.f591cbb851bap-22), C(-0x1.73715c32f1e39p-23), C(0x1.13e0999e60602p-24),
                                C(-0x1.9b8a08eb7cc59p-26), C(0x1.39774d6cff00ap-27), C(-0x1.dc6dc850ac3b2p-29),
                                C(0x1.31d4937a3332p-30), C(-0x1.946046c912bfdp-32), C(0x1.62ef46af41612p-32),
                                C(-0x1.776eb98be64dcp-33), C(-0x1.293fb630c664fp-34), C(0x1.febb9c6239a73p-35),
                                C(0x1.b4009d3157405p-35), C(-0x1.2e429dd74bd15p-35), C(-0x1.1207098b54382p-36),
                                C(0x1.86ccffbef018dp-37), C(0x1.1899f1025ada2p-38), C(-0x1.7725a3b3ce8abp-39),
                                C(-0x1.47420b28bc459p-41), C(0x1.a3c44601f1541p-42), C(0x1.a06b5afd55e24p-45),
                                C(-0x1.e026d183148c8p-46)),
                     C(0x1.3d10a9a9c7258p-6)),
                C(-0x1.2ccc2bd1b26p-4));
#endif
}

/* log Gamma(1 + y) for 0 <= y < 3, relative also beside the zeros 0 and 1; each product as a pair. */
INLINE real FN(lgamma_near)(real y) {
    const pair t = sum_ordered(-LGAMMA_CENTER, y);
    const real tail = FN(lgamma_near_tail)(t.h);
    const real q = vfma(t.h, tail, LGAMMA_MIDDLE);
    const real q_low = vfma(t.h, tail, LGAMMA_MIDDLE - q) + C(-0.17) * t.l; /* -0.17: slope of q where t.l is not 0 */
    const pair d = sum_ordered(C(-1.0), y);
    const real w = y * d.h, w_low = vfma(y, d.l, residual(y, d.h, -w));
    const real h = w * q;
    return h + vfma(w_low, q, vfma(w, q_low, residual(w, q, -h)));
}

/* (lgamma(1 + y) - (y + 1/2) log y + y - log(2 pi) / 2) / w as a polynomial in w^2, w = 1 / y, y >= 3 */
INLINE real FN(stirling_tail)(real x) {
    const real x2 = x * x;
#if FL_BITS == 32
    return POLY(x, x2,
                C(0x1.555554p-4), C(-0x1.6c06d4p-9), C(0x1.98e102p-11), C(-0x1.c3391cp-12));
#else
    return POLY(x, x2,
                C(0x1.55555555552ep-4), C(-0x1.6c16c1647c4afp-9), C(0x1.a019f07874d04p-11),
                C(-0x1.380e86ec8bb18p-11), C(0x1.b8757183b050cp-11), C(-0x1.ea546c95344b9p-10),
                C(0x1.67ad5eaf30a5bp-8), C(-0x1.0f73cfb4267eap-6), C(0x1.3af578a3324dep-5),
                C(-0x1.783854dca004ep-5));
#endif
}

/* log Gamma(1 + y) for y >= 0, that is log y! for counts; exactly 0 at y = 0 and y = 1, and relative beside them.
 * Stirling's series from 3 on: y (log y - 1) + log(y) / 2 + log(2 pi) / 2 + 1 / (12 y) - ...
 * ULP: float32 1.242 at 0x1.ca40b6p-6, float64 1.128 at 0x1.bb58a793d0c76p-17;
 * without FMA 1.664 and 1.512. */
INLINE real FN(lgamma1p)(real y) {
    const pair l = log_pair(y);
    pair b = sum_ordered(l.h, C(-1.0));
    b.l += l.l;
    const real h = y * b.h;
    const real w = C(1.0) / y;
    const real low = vfma(y, b.l, residual(y, b.h, -h));
    const pair c = sum_ordered(C(0x1.d67f1c864beb5p-1), C(0.5) * l.h); /* log(2 pi) / 2; ordered where it matters, */
    const pair sum = sum_ordered(c.h, h);                              /* that is for small y */
    const real rest = vfma(C(0.5), l.l, sum.l + c.l) + vfma(w, FN(stirling_tail)(w * w), low);
    const real far = h < INFINITE ? sum.h + rest : h;
    return y < C(3.0) ? FN(lgamma_near)(y) : far;
}
#define vlgamma1p FN(lgamma1p)

/* sqrt(x), correctly rounded by the instruction */
INLINE real FN(sqrt)(real x) {
#if FL_BITS == 32
    return __builtin_sqrtf(x);
#else
    return __builtin_sqrt(x);
#endif
}
#define vsqrt FN(sqrt)

/* x / m and x / m^2 of an m that is the same in a whole loop: by the reciprocal as a pair. Without FMA its product rounds
 * twice: there it is a division. */
INLINE real FN(over)(real x, real m) {
#if FL_FMA
    const real i = 1 / m, rest = -residual(i, m, -1) * i;
    return vfma(x, i, x * rest);
#else
    return x / m;
#endif
}
#define vover FN(over)
INLINE real FN(over_square)(real x, real m) {
    const real square = m * m;
#if FL_FMA
    const real i = 1 / square, rest = (-residual(i, square, -1) - i * residual(m, m, -square)) * i;
    return vfma(x, i, x * rest);
#else
    return x / square;
#endif
}
#define vover_square FN(over_square)

/* The power of two at or below a positive number, and at least the smallest normal one. */
INLINE real FN(power_below)(real x) {
    const ubits_t exponent = (ubits_t)bits_of(x) >> MANTISSA_BITS;
    return from_exponent(exponent ? exponent : 1);
}
#define vpower_below FN(power_below)

/* Which power of two a normal one is. */
INLINE real FN(exponent)(real power) { return unbiased((ubits_t)bits_of(power) >> MANTISSA_BITS); }
#define vexponent FN(exponent)

#undef ROUNDING_SHIFT
#undef LN2_HIGH
#undef LN2_LOW
#undef LEAST
#undef GREATEST
#undef EXP_HIGHEST
#undef TIMES_EXP_HIGHEST
#undef EXP_LOWEST
#undef EXP_VANISHES
#undef SUBNORMAL_LIFT
#undef NEGLIGIBLE
#undef EXPM1_LOWEST
#undef TANH_SATURATED
#undef ERF_SATURATED
#undef TWO_THIRDS
#undef TWO_THIRDS_LOW
#undef SIGN_BIT
#undef INFINITE
#undef NOT_A_NUMBER
#undef LOG2_E
#undef from_exponent
#undef residual
#undef pair
#undef sum_ordered
#undef divide
#undef exp_tail
#undef expm1_tail
#undef exp_parts
#undef exp_of
#undef exp_reduce
#undef exp_pair
#undef scale_down
#undef scale_in_halves
#undef LOG1P_MIDDLE
#undef log1p_unit_tail
#undef log1p_tail
#undef log_parts
#undef unbiased
#undef log_reduce
#undef log_reduce_any
#undef log_assemble
#undef log_specials
#undef atanh_tail
#undef log_pair
#undef LOG1P_EXCESS_CENTER
#undef LOG1P_EXCESS_MIDDLE
#undef log1p_parts
#undef log1p_reduce
#undef LGAMMA_CENTER
#undef LGAMMA_MIDDLE

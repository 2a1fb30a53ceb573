/* What a pointwise formula is: one function of one target, one prediction and the parameters that returns the
 * value, the gradient in the prediction and three kinds of curvature. A loop that asks for some of them inlines
 * the formula, and the compiler deletes the rest. */
#undef result
#define result FN(result)
typedef struct {
    real v; /* value */
    real g; /* d value / d z */
    real h; /* d^2 value / d z^2 */
    real m; /* curvature of a quadratic that touches the loss at z and lies above it (majorizer) */
    real f; /* Fisher information: the expected h under the model */
} result;

/* e is what the first stage left for this element (see below); most formulas have none. */
#define FORMULA(name)                                                                              \
    INLINE result FN(name)(real y __attribute__((unused)), real z __attribute__((unused)), real e __attribute__((unused)), \
                           const real *restrict p __attribute__((unused)))

/* The same of a prediction with two outputs, a location m and a log scale s; derivatives in either. */
#undef outputs_result
#define outputs_result FN(outputs_result)
typedef struct {
    real v;      /* value */
    real gm, gs; /* gradient */
    real hm, hs; /* diagonal of the Hessian */
    real fm, fs; /* of the Fisher information */
} outputs_result;

#define OUTPUTS_FORMULA(name)                                \
    INLINE outputs_result FN(name)(real y, real m, real s,   \
                                   const real *restrict p __attribute__((unused)))

/* A positive parameter that may have become 0 or infinite when it was rounded to this type. */
INLINE real FN(positive)(real p) { return at_most(BOUNDS.greatest, at_least(BOUNDS.least, p)); }
#undef positive
#define positive FN(positive)

/* A residual so many times its scale c that 1 beside (r/c)^2, which is a number still, is long nothing. */
INLINE real FN(farthest)(real c) { return at_most(BOUNDS.greatest, (real)(FL_BITS == 32 ? 0x1p62 : 0x1p510) * c); }
#undef farthest
#define farthest FN(farthest)

/* An exponential, a logarithm and a division in one loop are a chain too long for the processor to overlap with the
 * next: it waits for results half of the time. With the exponential in a loop of its own, over a tile in L1, the same
 * operations take a quarter to two fifths less time. An exponential with a few products (poisson, inverse Gaussian) gains nothing. */
enum {
    FN(DIRECT),
    FN(EXP_MINUS_ABS_SCORE),
    FN(EXP_MINUS_ABS_SHIFTED_SCORE), /* shifted by p[0] */
    FN(EXP_MINUS_ABS_SCALED_RESIDUAL), /* divided by p[0] */
    FN(EXP_MINUS_TWICE_ABS_RESIDUAL),
    FN(EXP_HALF_SCORE),
    FN(LOG_1_AND_SQUARE), /* of the residual divided by p[0]: see cauchy */
    FN(MEAN_OR_INVERSE) /* of mu = exp(z) and exp(-p[0]) / mu the one that is below exp(-p[0]) */
};
INLINE real FN(first_stage)(int stage, real y, real z, const real *restrict p) {
    switch (stage) {
    case FN(EXP_MINUS_ABS_SCORE):
        return vexp_nonpositive(-vabs(z));
    case FN(EXP_MINUS_ABS_SHIFTED_SCORE):
        return vexp_nonpositive(-vabs(z + p[0]));
    case FN(EXP_MINUS_ABS_SCALED_RESIDUAL): { /* with what rounding took from the quotient; beyond `end` it is 0 */
        const real h = positive(p[0]), end = at_most(BOUNDS.greatest, (FL_BITS == 32 ? 128 : 1024) * h);
        const real a = at_most(end, vabs(z - y)), u = a / h, E = vexp_nonpositive(-u);
        return vfma(E, vproduct_rest(u, h, a) * at_most(BOUNDS.greatest, 1 / h), E);
    }
    case FN(EXP_MINUS_TWICE_ABS_RESIDUAL):
        return vexp_nonpositive(-vabs(2 * (z - y)));
    case FN(EXP_HALF_SCORE):
        return vexp(C(0.5) * z);
    case FN(LOG_1_AND_SQUARE): {
        const real c = positive(p[0]), power = vpower_below(c), m = c / power, a = vabs(z - y), near = a * (1 / power);
        const bool far = a > farthest(c);
        const real u = vover(near, m), square = u * u, beyond = a * (1 / m); /* of which only the logarithm is seen */
        return vlog_scaled(far ? 0 : 1, far ? beyond : square, far ? vexponent(power) : 0);
    }
    case FN(MEAN_OR_INVERSE): {
        const real x = z + p[0];
        return vexp(x >= 0 ? -x : z);
    }
    }
    return 0;
}

/* value, but NaN where x is NaN: a constant derivative must not hide a NaN. */
#define nan_or(x, value) ((x) == (x) ? (value) : (x))

/* x, but 0 where the condition holds (0 log 0, 0/0); NaN where z is NaN. */
INLINE real FN(unless)(bool condition, real x, real z) {
    const real zero = nan_or(z, 0);
    return condition ? zero : x;
}
#define unless FN(unless)

#define not_finite(x) ((x) - (x) != 0)

/* |x| and a scale s > 0 against each other: q is the share of the smaller in the larger, so that no power of it overflows. x/s
 * is q, or beyond s the inverse of it; an infinite x has q = 0. */
typedef struct {
    real q;
    bool beyond; /* |x| > s */
} FN(ratio);
#undef ratio
#define ratio FN(ratio)
INLINE ratio FN(compare)(real x, real s) {
    return (ratio){.q = at_most(s, vabs(x)) / at_least(s, vabs(x)), .beyond = vabs(x) > s};
}
#undef compare
#define compare FN(compare)

/* v, which is about r^2/2 near 0; but where |r| is so small a share q of its scale that q^2 may be subnormal, that itself. */
INLINE real FN(or_half_square)(bool small, real r, real v) {
    const real half_square = C(0.5) * r * r;
    return small ? half_square : v;
}
#undef or_half_square
#define or_half_square FN(or_half_square)
#define NEAR_0 C(0x1p-30)

/* x >= 0 with the sign of s. */
INLINE real FN(with_sign_of)(real s, real x) {
    return from_bits(bits_of(x) | (bits_of(s) & (bits_t)1 << (FL_BITS - 1)));
}
#define with_sign_of FN(with_sign_of)

/* -1, 0 or 1; NaN of NaN */
INLINE real FN(sign)(real x) { return __builtin_islessgreater(x, 0) ? with_sign_of(x, 1) : x; }
#define sign FN(sign)

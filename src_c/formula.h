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

#define FORMULA(name) \
    INLINE result FN(name)(real y, real z, const real *restrict p __attribute__((unused)))

/* value, but NaN where x is NaN: a constant derivative must not hide a NaN. */
#define nan_or(x, value) ((x) == (x) ? (value) : (x))

/* x, but 0 where the condition holds (0 log 0, 0/0); NaN where z is NaN. */
INLINE real FN(unless)(bool condition, real x, real z) {
    const real zero = nan_or(z, 0);
    return condition ? zero : x;
}
#define unless FN(unless)

INLINE real FN(sign)(real x) { return x > 0 ? C(1.0) : x < 0 ? C(-1.0) : x; }
#define sign FN(sign)

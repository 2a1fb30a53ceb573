/* Every function of vmath.h as a vectorised loop over an array: compiled once per instruction set, with its flags and
 * -DTABLE=vmath_v3 (or _v2, _v4). Build and run: see vmath_exhaustive.c. */
#include "vmath_kernels.h"

#define KERNEL(name, expression)                                                                                   \
    static void FN(run_##name)(const real *restrict a, const real *restrict b, real *restrict out, ptrdiff_t n) {  \
        for (ptrdiff_t k = 0; k < n; k++) {                                                                        \
            const real x = a[k], y = b[k];                                                                         \
            (void)y;                                                                                               \
            out[k] = expression;                                                                                   \
        }                                                                                                          \
    }
#define KERNELS                                                                                                    \
    KERNEL(exp, vexp(x))                                                                                           \
    KERNEL(exp_nonpositive, vexp_nonpositive(x))                                                                   \
    KERNEL(expm1, vexpm1(x))                                                                                       \
    KERNEL(exp_growth, vexp_growth(x).exp)                                                                         \
    KERNEL(expm1_growth, vexp_growth(x).less_1)                                                                    \
    KERNEL(expm1_excess, vexp_growth(x).excess)                                                                    \
    KERNEL(expm1_nonpositive, vexp_of_minus(-x).less_1)                                                            \
    KERNEL(log, vlog(x))                                                                                           \
    KERNEL(log1p, vlog1p(x))                                                                                       \
    KERNEL(log1p_unit, vlog1p_unit(x))                                                                             \
    KERNEL(log1p_nonnegative, vlog1p_nonnegative(x))                                                               \
    KERNEL(log1p_excess, vlog1p_excess(x))                                                                         \
    KERNEL(tanh, vtanh(x))                                                                                         \
    KERNEL(sigmoid, vsigmoid(x))                                                                                   \
    KERNEL(softplus, vsoftplus(x))                                                                                 \
    KERNEL(erf, verf(x))                                                                                           \
    KERNEL(atan_unit, vatan_unit(x))                                                                               \
    KERNEL(lgamma1p, vlgamma1p(x))                                                                                 \
    KERNEL(pow, vpow(x, y))                                                                                        \
    KERNEL(sqrt, vsqrt(x))

#define FL_BITS 32
#include "real.h"
#include "vmath.h"
KERNELS
#undef FL_BITS
#define FL_BITS 64
#include "real.h"
#include "vmath.h"
KERNELS

#undef KERNEL
#define KERNEL(name, expression) {#name, run_##name##_f32, run_##name##_f64},
const vmath_kernel TABLE[] = {KERNELS{0, 0, 0}};

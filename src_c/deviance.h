/* Deviances of Tweedie distributions, summed over samples. The deviance is twice what the loss is above its least value, which
 * is at y itself; it is not computed as that difference, which has no digits left where mean and target are close.
 *
 * With u = log(mean/y), a = 1 - power, b = 2 - power and E(x) = exp(x) - 1 - x, half of it is
 *   y^b (E(b u)/b - E(a u)/a),
 * in which nothing cancels for small u; for others exp(x) - 1 takes the place of E. Where y <= 0, or a term may be infinite and
 * y^b, by which it is multiplied, 0, it is mean^b/b - y mean^a/a: there the term in y alone is nothing beside these.
 * Poisson's is y d - y u, d = (mean - y)/y, and gamma's s + u, s = (y - mean)/mean: up to a third of d or s by the series of
 * log(1 + d), and beyond it little cancels.
 */
typedef struct {
    real a, a_low, b, b_low; /* a and b, each with the rest that it has not */
} FN(powers);

/* Whether the other form is needed. Of what is no number either will do. */
INLINE bool FN(is_apart)(real y, real u, const FN(powers) * p) {
    const real far = C(0.8) * BOUNDS.exp_highest;
    return (y <= 0) | (p->a * u > far) | (p->b * u > far);
}

/* Half deviances of a tile, a multiple of LANES. Poisson's and gamma's need no powers. */
static void FN(half_deviances)(real *restrict v, const real *restrict y, const real *restrict mean,
                               const FN(powers) * p, ptrdiff_t n) {
    const real a = p->a + p->a_low, b = p->b + p->b_low;
    real apart = 0;
    if (a == 0)
        SIMD for (ptrdiff_t k = 0; k < n; k++) {
            const real target = y[k], m = mean[k], step = m - target, u = vlog_ratio(m, target, step);
            const real d = step / target, near = -(step * d) * FN(log1p_tail)(d), far = step - target * u;
            v[k] = target == 0 ? m : vabs(d) < C(1.0) / 3 ? near : far;
        }
    else if (b == 0)
        SIMD for (ptrdiff_t k = 0; k < n; k++) {
            const real target = y[k], m = mean[k], step = m - target, u = vlog_ratio(m, target, step);
            const real s = -step / m, near = -(s * s) * FN(log1p_tail)(s);
            v[k] = vabs(s) < C(1.0) / 3 ? near : s + u;
        }
    else
        _Pragma("omp simd reduction(+:apart)") for (ptrdiff_t k = 0; k < n; k++) {
            const real target = y[k], m = mean[k], u = vlog_ratio(m, target, m - target);
            const FN(growth) upper = vexp_growth(b * u), lower = vexp_growth(a * u);
            const real near = upper.excess / b - lower.excess / a, far = upper.less_1 / b - lower.less_1 / a;
            v[k] = vpow_pair(target, p->b, p->b_low) * (vabs(u) < C(0.5) ? near : far);
            apart += FN(is_apart)(target, u, p) ? C(1.0) : C(0.0);
        }
    if (apart > 0)
        SIMD for (ptrdiff_t k = 0; k < n; k++) {
            const real target = y[k], m = mean[k], u = vlog_ratio(m, target, m - target);
            const real upper = vpow_pair(m, p->b, p->b_low) / b, lower = target * vpow_pair(m, p->a, p->a_low) / a;
            v[k] = FN(is_apart)(target, u, p) ? upper - lower : v[k];
        }
}

/* One block: its sum, NaN where a mean is not positive, a target below the least or a weight negative. */
static void FN(run_deviance)(const fl_job *of, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_deviance *job = (const fl_deviance *)of;
    const FN(powers) p = {(real)of->p[0], (real)of->p[1], (real)of->p[2], (real)of->p[3]};
    const real least = (real)job->least;
    real yb[FN(RUN)] ALIGNED, mb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED, v[FN(RUN)] ALIGNED;
    FN(lanes) total = {{0}, {0}};
    for (ptrdiff_t at = begin, n; at < end; at += n) {
        n = end - at < FN(RUN) ? end - at : FN(RUN);
        const ptrdiff_t padded = PADDED(n, LANES);
        const real *y = FN(view)(yb, of->y, of->y_type, at, n), *mean = FN(view)(mb, of->z, job->z_type, at, n);
        const real *w = of->w ? FN(weights)(wb, of, at, n) : 0;
        FN(half_deviances)(v, y, mean, &p, padded);
        if (w)
            FN(weigh)(v, w, 1, padded);
        SIMD for (ptrdiff_t k = 0; k < padded; k++) {
            const bool right = (mean[k] > 0) & (y[k] >= least) & (w ? w[k] >= 0 : 1);
            v[k] = right ? v[k] : (real)__builtin_nan("");
        }
        FN(accumulate)(&total, v, n);
    }
    FN(finish)(&total, sum);
}

/* Losses of a normal distribution: y_pred holds its location m and the logarithm s of its standard deviation. r = m - y. */

/* s + t^2/2 + p[0], t = r exp(-s): the density's -log, without or with its constant. The scaling comes before the square,
 * whose factors may be far out of range when it is not. An infinite t^2 outgrows any s, -infinity too. */
OUTPUTS_FORMULA(gaussian_nll) {
    const real t = vtimes_exp(m - y, -s), t2 = t * t, value = vfma(C(0.5), t2, s) + p[0];
    const real inverse = vtimes_exp(1, -s), precision = nan_or(t, inverse * inverse);
    return (outputs_result){
        .v = not_finite(t2) ? t2 : value,
        .gm = vtimes_exp(t, -s),
        .gs = 1 - t2,
        .hm = precision,
        .hs = 2 * t2,
        .fm = precision,
        .fs = nan_or(t, 2),
    };
}

#define OUTPUTS(X) X(gaussian_nll)

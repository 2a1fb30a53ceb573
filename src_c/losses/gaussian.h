/* Losses of a normal distribution: its location m and the logarithm s of its standard deviation. r = m - y. */

/* s + t^2/2 + p[0], t = r exp(-s): minus the log-density, p[0] its constant or 0. r is scaled before it is squared: the
 * square and the scale may be far out of range where t is not. An infinite t^2 outgrows any s, -infinity too. */
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

/* exp(s) (a erf(a / sqrt 2) + 2 phi(a) - 1/sqrt pi), a = |r| exp(-s), phi the normal density; a exp(s) is |r| again.
 * With E = exp(-a^2/2), the last two terms are sqrt(2/pi) (E - 1) + (sqrt 2 - 1)/sqrt pi: where they cancel most, at
 * a = 0, nothing is lost of E - 1. The Hessian in m is 2 phi(a) exp(-s), in halves of exp(-a^2/4) each, for E may be
 * subnormal where the product is not. a stops where E is 0 and a^2 finite. */
OUTPUTS_FORMULA(gaussian_crps) {
    const real root_2_pi = C(0x1.9884533d43651p-1), inverse_root_pi = C(0x1.20dd750429b6dp-1);
    const real r = m - y, t = vtimes_exp(r, -s), a = at_most(BOUNDS.exp_highest, vabs(t)), a2 = a * a;
    const real E = vexp_nonpositive(C(-0.5) * a2), half = vexp_nonpositive(C(-0.25) * a2);
    const real erf = verf_given(a * C(0x1.6a09e667f3bcdp-1), E);
    const real rest = vfma(root_2_pi, E - 1, C(0x1.de9b78e466b8ep-3));
    return (outputs_result){
        .v = vabs(r) * erf + vtimes_exp(rest, s),
        .gm = with_sign_of(r, erf),
        .gs = vtimes_exp(rest, s),
        .hm = root_2_pi * half * vtimes_exp(half, -s),
        .hs = vtimes_exp(vfma(root_2_pi * E, a2, rest), s),
        .fm = nan_or(t, vtimes_exp(inverse_root_pi, -s)),
        .fs = nan_or(t, vtimes_exp(C(0.5) * inverse_root_pi, s)),
    };
}

#define OUTPUTS(X) X(gaussian_nll) X(gaussian_crps)

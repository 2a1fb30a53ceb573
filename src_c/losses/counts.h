/* Losses of counts and positive targets. mu is the mean: exp(z) under the log link, z itself under identity. */

/* mu - y log mu, mu = exp(z). Exact and Fisher curvature coincide. An infinite mu outgrows any y z. */
FORMULA(poisson_log) {
    const real mu = vexp(z);
    const bool alone = (y == 0) | (z >= BOUNDS.exp_highest);
    return (result){.v = alone ? mu : mu - y * z, .g = mu - y, .h = mu, .f = mu};
}

/* The same with log y!: the negative log-likelihood, -log f(y). */
FORMULA(poisson_log_full) {
    result r = FN(poisson_log)(y, z, e, p);
    r.v += vlgamma1p(y);
    return r;
}

/* mu - y log mu, mu = z >= 0. y = 0 leaves mu alone: 0 log 0 = 0. */
FORMULA(poisson_identity) {
    const real mu = z + 0; /* -0 is 0: 1 / mu must not turn its sign */
    const real ratio = unless(y == 0, y / mu, z), difference = mu - y * vlog(mu);
    const bool alone = (y == 0) | (not_finite(mu));
    return (result){.v = alone ? mu : difference, .g = 1 - ratio, .h = unless(y == 0, ratio / mu, z), .f = 1 / mu};
}

FORMULA(poisson_identity_full) {
    result r = FN(poisson_identity)(y, z, e, p);
    r.v += vlgamma1p(y);
    return r;
}

/* log mu + y / mu, mu = exp(z). E[y] = mu makes the Fisher curvature 1. At z = -inf the ratio outgrows z. */
FORMULA(gamma_log) {
    const real ratio = y * vexp(-z);
    return (result){.v = at_least(-BOUNDS.greatest, z) + ratio, .g = 1 - ratio, .h = ratio, .f = nan_or(z, 1)};
}

/* log mu + y / mu, mu = z >= 0 */
FORMULA(gamma_identity) {
    const real mu = z + 0, ratio = y / mu; /* -0 is 0 */
    return (result){
        .v = at_least(-BOUNDS.greatest, vlog(mu)) + ratio, /* at mu = 0 the ratio outgrows it */
        .g = (1 - ratio) / mu,
        .h = vfma(C(2.0), ratio, -1) / mu / mu,
        .f = 1 / mu / mu,
    };
}

/* y i^2 / 2 - i, i = 1/mu = exp(-z). E[y] = mu makes the Fisher curvature i. */
FORMULA(inverse_gaussian_log) {
    const real i = vexp(-z), ratio = y * i;
    return (result){
        .v = i * vfma(C(0.5), ratio, -1),
        .g = i * (1 - ratio),
        .h = i * vfma(C(2.0), ratio, -1),
        .f = i,
    };
}

/* Tweedie of power P, neither 1 nor 2: -y mu^a/a + mu^b/b, a = 1 - P, b = 2 - P, of A = mu^a and B = mu^b. */
INLINE result FN(tweedie_of)(real y, real z, real a, real b, real A, real B) {
    const real yA = unless(y == 0, y * A, z);
    /* mu^b / (y mu^a) = mu/y: where both are infinite, z says which counts. */
    const real upper = (z < 0) & (yA > BOUNDS.greatest) ? 0 : B, lower = (z > 0) & (B > BOUNDS.greatest) ? 0 : yA;
    return (result){.v = upper / b - lower / a, .g = upper - lower, .h = vfma(b, upper, -a * lower), .f = B};
}

/* a = p[0] + p[1], b = p[2] + p[3], each as a float32 and the rest: an exponential multiplies the error of its argument by up
 * to 745. */
FORMULA(tweedie_log) {
    const real A = vexp_product(p[0], p[1], z), B = vexp_product(p[2], p[3], z);
    return FN(tweedie_of)(y, z, p[0] + p[1], p[2] + p[3], A, B);
}

/* At P = 3/2, the usual one, a = -1/2, b = 1/2 and A = 1/B. Where one of them is infinite the other's part is nothing. */
FORMULA(tweedie_log_3_2) {
    const real B = e, yA = y == 0 ? 0 : y / B, sum = B + yA;
    return (result){.v = 2 * sum, .g = B - yA, .h = C(0.5) * sum, .f = B};
}

/* The same with mu = z >= 0. y = 0 leaves mu^b alone: at mu = 0 that is 0, and its slope infinite for P > 1. There quotients by
 * mu have no value, and p[4] and p[5] are those of mu^-P and P mu^(-P - 1). */
FORMULA(tweedie_identity) {
    const real a = p[0] + p[1], b = p[2] + p[3], at_0 = p[4], bend_at_0 = p[5], mu = z + 0;
    const real A = vpow_pair(mu, p[0], p[1]), B = vpow_pair(mu, p[2], p[3]), ratio = unless(y == 0, y / mu, z);
    const bool zero = (mu == 0) & (at_0 <= 1); /* P <= 0 */
    const real yA = unless(y == 0, y * A, z), C = mu == 0 ? at_0 : A / mu;
    /* where both are infinite, their ratio mu/y says which counts */
    const real upper = (mu < y) & (yA > BOUNDS.greatest) ? 0 : B, lower = (mu > y) & (B > BOUNDS.greatest) ? 0 : yA;
    const real bend = C * (unless((y == 0) | (a == 1), (1 - a) * ratio, z) + a), y_bend = unless(y == 0, y * bend_at_0, z);
    return (result){
        .v = upper / b - lower / a,
        .g = zero ? -y * C : A * (1 - ratio),
        .h = zero ? a * C + y_bend : bend,
        .f = C,
    };
}

/* (y + 1/theta) log(1 + theta mu) - y log mu, mu = exp(z): with x = z + log theta the cross-entropy of x, 1/theta on the negative
 * side and y on the positive one, and y log theta. p[0] = log theta, p[1] = 1/theta. */
FORMULA(negative_binomial) {
    const real x = z + p[0], inverse = p[1];
    result r = FN(cross_entropy_logits)((FN(sides)){.negative = inverse, .positive = y}, inverse + y, x, e);
    r.v = vfma(y, p[0], r.v);
    r.f = inverse * FN(sigmoids)(x, e).p; /* mu / (1 + theta mu) */
    return r;
}

/* The same for small theta, where exp(x) may have no digits left and 1/theta be infinite: up to x = 0 in mu and T = theta mu, from
 * there as above in T = exp(-x). e is mu or exp(-x), and p[2] = theta. */
FORMULA(negative_binomial_small) {
    const real log_theta = p[0], inverse = positive(p[1]), theta = p[2], x = z + log_theta;
    const bool up = x >= 0;
    const real T = up ? e : theta * e, d = 1 + T, far = up ? inverse : -y, near = up ? -y : 1;
    const real both = e * (up ? inverse + y : vfma(y, theta, 1)); /* (1/theta + y) T */
    const real linear = up ? vfma(inverse, x, y * log_theta) : -y * z;
    return (result){
        .v = vfma(both, vlog1p_unit_ratio(T), (far == 0 ? 0 : linear)),
        .g = vfma(near, e, far) / d,
        .h = both / (d * d),
        .m = (inverse + y) * FN(logistic_bound)(x),
        .f = (up ? inverse : e) / d,
    };
}

/* name, cost of an element (1: hardly more than its loads and stores; 2: divisions or a root; 4: an exponential or a logarithm),
 * first stage */
#define COUNTS(X) \
    X(poisson_log, 4, DIRECT) \
    X(poisson_log_full, 4, DIRECT) \
    X(poisson_identity, 4, DIRECT) \
    X(poisson_identity_full, 4, DIRECT) \
    X(gamma_log, 4, DIRECT) \
    X(gamma_identity, 4, DIRECT) \
    X(inverse_gaussian_log, 4, DIRECT) \
    X(tweedie_log, 4, DIRECT) \
    X(tweedie_log_3_2, 4, EXP_HALF_SCORE) \
    X(tweedie_identity, 4, DIRECT) \
    X(negative_binomial, 4, EXP_MINUS_ABS_SHIFTED_SCORE) \
    X(negative_binomial_small, 4, MEAN_OR_INVERSE)

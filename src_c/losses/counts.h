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

/* name, cost of an element (1: hardly more than its loads and stores; 4: has an exponential or a logarithm), first stage */
#define COUNTS(X) \
    X(poisson_log, 4, DIRECT) \
    X(poisson_log_full, 4, DIRECT) \
    X(poisson_identity, 4, DIRECT) \
    X(poisson_identity_full, 4, DIRECT) \
    X(gamma_log, 4, DIRECT)

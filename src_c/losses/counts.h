/* Losses of counts and positive targets. mu is the mean: exp(z) under the log link, z itself under identity. */

/* mu - y log mu, mu = exp(z). Exact and Fisher curvature coincide. */
FORMULA(poisson_log) {
    const real mu = vexp(z);
    return (result){.v = (y == 0 ? mu : mu - y * z), .g = mu - y, .h = mu, .f = mu};
}

/* The same with log y!: the negative log-likelihood, -log f(y). */
FORMULA(poisson_log_full) {
    result r = FN(poisson_log)(y, z, e, p);
    r.v += vlgamma1p(y);
    return r;
}

/* mu - y log mu, mu = z >= 0. y = 0 leaves mu alone: 0 log 0 = 0. */
FORMULA(poisson_identity) {
    const real ratio = y == 0 ? nan_or(z, 0) : y / z;
    return (result){.v = (y == 0 ? z : z - y * vlog(z)), .g = 1 - ratio, .h = y == 0 ? nan_or(z, 0) : ratio / z,
                    .f = 1 / z};
}

FORMULA(poisson_identity_full) {
    result r = FN(poisson_identity)(y, z, e, p);
    r.v += vlgamma1p(y);
    return r;
}

/* log mu + y / mu, mu = exp(z). E[y] = mu makes the Fisher curvature 1. */
FORMULA(gamma_log) {
    const real ratio = y * vexp(-z);
    return (result){.v = z + ratio, .g = 1 - ratio, .h = ratio, .f = nan_or(z, 1)};
}

/* name, cost of an element in elements of squared error, first stage */
#define COUNTS(X) \
    X(poisson_log, 8, DIRECT) \
    X(poisson_log_full, 8, DIRECT) \
    X(poisson_identity, 8, DIRECT) \
    X(poisson_identity_full, 8, DIRECT) \
    X(gamma_log, 8, DIRECT)

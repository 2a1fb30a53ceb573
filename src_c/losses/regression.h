/* Losses of a residual: r = z - y, prediction minus target. */

/* r^2 */
FORMULA(squared_error) {
    const real r = z - y;
    const real two = nan_or(r, 2);
    return (result){.v = r * r, .g = 2 * r, .h = two, .m = two, .f = two};
}

/* r^2 / 2: the form whose gradient is the residual. */
FORMULA(half_squared_error) {
    const real r = z - y;
    const real one = nan_or(r, 1);
    return (result){.v = C(0.5) * r * r, .g = r, .h = one, .m = one, .f = one};
}

/* |r|. Gradient sign(r), 0 at a tie. Majorized around r0 by r^2/(2|r0|) + |r0|/2 (Hunter & Lange 2000);
 * p[0] > 0 keeps that curvature finite at r0 = 0. */
FORMULA(absolute_error) {
    const real r = z - y, a = vabs(r);
    return (result){.v = a, .g = sign(r), .h = nan_or(r, 0), .m = 1 / (a < p[0] ? p[0] : a)};
}

/* r^2/2 within delta, delta |r| - delta^2/2 beyond. With c = min(|r|, delta) both are c (|r| - c/2):
 * no square of a large r, no cancellation at the seam. */
FORMULA(huber) {
    const real delta = positive(p[0]), r = z - y, a = vabs(r);
    const real c = at_most(delta, a);
    return (result){
        .v = c * vfma(C(-0.5), c, a),
        .g = with_sign_of(r, c),
        .h = nan_or(r, a <= delta ? C(1.0) : C(0.0)),
        .m = nan_or(r, a <= delta ? C(1.0) : delta / a),
    };
}

/* Huber(beta) / beta, for beta > 0: with u = min(|r|, beta) / beta both sides are u (|r| - min(|r|, beta)/2). Divided, not
 * multiplied by 1/beta, which overflows for a subnormal beta. */
FORMULA(smooth_l1) {
    const real beta = positive(p[0]), r = z - y, a = vabs(r);
    const real c = at_most(beta, a), u = c / beta;
    return (result){
        .v = u * vfma(C(-0.5), c, a),
        .g = with_sign_of(r, u),
        .h = nan_or(r, a < beta ? 1 / beta : C(0.0)),
        .m = nan_or(r, a < beta ? 1 / beta : 1 / a),
    };
}

/* delta^2 (sqrt(1 + u^2) - 1) = r^2 / (1 + sqrt(1 + u^2)), u = r/delta: nothing cancels. Gradient r / sqrt(1 + u^2); Hessian the
 * cube of 1 / sqrt(1 + u^2), which majorizes, for the value is concave in r^2. All times p[1], and p[2] more: what
 * GeneralRobust makes of it. */
FORMULA(pseudo_huber) {
    const real delta = positive(p[0]), factor = p[1], constant = p[2], r = z - y, power = vpower_below(delta), m = delta / power;
    const real a = at_most(farthest(delta), vabs(r)), u = a * (1 / power), sum = vfma(u, u, m * m), root = vsqrt(sum), share = m / root, far = factor * delta / vabs(r);
    const real bound = factor * share, bend = bound * (m * m / sum), by = factor * m; /* m is 1 to 2, delta = m 2^k */
    return (result){
        .v = vfma(by * (a / (m + root)), vabs(r), constant), /* in this order it overflows last */
        .g = with_sign_of(r, by * (a / root)),
        .h = vabs(r) > a ? 0 : bend,
        .m = vabs(r) > a ? far : bound,
    };
}

/* log cosh r = |r| - log 2 + log1p(E), E = exp(-2|r|): below 1 that cancels, and a polynomial in r^2 takes its place.
 * From there on |r| - log 2 is nearly exact, apart from the error of log 2 in this type. Gradient tanh r, of
 * tanh |r| = (1 - E)/(1 + E) or again a polynomial; Hessian sech^2 r = 4E/(1+E)^2, which does not cancel as
 * 1 - tanh^2 does. Majorized by tanh(r)/r. */
FORMULA(log_cosh) {
    const double log_2 = 0x1.62e42fefa39efp-1;
    const real r = z - y, a = vabs(r), E = e, d = 1 + E, rounding = (real)((double)(real)log_2 - log_2);
    const real v_near = vlog_cosh_near(a), v_far = (a - (real)log_2) + (vlog1p_unit(E) + rounding);
    const real t_near = vtanh_near(a), t_far = (1 - E) / d, t = with_sign_of(r, a < C(0.55) ? t_near : t_far);
    return (result){
        .v = a < 1 ? v_near : v_far,
        .g = t,
        .h = 4 * E / (d * d),
        .m = a < C(0x1p-30) ? nan_or(r, 1) : t / r,
    };
}

/* Pinball loss: q (y - z) above the prediction, (1 - q)(z - y) below. At a tie the gradient is 0, inside the
 * subdifferential [-q, 1 - q]. Half of |r| is the only curved part, so half its majorizer. p[1] is 1 - q, rounded
 * once: of 1 - (float)0.999 only half the digits are right. */
FORMULA(quantile) {
    const real below = p[0], above = p[1], r = z - y, a = vabs(r), slope = r > 0 ? above : -below;
    return (result){
        .v = vabs(slope * r),
        .g = __builtin_islessgreater(r, 0) ? slope : r,
        .h = nan_or(r, 0),
        .m = C(0.5) / (a < p[2] ? p[2] : a),
    };
}

/* w r^2: w = p[0] below the target, p[1] = 1 - p[0] above it. Curved by 2 w, and nowhere by more than p[2]. */
FORMULA(expectile) {
    const real below = p[0], above = p[1], most = p[2], r = z - y, w = r > 0 ? above : below, slope = w * r;
    return (result){.v = slope * r, .g = 2 * slope, .h = nan_or(r, 2 * w), .m = nan_or(r, most)};
}

/* max(0, |r| - epsilon): two hinges, at epsilon and -epsilon, each majorized like |.|/2; p[1] keeps that finite. */
FORMULA(epsilon_insensitive) {
    const real epsilon = p[0], r = z - y, a = vabs(r), m = a - epsilon, d = vabs(m), far = a + epsilon;
    return (result){
        .v = at_least(BOUNDS.zero, m),
        .g = m > 0 ? with_sign_of(r, 1) : nan_or(r, 0),
        .h = nan_or(r, 0),
        .m = C(0.5) / (d < p[1] ? p[1] : d) + C(0.5) / (far < p[1] ? p[1] : far),
    };
}

FORMULA(squared_epsilon_insensitive) {
    const real epsilon = p[0], r = z - y, m = vabs(r) - epsilon, c = at_least(BOUNDS.zero, m);
    return (result){.v = c * c, .g = with_sign_of(r, 2 * c), .h = m > 0 ? C(2.0) : c, .m = nan_or(m, 2)};
}

/* c^2 (u - log1p u), u = |r|/c. Gradient r/(1 + u), Hessian 1/(1 + u)^2, majorized by 1/(1 + u), as the value is concave
 * in r^2. It is r^2/2 less r^2 u/3 and so on: nearer to 0 than others must it be where that alone serves. */
FORMULA(fair) {
    const real c = positive(p[0]), r = z - y;
    const ratio u = compare(r, c);
    const real d = 1 + u.q, share = (u.beyond ? u.q : 1) / d, x = vabs(r) / c;
    const real value = c * (x > C(0x1p60) ? vabs(r) : c * vlog1p_excess(x));
    return (result){
        .v = or_half_square((u.q < NEAR_0 * NEAR_0) & !u.beyond, r, value),
        .g = with_sign_of(r, at_most(c, vabs(r)) / d),
        .h = share * share,
        .m = share,
    };
}

/* h softplus(r/h) - q r = h times the cross-entropy of the score r/h under the soft label q = p[1], p[2] = 1 - q; h = p[0]. Its
 * linear part is one of r, which overflows later. Majorized by tanh(r/2h)/2r, which is no 0 where r/h overflows. */
FORMULA(smooth_quantile) {
    const real h = positive(p[0]), r = z - y, half = C(0.5) * vabs(r / h);
    result of = FN(cross_entropy_logits)((FN(sides)){.negative = p[2], .positive = p[1]}, h, r, e);
    of.h = of.f / h;
    of.m = half < C(0x1p-31) ? C(0.25) / h : C(0.5) * vtanh(half) / vabs(r);
    return of;
}

/* |r|^q, q = p[0] > 1; q - 1 = p[1] + p[2] and q - 2 = p[3] + p[4], each as a float32 and the rest. Gradient q |r|^(q - 1),
 * Hessian q (q - 1) |r|^(q - 2). Up to q = 2 the value is concave in r^2, and gradient / r majorizes; p[5] bounds that at
 * r = 0. */
FORMULA(lq) {
    const real q = p[0], less_1 = p[1], less_1_low = p[2], less_2 = p[3], less_2_low = p[4], most = p[5];
    const real r = z - y, a = vabs(r), power = vpow_pair(a, less_1, less_1_low);
    return (result){
        .v = a * power,
        .g = with_sign_of(r, q * power),
        .h = q * (less_1 + less_1_low) * vpow_pair(a, less_2, less_2_low),
        .m = at_most(most, q * vpow_pair(a, less_2, less_2_low)),
    };
}

/* |r|^(3/2), without a power: sqrt is an instruction. p[0] bounds the majorizer at r = 0. */
FORMULA(lq_3_2) {
    const real r = z - y, a = vabs(r), root = vsqrt(a);
    return (result){
        .v = a * root,
        .g = with_sign_of(r, C(1.5) * root),
        .h = C(0.75) / root,
        .m = at_most(p[0], C(1.5) / root),
    };
}

/* b (exp(x) - 1 - x), x = a r; p[0] = a, p[1] = b, p[2] = a b. What rounding took from a, p[3] as float32, and from x the
 * exponential would multiply by |x|: it is added to its results, times their slopes. */
FORMULA(linex) {
    const real a = p[0], b = p[1], ab = p[2], low = FL_BITS == 32 ? p[3] : 0, r = z - y, x = a * r;
    const FN(growth) E = vexp_growth(x);
    const real lost = vfma(low, r, vproduct_rest(a, r, x)), rest = vabs(x) < BOUNDS.exp_highest ? lost : 0;
    const real less_1 = at_most(BOUNDS.greatest, E.less_1), exp = at_most(BOUNDS.greatest, E.exp); /* infinite times 0 is NaN */
    return (result){
        .v = b * vfma(less_1, rest, E.excess),
        .g = ab * vfma(exp, rest, E.less_1),
        .h = ab * (a * vfma(exp, rest, E.exp)),
    };
}

/* w log1p(|r|/epsilon) within w = p[0], |r| - w + p[2] beyond, p[2] = w log1p(w/epsilon); epsilon = p[1]. */
FORMULA(wing) {
    const real w = positive(p[0]), epsilon = positive(p[1]), end = p[2], r = z - y, a = vabs(r), u = a / epsilon, d = epsilon + a, slope = w / d;
    const real near = u < C(0x1p-60) ? w / epsilon * a : w * vlog1p_nonnegative(u), far = (a - w) + end; /* u may be subnormal */
    const bool inside = a < w;
    return (result){
        .v = inside ? near : far,
        .g = (inside ? slope : 1) * sign(r),
        .h = inside ? -slope / d : nan_or(r, 0),
    };
}

/* name, cost of an element (1: hardly more than its loads and stores; 2: divisions or a root; 4: an exponential or a logarithm),
 * first stage */
#define REGRESSION(X) \
    X(squared_error, 1, DIRECT) \
    X(half_squared_error, 1, DIRECT) \
    X(absolute_error, 1, DIRECT) \
    X(huber, 1, DIRECT) \
    X(smooth_l1, 1, DIRECT) \
    X(pseudo_huber, 2, DIRECT) \
    X(log_cosh, 4, EXP_MINUS_TWICE_ABS_RESIDUAL) \
    X(quantile, 1, DIRECT) \
    X(expectile, 1, DIRECT) \
    X(epsilon_insensitive, 1, DIRECT) \
    X(squared_epsilon_insensitive, 1, DIRECT) \
    X(fair, 4, DIRECT) \
    X(smooth_quantile, 4, EXP_MINUS_ABS_SCALED_RESIDUAL) \
    X(lq, 4, DIRECT) \
    X(lq_3_2, 2, DIRECT) \
    X(linex, 4, DIRECT) \
    X(wing, 4, DIRECT)

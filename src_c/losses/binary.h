/* Losses of a binary label y and a raw score or a probability z. */

/* Weights of the two sides of cross-entropy, all terms non-negative. p[0]: pos_weight. Smoothing by a moves y to
 * y (1 - a) + a/2: p[1] = 1 - a, p[2] = a/2. The other side is smoothed likewise, for 1 - (1 - a/2) would leave of a/2 what 1
 * has digits for. */
INLINE FN(sides) FN(cross_entropy_sides)(real y, const real *p) {
    return (FN(sides)){.negative = vfma(1 - y, p[1], p[2]), .positive = p[0] * vfma(y, p[1], p[2])};
}

/* Without pos_weight and smoothing, the usual case, the sides are 1 - y and y, and sum to exactly 1. */
FORMULA(bce_logits) { return FN(cross_entropy_logits)((FN(sides)){1 - y, y}, 1, z, e); }
FORMULA(bce_logits_any) {
    const FN(sides) s = FN(cross_entropy_sides)(y, p);
    return FN(cross_entropy_logits)(s, s.negative + s.positive, z, e);
}

/* -negative log(1 - q) - positive log q, q = z clipped to [p[3], 1 - p[3]]; where the clip holds, the function is
 * constant and its derivatives are 0. log1p(-q) keeps q near 0 exact, and at the clip the logarithms are those of
 * p[3] itself, for 1 - p[3] may round to 1: p[4] = log p[3], p[5] = log1p(-p[3]). A side without weight adds nothing,
 * even at log 0; a side with weight there gives inf. */
FORMULA(bce_probabilities) {
    z += 0; /* -0 is 0: 1 / z must not turn its sign */
    const FN(sides) s = FN(cross_entropy_sides)(y, p);
    const real low = p[3], near_0 = p[4], near_1 = p[5];
    const bool under = z < low, over = 1 - z < low, clipped = under | over;
    const real log_0 = vlog1p(-z), log_1 = vlog(z), held_0 = over ? near_0 : log_0, held_1 = over ? near_1 : log_1;
    const real no = unless(s.negative == 0, s.negative / (1 - z), z);
    const real yes = unless(s.positive == 0, s.positive / z, z);
    const real curvature = unless(s.negative == 0, no / (1 - z), z) + unless(s.positive == 0, yes / z, z);
    return (result){
        .v = unless(s.negative == 0, -s.negative * (under ? near_1 : held_0), z) +
             unless(s.positive == 0, -s.positive * (under ? near_0 : held_1), z),
        .g = clipped ? 0 : no - yes,
        .h = clipped ? 0 : curvature,
        .f = clipped ? 0 : 1 / (z * (1 - z)),
    };
}

/* x^gamma; `whole`: gamma is 0, 1, 2, 3 or 4, and products serve. */
INLINE real FN(focus)(real x, real gamma, bool whole) {
    if (!whole)
        return vpow(x, gamma);
    const real x2 = x * x, even = gamma == 4 ? x2 * x2 : (gamma == 2) | (gamma == 3) ? x2 : 1;
    return (gamma == 1) | (gamma == 3) ? even * x : even;
}

/* Focal loss of the true side's probability t, its complement u = 1 - t and ell = -log t:
 * alpha u^gamma ell. Gradient in the score of the true side: -alpha u^gamma (gamma t ell + u), a sum of like signs. */
INLINE result FN(focal_logits)(bool label, real z, real E, real alpha, real gamma, bool whole) {
    const real s = label ? z : -z;
    const FN(probabilities) of = FN(sigmoids)(s, E);
    const real t = of.p, u = of.q;
    const real ell = (s >= 0 ? 0 : vabs(z)) + vlog1p_unit(E), t_ell = t * at_most(BOUNDS.greatest, ell); /* inf where t is 0 */
    const real w = (label ? -alpha : alpha) * FN(focus)(u, gamma, whole), g = w * vfma(gamma, t_ell, u);
    return (result){
        .v = vabs(w * (w == 0 ? u : ell)),
        .g = g,
        .f = vabs(g) * t, /* that of cross-entropy, t u, weighed as the softmax's is (classes.h) */
        .h = vabs(w) * ((gamma * gamma * t - gamma * u) * t_ell + (2 * gamma + 1) * u * t),
    };
}

/* p[0]: gamma, p[1]: alpha of positives, p[2]: alpha of negatives; loaded both, for a conditional load does not vectorise.
 * gamma = 2, the usual one, is a literal. */
FORMULA(focal_logits_2) {
    const real on_positive = p[1], on_negative = p[2];
    return FN(focal_logits)(y > 0, z, e, y > 0 ? on_positive : on_negative, 2, 1);
}
FORMULA(focal_logits_any) {
    const real on_positive = p[1], on_negative = p[2];
    return FN(focal_logits)(y > 0, z, e, y > 0 ? on_positive : on_negative, p[0], 0);
}

/* A gamma for either label, p[0] of positives and p[1] of negatives, and a margin m = p[2] by which the probability of a negative
 * is lowered: with a the probability lost, 1 - sigmoid(z) of a positive and max(0, sigmoid(z) - m) of a negative, it is
 * -a^gamma log(1 - a). The derivatives are made of A = |a'|/a and B = |a'|/(1 - a), which are finite where 1/a and 1/(1 - a)
 * are not. m is not 0, where plain focal loss serves. */
INLINE result FN(asymmetric_focal)(real y, real z, real e, const real *p, bool whole) {
    const real of_positive = p[0], of_negative = p[1];
    return FN(focal_logits)(y > 0, z, e, 1, y > 0 ? of_positive : of_negative, whole);
}
INLINE result FN(asymmetric_focal_margin)(real y, real z, real e, const real *p, bool whole) {
    const real of_positive = p[0], of_negative = p[1], margin = positive(p[2]);
    const bool label = y > 0;
    const FN(probabilities) of = FN(sigmoids)(z, e);
    const real t = of.p, u = of.q, tu = t * u;
    const real q = at_least(BOUNDS.zero, t - margin), rest = u + margin, gamma = label ? of_positive : of_negative;
    const real of_score = (z >= 0 ? 0 : -z) + vlog1p_unit(e), of_margin = -vlog_about_1(rest, -q);
    const real ell = at_most(BOUNDS.greatest, label ? of_score : of_margin), lost = label ? u : q;
    const real w = FN(focus)(lost, gamma, whole), near_q = tu / q, near_1 = tu / rest, A = label ? t : near_q, B = label ? u : near_1;
    const real slope = vfma(gamma * ell, A, B), turn = label ? t - u : u - t; /* turn: a''/|a'| */
    const real margin_bend = near_1 * (vfma(u, u, margin * (u - t)) / rest), plain_bend = label ? tu : margin_bend; /* B^2 + B turn */
    const real bend = vfma(gamma * A, vfma(ell, vfma(gamma - 1, A, turn), 2 * B), plain_bend);
    const bool none = lost == 0;
    return (result){
        .v = none ? nan_or(z, 0) : w * (label ? of_score : of_margin),
        .g = none ? nan_or(z, 0) : (label ? -w : w) * slope,
        .h = none ? nan_or(z, 0) : w * bend,
    };
}

FORMULA(asymmetric_focal_whole) { return FN(asymmetric_focal)(y, z, e, p, 1); }
FORMULA(asymmetric_focal_any) { return FN(asymmetric_focal)(y, z, e, p, 0); }
FORMULA(asymmetric_focal_margin_whole) { return FN(asymmetric_focal_margin)(y, z, e, p, 1); }
FORMULA(asymmetric_focal_margin_any) { return FN(asymmetric_focal_margin)(y, z, e, p, 0); }

/* In the probability itself: with u = 1 - t, d/dt of u^gamma ell is -u^gamma (gamma ell/u + 1/t), and ell/u -> 1
 * as u -> 0, so that gamma < 1 stays finite there. p[3] and p[4] are the limits of h there: alpha times 1 at gamma = 0,
 * then infinite, 2 at gamma = 1, then 0. */
FORMULA(focal_probabilities) {
    z += 0; /* as above */
    const bool label = y > 0;
    const real gamma = p[0], on_positive = p[1], on_negative = p[2], alpha = label ? on_positive : on_negative;
    const real t = label ? z : 1 - z, u = label ? 1 - z : z;
    const real log_z = vlog(z), log_rest = vlog1p(-z), ell = label ? -log_z : -log_rest;
    const real power = vpow(u, gamma), weight = alpha * power;
    const real slope = unless(u == 0 || gamma == 0, gamma * (ell / u), z) + (u == 0 ? gamma : 0); /* ell may be inf */
    const real bend = ((gamma - 1) * slope + 2 * gamma / t) / u + 1 / (t * t);
    const real at_one_positive = p[3], at_one_negative = p[4], at_one = label ? at_one_positive : at_one_negative;
    const real g = unless(weight == 0, -weight * (slope + 1 / t), z);
    const real h = unless(weight == 0, weight * bend, z), h_inside = (t == 0) & (weight != 0) ? 1 / t : h;
    return (result){
        .v = unless(weight == 0, weight * ell, z),
        .g = label ? g : -g,
        .h = u == 0 ? nan_or(z, at_one) : h_inside,
    };
}

/* max(0, 1 - s z), s = +-1 from labels {0, 1} or {-1, 1}; slope is -s. Majorized like |.|/2. Where the margin m is not
 * positive the value c is 0, or NaN, and so are the derivatives. */
FORMULA(hinge) {
    const real slope = y > 0 ? C(-1.0) : C(1.0), m = vfma(slope, z, 1), c = at_least(BOUNDS.zero, m), a = vabs(m);
    return (result){
        .v = c,
        .g = m > 0 ? slope : c,
        .h = nan_or(m, 0),
        .m = C(0.5) / (a < p[0] ? p[0] : a),
    };
}

FORMULA(squared_hinge) {
    const real slope = y > 0 ? C(-1.0) : C(1.0), m = vfma(slope, z, 1), c = at_least(BOUNDS.zero, m);
    return (result){.v = c * c, .g = 2 * slope * c, .h = m > 0 ? C(2.0) : c, .m = nan_or(m, 2)};
}

/* A one-sided Huber loss of the margin m = 1 - s z, as hinge's: with c = m clipped to [0, delta] it is f c (m - c/2); delta = p[0],
 * f = p[1]. Majorized like Huber. What is asked of the rounded m is asked of z, which is not: p[2] = delta - 1. */
FORMULA(smooth_hinge) {
    const real delta = p[0], f = p[1], end = p[2], slope = y > 0 ? C(-1.0) : C(1.0), x = slope * z, m = 1 + x;
    const real above = at_least(BOUNDS.zero, m), c = at_most(delta, above), beyond = f * delta / m;
    return (result){
        .v = f * c * vfma(C(-0.5), c, above),
        .g = slope * (f * c),
        .h = nan_or(m, (x > -1) & (x <= end) ? f : C(0.0)),
        .m = nan_or(m, x <= end ? f : beyond),
    };
}

/* max(0, -s z): a hinge without margin. At z = 0 the gradient is -s, not 0: from there learning begins. */
FORMULA(perceptron) {
    const real slope = y > 0 ? C(-1.0) : C(1.0), m = slope * z, c = at_least(BOUNDS.zero, m), a = vabs(m);
    return (result){
        .v = c,
        .g = m >= 0 ? slope : c,
        .h = nan_or(m, 0),
        .m = C(0.5) / (a < p[0] ? p[0] : a),
    };
}

/* z, a distance, of a similar pair; max(0, margin - z) of another; p[0] = margin. Majorized like |.|/2 there. */
FORMULA(hinge_embedding) {
    const bool similar = y > 0;
    const real m = p[0] - z, c = at_least(BOUNDS.zero, m), a = vabs(m), zero = nan_or(z, 0), bound = C(0.5) / (a < p[1] ? p[1] : a);
    const real slope = m > 0 ? C(-1.0) : c;
    return (result){.v = similar ? z : c, .g = similar ? 1 + zero : slope, .h = zero, .m = similar ? zero : bound};
}

/* exp(-s z) */
FORMULA(exponential) {
    const real slope = y > 0 ? C(-1.0) : C(1.0), v = vexp(slope * z);
    return (result){.v = v, .g = slope * v, .h = v};
}

/* log(1 + exp(-s z)): the cross-entropy of a label that may be -1 too. */
FORMULA(soft_margin) {
    const bool label = y > 0;
    return FN(cross_entropy_logits)((FN(sides)){label ? 0 : 1, label ? 1 : 0}, 1, z, e);
}

/* (p - y)^2, p = sigmoid(z); p - y = (1 - y) p - y (1 - p) = n/(1 + e) keeps its digits in the tails. The Hessian has the fourth
 * power of 1/(1 + e): (1 + e)^2 is rounded less than the square of a rounded reciprocal would be. */
FORMULA(brier_logits) {
    const bool up = z >= 0;
    const real far = up ? 1 - y : -y, near = up ? -y : 1 - y, n = vfma(near, e, far), turn = up ? e - 1 : 1 - e;
    const real i2 = 1 / vfma(e, e + 2, 1), d = n / (1 + e), pq = e * i2; /* 1 - 2p is turn/(1 + e) */
    return (result){
        .v = d * d,
        .g = 2 * d * pq,
        .h = 2 * pq * (vfma(n, turn, e) * i2),
    };
}

/* Generators and critics, on scores of real (y = 1) and generated samples. */

/* -s z: the critic of a Wasserstein GAN. */
FORMULA(linear_margin) {
    const real slope = y > 0 ? C(-1.0) : C(1.0), zero = nan_or(z, 0);
    return (result){.v = slope * z, .g = slope + zero, .h = zero, .m = zero};
}

/* log(1 - sigmoid(z)) = -softplus(z): concave, so that its tangent, of no curvature, majorizes. */
FORMULA(minus_softplus) {
    const result s = FN(cross_entropy_logits)((FN(sides)){1, 0}, 1, z, e);
    return (result){.v = -s.v, .g = -s.g, .h = -s.h, .m = nan_or(z, 0)};
}

/* name, cost of an element (1: hardly more than its loads and stores; 2: divisions or a root; 4: an exponential or a logarithm),
 * first stage */
#define BINARY(X) \
    X(bce_logits, 4, EXP_MINUS_ABS_SCORE) \
    X(bce_logits_any, 4, EXP_MINUS_ABS_SCORE) \
    X(bce_probabilities, 4, DIRECT) \
    X(focal_logits_2, 4, EXP_MINUS_ABS_SCORE) \
    X(focal_logits_any, 4, EXP_MINUS_ABS_SCORE) \
    X(focal_probabilities, 4, DIRECT) \
    X(hinge, 1, DIRECT) \
    X(squared_hinge, 1, DIRECT) \
    X(asymmetric_focal_whole, 4, EXP_MINUS_ABS_SCORE) \
    X(asymmetric_focal_any, 4, EXP_MINUS_ABS_SCORE) \
    X(asymmetric_focal_margin_whole, 4, EXP_MINUS_ABS_SCORE) \
    X(asymmetric_focal_margin_any, 4, EXP_MINUS_ABS_SCORE) \
    X(smooth_hinge, 1, DIRECT) \
    X(perceptron, 1, DIRECT) \
    X(hinge_embedding, 1, DIRECT) \
    X(exponential, 4, DIRECT) \
    X(soft_margin, 4, EXP_MINUS_ABS_SCORE) \
    X(brier_logits, 4, EXP_MINUS_ABS_SCORE) \
    X(linear_margin, 1, DIRECT) \
    X(minus_softplus, 4, EXP_MINUS_ABS_SCORE)

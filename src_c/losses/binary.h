/* Losses of a binary label y and a raw score or a probability z. */

/* Weights of the two sides of cross-entropy, all terms non-negative: `negative` on the label-0 side, `positive`
 * on the label-1 side. p[0]: pos_weight. Smoothing by a moves y to y (1 - a) + a/2: p[1] = 1 - a, p[2] = a/2. The
 * other side is smoothed likewise, for 1 - (1 - a/2) would leave of a/2 what 1 has digits for. */
typedef struct {
    real negative, positive;
} FN(sides);

INLINE FN(sides) FN(cross_entropy_sides)(real y, const real *p) {
    return (FN(sides)){.negative = vfma(1 - y, p[1], p[2]), .positive = p[0] * vfma(y, p[1], p[2])};
}

/* negative softplus(z) + positive softplus(-z), softplus(z) = max(z, 0) + log1p(E), E = exp(-|z|).
 * A sum of non-negative terms keeps its relative precision for every z; softplus(z) - y z cancels for y = 1, z > 0.
 * sigmoid(z) and its complement are {1, E} / (1 + E), so the gradient keeps its tail too, where p - y does not. */
INLINE result FN(cross_entropy_logits)(FN(sides) s, real both, real z, real E) {
    /* The gradient is (far + near E) / (1 + E), and the value's linear part far z: far is the side that z speaks
     * against. No weight there is 0, even at infinity. */
    const bool up = z >= 0;
    const real far = up ? s.negative : -s.positive, near = up ? -s.positive : s.negative, linear = far * z;
    const real a = vabs(z), d = 1 + E;
    /* tanh(z/2)/(2z) bounds the curvature (Jaakkola & Jordan 2000); 1/4 at 0. */
    const real half = C(0.5) * a, bound = a < C(0x1p-30) ? C(0.25) : C(0.25) * vtanh(half) / half;
    return (result){
        .v = (far == 0 ? 0 : linear) + both * vlog1p_unit(E),
        .g = vfma(near, E, far) / d,
        .h = both * (E / (d * d)),
        .m = both * nan_or(z, bound),
        .f = E / (d * d), /* of the Bernoulli model: pos_weight is 1 */
    };
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

/* Focal loss of the true side's probability t, its complement u = 1 - t and ell = -log t:
 * alpha u^gamma ell. Gradient in the score of the true side: -alpha u^gamma (gamma t ell + u), a sum of like signs.
 * p[0]: gamma, p[1]: alpha of positives, p[2]: alpha of negatives. */
INLINE result FN(focal_logits)(real y, real z, real E, const real *p, bool gamma_is_2) {
    const bool label = y > 0;
    const real gamma = p[0], on_positive = p[1], on_negative = p[2]; /* loaded both: a conditional load does not vectorise */
    const real s = label ? z : -z, more = 1 / (1 + E), less = E * more;
    const bool up = s >= 0;
    const real t = up ? more : less, u = up ? less : more;
    const real ell = (up ? 0 : vabs(z)) + vlog1p_unit(E), t_ell = t * at_most(BOUNDS.greatest, ell); /* inf where t is 0 */
    const real w = (label ? -on_positive : on_negative) * (gamma_is_2 ? u * u : vpow(u, gamma));
    return (result){
        .v = vabs(w * (w == 0 ? u : ell)),
        .g = w * vfma(gamma, t_ell, u),
        .h = vabs(w) * ((gamma * gamma * t - gamma * u) * t_ell + (2 * gamma + 1) * u * t),
    };
}

FORMULA(focal_logits_2) { return FN(focal_logits)(y, z, e, p, 1); } /* gamma = 2, the usual one, needs no power */
FORMULA(focal_logits_any) { return FN(focal_logits)(y, z, e, p, 0); }

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

/* name, cost of an element (1: hardly more than its loads and stores; 4: has an exponential or a logarithm), first stage */
#define BINARY(X) \
    X(bce_logits, 4, EXP_MINUS_ABS_SCORE) \
    X(bce_logits_any, 4, EXP_MINUS_ABS_SCORE) \
    X(bce_probabilities, 4, DIRECT) \
    X(focal_logits_2, 4, EXP_MINUS_ABS_SCORE) \
    X(focal_logits_any, 4, EXP_MINUS_ABS_SCORE) \
    X(focal_probabilities, 4, DIRECT) \
    X(hinge, 1, DIRECT) \
    X(squared_hinge, 1, DIRECT)

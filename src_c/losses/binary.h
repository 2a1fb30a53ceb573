/* Losses of a binary label y and a raw score or a probability z. */

/* Weights of the two sides of cross-entropy, all terms non-negative: `negative` on the label-0 side, `positive`
 * on the label-1 side. p[0]: pos_weight. Smoothing by a moves y to y (1 - a) + a/2: p[1] = 1 - a, p[2] = a/2. */
typedef struct {
    real negative, positive;
} FN(sides);

INLINE FN(sides) FN(cross_entropy_sides)(real y, const real *p) {
    const real t = vfma(y, p[1], p[2]);
    return (FN(sides)){.negative = 1 - t, .positive = p[0] * t};
}

/* negative softplus(z) + positive softplus(-z), softplus(z) = max(z, 0) + log1p(E), E = exp(-|z|).
 * A sum of non-negative terms keeps its relative precision for every z; softplus(z) - y z cancels for y = 1, z > 0.
 * sigmoid(z) and its complement are {1, E} / (1 + E), so the gradient keeps its tail too, where p - y does not. */
FORMULA(bce_logits) {
    const FN(sides) s = FN(cross_entropy_sides)(y, p);
    const real a = vabs(z), E = vexp_nonpositive(-a), both = s.negative + s.positive;
    const bool up = z >= 0;
    const real numerator = s.negative * (up ? 1 : E) - s.positive * (up ? E : 1);
    const real inverse = 1 / (1 + E);
    /* (p - 1/2)/z bounds the curvature (Jaakkola & Jordan 2000); its series near 0. */
    const real bound = a < C(0.01) ? C(0.25) - z * z * C(0x1.5555555555555p-6) : (C(0.5) - E * inverse) / a;
    return (result){
        .v = (up ? s.negative : s.positive) * a + both * vlog1p_unit(E),
        .g = numerator / (1 + E),
        .h = both * E * inverse * inverse,
        .m = both * nan_or(z, bound),
        .f = both * E * inverse * inverse,
    };
}

/* -negative log(1 - q) - positive log q, q = z clipped to [p[3], 1 - p[3]]; where the clip holds, the function is
 * constant and its derivatives are 0. log1p(-q) keeps q near 0 exact. A side without weight adds nothing, even
 * at log 0; a side with weight there gives inf. */
FORMULA(bce_probabilities) {
    const FN(sides) s = FN(cross_entropy_sides)(y, p);
    const real low = p[3], high = 1 - p[3];
    const real q = z < low ? low : z > high ? high : z;
    const bool clipped = z < low || z > high;
    const real no = s.negative == 0 ? nan_or(z, 0) : s.negative / (1 - q);
    const real yes = s.positive == 0 ? nan_or(z, 0) : s.positive / q;
    const real curvature = (s.negative == 0 ? nan_or(z, 0) : no / (1 - q)) + (s.positive == 0 ? nan_or(z, 0) : yes / q);
    return (result){
        .v = (s.negative == 0 ? nan_or(z, 0) : -s.negative * vlog1p(-q)) +
             (s.positive == 0 ? nan_or(z, 0) : -s.positive * vlog(q)),
        .g = clipped ? 0 : no - yes,
        .h = clipped ? 0 : curvature,
        .f = clipped ? 0 : 1 / (q * (1 - q)),
    };
}

/* Focal loss of the true side's probability t, its complement u = 1 - t and ell = -log t:
 * alpha u^gamma ell. Gradient in the score of the true side: -alpha u^gamma (gamma t ell + u), a sum of like signs. */
INLINE result FN(focal_score)(real t, real u, real ell, real power, real alpha, real gamma) {
    const real w = alpha * power;
    return (result){
        .v = w * ell,
        .g = -w * (gamma * t * ell + u),
        .h = w * t * ((gamma * gamma * t - gamma * u) * ell + (2 * gamma + 1) * u),
    };
}

/* p[0]: gamma, p[1]: factor on positives, p[2]: factor on negatives. */
INLINE result FN(focal_logits)(real y, real z, const real *p, bool gamma_is_2) {
    const bool label = y > 0;
    const real s = label ? z : -z, a = vabs(z), E = vexp_nonpositive(-a), inverse = 1 / (1 + E);
    const bool up = s >= 0;
    const real t = (up ? 1 : E) * inverse, u = (up ? E : 1) * inverse;
    const real ell = (up ? 0 : a) + vlog1p_unit(E);
    result r = FN(focal_score)(t, u, ell, gamma_is_2 ? u * u : vpow(u, p[0]), label ? p[1] : p[2], p[0]);
    r.g = label ? r.g : -r.g;
    return r;
}

FORMULA(focal_logits_2) { return FN(focal_logits)(y, z, p, 1); } /* gamma = 2, the usual one, needs no power */
FORMULA(focal_logits_any) { return FN(focal_logits)(y, z, p, 0); }

/* In the probability itself: with u = 1 - t, d/dt of u^gamma ell is -u^gamma (gamma ell/u + 1/t), and ell/u -> 1
 * as u -> 0, so that gamma < 1 stays finite there. */
FORMULA(focal_probabilities) {
    const bool label = y > 0;
    const real gamma = p[0], alpha = label ? p[1] : p[2];
    const real t = label ? z : 1 - z, u = label ? 1 - z : z;
    const real ell = label ? -vlog(z) : -vlog1p(-z);
    const real power = alpha * (gamma == 0 ? 1 : vpow(u, gamma));
    const real slope = gamma == 0 ? nan_or(z, 0) : u == 0 ? gamma : gamma * (ell / u);
    const real g = power == 0 ? nan_or(z, 0) : -power * (slope + 1 / t);
    const real bend = gamma == 0 ? nan_or(z, 0) : ((gamma - 1) * slope + 2 * gamma / t) / u;
    const real at_one = gamma > 1 ? 0 : gamma == 1 ? 2 * alpha : 1 / C(0.0); /* the limit of h as u -> 0 */
    const real h = t == 0 ? 1 / t : power == 0 ? nan_or(z, 0) : power * (bend + 1 / (t * t));
    return (result){
        .v = power == 0 ? nan_or(z, 0) : power * ell,
        .g = label ? g : -g,
        .h = u == 0 && gamma > 0 ? at_one : h,
    };
}

/* max(0, 1 - s z), s = +-1 from labels {0, 1} or {-1, 1}. Majorized like |.|/2. */
FORMULA(hinge) {
    const real s = y > 0 ? C(1.0) : C(-1.0), m = 1 - s * z, a = vabs(m);
    return (result){
        .v = m < 0 ? 0 : m,
        .g = m > 0 ? -s : nan_or(m, 0),
        .h = nan_or(m, 0),
        .m = C(0.5) / (a < p[0] ? p[0] : a),
    };
}

FORMULA(squared_hinge) {
    const real s = y > 0 ? C(1.0) : C(-1.0), m = 1 - s * z, c = m < 0 ? 0 : m;
    return (result){.v = c * c, .g = -2 * s * c, .h = m > 0 ? C(2.0) : nan_or(m, 0), .m = nan_or(m, 2)};
}

/* name, cost of an element in elements of squared error */
#define BINARY(X) \
    X(bce_logits, 8) X(bce_probabilities, 8) X(focal_logits_2, 8) X(focal_logits_any, 8) \
    X(focal_probabilities, 8) X(hinge, 1) X(squared_hinge, 1)

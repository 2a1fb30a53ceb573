/* What losses of softplus and of the sigmoid are made of: cross-entropy of a score, its two sides weighted apart, and the two
 * probabilities themselves. */

/* p = sigmoid(z) and q = 1 - p, both relative in their tails; E = exp(-|z|). */
typedef struct {
    real p, q;
} FN(probabilities);
INLINE FN(probabilities) FN(sigmoids)(real z, real E) {
    const real more = 1 / (1 + E), less = E * more;
    const bool up = z >= 0;
    return (FN(probabilities)){.p = up ? more : less, .q = up ? less : more};
}

/* tanh(z/2)/(2z), which bounds the curvature of softplus (Jaakkola & Jordan 2000); 1/4 at 0. */
INLINE real FN(logistic_bound)(real z) {
    const real half = C(0.5) * vabs(z), bound = half < C(0x1p-31) ? C(0.25) : C(0.25) * vtanh(half) / half;
    return nan_or(z, bound);
}

typedef struct {
    real negative, positive; /* weights of the side of label 0 and of that of label 1 */
} FN(sides);

/* negative softplus(z) + positive softplus(-z), softplus(z) = max(z, 0) + log1p(E), E = exp(-|z|).
 * A sum of non-negative terms keeps its relative precision for every z; softplus(z) - y z cancels for y = 1, z > 0.
 * sigmoid(z) and its complement are {1, E} / (1 + E), so the gradient keeps its tail too, where p - y does not. */
INLINE result FN(cross_entropy_logits)(FN(sides) s, real both, real z, real E) {
    /* The gradient is (far + near E) / (1 + E), and the value's linear part far z: far is the side that z speaks
     * against. No weight there is 0, even at infinity. */
    const bool up = z >= 0;
    const real far = up ? s.negative : -s.positive, near = from_bits(bits_of(far) ^ bits_of(s.negative) ^ bits_of(-s.positive)), linear = far * z;
    const real d = 1 + E;
    return (result){
        .v = (far == 0 ? 0 : linear) + both * vlog1p_unit(E),
        .g = vfma(near, E, far) / d,
        .h = both * (E / (d * d)),
        .m = both * FN(logistic_bound)(z),
        .f = E / (d * d), /* of the Bernoulli model: pos_weight is 1 */
    };
}

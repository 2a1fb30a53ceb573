/* Losses of an error relative to the target, or to both. r = z - y. */

/* d^2/2, d = log((1 + z)/(1 + y)). Hessian (1 - d)/(1 + z)^2. */
FORMULA(squared_log_error) {
    const real t = 1 + z, d = vlog1p_difference(z, y), most = at_most(BOUNDS.greatest, d); /* of an infinite t nothing is left */
    return (result){.v = C(0.5) * d * d, .g = most / t, .h = (1 - most) / t / t};
}

/* |r|/d, d = max(|y|, p[0]); 0/0 is 0. Not |r| times 1/d, which beside a subnormal d may be infinite though that is not. Majorized
 * like |r|; p[1] keeps that finite at r = 0. */
FORMULA(absolute_percentage_error) {
    const real r = z - y, a = vabs(r), d = at_least(p[0], vabs(y)), least = p[1];
    const bool off = __builtin_islessgreater(r, 0);
    return (result){
        .v = off ? a / d : a,
        .g = off ? with_sign_of(r, 1 / d) : r,
        .h = nan_or(r, 0),
        .m = 1 / (a < least ? least : a) / d,
    };
}

/* 2 |r|/s, s = |y| + |z|; 0/0 is 0. Where y and z differ in sign it is 2. Elsewhere the gradient is 4 |y|/s^2 away from the
 * target, the Hessian -+ 2/s times that: the loss is concave beyond the target and convex short of it. Where s might be infinite,
 * all is scaled by c, and an infinite z is as far as the largest number. */
FORMULA(symmetric_absolute_percentage_error) {
    z = at_most(BOUNDS.greatest, at_least(-BOUNDS.greatest, z));
    const real c = at_least(vabs(y), vabs(z)) > C(0x1p100) ? C(0.25) : C(1.0), cy = c * y, cz = c * z;
    const real r = cz - cy, b = vabs(cy), s = b + vabs(cz);
    const bool same = ((bits_of(y) ^ bits_of(z)) >= 0) & (z != 0), none = !same | (r == 0);
    const real slope = unless(none, 4 * (b / s / s * c), r), g = with_sign_of(r, slope);
    return (result){
        .v = 2 * unless(r == 0, vabs(r) / s, r),
        .g = g,
        .h = (z > 0 ? C(-2.0) : C(2.0)) * unless(none, g / s * c, r),
    };
}

/* name, cost of an element, first stage */
#define RELATIVE(X) \
    X(squared_log_error, 4, DIRECT) \
    X(absolute_percentage_error, 2, DIRECT) \
    X(symmetric_absolute_percentage_error, 2, DIRECT)

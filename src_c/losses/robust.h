/* Losses of a residual r that grow more slowly than |r|, so that outliers lose their pull; c = p[0] is the scale, u = r/c.
 * Against overflow their powers of u are of q, the smaller of |u| and 1/|u|, or of numbers with a power of two off. All are
 * concave in r^2, so that gradient / r majorizes. */

/* c^2/2 log(1 + u^2), the logarithm from the first stage: far off that of |u|, half of it, where with c = m 2^k it is log(|r|/m)
 * less k ln 2. Gradient r/(1 + u^2), which beyond c is c q/(1 + q^2). Hessian (1 - u^2)/(1 + u^2)^2. All times p[1], and p[2]
 * more: what GeneralRobust makes of it; so too the next. */
FORMULA(cauchy) {
    const real c = positive(p[0]), factor = p[1], constant = p[2], r = z - y, pull = factor * c;
    const ratio u = compare(r, c);
    const real near = C(0.5) * factor * r * r, half = C(0.5) * e, beyond = pull * (c * (vabs(r) > farthest(c) ? e : half));
    const real q = u.q, d = vfma(q, q, 1), larger = at_least(c, at_most(BOUNDS.greatest, vabs(r)));
    const real difference = larger - at_most(c, vabs(r)), bend = difference / larger * (1 + q) / (d * d); /* exact near u = 1 */
    return (result){
        .v = (vabs(r) < NEAR_0 * c ? near : beyond) + constant,
        .g = with_sign_of(r, (u.beyond ? pull : factor) * (u.beyond ? q : vabs(r)) / d),
        .h = (u.beyond ? -factor * q * q : factor) * bend,
        .m = (u.beyond ? factor * q * q : factor) / d,
    };
}

/* r^2/2 w, w = 1/(1 + u^2). Gradient r w^2, Hessian (1 - 3 u^2) w^3. With c = m 2^k w is one/sum, sum = one + x^2, x = s |r|/2^k,
 * one = (s m)^2. |r| stops at the farthest of c/s, in float c 2^62/s. Where s is 1, w^2 |r| is less than any number there as long
 * as c < 2^36, and for c > 2^66 no |r| is beyond it. In between s lets none be beyond it, and leaves c lifted a number. */
FORMULA(geman_mcclure) {
    const real c = positive(p[0]), factor = p[1], constant = p[2], r = z - y, power = vpower_below(c), m = c / power;
    const bool large = FL_BITS == 32 ? (c > C(0x1p36)) & (c < C(0x1p67)) : (c > (real)0x1p454) & (c < (real)0x1p520);
    const bits_t lower = (bits_t)large * (FL_BITS == 32 ? 30 : 64); /* not selected by it: GCC would make two loops of that */
    const real s = from_bits((EXPONENT_BIAS - lower) << MANTISSA_BITS), s2 = s * s, one = s2 * (m * m);
    const real a = at_most(farthest(c / s), vabs(r)), x = a * (s / power), sum = vfma(x, x, one);
    const real lifted = m * m / sum, weight = s2 * lifted, pull = factor * (a * lifted * s2); /* the factor may be 1/c^2: not beside |r| */
    return (result){
        .v = vfma(C(0.5) * a, pull, constant),
        .g = with_sign_of(r, pull * weight),
        .h = factor * weight * weight * (vfma(C(-3.0) * x, x, one) / sum),
        .m = factor * weight * weight,
    };
}

/* p[3] p[4] (1 - exp(-u^2)): c^2/2 times that, of a c with more digits than a number has: with p[1] more in float, p[2] in
 * double. Gradient p[5] p[6] r exp(-u^2), Hessian p[5] p[6] (1 - 2 u^2) exp(-u^2), either pair the factors of what may be out
 * of range. What rounding took from u and u^2 is missing in u^2. */
FORMULA(welsch) {
    const real c = positive(p[0]), low = FL_BITS == 32 ? p[1] : p[2], r = z - y, u = r / c, u2 = u * u;
    const FN(exp_factors) E = vexp_of_minus(u2);
    const real rest = vfma(u, low, vproduct_rest(u, c, r)) * -at_most(BOUNDS.greatest, 1 / c);
    const real missing = vfma(2 * u, rest, vproduct_rest(u, u, u2)), weight = vfma(-missing, E.first, E.first);
    const real most = p[3], of_most = p[4], unit = at_most(BOUNDS.greatest, p[5]), pull = at_most(BOUNDS.greatest, p[6]);
    const real slope = r * unit * pull;
    const bool none = E.first == 0;
    return (result){
        .v = vabs(u) < NEAR_0 ? C(0.5) * slope * r : -most * (of_most * E.less_1), /* u^2 may be subnormal */
        .g = none ? 0 : slope * weight * E.second,
        .h = none ? 0 : unit * pull * vfma(C(-2.0), u2 + missing, 1) * weight * E.second,
        .m = none ? 0 : unit * pull * weight * E.second,
    };
}

/* c^2/6 (1 - t^3), t = 1 - u^2, up to |u| = 1, then constant: r^2/6 (1 + t + t^2), where nothing cancels. Gradient r t^2, Hessian
 * t (1 - 5 u^2). With c = m 2^k and |r| = x 2^k, neither rounded, t is from |u| = 1/2 on d (2 - d), d = (m - x)/m. */
FORMULA(tukey) {
    const real c = positive(p[0]), r = z - y, a = at_most(c, vabs(r)), power = vpower_below(c), m = c / power;
    const real x = a * (1 / power), d = vover(m - x, m), u2 = vover_square(x * x, m);
    const real near = vfma(x * (-1 / (m * m)), x, 1), beyond = vfma(-d, d, 2 * d), t = x < C(0.5) * m ? near : beyond;
    return (result){
        .v = a * (C(0x1.5555555555555p-3) * a) * vfma(t, t, t + 1),
        .g = with_sign_of(r, a * (t * t)),
        .h = t * vfma(C(-5.0), u2, 1),
        .m = t * t,
    };
}

/* c^2/2 atan(u^2). Gradient r/(1 + u^4), which beyond c is c q^3/(1 + q^4); Hessian (1 - 3 u^4)/(1 + u^4)^2. A rounding of q
 * would count up to three times in the gradient: what it took, times the larger of |r| and c, is given to the smaller, times
 * the slope of the gradient's logarithm in that of q, about 3 or 0 less 2 q^4. */
FORMULA(arctan) {
    const real c = positive(p[0]), r = z - y;
    const ratio u = compare(r, c);
    const real q = u.q, q2 = q * q, q4 = q2 * q2, d = vfma(q2, q2, 1), of_1 = u.beyond ? q4 : 1, angle = vatan_unit(q2);
    const real smaller = at_most(c, vabs(r)), larger = at_most(BOUNDS.greatest, at_least(c, vabs(r)));
    const real slope = vfma(C(2.0), d, u.beyond ? C(-5.0) : C(-2.0));
    const real exact = at_most(BOUNDS.greatest, vfma(slope, vproduct_rest(q, larger, smaller), smaller));
    return (result){
        .v = or_half_square((q < NEAR_0) & !u.beyond, r,
                            C(0.5) * c * (c * (u.beyond ? C(0x1.921fb54442d18p0) - angle : angle))),
        .g = with_sign_of(r, (u.beyond ? exact * q * q * q : exact) / d),
        .h = of_1 * ((u.beyond ? q4 - 3 : 1 - 3 * q4) / (d * d)),
        .m = of_1 / d,
    };
}

/* Barron's family, in x = |r|/c and b = |alpha - 2|: (b/alpha) ((1 + w)^(alpha/2) - 1), w = x^2/b. With d = sqrt(b), q the smaller
 * of x/d and d/x and m the larger of x/d and 1, 1 + w is m^2 (1 + q^2): nothing overflows, and its logarithm L is relative near
 * r = 0. P = (1 + w)^(alpha/2 - 1) is the gradient's weight: it is x P/c, and beyond d that is d m P/c. Where t = alpha/2 L is
 * below 1 the value is b/2 L expm1(t)/t, which passes through alpha = 0; above, that would multiply the error of t, and it is
 * (1 + w) P - 1 that does not cancel. p[0] = c, p[1] = d, p[2] = alpha, p[3] = b, at alpha = 2 any; p[4] + p[5] is alpha - 1, an
 * error of which a large m would multiply by log m; p[6] is added to the value: log c and the logarithm of the partition
 * function, where they are asked for. */
FORMULA(general_robust) {
    const real c = positive(p[0]), d = p[1], alpha = p[2], b = p[3], less_1 = p[4], low = p[5], inverse = 1 / c;
    const real r = z - y, x = vabs(r) / c, most = at_most(BOUNDS.greatest, x), less_2 = (less_1 - 1) + low;
    const ratio u = compare(most, d);
    const real q2 = u.q * u.q, l = vlog1p_unit(q2), m = at_least(BOUNDS.one, at_most(BOUNDS.greatest, most / d));
    const FN(power_and_log) of_m = vpow_log(m, less_1, low, C(0.5) * less_2 * l);
    const real grown = of_m.power, weight = grown / m; /* m P, P */
    const real L = vfma(C(2.0), of_m.log, l), t = C(0.5) * alpha * L, per_t = vexpm1(t) / t;
    const real about = vabs(t) < C(0x1p-60) ? 1 : per_t, near = C(0.5) * b * L * about;
    const real larger = u.beyond ? most : d, far = vfma(larger * (d * grown / alpha), 1 + q2, -b / alpha);
    const real slope = less_1 + low, bent_far = q2 + slope, bent_near = vfma(slope, q2, 1);
    const real bend = (u.beyond ? bent_far : bent_near) / (1 + q2);
    const real value = t < 1 ? near : far, gradient = most / m * grown * inverse, hessian = weight * inverse * bend * inverse;
    const real v_at_end = alpha >= 0 ? x : value, bent = less_2 > 0 ? x : 0;
    const real pull = (slope < 0) & (vabs(r) > BOUNDS.greatest) ? 0 : gradient, g_at_end = slope > 0 ? x : pull;
    const real h_at_end = less_2 == 0 ? hessian : bent;
    return (result){
        .v = (x > most ? v_at_end : value) + p[6],
        .g = with_sign_of(r, x > most ? g_at_end : gradient),
        .h = x > most ? h_at_end : hessian,
        .m = weight * inverse * inverse,
    };
}

/* name, cost of an element, first stage */
#define ROBUST(X) \
    X(cauchy, 4, LOG_1_AND_SQUARE) \
    X(geman_mcclure, 2, DIRECT) \
    X(welsch, 4, DIRECT) \
    X(tukey, 2, DIRECT) \
    X(arctan, 4, DIRECT) \
    X(general_robust, 4, DIRECT)

/* Losses over classes: cross-entropy and Kullback-Leibler divergence of a row of K scores or probabilities.
 *
 * All are  v = -sum_k q_k log p_k (+ sum_k t_k log t_k)  with effective targets q, S = sum q:
 *   index targets  q_k = c_k (on [k = label] + off)        c: class weights
 *   row targets    q_k = c_k (on t_k + off)                smoothing a: on = 1 - a, off = a/K
 * From logits, v = S lse(z) - sum q z, gradient S p - q, Hessian diagonal S p (1 - p).
 *
 * The same code serves two layouts of LANES numbers. Short rows: LANES rows side by side, one class after the other
 * (`across` is 0). Long rows: one row, LANES classes side by side; then a sum or maximum over the row is a sum over
 * the lanes (`across` is 1). All flags are literals where these functions are inlined.
 */
typedef struct {
    const real *z, *t; /* predictions, row targets: groups of LANES */
    real *g, *h;       /* outputs; g also holds exp(z - max) between the passes */
    ptrdiff_t groups;
    ptrdiff_t first; /* class of the first number */
    const real *weight;    /* class weights of group 0 (across the lanes, or one for all); 0 for padding */
    ptrdiff_t weight_step; /* from group to group; 0 for a run of ones */
} FN(segment);

typedef struct {
    bool dense;      /* row targets; else indices */
    bool entropy;    /* add sum t log t: a divergence, 0 at its minimum */
    char prediction; /* 'z' logits, 'p' probabilities, 'l' log-probabilities */
    bool value, gradient;
    char hessian; /* 0, 'h' exact (the Fisher information too), 'm' majorizer */
    bool across;
    bool plain; /* no class weights, smoothing or z-loss: those are literals */
} FN(classes_spec);

/* What the rows of a tile share. */
typedef struct {
    real on, off, z_loss, floor, total_weight; /* floor: least curvature; total_weight: sum of the class weights */
    double classes;
    bool plain;
} FN(classes_options);

/* What each row of a tile brings. */
typedef struct {
    bits_t label[LANES];                    /* index targets: the class, */
    real at_label[LANES] ALIGNED;           /* the prediction there, */
    real label_weight[LANES] ALIGNED;       /* and its class weight */
    real scale[LANES] ALIGNED;              /* factor on gradient and Hessian */
    real value[LANES] ALIGNED;              /* out: the unweighted value, */
    bool label_apart;                       /* whether g lacks the gradient at the label, */
    real label_gradient[LANES] ALIGNED;     /* and that gradient */
} FN(classes_rows);

#define EACH_LANE SIMD for (ptrdiff_t l = 0; l < LANES; l++)

/* Terms are added eight at a time before they join the total: float32 ones are then widened, as exact as double lanes
 * and cheaper; and the rounding errors of a long row grow with its eighth. */
enum { FN(CHUNK) = 8 };

/* z - top, and 0 where they are equal, though both may be infinite. */
INLINE real FN(distance)(real z, real top) {
    const real d = z - top;
    return z == top ? 0 : d;
}
#undef distance
#define distance FN(distance)

INLINE void FN(sum_lanes)(double *x) {
    for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        for (ptrdiff_t l = 0; l < width; l++)
            x[l] += x[l + width];
    for (ptrdiff_t l = 1; l < LANES; l++)
        x[l] = x[0];
}

INLINE void FN(max_lanes)(real *x) {
    for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        for (ptrdiff_t l = 0; l < width; l++)
            x[l] = x[l + width] > x[l] ? x[l + width] : x[l];
    for (ptrdiff_t l = 1; l < LANES; l++)
        x[l] = x[0];
}

/* Effective target of lane l in group j of segment s. */
#define CLASS_OF(s, j, l) (spec.across ? (bits_t)((s)->first + (j)*LANES) + (bits_t)(l) : (bits_t)(j))
#define TARGET(s, j, l)                                                                                      \
    ((spec.plain ? 1 : weight[spec.across ? (l) : 0]) *                                                      \
     (spec.dense ? (spec.plain ? (s)->t[(j)*LANES + (l)] : vfma(on, (s)->t[(j)*LANES + (l)], off))           \
                 : CLASS_OF(s, j, l) == label[l] ? on + off : off))
#define GROUP_WEIGHT(s, j) ((s)->weight + (j) * (s)->weight_step)

/* One tile: LANES rows, or one row across the lanes. */
INLINE void FN(classes_tile)(const FN(classes_spec) spec, const FN(classes_options) * o, const FN(segment) * segments,
                             int n_segments, FN(classes_rows) *restrict rows) {
    const bool logits = spec.prediction == 'z';
    const bits_t *restrict label = rows->label;
    const real on = spec.plain ? 1 : o->on, off = spec.plain ? 0 : o->off, z_loss = spec.plain ? 0 : o->z_loss;
    const real floor = o->floor;
    real top[LANES] ALIGNED;
    double rest[LANES] ALIGNED = {0}, dot[LANES] ALIGNED = {0}, total[LANES] ALIGNED = {0};
    real ties[LANES] ALIGNED = {0};

    if (logits) {
        real odd[LANES] ALIGNED; /* a chain of its own: a maximum takes longer than a load */
        for (ptrdiff_t l = 0; l < LANES; l++)
            top[l] = odd[l] = -1 / C(0.0);
        for (int i = 0; i < n_segments; i++) {
            const ptrdiff_t groups = segments[i].groups;
            ptrdiff_t j = 0;
            for (; j + 2 <= groups; j += 2) {
                const real *z = segments[i].z + j * LANES;
                EACH_LANE top[l] = z[l] > top[l] ? z[l] : top[l];
                EACH_LANE odd[l] = z[LANES + l] > odd[l] ? z[LANES + l] : odd[l];
            }
            if (j < groups) {
                const real *z = segments[i].z + j * LANES;
                EACH_LANE top[l] = z[l] > top[l] ? z[l] : top[l];
            }
        }
        EACH_LANE top[l] = odd[l] > top[l] ? odd[l] : top[l];
        if (spec.across)
            FN(max_lanes)(top);
    }

    /* Sums over the row. The largest score counts as exactly 1, apart from the rest: log1p(rest) and rest/s keep
     * the relative precision of a confident row, which log(1 + rest) and 1 - p lose. Scores equal to the maximum,
     * infinite ones too, are ties: a row of -inf is uniform. */
    const bool full_dot = spec.dense || off != 0;
    for (int i = 0; i < n_segments; i++) {
        const FN(segment) *s = segments + i;
        for (ptrdiff_t j0 = 0; j0 < s->groups; j0 += FN(CHUNK)) {
            const ptrdiff_t j1 = s->groups - j0 < FN(CHUNK) ? s->groups : j0 + FN(CHUNK);
            real rest_part[LANES] = {0}, dot_part[LANES] = {0}, total_part[LANES] = {0};
            for (ptrdiff_t j = j0; j < j1; j++) {
                const real *z = s->z + j * LANES, *weight = GROUP_WEIGHT(s, j);
                real *e = spec.gradient || spec.hessian ? s->g + j * LANES : 0;
                if (spec.dense)
                    EACH_LANE total_part[l] += TARGET(s, j, l);
                if (spec.value && full_dot)
                    EACH_LANE {
                        const real q = TARGET(s, j, l);
                        const real log_p = logits ? distance(z[l], top[l])
                                           : spec.prediction == 'p' ? vlog(z[l])
                                                                    : z[l];
                        const real product = q * log_p;
                        dot_part[l] += q == 0 ? nan_or(z[l], 0) : product;
                        if (spec.entropy) {
                            const real t = s->t[j * LANES + l], t_log_t = t * vlog(t);
                            dot_part[l] -= t == 0 ? 0 : t_log_t;
                        }
                    }
                if (logits) /* last: when working in place, g is z */
                    EACH_LANE {
                        const bool is_top = z[l] == top[l];
                        const real x = vexp_nonpositive(distance(z[l], top[l]));
                        rest_part[l] += is_top ? 0 : x;
                        ties[l] += is_top ? C(1.0) : C(0.0); /* exact */
                        if (spec.gradient || spec.hessian)
                            e[l] = x;
                    }
            }
            EACH_LANE {
                rest[l] += (double)rest_part[l];
                dot[l] += (double)dot_part[l];
                total[l] += (double)total_part[l];
            }
        }
    }
    if (spec.across) {
        if (logits) {
            double count[LANES] ALIGNED;
            EACH_LANE count[l] = (double)ties[l];
            FN(sum_lanes)(rest);
            FN(sum_lanes)(count);
            EACH_LANE ties[l] = (real)(top[l] == -1 / C(0.0) ? o->classes : count[l]); /* the padding ties with -inf */
        }
        if (spec.value && full_dot)
            FN(sum_lanes)(dot);
        if (spec.dense)
            FN(sum_lanes)(total);
    }

    /* The row's own numbers. */
    real S[LANES] ALIGNED, inverse[LANES] ALIGNED, rest_share[LANES] ALIGNED, pull[LANES] ALIGNED;
    real log_sum[LANES] ALIGNED, lse[LANES] ALIGNED;
    EACH_LANE S[l] = spec.dense   ? (real)total[l]
                     : spec.plain ? 1
                                  : vfma(on, rows->label_weight[l], off * o->total_weight);
    EACH_LANE {
        const double others = rest[l] + (double)(ties[l] - 1), s = 1 / (1 + others);
        inverse[l] = (real)s;
        rest_share[l] = (real)(others * s);
        log_sum[l] = logits ? vlog1p((real)others) : 0;
        lse[l] = logits ? top[l] + log_sum[l] : 0;
        pull[l] = z_loss == 0 ? 0 : 2 * z_loss * lse[l]; /* the z-loss adds pull p to the gradient; lse may be inf */
    }
    if (spec.value) {
        if (full_dot)
            EACH_LANE rows->value[l] = -(real)dot[l];
        else /* only the label's term is left of the sum over classes */
            EACH_LANE {
                const real x = rows->at_label[l];
                const real log_p = logits ? distance(x, top[l]) : spec.prediction == 'p' ? vlog(x) : x;
                const real product = S[l] * log_p;
                rows->value[l] = S[l] == 0 ? nan_or(x, 0) : -product;
            }
        if (logits)
            EACH_LANE rows->value[l] += S[l] * log_sum[l];
        if (z_loss != 0)
            EACH_LANE rows->value[l] += z_loss * lse[l] * lse[l];
    }

    rows->label_apart = spec.plain && !spec.dense && spec.gradient;
    if (rows->label_apart) {
        /* Only at the label is the gradient more than a multiple of exp(z - max). */
        real factor[LANES] ALIGNED;
        EACH_LANE {
            const real p = vexp_nonpositive(distance(rows->at_label[l], top[l])) * inverse[l];
            factor[l] = rows->scale[l] * inverse[l];
            rows->label_gradient[l] = 0 - rows->scale[l] * (p > C(0.5) ? rest_share[l] : 1 - p);
        }
        for (int i = 0; i < n_segments; i++)
            for (ptrdiff_t j = 0; j < segments[i].groups; j++) {
                real *g = segments[i].g + j * LANES, *h = spec.hessian ? segments[i].h + j * LANES : 0;
                EACH_LANE {
                    const real p = g[l] * inverse[l], c = p > C(0.5) ? rest_share[l] : 1 - p;
                    if (spec.hessian)
                        h[l] = rows->scale[l] * (spec.hessian == 'h' ? at_least(floor, p * c) : C(0.5));
                    g[l] *= factor[l];
                }
            }
    } else if (spec.gradient || spec.hessian)
        for (int i = 0; i < n_segments; i++) {
            const FN(segment) *s = segments + i;
            for (ptrdiff_t j = 0; j < s->groups; j++) {
                const real *z = s->z + j * LANES, *weight = GROUP_WEIGHT(s, j);
                real *g = s->g + j * LANES, *h = spec.hessian ? s->h + j * LANES : 0;
                EACH_LANE {
                    const real q = TARGET(s, j, l), w = rows->scale[l];
                    if (logits) {
                        const real p = g[l] * inverse[l];
                        const bool leads = p > C(0.5); /* then p's complement is the rest's share */
                        const real c = leads ? rest_share[l] : 1 - p;
                        const real slope = leads ? (S[l] - q) - S[l] * c : vfma(S[l], p, -q);
                        if (spec.hessian == 'h')
                            h[l] = w * at_least(floor, p * c * (S[l] + pull[l]) + 2 * z_loss * p * p);
                        if (spec.hessian == 'm') /* diag(p) - p p^T is at most 1/2 (Boehning 1992) */
                            h[l] = w * (C(0.5) * S[l]);
                        if (spec.gradient)
                            g[l] = w * vfma(pull[l], p, slope);
                    } else if (spec.prediction == 'p') {
                        const real quotient = q / (z[l] + 0), /* -0 is 0 */
                                    ratio = q == 0 ? nan_or(z[l], 0) : quotient;
                        if (spec.hessian)
                            h[l] = w * at_least(floor, q == 0 ? nan_or(z[l], 0) : quotient / (z[l] + 0));
                        if (spec.gradient)
                            g[l] = -w * ratio;
                    } else {
                        if (spec.hessian)
                            h[l] = w * at_least(floor, nan_or(z[l], 0));
                        if (spec.gradient)
                            g[l] = nan_or(z[l], -w * q);
                    }
                }
            }
        }
}

/* name, row targets?, adds the entropy?, prediction */
#define CLASSES(X)                               \
    X(ce_index_logits, 0, 0, 'z')                \
    X(ce_index_probabilities, 0, 0, 'p')         \
    X(ce_dense_logits, 1, 0, 'z')                \
    X(ce_dense_probabilities, 1, 0, 'p')         \
    X(kl_logits, 1, 1, 'z')                      \
    X(kl_probabilities, 1, 1, 'p')               \
    X(kl_log_probabilities, 1, 1, 'l')

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
} FN(segment);

typedef struct {
    bool dense;      /* row targets; else indices */
    bool entropy;    /* add sum t log t: a divergence, 0 at its minimum */
    char prediction; /* 'z' logits, 'p' probabilities, 'l' log-probabilities */
    bool value, gradient;
    char hessian; /* 0, 'h' exact (the Fisher information too), 'm' majorizer */
    bool across;
} FN(classes_spec);

/* What the rows of a tile share. */
typedef struct {
    real on, off, z_loss, total_weight; /* total_weight: sum of the class weights */
    const real *class_weight;           /* K factors, or a run of ones with weight_step 0 */
    ptrdiff_t weight_step;
} FN(classes_options);

#define EACH_LANE _Pragma("GCC ivdep") for (ptrdiff_t l = 0; l < LANES; l++)

/* float32 terms are added eight at a time before they are widened: as exact as double lanes, and cheaper. */
enum { FN(CHUNK) = FL_BITS == 32 ? 8 : 1 << 20 };

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

/* Effective target of lane l in group j. */
#define TARGET(s, j, l)                                                                                      \
    (spec.dense ? weight[spec.across ? (l)*o->weight_step : 0] * vfma(o->on, (s)->t[(j)*LANES + (l)], o->off) \
                : weight[spec.across ? (l)*o->weight_step : 0] *                                             \
                      ((spec.across ? (s)->first + (j)*LANES + (l) : (j)) == label[l] ? o->on + o->off : o->off))
#define GROUP_WEIGHT(s, j) (o->class_weight + (spec.across ? (s)->first + (j)*LANES : (j)) * o->weight_step)

/* One tile: LANES rows, or one row across the lanes. label and at_label (the prediction there) per lane for index
 * targets; row_weight scales gradient and Hessian; v receives the unweighted value per lane. */
INLINE void FN(classes_tile)(const FN(classes_spec) spec, const FN(classes_options) * o, const FN(segment) * segments,
                             int n_segments, const bits_t *label, const real *at_label, const real *row_weight,
                             real *v) {
    const bool logits = spec.prediction == 'z';
    real top[LANES];
    double rest[LANES] = {0}, ties[LANES] = {0}, dot[LANES] = {0}, total[LANES] = {0};

    if (logits) {
        for (ptrdiff_t l = 0; l < LANES; l++)
            top[l] = -1 / C(0.0);
        for (int i = 0; i < n_segments; i++)
            for (ptrdiff_t j = 0; j < segments[i].groups; j++) {
                const real *z = segments[i].z + j * LANES;
                EACH_LANE top[l] = z[l] > top[l] ? z[l] : top[l];
            }
        if (spec.across)
            FN(max_lanes)(top);
    }

    /* Sums over the row. The largest score counts as exactly 1, apart from the rest: log1p(rest) and rest/s keep
     * the relative precision of a confident row, which log(1 + rest) and 1 - p lose. Scores equal to the maximum,
     * infinite ones too, are ties: a row of -inf is uniform. */
    const bool full_dot = spec.dense || o->off != 0;
    for (int i = 0; i < n_segments; i++) {
        const FN(segment) *s = segments + i;
        for (ptrdiff_t j0 = 0; j0 < s->groups; j0 += FN(CHUNK)) {
            const ptrdiff_t j1 = s->groups - j0 < FN(CHUNK) ? s->groups : j0 + FN(CHUNK);
            real rest_part[LANES] = {0}, ties_part[LANES] = {0}, dot_part[LANES] = {0}, total_part[LANES] = {0};
            for (ptrdiff_t j = j0; j < j1; j++) {
                const real *z = s->z + j * LANES, *weight = GROUP_WEIGHT(s, j);
                real *e = spec.gradient || spec.hessian ? s->g + j * LANES : 0;
                if (spec.dense)
                    EACH_LANE total_part[l] += TARGET(s, j, l);
                if (spec.value && full_dot)
                    EACH_LANE {
                        const real q = TARGET(s, j, l);
                        const real log_p = logits ? (z[l] == top[l] ? 0 : z[l] - top[l])
                                           : spec.prediction == 'p' ? vlog(z[l])
                                                                    : z[l];
                        dot_part[l] += q == 0 ? nan_or(z[l], 0) : q * log_p;
                        if (spec.entropy) {
                            const real t = s->t[j * LANES + l];
                            dot_part[l] -= t == 0 ? 0 : t * vlog(t);
                        }
                    }
                if (logits) /* last: when working in place, g is z */
                    EACH_LANE {
                        const bool is_top = z[l] == top[l];
                        const real x = vexp_nonpositive(is_top ? 0 : z[l] - top[l]);
                        rest_part[l] += is_top ? 0 : x;
                        ties_part[l] += is_top ? C(1.0) : C(0.0);
                        if (spec.gradient || spec.hessian)
                            e[l] = x;
                    }
            }
            EACH_LANE {
                rest[l] += (double)rest_part[l];
                ties[l] += (double)ties_part[l];
                dot[l] += (double)dot_part[l];
                total[l] += (double)total_part[l];
            }
        }
    }
    if (spec.across) {
        FN(sum_lanes)(rest);
        FN(sum_lanes)(ties);
        FN(sum_lanes)(dot);
        FN(sum_lanes)(total);
    }

    /* The row's own numbers. */
    real S[LANES], inverse[LANES], rest_share[LANES], pull[LANES];
    EACH_LANE {
        const real label_weight = spec.dense ? 0 : o->class_weight[label[l] * o->weight_step];
        S[l] = spec.dense ? (real)total[l] : vfma(o->on, label_weight, o->off * o->total_weight);
        real log_sum = 0, lse = 0;
        if (logits) {
            const double others = rest[l] + (ties[l] - 1), s = 1 / (1 + others);
            inverse[l] = (real)s;
            rest_share[l] = (real)(others * s);
            log_sum = vlog1p((real)others);
            lse = top[l] + log_sum;
        }
        pull[l] = 2 * o->z_loss * lse; /* gradient of the z-loss is pull p */
        if (spec.value) {
            const real reference = logits ? (at_label[l] == top[l] ? 0 : at_label[l] - top[l])
                                   : spec.prediction == 'p' ? vlog(at_label[l])
                                                            : at_label[l];
            const real d = full_dot ? (real)dot[l] : label_weight == 0 ? 0 : S[l] * reference;
            const real penalty = o->z_loss == 0 ? 0 : o->z_loss * lse * lse;
            v[l] = (logits ? S[l] * log_sum : 0) - d + penalty;
        }
    }

    if (spec.gradient || spec.hessian)
        for (int i = 0; i < n_segments; i++) {
            const FN(segment) *s = segments + i;
            for (ptrdiff_t j = 0; j < s->groups; j++) {
                const real *z = s->z + j * LANES, *weight = GROUP_WEIGHT(s, j);
                real *g = s->g + j * LANES, *h = spec.hessian ? s->h + j * LANES : 0;
                EACH_LANE {
                    const real q = TARGET(s, j, l), w = row_weight[l];
                    if (logits) {
                        const real p = g[l] * inverse[l];
                        const bool leads = p > C(0.5); /* then p's complement is the rest's share */
                        const real c = leads ? rest_share[l] : 1 - p;
                        const real slope = leads ? (S[l] - q) - S[l] * c : vfma(S[l], p, -q);
                        if (spec.hessian == 'h')
                            h[l] = w * (p * c * (S[l] + pull[l]) + 2 * o->z_loss * p * p);
                        if (spec.hessian == 'm') /* diag(p) - p p^T is at most 1/2 (Boehning 1992) */
                            h[l] = w * (C(0.5) * S[l]);
                        if (spec.gradient)
                            g[l] = w * (slope + (o->z_loss == 0 ? 0 : pull[l] * p));
                    } else if (spec.prediction == 'p') {
                        const real ratio = q == 0 ? nan_or(z[l], 0) : q / z[l];
                        if (spec.hessian)
                            h[l] = w * (q == 0 ? nan_or(z[l], 0) : ratio / z[l]);
                        if (spec.gradient)
                            g[l] = -w * ratio;
                    } else {
                        if (spec.hessian)
                            h[l] = nan_or(z[l], 0);
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

/* Losses over classes: cross-entropy and Kullback-Leibler divergence of a row of K scores or probabilities.
 *
 * All are  v = -sum_k q_k log p_k (+ sum_k t_k log t_k)  with effective targets q, S = sum q:
 *   index targets  q_k = c_k (on [k = label] + off)        c: class weights
 *   row targets    q_k = c_k (on t_k + off)                smoothing a: on = 1 - a, off = a/K
 * From logits, v = S lse(z) - sum q z, gradient S p - q, Hessian diagonal S p (1 - p). With index targets the logarithm may
 * be another function phi of the label's probability: then the gradient is A times that, A = -p phi'(p), and the Hessian
 * A S p_k (1 - p_k) - B S (p_k - [k = label])^2, B = p A'(p).
 *
 * The same code serves two layouts of LANES numbers. Short rows: LANES rows side by side, one class after the other
 * (`across` is 0). Long rows: one row, LANES classes side by side; then a sum or maximum over the row is a sum over
 * the lanes (`across` is 1). All flags are literals where these functions are inlined.
 */
/* Groups of LANES numbers: of LANES rows, or of one row across the lanes. The remainder of such a row, padded, is a
 * segment of its own. */
typedef struct {
    const real *z, *t; /* predictions, row targets */
    real *g, *h;       /* outputs; g also holds exp(z - max) between the passes */
    const real *u;     /* what the Hessian is to be multiplied by */
    ptrdiff_t groups;
    ptrdiff_t first;       /* class of the first number */
    const real *weight;    /* class weights of group 0 (across the lanes, or one for all); 0 for padding */
    ptrdiff_t weight_step; /* from group to group; 0 for a run of ones */
} FN(segment);

typedef struct {
    bool dense;      /* row targets; else indices */
    bool entropy;    /* add sum t log t: a divergence, 0 at its minimum */
    char prediction; /* 'z' logits, 'p' probabilities, 'l' log-probabilities */
    bool value, gradient;
    char hessian; /* 0, 'h' exact (the Fisher information too), 'm' majorizer; never without the gradient, but for
                   * 'u': its product with a vector, in the gradient's place */
    bool plain;   /* no class weights, smoothing or z-loss: those are literals */
    bool across;
} FN(classes_spec);

/* What the rows of a tile share. */
typedef struct {
    real on, off, z_loss, floor, total_weight; /* floor: least curvature; total_weight: sum of the class weights */
    double classes;
    bool plain;
    bool shares, information;           /* wanted in the place of a majorizer: probabilities; p (1 - p) times A */
    int phi;                            /* which function of the label's probability, or which term (enum fl_term) */
    real shape, shape_low, alpha; /* its parameter and what the rounding of that lost; a factor */
    real end;                     /* of focal loss, its second derivative where the probability is 1 */
} FN(classes_options);

/* From this K on a row lies across the lanes. Below it, the tiles of scores and gradients of LANES rows fit in a 32 KiB
 * L1 together, and the rows share the cost of their maxima and sums. */
enum { FN(ACROSS_FROM) = FL_BITS == 32 ? 256 : 128 };

/* Numbers of a group of rows, 16 KiB: where they come from and where they go then both fit in L1. */
enum { FN(ROOM) = FN(ACROSS_FROM) * LANES };

/* Rows that go through a stage together: the processor has a second tile to work on while one waits for its chain, and
 * reading, computing and writing still overlap. */
enum { FN(GROUP) = 32 };

/* The rows of a group, padded to whole LANES. */
typedef struct {
    bits_t label[FN(GROUP)];                /* index targets: the class, */
    real at_label[FN(GROUP)] ALIGNED;       /* the prediction there, */
    real label_weight[FN(GROUP)] ALIGNED;   /* and its class weight */
    real scale[FN(GROUP)] ALIGNED;          /* factor on gradient and Hessian */
    real top[FN(GROUP)] ALIGNED;            /* the largest score, */
    double ties[FN(GROUP)] ALIGNED;         /* and sums over the classes: how many are the top, */
    double rest[FN(GROUP)] ALIGNED;         /* exp(z - top) of the others, lifted (vmath.h), */
    double dot[FN(GROUP)] ALIGNED;          /* q log p (log p up to the normaliser) */
    double total[FN(GROUP)] ALIGNED;        /* and q */
    real S[FN(GROUP)] ALIGNED;              /* the total as used, */
    real inverse[FN(GROUP)] ALIGNED;        /* 1 / sum exp(z - top), */
    real rest_share[FN(GROUP)] ALIGNED;     /* the probability of all but one class at the top, */
    real log_sum[FN(GROUP)] ALIGNED;        /* log sum exp(z - top), */
    real pull[FN(GROUP)] ALIGNED;           /* the slope of the z-loss, */
    real A[FN(GROUP)] ALIGNED;              /* and A, B and T of another function than the logarithm */
    real B[FN(GROUP)] ALIGNED;
    real T[FN(GROUP)] ALIGNED;
    real value[FN(GROUP)] ALIGNED;          /* out: the unweighted value, */
    bool label_apart;                   /* whether g lacks the gradient at the label, */
    real label_gradient[FN(GROUP)] ALIGNED; /* and that gradient */
} FN(classes_rows);

/* A function that the loops have in common, compiled once. */
#undef ONCE
#if defined(__clang__)
#define ONCE __attribute__((noinline, unused))
#else
#define ONCE __attribute__((noinline, noclone, unused))
#endif

#define EACH_LANE SIMD for (ptrdiff_t l = 0; l < LANES; l++)

/* Terms are added eight at a time before they join the total: float32 ones are then widened, as exact as double lanes
 * and cheaper; and the rounding errors of a long row grow with its eighth. Of nothing but the exponentials of a softmax,
 * whose logarithm forgives as much, twice as many. */
enum { FN(CHUNK) = 8, FN(SOFTMAX_CHUNK) = 16 };
/* Groups of a segment, so many at a time: from j0 to j1. */
#define EACH_CHUNK(s, most, j0, j1)                                                                   \
    for (ptrdiff_t j0 = 0, j1; j1 = s->groups - j0 < most ? s->groups : j0 + most, j0 < s->groups; j0 = j1)

/* z - top, and 0 where they are equal, though both may be infinite. */
INLINE real FN(distance)(real z, real top) {
    const real d = z - top;
    return z == top ? 0 : d;
}
#undef distance
#define distance FN(distance)

/* In a fixed tree, whose widths are literals where it is unrolled: then it is vector code. */
INLINE double FN(sum_lanes)(double *x) {
    _Pragma("GCC unroll 4") for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        SIMD for (ptrdiff_t l = 0; l < width; l++)
            x[l] += x[l + width];
    return x[0];
}

/* Sums over the classes: one for each of LANES rows, or the parts of one row's, which are added and repeated. */
INLINE void FN(whole)(double *sum, bool across) {
    if (!across)
        return;
    const double total = FN(sum_lanes)(sum);
    for (ptrdiff_t l = 0; l < LANES; l++)
        sum[l] = total;
}

INLINE real FN(max_lanes)(real *x) {
    _Pragma("GCC unroll 4") for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        SIMD for (ptrdiff_t l = 0; l < width; l++)
            x[l] = x[l + width] > x[l] ? x[l + width] : x[l];
    return x[0];
}

/* Effective target of lane l in group j of segment s, of weights `weight`. */
#define CLASS_OF(s, j, l) (spec.across ? (bits_t)((s)->first + (j)*LANES) + (bits_t)(l) : (bits_t)(j))
#define TARGET(s, j, l)                                                                                      \
    ((spec.plain ? 1 : weight[spec.across ? (l) : 0]) *                                                      \
     (spec.dense ? (spec.plain ? (s)->t[(j)*LANES + (l)] : vfma(on, (s)->t[(j)*LANES + (l)], off))           \
                 : CLASS_OF(s, j, l) == label[l] ? on + off : off))
#define GROUP_WEIGHT(s, j) ((s)->weight + (j) * (s)->weight_step)
/* The segments of a row, or of LANES rows. */
#define EACH_SEGMENT(s) for (const FN(segment) *s = segments; s < segments + n_segments; s++)
/* Whether more than the label's term is left of the sum over classes. */
#define FULL_DOT (spec.dense || (!spec.plain && o->off != 0))
#define NEEDS_DOT (spec.value && (FULL_DOT || spec.prediction != 'z'))
/* Whether the gradient at the label is written apart: elsewhere it is a multiple of exp(z - max). */
#define LABEL_APART (spec.plain && !spec.dense && spec.gradient)

/* The largest score of LANES rows from `row` on, or of this one across the lanes. */
INLINE void FN(classes_top)(const FN(classes_spec) spec, const FN(segment) * segments, int n_segments,
                            FN(classes_rows) *restrict rows, ptrdiff_t row) {
    real top[LANES] ALIGNED, odd[LANES] ALIGNED; /* a chain of its own: a maximum takes longer than a load */
    for (ptrdiff_t l = 0; l < LANES; l++)
        top[l] = odd[l] = -1 / C(0.0);
    EACH_SEGMENT(s) {
        ptrdiff_t j = 0;
        for (; j + 2 <= s->groups; j += 2) {
            const real *z = s->z + j * LANES;
            EACH_LANE top[l] = z[l] > top[l] ? z[l] : top[l];
            EACH_LANE odd[l] = z[LANES + l] > odd[l] ? z[LANES + l] : odd[l];
        }
        if (j < s->groups) {
            const real *z = s->z + j * LANES;
            EACH_LANE top[l] = z[l] > top[l] ? z[l] : top[l];
        }
    }
    EACH_LANE top[l] = odd[l] > top[l] ? odd[l] : top[l];
    if (spec.across)
        rows->top[row] = FN(max_lanes)(top);
    else
        memcpy(rows->top + row, top, sizeof top);
}

/* What LANES accumulators come to: a sum for each of LANES rows, or their own sum for one row. */
INLINE void FN(keep)(const FN(classes_spec) spec, double *to, double *x) {
    if (spec.across)
        *to = FN(sum_lanes)(x);
    else
        memcpy(to, x, LANES * sizeof *x);
}

/* Sums of the same rows. The largest score counts as exactly 1, apart from the rest:
 * log1p(rest) and rest/s keep the relative precision of a confident row, which log(1 + rest) and 1 - p lose. Scores
 * equal to the maximum, infinite ones too, are ties: a row of -inf is uniform. */
INLINE void FN(classes_sums)(const FN(classes_spec) spec, const FN(classes_options) * o, const FN(segment) * segments,
                             int n_segments, FN(classes_rows) *restrict rows, ptrdiff_t row) {
    const bool logits = spec.prediction == 'z', full_dot = FULL_DOT;
    const real on = spec.plain ? 1 : o->on, off = spec.plain ? 0 : o->off;
    const ptrdiff_t chunk = full_dot ? FN(CHUNK) : FN(SOFTMAX_CHUNK); /* the same in all operations, for the same bits */
    real top[LANES] ALIGNED;
    bits_t label[LANES] ALIGNED, below[LANES] ALIGNED = {0};
    double rest[LANES] ALIGNED = {0}, dot[LANES] ALIGNED = {0}, total[LANES] ALIGNED = {0};
    EACH_LANE label[l] = rows->label[spec.across ? row : row + l];

    EACH_LANE top[l] = logits ? rows->top[spec.across ? row : row + l] : 0;
    EACH_SEGMENT(s) EACH_CHUNK(s, chunk, j0, j1) {
        real rest_part[LANES] = {0}, dot_part[LANES] = {0}, total_part[LANES] = {0};
        for (ptrdiff_t j = j0; j < j1; j++) {
            const real *z = s->z + j * LANES, *weight = GROUP_WEIGHT(s, j);
            real *e = spec.gradient ? s->g + j * LANES : 0;
            if (spec.across) { /* evenly, what the maximum would wait for: the row after next */
                __builtin_prefetch(z + 2 * (ptrdiff_t)o->classes);
                if (spec.dense)
                    __builtin_prefetch(s->t + j * LANES + 2 * (ptrdiff_t)o->classes);
            }
            if (spec.dense)
                EACH_LANE total_part[l] += TARGET(s, j, l);
            if (spec.value && full_dot)
                EACH_LANE {
                    const real at = z[l], most = top[l], q = TARGET(s, j, l);
                    const real log_p = logits ? distance(at, most) : spec.prediction == 'p' ? vlog(at) : at;
                    const real product = q * log_p, nothing = logits ? 0 : nan_or(at, 0); /* logits: the rest shows NaN */
                    dot_part[l] += q == 0 ? nothing : product;
                    if (spec.entropy) {
                        const real t = s->t[j * LANES + l], t_log_t = t * vlog(t);
                        dot_part[l] -= t == 0 ? 0 : t_log_t;
                    }
                }
            if (spec.value && !full_dot && !logits) /* the value needs the label's term only, but shows any NaN */
                EACH_LANE dot_part[l] += nan_or(z[l], 0);
            if (logits) /* last: when working in place, e is z */
                EACH_LANE {
                    const real at = z[l];
                    const bool is_top = at == top[l];
                    const real x = vexp_lifted(distance(at, top[l]));
                    rest_part[l] += is_top ? 0 : x;
                    below[l] += is_top ? 0 : 1; /* the mask is that of the rest */
                    if (spec.gradient)
                        e[l] = x;
                }
        }
        EACH_LANE {
            rest[l] += (double)rest_part[l];
            dot[l] += (double)dot_part[l];
            total[l] += (double)total_part[l];
        }
    }
    ptrdiff_t groups = 0;
    EACH_SEGMENT(s) groups += s->groups;
    double tied[LANES] ALIGNED;
    EACH_LANE tied[l] = (double)(int32_t)((bits_t)groups - below[l]);
    if (logits) {
        FN(keep)(spec, rows->rest + row, rest);
        FN(keep)(spec, rows->ties + row, tied);
    }
    if (NEEDS_DOT)
        FN(keep)(spec, rows->dot + row, dot);
    if (spec.dense)
        FN(keep)(spec, rows->total + row, total);
}

/* phi, A, B and T of a probability p, q = 1 - p and l = -log p, each with its own digits; and -phi'(p) and p phi''(p). */
typedef struct {
    real v, a, b, t, slope, turn;
} FN(phi);
INLINE FN(phi) FN(phi_of)(real p, real v, real a, real b, real t) {
    return (FN(phi)){v, a, b, t, .slope = a / p, .turn = (a - b) / p};
}

/* q^gamma l; `whole`: as in FN(focus). At q = 0 the quotient p l/q is 1, and what is left of B is 0: it goes with p_k^2 <= q^2;
 * but phi'' is `end` there. */
INLINE FN(phi) FN(focal)(real p, real q, real l, real gamma, real end, bool whole) {
    const real w = FN(focus)(q, gamma, whole), p_l = p * at_most(BOUNDS.greatest, l), quotient = p_l / q, slope = w / q;
    const real share = q == 0 ? 1 : quotient, steep = q == 0 ? 0 : slope, a = vfma(gamma, share, 1);
    const real bend = gamma * (2 * p - p_l + (gamma - 1) * (p * share));
    FN(phi) r = FN(phi_of)(p, w * l, w * a, -steep * bend, w * vfma(a, p, bend));
    r.turn = q == 0 ? end : r.turn;
    return r;
}

/* (1 - p^s)/s, p^s = exp(-s l): p itself may be 0, and p^(s - 1) is another power then. At s = 1 that is 1. */
INLINE FN(phi) FN(generalized)(real p, real q, real l, real s, real s_low) {
    const real power = vexp_product(-s, -s_low, l), less_1 = 1 - s;
    const real slope = vexp_product(less_1, -s_low, at_most(BOUNDS.greatest, l));
    return (FN(phi)){
        -vexpm1(-s * l) / s, power, s * power, power * vfma(-s, q, p), .slope = slope, .turn = less_1 * slope};
}

/* l + s q */
INLINE FN(phi) FN(poly1)(real p, real q, real l, real s) {
    return FN(phi_of)(p, vfma(s, q, l), vfma(s, p, 1), s * p, p * vfma(2 * s, p, 1 - s));
}

/* Of n rows, a multiple of LANES; of probabilities -phi' and p phi'' in the place of A and B. Out of line: the loops have it in
 * common. What o holds is read first: a store might change it. */
#define OTHER_PHI(name, logits)                                                                                       \
    static ONCE void FN(name)(const FN(classes_options) * o, FN(classes_rows) * rows, ptrdiff_t n,                    \
                              const real *restrict p, const real *restrict q, const real *restrict l) {               \
        real *restrict v = rows->value, *restrict a = rows->A, *restrict b = rows->B, *restrict t = rows->T;          \
        const real *restrict S = rows->S;                                                                             \
        const real alpha = o->alpha, shape = o->shape, shape_low = o->shape_low, end = o->end;                          \
        if (o->phi == FL_FOCAL && shape == 2)                                                                         \
            FL_PHI(FN(focal)(p[k], q[k], l[k], 2, 0, 1), logits)                                                      \
        else if (o->phi == FL_FOCAL)                                                                                  \
            FL_PHI(FN(focal)(p[k], q[k], l[k], shape, end, 0), logits)                                                \
        else if (o->phi == FL_GENERALIZED)                                                                            \
            FL_PHI(FN(generalized)(p[k], q[k], l[k], shape, shape_low), logits)                                       \
        else                                                                                                          \
            FL_PHI(FN(poly1)(p[k], q[k], l[k], shape), logits)                                                        \
    }
#define FL_PHI(expression, logits)                              \
    SIMD for (ptrdiff_t k = 0; k < n; k++) {                    \
        const FN(phi) r = expression;                           \
        v[k] = unless(S[k] == 0, S[k] * (alpha * r.v), p[k]);   \
        a[k] = alpha * (logits ? r.a : r.slope);                \
        b[k] = alpha * (logits ? r.b : r.turn);                 \
        t[k] = alpha * r.t;                                     \
    }
OTHER_PHI(phi_of_logits, 1)
OTHER_PHI(phi_of_probabilities, 0)
#undef OTHER_PHI
#undef FL_PHI
#define MAY_BE_PHI (!spec.dense && !spec.plain && spec.prediction != 'l')

/* What a softmax makes of the sums of LANES rows from i on. */
INLINE void FN(softmax_rows)(const FN(classes_options) * o, FN(classes_rows) *restrict rows, ptrdiff_t i, real z_loss,
                             bool logarithm) {
    const double classes = o->classes, lowering = vlowered(1);
    EACH_LANE {
        const double ties = rows->ties[i + l], rest = rows->rest[i + l] * lowering;
        const real most = rows->top[i + l];
        const double tied = most == -1 / C(0.0) ? classes : ties; /* -inf ties with its padding, too */
        const double others = rest + (tied - 1), s = 1 / (1 + others);
        rows->inverse[i + l] = (real)s;
        rows->rest_share[i + l] = (real)(others * s);
        rows->log_sum[i + l] = (real)others;
    }
    if (logarithm)
        EACH_LANE {
            const real most = rows->top[i + l], log_sum = vlog1p(rows->log_sum[i + l]);
            rows->log_sum[i + l] = log_sum;
            rows->pull[i + l] = z_loss == 0 ? 0 : 2 * z_loss * (most + log_sum); /* the z-loss adds pull p to the gradient */
        }
}

/* Numbers of n rows, a multiple of LANES; their values, where they are wanted, and the gradient at the label, where it is
 * written apart. */
INLINE void FN(classes_values)(const FN(classes_spec) spec, const FN(classes_options) * o,
                               FN(classes_rows) *restrict rows, ptrdiff_t n) {
    const bool logits = spec.prediction == 'z', full_dot = FULL_DOT;
    const real on = spec.plain ? 1 : o->on, off = spec.plain ? 0 : o->off, z_loss = spec.plain ? 0 : o->z_loss;
    real p[FN(GROUP)] ALIGNED, q[FN(GROUP)] ALIGNED, minus_log[FN(GROUP)] ALIGNED; /* of the label, for other functions */
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        const real *x = rows->at_label + i, *top = rows->top + i;
        const double *dot = rows->dot + i;
        const real *inverse = rows->inverse + i;
        real *S = rows->S + i, *value = rows->value + i;
        const real *rest_share = rows->rest_share + i, *log_sum = rows->log_sum + i;
        EACH_LANE S[l] = spec.dense   ? (real)rows->total[i + l]
                         : spec.plain ? 1
                                      : vfma(on, rows->label_weight[i + l], off * o->total_weight);
        if (logits)
            FN(softmax_rows)(o, rows, i, z_loss, spec.value || !spec.plain);
        if (spec.value) {
            if (full_dot)
                EACH_LANE value[l] = -(real)dot[l];
            else /* only the label's term is left of the sum over classes */
                EACH_LANE {
                    const real at = x[l], weight = S[l], nothing = logits ? 0 : (real)dot[l];
                    const real log_p = logits ? distance(at, top[l]) : spec.prediction == 'p' ? vlog(at) : at;
                    const real product = weight * log_p;
                    value[l] = nothing + (weight == 0 ? nan_or(at, 0) : -product);
                }
            if (logits)
                EACH_LANE value[l] += S[l] * log_sum[l];
            if (z_loss != 0)
                EACH_LANE value[l] += z_loss * (top[l] + log_sum[l]) * (top[l] + log_sum[l]);
        }
        if (MAY_BE_PHI) {
            EACH_LANE {
                rows->A[i + l] = 1;
                rows->B[i + l] = 0;
                rows->T[i + l] = 0;
            }
            if (o->phi)
                EACH_LANE {
                    const real at = x[l], d = logits ? distance(at, top[l]) : 0;
                    const real share = logits ? vlowered(vexp_lifted(d)) * inverse[l] : at;
                    p[i + l] = share;
                    q[i + l] = logits && share > C(0.5) ? rest_share[l] : 1 - share;
                    minus_log[i + l] = logits ? log_sum[l] - d : -vlog(at);
                }
        }
        if (LABEL_APART)
            EACH_LANE {
                const real at = x[l], most = top[l], others = rest_share[l], d = distance(at, most);
                const real p = vlowered(vexp_lifted(d)) * inverse[l], c = 1 - p;
                rows->label_gradient[i + l] = 0 - rows->scale[i + l] * (p > C(0.5) ? others : c);
            }
    }
    if (MAY_BE_PHI && o->phi) { /* of all rows at once: their chains are long */
        (logits ? FN(phi_of_logits) : FN(phi_of_probabilities))(o, rows, n, p, q, minus_log);
        for (ptrdiff_t i = 0; i < n && spec.value && !logits; i += LANES)
            EACH_LANE rows->value[i + l] += (real)rows->dot[i + l];
    }
    rows->label_apart = LABEL_APART;
}

/* Gradient and Hessian, of LANES rows from `row` on or of this one across the lanes. */
INLINE void FN(classes_derivatives)(const FN(classes_spec) spec, const FN(classes_options) * o,
                                    const FN(segment) * segments, int n_segments,
                                    const FN(classes_rows) *restrict rows, ptrdiff_t row) {
    const bool logits = spec.prediction == 'z';
    const real on = spec.plain ? 1 : o->on, off = spec.plain ? 0 : o->off, z_loss = spec.plain ? 0 : o->z_loss;
    const real floor = o->floor;
    bits_t label[LANES] ALIGNED;
    real S[LANES] ALIGNED, inverse[LANES] ALIGNED, rest_share[LANES] ALIGNED, pull[LANES] ALIGNED, scale[LANES] ALIGNED;
    real rest[LANES] ALIGNED, factor[LANES] ALIGNED, A[LANES] ALIGNED, B[LANES] ALIGNED, T[LANES] ALIGNED;
    real bound[LANES] ALIGNED; /* flags as numbers of the lanes, lest one loop become two: */
    real shares[LANES] ALIGNED, information[LANES] ALIGNED;
    EACH_LANE {
        const ptrdiff_t from = spec.across ? row : row + l;
        label[l] = rows->label[from];
        S[l] = rows->S[from];
        inverse[l] = rows->inverse[from];
        rest_share[l] = rows->rest_share[from];
        rest[l] = S[l] * rest_share[l];
        pull[l] = spec.plain ? 0 : rows->pull[from];
        scale[l] = rows->scale[from];
        factor[l] = rows->scale[from] * rows->inverse[from];
        A[l] = MAY_BE_PHI ? rows->A[from] : 1;
        B[l] = MAY_BE_PHI ? rows->B[from] : 0;
        T[l] = MAY_BE_PHI ? rows->T[from] : 0;
        bound[l] = scale[l] * (C(0.5) * S[l] * A[l]); /* diag(p) - p p^T is at most 1/2 (Boehning 1992) */
        shares[l] = o->shares;
        information[l] = o->information;
    }
    if (LABEL_APART) {
        EACH_SEGMENT(s) for (ptrdiff_t j = 0; j < s->groups; j++) {
            real *g = s->g + j * LANES, *h = spec.hessian ? s->h + j * LANES : 0;
            EACH_LANE {
                const real e = vlowered(g[l]), p = e * inverse[l], c = p > C(0.5) ? rest_share[l] : 1 - p;
                if (spec.hessian)
                    h[l] = spec.hessian == 'h' ? scale[l] * at_least(floor, p * c) : shares[l] > 0 ? p : bound[l];
                g[l] = e * factor[l];
            }
        }
    } else
        EACH_SEGMENT(s) for (ptrdiff_t j = 0; j < s->groups; j++) {
            const real *z = s->z + j * LANES, *weight = GROUP_WEIGHT(s, j);
            real *g = s->g + j * LANES, *h = spec.hessian ? s->h + j * LANES : 0;
            EACH_LANE {
                const real q = TARGET(s, j, l), w = scale[l], a = A[l], b = B[l];
                if (logits) {
                    const real p = vlowered(g[l]) * inverse[l];
                    const bool leads = p > C(0.5); /* then p's complement is the rest's share */
                    const real c = leads ? rest_share[l] : 1 - p;
                    const real slope = leads ? (S[l] - q) - rest[l] : vfma(S[l], p, -q);
                    if (spec.hessian == 'h') {
                        const real of_softmax = p * c * vfma(a, S[l], pull[l]) + 2 * z_loss * p * p;
                        const real of_others = vfma(-S[l] * b * p, p, of_softmax), of_label = S[l] * c * T[l];
                        const real of_phi = q == 0 ? of_others : of_label;
                        h[l] = w * at_least(floor, MAY_BE_PHI && o->phi ? of_phi : of_softmax);
                    }
                    if (spec.hessian == 'm') {
                        const real curvature = bound[l] * (information[l] > 0 ? 2 * (p * c) : 1);
                        h[l] = shares[l] > 0 ? p : curvature;
                    }
                    g[l] = w * (spec.plain ? slope : vfma(pull[l], p, a * slope));
                } else if (spec.prediction == 'p') {
                    const bool phi = MAY_BE_PHI && o->phi;
                    const real x = z[l] + 0 /* -0 is 0 */, quotient = q / x, slope = phi ? q * a : quotient;
                    const real turn = phi ? q * b : quotient, bend = turn / x;
                    if (spec.hessian)
                        h[l] = w * at_least(floor, (q == 0) | (turn == 0) ? nan_or(z[l], 0) : bend);
                    g[l] = 0 - w * (q == 0 ? nan_or(z[l], 0) : slope); /* not -0 */
                } else {
                    if (spec.hessian)
                        h[l] = w * at_least(floor, nan_or(z[l], 0));
                    g[l] = nan_or(z[l], 0 - w * q);
                }
            }
        }
}

/* Index targets: the Hessian times a vector u, of the same rows. With m = sum_k p_k u_k it is
 *   p_k (A S (u_k - m) + B S (u_label - m)), less B S (u_label - m) at the label. */
INLINE void FN(classes_product)(const FN(classes_spec) spec, const FN(classes_options) * o, const FN(segment) * segments,
                                int n_segments, const FN(classes_rows) *restrict rows, ptrdiff_t row) {
    const real z_loss = o->z_loss;
    bits_t label[LANES] ALIGNED;
    real inverse[LANES] ALIGNED, pull[LANES] ALIGNED, scale[LANES] ALIGNED, A[LANES] ALIGNED, B[LANES] ALIGNED;
    real m[LANES] ALIGNED, turned[LANES] ALIGNED;
    double dot[LANES] ALIGNED = {0}, of_label[LANES] ALIGNED = {0};
    EACH_LANE {
        const ptrdiff_t from = spec.across ? row : row + l;
        label[l] = rows->label[from];
        inverse[l] = rows->inverse[from];
        pull[l] = rows->pull[from];
        scale[l] = rows->scale[from];
        A[l] = rows->S[from] * rows->A[from];
        B[l] = rows->S[from] * rows->B[from];
    }
    EACH_SEGMENT(s) EACH_CHUNK(s, FN(CHUNK), j0, j1) {
        real dot_part[LANES] ALIGNED = {0}, label_part[LANES] ALIGNED = {0};
        for (ptrdiff_t j = j0; j < j1; j++) {
            const real *e = s->g + j * LANES, *u = s->u + j * LANES;
            EACH_LANE {
                const real at = u[l];
                dot_part[l] = vfma(vlowered(e[l]), at, dot_part[l]);
                label_part[l] = CLASS_OF(s, j, l) == label[l] ? at : label_part[l];
            }
        }
        EACH_LANE {
            dot[l] += (double)dot_part[l];
            of_label[l] += (double)label_part[l];
        }
    }
    FN(whole)(dot, spec.across);
    FN(whole)(of_label, spec.across);
    EACH_LANE {
        const double mean = dot[l] * (double)inverse[l];
        m[l] = (real)mean;
        turned[l] = B[l] * (real)(of_label[l] - mean);
    }
    EACH_SEGMENT(s) for (ptrdiff_t j = 0; j < s->groups; j++) {
        const real *u = s->u + j * LANES;
        real *g = s->g + j * LANES;
        EACH_LANE {
            const real p = vlowered(g[l]) * inverse[l], off = u[l] - m[l], bend = turned[l];
            const real others = vfma(A[l] + pull[l], off, vfma(2 * z_loss, m[l], bend));
            g[l] = scale[l] * vfma(p, others, CLASS_OF(s, j, l) == label[l] ? -bend : 0);
        }
    }
}

/* Tiles: LANES rows side by side, or one row across the lanes. */
#define TILE_ROWS (spec.across ? 1 : LANES)
#define TILE_OF(row) (segments + (row) / TILE_ROWS * n_segments)

INLINE void FN(classes_first)(const FN(classes_spec) spec, const FN(classes_options) * o, const FN(segment) * segments,
                              int n_segments, FN(classes_rows) *restrict rows, ptrdiff_t n) {
    for (ptrdiff_t row = -TILE_ROWS; row < n; row += TILE_ROWS) {
        const ptrdiff_t next = row + TILE_ROWS;
        if (spec.prediction == 'z' && next < n) /* one tile ahead: the sums need not wait for it */
            FN(classes_top)(spec, TILE_OF(next), n_segments, rows, next);
        if (row >= 0)
            FN(classes_sums)(spec, o, TILE_OF(row), n_segments, rows, row);
    }
}

INLINE void FN(classes_last)(const FN(classes_spec) spec, const FN(classes_options) * o, const FN(segment) * segments,
                             int n_segments, const FN(classes_rows) *restrict rows, ptrdiff_t n) {
    for (ptrdiff_t row = 0; row < n; row += TILE_ROWS)
        if (spec.hessian == 'u')
            FN(classes_product)(spec, o, TILE_OF(row), n_segments, rows, row);
        else
            FN(classes_derivatives)(spec, o, TILE_OF(row), n_segments, rows, row);
}

/* The stages of a group of n rows, in either layout: functions of their own, which operations share. What is not used is
 * not compiled, and equal ones are merged. */
#define STAGE_SPEC(ACROSS, ...) ((FN(classes_spec)){__VA_ARGS__, ACROSS})
#define FIRST_STAGE(name, DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, PLAIN)                                           \
    static ONCE void FN(name)(const FN(classes_options) * o, const FN(segment) * segments, int n_segments,              \
                              FN(classes_rows) * rows, ptrdiff_t n, int across) {                                       \
        if (across)                                                                                                     \
            FN(classes_first)(STAGE_SPEC(1, DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, 0, PLAIN), o, segments,        \
                              n_segments, rows, n);                                                                     \
        else                                                                                                            \
            FN(classes_first)(STAGE_SPEC(0, DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, 0, PLAIN), o, segments,        \
                              n_segments, rows, n);                                                                     \
    }
#define VALUES_STAGE(name, DENSE, PREDICTION, PLAIN) /* all operations share it: what is wanted is no literal */         \
    static ONCE void FN(name)(const FN(classes_options) * o, FN(classes_rows) * rows, ptrdiff_t n, bool value,          \
                              bool gradient) {                                                                          \
        FN(classes_values)(STAGE_SPEC(0, DENSE, 0, PREDICTION, value, gradient, 0, PLAIN), o, rows, PADDED(n, LANES));  \
    }
#define LAST_STAGE(name, DENSE, PREDICTION, HESSIAN, PLAIN)                                                             \
    static ONCE void FN(name)(const FN(classes_options) * o, const FN(segment) * segments, int n_segments,              \
                              FN(classes_rows) * rows, ptrdiff_t n, int across) {                                       \
        if (across)                                                                                                     \
            FN(classes_last)(STAGE_SPEC(1, DENSE, 0, PREDICTION, 0, 1, HESSIAN, PLAIN), o, segments, n_segments, rows, n); \
        else                                                                                                            \
            FN(classes_last)(STAGE_SPEC(0, DENSE, 0, PREDICTION, 0, 1, HESSIAN, PLAIN), o, segments, n_segments, rows, n); \
    }
#define STAGES(name, DENSE, ENTROPY, PREDICTION)                                  \
    FIRST_STAGE(name##_first_value, DENSE, ENTROPY, PREDICTION, 1, 0, 0)          \
    FIRST_STAGE(name##_first_gradient, DENSE, ENTROPY, PREDICTION, 0, 1, 0)       \
    FIRST_STAGE(name##_first_value_gradient, DENSE, ENTROPY, PREDICTION, 1, 1, 0) \
    FIRST_STAGE(name##_plain_first_value, DENSE, ENTROPY, PREDICTION, 1, 0, 1)    \
    FIRST_STAGE(name##_plain_first_gradient, DENSE, ENTROPY, PREDICTION, 0, 1, 1) \
    FIRST_STAGE(name##_plain_first_value_gradient, DENSE, ENTROPY, PREDICTION, 1, 1, 1) \
    VALUES_STAGE(name##_values, DENSE, PREDICTION, 0)                             \
    VALUES_STAGE(name##_plain_values, DENSE, PREDICTION, 1)                       \
    LAST_STAGE(name##_last, DENSE, PREDICTION, 0, 0)                              \
    LAST_STAGE(name##_last_exact, DENSE, PREDICTION, 'h', 0)                      \
    LAST_STAGE(name##_last_majorize, DENSE, PREDICTION, 'm', 0)                   \
    LAST_STAGE(name##_plain_last, DENSE, PREDICTION, 0, 1)                        \
    LAST_STAGE(name##_plain_last_exact, DENSE, PREDICTION, 'h', 1)                \
    LAST_STAGE(name##_plain_last_majorize, DENSE, PREDICTION, 'm', 1)

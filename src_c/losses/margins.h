/* Losses over classes that are sums over them, or a maximum, with nothing to normalise: margins between the scores of a row,
 * and a logistic loss for each label.
 *
 *   multi_margin              c_y/K sum_{k != y} max(0, margin + z_k - z_y)^p     p: o->phi, 1 or 2; margin: o->shape
 *   categorical_hinge         c_y max_{k != y} max(0, margin + z_k - z_y)
 *   multi_label_soft_margin   1/K sum_k c_k (t_k softplus(-z_k) + (1 - t_k) softplus(z_k))
 *   multi_label_margin        1/K sum_{j: t_j = 1, i: t_i = 0} max(0, 1 + z_i - z_j)
 *
 * z_k - z_y is taken first: near the margin it is exact. One function per loss serves every operation and both layouts of
 * losses/classes.h: what differs is decided outside of the loops over LANES numbers, or by adding an offset that may be 0.
 * Each is given one tile: LANES rows from `row` on side by side, or this one row across the lanes.
 */
#define MARGIN_LOSS(name)                                                                                      \
    static ONCE void FN(name)(int operation, const FN(classes_options) * o, const FN(segment) * segments,      \
                              int n_segments, FN(classes_rows) * rows, ptrdiff_t row, int across)

/* Groups j of LANES numbers; the class of a group, to which `offset` adds the lane where a row lies across. */
#define EACH_ROW_GROUP(s, j) EACH_SEGMENT(s) for (ptrdiff_t j = 0; j < s->groups; j++)
#define FIRST_CLASS(s, j) ((bits_t)(across ? (s)->first + (j)*LANES : (j)))

INLINE void FN(put_value)(FN(classes_rows) * rows, ptrdiff_t row, int across, const real *value) {
    memcpy(rows->value + row, value, (across ? 1 : LANES) * sizeof *value);
}

/* The rows of the lanes. */
typedef struct {
    bits_t label[LANES] ALIGNED, offset[LANES] ALIGNED;
    real at[LANES] ALIGNED;     /* the score of the label, */
    real weight[LANES] ALIGNED; /* its class weight */
    real scale[LANES] ALIGNED;  /* and the factor on the derivatives */
} FN(margin_rows);
INLINE void FN(read_rows)(FN(margin_rows) * to, const FN(classes_rows) * rows, ptrdiff_t row, int across) {
    for (ptrdiff_t l = 0; l < LANES; l++) {
        const ptrdiff_t from = across ? row : row + l;
        to->offset[l] = across ? (bits_t)l : 0;
        to->label[l] = rows->label[from];
        to->at[l] = rows->at_label[from];
        to->weight[l] = rows->label_weight[from];
        to->scale[l] = rows->scale[from];
    }
}

/* Three sums over the classes: of what is inside the margin its number, its sum and its sum of squares. They are the value
 * and the slope in the label's score of p = 1, and value, slope and curvature of p = 2. */
MARGIN_LOSS(multi_margin) {
    const real margin = o->shape, floor = o->floor;
    const bool square = o->phi == 2;
    const bits_t classes = (bits_t)o->classes;
    FN(margin_rows) r;
    double count[LANES] ALIGNED = {0}, sum[LANES] ALIGNED = {0}, squares[LANES] ALIGNED = {0};
    FN(read_rows)(&r, rows, row, across);
    EACH_SEGMENT(s) EACH_CHUNK(s, j0, j1) {
        real count_part[LANES] ALIGNED = {0}, sum_part[LANES] ALIGNED = {0}, squares_part[LANES] ALIGNED = {0};
        for (ptrdiff_t j = j0; j < j1; j++) {
            const real *z = s->z + j * LANES;
            const bits_t first = FIRST_CLASS(s, j);
            if (across) /* the row after next: see classes_sums */
                __builtin_prefetch(z + 2 * (ptrdiff_t)o->classes);
            EACH_LANE {
                const bits_t k = first + r.offset[l];
                const real m = at_least(BOUNDS.zero, margin + (z[l] - r.at[l]));
                const real inside = (k != r.label[l]) & (k < classes) ? m : 0; /* the rest of the last group is padding */
                count_part[l] += inside > 0 ? C(1.0) : C(0.0);
                sum_part[l] += inside;
                squares_part[l] = vfma(inside, inside, squares_part[l]);
            }
        }
        EACH_LANE {
            count[l] += (double)count_part[l];
            sum[l] += (double)sum_part[l];
            squares[l] += (double)squares_part[l];
        }
    }
    FN(whole)(count, across);
    FN(whole)(sum, across);
    FN(whole)(squares, across);
    real values[LANES] ALIGNED, factor[LANES] ALIGNED, at_label[LANES] ALIGNED;
    real bend[LANES] ALIGNED, bend_at_label[LANES] ALIGNED;
    const double per_class = 1 / o->classes;
    EACH_LANE {
        const double share = (double)r.weight[l] * per_class, by = (double)r.scale[l] * share;
        const double value = square ? squares[l] : sum[l], slope = square ? 2 * sum[l] : nan_or(sum[l], count[l]);
        const bool none = r.weight[l] == 0; /* nothing, though the value may be infinite */
        values[l] = unless(none, (real)(share * value), (real)value);
        factor[l] = (real)by;
        at_label[l] = unless(none, (real)(0 - by * slope), (real)value);
        bend[l] = square ? (real)(2 * share) : 0;
        bend_at_label[l] = nan_or((real)value, square ? (real)(2 * share * count[l]) : 0);
    }
    FN(put_value)(rows, row, across, values);
    if (operation == FL_VALUE)
        return;
    EACH_ROW_GROUP(s, j) {
        const real *z = s->z + j * LANES;
        const bits_t first = FIRST_CLASS(s, j);
        real g[LANES] ALIGNED, h[LANES] ALIGNED; /* either output may be z */
        EACH_LANE {
            const bool is_label = first + r.offset[l] == r.label[l];
            const real m = margin + (z[l] - r.at[l]), zero = nan_or(m, 0), slope = factor[l] * (square ? 2 * m : 1);
            const real steep = r.weight[l] == 0 ? zero : slope, bent = bend[l];
            const real of_other = m > 0 ? steep : zero, bend_of_other = m > 0 ? bent : zero;
            const real curvature = is_label ? bend_at_label[l] : bend_of_other;
            g[l] = is_label ? at_label[l] : of_other;
            h[l] = r.scale[l] * at_least(floor, curvature);
        }
        memcpy(s->g + j * LANES, g, sizeof g);
        if (operation >= FL_EXACT)
            memcpy(s->h + j * LANES, h, sizeof h);
    }
}

/* The first of the largest scores but the label's. A NaN is no larger than anything: it is kept apart, and then nothing
 * is known of the row. */
MARGIN_LOSS(categorical_hinge) {
    const real margin = o->shape, floor = o->floor;
    FN(margin_rows) r;
    real top[LANES] ALIGNED, unknown[LANES] ALIGNED = {0};
    bits_t rival[LANES] ALIGNED;
    FN(read_rows)(&r, rows, row, across);
    EACH_LANE {
        top[l] = -1 / C(0.0);
        rival[l] = (bits_t)o->classes;
    }
    EACH_ROW_GROUP(s, j) {
        const real *z = s->z + j * LANES;
        const bits_t first = FIRST_CLASS(s, j);
        if (across)
            __builtin_prefetch(z + 2 * (ptrdiff_t)o->classes);
        EACH_LANE {
            const bits_t k = first + r.offset[l], before = rival[l];
            const real x = z[l], most = top[l];
            const bool better = (x > most) & (k != r.label[l]); /* padding is not */
            top[l] = better ? x : most;
            rival[l] = better ? k : before;
            unknown[l] = nan_or(x, unknown[l]);
        }
    }
    if (across) {
        for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
            for (ptrdiff_t l = 0; l < width; l++) {
                const real x = top[l + width], most = top[l];
                const bits_t k = rival[l + width], before = rival[l];
                const bool better = (x > most) | ((x == most) & (k < before));
                top[l] = better ? x : most;
                rival[l] = better ? k : before;
                unknown[l] = nan_or(unknown[l + width], unknown[l]);
            }
        for (ptrdiff_t l = 1; l < LANES; l++) {
            top[l] = top[0];
            rival[l] = rival[0];
            unknown[l] = unknown[0];
        }
    }
    real values[LANES] ALIGNED, zero[LANES] ALIGNED, at_rival[LANES] ALIGNED;
    EACH_LANE {
        const real m = margin + (top[l] - r.at[l]), c = r.weight[l];
        const real v = nan_or(unknown[l], at_least(BOUNDS.zero, m)), nothing = nan_or(v, 0), slope = r.scale[l] * c;
        values[l] = unless(c == 0, c * v, v);
        zero[l] = nothing;
        at_rival[l] = v > 0 ? slope : nothing;
    }
    FN(put_value)(rows, row, across, values);
    if (operation == FL_VALUE)
        return;
    EACH_ROW_GROUP(s, j) {
        real *g = s->g + j * LANES, *h = s->h + j * LANES;
        const bits_t first = FIRST_CLASS(s, j);
        EACH_LANE {
            const bits_t k = first + r.offset[l];
            const real up = at_rival[l], down = 0 - up, nothing = zero[l], other = k == rival[l] ? up : nothing;
            g[l] = k == r.label[l] ? down : other;
        }
        if (operation >= FL_EXACT)
            EACH_LANE h[l] = r.scale[l] * at_least(floor, zero[l]);
    }
}

/* A cross-entropy for each entry, as losses/binary.h has it. Padding has no weight. */
MARGIN_LOSS(multi_label_soft_margin) {
    const real floor = o->floor;
    const double per_class = 1 / o->classes;
    FN(margin_rows) r;
    double sum[LANES] ALIGNED = {0};
    real factor[LANES] ALIGNED, share = (real)per_class;
    FN(read_rows)(&r, rows, row, across);
    EACH_LANE factor[l] = (real)((double)r.scale[l] * per_class);
    EACH_SEGMENT(s) EACH_CHUNK(s, j0, j1) {
        const ptrdiff_t n = j1 - j0;
        const real *z = s->z + j0 * LANES, *t = s->t + j0 * LANES;
        real e[FN(CHUNK) * LANES] ALIGNED, part[LANES] ALIGNED = {0};
        SIMD for (ptrdiff_t i = 0; i < n * LANES; i++) /* a loop of its own: see formula.h */
            e[i] = vexp_nonpositive(-vabs(z[i]));
        for (ptrdiff_t j = 0; j < n; j++) {
            const real *weight = GROUP_WEIGHT(s, j0 + j);
            real c[LANES] ALIGNED, g[LANES] ALIGNED, h[LANES] ALIGNED;
            for (ptrdiff_t l = 0; l < LANES; l++)
                c[l] = weight[across ? l : 0];
            EACH_LANE {
                const real y = t[j * LANES + l];
                const FN(sides) sides = {.negative = c[l] * (1 - y), .positive = c[l] * y};
                const result of = FN(cross_entropy_logits)(sides, c[l], z[j * LANES + l], e[j * LANES + l]);
                part[l] += of.v;
                g[l] = factor[l] * of.g;
                h[l] = r.scale[l] * at_least(floor, share * of.h);
            }
            if (operation == FL_MAJORIZE)
                EACH_LANE h[l] = factor[l] * (c[l] * FN(logistic_bound)(z[j * LANES + l]));
            if (operation != FL_VALUE)
                memcpy(s->g + (j0 + j) * LANES, g, sizeof g);
            if (operation >= FL_EXACT)
                memcpy(s->h + (j0 + j) * LANES, h, sizeof h);
        }
        EACH_LANE sum[l] += (double)part[l];
    }
    FN(whole)(sum, across);
    EACH_LANE factor[l] = (real)(sum[l] * per_class);
    FN(put_value)(rows, row, across, factor);
}

/* Label by label: `at` holds the scores of class j in LANES rows, or of one label in the row across. Those of which it is
 * no label wait. Outputs are written while z is still to be read, and must be elsewhere. */
MARGIN_LOSS(multi_label_margin) {
    const real floor = o->floor;
    const double per_class = 1 / o->classes;
    const bits_t classes = (bits_t)o->classes;
    const bool derivatives = operation != FL_VALUE;
    FN(margin_rows) r;
    double sum[LANES] ALIGNED = {0}, error[LANES] ALIGNED = {0}, unknown[LANES] ALIGNED = {0};
    FN(read_rows)(&r, rows, row, across);
    EACH_ROW_GROUP(s, j) {
        const real *z = s->z + j * LANES;
        const bits_t first = FIRST_CLASS(s, j);
        EACH_LANE unknown[l] += first + r.offset[l] < classes ? (double)nan_or(z[l], 0) : 0;
        if (derivatives)
            memset(s->g + j * LANES, 0, LANES * sizeof(real));
    }
    EACH_SEGMENT(label) for (ptrdiff_t i = 0; i < label->groups * (across ? LANES : 1); i++) {
        const ptrdiff_t from = across ? i : i * LANES;
        real at[LANES] ALIGNED, is_label[LANES] ALIGNED;
        double of_label[LANES] ALIGNED = {0}, pushed[LANES] ALIGNED = {0}; /* pushed: how many are inside its margin */
        bits_t any = 0;
        if (across) {
            if (label->t[i] == 0)
                continue;
            for (ptrdiff_t l = 0; l < LANES; l++) {
                at[l] = label->z[i];
                is_label[l] = 1;
            }
        } else {
            memcpy(at, label->z + from, sizeof at);
            memcpy(is_label, label->t + from, sizeof is_label);
        }
        for (ptrdiff_t l = 0; l < LANES; l++)
            any |= bits_of(is_label[l]);
        if (any == 0)
            continue;
        EACH_SEGMENT(s) EACH_CHUNK(s, j0, j1) {
            real part[LANES] ALIGNED = {0}, pushed_part[LANES] ALIGNED = {0};
            for (ptrdiff_t j = j0; j < j1; j++) {
                const real *z = s->z + j * LANES, *t = s->t + j * LANES;
                const bits_t first = FIRST_CLASS(s, j);
                real inside[LANES] ALIGNED;
                EACH_LANE {
                    const bits_t k = first + r.offset[l];
                    const real m = at_least(BOUNDS.zero, 1 + (z[l] - at[l])), other = 1 - t[l];
                    const real pair = (is_label[l] * other != 0) & (k < classes) ? m : 0;
                    inside[l] = pair > 0 ? 1 : nan_or(pair, 0);
                    part[l] += pair;
                    pushed_part[l] += inside[l];
                }
                if (derivatives)
                    EACH_LANE s->g[j * LANES + l] += inside[l];
            }
            EACH_LANE {
                of_label[l] += (double)part[l];
                pushed[l] += (double)pushed_part[l];
            }
        }
        EACH_LANE { /* there may be as many as classes: with the rounding error of each addition, as in tile.h */
            const double x = of_label[l], before = sum[l], s = before + x, t = s - before;
            error[l] += (before - (s - t)) + (x - t);
            sum[l] = s;
        }
        if (!derivatives)
            continue;
        if (across)
            label->g[i] = (real)(0 - FN(sum_lanes)(pushed)); /* not -0 */
        else
            EACH_LANE label->g[from + l] -= (real)pushed[l];
    }
    EACH_LANE sum[l] += error[l] == error[l] ? error[l] : 0; /* of an infinite sum it is NaN */
    FN(whole)(sum, across);
    FN(whole)(unknown, across);
    real values[LANES] ALIGNED;
    EACH_LANE values[l] = (real)(sum[l] * per_class + unknown[l]);
    FN(put_value)(rows, row, across, values);
    if (derivatives)
        EACH_ROW_GROUP(s, j) {
            real *g = s->g + j * LANES, *h = s->h + j * LANES;
            EACH_LANE g[l] = nan_or((real)unknown[l], (real)((double)r.scale[l] * per_class * (double)g[l]));
            if (operation >= FL_EXACT)
                EACH_LANE h[l] = r.scale[l] * at_least(floor, nan_or((real)unknown[l], 0));
        }
}

/* Rows through a loss, tile by tile. */
#define MARGIN_LOOP(name, operation, OPERATION)                                                                \
    static void FN(name##_##operation)(const FN(classes_options) * o, const FN(segment) * segments,            \
                                       int n_segments, FN(classes_rows) * rows, ptrdiff_t n, int across) {     \
        const ptrdiff_t step = across ? 1 : LANES;                                                             \
        for (ptrdiff_t row = 0; row < n; row += step)                                                          \
            FN(name)(OPERATION, o, segments + row / step * n_segments, n_segments, rows, row, across);         \
        rows->label_apart = 0;                                                                                 \
    }
#define MARGIN_LOOPS(name, DENSE)                      \
    MARGIN_LOOP(name, value, FL_VALUE)                 \
    MARGIN_LOOP(name, gradient, FL_GRADIENT)           \
    MARGIN_LOOP(name, value_gradient, FL_VALUE_GRADIENT) \
    MARGIN_LOOP(name, exact, FL_EXACT)                 \
    MARGIN_LOOP(name, majorize, FL_MAJORIZE)

/* name, row targets? */
#define MARGINS(X)                \
    X(multi_margin, 0)            \
    X(categorical_hinge, 0)       \
    X(multi_label_soft_margin, 1) \
    X(multi_label_margin, 1)
MARGINS(MARGIN_LOOPS)

/* Losses over classes: the loops, generated per loss and operation, and the runner that feeds them rows. */

enum {
    FN(ACROSS_FROM) = 48, /* from this K on one row fills the lanes well enough to need no transposing */
};

typedef void (*FN(classes_loop))(const FN(classes_options) * options, const FN(segment) * segments, int n_segments,
                                 const bits_t *label, const real *at_label, const real *row_weight, real *v, int across);

#define CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, operation, VALUE, GRADIENT, HESSIAN)                  \
    static void FN(name##_##operation)(const FN(classes_options) * o, const FN(segment) * segments, int n,   \
                                       const bits_t *label, const real *at_label, const real *row_weight,    \
                                       real *v, int across) {                                                \
        if (across)                                                                                          \
            FN(classes_tile)((FN(classes_spec)){DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, HESSIAN, 1}, o, \
                             segments, n, label, at_label, row_weight, v);                                   \
        else                                                                                                 \
            FN(classes_tile)((FN(classes_spec)){DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, HESSIAN, 0}, o, \
                             segments, n, label, at_label, row_weight, v);                                   \
    }

#define CLASSES_LOOPS(name, DENSE, ENTROPY, PREDICTION)                         \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, value, 1, 0, 0)              \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, gradient, 0, 1, 0)           \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, value_gradient, 1, 1, 0)     \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, exact, 0, 1, 'h')            \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, majorize, 0, 1, 'm')

CLASSES(CLASSES_LOOPS)

/* LANES rows of K numbers side by side; missing rows repeat the last. */
static void FN(to_lanes)(real *restrict to, const real *restrict rows, ptrdiff_t classes, ptrdiff_t n) {
    for (ptrdiff_t l = 0; l < LANES; l++) {
        const real *row = rows + (l < n ? l : n - 1) * classes;
        for (ptrdiff_t k = 0; k < classes; k++)
            to[k * LANES + l] = row[k];
    }
}

static void FN(from_lanes)(real *restrict rows, const real *restrict from, ptrdiff_t classes, ptrdiff_t n) {
    for (ptrdiff_t l = 0; l < n; l++)
        for (ptrdiff_t k = 0; k < classes; k++)
            rows[l * classes + k] = from[k * LANES + l];
}

/* What a block of rows needs besides its predictions: labels and row weights, with ignored rows at weight 0. */
typedef struct {
    int64_t label[TILE];
    real weight[TILE] ALIGNED;
    bool ignored[TILE];
} FN(row_block);

static void FN(load_rows)(FN(row_block) * rows, const fl_job *job, bool dense, ptrdiff_t begin, ptrdiff_t n) {
    if (job->w)
        FN(load)(rows->weight, job->w, job->w_type, begin, n);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            rows->weight[i] = 1;
    if (dense)
        return;
    load_labels(rows->label, job->y, job->y_type, begin, n);
    for (ptrdiff_t i = 0; i < n; i++) {
        rows->ignored[i] = job->has_ignore && rows->label[i] == job->ignore_index;
        if (rows->ignored[i]) {
            rows->label[i] = 0;
            rows->weight[i] = 0;
        }
    }
}

/* Blocks are at most TILE rows (the driver's promise). Row targets must have the real type. */
static void FN(run_classes)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    static const real one[1] = {1};
    const ptrdiff_t classes = job->classes, n = end - begin;
    const bool dense = job->dense, across = classes >= FN(ACROSS_FROM);
    const FN(classes_loop) loop = (FN(classes_loop))job->loop;
    const real *z = job->z, *t = job->y;
    real *g = job->g, *h = job->h;
    real v[TILE] ALIGNED;
    FN(row_block) rows;
    const FN(classes_options) options = {
        .on = (real)(1 - job->p[0]), /* p: label smoothing, z-loss, sum of the class weights */
        .off = (real)(job->p[0] / (double)classes),
        .z_loss = (real)job->p[1],
        .total_weight = job->class_weight ? (real)job->p[2] : (real)classes,
        .class_weight = job->class_weight ? job->class_weight : one,
        .weight_step = job->class_weight != 0,
    };
    const fl_control control = control_enter();
    FN(load_rows)(&rows, job, dense, begin, n);
    if (across) {
        const ptrdiff_t whole = classes / LANES, left = classes % LANES;
        real z_tail[LANES] ALIGNED, t_tail[LANES] ALIGNED = {0}, g_tail[LANES] ALIGNED, h_tail[LANES] ALIGNED;
        real lane_v[LANES] ALIGNED, at_label[LANES], weight[LANES];
        bits_t label[LANES];
        const real pad = job->logits ? -1 / C(0.0) : C(1.0); /* a class of no probability; log 1 */
        for (ptrdiff_t i = 0; i < n; i++) {
            const ptrdiff_t row = (begin + i) * classes;
            for (ptrdiff_t l = 0; l < LANES; l++) {
                z_tail[l] = l < left ? z[row + whole * LANES + l] : pad;
                t_tail[l] = dense && l < left ? t[row + whole * LANES + l] : 0;
                label[l] = dense ? 0 : (bits_t)rows.label[i];
                at_label[l] = dense ? 0 : z[row + rows.label[i]];
                weight[l] = rows.weight[i] * (real)job->scale;
            }
            const FN(segment) segments[2] = {
                {z + row, dense ? t + row : 0, g ? g + row : 0, h ? h + row : 0, whole, 0},
                {z_tail, t_tail, g_tail, h_tail, 1, whole * LANES},
            };
            loop(&options, segments, left ? 2 : 1, label, at_label, weight, lane_v, 1);
            v[i] = lane_v[0];
            if (g)
                memcpy(g + row + whole * LANES, g_tail, (size_t)left * sizeof(real));
            if (h)
                memcpy(h + row + whole * LANES, h_tail, (size_t)left * sizeof(real));
        }
    } else {
        real zt[FN(ACROSS_FROM) * LANES] ALIGNED, tt[FN(ACROSS_FROM) * LANES] ALIGNED;
        real gt[FN(ACROSS_FROM) * LANES] ALIGNED, ht[FN(ACROSS_FROM) * LANES] ALIGNED;
        real at_label[LANES], weight[LANES];
        bits_t label[LANES];
        for (ptrdiff_t i = 0; i < n; i += LANES) {
            const ptrdiff_t m = n - i < LANES ? n - i : LANES, row = (begin + i) * classes;
            FN(to_lanes)(zt, z + row, classes, m);
            if (dense)
                FN(to_lanes)(tt, t + row, classes, m);
            for (ptrdiff_t l = 0; l < LANES; l++) {
                const ptrdiff_t r = i + (l < m ? l : m - 1);
                label[l] = dense ? 0 : (bits_t)rows.label[r];
                at_label[l] = dense ? 0 : zt[label[l] * LANES + l];
                weight[l] = rows.weight[r] * (real)job->scale;
            }
            const FN(segment) segment = {zt, tt, gt, ht, classes, 0};
            loop(&options, &segment, 1, label, at_label, weight, v + i, 0);
            if (g)
                FN(from_lanes)(g + row, gt, classes, m);
            if (h)
                FN(from_lanes)(h + row, ht, classes, m);
        }
    }
    for (ptrdiff_t i = 0; i < n; i++)
        v[i] *= rows.weight[i];
    if (!dense && job->has_ignore)
        for (ptrdiff_t i = 0; i < n; i++)
            if (rows.ignored[i]) { /* nothing, whatever the row holds: NaN times 0 is not nothing */
                v[i] = 0;
                if (g)
                    memset(g + (begin + i) * classes, 0, (size_t)classes * sizeof(real));
                if (h)
                    memset(h + (begin + i) * classes, 0, (size_t)classes * sizeof(real));
            }
    if (job->v)
        memcpy((real *)job->v + begin, v, (size_t)n * sizeof(real));
    if (sum) {
        FN(lanes) total = {{0}, {0}};
        FN(accumulate)(&total, v, n);
        FN(finish)(&total, sum);
    }
    control_leave(control);
}

/* What a mean divides by: the sum over the rows of sample weight times class weight, ignored rows out. */
static void FN(total_row_weight)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    FN(row_block) rows;
    const real *t = job->y, *class_weight = job->class_weight;
    const ptrdiff_t n = end - begin, classes = job->classes;
    FN(lanes) total = {{0}, {0}};
    const fl_control control = control_enter();
    FN(load_rows)(&rows, job, job->dense, begin, n);
    if (class_weight)
        for (ptrdiff_t i = 0; i < n; i++) {
            double factor = 0;
            if (job->dense)
                for (ptrdiff_t k = 0; k < classes; k++)
                    factor += (double)class_weight[k] * (double)t[(begin + i) * classes + k];
            else
                factor = (double)class_weight[rows.label[i]];
            rows.weight[i] *= (real)factor;
        }
    FN(accumulate)(&total, rows.weight, n);
    FN(finish)(&total, sum);
    control_leave(control);
}

/* The first row of [begin, end) whose sum is outside [low, high], or -1. A row with a NaN passes. */
static ptrdiff_t FN(first_bad_row_sum)(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end) {
    real buffer[TILE] ALIGNED;
    for (ptrdiff_t i = begin; i < end; i++) {
        double sum = 0;
        for (ptrdiff_t b = 0; b < scan->classes; b += TILE) {
            const ptrdiff_t n = scan->classes - b < TILE ? scan->classes - b : TILE;
            const real *x = FN(view)(buffer, scan->x, scan->type, i * scan->classes + b, n);
            double lanes[LANES] = {0};
            ptrdiff_t k = 0;
            for (; k + LANES <= n; k += LANES)
                for (ptrdiff_t l = 0; l < LANES; l++)
                    lanes[l] += (double)x[k + l];
            for (; k < n; k++)
                sum += (double)x[k];
            for (ptrdiff_t l = 0; l < LANES; l++)
                sum += lanes[l];
        }
        if (sum < scan->low || sum > scan->high)
            return i;
    }
    return -1;
}

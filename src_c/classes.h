/* Losses over classes: the loops, generated per loss and operation, and the runner that feeds them rows. */

/* From this K on a row lies across the lanes. Below it, the tiles of scores and gradients of LANES rows fit in a 32 KiB
 * L1 together, and the rows share the cost of their maxima and sums. */
enum { FN(ACROSS_FROM) = FL_BITS == 32 ? 256 : 128 };

typedef void (*FN(classes_loop))(const FN(classes_options) * options, const FN(segment) * segments, int n_segments,
                                 FN(classes_rows) * rows, ptrdiff_t n, int across);

/* Plain: a divergence, which has no options, or raw scores without any. With labels its gradient rounds differently, so
 * passes with a Hessian take it too: the gradient has the same bits in every operation. */
#define CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, operation, VALUE, GRADIENT, HESSIAN)                   \
    static void FN(name##_##operation)(const FN(classes_options) * o, const FN(segment) * segments,           \
                                       int n_segments, FN(classes_rows) * rows, ptrdiff_t n, int across) {    \
        if ((ENTROPY) || (PREDICTION == 'z' && (!(DENSE) || !(HESSIAN)) && o->plain))                         \
            FN(classes_tile)((FN(classes_spec)){DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, HESSIAN, 1, 0},  \
                             o, segments, n_segments, rows, n, across);                                       \
        else                                                                                                  \
            FN(classes_tile)((FN(classes_spec)){DENSE, ENTROPY, PREDICTION, VALUE, GRADIENT, HESSIAN, 0, 0},  \
                             o, segments, n_segments, rows, n, across);                                       \
    }

#define CLASSES_LOOPS(name, DENSE, ENTROPY, PREDICTION)                         \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, value, 1, 0, 0)              \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, gradient, 0, 1, 0)           \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, value_gradient, 1, 1, 0)     \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, exact, 0, 1, 'h')            \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, majorize, 0, 1, 'm')

CLASSES(CLASSES_LOOPS)

static const real FN(ones)[LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* Transpose four by four: to[j * to_step + i] = from[i * from_step + j]. One shuffle per two numbers moved, where a
 * scalar copy takes a load and a store for each. */
typedef real FN(four) __attribute__((vector_size(4 * sizeof(real))));
INLINE void FN(transpose4)(real *to, ptrdiff_t to_step, const real *from, ptrdiff_t from_step) {
    FN(four) a, b, c, d;
    memcpy(&a, from, sizeof a);
    memcpy(&b, from + from_step, sizeof b);
    memcpy(&c, from + 2 * from_step, sizeof c);
    memcpy(&d, from + 3 * from_step, sizeof d);
    const FN(four) ab01 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab23 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const FN(four) cd01 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd23 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(ab01, cd01, 0, 1, 4, 5);
    b = __builtin_shufflevector(ab01, cd01, 2, 3, 6, 7);
    c = __builtin_shufflevector(ab23, cd23, 0, 1, 4, 5);
    d = __builtin_shufflevector(ab23, cd23, 2, 3, 6, 7);
    memcpy(to, &a, sizeof a);
    memcpy(to + to_step, &b, sizeof b);
    memcpy(to + 2 * to_step, &c, sizeof c);
    memcpy(to + 3 * to_step, &d, sizeof d);
}

/* LANES rows of K numbers side by side; missing rows repeat the last. The last four columns of a K that is no
 * multiple of four are moved once more with their neighbours. */
static void FN(to_lanes)(real *restrict to, const real *restrict rows, ptrdiff_t classes, ptrdiff_t n) {
    if (n == LANES && classes == 3) /* a literal: then it is vector code */
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            to[l] = rows[3 * l];
            to[LANES + l] = rows[3 * l + 1];
            to[2 * LANES + l] = rows[3 * l + 2];
        }
    else if (n == LANES && classes == 2)
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            to[l] = rows[2 * l];
            to[LANES + l] = rows[2 * l + 1];
        }
    else if (n == LANES && classes >= 4) {
        for (ptrdiff_t l = 0; l < LANES; l += 4)
            for (ptrdiff_t k = 0; k < classes; k += 4) {
                const ptrdiff_t j = k + 4 <= classes ? k : classes - 4;
                FN(transpose4)(to + j * LANES + l, LANES, rows + l * classes + j, classes);
            }
    } else
        for (ptrdiff_t l = 0; l < LANES; l++) {
            const real *row = rows + (l < n ? l : n - 1) * classes;
            for (ptrdiff_t k = 0; k < classes; k++)
                to[k * LANES + l] = row[k];
        }
}

static void FN(from_lanes)(real *restrict rows, const real *restrict from, ptrdiff_t classes, ptrdiff_t n) {
    if (n == LANES && classes == 3)
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            rows[3 * l] = from[l];
            rows[3 * l + 1] = from[LANES + l];
            rows[3 * l + 2] = from[2 * LANES + l];
        }
    else if (n == LANES && classes == 2)
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            rows[2 * l] = from[l];
            rows[2 * l + 1] = from[LANES + l];
        }
    else if (n == LANES && classes >= 4) {
        for (ptrdiff_t l = 0; l < LANES; l += 4)
            for (ptrdiff_t k = 0; k < classes; k += 4) {
                const ptrdiff_t j = k + 4 <= classes ? k : classes - 4;
                FN(transpose4)(rows + l * classes + j, classes, from + j * LANES + l, LANES);
            }
    } else
        for (ptrdiff_t l = 0; l < n; l++)
            for (ptrdiff_t k = 0; k < classes; k++)
                rows[l * classes + k] = from[k * LANES + l];
}

/* What a block of rows needs besides its predictions: labels and row weights. A row that is to be ignored has weight 0,
 * and a row of weight 0 is ignored. */
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
    if (!dense) {
        load_labels(rows->label, job->y, job->y_type, begin, n);
        for (ptrdiff_t i = 0; i < n && job->has_ignore; i++)
            if (rows->label[i] == job->ignore_index) {
                rows->label[i] = 0;
                rows->weight[i] = 0;
            }
    }
    for (ptrdiff_t i = 0; i < n; i++)
        rows->ignored[i] = rows->weight[i] == 0;
}

/* Give the lanes of a tile their rows: the n rows from `first` on, one per lane, the last repeated. z points to the
 * predictions of row 0. */
INLINE void FN(set_lanes)(FN(classes_rows) * tile, const FN(row_block) * block, ptrdiff_t first, ptrdiff_t n,
                          const fl_job *job, const real *z) {
    const real *class_weight = job->class_weight, *row = z + first * job->width;
    for (ptrdiff_t l = 0; l < n; l++)
        tile->scale[l] = (real)((double)block->weight[first + l] * job->scale);
    if (!job->dense)
        for (ptrdiff_t l = 0; l < n; l++, row += job->width) {
            const ptrdiff_t label = (ptrdiff_t)block->label[first + l];
            tile->label[l] = (bits_t)label;
            tile->at_label[l] = row[label];
            tile->label_weight[l] = class_weight ? class_weight[label] : 1;
        }
    for (ptrdiff_t l = n; l < LANES; l++) {
        tile->scale[l] = tile->scale[n - 1];
        tile->label[l] = tile->label[n - 1];
        tile->at_label[l] = tile->at_label[n - 1];
        tile->label_weight[l] = tile->label_weight[n - 1];
    }
}

/* What is no whole group of LANES classes at the end of a long row. */
typedef struct {
    real z[LANES] ALIGNED, t[LANES] ALIGNED, g[LANES] ALIGNED, h[LANES] ALIGNED;
} FN(row_tail);

/* Blocks are at most TILE rows (the driver's promise). Row targets must have the real type. */
static void FN(run_classes)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const ptrdiff_t classes = job->width, n = end - begin;
    const bool dense = job->dense;
    const FN(classes_loop) loop = (FN(classes_loop))job->loop;
    const real *z = (const real *)job->z + begin * classes;
    const real *t = dense ? (const real *)job->y + begin * classes : 0;
    real *g = job->g ? (real *)job->g + begin * classes : 0;
    real *h = job->h ? (real *)job->h + begin * classes : 0;
    const size_t row_bytes = (size_t)classes * sizeof(real);
    real v[TILE] ALIGNED;
    FN(row_block) rows;
    FN(classes_rows) tile;
    const FN(classes_options) options = {
        .on = (real)(1 - job->p[0]), /* p: label smoothing, z-loss, sum of the class weights */
        .off = (real)(job->p[0] / (double)classes),
        .z_loss = (real)job->p[1],
        .floor = (real)job->floor,
        .classes = (double)classes,
        .total_weight = job->class_weight ? (real)job->p[2] : (real)classes,
        .plain = job->p[0] == 0 && job->p[1] == 0 && !job->class_weight,
    };
    const real *class_weight = job->class_weight ? job->class_weight : FN(ones);
    FN(load_rows)(&rows, job, dense, begin, n);
    if (classes >= FN(ACROSS_FROM)) {
        memset(&tile, 0, sizeof tile); /* lanes without a row compute something, too */
        const ptrdiff_t whole = classes / LANES * LANES, left = classes - whole;
        const size_t left_bytes = (size_t)left * sizeof(real);
        const int n_segments = left ? 2 : 1;
        FN(segment) segments[2 * LANES];
        FN(row_tail) tails[LANES];
        real weight_tail[LANES] ALIGNED;
        for (ptrdiff_t l = 0; l < LANES; l++) { /* padding: no probability, or log 1, and no target */
            for (ptrdiff_t i = 0; i < LANES; i++) {
                tails[i].z[l] = job->logits ? -1 / C(0.0) : C(1.0);
                tails[i].t[l] = 0;
            }
            weight_tail[l] = l >= left ? 0 : job->class_weight ? class_weight[whole + l] : 1;
        }
        for (ptrdiff_t i = 0; i < n; i += LANES) {
            const ptrdiff_t m = n - i < LANES ? n - i : LANES;
            for (ptrdiff_t l = 0; l < m; l++) {
                const ptrdiff_t at = (i + l) * classes;
                FN(row_tail) *tail = tails + l;
                segments[l * n_segments] = (FN(segment)){z + at, dense ? t + at : 0, g ? g + at : 0, h ? h + at : 0,
                                                         whole / LANES, 0, class_weight, job->class_weight ? LANES : 0};
                if (!left)
                    continue;
                memcpy(tail->z, z + at + whole, left_bytes);
                if (dense)
                    memcpy(tail->t, t + at + whole, left_bytes);
                segments[l * n_segments + 1] =
                    (FN(segment)){tail->z, tail->t, tail->g, tail->h, 1, whole, weight_tail, 0};
            }
            FN(set_lanes)(&tile, &rows, i, m, job, z);
            loop(&options, segments, n_segments, &tile, m, 1);
            memcpy(v + i, tile.value, sizeof tile.value);
            for (ptrdiff_t l = 0; l < m; l++) {
                const ptrdiff_t at = (i + l) * classes;
                if (g)
                    memcpy(g + at + whole, tails[l].g, left_bytes);
                if (h)
                    memcpy(h + at + whole, tails[l].h, left_bytes);
                if (g && tile.label_apart)
                    g[at + rows.label[i + l]] = tile.label_gradient[l];
            }
        }
    } else {
        real zt[FN(ACROSS_FROM) * LANES] ALIGNED, tt[FN(ACROSS_FROM) * LANES] ALIGNED;
        real gt[FN(ACROSS_FROM) * LANES] ALIGNED, ht[FN(ACROSS_FROM) * LANES] ALIGNED;
        const FN(segment) segment = {zt, tt, gt, ht, classes, 0, class_weight, job->class_weight != 0};
        for (ptrdiff_t i = 0; i < n; i += LANES) {
            const ptrdiff_t m = n - i < LANES ? n - i : LANES, at = i * classes;
            FN(to_lanes)(zt, z + at, classes, m);
            if (dense)
                FN(to_lanes)(tt, t + at, classes, m);
            FN(set_lanes)(&tile, &rows, i, m, job, z);
            loop(&options, &segment, 1, &tile, m, 0);
            memcpy(v + i, tile.value, sizeof tile.value);
            if (g)
                FN(from_lanes)(g + at, gt, classes, m);
            if (h)
                FN(from_lanes)(h + at, ht, classes, m);
            if (g && tile.label_apart)
                for (ptrdiff_t l = 0; l < m; l++)
                    g[at + l * classes + rows.label[i + l]] = tile.label_gradient[l];
        }
    }
    look(job, begin, end, 0, 0, 0);
    for (ptrdiff_t i = 0; i < n; i++)
        v[i] *= rows.weight[i];
    if (job->w || job->has_ignore)
        for (ptrdiff_t i = 0; i < n; i++)
            if (rows.ignored[i]) { /* nothing, whatever the row holds: NaN times 0 is not nothing */
                v[i] = 0;
                if (g)
                    memset(g + i * classes, 0, row_bytes);
                if (h)
                    memset(h + i * classes, 0, row_bytes);
            }
    if (job->v)
        memcpy((real *)job->v + begin, v, (size_t)n * sizeof(real));
    if (sum) {
        FN(lanes) total = {{0}, {0}};
        FN(accumulate)(&total, v, n);
        FN(finish)(&total, sum);
    }
}

/* What a mean divides by: the sum over the rows of sample weight times class weight, ignored rows out. */
static void FN(total_row_weight)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    FN(row_block) rows;
    const real *t = job->y, *class_weight = job->class_weight;
    const ptrdiff_t n = end - begin, classes = job->width;
    FN(lanes) total = {{0}, {0}};
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
}

/* The first row of [begin, end) whose sum is outside [low, high], or -1. A row with a NaN passes. Rows have the real
 * type. Their terms are probabilities, so that rounding errors are far below what is tolerated. */
static ptrdiff_t FN(first_bad_row_sum)(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end) {
    const ptrdiff_t classes = scan->classes;
    const real *x = (const real *)scan->x + begin * classes;
    double sum[LANES];
    if (classes < FN(ACROSS_FROM)) {
        real tile[FN(ACROSS_FROM) * LANES] ALIGNED;
        for (ptrdiff_t i = begin; i < end; i += LANES, x += LANES * classes) {
            const ptrdiff_t n = end - i < LANES ? end - i : LANES;
            real lanes[LANES] ALIGNED = {0};
            FN(to_lanes)(tile, x, classes, n);
            for (ptrdiff_t k = 0; k < classes; k++)
                EACH_LANE lanes[l] += tile[k * LANES + l];
            int64_t bad = 0;
            for (ptrdiff_t l = 0; l < LANES; l++) {
                sum[l] = (double)lanes[l];
                bad |= (sum[l] < scan->low) | (sum[l] > scan->high);
            }
            if (bad)
                for (ptrdiff_t l = 0; l < n; l++)
                    if (sum[l] < scan->low || sum[l] > scan->high)
                        return i + l;
        }
        return -1;
    }
    for (ptrdiff_t i = begin; i < end; i++, x += classes) {
        memset(sum, 0, sizeof sum);
        ptrdiff_t k = 0;
        for (; k + LANES <= classes; k += LANES)
            for (ptrdiff_t l = 0; l < LANES; l++)
                sum[l] += (double)x[k + l];
        for (; k < classes; k++)
            sum[k % LANES] += (double)x[k];
        double all = 0;
        for (ptrdiff_t l = 0; l < LANES; l++)
            all += sum[l];
        if (all < scan->low || all > scan->high)
            return i;
    }
    return -1;
}

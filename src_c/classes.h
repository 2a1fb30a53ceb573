/* Losses over classes: the loops, generated per loss and operation, and the runner that feeds them rows. */

typedef void (*FN(classes_loop))(const FN(classes_options) * options, const FN(segment) * segments, int n_segments,
                                 FN(classes_rows) * rows, ptrdiff_t n, int across);

/* An operation is a first stage, the rows' own numbers and, but for the value, a last stage (losses/classes.h).
 *
 * Plain: a divergence, which has no options, or raw scores without any. With labels its gradient rounds differently, so
 * passes with a Hessian take it too: the gradient has the same bits in every operation. */
#define CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, operation, first, VALUE, GRADIENT, last, HESSIAN)        \
    static void FN(name##_##operation)(const FN(classes_options) * o, const FN(segment) * segments,             \
                                       int n_segments, FN(classes_rows) * rows, ptrdiff_t n, int across) {      \
        const bool plain = (ENTROPY) || (PREDICTION == 'z' && (!(DENSE) || !(HESSIAN)) && o->plain);            \
        (plain ? FN(name##_plain_##first) : FN(name##_##first))(o, segments, n_segments, rows, n, across);      \
        (plain ? FN(name##_plain_values) : FN(name##_values))(o, rows, n, VALUE, GRADIENT);                     \
        if (GRADIENT)                                                                                           \
            (plain ? FN(name##_plain_##last) : FN(name##_##last))(o, segments, n_segments, rows, n, across);    \
    }

/* name, row targets?, adds the entropy?, prediction. Value loops alone have the divergences whose other operations are those
 * of a cross-entropy (kernels.h). */
#define VALUE_LOOPS(name, DENSE, ENTROPY, PREDICTION)                                                           \
    STAGES(name, DENSE, ENTROPY, PREDICTION)                                                                    \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, value, first_value, 1, 0, last, 0)                           \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, value_gradient, first_value_gradient, 1, 1, last, 0)
#define GIVEN_LOOPS(name, DENSE, ENTROPY, PREDICTION)                                                           \
    VALUE_LOOPS(name, DENSE, ENTROPY, PREDICTION)                                                               \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, gradient, first_gradient, 0, 1, last, 0)                     \
    CLASSES_LOOP(name, DENSE, ENTROPY, PREDICTION, exact, first_gradient, 0, 1, last_exact, 'h')
#define SOFTMAX_LOOPS(name, DENSE)                                                                              \
    GIVEN_LOOPS(name, DENSE, 0, 'z')                                                                            \
    CLASSES_LOOP(name, DENSE, 0, 'z', majorize, first_gradient, 0, 1, last_majorize, 'm')

SOFTMAX_LOOPS(ce_index_logits, 0)
SOFTMAX_LOOPS(ce_dense_logits, 1)
VALUE_LOOPS(kl_logits, 1, 1, 'z')
GIVEN_LOOPS(ce_index_probabilities, 0, 0, 'p')
GIVEN_LOOPS(ce_index_log_probabilities, 0, 0, 'l')
GIVEN_LOOPS(ce_dense_probabilities, 1, 0, 'p')
VALUE_LOOPS(kl_probabilities, 1, 1, 'p')
GIVEN_LOOPS(kl_log_probabilities, 1, 1, 'l')

/* Of a function of the label's probability too. Options and all: the product is that of the terms' A and B. */
LAST_STAGE(ce_index_logits_last_product, 0, 'z', 'u', 0)
static void FN(ce_index_logits_product)(const FN(classes_options) * o, const FN(segment) * segments, int n_segments,
                                        FN(classes_rows) * rows, ptrdiff_t n, int across) {
    FN(ce_index_logits_first_gradient)(o, segments, n_segments, rows, n, across);
    FN(ce_index_logits_values)(o, rows, n, 0, 0);
    FN(ce_index_logits_last_product)(o, segments, n_segments, rows, n, across);
}

/* Of a sum of terms: loops that differ in what they say of the Hessian. */
#define TERMS_LOOP_OF(PREDICTION, operation, HESSIAN)                                                         \
    static void FN(terms_##operation)(const FN(classes_options) * o, const FN(segment) * segments,            \
                                      int n_segments, FN(classes_rows) * rows, ptrdiff_t n, int across) {     \
        FN(sum_of_terms)(o, segments, n_segments, rows, n, across, PREDICTION, HESSIAN);                      \
    }
TERMS_LOOP_OF('z', logits, 0)
TERMS_LOOP_OF('z', logits_exact, 'h')
TERMS_LOOP_OF('z', logits_majorize, 'm')
TERMS_LOOP_OF('z', logits_fisher, 'f')
TERMS_LOOP_OF('z', logits_shares, 'p')
TERMS_LOOP_OF('z', logits_product, 'u')
TERMS_LOOP_OF('p', probabilities, 0)
TERMS_LOOP_OF('l', log_probabilities, 0)

static const real FN(ones)[LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* What a block of rows needs besides its predictions: labels and row weights. A row that is to be ignored has weight 0,
 * and a row of weight 0 is ignored. */
typedef struct {
    int64_t label[TILE];
    real weight[TILE] ALIGNED;
    bool ignored[TILE] ALIGNED;
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

/* What is no whole group of LANES classes at the end of a long row. */
typedef struct {
    real z[LANES] ALIGNED, t[LANES] ALIGNED, u[LANES] ALIGNED, g[LANES] ALIGNED, h[LANES] ALIGNED;
} FN(row_tail);

/* Rows written past the cache go in groups of a quarter of the room, which the processor's store queue takes while the next
 * are computed; longer rows go through the cache. */
typedef struct {
    real z[FN(ROOM)] ALIGNED, t[FN(ROOM)] ALIGNED, u[FN(ROOM)] ALIGNED, g[FN(ROOM)] ALIGNED, h[FN(ROOM)] ALIGNED;
} FN(classes_room);

/* What a runner of groups needs to know of a block. */
typedef struct {
    const fl_job *job;
    FN(classes_loop) loop;
    FN(classes_options) options;
    FN(row_block) given;
    FN(classes_rows) rows;
    const real *class_weight;
    const fl_check *of_sums; /* of the rows of targets, or NULL; not once a short row is seen that does not pass */
} FN(classes_block);

/* Sums of LANES short rows, side by side; whether they are what they should be. A row with a NaN passes. */
INLINE void FN(row_sums)(real *restrict sum, const real *t, ptrdiff_t classes) {
    EACH_LANE sum[l] = 0;
    for (ptrdiff_t k = 0; k < classes; k++)
        EACH_LANE sum[l] += t[k * LANES + l];
}
INLINE bool FN(pass)(const fl_domain_scan *scan, const real *sum) {
    int64_t bad = 0;
    for (ptrdiff_t l = 0; l < LANES; l++)
        bad |= ((double)sum[l] < scan->low) | ((double)sum[l] > scan->high);
    return !bad;
}
static ptrdiff_t FN(first_bad_row_sum)(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end);
static const fl_check *FN(check_of_sums)(const fl_job *job) {
    for (const fl_check *check = job->checks; check < job->checks + job->n_checks; check++)
        if (check->scan == FN(first_bad_row_sum) && is_of_targets(job, check))
            return check;
    return 0;
}

/* Where LANES rows have row l's number of class k: side by side, or each row by itself. */
INLINE ptrdiff_t FN(place)(ptrdiff_t l, ptrdiff_t k, ptrdiff_t classes, bool across) {
    return across ? l * classes + k : k * LANES + l;
}

/* Rows of a group, LANES at a time: from i0 to i1. */
#define EACH_LANES(i0, i1, n) \
    for (ptrdiff_t i0 = 0, i1; i1 = n - i0 < LANES ? n : i0 + LANES, i0 < n; i0 = i1)

/* A group's n rows from `first` on of the block, the last repeated in lanes without one. z points to its predictions. */
INLINE void FN(set_rows)(FN(classes_block) * block, ptrdiff_t first, ptrdiff_t n, const real *z, bool across) {
    const ptrdiff_t padded = PADDED(n, LANES), classes = block->job->width;
    const real *class_weight = block->job->class_weight;
    const int64_t *labels = block->given.label + first;
    FN(classes_rows) *rows = &block->rows;
    for (ptrdiff_t i = 0; i < n; i++)
        rows->scale[i] = (real)((double)block->given.weight[first + i] * block->job->scale);
    for (ptrdiff_t i = n; i < padded; i++)
        rows->scale[i] = rows->scale[n - 1];
    if (block->job->dense)
        return;
    EACH_LANES(i0, i1, n) {
        const real *own = z + i0 * classes;
        for (ptrdiff_t i = i0; i < i1; i++)
            rows->at_label[i] = own[FN(place)(i - i0, (ptrdiff_t)labels[i], classes, across)];
    }
    for (ptrdiff_t i = 0; i < n; i++)
        rows->label[i] = (bits_t)labels[i];
    for (ptrdiff_t i = n; i < padded; i++) {
        rows->at_label[i] = rows->at_label[n - 1];
        rows->label[i] = rows->label[n - 1];
    }
    for (ptrdiff_t i = 0; i < padded; i++)
        rows->label_weight[i] = class_weight ? class_weight[rows->label[i]] : 1;
}

/* What a loop leaves to be written: the gradient at the label, where it is apart, and nothing for ignored rows, whatever
 * they hold: NaN times 0 is not nothing. g and h: where the group has them. */
INLINE void FN(complete_rows)(const FN(classes_block) * block, ptrdiff_t first, ptrdiff_t n, real *g, real *h,
                              bool across) {
    const ptrdiff_t classes = block->job->width;
    const FN(row_block) *given = &block->given;
    if (block->job->operation == FL_SHARES) /* probabilities they have */
        h = 0;
    EACH_LANES(i0, i1, n) {
        real *own_g = g ? g + i0 * classes : 0, *own_h = h ? h + i0 * classes : 0;
        bool any = 0;
        for (ptrdiff_t i = i0; i < i1 && own_g && block->rows.label_apart; i++)
            own_g[FN(place)(i - i0, (ptrdiff_t)given->label[first + i], classes, across)] = block->rows.label_gradient[i];
        for (ptrdiff_t i = i0; i < i1; i++)
            any |= given->ignored[first + i];
        for (ptrdiff_t i = i0; any && i < i1; i++)
            for (ptrdiff_t k = 0; given->ignored[first + i] && k < classes; k++) {
                const ptrdiff_t at = FN(place)(i - i0, k, classes, across);
                if (own_g)
                    own_g[at] = 0;
                if (own_h)
                    own_h[at] = 0;
            }
    }
}

/* LANES rows' numbers to an output, of which they are from number, or by columns from row, `at` on. */
static void FN(put_lanes)(const fl_job *job, void *to, ptrdiff_t at, const real *lanes, ptrdiff_t n) {
    if (job->columns)
        FN(lanes_to_columns)(to, at, lanes, job->columns, job->width, n, job->put);
    else
        FN(from_lanes)((real *)to + at, lanes, job->width, n);
}

/* A group of n short rows, side by side, and to g and h: their place `to` is that of the group. */
static void FN(run_short_rows)(FN(classes_block) * block, ptrdiff_t first, ptrdiff_t n, const real *z, const real *t,
                               const real *u, void *g, void *h, ptrdiff_t to) {
    const fl_job *job = block->job;
    const ptrdiff_t classes = job->width, columns = job->columns;
    FN(classes_room) room;
    FN(segment) segments[FN(GROUP) / LANES];
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        const ptrdiff_t at = i * classes, m = n - i < LANES ? n - i : LANES;
        segments[i / LANES] = (FN(segment)){room.z + at, t ? room.t + at : 0, g ? room.g + at : 0, h ? room.h + at : 0,
                                            room.u + at, classes, 0, block->class_weight, job->class_weight != 0};
        if (columns)
            FN(columns_to_lanes)(room.z + at, z + i, columns, classes, m);
        else
            FN(to_lanes)(room.z + at, z + at, classes, m);
        if (t)
            FN(to_lanes)(room.t + at, t + at, classes, m);
        if (block->of_sums) {
            real sum[LANES] ALIGNED;
            FN(row_sums)(sum, room.t + at, classes);
            block->of_sums = FN(pass)(&block->of_sums->what, sum) ? block->of_sums : 0; /* where, is looked for later */
        }
        if (u)
            FN(to_lanes)(room.u + at, u + at, classes, m);
    }
    FN(set_rows)(block, first, n, room.z, 0);
    block->loop(&block->options, segments, 1, &block->rows, n, 0);
    FN(complete_rows)(block, first, n, g ? room.g : 0, h ? room.h : 0, 0);
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        const ptrdiff_t at = i * classes, place = to + (columns ? i : at), m = n - i < LANES ? n - i : LANES;
        if (g)
            FN(put_lanes)(job, g, place, room.g + at, m);
        if (h)
            FN(put_lanes)(job, h, place, room.h + at, m);
    }
}

/* A group of n long rows, where they lie, but for what is no whole group of LANES classes at their ends. */
static void FN(run_long_rows)(FN(classes_block) * block, ptrdiff_t first, ptrdiff_t n, const real *z, const real *t,
                              const real *u, void *to_g, void *to_h, ptrdiff_t to) {
    const fl_job *job = block->job;
    real *g = to_g ? (real *)to_g + to : 0, *h = to_h ? (real *)to_h + to : 0;
    const real *class_weight = block->class_weight;
    const ptrdiff_t classes = job->width, whole = classes / LANES * LANES, left = classes - whole;
    const size_t left_bytes = (size_t)left * sizeof(real);
    const int n_segments = left ? 2 : 1;
    FN(segment) segments[2 * LANES];
    FN(row_tail) tails[LANES];
    real weight_tail[LANES] ALIGNED;
    for (ptrdiff_t l = 0; l < LANES; l++) { /* lanes without a row compute something, too */
        FN(classes_rows) *rows = &block->rows;
        rows->top[l] = 0, rows->ties[l] = 1, rows->rest[l] = rows->dot[l] = rows->total[l] = 0;
    }
    for (ptrdiff_t l = 0; l < LANES; l++)
        weight_tail[l] = l >= left ? 0 : job->class_weight ? class_weight[whole + l] : 1;
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t at = i * classes;
        FN(row_tail) *tail = tails + i;
        segments[i * n_segments] = (FN(segment)){z + at, t ? t + at : 0, g ? g + at : 0, h ? h + at : 0, u ? u + at : 0,
                                                 whole / LANES, 0, class_weight, job->class_weight ? LANES : 0};
        if (!left)
            continue;
        for (ptrdiff_t l = 0; l < LANES; l++) { /* padding: no probability, or log 1, and no target */
            tail->z[l] = job->logits ? -1 / C(0.0) : C(1.0);
            tail->t[l] = tail->u[l] = 0;
        }
        memcpy(tail->z, z + at + whole, left_bytes);
        if (t)
            memcpy(tail->t, t + at + whole, left_bytes);
        if (u)
            memcpy(tail->u, u + at + whole, left_bytes);
        segments[i * n_segments + 1] = (FN(segment)){
            tail->z, t ? tail->t : 0, g ? tail->g : 0, h ? tail->h : 0, tail->u, 1, whole, weight_tail, 0};
    }
    FN(set_rows)(block, first, n, z, 1);
    block->loop(&block->options, segments, n_segments, &block->rows, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t at = i * classes + whole;
        if (g)
            memcpy(g + at, tails[i].g, left_bytes);
        if (h)
            memcpy(h + at, tails[i].h, left_bytes);
    }
    FN(complete_rows)(block, first, n, g, h, 1);
}

/* Whether what a row is given at its label is all of the loss, and its gradient is 0 elsewhere: of functions of the
 * label's probability, which comes without a softmax. Nothing else is read then; but a NaN elsewhere has to be seen. */
static bool FN(is_of_label_alone)(const fl_job *job) {
    return job->known && !job->columns && !job->dense && !job->logits && !job->h && !job->class_weight && job->p[0] == 0 &&
           job->p[3] <= FL_POLY1;
}

/* A group of n such rows, as if they had one class. */
static void FN(run_labels)(FN(classes_block) * block, ptrdiff_t first, ptrdiff_t n, const real *z,
                           const real *t __attribute__((unused)), const real *u __attribute__((unused)), void *to_g,
                           void *to_h __attribute__((unused)), ptrdiff_t to) {
    real *g = to_g ? (real *)to_g + to : 0;
    FN(classes_rows) *rows = &block->rows;
    FN(segment) segments[FN(GROUP) / LANES];
    FN(set_rows)(block, first, n, z, 1);
    memset(rows->label, 0, sizeof rows->label);
    for (ptrdiff_t i = 0; i < n; i += LANES)
        segments[i / LANES] = (FN(segment)){.z = rows->at_label + i, .g = g ? rows->label_gradient + i : 0, .groups = 1,
                                            .weight = FN(ones)};
    block->loop(&block->options, segments, 1, rows, n, 0);
    rows->label_apart = g != 0;
    if (g)
        memset(g, 0, (size_t)(n * block->job->width) * sizeof *g);
    FN(complete_rows)(block, first, n, g, 0, 1);
}

/* Blocks are at most TILE rows (the driver's promise). Row targets must have the real type. */
static void FN(run_classes)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const ptrdiff_t classes = job->width, n = end - begin, step = job->columns ? 1 : classes; /* from row to row */
    const bool across = classes >= FN(ACROSS_FROM);
    const size_t row_bytes = (size_t)classes * sizeof(real);
    const real *z = (const real *)job->z + begin * step;
    const real *t = job->dense ? (const real *)job->y + begin * classes : 0;
    const real *u = job->u ? (const real *)job->u + begin * classes : 0;
    const bool stream = job->put == FL_PAST_CACHE && job->g && classes <= FN(ROOM) / 4;
    real gb[FN(ROOM)] ALIGNED, hb[FN(ROOM)] ALIGNED, v[TILE] ALIGNED;
    FN(classes_block) block;
    block.job = job;
    block.loop = (FN(classes_loop))job->loop;
    block.class_weight = job->class_weight ? job->class_weight : FN(ones);
    block.options = (FN(classes_options)){
        .on = (real)(1 - job->p[0]), /* p: label smoothing, z-loss, sum of the class weights */
        .off = (real)(job->p[0] / (double)classes),
        .z_loss = (real)job->p[1],
        .floor = (real)job->floor,
        .classes = (double)classes,
        .total_weight = job->class_weight ? (real)job->p[2] : (real)classes,
        .shares = job->operation == FL_SHARES,
        .information = job->operation == FL_FISHER,
        .phi = (int)job->p[3], /* then its parameter, a factor, and the end */
        .shape = (real)job->p[4],
        .shape_low = (real)(job->p[4] - (double)(real)job->p[4]),
        .alpha = job->p[3] == FL_LOGARITHM ? 1 : (real)job->p[5],
        .end = (real)job->p[6],
        .plain = job->p[0] == 0 && job->p[1] == 0 && job->p[3] == 0 && !job->class_weight,
    };
    ptrdiff_t group = (stream ? FN(ROOM) / 4 : FN(ROOM)) / classes;
    if (across)
        group = group < 1 ? 1 : group;
    else
        group = group < LANES ? LANES : group < FN(GROUP) ? group / LANES * LANES : FN(GROUP);
    const bool of_label = FN(is_of_label_alone)(job);
    block.of_sums = across ? 0 : FN(check_of_sums)(job);
    FN(load_rows)(&block.given, job, job->dense, begin, n);
    for (ptrdiff_t i = 0; i < n; i += group) {
        const ptrdiff_t m = n - i < group ? n - i : group, at = i * classes;
        void *g = job->g && stream ? gb : job->g, *h = job->h && stream ? hb : job->h;
        (of_label ? FN(run_labels) : across ? FN(run_long_rows) : FN(run_short_rows))(
            &block, i, m, z + i * step, t ? t + at : 0, u ? u + at : 0, g, h, stream ? 0 : (begin + i) * step);
        memcpy(v + i, block.rows.value, (size_t)m * sizeof(real));
        if (stream)
            stream_copy((real *)job->g + begin * classes + at, gb, (size_t)m * row_bytes);
        if (stream && h)
            stream_copy((real *)job->h + begin * classes + at, hb, (size_t)m * row_bytes);
    }
    look(job, begin, end, 0, 0, block.of_sums);
    if (!job->v && !sum)
        return;
    for (ptrdiff_t i = 0; i < n; i++)
        v[i] *= block.given.weight[i];
    for (ptrdiff_t i = 0; i < n && (job->w || job->has_ignore); i++)
        v[i] = block.given.ignored[i] ? 0 : v[i];
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
        real tile[FN(ROOM)] ALIGNED, lanes[LANES] ALIGNED;
        for (ptrdiff_t i = begin; i < end; i += LANES, x += LANES * classes) {
            const ptrdiff_t n = end - i < LANES ? end - i : LANES;
            FN(to_lanes)(tile, x, classes, n);
            FN(row_sums)(lanes, tile, classes);
            if (!FN(pass)(scan, lanes))
                for (ptrdiff_t l = 0; l < n; l++)
                    if ((double)lanes[l] < scan->low || (double)lanes[l] > scan->high)
                        return i + l;
        }
        return -1;
    }
    for (ptrdiff_t i = begin; i < end; i++, x += classes) {
        memset(sum, 0, sizeof sum);
        ptrdiff_t k = 0;
        while (k + LANES <= classes) { /* widened now and then: it costs more than an addition */
            const ptrdiff_t left = (classes - k) / LANES, chunk = left < 64 ? left : 64;
            real part[LANES] ALIGNED = {0};
            for (ptrdiff_t j = 0; j < chunk; j++, k += LANES)
                EACH_LANE part[l] += x[k + l];
            EACH_LANE sum[l] += (double)part[l];
        }
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

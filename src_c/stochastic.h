/* Stochastic descent of a linear model: a batch's rows are drawn from X and laid side by side, scores and X^T times slopes
 * are taken of them as of any block of rows, and the coefficients follow. Coefficients and what their rule remembers are
 * double; the copy that scores are made of has the real type. */

/* Rows of dense X are asked for one batch ahead, some between pieces of the arithmetic on this one: all at once they would
 * wait for each other, and the arithmetic for them. Half as many in the shorter first half. */
enum { FN(PIECE_ROWS) = 32 };
static ptrdiff_t FN(ask_for)(const fl_linear *from, const ptrdiff_t *at, ptrdiff_t asked, ptrdiff_t m) {
    const size_t bytes = (size_t)from->p * sizeof(real);
    for (ptrdiff_t i = asked; i < m; i++)
        for (size_t line = 0; line < bytes; line += 64)
            __builtin_prefetch((const char *)from->x + (size_t)at[i] * bytes + line, 0, 2);
    return asked > m ? asked : m;
}

/* Rows at[0 .. m) of a source, each of `bytes` bytes. */
static void FN(draw)(char *to, const char *from, const ptrdiff_t *at, ptrdiff_t m, size_t bytes) {
    for (ptrdiff_t i = 0; i < m; i++)
        memcpy(to + (size_t)i * bytes, from + (size_t)at[i] * bytes, bytes);
}

#define DRAW_SPARSE(index)                                                                                   \
    static void FN(draw_sparse_##index)(const fl_linear *from, const ptrdiff_t *at, ptrdiff_t m, real *x, index *columns, \
                                        index *starts) {                                                     \
        const index *source = from->starts;                                                                  \
        ptrdiff_t n = 0;                                                                                     \
        for (ptrdiff_t i = 0; i < m; i++) {                                                                  \
            const size_t first = (size_t)source[at[i]], length = (size_t)source[at[i] + 1] - first;          \
            starts[i] = (index)n;                                                                            \
            memcpy(x + n, (const real *)from->x + first, length * sizeof *x);                                \
            memcpy(columns + n, (const index *)from->columns + first, length * sizeof *columns);             \
            n += (ptrdiff_t)length;                                                                          \
        }                                                                                                    \
        starts[m] = (index)n;                                                                                \
    }
DRAW_SPARSE(int32_t)
DRAW_SPARSE(int64_t)
#undef DRAW_SPARSE

static void FN(draw_rows)(const fl_descent *d, const ptrdiff_t *at, ptrdiff_t m) {
    const fl_linear *from = d->source;
    if (from->order == FL_ROWS)
        FN(draw)(d->x, from->x, at, m, (size_t)from->p * sizeof(real));
    else if (from->order == FL_COLUMNS)
        for (ptrdiff_t j = 0; j < from->p; j++)
            for (ptrdiff_t i = 0; i < m; i++)
                ((real *)d->x)[j * m + i] = ((const real *)from->x)[j * from->n + at[i]];
    else if (from->wide_index)
        FN(draw_sparse_int64_t)(from, at, m, (real *)d->x, (int64_t *)d->columns, (int64_t *)d->starts);
    else
        FN(draw_sparse_int32_t)(from, at, m, (real *)d->x, (int32_t *)d->columns, (int32_t *)d->starts);
}

/* m = keep m + take g, s = hold s + add g^2; theta -= rate (lead g + follow m) / (root sqrt(s) + floor), and then what the
 * l1 penalty of as long a step leaves of a coefficient. The last row of theta, of an intercept, has no penalty. */
static void FN(step)(const fl_descent *d, double *restrict g, ptrdiff_t penalised, ptrdiff_t n, double rate, double root) {
    const double keep = d->keep, take = d->take, lead = d->lead, follow = d->follow, hold = d->hold, add = d->add,
                 floor = d->floor, l1 = d->l1, l2 = d->l2;
    double *restrict theta = d->theta, *restrict first = d->first, *restrict second = d->second,
                     *restrict total = d->gradients;
    real *restrict copy = d->coefficients;
    for (ptrdiff_t j = 0; j < penalised; j++)
        g[j] += l2 * theta[j];
    for (ptrdiff_t j = 0; j < n; j++) {
        const double m = keep * first[j] + take * g[j], s = hold * second[j] + add * g[j] * g[j];
        const double length = rate / (root * __builtin_sqrt(s) + floor), to = theta[j] - length * (lead * g[j] + follow * m);
        const double most = j < penalised ? length * l1 : 0, off = to > most ? most : to < -most ? -most : to;
        first[j] = m;
        second[j] = s;
        total[j] += g[j];
        theta[j] = j < penalised && l1 > 0 ? to - off : to;
        copy[j] = (real)theta[j];
    }
}

/* The gradient of a batch of m rows that lie ready, and in `sum` its losses; `more` rows will follow from `next` on. */
static void FN(batch_gradient)(const fl_descent *d, const fl_linear *batch, const fl_job *loss, ptrdiff_t m,
                               const ptrdiff_t *next, ptrdiff_t more, double sum[2]) {
    const ptrdiff_t k = batch->k, piece = batch->order == FL_ROWS && k == 1 ? FN(PIECE_ROWS) : m;
    ptrdiff_t asked = batch->order == FL_ROWS ? 0 : more;
    for (ptrdiff_t i = 0; i < m; i += piece) {
        const ptrdiff_t rows = m - i < piece ? m - i : piece, wanted = asked + rows / 2;
        asked = FN(ask_for)(d->source, next, asked, wanted < more ? wanted : more);
        FN(scores)(batch, i, rows, (real *)d->z + i * k, d->part, d->wide);
    }
    sum[0] = sum[1] = 0;
    for (ptrdiff_t i = 0; i < m; i += batch->block) {
        double of_block[2];
        loss->run(loss, i, m - i < batch->block ? m : i + batch->block, of_block);
        sum[0] += of_block[0];
        sum[1] += of_block[1];
    }
    memset(batch->gradients, 0, (size_t)batch->size * sizeof(double));
    for (ptrdiff_t i = 0; i < m; i += piece) {
        const ptrdiff_t rows = m - i < piece ? m - i : piece, wanted = asked + rows;
        asked = FN(ask_for)(d->source, next, asked, wanted < more ? wanted : more);
        FN(pull_back)(batch, i, rows, (const real *)d->g + i * k, batch->gradients, d->part);
    }
}

/* Steps begin to end - 1. */
static void FN(run_descent)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_descent *d = (const fl_descent *)job;
    const fl_linear *from = d->source;
    fl_linear batch = *from;
    fl_job loss = *from->loss;
    const size_t of_target = loss.dense ? (size_t)from->k * sizeof(real) : size_of[loss.y_type];
    batch.x = d->x;
    batch.columns = d->columns;
    batch.starts = d->starts;
    batch.theta = d->coefficients;
    batch.b = from->intercept ? d->theta + from->p * from->k : 0;
    loss.y = d->y;
    loss.w = loss.w ? d->w : 0;
    loss.z = d->z;
    loss.g = d->g;
    for (ptrdiff_t i = 0; i < from->size; i++)
        ((real *)d->coefficients)[i] = (real)d->theta[i];
    sum[0] = sum[1] = 0;
    for (ptrdiff_t step = begin; step < end; step++) {
        const ptrdiff_t first = step * d->batch, left = d->n_rows - first, m = left < d->batch ? left : d->batch;
        const ptrdiff_t *at = d->rows + first;
        double of_batch[2];
        batch.n = m;
        loss.scale = d->scale / (double)m;
        FN(draw_rows)(d, at, m);
        FN(draw)(d->y, from->loss->y, at, m, of_target);
        if (loss.w)
            FN(draw)(d->w, from->loss->w, at, m, size_of[loss.w_type]);
        FN(batch_gradient)(d, &batch, &loss, m, at + m, left - m < d->batch ? left - m : d->batch, of_batch);
        sum[0] += of_batch[0];
        sum[1] += of_batch[1];
        FN(step)(d, batch.gradients, from->p * from->k, from->size, d->rates[step], d->roots[step]);
    }
}

/* Stochastic descent of a linear model: scores and X^T times slopes are taken of a batch's rows as of any block of rows,
 * and the coefficients follow. Rows are read where they lie; products with several outputs have them laid side by side.
 * Coefficients and what their rule remembers are double; the copy that scores are made of has the real type. */

/* Numbers, or rows of them, at[0 .. m) of a source, each of `bytes` bytes. */
static void FN(draw)(char *to, const char *from, const ptrdiff_t *at, ptrdiff_t m, size_t bytes) {
    if (bytes == sizeof(real))
        for (ptrdiff_t i = 0; i < m; i++)
            memcpy(to + (size_t)i * sizeof(real), from + (size_t)at[i] * sizeof(real), sizeof(real));
    else
        for (ptrdiff_t i = 0; i < m; i++)
            memcpy(to + (size_t)i * bytes, from + (size_t)at[i] * bytes, bytes);
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

/* The gradient of a batch of m rows, and in `sum` its losses. */
static void FN(batch_gradient)(const fl_descent *d, const fl_linear *batch, const fl_job *loss, ptrdiff_t m, double sum[2]) {
    FN(scores)(batch, 0, m, d->z, d->part, d->wide);
    sum[0] = sum[1] = 0;
    for (ptrdiff_t i = 0; i < m; i += batch->block) {
        double of_block[2];
        loss->run(loss, i, m - i < batch->block ? m : i + batch->block, of_block);
        sum[0] += of_block[0];
        sum[1] += of_block[1];
    }
    memset(batch->gradients, 0, (size_t)batch->size * sizeof(double));
    FN(pull_back)(batch, 0, m, d->g, batch->gradients, d->part);
}

/* Steps begin to end - 1. */
static void FN(run_descent)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_descent *d = (const fl_descent *)job;
    const fl_linear *from = d->source;
    fl_linear batch = *from;
    fl_job loss = *from->loss;
    const size_t of_target = loss.dense ? (size_t)from->k * sizeof(real) : size_of[loss.y_type];
    const int in_place = from->order == FL_SPARSE || from->k == 1;
    if (!in_place)
        batch.x = d->x;
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
        if (in_place) {
            batch.rows = at;
            batch.n_rows = left;
        } else
            FN(draw)(d->x, from->x, at, m, (size_t)from->p * sizeof(real));
        FN(draw)(d->y, from->loss->y, at, m, of_target);
        if (loss.w)
            FN(draw)(d->w, from->loss->w, at, m, size_of[loss.w_type]);
        FN(batch_gradient)(d, &batch, &loss, m, of_batch);
        sum[0] += of_batch[0];
        sum[1] += of_batch[1];
        FN(step)(d, batch.gradients, from->p * from->k, from->size, d->rates[step], d->roots[step]);
    }
}

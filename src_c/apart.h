/* Gradient and curvature for callers whose scores and results lie otherwise than a kernel's: results as float of double
 * scores, or the numbers of a class together. The loss's own runner is given a few rows at a time, and what is copied
 * before and after it stays in L1. */

/* n numbers from `from` on, to place `at` of an output. */
INLINE void FN(put_numbers)(const fl_apart *apart, void *to, ptrdiff_t at, const real *from, ptrdiff_t n) {
    if (apart->narrow)
        for (ptrdiff_t i = 0; i < n; i++)
            ((float *)to)[at + i] = (float)from[i];
    else
        memcpy((real *)to + at, from, (size_t)n * sizeof *from);
}

/* m rows from row `at` on, if they are asked for. */
static void FN(put_apart)(const fl_apart *apart, void *to, ptrdiff_t at, const real *rows, ptrdiff_t m) {
    const ptrdiff_t classes = apart->loss->width;
    real lanes[FL_APART] ALIGNED;
    if (!to)
        return;
    if (!apart->by_columns) {
        FN(put_numbers)(apart, to, at * classes, rows, m * classes);
        return;
    }
    for (ptrdiff_t i = 0; i < m; i += LANES) {
        const ptrdiff_t n = m - i < LANES ? m - i : LANES;
        FN(to_lanes)(lanes, rows + i * classes, classes, n);
        for (ptrdiff_t k = 0; k < classes; k++)
            FN(put_numbers)(apart, to, k * apart->n + at + i, lanes + k * LANES, n);
    }
}

/* m rows from row `at` on of scores that lie by columns. */
static void FN(get_apart)(const fl_apart *apart, real *rows, ptrdiff_t at, ptrdiff_t m) {
    const ptrdiff_t classes = apart->loss->width;
    const real *z = (const real *)apart->loss->z + at;
    real lanes[FL_APART] ALIGNED;
    for (ptrdiff_t i = 0; i < m; i += LANES) {
        const ptrdiff_t n = m - i < LANES ? m - i : LANES;
        for (ptrdiff_t k = 0; k < classes; k++)
            memcpy(lanes + k * LANES, z + k * apart->n + i, (size_t)n * sizeof(real));
        FN(from_lanes)(rows + i * classes, lanes, classes, n);
    }
}

static void FN(run_apart)(const fl_job *of, ptrdiff_t begin, ptrdiff_t end,
                          double sum[2] __attribute__((unused))) {
    const fl_apart *apart = (const fl_apart *)of;
    const fl_job *loss = apart->loss;
    const ptrdiff_t classes = loss->width, whole = FL_APART / classes / LANES * LANES;
    const ptrdiff_t most = whole < TILE ? whole : TILE;
    const char *y = loss->y, *w = loss->w;
    real z[FL_APART] ALIGNED, g[FL_APART] ALIGNED, h[FL_APART] ALIGNED;
    fl_job part = *loss;
    part.n_checks = 0;
    part.g = g;
    part.h = loss->h ? h : 0;
    for (ptrdiff_t at = begin, m; at < end; at += m) {
        m = end - at < most ? end - at : most;
        part.y = y + (size_t)at * size_of[loss->y_type];
        part.w = w ? w + (size_t)at * size_of[loss->w_type] : 0;
        part.z = (const real *)loss->z + at * classes;
        if (apart->by_columns) {
            FN(get_apart)(apart, z, at, m);
            part.z = z;
        }
        part.run(&part, 0, m, 0);
        FN(put_apart)(apart, loss->g, at, g, m);
        FN(put_apart)(apart, loss->h, at, h, m);
    }
    look(loss, begin, end, 0, 0, 0);
}

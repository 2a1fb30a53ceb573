/* Losses of overlapping masks: three sums for each class, and the gradient that follows from them. Samples x classes x
 * places are cut into units of one class each: a piece of a row of places, or the short rows of some samples. */
#ifndef FL_OVERLAP_H
#define FL_OVERLAP_H

typedef struct {
    ptrdiff_t class, piece;  /* its place among the sums */
    ptrdiff_t sample, rows;  /* the first sample, and of how many there are rows */
    ptrdiff_t at, n;         /* the first element, and how many there are */
    bool gathered;           /* whether other classes lie between the rows */
} overlap_unit;

/* Classes of a piece follow each other, so that short rows are gathered from what is near already. */
static overlap_unit unit_of(const fl_overlap_job *o, ptrdiff_t index) {
    const ptrdiff_t class = index % o->classes, piece = index / o->classes;
    const ptrdiff_t place = piece % o->parts * o->places, sample = piece / o->parts * o->rows;
    const ptrdiff_t samples = o->samples - sample, places = o->row - place;
    const ptrdiff_t rows = samples < o->rows ? samples : o->rows;
    return (overlap_unit){
        .class = class,
        .piece = piece,
        .sample = sample,
        .rows = rows,
        .at = (sample * o->classes + class) * o->row + place,
        .n = rows * (places < o->places ? places : o->places),
        .gathered = rows > 1 && o->classes > 1,
    };
}

#endif /* once; what follows is per real type */

/* The rows of a unit, one after the other, as the real type. Place by place: rows are short, but many. */
#define FL_GATHER(name, ctype)                                                                                       \
    static void FN(gather_##name)(real *restrict to, const void *x, const overlap_unit *u, const fl_overlap_job *o) { \
        const ptrdiff_t row = o->row, stride = row * o->classes, rows = u->rows;                                     \
        const ctype *from = (const ctype *)x + u->at;                                                                \
        for (ptrdiff_t k = 0; k < row; k++)                                                                          \
            for (ptrdiff_t i = 0; i < rows; i++)                                                                     \
                to[i * row + k] = (real)from[i * stride + k];                                                        \
    }
FL_TYPES(FL_GATHER)
#undef FL_GATHER

static void FN(gather)(real *to, const void *x, int type, const overlap_unit *u, const fl_overlap_job *o) {
    switch (type) {
#define FL_CASE(name, ctype)               \
    case FL_##name:                        \
        FN(gather_##name)(to, x, u, o);    \
        break;
        FL_TYPES(FL_CASE)
#undef FL_CASE
    }
}

static void FN(scatter)(real *restrict to, const real *restrict from, const overlap_unit *u, const fl_overlap_job *o) {
    const ptrdiff_t row = o->row, stride = row * o->classes;
    for (ptrdiff_t k = 0; k < row; k++)
        for (ptrdiff_t i = 0; i < u->rows; i++)
            to[u->at + i * stride + k] = from[i * row + k];
}

/* n elements of a unit from its b-th on, and zeros up to whole groups, which add nothing to any sum: the caller's memory
 * where it serves, else the buffer. */
static const real *FN(elements)(real *buffer, const void *x, int type, const overlap_unit *u, ptrdiff_t b, ptrdiff_t n,
                                const fl_overlap_job *o) {
    const ptrdiff_t padded = PADDED(n, SUM_GROUP);
    if (u->gathered)
        FN(gather)(buffer, x, type, u, o);
    else if (type == REAL_TYPE && n == padded)
        return (const real *)x + u->at + b;
    else
        FN(load)(buffer, x, type, u->at + b, n);
    for (ptrdiff_t i = n; i < padded; i++)
        buffer[i] = 0;
    return buffer;
}

/* Elements of a unit's tile. What is no whole group comes last, by itself; gathered rows come all at once. */
static ptrdiff_t FN(next_tile)(const overlap_unit *u, ptrdiff_t b, ptrdiff_t run) {
    const ptrdiff_t n = u->n - b < run ? u->n - b : run;
    return u->gathered || n < SUM_GROUP ? n : n - n % SUM_GROUP;
}

/* Sums of t p, (1 - t) p and t (1 - p): of what is agreed, of what is there too much, and of what is missed. Where masks
 * agree the last two are small differences, of which each is rounded once. */
enum { FN(AGREED), FN(EXTRA), FN(MISSED), FN(OVERLAP_SUMS) };

/* Four terms times their weights, in double: a weight may be as large as the type has numbers. A weight of 0 leaves an
 * element out, whatever it holds. */
INLINE double FN(weighted)(const real *v, const real *w) {
    double x[4];
    for (ptrdiff_t j = 0; j < 4; j++)
        x[j] = w[j] == 0 ? 0 : (double)v[j] * (double)w[j];
    return (x[0] + x[1]) + (x[2] + x[3]);
}

/* n is a multiple of SUM_GROUP, and w a literal NULL where there are no weights. */
INLINE void FN(sum_overlap)(const real *restrict y, const real *restrict z, const real *restrict w, ptrdiff_t n,
                            FN(lanes) *restrict totals) {
    FN(lanes) agreed = totals[FN(AGREED)], extra = totals[FN(EXTRA)], missed = totals[FN(MISSED)];
    for (ptrdiff_t i = 0; i < n; i += SUM_GROUP)
        SIMD for (ptrdiff_t k = 0; k < LANES; k++) {
            real a[4], e[4], m[4], weight[4];
            _Pragma("GCC unroll 4") for (ptrdiff_t j = 0; j < 4; j++) {
                const real t = y[i + j * LANES + k], p = z[i + j * LANES + k];
                a[j] = t * p;
                e[j] = vfma(-t, p, p);
                m[j] = vfma(-t, p, t);
                weight[j] = w ? w[i + j * LANES + k] : 1;
            }
            FN(add_double)(&agreed, k, w ? FN(weighted)(a, weight) : FN(in_own_type)(a[0], a[1], a[2], a[3]));
            FN(add_double)(&extra, k, w ? FN(weighted)(e, weight) : FN(in_own_type)(e[0], e[1], e[2], e[3]));
            FN(add_double)(&missed, k, w ? FN(weighted)(m, weight) : FN(in_own_type)(m[0], m[1], m[2], m[3]));
        }
    totals[FN(AGREED)] = agreed;
    totals[FN(EXTRA)] = extra;
    totals[FN(MISSED)] = missed;
}
static __attribute__((noinline)) void FN(overlap_sums)(const real *restrict y, const real *restrict z, ptrdiff_t n, FN(lanes) *restrict totals) {
    FN(sum_overlap)(y, z, 0, n, totals);
}
static __attribute__((noinline)) void FN(overlap_weighted_sums)(const real *restrict y, const real *restrict z, const real *restrict w, ptrdiff_t n,
                                      FN(lanes) *restrict totals) {
    FN(sum_overlap)(y, z, w, n, totals);
}

/* The weight of a unit, all of one sample; of several samples each element has its own (below), and this is 1. */
static double FN(unit_weight)(const fl_job *job, const overlap_unit *u) {
    return job->w && u->rows == 1 ? (double)((const real *)job->w)[u->sample] : 1;
}

/* The sums of one unit. */
static void FN(run_overlap_sums)(const fl_job *job, ptrdiff_t index, ptrdiff_t end __attribute__((unused)),
                                 double sum[2] __attribute__((unused))) {
    real yb[FN(RUN)] ALIGNED, zb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED;
    const fl_overlap_job *o = (const fl_overlap_job *)job;
    const overlap_unit u = unit_of(o, index);
    const ptrdiff_t run = job->y_type == REAL_TYPE ? FN(CHECKED_RUN) : FN(RUN);
    FN(lanes) totals[FN(OVERLAP_SUMS)] = {{{0}, {0}}};
    for (ptrdiff_t b = 0, n; b < u.n; b += n) {
        n = FN(next_tile)(&u, b, run);
        const ptrdiff_t padded = PADDED(n, SUM_GROUP);
        const real *y = FN(elements)(yb, job->y, job->y_type, &u, b, n, o);
        const real *z = FN(elements)(zb, job->z, REAL_TYPE, &u, b, n, o);
        if (job->w && u.rows > 1) {
            FN(repeat_weights)(wb, job, u.sample * o->row + b, n);
            for (ptrdiff_t i = n; i < padded; i++)
                wb[i] = 0;
            FN(overlap_weighted_sums)(y, z, wb, padded, totals);
        } else
            FN(overlap_sums)(y, z, padded, totals);
        if (!u.gathered)
            look(job, u.at + b, u.at + b + n, y, REAL_TYPE, 0);
        else if (u.class == 0) /* and of the other classes' rows between */
            look(job, u.at, u.at + u.rows * o->classes * o->row, 0, 0, 0);
    }
    const double weight = FN(unit_weight)(job, &u);
    for (ptrdiff_t s = 0; s < FN(OVERLAP_SUMS); s++) {
        double *to = o->sums + 2 * ((u.class * FN(OVERLAP_SUMS) + s) * o->pieces + u.piece);
        FN(finish)(&totals[s], to);
        to[0] = weight == 0 ? 0 : to[0] * weight;
        to[1] = weight == 0 ? 0 : to[1] * weight;
    }
}

/* The gradient at a target of 1 and at one of 0, and between them, where no term cancels unless the whole does. */
static __attribute__((noinline)) void FN(overlap_slopes)(const real *restrict y, real at_one, real at_zero, real *restrict g, ptrdiff_t n) {
    SIMD for (ptrdiff_t k = 0; k < n; k++)
        g[k] = vfma(y[k], at_one, (1 - y[k]) * at_zero);
}

/* The gradient of one unit. It needs no prediction: a NaN among them is in the sums of its class. */
static void FN(run_overlap_gradient)(const fl_job *job, ptrdiff_t index, ptrdiff_t end __attribute__((unused)),
                                     double sum[2] __attribute__((unused))) {
    real yb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED, gb[FN(RUN)] ALIGNED;
    const fl_overlap_job *o = (const fl_overlap_job *)job;
    const overlap_unit u = unit_of(o, index);
    const ptrdiff_t run = job->stream ? FN(STREAMED_RUN) : FN(RUN);
    const double *slopes = o->slopes + 2 * u.class, high = __builtin_fabs(slopes[0]), low = __builtin_fabs(slopes[1]);
    const bool weighs = job->w && u.rows > 1; /* the elements: slopes alone may be beyond the type, so as shares of the larger */
    const double larger = high > low ? high : low, by = larger > 0 ? larger : 1;
    const double factor = weighs ? 1 / by : FN(unit_weight)(job, &u);
    const real at_one = factor == 0 ? 0 : (real)(slopes[0] * factor), at_zero = factor == 0 ? 0 : (real)(slopes[1] * factor);
    for (ptrdiff_t b = 0, n; b < u.n; b += n) {
        n = FN(next_tile)(&u, b, run);
        const ptrdiff_t padded = PADDED(n, SUM_GROUP);
        const bool direct = n == padded && !job->stream && !u.gathered;
        real *g = direct ? (real *)job->g + u.at + b : gb;
        FN(overlap_slopes)(FN(elements)(yb, job->y, job->y_type, &u, b, n, o), at_one, at_zero, g, padded);
        if (weighs) {
            FN(repeat_weights)(wb, job, u.sample * o->row + b, n);
            FN(weigh)(g, wb, by, n);
        }
        if (u.gathered)
            FN(scatter)(job->g, g, &u, o);
        else if (!direct)
            FN(put)(job->g, u.at + b, g, n, job->stream);
    }
}

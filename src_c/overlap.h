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

static bool is_of_bytes(const fl_job *job) { return job->y_type == FL_UINT8 || job->y_type == FL_BOOL; }

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

/* Zeros up to whole groups, which add nothing to any sum. */
static const real *FN(filled)(real *buffer, ptrdiff_t n) {
    for (ptrdiff_t i = n; i < PADDED(n, SUM_GROUP); i++)
        buffer[i] = 0;
    return buffer;
}

/* Whole groups of n elements from `at` on as the real type: the caller's memory where it serves, else the buffer. */
static const real *FN(groups)(real *buffer, const void *x, int type, ptrdiff_t at, ptrdiff_t n) {
    if (type == REAL_TYPE && n % SUM_GROUP == 0)
        return (const real *)x + at;
    FN(load)(buffer, x, type, at, n);
    return FN(filled)(buffer, n);
}

/* The same of n elements of a unit from its b-th on. */
static const real *FN(elements)(real *buffer, const void *x, int type, const overlap_unit *u, ptrdiff_t b, ptrdiff_t n,
                                const fl_overlap_job *o) {
    if (!u->gathered)
        return FN(groups)(buffer, x, type, u->at + b, n);
    FN(gather)(buffer, x, type, u, o);
    return FN(filled)(buffer, n);
}

/* Elements of a unit's tile. What is no whole group comes last, by itself; gathered rows come all at once. */
static ptrdiff_t FN(next_tile)(const overlap_unit *u, ptrdiff_t b, ptrdiff_t run) {
    const ptrdiff_t n = u->gathered || u->n - b < run ? u->n - b : run;
    return u->gathered || n < SUM_GROUP ? n : n - n % SUM_GROUP;
}

/* Sums of t p, (1 - t) p and t (1 - p): of what is agreed, of what is there too much, and of what is missed. Where masks
 * agree the last two are small differences, of which each is rounded once. */
enum { FN(AGREED), FN(EXTRA), FN(MISSED), FN(OVERLAP_SUMS) };

/* Targets that a loop reads as they lie: bytes, which a mask has most often, and the real type. */
enum { FN(BYTES), FN(REALS) };
INLINE real FN(target)(int read, const void *restrict y, ptrdiff_t at) {
    return read == FN(BYTES) ? (real)((const uint8_t *)y)[at] : ((const real *)y)[at];
}

/* Four terms times their weights are added in double, for a weight may be as large as the type has numbers. */
#define FL_FOUR(x)                                                                                                    \
    (weighted ? ((double)x[0] * (double)u[0] + (double)x[1] * (double)u[1]) +                                         \
                    ((double)x[2] * (double)u[2] + (double)x[3] * (double)u[3])                                       \
              : FN(in_own_type)(x[0], x[1], x[2], x[3]))

/* Of n elements, a multiple of SUM_GROUP; `read` and `weighted` are literals. Returns whether all numbers are surely in
 * [0, 1]: neither the largest nor the smallest is outside, and none is NaN, which a sum would be as well. */
INLINE bool FN(sum_overlap)(int read, bool weighted, const void *restrict y, const real *restrict z,
                            const real *restrict w, ptrdiff_t n, FN(lanes) *restrict totals) {
    FN(lanes) agreed = totals[FN(AGREED)], extra = totals[FN(EXTRA)], missed = totals[FN(MISSED)];
    real high[LANES] ALIGNED = {0}, low[LANES] ALIGNED = {0};
    for (ptrdiff_t i = 0; i < n; i += SUM_GROUP)
        SIMD for (ptrdiff_t k = 0; k < LANES; k++) {
            real a[4], e[4], m[4], u[4], most = high[k], least = low[k];
            _Pragma("GCC unroll 4") for (ptrdiff_t j = 0; j < 4; j++) {
                const ptrdiff_t at = i + j * LANES + k;
                real t = FN(target)(read, y, at), p = z[at];
                most = t > most ? t : most;
                most = p > most ? p : most;
                least = t < least ? t : least;
                least = p < least ? p : least;
                u[j] = weighted ? w[at] : 1;
                t = weighted && u[j] == 0 ? 0 : t; /* left out, whatever it is */
                p = weighted && u[j] == 0 ? 0 : p;
                a[j] = t * p;
                e[j] = vfma(-t, p, p);
                m[j] = vfma(-t, p, t);
            }
            high[k] = most;
            low[k] = least;
            FN(add_double)(&agreed, k, FL_FOUR(a));
            FN(add_double)(&extra, k, FL_FOUR(e));
            FN(add_double)(&missed, k, FL_FOUR(m));
        }
    bool inside = !weighted;
    for (ptrdiff_t k = 0; k < LANES; k++)
        inside &= (high[k] <= 1) & (low[k] >= 0) & !not_finite(agreed.sum[k]);
    totals[FN(AGREED)] = agreed;
    totals[FN(EXTRA)] = extra;
    totals[FN(MISSED)] = missed;
    return inside;
}
#define OVERLAP_SUMS(name, read, weighted)                                                                            \
    static __attribute__((noinline)) bool FN(name)(const void *restrict y, const real *restrict z,                    \
                                                   const real *restrict w __attribute__((unused)), ptrdiff_t n,       \
                                                   FN(lanes) *restrict totals) {                                      \
        return FN(sum_overlap)(read, weighted, y, z, w, n, totals);                                                   \
    }
OVERLAP_SUMS(overlap_sums_of_bytes, FN(BYTES), false)
OVERLAP_SUMS(overlap_sums, FN(REALS), false)
OVERLAP_SUMS(overlap_weighted_sums, FN(REALS), true)
#undef OVERLAP_SUMS
#undef FL_FOUR

/* Whether a unit's targets are read where they lie, and then all at once. Where elements have weights of their own, as in
 * units of several samples, there is a buffer of these, and so there are tiles. */
static bool FN(lie_ready)(const fl_job *job, const overlap_unit *u) {
    return !u->gathered && !(job->w && u->rows > 1) && (is_of_bytes(job) || job->y_type == REAL_TYPE);
}

/* The weight of a unit, if it is of one sample; of several samples each element has its own, and this is 1. */
static double FN(unit_weight)(const fl_job *job, const overlap_unit *u) {
    return job->w && u->rows == 1 ? (double)((const real *)job->w)[u->sample] : 1;
}

/* Those of n elements of a unit from its b-th on. */
static const real *FN(element_weights)(real *buffer, const fl_job *job, const overlap_unit *u, ptrdiff_t b, ptrdiff_t n,
                                       const fl_overlap_job *o) {
    if (o->row == 1)
        return FN(groups)(buffer, job->w, REAL_TYPE, u->sample + b, n);
    FN(repeat_weights)(buffer, job, u->sample * o->row + b, n);
    return FN(filled)(buffer, n);
}

/* The sums of one unit. */
static void FN(run_overlap_sums)(const fl_job *job, ptrdiff_t index, ptrdiff_t end __attribute__((unused)),
                                 double sum[2] __attribute__((unused))) {
    real yb[FN(RUN)] ALIGNED, zb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED;
    const fl_overlap_job *o = (const fl_overlap_job *)job;
    const overlap_unit u = unit_of(o, index);
    const bool weighs = job->w && u.rows > 1, ready = FN(lie_ready)(job, &u);
    const ptrdiff_t run = ready ? u.n : FN(RUN);
    FN(lanes) totals[FN(OVERLAP_SUMS)] = {{{0}, {0}}};
    for (ptrdiff_t b = 0, n; b < u.n; b += n) {
        n = FN(next_tile)(&u, b, run);
        const ptrdiff_t padded = PADDED(n, SUM_GROUP);
        const real *z = FN(elements)(zb, job->z, REAL_TYPE, &u, b, n, o), *y = 0;
        bool inside;
        if (ready && n == padded && is_of_bytes(job))
            inside = FN(overlap_sums_of_bytes)((const uint8_t *)job->y + u.at + b, z, 0, n, totals);
        else {
            y = FN(elements)(yb, job->y, job->y_type, &u, b, n, o);
            inside = weighs ? FN(overlap_weighted_sums)(y, z, FN(element_weights)(wb, job, &u, b, n, o), padded, totals)
                            : FN(overlap_sums)(y, z, 0, padded, totals);
        }
        if (!inside && !u.gathered)
            look(job, u.at + b, u.at + b + n, y, REAL_TYPE, 0);
    }
    if (u.gathered && u.class == 0) /* and the other classes' rows between */
        look(job, u.at, u.at + u.rows * o->classes * o->row, 0, 0, 0);
    const double weight = FN(unit_weight)(job, &u);
    for (ptrdiff_t s = 0; s < FN(OVERLAP_SUMS); s++) {
        double *to = o->sums + 2 * ((u.class * FN(OVERLAP_SUMS) + s) * o->pieces + u.piece);
        FN(finish)(&totals[s], to);
        to[0] = weight == 0 ? 0 : to[0] * weight;
        to[1] = weight == 0 ? 0 : to[1] * weight;
    }
}

/* The gradient at a target of 1 and at one of 0, and between them, where no term cancels unless the whole does. */
#define OVERLAP_SLOPES(name, read)                                                                                    \
    static __attribute__((noinline)) void FN(name)(const void *restrict y, real at_one, real at_zero,                 \
                                                   real *restrict g, ptrdiff_t n) {                                   \
        for (ptrdiff_t i = 0; i < n; i += LANES)                                                                      \
            SIMD for (ptrdiff_t k = i; k < i + LANES; k++) {                                                          \
                const real t = FN(target)(read, y, k);                                                                \
                g[k] = vfma(t, at_one, (1 - t) * at_zero);                                                            \
            }                                                                                                         \
    }
OVERLAP_SLOPES(overlap_slopes_of_bytes, FN(BYTES))
OVERLAP_SLOPES(overlap_slopes, FN(REALS))
#undef OVERLAP_SLOPES

INLINE real FN(within_range)(double x) { return at_most(BOUNDS.greatest, at_least(-BOUNDS.greatest, (real)x)); }

/* The gradient of one unit. It needs no prediction: a NaN among them is in the sums of its class. */
static void FN(run_overlap_gradient)(const fl_job *job, ptrdiff_t index, ptrdiff_t end __attribute__((unused)),
                                     double sum[2] __attribute__((unused))) {
    real yb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED, gb[FN(RUN)] ALIGNED;
    const fl_overlap_job *o = (const fl_overlap_job *)job;
    const overlap_unit u = unit_of(o, index);
    const bool weighs = job->w && u.rows > 1, ready = FN(lie_ready)(job, &u);
    const ptrdiff_t run = job->put == FL_PAST_CACHE ? FN(STREAMED_RUN) : ready ? u.n : FN(RUN);
    /* Slopes of elements with weights are shares of the larger: alone they may be beyond the type, at whose end they stop, for
     * a target may leave nothing of one. */
    const double *slopes = o->slopes + 2 * u.class, high = __builtin_fabs(slopes[0]), low = __builtin_fabs(slopes[1]);
    const double larger = high > low ? high : low, by = larger > 0 ? larger : 1;
    const double factor = weighs ? 1 / by : FN(unit_weight)(job, &u);
    const real at_one = factor == 0 ? 0 : FN(within_range)(slopes[0] * factor);
    const real at_zero = factor == 0 ? 0 : FN(within_range)(slopes[1] * factor);
    for (ptrdiff_t b = 0, n; b < u.n; b += n) {
        n = FN(next_tile)(&u, b, run);
        const ptrdiff_t padded = PADDED(n, SUM_GROUP);
        const bool direct = n == padded && job->put == FL_AS_IS && !u.gathered;
        real *g = direct ? (real *)job->g + u.at + b : gb;
        if (ready && n == padded && is_of_bytes(job))
            FN(overlap_slopes_of_bytes)((const uint8_t *)job->y + u.at + b, at_one, at_zero, g, n);
        else
            FN(overlap_slopes)(FN(elements)(yb, job->y, job->y_type, &u, b, n, o), at_one, at_zero, g, padded);
        if (weighs)
            FN(weigh)(g, FN(element_weights)(wb, job, &u, b, n, o), by, padded);
        if (u.gathered)
            FN(scatter)(job->g, g, &u, o);
        else if (!direct)
            FN(put)(job->g, u.at + b, g, n, job->put);
    }
}

/* Pointwise losses: the loop, generated per formula and operation, and the runner that feeds it tiles. */

/* Elements of a tile: 4 KiB each of y, z, w, v, g, h and e, inside the smallest L1. */
enum { FN(RUN) = 4096 / sizeof(real) };

typedef void (*FN(pointwise_loop))(const real *restrict y, const real *restrict z, const real *restrict w,
                                   ptrdiff_t w_step, const real *restrict p, real scale, real floor,
                                   real *restrict v, real *restrict g, real *restrict h, ptrdiff_t n);

/* The one loop. STAGE, VALUE, GRADIENT and CURVATURE ('h', 'm', 'f' or 0) are literals: what they leave out is never
 * computed. Without weights w_step is 0 and w a single run of ones, which costs one load and is the same bits as no
 * multiplication. n is a multiple of LANES, so there is no remainder loop to compile or to run. */
#define POINTWISE_LOOP(name, STAGE, operation, VALUE, GRADIENT, CURVATURE)                                   \
    static void FN(name##_##operation)(const real *restrict y, const real *restrict z, const real *restrict w, \
                                       ptrdiff_t w_step, const real *restrict p, real scale, real floor,     \
                                       real *restrict v, real *restrict g, real *restrict h, ptrdiff_t n) {  \
        real e[FN(RUN)] ALIGNED;                                                                                \
        if (FN(STAGE))                                                                                       \
            for (ptrdiff_t i = 0; i < n; i += LANES)                                                         \
                SIMD for (ptrdiff_t k = 0; k < LANES; k++)                                                   \
                    e[i + k] = FN(first_stage)(FN(STAGE), z[i + k]);                                         \
        for (ptrdiff_t i = 0; i < n; i += LANES) {                                                           \
            const real *restrict wi = w + i * w_step;                                                        \
            SIMD for (ptrdiff_t k = 0; k < LANES; k++) {                                                     \
                const result r = FN(name)(y[i + k], z[i + k], FN(STAGE) ? e[i + k] : 0, p);                  \
                if (VALUE)                                                                                   \
                    v[i + k] = r.v * wi[k];                                                                  \
                if (GRADIENT)                                                                                \
                    g[i + k] = r.g * (wi[k] * scale);                                                        \
                if (CURVATURE) {                                                                             \
                    const real c = CURVATURE == 'h' ? r.h : CURVATURE == 'm' ? r.m : r.f;                    \
                    h[i + k] = (c < floor ? floor : c) * (wi[k] * scale);                                    \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }

#define POINTWISE_LOOPS(name, cost, STAGE)                                                                   \
    POINTWISE_LOOP(name, STAGE, value, 1, 0, 0)                                                              \
    POINTWISE_LOOP(name, STAGE, gradient, 0, 1, 0)                                                           \
    POINTWISE_LOOP(name, STAGE, value_gradient, 1, 1, 0)                                                     \
    POINTWISE_LOOP(name, STAGE, exact, 0, 1, 'h')                                                            \
    POINTWISE_LOOP(name, STAGE, majorize, 0, 1, 'm')                                                         \
    POINTWISE_LOOP(name, STAGE, fisher, 0, 1, 'f')

POINTWISE(POINTWISE_LOOPS)

/* Expand weights that belong to w_repeat consecutive elements each: (n,) weights of an (n, m) array. */
static void FN(repeat_weights)(real *to, const fl_job *job, ptrdiff_t begin, ptrdiff_t n) {
    real one[1] = {1};
    for (ptrdiff_t i = 0; i < n;) {
        const ptrdiff_t row = (begin + i) / job->w_repeat;
        ptrdiff_t stop = (row + 1) * job->w_repeat - begin;
        stop = stop < n ? stop : n;
        FN(load)(one, job->w, job->w_type, row, 1);
        for (; i < stop; i++)
            to[i] = one[0];
    }
    for (ptrdiff_t i = n; i < PADDED(n, LANES); i++)
        to[i] = to[n - 1];
}

/* A weight of 0 leaves an element out, whatever it holds: 0 times NaN or infinity is not nothing. */
static void FN(leave_out)(const real *restrict w, real *restrict v, real *restrict g, real *restrict h, ptrdiff_t n) {
    real *outputs[3] = {v, g, h};
    for (int j = 0; j < 3; j++)
        if (outputs[j])
            SIMD for (ptrdiff_t k = 0; k < n; k++)
                outputs[j][k] = w[k] == 0 ? 0 : outputs[j][k];
}

/* One block. Outputs go straight to the caller's memory where the loop may write there: whole lanes, distinct from
 * its inputs, through the cache; else by way of a buffer in L1. */
static void FN(run_pointwise)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    real yb[FN(RUN)] ALIGNED, zb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED, vb[FN(RUN)] ALIGNED, gb[FN(RUN)] ALIGNED,
        hb[FN(RUN)] ALIGNED, p[FL_PARAMETERS];
    const FN(pointwise_loop) loop = (FN(pointwise_loop))job->loop;
    const int in_place = job->g == job->z || job->h == job->z;
    const fl_control control = control_enter(); /* before the first rounding */
    const real scale = (real)job->scale, floor = (real)job->floor;
    FN(lanes) total = {{0}, {0}};
    for (int i = 0; i < FL_PARAMETERS; i++)
        p[i] = (real)job->p[i];
    if (!job->w)
        for (int k = 0; k < LANES; k++)
            wb[k] = 1;
    for (ptrdiff_t b = begin; b < end; b += FN(RUN)) {
        const ptrdiff_t n = end - b < FN(RUN) ? end - b : FN(RUN), padded = PADDED(n, LANES);
        const int direct = n == padded && !in_place && !job->stream;
        const real *y = FN(view)(yb, job->y, job->y_type, b, n);
        const real *z = FN(view)(zb, job->z, REAL_TYPE, b, n);
        const real *w = wb;
        if (job->w && job->w_repeat == 1)
            w = FN(view)(wb, job->w, job->w_type, b, n);
        else if (job->w)
            FN(repeat_weights)(wb, job, b, n);
        real *g = direct && job->g ? (real *)job->g + b : gb;
        real *h = direct && job->h ? (real *)job->h + b : hb;
        loop(y, z, w, job->w != 0, p, scale, floor, vb, g, h, padded);
        if (job->w)
            FN(leave_out)(w, vb, job->g ? g : 0, job->h ? h : 0, padded);
        if (job->v)
            FN(put)(job->v, b, vb, n, job->stream);
        if (job->g && !direct)
            FN(put)(job->g, b, gb, n, job->stream);
        if (job->h && !direct)
            FN(put)(job->h, b, hb, n, job->stream);
        if (sum && !job->v)
            FN(accumulate)(&total, vb, n);
    }
    if (job->stream)
        stream_fence();
    if (sum)
        FN(finish)(&total, sum);
    control_leave(control);
}

/* The sum of the weights, for a mean; without weights the driver counts. */
static void FN(total_weight)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    real buffer[TILE] ALIGNED;
    FN(lanes) total = {{0}, {0}};
    const fl_control control = control_enter();
    for (ptrdiff_t b = begin; b < end; b += TILE) {
        const ptrdiff_t n = end - b < TILE ? end - b : TILE;
        FN(load)(buffer, job->w, job->w_type, b, n);
        FN(accumulate)(&total, buffer, n);
    }
    FN(finish)(&total, sum);
    control_leave(control);
}

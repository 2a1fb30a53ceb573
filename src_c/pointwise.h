/* Pointwise losses: the loop, generated per formula and operation, and the runner that feeds it tiles. */

/* Elements of a tile: 4 KiB each of y, z, w, v, g, h and e, inside the smallest L1. When outputs go past the cache a
 * quarter of that: reading, computing and writing then overlap instead of waiting for each other in turns. What needs no
 * buffer needs no tile, but checks are to find the targets in L1 still. */
enum { FN(RUN) = 4096 / sizeof(real), FN(STREAMED_RUN) = FN(RUN) / 4, FN(CHECKED_RUN) = 4 * FN(RUN) };

/* Elements of a turn of a loop that keeps no sums: two vectors. GCC writes every vector of a turn out, and LANES of
 * them would be four or eight, which take no less time and twice as long to compile. */
enum { FN(TURN) = 2 * VECTOR / (int)sizeof(real) < LANES ? 2 * VECTOR / (int)sizeof(real) : LANES };

typedef void (*FN(pointwise_loop))(const real *restrict y, const real *restrict z, const real *restrict p,
                                   real scale, real floor, FN(lanes) * restrict total, real *restrict v,
                                   real *restrict g, real *restrict h, ptrdiff_t n, FN(sight) * restrict seen);

/* The one loop. STAGE, VALUE, GRADIENT and CURVATURE are literals: what they leave out is never computed. The value
 * is stored ('v') or summed ('s', in local lanes, which stay in registers); the curvature is 'h', 'm' or 'f'. n is a
 * multiple of STEP vectors, so there is no remainder loop to compile or to run. Where targets have a domain (LOOKS: 'h' of
 * those from 0, 'l' of labels) a loop also says what it saw of them (tile.h): beside arithmetic that waits for results or
 * loads that wait for memory, in no time. */
#define POINTWISE_LOOP(name, LOOKS, STAGE, operation, VALUE, GRADIENT, CURVATURE)                            \
    static void FN(name##_##operation)(const real *restrict y, const real *restrict z, const real *restrict p,\
                                       real scale, real floor, FN(lanes) * restrict total,                   \
                                       real *restrict v, real *restrict g, real *restrict h, ptrdiff_t n,    \
                                       FN(sight) * restrict seen) {                                          \
        enum { STEP = VALUE == 's' ? SUM_GROUP / LANES : 1, TURN = VALUE == 's' ? LANES : FN(TURN) };        \
        _Static_assert(VALUE != 's' || !FN(STAGE), "a loop that sums has runs longer than e");               \
        real e[FN(RUN)] ALIGNED;                                                                             \
        FN(lanes) lanes;                                                                                     \
        ubits_t highest[TURN] = {0}, other[TURN] = {0};                                                      \
        if (FN(STAGE))                                                                                       \
            for (ptrdiff_t i = 0; i < n; i += TURN)                                                          \
                SIMD for (ptrdiff_t k = 0; k < TURN; k++)                                                    \
                    e[i + k] = FN(first_stage)(FN(STAGE), y[i + k], z[i + k], p);                            \
        if (VALUE == 's')                                                                                    \
            lanes = *total;                                                                                  \
        for (ptrdiff_t i = 0; i < n; i += STEP * TURN)                                                       \
            SIMD for (ptrdiff_t k = 0; k < TURN; k++) {                                                      \
                real value[STEP];                                                                            \
                _Pragma("GCC unroll 4") for (ptrdiff_t j = 0; j < STEP; j++) {                               \
                    const ptrdiff_t at = i + j * TURN + k;                                                   \
                    if (LOOKS == 'h')                                                                        \
                        highest[k] = FN(higher_bits)(highest[k], y[at], seen->first);                        \
                    if (LOOKS == 'l')                                                                        \
                        other[k] |= FN(at_neither)(y[at], seen->roots);                                      \
                    const result r = FN(name)(y[at], z[at], FN(STAGE) ? e[at] : 0, p);                       \
                    value[j] = r.v;                                                                          \
                    if (VALUE == 'v')                                                                        \
                        v[at] = r.v;                                                                         \
                    if (GRADIENT)                                                                            \
                        g[at] = r.g * scale;                                                                 \
                    if (CURVATURE) {                                                                         \
                        const real c = CURVATURE == 'h' ? r.h : CURVATURE == 'm' ? r.m : r.f;                \
                        h[at] = (c < floor ? floor : c) * scale;                                             \
                    }                                                                                        \
                }                                                                                            \
                if (VALUE == 's')                                                                            \
                    FN(add)(&lanes, k, value[0], value[1 % STEP], value[2 % STEP], value[3 % STEP]);         \
            }                                                                                                \
        if (VALUE == 's')                                                                                    \
            *total = lanes;                                                                                  \
        for (ptrdiff_t k = 0; LOOKS == 'h' && k < LANES; k++)                                                \
            seen->highest[k] = k < TURN ? highest[k] : 0;                                                    \
        for (ptrdiff_t k = 0; LOOKS == 'l' && k < LANES; k++)                                                \
            seen->other[k] = k < TURN ? other[k] : 0;                                                        \
    }

/* A loss without an exponential or a logarithm (cost 1 or 2) sums in the loop, four vectors at a time, where the
 * others leave their values in L1 and sum them after: their time is elsewhere, and four copies of a long formula would
 * only be more to compile. */
#define POINTWISE_LOOPS(name, LOOKS, cost, STAGE)                                                            \
    POINTWISE_LOOP(name, LOOKS, STAGE, value, 'v', 0, 0)                                                     \
    POINTWISE_LOOP(name, LOOKS, STAGE, gradient, 0, 1, 0)                                                    \
    POINTWISE_LOOP(name, LOOKS, STAGE, value_gradient, 'v', 1, 0)                                            \
    POINTWISE_LOOP(name, LOOKS, STAGE, exact, 0, 1, 'h')                                                     \
    POINTWISE_LOOP(name, LOOKS, STAGE, majorize, 0, 1, 'm')                                                  \
    POINTWISE_LOOP(name, LOOKS, STAGE, fisher, 0, 1, 'f')                                                    \
    SUMMING_LOOPS_##cost(name, LOOKS, STAGE)
#define SUMMING_LOOPS_1(name, LOOKS, STAGE)                                                                  \
    POINTWISE_LOOP(name, LOOKS, STAGE, sum, 's', 0, 0)                                                       \
    POINTWISE_LOOP(name, LOOKS, STAGE, sum_gradient, 's', 1, 0)
#define SUMMING_LOOPS_2 SUMMING_LOOPS_1
#define SUMMING_LOOPS_4(name, LOOKS, STAGE)

#define LOOPS_OF_ANY_TARGET(name, cost, STAGE) POINTWISE_LOOPS(name, 0, cost, STAGE)
#define LOOPS_THAT_LOOK(name, cost, STAGE) POINTWISE_LOOPS(name, (cost < 4 ? 'l' : 'h'), cost, STAGE)
ANY_TARGET(LOOPS_OF_ANY_TARGET)
TARGET_IN_DOMAIN(LOOPS_THAT_LOOK)

/* One block. Outputs go straight to the caller's memory where the loop may write there: whole lanes, distinct from
 * its inputs, through the cache; else by way of a buffer in L1. */
static void FN(run_pointwise)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    enum { COPIED = 4 * SUM_GROUP }; /* to copy a run up to that takes less time than a turn more */
    real yb[FN(RUN)] ALIGNED, zb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED, vb[FN(RUN)] ALIGNED, gb[FN(RUN)] ALIGNED,
        hb[FN(RUN)] ALIGNED, p[FL_PARAMETERS];
    const FN(pointwise_loop) loop = (FN(pointwise_loop))job->loop, summing = (FN(pointwise_loop))job->summing;
    const int in_place = job->g == job->z || job->h == job->z;
    const real scale = job->w ? 1 : (real)job->scale, floor = (real)job->floor;
    ptrdiff_t run = job->put == FL_PAST_CACHE ? FN(STREAMED_RUN) : FN(RUN);
    FN(lanes) total = {{0}, {0}};
    for (int i = 0; i < FL_PARAMETERS; i++)
        p[i] = (real)job->p[i];
    const fl_check *targets = FN(check_in_sight)(job);
    FN(sight) seen;
    if (targets) {
        seen.first = targets->what.domain == FL_OPEN_LOW;
        seen.roots = FN(roots)(&targets->what);
    }
    if (summing && !in_place && job->put == FL_AS_IS && job->y_type == REAL_TYPE)
        run = job->n_checks > (targets != 0) ? FN(CHECKED_RUN) : end - begin;
    for (ptrdiff_t b = begin, n; b < end; b += n) {
        n = end - b < run ? end - b : run;
        n -= n > COPIED ? n % SUM_GROUP : 0; /* what is no whole group comes last, by itself */
        const ptrdiff_t padded = PADDED(n, LANES);
        const int direct = n == padded && !in_place && job->put == FL_AS_IS;
        const real *y = FN(view)(yb, job->y, job->y_type, b, n);
        const real *z = FN(view)(zb, job->z, REAL_TYPE, b, n);
        real *v = direct && job->v ? (real *)job->v + b : vb;
        real *g = direct && job->g ? (real *)job->g + b : gb;
        real *h = direct && job->h ? (real *)job->h + b : hb;
        int summed = summing && n % SUM_GROUP == 0;
        seen.highest[0] = seen.other[0] = ~(ubits_t)0;
        if (summed) {
            FN(lanes) with = total;
            summing(y, z, p, scale, floor, &with, v, g, h, n, &seen);
            summed = !FN(overflowed)(&with);
            if (summed)
                total = with;
            else if (n > FN(RUN)) { /* again, in tiles */
                run = FN(RUN);
                n = 0;
                continue;
            } /* else again: the values, then their sum in double */
        }
        if (!summed)
            loop(y, z, p, scale, floor, 0, v, g, h, padded, &seen);
        /* Now, for the loop has brought what is looked at near, behind its arithmetic. */
        look(job, b, b + n, y, REAL_TYPE, targets && FN(all_inside)(&targets->what, &seen) ? targets : 0);
        if (job->w) {
            const real *w = FN(weights)(wb, job, b, n);
            if (job->v || sum)
                FN(weigh)(v, w, 1, padded);
            if (job->g)
                FN(weigh)(g, w, job->scale, padded);
            if (job->h)
                FN(weigh)(h, w, job->scale, padded);
        }
        if (sum && !summed)
            FN(accumulate)(&total, v, n);
        if (!direct) {
            FN(put)(job->v, b, v, n, job->put);
            FN(put)(job->g, b, g, n, job->put);
            FN(put)(job->h, b, h, n, job->put);
        }
    }
    if (sum)
        FN(finish)(&total, sum);
}

/* Losses of a number whose prediction has two outputs: the loop, generated per formula and operation, and the runner,
 * which takes rows of two apart and puts them together again. */

/* Values of a tile: 2 KiB of each of its numbers, together half of the smallest L1. */
enum { FN(OUTPUTS_RUN) = 2048 / sizeof(real) };

/* What a loop reads and writes: one array per number, so that each is one vector load or store. */
typedef struct {
    real m[FN(OUTPUTS_RUN)] ALIGNED, s[FN(OUTPUTS_RUN)] ALIGNED;
    real v[FN(OUTPUTS_RUN)] ALIGNED;
    real gm[FN(OUTPUTS_RUN)] ALIGNED, gs[FN(OUTPUTS_RUN)] ALIGNED;
    real hm[FN(OUTPUTS_RUN)] ALIGNED, hs[FN(OUTPUTS_RUN)] ALIGNED;
} FN(outputs_tile);

typedef void (*FN(outputs_loop))(FN(outputs_tile) * tile, const real *restrict y, const real *restrict p,
                                 real scale, real floor, ptrdiff_t n);

/* VALUE, GRADIENT and CURVATURE are literals: what they leave out is never computed. The curvature is 'h' or 'f'. n is
 * a multiple of LANES. */
#define OUTPUTS_LOOP(name, operation, VALUE, GRADIENT, CURVATURE)                                            \
    static void FN(name##_##operation)(FN(outputs_tile) * tile, const real *restrict y,                      \
                                       const real *restrict p, real scale, real floor, ptrdiff_t n) {        \
        for (ptrdiff_t i = 0; i < n; i += LANES)                                                             \
            SIMD for (ptrdiff_t j = 0; j < LANES; j++) {                                                     \
                const ptrdiff_t k = i + j;                                                                   \
                const outputs_result r = FN(name)(y[k], tile->m[k], tile->s[k], p);                          \
                if (VALUE)                                                                                   \
                    tile->v[k] = r.v;                                                                        \
                if (GRADIENT) {                                                                              \
                    tile->gm[k] = r.gm * scale;                                                              \
                    tile->gs[k] = r.gs * scale;                                                              \
                }                                                                                            \
                if (CURVATURE) {                                                                             \
                    const real hm = CURVATURE == 'h' ? r.hm : r.fm, hs = CURVATURE == 'h' ? r.hs : r.fs;     \
                    tile->hm[k] = (hm < floor ? floor : hm) * scale;                                         \
                    tile->hs[k] = (hs < floor ? floor : hs) * scale;                                         \
                }                                                                                            \
            }                                                                                                \
    }

#define OUTPUTS_LOOPS(name)                    \
    OUTPUTS_LOOP(name, value, 1, 0, 0)         \
    OUTPUTS_LOOP(name, gradient, 0, 1, 0)      \
    OUTPUTS_LOOP(name, value_gradient, 1, 1, 0) \
    OUTPUTS_LOOP(name, exact, 0, 1, 'h')       \
    OUTPUTS_LOOP(name, fisher, 0, 1, 'f')
OUTPUTS(OUTPUTS_LOOPS)

/* n rows of two, each column to an array of its own, padded by repeating the last row. */
static void FN(split)(real *restrict m, real *restrict s, const real *restrict rows, ptrdiff_t n) {
    SIMD for (ptrdiff_t i = 0; i < n; i++) {
        m[i] = rows[2 * i];
        s[i] = rows[2 * i + 1];
    }
    for (ptrdiff_t i = n; i < PADDED(n, LANES); i++) {
        m[i] = m[n - 1];
        s[i] = s[n - 1];
    }
}

/* Two columns to rows from `begin` on of an output, if it is asked for. */
static void FN(put_rows)(void *to, ptrdiff_t begin, const real *restrict a, const real *restrict b, ptrdiff_t n,
                         int how) {
    real buffer[2 * FN(OUTPUTS_RUN)] ALIGNED;
    if (!to)
        return;
    real *restrict rows = how ? buffer : (real *)to + 2 * begin;
    SIMD for (ptrdiff_t i = 0; i < n; i++) {
        rows[2 * i] = a[i];
        rows[2 * i + 1] = b[i];
    }
    if (how)
        FN(put)(to, 2 * begin, rows, 2 * n, how);
}

/* One block. A tile is read before it is written, so that an output may be y_pred itself. */
static void FN(run_outputs)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    real yb[FN(OUTPUTS_RUN)] ALIGNED, wb[FN(OUTPUTS_RUN)] ALIGNED, p[FL_PARAMETERS];
    FN(outputs_tile) tile;
    const FN(outputs_loop) loop = (FN(outputs_loop))job->loop;
    const real scale = job->w ? 1 : (real)job->scale, floor = (real)job->floor;
    FN(lanes) total = {{0}, {0}};
    for (int i = 0; i < FL_PARAMETERS; i++)
        p[i] = (real)job->p[i];
    for (ptrdiff_t b = begin, n; b < end; b += n) {
        n = end - b < FN(OUTPUTS_RUN) ? end - b : FN(OUTPUTS_RUN);
        const ptrdiff_t padded = PADDED(n, LANES);
        const real *y = FN(view)(yb, job->y, job->y_type, b, n);
        FN(split)(tile.m, tile.s, (const real *)job->z + 2 * b, n);
        loop(&tile, y, p, scale, floor, padded);
        look(job, b, b + n, y, REAL_TYPE, 0);
        if (job->w) {
            const real *w = FN(weights)(wb, job, b, n);
            if (job->v || sum)
                FN(weigh)(tile.v, w, 1, padded);
            if (job->g) {
                FN(weigh)(tile.gm, w, job->scale, padded);
                FN(weigh)(tile.gs, w, job->scale, padded);
            }
            if (job->h) {
                FN(weigh)(tile.hm, w, job->scale, padded);
                FN(weigh)(tile.hs, w, job->scale, padded);
            }
        }
        if (sum)
            FN(accumulate)(&total, tile.v, n);
        FN(put)(job->v, b, tile.v, n, job->put);
        FN(put_rows)(job->g, b, tile.gm, tile.gs, n, job->put);
        FN(put_rows)(job->h, b, tile.hm, tile.hs, n, job->put);
    }
    if (sum)
        FN(finish)(&total, sum);
}

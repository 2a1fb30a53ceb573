/* Linear models: scores of a block of rows of X, a loss's own runner on them, and X^T times the slopes it leaves, while
 * the rows are in the cache. The loss knows nothing of X: it is given the block as if there were no other.
 *
 * X lies by rows or by columns, and both products then are dot products with vectors that lie in X, or sums of such
 * vectors; with several outputs, one tile of a matrix product serves both products and both orders. Sums of float32 are
 * added as such over a block, then in double. */

/* Vectors are written out here: what counts is which numbers stay in registers. A sum's order does not depend on their
 * width: a dot product always has FN(DOT) lanes, and everything else has its sums side by side in a vector. */
typedef real FN(vec) __attribute__((vector_size(VECTOR)));
typedef real FN(vec_in_memory) __attribute__((vector_size(VECTOR), aligned(sizeof(real)), may_alias));
#define vec FN(vec)
enum { FN(WIDTH) = VECTOR / sizeof(real), FN(DOT) = 64 / sizeof(real), FN(DOT_VECTORS) = 64 / VECTOR };

INLINE vec FN(get)(const real *x) { return *(const FN(vec_in_memory) *)x; }
INLINE void FN(set)(real *x, vec v) { *(FN(vec_in_memory) *)x = v; }
INLINE vec FN(all)(real x) { return x - (vec){0}; } /* not x + 0: that is a sum, of -0 */
INLINE vec FN(vec_fma)(vec a, vec b, vec c) {
#if defined(__AVX512F__) && FL_BITS == 32
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX512F__)
    return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__) && FL_BITS == 32
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__FMA__)
    return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif FL_FMA
    for (ptrdiff_t k = 0; k < FN(WIDTH); k++)
        c[k] = vfma(a[k], b[k], c[k]);
    return c;
#else
    return a * b + c;
#endif
}
#define UNROLLED _Pragma("GCC unroll 8") for

/* Terms that are added as float32 before they join a double sum: equal terms are then off by 64/4 roundings on average. */
enum { FN(CHAIN) = FL_BITS == 32 ? 64 : 4096 };

/* Vectors that lie anywhere: number i is at x + place[i] * stride, or, without places, at x + i * stride. */
typedef struct {
    const real *x;
    ptrdiff_t stride;
    const ptrdiff_t *place;
    ptrdiff_t places; /* that are known: more than are asked for now */
} FN(vectors);
#define vectors FN(vectors)
INLINE const real *FN(vector)(vectors a, ptrdiff_t i) { return a.x + (a.place ? a.place[i] : i) * a.stride; }

/* A vector of n numbers that will be wanted once those of some KiB are done is asked for, while number i is worked on: one
 * by one, for of many at once a processor forgets some. */
enum { FN(AHEAD) = 1 << 14, FN(MOST_AHEAD) = 32 };
INLINE void FN(ask_ahead)(vectors a, ptrdiff_t i, ptrdiff_t n) {
    const ptrdiff_t bytes = n * (ptrdiff_t)sizeof(real), fit = FN(AHEAD) / (bytes + 1);
    const ptrdiff_t next = i + (fit < 1 ? 1 : fit > FN(MOST_AHEAD) ? FN(MOST_AHEAD) : fit);
    if (a.place && next < a.places)
        for (ptrdiff_t k = 0; k < bytes; k += 64)
            __builtin_prefetch((const char *)FN(vector)(a, next) + k);
}

/* to[i] += sum of a[i][t] * b[t] over t < n, for i < rows (a literal, at most 4): loads of b are shared. */
INLINE void FN(add_dots)(int rows, const real *const a[4], const real *b, ptrdiff_t n, double *to) {
    const ptrdiff_t whole = n - n % FN(DOT);
    vec sum[4][FN(DOT_VECTORS)];
    UNROLLED (ptrdiff_t i = 0; i < rows; i++)
        UNROLLED (ptrdiff_t j = 0; j < FN(DOT_VECTORS); j++)
            sum[i][j] = FN(all)(0);
    for (ptrdiff_t t = 0; t < whole; t += FN(DOT))
        UNROLLED (ptrdiff_t j = 0; j < FN(DOT_VECTORS); j++) {
            const vec w = FN(get)(b + t + j * FN(WIDTH));
            UNROLLED (ptrdiff_t i = 0; i < rows; i++)
                sum[i][j] = FN(vec_fma)(FN(get)(a[i] + t + j * FN(WIDTH)), w, sum[i][j]);
        }
    for (ptrdiff_t i = 0; i < rows; i++) {
        real lanes[FN(DOT)] ALIGNED, rest = 0;
        double wide[FN(DOT)] ALIGNED;
        UNROLLED (ptrdiff_t j = 0; j < FN(DOT_VECTORS); j++)
            FN(set)(lanes + j * FN(WIDTH), sum[i][j]);
        SIMD for (ptrdiff_t k = 0; k < FN(DOT); k++)
            wide[k] = (double)lanes[k];
        UNROLLED (ptrdiff_t width = FN(DOT) / 2; width > 0; width /= 2)
            SIMD for (ptrdiff_t k = 0; k < width; k++)
                wide[k] += wide[k + width];
        for (ptrdiff_t t = whole; t < n; t++)
            rest = vfma(a[i][t], b[t], rest);
        to[i] += wide[0] + (double)rest;
    }
}

/* The same for any number of vectors, of any length. */
static void FN(dots)(vectors a, const real *b, ptrdiff_t rows, ptrdiff_t n, double *to) {
    const ptrdiff_t most = FN(CHAIN) * FN(DOT);
    for (ptrdiff_t i = 0; i < rows; i += i + 4 <= rows ? 4 : 1)
        for (ptrdiff_t t = 0; t < n; t += most) {
            const ptrdiff_t length = n - t < most ? n - t : most;
            const real *at[4] = {FN(vector)(a, i) + t};
            if (i + 4 <= rows) {
                UNROLLED (ptrdiff_t k = 1; k < 4; k++)
                    at[k] = FN(vector)(a, i + k) + t;
                for (ptrdiff_t k = 0; k < 4 && t == 0; k++)
                    FN(ask_ahead)(a, i + k, n);
                FN(add_dots)(4, at, b + t, length, to + i);
            } else
                FN(add_dots)(1, at, b + t, length, to + i);
        }
}

/* to[t] += sum of a[i][t] * c[i] over i < rows (a literal, at most 8), for t < n. */
INLINE void FN(add_multiples)(int rows, const real *const a[8], const real *c, ptrdiff_t n, real *to) {
    ptrdiff_t t = 0;
    for (; t + FN(WIDTH) <= n; t += FN(WIDTH)) {
        vec sum = FN(get)(to + t);
        UNROLLED (ptrdiff_t i = 0; i < rows; i++)
            sum = FN(vec_fma)(FN(get)(a[i] + t), FN(all)(c[i]), sum);
        FN(set)(to + t, sum);
    }
    for (; t < n; t++)
        UNROLLED (ptrdiff_t i = 0; i < rows; i++)
            to[t] = vfma(a[i][t], c[i], to[t]);
}

/* to[t] += sum of a[i][t] * c[i] over any number of vectors; `part` has room for n. What comes behind them, if they are a
 * block of rows without gaps, is fetched meanwhile: the loss that was computed on this block's scores has asked nothing of
 * the memory. */
static void FN(multiples)(vectors a, const real *c, ptrdiff_t rows, ptrdiff_t n, double *to, real *part) {
    enum { GROUP = 8, LINE = 64 / sizeof(real) };
    for (ptrdiff_t i = 0; i < rows;) {
        const ptrdiff_t stop = rows - i < FN(CHAIN) ? rows : i + FN(CHAIN);
        memset(part, 0, (size_t)n * sizeof(real));
        for (; i + GROUP <= stop; i += GROUP) {
            const real *at[GROUP], *next = a.x + (i + rows) * a.stride;
            for (ptrdiff_t k = 0; k < GROUP * n && a.stride == n && !a.place; k += LINE)
                __builtin_prefetch(next + k, 0, 2);
            UNROLLED (ptrdiff_t k = 0; k < GROUP; k++)
                at[k] = FN(vector)(a, i + k);
            for (ptrdiff_t k = 0; k < GROUP; k++)
                FN(ask_ahead)(a, i + k, n);
            FN(add_multiples)(GROUP, at, c + i, n, part);
        }
        for (; i < stop; i++) {
            const real *at[GROUP] = {FN(vector)(a, i)};
            FN(add_multiples)(1, at, c + i, n, part);
        }
        SIMD for (ptrdiff_t t = 0; t < n; t++)
            to[t] += (double)part[t];
    }
}

/* A matrix as a product reads it: entry (i, t) is at[i * row + t * column]. */
typedef struct {
    const real *at;
    ptrdiff_t row, column;
} FN(matrix);
#define matrix FN(matrix)

/* One tile of a product: sum[i][k] = sum of a(i, t) * b[t * stride + k] over t < n, for a literal number of rows and of
 * vectors across. */
enum { FN(TALL) = 8, FN(ACROSS) = 3, FN(ACROSS_LANES) = FN(ACROSS) * FN(WIDTH) };
_Static_assert(FN(ACROSS) * VECTOR <= FL_BEHIND, "a tile reads further than there is memory");
typedef double FN(product)[FN(TALL)][FN(ACROSS_LANES)];
INLINE ptrdiff_t FN(tile)(int rows, int vectors, matrix a, const real *b, ptrdiff_t stride, ptrdiff_t n,
                          FN(product) sum) {
    for (ptrdiff_t from = 0; from == 0 || from < n; from += FN(CHAIN)) {
        const ptrdiff_t stop = n - from < FN(CHAIN) ? n : from + FN(CHAIN);
        real lanes[FN(ACROSS_LANES)] ALIGNED;
        vec part[FN(TALL)][FN(ACROSS)];
        UNROLLED (ptrdiff_t i = 0; i < rows; i++)
            UNROLLED (ptrdiff_t j = 0; j < vectors; j++)
                part[i][j] = FN(all)(0);
        for (ptrdiff_t t = from; t < stop; t++) {
            vec across[FN(ACROSS)];
            UNROLLED (ptrdiff_t j = 0; j < vectors; j++)
                across[j] = FN(get)(b + t * stride + j * FN(WIDTH));
            UNROLLED (ptrdiff_t i = 0; i < rows; i++) {
                const vec x = FN(all)(a.at[i * a.row + t * a.column]);
                UNROLLED (ptrdiff_t j = 0; j < vectors; j++)
                    part[i][j] = FN(vec_fma)(x, across[j], part[i][j]);
            }
        }
        UNROLLED (ptrdiff_t i = 0; i < rows; i++) {
            UNROLLED (ptrdiff_t j = 0; j < vectors; j++)
                FN(set)(lanes + j * FN(WIDTH), part[i][j]);
            if (from == 0)
                SIMD for (ptrdiff_t k = 0; k < vectors * FN(WIDTH); k++)
                    sum[i][k] = (double)lanes[k];
            else
                SIMD for (ptrdiff_t k = 0; k < vectors * FN(WIDTH); k++)
                    sum[i][k] += (double)lanes[k];
        }
    }
    return rows;
}

/* A tile at row i and column c of a(rows, n) times b(n, columns); b has room for it behind its end. Returns how many rows it
 * has: four times three vectors, or eight of one, are as many sums as registers hold. */
static ptrdiff_t FN(tile_at)(matrix a, ptrdiff_t rows, const real *b, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t n,
                             ptrdiff_t i, ptrdiff_t c, FN(product) sum) {
    a.at += i * a.row;
    b += c;
    rows -= i;
    columns -= c;
    if (columns > 2 * FN(WIDTH))
        return rows >= 4 ? FN(tile)(4, 3, a, b, stride, n, sum) : FN(tile)(1, 3, a, b, stride, n, sum);
    if (columns > FN(WIDTH))
        return rows >= 4 ? FN(tile)(4, 2, a, b, stride, n, sum) : FN(tile)(1, 2, a, b, stride, n, sum);
    return rows >= 8   ? FN(tile)(8, 1, a, b, stride, n, sum)
           : rows >= 4 ? FN(tile)(4, 1, a, b, stride, n, sum)
                       : FN(tile)(1, 1, a, b, stride, n, sum);
}

/* Entry (i, t) of rows `begin` on of a dense X. */
static matrix FN(rows_of)(const fl_linear *l, ptrdiff_t begin) {
    return l->order == FL_ROWS ? (matrix){(const real *)l->x + begin * l->p, l->p, 1}
                               : (matrix){(const real *)l->x + begin, 1, l->n};
}

/* Rows `begin` on of X by rows, or of those that are drawn from it. */
static vectors FN(vectors_of)(const fl_linear *l, ptrdiff_t begin) {
    if (l->rows)
        return (vectors){l->x, l->p, l->rows + begin, l->n_rows - begin};
    return (vectors){(const real *)l->x + begin * l->p, l->p, 0, 0};
}

/* Sparse rows: m of them from `begin` on. z = X theta + b, a row of k numbers each; to += X^T g. */
#define SPARSE(index)                                                                                        \
    static void FN(sparse_scores_##index)(const fl_linear *l, ptrdiff_t begin, ptrdiff_t m, real *z, double *wide) { \
        const index *column = l->columns;                                                                    \
        const real *x = l->x, *theta = l->theta;                                                             \
        const ptrdiff_t k = l->k;                                                                            \
        for (ptrdiff_t i = 0; i < m; i++) {                                                                  \
            const index *start = (const index *)l->starts + (l->rows ? l->rows[begin + i] : begin + i);      \
            for (ptrdiff_t j = 0; j < k; j++)                                                                \
                wide[j] = l->b ? l->b[j] : 0;                                                                \
            for (ptrdiff_t e = start[0]; e < start[1]; e++) {                                                \
                const real *row = theta + column[e] * k;                                                     \
                SIMD for (ptrdiff_t j = 0; j < k; j++)                                                       \
                    wide[j] += (double)x[e] * (double)row[j];                                                \
            }                                                                                                \
            for (ptrdiff_t j = 0; j < k; j++)                                                                \
                z[i * k + j] = (real)wide[j];                                                                \
        }                                                                                                    \
    }                                                                                                        \
    static void FN(sparse_pull_back_##index)(const fl_linear *l, ptrdiff_t begin, ptrdiff_t m, const real *g, double *to) { \
        const index *column = l->columns;                                                                    \
        const real *x = l->x;                                                                                \
        const ptrdiff_t k = l->k;                                                                            \
        for (ptrdiff_t i = 0; i < m; i++) {                                                                  \
            const index *start = (const index *)l->starts + (l->rows ? l->rows[begin + i] : begin + i);      \
            for (ptrdiff_t e = start[0]; e < start[1]; e++) {                                                \
                double *row = to + column[e] * k;                                                            \
                SIMD for (ptrdiff_t j = 0; j < k; j++)                                                       \
                    row[j] += (double)x[e] * (double)g[i * k + j];                                           \
            }                                                                                                \
        }                                                                                                    \
    }
SPARSE(int32_t)
SPARSE(int64_t)
#undef SPARSE

/* z = X theta + b of m rows from `begin` on; part and wide have room for a block. */
static void FN(scores)(const fl_linear *l, ptrdiff_t begin, ptrdiff_t m, real *z, real *part, double *wide) {
    const real *theta = l->theta;
    const double *b = l->b;
    if (l->order == FL_SPARSE) {
        (l->wide_index ? FN(sparse_scores_int64_t) : FN(sparse_scores_int32_t))(l, begin, m, z, wide);
        return;
    }
    const matrix x = FN(rows_of)(l, begin);
    if (l->k == 1) {
        for (ptrdiff_t i = 0; i < m; i++)
            wide[i] = b ? b[0] : 0;
        if (l->order == FL_ROWS)
            FN(dots)(FN(vectors_of)(l, begin), theta, m, l->p, wide);
        else
            FN(multiples)((vectors){x.at, x.column, 0, 0}, theta, l->p, m, wide, part);
        SIMD for (ptrdiff_t i = 0; i < m; i++)
            z[i] = (real)wide[i];
        return;
    }
    FN(product) sum ALIGNED;
    for (ptrdiff_t c = 0; c < l->k; c += FN(ACROSS_LANES)) {
        const ptrdiff_t columns = l->k - c < FN(ACROSS_LANES) ? l->k - c : FN(ACROSS_LANES);
        for (ptrdiff_t i = 0, rows; i < m; i += rows) {
            rows = FN(tile_at)(x, m, theta, l->k, l->k, l->p, i, c, sum);
            for (ptrdiff_t r = 0; r < rows; r++)
                SIMD for (ptrdiff_t j = 0; j < columns; j++)
                    z[(i + r) * l->k + c + j] = (real)(sum[r][j] + (b ? b[c + j] : 0));
        }
    }
}

/* to += (X, 1)^T g over m rows from `begin` on; part has room for p. */
static void FN(pull_back)(const fl_linear *l, ptrdiff_t begin, ptrdiff_t m, const real *g, double *to, real *part) {
    if (l->intercept && l->k == 1) {
        FN(lanes) total = {{0}, {0}};
        double of_block[2];
        FN(accumulate)(&total, g, m);
        FN(finish)(&total, of_block);
        to[l->p] += of_block[0];
    } else if (l->intercept)
        for (ptrdiff_t i = 0; i < m; i++)
            SIMD for (ptrdiff_t j = 0; j < l->k; j++)
                to[l->p * l->k + j] += (double)g[i * l->k + j];
    if (l->order == FL_SPARSE) {
        (l->wide_index ? FN(sparse_pull_back_int64_t) : FN(sparse_pull_back_int32_t))(l, begin, m, g, to);
        return;
    }
    const matrix x = FN(rows_of)(l, begin), turned = {x.at, x.column, x.row};
    if (l->k == 1 && l->order == FL_ROWS)
        FN(multiples)(FN(vectors_of)(l, begin), g, m, l->p, to, part);
    else if (l->k == 1)
        FN(dots)((vectors){x.at, x.column, 0, 0}, g, l->p, m, to);
    else {
        FN(product) sum ALIGNED;
        for (ptrdiff_t c = 0; c < l->k; c += FN(ACROSS_LANES)) {
            const ptrdiff_t columns = l->k - c < FN(ACROSS_LANES) ? l->k - c : FN(ACROSS_LANES);
            for (ptrdiff_t i = 0, rows; i < l->p; i += rows) {
                rows = FN(tile_at)(turned, l->p, g, l->k, l->k, m, i, c, sum);
                for (ptrdiff_t r = 0; r < rows; r++)
                    SIMD for (ptrdiff_t j = 0; j < columns; j++)
                        to[(i + r) * l->k + c + j] += sum[r][j];
            }
        }
    }
}

/* A share of the rows, block by block: its sum of losses, and in memory of its own its gradient. The loss is given each
 * block's targets, weights and scores as if they were all; where the job holds z, that is where a Hessian is taken, and the
 * scores are the vector it is multiplied by. */
static void FN(run_linear)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_linear *l = (const fl_linear *)job;
    const ptrdiff_t share = begin / l->share, k = l->k, room = PADDED(l->block * k + FN(ACROSS_LANES), 16);
    real *scratch = (real *)(l->scratch + share * l->scratch_size);
    real *const z_room = scratch, *const g_room = z_room + room, *const part = g_room + room;
    double *const wide = (double *)(part + PADDED(l->block > l->p ? l->block : l->p, 16));
    double *const gradient = l->gradients ? l->gradients + share * l->size : 0;
    double high = 0, low = 0;
    if (gradient)
        memset(gradient, 0, (size_t)l->size * sizeof *gradient);
    for (ptrdiff_t b = begin, m; b < end; b += m) {
        m = end - b < l->block ? end - b : l->block;
        real *z = l->z ? (real *)l->z + b * k : z_room;
        const real *g = g_room;
        if (l->theta)
            FN(scores)(l, b, m, z, part, wide);
        if (l->loss) {
            fl_job of_block = *l->loss;
            double of_sum[2] = {0, 0};
            const size_t row = (size_t)k * sizeof(real);
            of_block.y = (const char *)of_block.y + (size_t)b * (of_block.dense ? row : size_of[of_block.y_type]);
            if (of_block.w)
                of_block.w = (const char *)of_block.w + (size_t)b * size_of[of_block.w_type];
            if (of_block.z) {
                of_block.z = (const char *)of_block.z + (size_t)b * row;
                of_block.u = z;
            } else
                of_block.z = z;
            of_block.g = gradient ? g_room : 0;
            of_block.run(&of_block, 0, m, sum ? of_sum : 0);
            const double x = of_sum[0], s = high + x, t = s - high; /* Neumaier's sum, as the driver's of shares */
            low += ((high - (s - t)) + (x - t)) + of_sum[1];
            high = s;
        } else if (gradient)
            g = memcpy(g_room, (const real *)l->g + b * k, (size_t)(m * k) * sizeof(real)); /* with room behind it */
        if (gradient)
            FN(pull_back)(l, b, m, g, gradient, part);
    }
    if (sum) {
        sum[0] = high;
        sum[1] = low;
    }
}

/* A Hessian that is diagonal, z, times a vector u. */
static void FN(run_times)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2] __attribute__((unused))) {
    const real *z = job->z, *u = job->u;
    real *g = job->g;
    SIMD for (ptrdiff_t i = begin * job->width; i < end * job->width; i++)
        g[i] = z[i] * u[i];
}

/* (X, 1)^T diag(g) (X, 1) of a share of the rows, above the diagonal: X^T times the rows of X, and 1, that are multiplied
 * by g. Of a dense X. */
static void FN(run_gram)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2] __attribute__((unused))) {
    const fl_linear *l = (const fl_linear *)job;
    const ptrdiff_t share = begin / l->share, p = l->p, q = p + (l->intercept != 0);
    real *rows_times = (real *)(l->scratch + share * l->scratch_size);
    double *const to = l->gradients + share * l->size;
    FN(product) tile ALIGNED;
    memset(to, 0, (size_t)l->size * sizeof *to);
    for (ptrdiff_t b = begin, m; b < end; b += m) {
        m = end - b < l->block ? end - b : l->block;
        const matrix x = FN(rows_of)(l, b), turned = {x.at, x.column, x.row};
        const real *h = (const real *)l->g + b;
        for (ptrdiff_t i = 0; i < m && l->order == FL_ROWS; i++)
            SIMD for (ptrdiff_t j = 0; j < p; j++)
                rows_times[i * q + j] = h[i] * x.at[i * p + j];
        for (ptrdiff_t j = 0; j < p && l->order == FL_COLUMNS; j++)
            for (ptrdiff_t i = 0; i < m; i++)
                rows_times[i * q + j] = h[i] * x.at[i + j * l->n];
        for (ptrdiff_t i = 0; i < m && q > p; i++) {
            rows_times[i * q + p] = h[i];
            to[p * q + p] += (double)h[i];
        }
        for (ptrdiff_t i = 0, rows = 0; i < p; i += rows)
            for (ptrdiff_t c = i; c < q; c += FN(ACROSS_LANES)) {
                const ptrdiff_t columns = q - c < FN(ACROSS_LANES) ? q - c : FN(ACROSS_LANES);
                const ptrdiff_t stop = i + 4 < p ? i + 4 : p; /* as many rows for each c */
                rows = FN(tile_at)(turned, stop, rows_times, q, q, m, i, c, tile);
                for (ptrdiff_t r = 0; r < rows; r++)
                    SIMD for (ptrdiff_t j = 0; j < columns; j++)
                        to[(i + r) * q + c + j] += tile[r][j];
            }
    }
}
#undef matrix
#undef vectors
#undef vec

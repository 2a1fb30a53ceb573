/* Losses of embeddings: rows of numbers that are compared with each other. What a row loses depends on sums over it
 * (distances, products), its gradients on those sums: two or three passes over rows that are in L1 by then. */

/* Lanes of a row's sums: twice LANES, for one fused multiply-add waits four cycles for the last. A float32 lane takes so
 * many terms, then joins a double one: at most 8 roundings, at any length. */
enum { FN(SPREAD) = 2 * LANES, FN(PIECE) = 8 * FN(SPREAD) };

/* Embeddings as they are multiplied: x times scale times unit. The scale is a power of two, 1 unless squares would
 * overflow or vanish; unit makes a vector of length 1 of it. Two factors, as their product may leave the type. */
typedef struct {
    real scale, unit;
} FN(factors);
#define factors FN(factors)

/* Terms of a row's sums. */
enum { FN(DIFFERENCE), FN(SQUARE), FN(POWER), FN(PRODUCT), FN(UNIT_DIFFERENCE), FN(LARGEST) };
INLINE real FN(plus_term)(int term, real sum, real a, real b, factors of_a, factors of_b, real p) {
    const real x = (a - b) * of_a.scale, u = a * of_a.scale * of_a.unit, v = b * of_b.scale * of_b.unit, e = u - v;
    return term == FN(DIFFERENCE) ? sum + vabs(x)
           : term == FN(SQUARE)   ? vfma(x, x, sum)
           : term == FN(POWER)    ? sum + vpow(vabs(x), p)
           : term == FN(PRODUCT)  ? vfma(u, v, sum)
                                  : vfma(e, e, sum);
}

INLINE double FN(row_sum)(int term, const real *a, const real *b, factors of_a, factors of_b, real p, ptrdiff_t d) {
    const real zero = BOUNDS.zero; /* not a literal, of which GCC makes a memset that takes longer than a short row */
    double sum[FN(SPREAD)] ALIGNED;
    SIMD for (ptrdiff_t k = 0; k < FN(SPREAD); k++)
        sum[k] = (double)zero;
    for (ptrdiff_t i = 0; i < d; i += FN(PIECE)) {
        const ptrdiff_t n = d - i < FN(PIECE) ? d - i : FN(PIECE), whole = n - n % FN(SPREAD);
        real part[FN(SPREAD)] ALIGNED, rest[FN(SPREAD)] ALIGNED;
        SIMD for (ptrdiff_t k = 0; k < FN(SPREAD); k++)
            part[k] = zero;
        for (ptrdiff_t j = i; j < i + whole; j += FN(SPREAD))
            SIMD for (ptrdiff_t k = 0; k < FN(SPREAD); k++)
                part[k] = FN(plus_term)(term, part[k], a[j + k], b[j + k], of_a, of_b, p);
        memcpy(rest, part, sizeof part); /* whose index is no constant: part stays in registers */
        SIMD for (ptrdiff_t k = 0; k < n - whole; k++)
            rest[k] = FN(plus_term)(term, rest[k], a[i + whole + k], b[i + whole + k], of_a, of_b, p);
        SIMD for (ptrdiff_t k = 0; k < FN(SPREAD); k++)
            sum[k] += (double)rest[k];
    }
    _Pragma("GCC unroll 8") for (ptrdiff_t width = FN(SPREAD) / 2; width > 0; width /= 2)
        SIMD for (ptrdiff_t k = 0; k < width; k++)
            sum[k] += sum[k + width];
    return sum[0];
}

/* A distance between two rows, or the length of one: norm / scale. Sum and norm are those of the scaled row. */
typedef struct {
    double sum, norm;
    factors by;
} FN(length);
#define length FN(length)

/* A power of two that brings the largest entry to between 1 and 4; 1 where there is nothing to bring. */
static __attribute__((noinline)) real FN(fitting_scale)(const real *a, const real *b, ptrdiff_t d) {
    real most = 0;
    for (ptrdiff_t i = 0; i < d; i++) {
        const real x = vabs(b ? a[i] - b[i] : a[i]);
        most = x > most ? x : most;
    }
    const ubits_t exponent = (ubits_t)bits_of(most) >> MANTISSA_BITS, inverse = 2 * EXPONENT_BIAS - exponent;
    return most == 0 || not_finite(most) ? 1 : FN(from_exponent)(inverse > 0 ? inverse : 1);
}

/* Sums within these have lost nothing to overflow and next to nothing to underflow. */
#define LEAST_SUM (FL_BITS == 32 ? 0x1p-80 : 0x1p-900)
#define MOST_SUM (FL_BITS == 32 ? 0x1p120 : 0x1p1000)

INLINE length FN(measure)(int term, const real *a, const real *b, real p, ptrdiff_t d) {
    factors by = {1, 1};
    double sum = FN(row_sum)(term, a, b, by, by, p, d);
    if (!(sum >= LEAST_SUM && sum <= MOST_SUM)) {
        by.scale = FN(fitting_scale)(a, term == FN(PRODUCT) ? 0 : b, d);
        if (by.scale != 1)
            sum = FN(row_sum)(term, a, b, by, by, p, d);
    }
    const double norm = term == FN(DIFFERENCE) ? sum : term == FN(POWER) ? (double)vpow((real)sum, 1 / p) : __builtin_sqrt(sum);
    by.unit = sum == 0 ? 0 : (real)(1 / norm);
    return (length){sum, norm, by};
}

/* The one that takes a power of each entry, of which its calls have no copies. */
static ONCE length FN(measure_power)(const real *a, const real *b, real p, ptrdiff_t d) {
    return FN(measure)(FN(POWER), a, b, p, d);
}

/* The largest difference, and in the sum's place how many entries have it; NaN if one is. Counted in reals: for sums of narrow
 * integers GCC may take MMX registers, which are the caller's x87. */
static ONCE length FN(measure_largest)(const real *a, const real *b, ptrdiff_t d) {
    real most = 0, nan = 0, ties = 0;
    _Pragma("omp simd reduction(max : most) reduction(+ : nan)") for (ptrdiff_t k = 0; k < d; k++) {
        const real x = vabs(a[k] - b[k]);
        most = x > most ? x : most;
        nan += nan_or(x, 0);
    }
    most += nan;
    _Pragma("omp simd reduction(+ : ties)") for (ptrdiff_t k = 0; k < d; k++)
        ties += vabs(a[k] - b[k]) == most ? C(1.0) : C(0.0);
    return (length){(double)ties, (double)most, {1, most}};
}

/* One row: value, and unless g is NULL the gradients of the inputs x, times c. */
#define PAIRS_FORMULA(name)                                                                                  \
    static real FN(name)(const real *const *x, real *const *g, ptrdiff_t d,                                  \
                         bool label __attribute__((unused)), double c, const double *p __attribute__((unused)))

/* g1 = factor (a - b), with the scale apart, g2 = -g1. */
INLINE void FN(pull)(real *g1, real *g2, const real *a, const real *b, real scale, real factor, ptrdiff_t d) {
    SIMD for (ptrdiff_t k = 0; k < d; k++) {
        const real u = (a[k] - b[k]) * scale * factor;
        g1[k] = u;
        g2[k] = -u;
    }
}

static void FN(no_gradient)(real *const *g, int inputs, ptrdiff_t d) {
    for (ptrdiff_t i = 0; i < inputs; i++)
        memset(g[i], 0, (size_t)d * sizeof(real));
}

/* D^2/2 of a similar pair, (m - D)_+^2/2 of another; p[0] = m. D = 0 has no direction: gradient 0. */
PAIRS_FORMULA(contrastive) {
    const length of = FN(measure)(FN(SQUARE), x[0], x[1], 0, d);
    const double back = 1 / (double)of.by.scale, short_by = p[0] - of.norm * back;
    if (label) {
        if (g)
            FN(pull)(g[0], g[1], x[0], x[1], 1, (real)c, d);
        return (real)(0.5 * of.sum * back * back);
    }
    const bool near = !(short_by <= 0); /* or NaN */
    if (g && near)
        FN(pull)(g[0], g[1], x[0], x[1], of.by.scale, of.sum == 0 ? 0 : (real)(-c * short_by / of.norm), d);
    else if (g)
        FN(no_gradient)(g, 2, d);
    return near ? (real)(0.5 * short_by * short_by) : 0;
}

/* What the slopes of a distance are multiplied by, for c times its derivative; a distance of 0 has none. */
INLINE real FN(strength)(int term, length of, double c) {
    return (real)(of.sum == 0            ? 0 * c
                  : term == FN(SQUARE)  ? c / of.norm
                  : term == FN(LARGEST) ? c / of.sum
                                        : c);
}

/* Slopes: sign(x) (|x|/D)^(p - 1); of the largest difference, which is the `unit` then, sign(x). */
INLINE real FN(slope)(int term, real a, real b, real scale, real unit, real c, real less_1) {
    const real x = (a - b) * scale;
    return term == FN(SQUARE)       ? x * c
           : term == FN(DIFFERENCE) ? sign(x) * c
           : term == FN(LARGEST)    ? (vabs(x) == unit ? sign(x) : 0) * c
                                    : sign(x) * vpow(vabs(x) * unit, less_1) * c;
}

INLINE length FN(distance_of)(int term, const real *a, const real *b, real p, ptrdiff_t d) {
    return term == FN(POWER)     ? FN(measure_power)(a, b, p, d)
           : term == FN(LARGEST) ? FN(measure_largest)(a, b, d)
                                 : FN(measure)(term, a, b, p, d);
}

/* (|a - p| - |a - n| + m)_+ with Lp distances; p[0] = m, p[1] = p, p[2] = p - 1, p[3]: |p - n| takes the place of |a - n|
 * where that is shorter. */
INLINE real FN(triplet)(int term, const real *const *x, real *const *g, ptrdiff_t d, double c, const double *p) {
    const real power = (real)p[1], less_1 = (real)p[2];
    const length to_p = FN(distance_of)(term, x[0], x[1], power, d);
    length to_n = FN(distance_of)(term, x[0], x[2], power, d);
    bool swapped = false;
    if (p[3] != 0) {
        const length other = FN(distance_of)(term, x[1], x[2], power, d);
        swapped = other.norm / (double)other.by.scale < to_n.norm / (double)to_n.by.scale;
        to_n = swapped ? other : to_n;
    }
    const double v = to_p.norm / (double)to_p.by.scale - to_n.norm / (double)to_n.by.scale + p[0];
    if (!g)
        return v <= 0 ? 0 : (real)v;
    if (v <= 0) {
        FN(no_gradient)(g, 3, d);
        return 0;
    }
    const double by = v == v ? c : v; /* also the gradient in the input that is not to blame for a NaN */
    const real cp = FN(strength)(term, to_p, by), cn = FN(strength)(term, to_n, by);
    const real sp = to_p.by.scale, sn = to_n.by.scale, up = to_p.by.unit, un = to_n.by.unit;
    if (swapped)
        SIMD for (ptrdiff_t k = 0; k < d; k++) {
            const real pull = FN(slope)(term, x[0][k], x[1][k], sp, up, cp, less_1);
            const real push = FN(slope)(term, x[1][k], x[2][k], sn, un, cn, less_1);
            g[0][k] = pull;
            g[1][k] = -pull - push;
            g[2][k] = push;
        }
    else
        SIMD for (ptrdiff_t k = 0; k < d; k++) {
            const real pull = FN(slope)(term, x[0][k], x[1][k], sp, up, cp, less_1);
            const real push = FN(slope)(term, x[0][k], x[2][k], sn, un, cn, less_1);
            g[0][k] = pull - push;
            g[1][k] = -pull;
            g[2][k] = push;
        }
    return (real)v;
}
PAIRS_FORMULA(triplet_1) { return FN(triplet)(FN(DIFFERENCE), x, g, d, c, p); }
PAIRS_FORMULA(triplet_2) { return FN(triplet)(FN(SQUARE), x, g, d, c, p); }
PAIRS_FORMULA(triplet_p) { return FN(triplet)(FN(POWER), x, g, d, c, p); }
PAIRS_FORMULA(triplet_inf) { return FN(triplet)(FN(LARGEST), x, g, d, c, p); }

/* The cosine of the angle between a and b, and 1 less it. Of nearly parallel vectors the latter is half the square of the
 * difference of the unit vectors, for 1 - cos cancels; of nearly opposite ones that gives the cosine. A zero vector has
 * the cosine 0 with every other, and moves neither. */
typedef struct {
    factors a, b;
    double cos, less; /* 1 - cos */
    bool nowhere;
} FN(angle);
#define angle FN(angle)
INLINE angle FN(between)(const real *a, const real *b, ptrdiff_t d) {
    const length of_a = FN(measure)(FN(PRODUCT), a, a, 0, d), of_b = FN(measure)(FN(PRODUCT), b, b, 0, d);
    if (of_a.sum == 0 || of_b.sum == 0)
        return (angle){of_a.by, of_b.by, 0 * (of_a.sum + of_b.sum), 1, true};
    const double cos = FN(row_sum)(FN(PRODUCT), a, b, of_a.by, of_b.by, 0, d);
    if (-0.5 < cos && cos < 0.5)
        return (angle){of_a.by, of_b.by, cos, 1 - cos, false};
    const factors turned = {of_b.by.scale, cos < 0 ? -of_b.by.unit : of_b.by.unit};
    const double half = 0.5 * FN(row_sum)(FN(UNIT_DIFFERENCE), a, b, of_a.by, turned, 0, d);
    return (angle){of_a.by, of_b.by, cos < 0 ? half - 1 : 1 - half, cos < 0 ? 2 - half : half, false};
}

/* c times the derivatives of the cosine: in a, (b/|b| - cos a/|a|)/|a|. */
INLINE void FN(turn)(real *const *g, const real *a, const real *b, const angle *at, double c, ptrdiff_t d) {
    const factors of_a = at->a, of_b = at->b;
    const real cos = (real)at->cos, ca = of_a.unit * (real)c, cb = of_b.unit * (real)c;
    real *g1 = g[0], *g2 = g[1];
    SIMD for (ptrdiff_t k = 0; k < d; k++) {
        const real u = a[k] * of_a.scale * of_a.unit, v = b[k] * of_b.scale * of_b.unit;
        g1[k] = vfma(-cos, u, v) * ca * of_a.scale;
        g2[k] = vfma(-cos, v, u) * cb * of_b.scale;
    }
}

/* 1 - cos of a similar pair, (cos - m)_+ of another; p[0] = m. */
PAIRS_FORMULA(cosine_embedding) {
    const angle at = FN(between)(x[0], x[1], d);
    const double over = at.cos - p[0];
    const bool moves = !at.nowhere && (label || !(over <= 0));
    if (g && moves)
        FN(turn)(g, x[0], x[1], &at, label ? -c : c, d);
    else if (g)
        FN(no_gradient)(g, 2, d);
    return (real)(label ? at.less : over <= 0 ? 0 : over);
}

/* -cos */
PAIRS_FORMULA(cosine_similarity) {
    const angle at = FN(between)(x[0], x[1], d);
    if (g && !at.nowhere)
        FN(turn)(g, x[0], x[1], &at, -c, d);
    else if (g)
        FN(no_gradient)(g, 2, d);
    return (real)-at.cos;
}

/* name, inputs */
#define PAIRS(X)            \
    X(contrastive, 2)       \
    X(triplet_1, 3)         \
    X(triplet_2, 3)         \
    X(triplet_p, 3)         \
    X(triplet_inf, 3)       \
    X(cosine_embedding, 2)  \
    X(cosine_similarity, 2)

typedef real (*FN(pairs_formula))(const real *const *x, real *const *g, ptrdiff_t d, bool label, double c,
                                  const double *p);

/* Gradients that go past the cache are collected in pieces of 8 KiB: rows of their own begin and end within a line. */
enum { FN(COLLECTED) = 8192 / sizeof(real) };

/* One block, of at most TILE rows (the driver's promise). */
static void FN(run_pairs)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_pairs_job *pairs = (const fl_pairs_job *)job;
    const FN(pairs_formula) formula = (FN(pairs_formula))job->loop;
    const ptrdiff_t d = job->width, rows = end - begin;
    real yb[TILE] ALIGNED;
    const real *y = job->y ? FN(view)(yb, job->y, job->y_type, begin, rows) : 0, *w = job->w;
    const bool gradients = pairs->g[0] != 0, collects = gradients && job->put == FL_PAST_CACHE && d <= FN(COLLECTED);
    const ptrdiff_t run = collects ? FN(COLLECTED) / d : rows;
    real v[TILE] ALIGNED, collected[FL_EMBEDDINGS][FN(COLLECTED)] ALIGNED;
    for (ptrdiff_t from = begin, n; from < end; from += n) {
        n = end - from < run ? end - from : run;
        for (ptrdiff_t i = from; i < from + n; i++) {
            const double weight = w ? (double)w[i] : 1;
            const real *x[FL_EMBEDDINGS];
            real *g[FL_EMBEDDINGS];
            for (ptrdiff_t k = 0; k < pairs->inputs; k++) {
                x[k] = (const real *)pairs->x[k] + i * d;
                if (gradients)
                    g[k] = collects ? collected[k] + (i - from) * d : (real *)pairs->g[k] + i * d;
            }
            if (weight != 0) {
                const bool label = y && y[i - begin] > 0;
                v[i - begin] = (real)weight * formula(x, gradients ? g : 0, d, label, weight * job->scale, job->p);
            } else { /* nothing, whatever the row holds */
                v[i - begin] = 0;
                if (gradients)
                    FN(no_gradient)(g, pairs->inputs, d);
            }
        }
        for (ptrdiff_t k = 0; k < pairs->inputs && collects; k++)
            FN(put)(pairs->g[k], from * d, collected[k], n * d, FL_PAST_CACHE);
    }
    FN(put)(job->v, begin, v, rows, FL_AS_IS);
    if (sum) {
        FN(lanes) total = {{0}, {0}};
        FN(accumulate)(&total, v, rows);
        FN(finish)(&total, sum);
    }
}

/* (m - s (a - b))_+, s = +1 where a should be the larger, -1 where b should; p[0] = m. Pointwise in a and b. At a tie with
 * m = 0 the gradient is -s, not 0: from there learning begins. */
static void FN(run_ranking)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_pairs_job *pairs = (const fl_pairs_job *)job;
    real ab[FN(RUN)] ALIGNED, bb[FN(RUN)] ALIGNED, yb[FN(RUN)] ALIGNED, wb[FN(RUN)] ALIGNED;
    real v[FN(RUN)] ALIGNED, buffer[2][FN(RUN)] ALIGNED;
    const real margin = (real)job->p[0], scale = job->w ? 1 : (real)job->scale;
    const ptrdiff_t run = job->put == FL_PAST_CACHE ? FN(STREAMED_RUN) : FN(RUN);
    FN(lanes) total = {{0}, {0}};
    for (ptrdiff_t from = begin, n; from < end; from += n) {
        n = end - from < run ? end - from : run;
        const ptrdiff_t padded = PADDED(n, LANES);
        const bool direct = pairs->g[0] && n == padded && job->put == FL_AS_IS;
        const real *a = FN(view)(ab, pairs->x[0], REAL_TYPE, from, n), *b = FN(view)(bb, pairs->x[1], REAL_TYPE, from, n);
        const real *y = FN(view)(yb, job->y, job->y_type, from, n);
        real *g1 = direct ? (real *)pairs->g[0] + from : buffer[0];
        real *g2 = direct ? (real *)pairs->g[1] + from : buffer[1];
        SIMD for (ptrdiff_t k = 0; k < padded; k++) {
            const real slope = y[k] > 0 ? C(-1.0) : C(1.0), m = vfma(slope, a[k] - b[k], margin);
            const real g = (m >= 0 ? slope : nan_or(m, 0)) * scale;
            v[k] = at_least(BOUNDS.zero, m);
            g1[k] = g;
            g2[k] = -g;
        }
        if (job->w) {
            const real *w = FN(view)(wb, job->w, REAL_TYPE, from, n);
            FN(weigh)(v, w, 1, padded);
            FN(weigh)(g1, w, job->scale, padded);
            FN(weigh)(g2, w, job->scale, padded);
        }
        FN(accumulate)(&total, v, n);
        FN(put)(job->v, from, v, n, job->put);
        if (!direct) {
            FN(put)(pairs->g[0], from, g1, n, job->put);
            FN(put)(pairs->g[1], from, g2, n, job->put);
        }
    }
    if (sum)
        FN(finish)(&total, sum);
}

/* Contrast of anchors with all others: of a row of similarities s the loss is log(sum of exp(s)) less the mean s of the
 * positives, both without the anchor itself; its derivative is softmax(s) - [positive]/positives. x: similarities (rows
 * of this block of anchors over all), group of each column, positives of each row; p[0]: column of the first anchor. The
 * gradient may be written over the similarities. */
static void FN(run_contrast)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    const fl_pairs_job *pairs = (const fl_pairs_job *)job;
    const ptrdiff_t d = job->width, whole = d - d % LANES, rows = end - begin;
    const bits_t *group = pairs->x[1];
    const real *positives = pairs->x[2], *w = job->w;
    real v[TILE] ALIGNED;
    for (ptrdiff_t i = begin; i < end; i++) {
        const ptrdiff_t self = (ptrdiff_t)job->p[0] + i;
        const real *s = (const real *)pairs->x[0] + i * d;
        real *g = pairs->g[0] ? (real *)pairs->g[0] + i * d : 0;
        const bits_t own = group[self];
        if (w[i] == 0 || positives[i] == 0) {
            v[i - begin] = 0;
            if (g)
                memset(g, 0, (size_t)d * sizeof(real));
            continue;
        }
        real most[LANES] ALIGNED;
        double near[LANES] ALIGNED = {0}, sums[LANES] ALIGNED = {0}, attraction = 0, all = 0;
        for (ptrdiff_t k = 0; k < LANES; k++)
            most[k] = -1 / C(0.0);
#define FL_LOOK(N, j)                                                       \
    SIMD for (ptrdiff_t k = 0; k < (N); k++) {                              \
        const bool other = (bits_t)((j) + k) != (bits_t)self;               \
        const real at = s[(j) + k], it = other ? at : -1 / C(0.0);            \
        most[k] = it > most[k] ? it : most[k];                              \
        near[k] += other & (group[(j) + k] == own) ? (double)at : 0;        \
    }
        for (ptrdiff_t j = 0; j < whole; j += LANES)
            FL_LOOK(LANES, j)
        FL_LOOK(d - whole, whole)
#undef FL_LOOK
        real top = most[0];
        for (ptrdiff_t k = 0; k < LANES; k++) {
            top = most[k] > top ? most[k] : top;
            attraction += near[k];
        }
#define FL_ADD(N, j)                                                                        \
    SIMD for (ptrdiff_t k = 0; k < (N); k++) {                                              \
        const real at = vexp_nonpositive(s[(j) + k] - top);                                 \
        sums[k] += (bits_t)((j) + k) != (bits_t)self ? (double)at : 0;                      \
    }
        for (ptrdiff_t j = 0; j < whole; j += LANES)
            FL_ADD(LANES, j)
        FL_ADD(d - whole, whole)
#undef FL_ADD
        for (ptrdiff_t k = 0; k < LANES; k++)
            all += sums[k];
        v[i - begin] = w[i] * ((top - (real)(attraction / (double)positives[i])) + vlog((real)all));
        if (g) {
            const double c = (double)w[i] * job->scale;
            const real spread = (real)(c / all), share = (real)(c / (double)positives[i]);
            SIMD for (ptrdiff_t k = 0; k < d; k++) {
                const real push = vexp_nonpositive(s[k] - top) * spread, pull = group[k] == own ? share : 0;
                g[k] = (bits_t)k != (bits_t)self ? push - pull : 0;
            }
        }
    }
    FN(put)(job->v, begin, v, rows, FL_AS_IS);
    if (sum) {
        FN(lanes) total = {{0}, {0}};
        FN(accumulate)(&total, v, rows);
        FN(finish)(&total, sum);
    }
}
#undef factors
#undef length
#undef angle

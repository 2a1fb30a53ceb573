/* The cheapest transport between two distributions on a line: both in order, cut where either goes on to its next
 * sample.
 *
 * sort_samples puts each of the two in order. What is sorted is one integer per sample, its value above its place: by
 * its digits, or where those tell too little of the order, in the shape of a positive double, for sorts of plain numbers
 * are vector code, and several times as fast as an argsort.
 * transport walks along both in windows that stay in L1. */
#include "control.h"
#include <math.h>

/* A sum with the error of its additions (Knuth's TwoSum). */
typedef struct {
    double high, low;
} total;
static inline void add(total *to, double x) {
    const double s = to->high + x, t = s - to->high;
    to->low += (to->high - (s - t)) + (x - t);
    to->high = s;
}
/* Beside an infinite or NaN sum its error is meaningless. */
static inline double value_of(total x) { return x.high - x.high == 0 ? x.high + x.low : x.high; }

/* ---- in order ---------------------------------------------------------------------------------------------------- */

static inline double at(const void *x, bool single, ptrdiff_t i) {
    return single ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* Of numbers that are not NaN, and whether some are. */
typedef struct {
    double least, most;
    bool nan;
} range;
#define RANGE_OF(TYPE)                                                                                       \
    _Pragma("omp simd reduction(min : least) reduction(max : most) reduction(| : nan)")                      \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                      \
        const double now = (double)((const TYPE *)x)[i];                                                     \
        least = now < least ? now : least;                                                                   \
        most = now > most ? now : most;                                                                      \
        nan |= now != now;                                                                                   \
    }
static range range_of(const void *x, bool single, ptrdiff_t n) {
    double least = INFINITY, most = -INFINITY;
    int64_t nan = 0;
    if (single)
        RANGE_OF(float)
    else
        RANGE_OF(double)
    return (range){least, most, nan != 0};
}

/* An integer in the order of the values; -0 is 0, NaN comes last. */
static inline uint64_t key_of(double x) {
    int64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t sign = (uint64_t)bits >> 63;
    return ((uint64_t)bits ^ (-sign | (uint64_t)1 << 63)) | -(uint64_t)(x != x);
}
static inline int width_of(uint64_t x) { return x ? 64 - __builtin_clzll(x) : 0; }

/* Samples that are sorted together, and memory for as many. */
typedef struct {
    double *x, *spare;
    void *key; /* at last the order */
    ptrdiff_t n;
    uint64_t least;
    int shift, low; /* bits of a value's key that are cut off, bits of the place */
} chunk;

/* What is done with sorted keys of either type, a value above a place. Few samples are out of order: those of which the same
 * bits are left. insert puts those right, or gives up where they are many. */
enum { LOOKED_AT = 16 };
#define ORDER(KEY)                                                                                           \
    static inline bool has_ties_##KEY(const KEY *key, int low, ptrdiff_t n) {                                \
        KEY tied = 0;                                                                                        \
        _Pragma("omp simd reduction(| : tied)") for (ptrdiff_t k = 0; k < n; k++)                            \
            tied |= (key[k] ^ key[k - 1]) >> low == 0;                                                       \
        return tied;                                                                                         \
    }                                                                                                        \
    static bool insert_##KEY(const chunk *c) {                                                               \
        const KEY mask = ((KEY)1 << c->low) - 1;                                                             \
        const int low = c->low;                                                                              \
        KEY *key = c->key;                                                                                   \
        ptrdiff_t moves = c->n;                                                                              \
        for (ptrdiff_t begin = 1, end; begin < c->n; begin = end) {                                          \
            end = c->n - begin < LOOKED_AT ? c->n : begin + LOOKED_AT;                                       \
            if (!(end - begin == LOOKED_AT ? has_ties_##KEY(key + begin, low, LOOKED_AT)                     \
                                           : has_ties_##KEY(key + begin, low, end - begin)))                 \
                continue;                                                                                    \
            for (ptrdiff_t k = begin; k < end; k++) {                                                        \
                const KEY now = key[k];                                                                      \
                const uint64_t here = key_of(c->x[now & mask]);                                              \
                ptrdiff_t j = k;                                                                             \
                for (; j > 0 && (key[j - 1] ^ now) >> low == 0 && moves > 0 &&                               \
                       key_of(c->x[key[j - 1] & mask]) > here;                                               \
                     j--, moves--)                                                                           \
                    key[j] = key[j - 1];                                                                     \
                key[j] = now;                                                                                \
            }                                                                                                \
        }                                                                                                    \
        SIMD for (ptrdiff_t k = 0; k < c->n; k++)                                                            \
            key[k] &= mask;                                                                                  \
        return moves > 0;                                                                                    \
    }                                                                                                        \
    static void permute_##KEY(const chunk *c, double *x, const double *from) {                               \
        const KEY *key = c->key;                                                                             \
        double *to = x == from ? c->spare : x;                                                               \
        SIMD for (ptrdiff_t k = 0; k < c->n; k++)                                                            \
            to[k] = from[(ptrdiff_t)key[k]];                                                                 \
        if (to != x)                                                                                         \
            memcpy(x, to, (size_t)c->n * sizeof *x);                                                         \
    }                                                                                                        \
    static void permute_all_##KEY(const chunk *c, double *weight, const double *weights, uint32_t *place,    \
                                  bool dealt) {                                                              \
        const KEY *key = c->key;                                                                             \
        uint32_t *to = dealt ? (uint32_t *)c->spare : place;                                                 \
        permute_##KEY(c, c->x, c->x);                                                                        \
        if (weight)                                                                                          \
            permute_##KEY(c, weight, weights);                                                               \
        for (ptrdiff_t k = 0; place && k < c->n; k++)                                                        \
            to[k] = dealt ? place[key[k]] : (uint32_t)key[k];                                                \
        if (place && dealt)                                                                                  \
            memcpy(place, to, (size_t)c->n * sizeof *place);                                                 \
    }
ORDER(uint32_t)
ORDER(uint64_t)
#undef ORDER

/* By the 2 x digit bits from `low` on: a pass for each digit, the lower one first, each leaving equal ones as they come.
 * Sorts by comparisons take two to four times as long: they guess branches, or they compress vectors to memory, which
 * takes some processors (Zen 4) a hundred cycles each. */
enum { MOST_DIGIT = 10 };
static void sort_digits(uint32_t *restrict key, uint32_t *restrict other, ptrdiff_t n, int low, int digit) {
    const uint32_t mask = ((uint32_t)1 << digit) - 1;
    const int high = low + digit;
    uint32_t lower[1 << MOST_DIGIT], upper[1 << MOST_DIGIT], below = 0, under = 0;
    memset(lower, 0, sizeof *lower << digit);
    memset(upper, 0, sizeof *upper << digit);
    for (ptrdiff_t k = 0; k < n; k++) {
        lower[key[k] >> low & mask]++;
        upper[key[k] >> high]++;
    }
    for (ptrdiff_t d = 0; d < (ptrdiff_t)1 << digit; d++) { /* from how many have a digit to where they begin */
        const uint32_t of_lower = lower[d], of_upper = upper[d];
        lower[d] = below, upper[d] = under;
        below += of_lower, under += of_upper;
    }
    for (ptrdiff_t k = 0; k < n; k++)
        other[lower[key[k] >> low & mask]++] = key[k];
    for (ptrdiff_t k = 0; k < n; k++)
        key[upper[other[k] >> high]++] = other[k];
}

/* Keys of 32 bits: as many as serve of the value's, above its place. Few are sorted as positive floats, of 30 bits. */
enum { MOST_SHARED = 14, FEW = 256, SHORT = 2048 };
static int digit_of(const chunk *c) { return c->n < SHORT ? MOST_DIGIT - 1 : MOST_DIGIT; }
static int bits_beside(const chunk *c) {
    const int room = (c->n > FEW ? 32 : 30) - c->low, most = 2 * digit_of(c);
    return room < most ? room : most;
}
static bool sort_keys(const chunk *c, fl_sort sort) {
    uint32_t *const key = c->key;
    if (c->n > FEW)
        sort_digits(key, key + c->n, c->n, c->low, digit_of(c));
    else
        sort(key, c->n, NULL);
    return insert_uint32_t(c);
}

/* By where a value lies between the least and the most. False where that tells too little: some are far away. */
static bool sort_by_shares(const chunk *c, range of, fl_sort sort) {
    uint32_t *const key = c->key;
    const int low = c->low;
    const double *const x = c->x, least = of.least, by = (double)((1 << bits_beside(c)) - 1) / (of.most - least);
    if (of.nan || low > MOST_SHARED || !(by > 0 && by < INFINITY))
        return false;
    SIMD for (ptrdiff_t k = 0; k < c->n; k++)
        key[k] = (uint32_t)(int32_t)((x[k] - least) * by) << low | (uint32_t)k;
    return sort_keys(c, sort);
}

/* By the first bits of the numbers: exponents first. */
static bool sort_by_exponents(const chunk *c, range of, fl_sort sort) {
    uint32_t *const key = c->key;
    const int low = c->low;
    const uint64_t least = key_of(of.least);
    const int excess = width_of(key_of(of.nan ? NAN : of.most) - least) - bits_beside(c);
    const int shift = excess > 0 ? excess : 0;
    if (low > MOST_SHARED)
        return false;
    for (ptrdiff_t k = 0; k < c->n; k++)
        key[k] = (uint32_t)((key_of(c->x[k]) - least) >> shift) << low | (uint32_t)k;
    return sort_keys(c, sort);
}

/* A key is cut to the bits above the least one and, as far as there is room beside the place, those below. So many bits
 * are a positive double, never infinite or NaN, and doubles are sorted faster than integers where vectors have no
 * minimum of those (AVX2). */
enum { KEY_BITS = 62 };
static inline uint64_t pack(const chunk *c, double x, ptrdiff_t place) {
    return (key_of(x) - c->least) >> c->shift << c->low | (uint64_t)place;
}

/* By the bits that were cut off, then, among those of equal bits in that order, by the others: exact, at twice the
 * price. */
static void sort_twice(const chunk *c, fl_sort sort) {
    uint64_t *const key = c->key, *const first = (uint64_t *)c->spare;
    const uint64_t mask = ((uint64_t)1 << c->low) - 1, end = ((uint64_t)1 << c->shift) - 1;
    for (ptrdiff_t k = 0; k < c->n; k++)
        key[k] = ((key_of(c->x[k]) - c->least) & end) << c->low | (uint64_t)k;
    sort(key, c->n, NULL);
    for (ptrdiff_t k = 0; k < c->n; k++) {
        first[k] = key[k] & mask;
        key[k] = pack(c, c->x[first[k]], k);
    }
    sort(key, c->n, NULL);
    for (ptrdiff_t k = 0; k < c->n; k++)
        key[k] = first[key[k] & mask];
}

static void sort_by_bits(chunk *c, range of, fl_sort sort) {
    uint64_t *const key = c->key;
    c->least = key_of(of.least);
    const int excess = width_of(key_of(of.nan ? NAN : of.most) - c->least) + c->low - KEY_BITS;
    c->shift = excess > 0 ? excess : 0;
    for (ptrdiff_t k = 0; k < c->n; k++)
        key[k] = pack(c, c->x[k], k);
    sort(key, c->n, NULL);
    if (!insert_uint64_t(c))
        sort_twice(c, sort);
}

/* Sorts samples begin to end - 1, with what follows them; ties stay in the order in which they came. What follows is
 * dealt out beside the values, or still where the caller has it. */
static void sort_chunk(fl_samples *s, const fl_sorts *sorts, ptrdiff_t begin, ptrdiff_t end, bool dealt) {
    chunk c = {s->sorted + begin, s->spare, s->keys, end - begin, 0, 0, width_of((uint64_t)(end - begin - 1))};
    double *const weight = s->w ? s->weight + begin : 0;
    const double *const weights = dealt ? weight : s->w;
    uint32_t *const place = s->g ? s->place + begin : 0;
    const range of = range_of(c.x, false, c.n);
    if (!weight && !place && c.n <= FEW) {
        sorts->doubles(c.x, c.n, NULL);
    } else if (sort_by_shares(&c, of, sorts->singles) || sort_by_exponents(&c, of, sorts->singles)) {
        permute_all_uint32_t(&c, weight, weights, place, dealt);
    } else if (!weight && !place) {
        sorts->doubles(c.x, c.n, NULL);
    } else {
        sort_by_bits(&c, of, sorts->doubles);
        permute_all_uint64_t(&c, weight, weights, place, dealt);
    }
}

/* Samples that fit the cache, with all that follows them; a long sample is first dealt out to buckets. The line is cut into
 * equal cells, and neighbouring cells are taken together until they hold a bucket's share; behind them all is one for samples
 * without weight. Where nearly all is in one cell, only the cache is missed. */
enum { SMALL = 1 << 13, BUCKETS = 128, CELLS = 1 << 12, DEALT = 512 };

/* The cells of some samples, from `begin` on. NaN is in the last one. */
static void find_cells(const fl_samples *s, ptrdiff_t begin, ptrdiff_t n, double first, double by, bool all, int32_t *to) {
    const double *w = s->w;
    if (s->single)
        SIMD for (ptrdiff_t i = 0; i < n; i++) {
            const double at = ((double)((const float *)s->x)[begin + i] - first) * by;
            to[i] = at < CELLS - 1 ? (int32_t)at : CELLS - 1;
        }
    else
        SIMD for (ptrdiff_t i = 0; i < n; i++) {
            const double at = (((const double *)s->x)[begin + i] - first) * by;
            to[i] = at < CELLS - 1 ? (int32_t)at : CELLS - 1;
        }
    if (!all)
        SIMD for (ptrdiff_t i = 0; i < n; i++)
            to[i] = w[begin + i] > 0 ? to[i] : CELLS;
}

/* Sample i, with what follows it, to place k. */
static inline void put(const fl_samples *s, ptrdiff_t i, ptrdiff_t k) {
    s->sorted[k] = at(s->x, s->single, i);
    if (s->w)
        s->weight[k] = s->w[i];
    if (s->g)
        s->place[k] = (uint32_t)i;
}
static void put_values(const fl_samples *s) {
    const ptrdiff_t n = s->n;
    if (s->single)
        SIMD for (ptrdiff_t i = 0; i < n; i++)
            s->sorted[i] = (double)((const float *)s->x)[i];
    else
        memcpy(s->sorted, s->x, (size_t)n * sizeof(double));
}

static void sort_with(fl_samples *s, const fl_sorts *sorts, bool all) {
    const ptrdiff_t n = s->n;
    double first = 0, by = 0;
    if (n > SMALL) {
        const range of = range_of(s->x, s->single, n);
        const double width = of.most - of.least;
        first = of.least, by = width > 0 && width < INFINITY ? CELLS / width : 0;
    }
    if (!(by > 0 && by < INFINITY)) {
        s->kept = 0;
        if (all) {
            put_values(s);
            s->kept = n;
        } else
            for (ptrdiff_t i = 0; i < n; i++) {
                put(s, i, s->kept);
                s->kept += s->w[i] > 0;
            }
        if (s->kept)
            sort_chunk(s, sorts, 0, s->kept, !all);
        return;
    }
    uint32_t held[CELLS + 1] = {0};
    uint8_t bucket_of[CELLS + 1];
    int32_t cell[DEALT];
    ptrdiff_t next[BUCKETS + 1], begin[BUCKETS + 1], buckets = 0;
    const ptrdiff_t share = n / BUCKETS < SMALL / 8 ? SMALL / 8 : n / BUCKETS + 1; /* of the last one less */
    for (ptrdiff_t i = 0, m; i < n; i += m) {
        m = n - i < DEALT ? n - i : DEALT;
        find_cells(s, i, m, first, by, all, cell);
        for (ptrdiff_t k = 0; k < m; k++)
            held[cell[k]]++;
    }
    begin[0] = 0;
    for (ptrdiff_t c = 0, sum = 0; c < CELLS; c++) {
        bucket_of[c] = (uint8_t)buckets;
        sum += held[c];
        if (sum - begin[buckets] >= share || c == CELLS - 1)
            begin[++buckets] = sum;
    }
    bucket_of[CELLS] = (uint8_t)buckets;
    s->kept = begin[buckets];
    memcpy(next, begin, sizeof next);
    for (ptrdiff_t i = 0, m; i < n; i += m) {
        m = n - i < DEALT ? n - i : DEALT;
        find_cells(s, i, m, first, by, all, cell);
        for (ptrdiff_t k = 0; k < m; k++)
            put(s, i + k, next[bucket_of[cell[k]]]++);
    }
    for (ptrdiff_t b = 0; b < buckets; b++)
        if (begin[b] < begin[b + 1])
            sort_chunk(s, sorts, begin[b], begin[b + 1], true);
}

/* The sum of weights, NaN if one is bad; whether all count. */
static double total_of(const double *w, ptrdiff_t n, bool *all) {
    double high[LANES] = {0}, low[LANES] = {0}, least[LANES];
    const ptrdiff_t whole = n - n % LANES;
    for (ptrdiff_t l = 0; l < LANES; l++)
        least[l] = 1;
#define ADD_LANES(N, i)                                                                                      \
    SIMD for (ptrdiff_t l = 0; l < (N); l++) {                                                               \
        const double x = w[(i) + l], s = high[l] + x, t = s - high[l];                                       \
        low[l] += (high[l] - (s - t)) + (x - t);                                                             \
        high[l] = s;                                                                                         \
        least[l] = x < least[l] ? x : least[l];                                                              \
    }
    for (ptrdiff_t i = 0; i < whole; i += LANES)
        ADD_LANES(LANES, i)
    ADD_LANES(n - whole, whole)
#undef ADD_LANES
    total sum = {0, 0};
    for (ptrdiff_t l = 0; l < LANES; l++) {
        add(&sum, high[l]);
        sum.low += low[l];
        least[0] = least[l] < least[0] ? least[l] : least[0];
    }
    *all = least[0] > 0;
    return least[0] >= 0 ? value_of(sum) : NAN;
}

static void sort_samples(fl_samples *s, const fl_sorts *sorts) {
    const fl_control control = control_enter();
    bool all = true;
    s->all = s->w ? total_of(s->w, s->n, &all) : (double)s->n;
    s->kept = s->n;
    if (s->all > 0) /* not NaN */
        sort_with(s, sorts, all);
    control_leave(control);
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

enum { WINDOW = 256, PIECES = 2 * WINDOW };

/* Some samples in order. Levels at which they end are integers: sums of them are exact, and comparing them is quick. */
typedef struct {
    const fl_samples *s;
    double scale, unit; /* of values, of weights */
    int64_t whole;      /* the level at which the last sample ends */
    double factor;      /* of gradients; 0 where none are asked for */
    ptrdiff_t begin, count, at;
    int64_t level; /* where the window ends, and what is left over of weights that are no whole number of levels */
    uint64_t rest; /* in 2^-32 of a level */
    double value[WINDOW + 1], slope[WINDOW + 1]; /* one more, of no mass */
    int64_t ends[2 + WINDOW + 2];                /* between some that are before all and behind all */
} window;

/* Gradients, where the window's samples came from. */
static void place(const window *a) {
    if (a->factor == 0)
        return;
    const uint32_t *at = a->s->place + a->begin;
    double slope[WINDOW];
    for (ptrdiff_t k = 0; k < a->count; k++)
        slope[k] = a->slope[k] * a->factor;
    if (a->s->single)
        for (ptrdiff_t k = 0; k < a->count; k++)
            ((float *)a->s->g)[at[k]] = (float)slope[k];
    else
        for (ptrdiff_t k = 0; k < a->count; k++)
            ((double *)a->s->g)[at[k]] = slope[k];
}

/* Goes on to the next samples if all of these have been moved; false behind the last one. */
static bool has_more(window *a, bool cut) {
    if (a->at < a->count)
        return true;
    place(a);
    const fl_samples *s = a->s;
    const ptrdiff_t begin = a->begin + a->count, count = s->kept - begin < WINDOW ? s->kept - begin : WINDOW;
    const double *const sorted = s->sorted + begin, scale = a->scale;
    double *const value = a->value;
    a->begin = begin, a->count = count, a->at = 0;
    SIMD for (ptrdiff_t k = 0; k < count; k++)
        value[k] = sorted[k] * scale;
    if (cut && count) {
        const double unit = a->unit, *weight = s->w ? s->weight + begin : 0;
        int64_t level = a->level, size[WINDOW], part[WINDOW], *const end = a->ends + 2;
        uint64_t rest = a->rest;
        SIMD for (ptrdiff_t k = 0; k < count; k++) {
            const double exact = (weight ? weight[k] : 1) * unit;
            size[k] = (int64_t)exact;
            part[k] = (int64_t)((exact - (double)(int64_t)exact) * 0x1p32);
        }
        for (ptrdiff_t k = 0; k < count; k++) {
            level += size[k];
            rest += (uint64_t)part[k];
            const int64_t exact = level + (int64_t)(rest >> 32);
            end[k] = exact < a->whole ? exact : a->whole; /* the sum of weights is rounded too: ends stay in order */
        }
        a->level = level, a->rest = rest;
        if (begin + count == s->kept)
            end[count - 1] = a->whole;
        end[count] = end[count + 1] = INT64_MAX;
        value[count] = 0;
        if (a->factor != 0)
            memset(a->slope, 0, sizeof a->slope);
    }
    return count > 0;
}

/* What is moved together: how much, how far, from where, to where. */
typedef struct {
    int count;
    double mass[PIECES + LANES], r[PIECES + LANES];
    int64_t end[PIECES + 1];
    int32_t i[PIECES], j[PIECES];
} pieces;

/* How many of the samples from i on end by a level. */
static int ending_by(int64_t level, const int64_t *end, int i, int n) {
    int64_t count = 0;
    _Pragma("omp simd reduction(+ : count)") for (ptrdiff_t k = i; k < n; k++)
        count += end[k] <= level;
    return (int)count;
}

/* The pieces up to the end of either window. Which of two samples ends first is as good as random: no branch depends on it,
 * those behind both are read ahead, lest a load wait for a comparison, and the pieces are found from both sides at once, for
 * each comparison waits for the one before. Of samples that end together one is moved by a piece of no mass. */
static void cut_windows(window *a, window *b, int64_t *done, pieces *p) {
    int64_t *const end_a = a->ends + 2, *const end_b = b->ends + 2, *restrict end = p->end;
    int32_t *restrict at_a = p->i, *restrict at_b = p->j;
    ptrdiff_t i = a->at, j = b->at, n = a->count, m = b->count;
    const int64_t last_a = end_a[n - 1], last_b = end_b[m - 1];
    if (last_a <= last_b)
        m = j + ending_by(last_a, end_b, j, m);
    else
        n = i + ending_by(last_b, end_a, i, n);
    const ptrdiff_t count = n - i + m - j, sum = i + j;
    a->at = n, b->at = m;
    p->count = (int)count;
    end[0] = *done;
    *done = last_a < last_b ? last_a : last_b;
    end_a[i - 1] = end_b[j - 1] = INT64_MIN;
    int64_t low_a = end_a[i], low_b = end_b[j], high_a = end_a[n - 1], high_b = end_b[m - 1];
    const int64_t *const after_b = end_b + sum + 1, *const ahead_b = end_b + sum - 1; /* those of k - i and l - n */
    for (ptrdiff_t k = 0, l = count - 1; k <= l; k++, l--) {
        const int64_t next_a = end_a[i + 1], next_b = after_b[k - i];
        const int64_t before_a = end_a[n - 2], before_b = ahead_b[l - n];
        const bool first = low_a <= low_b, last = high_a > high_b;
        end[k + 1] = first ? low_a : low_b;
        end[l + 1] = last ? high_a : high_b;
        n -= last;
        at_a[k] = (int32_t)i;
        at_a[l] = (int32_t)n; /* the same, where k is l */
        i += first;
        low_a = first ? next_a : low_a;
        low_b = first ? low_b : next_b;
        high_a = last ? before_a : high_a;
        high_b = last ? high_b : before_b;
    }
    const double *const value_a = a->value, *const value_b = b->value;
    double *const r = p->r, *const mass = p->mass;
    SIMD for (ptrdiff_t k = 0; k < count; k++) {
        at_b[k] = (int32_t)(sum + k) - at_a[k];
        r[k] = value_a[at_a[k]] - value_b[at_b[k]];
        mass[k] = (double)(end[k + 1] - end[k]);
    }
}

/* Samples of one weight each are matched one to one. */
static void match_windows(window *a, window *b, pieces *p) {
    p->count = (int)a->count;
    for (ptrdiff_t k = 0; k < p->count; k++) {
        p->mass[k] = 1;
        p->r[k] = a->value[k] - b->value[k];
    }
    a->at = b->at = a->count;
}

static inline double magnitude(double r) { return r < 0 ? -r : r; }

/* The sum of the costs of pieces. What has no mass counts for nothing, whatever it holds. */
static double cost_of(pieces *p, double power) {
    double lane[LANES] = {0}, *const mass = p->mass, *const r = p->r;
    const int count = p->count;
    for (ptrdiff_t k = count; k < count + LANES; k++)
        mass[k] = r[k] = 0;
#define ADD_COSTS(cost)                                                                                      \
    for (ptrdiff_t k = 0; k < count; k += LANES)                                                             \
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {                                                         \
            const double product = mass[k + l] * (cost);                                                     \
            lane[l] += mass[k + l] > 0 ? product : 0;                                                        \
        }
    if (power == 1)
        ADD_COSTS(magnitude(r[k + l]))
    else if (power == 2)
        ADD_COSTS(r[k + l] * r[k + l])
    else {
        double powers[PIECES + LANES] = {0};
        for (ptrdiff_t k = 0; k < count; k++)
            powers[k] = pow(magnitude(r[k]), power);
        ADD_COSTS(powers[k + l])
    }
#undef ADD_COSTS
    for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        for (ptrdiff_t l = 0; l < width; l++)
            lane[l] += lane[l + width];
    return lane[0];
}

/* The longest way of what has mass; that of NaN is none. */
static double longest_of(const pieces *p, double longest) {
    for (ptrdiff_t k = 0; k < p->count; k++) {
        const double length = p->mass[k] > 0 ? magnitude(p->r[k]) : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Mass times the slope of the cost, over p, to both samples of a piece. */
static void add_slopes(const pieces *p, double power, bool cut, double *a, double *b) {
    double slope[PIECES];
    const int count = p->count;
    for (ptrdiff_t k = 0; k < count; k++) {
        const double r = p->r[k];
        slope[k] = r > 0 ? 1 : r < 0 ? -1 : r;
    }
    if (power == 2)
        memcpy(slope, p->r, (size_t)count * sizeof *slope);
    else if (power != 1)
        for (ptrdiff_t k = 0; k < count; k++)
            slope[k] *= pow(magnitude(p->r[k]), power - 1);
    if (!cut) {
        memcpy(a, slope, (size_t)count * sizeof *slope);
        memcpy(b, slope, (size_t)count * sizeof *slope);
        return;
    }
    for (ptrdiff_t k = 0; k < count; k++)
        slope[k] = p->mass[k] > 0 ? p->mass[k] * slope[k] : 0;
    for (ptrdiff_t k = 0; k < count; k++) {
        a[p->i[k]] += slope[k];
        b[p->j[k]] += slope[k];
    }
}

typedef struct {
    const fl_samples *u, *v;
    double scale;               /* of values: a power of two */
    bool cut;                   /* else samples are matched one to one */
    double unit_u, unit_v;      /* of weights, in levels */
    int64_t whole;              /* all that is moved */
} problem;

/* Along both. The sum of the costs, or, for power 0, the longest way; gradients, unless factor is 0, are the slopes times
 * factor. */
static double walk(const problem *t, double power, double factor) {
    const double by = factor / (double)t->whole;
    window a = {.s = t->u, .scale = t->scale, .unit = t->unit_u, .whole = t->whole, .factor = by};
    window b = {.s = t->v, .scale = t->scale, .unit = t->unit_v, .whole = t->whole, .factor = -by};
    int64_t done = 0;
    double longest = 0;
    total sum = {0, 0};
    pieces now;
    while (has_more(&a, t->cut) & has_more(&b, t->cut)) {
        if (t->cut)
            cut_windows(&a, &b, &done, &now);
        else
            match_windows(&a, &b, &now);
        if (power == 0)
            longest = longest_of(&now, longest);
        else
            add(&sum, cost_of(&now, power));
        if (factor != 0)
            add_slopes(&now, power, t->cut, a.slope, b.slope);
    }
    place(&a);
    place(&b);
    return power == 0 ? longest : value_of(sum);
}

/* A power of two that brings all distances below 1, lest their powers overflow; 1 where they are infinite or NaN. Their
 * sum needs less: a scale for that is only of what is near the end of the range, so that no digit of the others is
 * lost. */
static double scale_of(const fl_samples *u, const fl_samples *v, double p) {
    const double first_u = u->sorted[0], first_v = v->sorted[0];
    const double last_u = u->sorted[u->kept - 1], last_v = v->sorted[v->kept - 1];
    const double width = (last_u > last_v ? last_u : last_v) / 2 - (first_u < first_v ? first_u : first_v) / 2;
    int exponent = 0;
    if (width - width == 0)
        frexp(width, &exponent);
    if (p == 1)
        return exponent > 900 ? ldexp(1, 900 - exponent) : 1;
    return ldexp(1, exponent < -1000 ? 1000 : -exponent - 1);
}

static void clear(const fl_samples *s) {
    memset(s->g, 0, (size_t)s->n * (s->single ? sizeof(float) : sizeof(double)));
}

static double transport(const fl_samples *u, const fl_samples *v, double p) {
    const fl_control control = control_enter();
    problem t = {u, v, scale_of(u, v, p), u->w || v->w || u->n != v->n, 1, 1, u->n};
    if (t.cut) {
        /* A sample ends where the weights up to it add up to, times the sum of the others: then both sides' last ones end
         * together, and where weights are whole numbers, levels are too. Times a power of two, for 62 bits of them. */
        int of_u, of_v;
        const double all_u = frexp(u->all, &of_u), all_v = frexp(v->all, &of_v);
        t.unit_u = ldexp(all_v, 62 - of_u);
        t.unit_v = ldexp(all_u, 62 - of_v);
        t.whole = (int64_t)ldexp(all_u * all_v, 62);
        if (u->g) { /* samples without weight have none */
            clear(u);
            clear(v);
        }
    }
    if (p != 1 && p != 2) { /* a high power of what is much shorter than the whole line would vanish */
        const double longest = walk(&t, 0, 0);
        if (longest > 0 && longest - longest == 0) /* to [1, 2), by a power of two, which rounds nothing; or just to 1 */
            t.scale *= p < 512 ? ldexp(1, -ilogb(longest)) : 1 / longest;
    }
    const double mean = walk(&t, p, p == 1 && u->g ? 1 : 0) / (double)t.whole;
    const double root = p == 1 ? mean : p == 2 ? sqrt(mean) : pow(mean, 1 / p);
    if (p != 1 && u->g) { /* the root's own slope is known now */
        if (mean == 0) {
            clear(u);
            clear(v);
        } else {
            walk(&t, p, root / mean);
        }
    }
    control_leave(control);
    return root / t.scale;
}

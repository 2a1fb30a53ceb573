/* Tiles: what stands between the caller's buffers and a kernel's loop.
 *
 * A loop sees short runs of the real type, a multiple of LANES long. The caller's buffers come in any
 * type, alignment and length, may be written in place, or past the cache; all of that happens here, once.
 */
#ifndef FL_TILE_H
#define FL_TILE_H

enum {
    LANES = 16, /* of every accumulator, whatever the vector width: so the bits do not depend on it */
    TILE = 512,       /* rows of a block: 4 KiB of float64 */
    SCAN_TILE = 2048, /* elements of a scan */
    SUM_GROUP = 4 * LANES
};

#define ALIGNED __attribute__((aligned(64)))
#define PADDED(n, multiple) (((n) + (multiple)-1) / (multiple) * (multiple))

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* Bytes of a vector. */
#if defined(__AVX512F__)
#define VECTOR 64
#elif defined(__AVX__)
#define VECTOR 32
#else
#define VECTOR 16
#endif

/* Copy to dst past the cache: what will not be read again soon should not push out what will. */
static void stream_copy(void *dst, const void *src, size_t bytes) {
#if defined(__SSE2__)
#if defined(__AVX512F__)
#define FL_STREAM(d, s) _mm512_stream_si512((__m512i *)(d), _mm512_loadu_si512(s))
#elif defined(__AVX__)
#define FL_STREAM(d, s) _mm256_stream_si256((__m256i *)(d), _mm256_loadu_si256((const __m256i *)(s)))
#else
#define FL_STREAM(d, s) _mm_stream_si128((__m128i *)(d), _mm_loadu_si128((const __m128i *)(s)))
#endif
    char *to = dst;
    const char *from = src;
    size_t head = (size_t)(-(uintptr_t)to) % 64; /* whole cache lines only */
    head = head < bytes ? head : bytes;
    memcpy(to, from, head);
    size_t i = head;
    for (; i + 64 <= bytes; i += 64)
        for (size_t k = i; k < i + 64; k += VECTOR)
            FL_STREAM(to + k, from + k);
    memcpy(to + i, from + i, bytes - i);
#undef FL_STREAM
#else
    memcpy(dst, src, bytes);
#endif
}

static const size_t size_of[] = {
#define FL_SIZE(name, ctype) sizeof(ctype),
    FL_TYPES(FL_SIZE)
#undef FL_SIZE
};

/* Labels as int64, from any integer type or integral floats; what is no integer becomes NOT_A_LABEL. */
#define NOT_A_LABEL INT64_MIN
#define FL_LABELS(name, ctype)                                                                               \
    static void labels_from_##name(int64_t *restrict to, const void *x, ptrdiff_t begin, ptrdiff_t n) {      \
        const ctype *from = (const ctype *)x + begin;                                                        \
        for (ptrdiff_t i = 0; i < n; i++)                                                                    \
            to[i] = FL_LABEL_OF_##name(from[i]);                                                             \
    }
#define EXACT(x) ((int64_t)(x))
#define UNSIGNED64(x) ((x) > INT64_MAX ? NOT_A_LABEL : (int64_t)(x))
/* Added to this, a double below 2^51 is rounded to an integer, which stands in the low bits: vector code on any machine. */
#define TO_INTEGER 0x1.8p52
static inline int64_t integer_of(double x) {
    const double shifted = x + TO_INTEGER, zero = TO_INTEGER;
    int64_t bits, of_zero;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&of_zero, &zero, sizeof of_zero);
    return (x > -0x1p51) & (x < 0x1p51) & (shifted - TO_INTEGER == x) ? bits - of_zero : NOT_A_LABEL;
}
#define FLOATING(x) integer_of((double)(x))
#define FL_LABEL_OF_BOOL EXACT
#define FL_LABEL_OF_INT8 EXACT
#define FL_LABEL_OF_UINT8 EXACT
#define FL_LABEL_OF_INT16 EXACT
#define FL_LABEL_OF_UINT16 EXACT
#define FL_LABEL_OF_INT32 EXACT
#define FL_LABEL_OF_UINT32 EXACT
#define FL_LABEL_OF_INT64 EXACT
#define FL_LABEL_OF_UINT64 UNSIGNED64
#define FL_LABEL_OF_FLOAT32 FLOATING
#define FL_LABEL_OF_FLOAT64 FLOATING
FL_TYPES(FL_LABELS)
#undef FL_LABELS

static void load_labels(int64_t *to, const void *x, int type, ptrdiff_t begin, ptrdiff_t n) {
    switch (type) {
#define FL_CASE(name, ctype)                                                                                 \
    case FL_##name:                                                                                          \
        labels_from_##name(to, x, begin, n);                                                                 \
        break;
        FL_TYPES(FL_CASE)
#undef FL_CASE
    }
}

/* The first label of [begin, end) that is neither a class nor to be ignored, or -1. A negative label is a large number
 * without a sign, so that one maximum says of most tiles that they are in order. */
static ptrdiff_t first_bad_label(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end) {
    int64_t buffer[TILE];
    const uint64_t classes = (uint64_t)scan->classes;
    for (ptrdiff_t b = begin; b < end; b += TILE) {
        const ptrdiff_t n = end - b < TILE ? end - b : TILE;
        const int64_t *labels = buffer;
        if (scan->type == FL_INT64)
            labels = (const int64_t *)scan->x + b;
        else
            load_labels(buffer, scan->x, scan->type, b, n);
        uint64_t most = 0;
        for (ptrdiff_t i = 0; i < n; i++)
            most = most > (uint64_t)labels[i] ? most : (uint64_t)labels[i];
        if (most >= classes)
            for (ptrdiff_t i = 0; i < n; i++)
                if ((uint64_t)labels[i] >= classes && !(scan->has_ignore && labels[i] == scan->ignore_index))
                    return b + i;
    }
    return -1;
}

/* Whether a check is of the targets: weights may be a view of the same memory, as another type. */
static bool is_of_targets(const fl_job *job, const fl_check *check) {
    return check->what.x == job->y && check->what.type == job->y_type && check->repeat == 1;
}

/* Look through [begin, end) of what the job has to check, but for what is done already; y: its targets from begin on,
 * where a loop has them converted, or NULL. Tiles run in any order and on any thread; the first offender is the one with
 * the lowest index. */
static void look(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, const void *y, int y_type, const fl_check *done) {
    for (fl_check *check = job->checks; check < job->checks + job->n_checks; check++) {
        ptrdiff_t at;
        if (check == done)
            continue;
        if (y && is_of_targets(job, check)) {
            fl_domain_scan converted = check->what;
            converted.x = y;
            converted.type = y_type;
            at = check->scan(&converted, 0, end - begin);
            at += at >= 0 ? begin : 0;
        } else
            at = check->scan(&check->what, begin * check->each / check->repeat,
                             (end * check->each + check->repeat - 1) / check->repeat);
        ptrdiff_t first = __atomic_load_n(&check->found, __ATOMIC_RELAXED);
        while (at >= 0 && at < first &&
               !__atomic_compare_exchange_n(&check->found, &first, at, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            ;
    }
}

static void run_checks(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2] __attribute__((unused))) {
    look(job, begin, end, 0, 0, 0);
}

#endif /* once; what follows is per real type */

/* Convert n elements of x from begin on to the real type. */
#define FL_LOAD(name, ctype)                                                                                 \
    static void FN(load_##name)(real *restrict to, const void *x, ptrdiff_t begin, ptrdiff_t n) {            \
        const ctype *from = (const ctype *)x + begin;                                                        \
        for (ptrdiff_t i = 0; i < n; i++)                                                                    \
            to[i] = (real)from[i];                                                                           \
    }
FL_TYPES(FL_LOAD)
#undef FL_LOAD

/* int64, for which only AVX-512 has a vector conversion: within 2^51 the bits of 1.5 * 2^52 + x hold x. */
static void __attribute__((unused)) FN(load_integers)(real *restrict to, const void *x, ptrdiff_t begin, ptrdiff_t n) {
    const uint64_t *from = (const uint64_t *)x + begin;
    const double shift = 0x1.8p52;
    uint64_t shift_bits, beyond = 0;
    memcpy(&shift_bits, &shift, sizeof shift);
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint64_t bits = from[i] + shift_bits;
        double shifted;
        memcpy(&shifted, &bits, sizeof shifted);
        beyond |= from[i] + (UINT64_C(1) << 51);
        to[i] = (real)(shifted - shift);
    }
    if (beyond >> 52)
        FN(load_INT64)(to, x, begin, n);
}

static void FN(load)(real *to, const void *x, int type, ptrdiff_t begin, ptrdiff_t n) {
#ifndef __AVX512DQ__
    if (type == FL_INT64) {
        FN(load_integers)(to, x, begin, n);
        return;
    }
#endif
    switch (type) {
#define FL_CASE(name, ctype)                                                                                 \
    case FL_##name:                                                                                          \
        FN(load_##name)(to, x, begin, n);                                                                    \
        break;
        FL_TYPES(FL_CASE)
#undef FL_CASE
    }
}
#define REAL_TYPE (FL_BITS == 32 ? FL_FLOAT32 : FL_FLOAT64)

/* The run of n elements as the real type, padded to whole lanes by repeating the last element, which keeps the
 * padding inside every domain. The caller's own memory where it serves, the buffer where it does not. */
static const real *FN(view)(real *buffer, const void *x, int type, ptrdiff_t begin, ptrdiff_t n) {
    const ptrdiff_t padded = PADDED(n, LANES);
    if (type == REAL_TYPE && n == padded)
        return (const real *)x + begin;
    if (n < padded) { /* whole lanes first, so that their number is known */
        real last;
        FN(load)(&last, x, type, begin + n - 1, 1);
        for (ptrdiff_t k = padded - LANES; k < padded; k++)
            buffer[k] = last;
    }
    FN(load)(buffer, x, type, begin, n);
    return buffer;
}

/* From a buffer to an output, if it is asked for; how: enum fl_put. */
INLINE void FN(put)(void *to, ptrdiff_t begin, const real *from, ptrdiff_t n, int how) {
    if (to && how == FL_AS_FLOAT)
        for (ptrdiff_t i = 0; i < n; i++)
            ((float *)to)[begin + i] = (float)from[i];
    else if (to && how == FL_PAST_CACHE)
        stream_copy((real *)to + begin, from, (size_t)n * sizeof(real));
    else if (to)
        memcpy((real *)to + begin, from, (size_t)n * sizeof(real));
}

/* Sums. Four values are added in their own type as a tree, then in double in LANES lanes: two float32 roundings,
 * 2^-23 of the sum of magnitudes, at any length. In float64 a lane carries the rounding error of its additions
 * (Knuth's TwoSum): below 2^-50. */
typedef struct {
    double sum[LANES], error[LANES];
} FN(lanes);

INLINE double FN(in_own_type)(real a, real b, real c, real d) { return (double)((a + b) + (c + d)); }

INLINE void FN(add_double)(FN(lanes) * to, ptrdiff_t k, double x) {
#if FL_BITS == 32
    to->sum[k] += x;
#else
    const double s = to->sum[k] + x, t = s - to->sum[k];
    to->error[k] += (to->sum[k] - (s - t)) + (x - t);
    to->sum[k] = s;
#endif
}

INLINE void FN(add)(FN(lanes) * to, ptrdiff_t k, real a, real b, real c, real d) {
    FN(add_double)(to, k, FN(in_own_type)(a, b, c, d));
}

/* Whether a lane is infinite or NaN: four values may have overflowed as float32, where their sum in double does not. */
static int FN(overflowed)(const FN(lanes) * a) {
    int64_t infinite = 0;
    if (FL_BITS == 32)
        for (ptrdiff_t k = 0; k < LANES; k++)
            infinite |= a->sum[k] - a->sum[k] != 0;
    return infinite != 0;
}

static void FN(accumulate)(FN(lanes) * restrict to, const real *restrict v, ptrdiff_t n) {
    real rest[SUM_GROUP] ALIGNED = {0};
    const ptrdiff_t whole = n - n % SUM_GROUP;
    FN(lanes) a = *to;
    memcpy(rest, v + whole, (size_t)(n - whole) * sizeof(real));
    for (ptrdiff_t i = 0; i < n; i += SUM_GROUP) {
        const real *restrict q = i < whole ? v + i : rest;
        SIMD for (ptrdiff_t k = 0; k < LANES; k++)
            FN(add)(&a, k, q[k], q[k + LANES], q[k + 2 * LANES], q[k + 3 * LANES]);
    }
    if (FN(overflowed)(&a)) { /* once more, group by group: what is added otherwise must not depend on the tile */
        a = *to;
        for (ptrdiff_t i = 0; i < n; i += SUM_GROUP) {
            const real *restrict q = i < whole ? v + i : rest;
            FN(lanes) with = a;
            for (ptrdiff_t k = 0; k < LANES; k++)
                FN(add)(&with, k, q[k], q[k + LANES], q[k + 2 * LANES], q[k + 3 * LANES]);
            if (FN(overflowed)(&with))
                for (ptrdiff_t k = 0; k < SUM_GROUP; k++)
                    a.sum[k % LANES] += (double)q[k];
            else
                a = with;
        }
    }
    *to = a;
}

/* Close a block: the lanes in a fixed tree. sum[0] + sum[1] is the block's sum; infinities make the error NaN,
 * and the driver drops it then. */
static void FN(finish)(FN(lanes) * a, double sum[2]) {
    for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        for (ptrdiff_t k = 0; k < width; k++) {
            const double x = a->sum[k], b = a->sum[k + width], s = x + b, t = s - x;
            if (FL_BITS == 64)
                a->error[k] += a->error[k + width] + ((x - (s - t)) + (b - t));
            a->sum[k] = s;
        }
    sum[0] = a->sum[0];
    sum[1] = a->error[0];
}

/* Whether x is outside the scan's domain. */
INLINE bool FN(outside)(int domain, bool allow_nan, real low, real high, real x) {
    const bool inside = domain == FL_TWO_VALUES   ? (x == low) | (x == high)
                        : domain == FL_OPEN_LOW ? (x > low) & (x <= high)
                                                : (x >= low) & (x <= high);
    return !inside & !(allow_nan & (x != x));
}

/* Domains that begin at 0. Bits of floats are ordered as unsigned numbers like the floats are, with negative, infinite and
 * NaN ones above; less 1, so that 0 is the largest, where 0 is not inside (`first`). One maximum says of a run of numbers
 * that all are inside. */
INLINE ubits_t FN(higher_bits)(ubits_t most, real x, ubits_t first) {
    const ubits_t bits = (ubits_t)bits_of(x) - first;
    return most > bits ? most : bits;
}
INLINE bool FN(below)(const fl_domain_scan *scan, ubits_t highest) {
    return highest <= (ubits_t)bits_of((real)scan->high) - (scan->domain == FL_OPEN_LOW);
}

/* Of n numbers less `low`, a multiple of four. Four at a time: the next maximum need not wait for the last. */
INLINE ubits_t FN(highest_bits)(const real *x, ptrdiff_t n, real low, ubits_t first) {
    const ptrdiff_t q = n / 4;
    ubits_t most = 0;
    _Pragma("omp simd reduction(max:most)") for (ptrdiff_t i = 0; i < q; i++) {
        const ubits_t ab = FN(higher_bits)((ubits_t)bits_of(x[i] - low) - first, x[i + q] - low, first);
        const ubits_t cd = FN(higher_bits)((ubits_t)bits_of(x[i + 2 * q] - low) - first, x[i + 3 * q] - low, first);
        const ubits_t u = ab > cd ? ab : cd;
        most = most > u ? most : u;
    }
    return most;
}

/* Of `high` less n numbers, a multiple of four: beyond infinity's, if one is NaN or higher. */
INLINE ubits_t FN(highest_bits_under)(const real *x, ptrdiff_t n, real high) {
    const ptrdiff_t q = n / 4;
    ubits_t most = 0;
    _Pragma("omp simd reduction(max:most)") for (ptrdiff_t i = 0; i < q; i++) {
        const ubits_t ab = FN(higher_bits)((ubits_t)bits_of(high - x[i]), high - x[i + q], 0);
        const ubits_t cd = FN(higher_bits)((ubits_t)bits_of(high - x[i + 2 * q]), high - x[i + 3 * q], 0);
        const ubits_t u = ab > cd ? ab : cd;
        most = most > u ? most : u;
    }
    return most;
}

/* The roots of x (x - sum) + product, two small integers: no rounding makes a root of anything else. Not 0, of either sign,
 * at any other number. */
typedef struct {
    real sum, product;
} FN(two_values);
INLINE FN(two_values) FN(roots)(const fl_domain_scan *scan) {
    const real low = (real)scan->low, high = (real)scan->high;
    return (FN(two_values)){low + high, low * high};
}
INLINE ubits_t FN(at_neither)(real x, FN(two_values) of) {
    return (ubits_t)bits_of(vfma(x, x - of.sum, of.product)) << 1;
}

/* What a loop saw of the targets that it read anyway, lane by lane: how high they are if their domain begins at 0, or whether
 * there is one that is neither of two values. It begins as the worst, which stays where a loop does not look. */
typedef struct {
    ubits_t first; /* as above */
    FN(two_values) roots;
    ubits_t highest[LANES], other[LANES];
} FN(sight);

/* The check of the targets, if it is one of these, or NULL. */
INLINE const fl_check *FN(check_in_sight)(const fl_job *job) {
    for (const fl_check *check = job->checks; check < job->checks + job->n_checks; check++)
        if (is_of_targets(job, check) && (check->what.domain == FL_TWO_VALUES || (real)check->what.low == 0))
            return check;
    return 0;
}
INLINE bool FN(all_inside)(const fl_domain_scan *scan, const FN(sight) * seen) {
    ubits_t highest = 0, other = 0;
    for (ptrdiff_t k = 0; k < LANES; k++) {
        highest = highest > seen->highest[k] ? highest : seen->highest[k];
        other |= seen->other[k];
    }
    return scan->domain == FL_TWO_VALUES ? other == 0 : FN(below)(scan, highest);
}

/* Whether any of x, a multiple of four long, is neither of two values. */
INLINE bool FN(third_value)(const real *x, ptrdiff_t n, FN(two_values) of) {
    const ptrdiff_t q = n / 4;
    ubits_t any = 0;
    _Pragma("omp simd reduction(|:any)") for (ptrdiff_t i = 0; i < q; i++)
        any |= (FN(at_neither)(x[i], of) | FN(at_neither)(x[i + q], of)) |
               (FN(at_neither)(x[i + 2 * q], of) | FN(at_neither)(x[i + 3 * q], of));
    return any != 0;
}

/* Whether all of x, a multiple of LANES long, is surely inside. */
static int FN(surely_inside)(const fl_domain_scan *scan, const real *x, ptrdiff_t n) {
    if (scan->domain == FL_TWO_VALUES)
        return !FN(third_value)(x, n, FN(roots)(scan));
    const real low = (real)scan->low;
    const ubits_t first = scan->domain == FL_OPEN_LOW;
    if (low == 0) /* a literal, which costs nothing to subtract */
        return FN(below)(scan, first ? FN(highest_bits)(x, n, 0, 1) : FN(highest_bits)(x, n, 0, 0));
    if (low == -1 / C(0.0) && scan->domain == FL_CLOSED)
        return FN(highest_bits_under)(x, n, (real)scan->high) <= (ubits_t)bits_of(1 / C(0.0));
    /* A difference has the right sign, but a finite high end may be beyond one that is rounded. */
    return (real)scan->high >= BOUNDS.greatest && FN(below)(scan, FN(highest_bits)(x, n, low, first));
}

/* The first element of [begin, end) outside its domain, or -1; checked as the real type that the kernel will see. A
 * tile is looked through for any offender first, which is a few operations per vector; its place is found after. */
static ptrdiff_t FN(first_outside)(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end) {
    real buffer[SCAN_TILE] ALIGNED;
    const real low = (real)scan->low, high = (real)scan->high;
    const bool allow_nan = scan->allow_nan;
    for (ptrdiff_t b = begin; b < end; b += SCAN_TILE) {
        const ptrdiff_t n = end - b < SCAN_TILE ? end - b : SCAN_TILE, padded = PADDED(n, LANES);
        const real *x = FN(view)(buffer, scan->x, scan->type, b, n);
        if (FN(surely_inside)(scan, x, padded))
            continue;
        if (scan->domain != FL_TWO_VALUES) { /* -0, an allowed NaN, a low other than 0: perhaps inside all the same */
            bits_t bad[LANES] ALIGNED = {0}, any = 0;
#define FL_SCAN(DOMAIN, ALLOW_NAN)                                                                           \
    for (ptrdiff_t i = 0; i < padded; i += LANES)                                                            \
        SIMD for (ptrdiff_t k = 0; k < LANES; k++)                                                           \
            bad[k] |= FN(outside)(DOMAIN, ALLOW_NAN, low, high, x[i + k]) ? -1 : 0;
            if (scan->domain == FL_OPEN_LOW)
                FL_SCAN(FL_OPEN_LOW, allow_nan)
            else if (allow_nan)
                FL_SCAN(FL_CLOSED, 1)
            else
                FL_SCAN(FL_CLOSED, 0)
#undef FL_SCAN
            for (ptrdiff_t k = 0; k < LANES; k++)
                any |= bad[k];
            if (!any)
                continue;
        }
        for (ptrdiff_t i = 0; i < n; i++)
            if (FN(outside)(scan->domain, allow_nan, low, high, x[i]))
                return b + i;
    }
    return -1;
}

/* Short rows side by side: LANES rows of K numbers as K groups of LANES, and back. */

/* Four numbers of a row, and as many of them as a vector holds: of 64 bits one quad, which is two vectors of the smallest
 * instruction set already, and as much as a shuffle of the larger ones is quick in. */
#undef QUADS
#undef IN_EACH_QUAD
#if VECTOR == 64 && FL_BITS == 32
#define QUADS 4
#define IN_EACH_QUAD(...) QUAD(0, __VA_ARGS__), QUAD(4, __VA_ARGS__), QUAD(8, __VA_ARGS__), QUAD(12, __VA_ARGS__)
#elif VECTOR == 32 && FL_BITS == 32
#define QUADS 2
#define IN_EACH_QUAD(...) QUAD(0, __VA_ARGS__), QUAD(4, __VA_ARGS__)
#else
#define QUADS 1
#define IN_EACH_QUAD(...) QUAD(0, __VA_ARGS__)
#endif
#define QUAD(first, a, b, c, d) first + a, first + b, first + c, first + d
#define OF_SECOND (4 * QUADS)
#define PICK(x, y, ...) __builtin_shufflevector(x, y, IN_EACH_QUAD(__VA_ARGS__))

typedef real FN(quad) __attribute__((vector_size(4 * sizeof(real))));
typedef real FN(two_quads) __attribute__((vector_size(8 * sizeof(real))));
typedef real FN(quads) __attribute__((vector_size(QUADS * 4 * sizeof(real))));

/* Quads that lie `step` apart, */
INLINE FN(quads) FN(collect)(const real *from, ptrdiff_t step __attribute__((unused))) {
#if QUADS == 1
    FN(quads) x;
    memcpy(&x, from, sizeof x);
    return x;
#else
    FN(quad) a, b;
    memcpy(&a, from, sizeof a);
    memcpy(&b, from + step, sizeof b);
    const FN(two_quads) low = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#if QUADS == 2
    return low;
#else
    memcpy(&a, from + 2 * step, sizeof a);
    memcpy(&b, from + 3 * step, sizeof b);
    const FN(two_quads) high = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
#endif
}

/* and where they go. */
INLINE void FN(distribute)(real *to, ptrdiff_t step __attribute__((unused)), FN(quads) x) {
#define TO(q)                                                                                            \
    {                                                                                                    \
        const FN(quad) part = __builtin_shufflevector(x, x, 4 * q, 4 * q + 1, 4 * q + 2, 4 * q + 3);     \
        memcpy(to + q * step, &part, sizeof part);                                                       \
    }
    TO(0)
#if QUADS > 1
    TO(1)
#endif
#if QUADS > 2
    TO(2)
    TO(3)
#endif
#undef TO
}

/* Each four quads in the same place are transposed. */
typedef struct {
    FN(quads) a, b, c, d;
} FN(block_of_quads);
INLINE FN(block_of_quads) FN(transpose)(FN(quads) a, FN(quads) b, FN(quads) c, FN(quads) d) {
    const FN(quads) low_ab = PICK(a, b, 0, OF_SECOND, 1, OF_SECOND + 1), low_cd = PICK(c, d, 0, OF_SECOND, 1, OF_SECOND + 1);
    const FN(quads) high_ab = PICK(a, b, 2, OF_SECOND + 2, 3, OF_SECOND + 3);
    const FN(quads) high_cd = PICK(c, d, 2, OF_SECOND + 2, 3, OF_SECOND + 3);
    return (FN(block_of_quads)){
        PICK(low_ab, low_cd, 0, 1, OF_SECOND, OF_SECOND + 1), PICK(low_ab, low_cd, 2, 3, OF_SECOND + 2, OF_SECOND + 3),
        PICK(high_ab, high_cd, 0, 1, OF_SECOND, OF_SECOND + 1), PICK(high_ab, high_cd, 2, 3, OF_SECOND + 2, OF_SECOND + 3)};
}

/* Columns j to j + 3 of 4 QUADS rows, side by side; and back. */
INLINE void FN(quads_to_lanes)(real *to, const real *rows, ptrdiff_t classes) {
    const ptrdiff_t step = 4 * classes;
    const FN(block_of_quads) x =
        FN(transpose)(FN(collect)(rows, step), FN(collect)(rows + classes, step), FN(collect)(rows + 2 * classes, step),
                      FN(collect)(rows + 3 * classes, step));
    memcpy(to, &x.a, sizeof x.a);
    memcpy(to + LANES, &x.b, sizeof x.b);
    memcpy(to + 2 * LANES, &x.c, sizeof x.c);
    memcpy(to + 3 * LANES, &x.d, sizeof x.d);
}
INLINE void FN(quads_from_lanes)(real *rows, const real *from, ptrdiff_t classes) {
    const ptrdiff_t step = 4 * classes;
    FN(quads) a, b, c, d;
    memcpy(&a, from, sizeof a);
    memcpy(&b, from + LANES, sizeof b);
    memcpy(&c, from + 2 * LANES, sizeof c);
    memcpy(&d, from + 3 * LANES, sizeof d);
    const FN(block_of_quads) x = FN(transpose)(a, b, c, d);
    FN(distribute)(rows, step, x.a);
    FN(distribute)(rows + classes, step, x.b);
    FN(distribute)(rows + 2 * classes, step, x.c);
    FN(distribute)(rows + 3 * classes, step, x.d);
}
#undef QUAD
#undef OF_SECOND
#undef PICK

/* Missing rows repeat the last. The last four columns of a K that is no multiple of four are moved once more with their
 * neighbours. */
static void FN(to_lanes)(real *restrict to, const real *restrict rows, ptrdiff_t classes, ptrdiff_t n) {
    if (n == LANES && classes == 3) /* a literal: then it is vector code */
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            to[l] = rows[3 * l];
            to[LANES + l] = rows[3 * l + 1];
            to[2 * LANES + l] = rows[3 * l + 2];
        }
    else if (n == LANES && classes == 2)
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            to[l] = rows[2 * l];
            to[LANES + l] = rows[2 * l + 1];
        }
    else if (n == LANES && classes >= 4) {
        for (ptrdiff_t l = 0; l < LANES; l += 4 * QUADS)
            for (ptrdiff_t k = 0; k < classes; k += 4) {
                const ptrdiff_t j = k + 4 <= classes ? k : classes - 4;
                FN(quads_to_lanes)(to + j * LANES + l, rows + l * classes + j, classes);
            }
    } else
        for (ptrdiff_t l = 0; l < LANES; l++) {
            const real *row = rows + (l < n ? l : n - 1) * classes;
            for (ptrdiff_t k = 0; k < classes; k++)
                to[k * LANES + l] = row[k];
        }
}

static void FN(from_lanes)(real *restrict rows, const real *restrict from, ptrdiff_t classes, ptrdiff_t n) {
    if (n == LANES && classes == 3)
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            rows[3 * l] = from[l];
            rows[3 * l + 1] = from[LANES + l];
            rows[3 * l + 2] = from[2 * LANES + l];
        }
    else if (n == LANES && classes == 2)
        SIMD for (ptrdiff_t l = 0; l < LANES; l++) {
            rows[2 * l] = from[l];
            rows[2 * l + 1] = from[LANES + l];
        }
    else if (n == LANES && classes >= 4) {
        for (ptrdiff_t l = 0; l < LANES; l += 4 * QUADS)
            for (ptrdiff_t k = 0; k < classes; k += 4) {
                const ptrdiff_t j = k + 4 <= classes ? k : classes - 4;
                FN(quads_from_lanes)(rows + l * classes + j, from + j * LANES + l, classes);
            }
    } else
        for (ptrdiff_t l = 0; l < n; l++)
            for (ptrdiff_t k = 0; k < classes; k++)
                rows[l * classes + k] = from[k * LANES + l];
}

/* The same of numbers that lie by columns, of which the next groups are asked for: there are more of them than a processor
 * foresees. */
#define FETCH(x, writes)                                                             \
    for (size_t byte = 0; byte < LANES * sizeof *(x); byte += 64)                    \
        __builtin_prefetch((const char *)((x) + 2 * FN(GROUP)) + byte, writes)
static void FN(columns_to_lanes)(real *restrict to, const real *restrict from, ptrdiff_t columns, ptrdiff_t classes,
                                 ptrdiff_t n) {
    for (ptrdiff_t k = 0; k < classes; k++, to += LANES, from += columns) {
        FETCH(from, 0);
        if (n == LANES)
            memcpy(to, from, LANES * sizeof *to);
        else
            for (ptrdiff_t l = 0; l < LANES; l++)
                to[l] = from[l < n ? l : n - 1];
    }
}

static void FN(lanes_to_columns)(void *to, ptrdiff_t at, const real *restrict from, ptrdiff_t columns, ptrdiff_t classes,
                                 ptrdiff_t n, int how) {
    for (ptrdiff_t k = 0; k < classes; k++)
        FN(put)(to, at + k * columns, from + k * LANES, n == LANES ? LANES : n, how);
}

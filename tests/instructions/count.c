/* One kernel over a run of data in cache: callgrind counts it (test_instructions.py), or it times itself (tools/cycles.py).
 *
 *     count KERNEL OPERATION BITS CLASSES          prints the elements (CLASSES 0: pointwise)
 *     count KERNEL OPERATION BITS CLASSES time     prints processor cycles per element, the clock in GHz, the kernel's
 *                                                  cost (its list in src_c/losses) and the vector instructions of
 *                                                  arithmetic that a cycle has room for
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels.h"
EXPORT_ISA(counted, "counted")

enum { ELEMENTS = 1 << 16, BLOCK = 4096 };

/* What is counted or timed: as the driver calls it, which wants a sum where there is a value. */
__attribute__((noinline)) double measure(const fl_job *job, ptrdiff_t n, ptrdiff_t block) {
    const bool valued = job->operation == FL_VALUE || job->operation == FL_VALUE_GRADIENT;
    double total = 0;
    for (ptrdiff_t b = 0; b < n; b += block) {
        double sum[2] = {0, 0};
        job->run(job, b, b + block < n ? b + block : n, valued ? sum : 0);
        total += sum[0] + sum[1];
    }
    return total;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Cycles per second: additions that wait for each other take one each. Many to a turn of the loop: where another program runs
 * on the same core, it takes from this one's branches what it cannot take from a chain. */
static double clock_rate(void) {
    enum { TURNS = 200, ADDITIONS = 100 }; /* a few microseconds, in which hardly anything comes between */
    const double begun = seconds();
    long x = 0;
    for (int i = 0; i < TURNS; i++)
        __asm__ volatile(".rept %c1\n add $1, %0\n .endr" : "+r"(x) : "i"(ADDITIONS));
    return TURNS * ADDITIONS / (seconds() - begun);
}

/* Vector instructions per cycle of which none waits for another: multiplications, additions and logic by turns, which no kernel's
 * own mix can pass. Cores differ: from two of 512 bits where the units are half as wide, to four. */
static double issue_rate(double rate) {
#if defined(__AVX512F__)
#define WIDE(n) "%%zmm" #n
#define OR "vpord "
#else
#define WIDE(n) "%%ymm" #n
#define OR "vpor "
#endif
#define THREE(a, b, c)                                                                                                            \
    "vfmadd231ps " WIDE(15) "," WIDE(15) "," WIDE(a) "\n vaddps " WIDE(15) "," WIDE(b) "," WIDE(b) "\n" OR WIDE(15) "," WIDE(c)  \
                                                                                                     "," WIDE(c) "\n"
    enum { ROUNDS = 40, TURNS = 20000, INSTRUCTIONS = 15 };
    double least = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double begun = seconds();
        __asm__ volatile("vzeroall\n" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                         "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
        for (int i = 0; i < TURNS; i++)
            __asm__ volatile(THREE(0, 1, 2) THREE(3, 4, 5) THREE(6, 7, 8) THREE(9, 10, 11) THREE(12, 13, 14)::
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                                   "xmm12", "xmm13", "xmm14", "xmm15");
        const double taken = seconds() - begun;
        least = least == 0 || taken < least ? taken : least;
    }
    return TURNS * INSTRUCTIONS / (least * rate);
}

/* Cycles of the fastest of a thousand passes at the highest clock seen: what other programs do takes time, gives none. */
static double cycles(const fl_job *job, ptrdiff_t n, ptrdiff_t block, double *rate) {
    enum { ROUNDS = 40, PASSES = 25 };
    double least = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double now = clock_rate();
        *rate = now > *rate ? now : *rate;
        for (int pass = 0; pass < PASSES; pass++) {
            const double begun = seconds();
            const volatile double total = measure(job, n, block);
            const double taken = seconds() - begun;
            (void)total;
            least = least == 0 || taken < least ? taken : least;
        }
    }
    return least * *rate;
}

int main(int argc, char **argv) {
    if (argc < 5)
        return 2;
    const int operation = atoi(argv[2]), wide = atoi(argv[3]) == 64, timed = argc > 5;
    const ptrdiff_t elements = timed ? ELEMENTS / 4 : ELEMENTS; /* timed: in L2 */
    const ptrdiff_t classes = atol(argv[4]), n = classes ? elements / classes : elements;
    const fl_kernel *kernel = 0;
    for (ptrdiff_t i = 0; i < counted.n_kernels; i++)
        if (strcmp(counted.kernels[i].name, argv[1]) == 0)
            kernel = counted.kernels + i;
    if (!kernel)
        return 3;
    const size_t bytes = ELEMENTS * sizeof(double);
    void *y = aligned_alloc(64, bytes), *z = aligned_alloc(64, bytes), *g = aligned_alloc(64, bytes);
    void *h = aligned_alloc(64, bytes);
    int64_t *labels = aligned_alloc(64, bytes);
    for (ptrdiff_t i = 0; i < ELEMENTS; i++) { /* nothing overflows, no row is ignored: no branch depends on it */
        const double target = kernel->dense ? 1.0 / (double)classes : (double)(i % 2), score = (double)(i % 97) / 10 - 4;
        if (wide)
            ((double *)y)[i] = target, ((double *)z)[i] = score;
        else
            ((float *)y)[i] = (float)target, ((float *)z)[i] = (float)score;
        labels[i] = classes ? i % classes : 0;
    }
    const int index = classes && !kernel->dense;
    const fl_job job = {
        .operation = operation,
        .loop = kernel->loops[wide][operation],
        .summing = kernel->summing[wide][operation],
        .run = counted.run[kernel->kind][wide],
        .y = index ? (void *)labels : y,
        .z = z,
        .g = operation == FL_VALUE ? 0 : g,
        .h = operation >= FL_EXACT ? h : 0,
        .y_type = index ? FL_INT64 : wide ? FL_FLOAT64 : FL_FLOAT32,
        .w_repeat = 1,
        .scale = 1e-5,
        .floor = -1 / 0.0,
        .p = {classes ? 0 : 1.0, classes ? 0 : 0.5, 0.5}, /* delta = 1, q = 1 and 0.5; no smoothing, no z-loss */
        .width = classes ? classes : 1,
        .dense = kernel->dense,
        .logits = kernel->logits,
    };
    ptrdiff_t block = BLOCK; /* as the driver has it (Runner.fill) */
    if (classes) {
        block = 2 * BLOCK / classes;
        block = block < 1 ? 1 : block > TILE ? TILE : block;
        block -= block > LANES ? block % LANES : 0;
    }
    if (timed) {
        double rate = 0;
        const double least = cycles(&job, n, block, &rate);
        printf("%.4f %.2f %d %.2f\n", least / (double)(classes ? n * classes : n), rate * 1e-9, kernel->cost, issue_rate(rate));
        return 0;
    }
    volatile double total = measure(&job, n, block);
    (void)total;
    printf("%td\n", classes ? n * classes : n);
    return 0;
}

/* One kernel over a run of data in cache, for callgrind to count: see test_instructions.py.
 *
 *     count KERNEL OPERATION BITS CLASSES    (CLASSES 0: pointwise)
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernels.h"
EXPORT_ISA(counted, "counted")

enum { ELEMENTS = 1 << 16, BLOCK = 4096 };

/* What is counted. */
__attribute__((noinline)) double measure(const fl_job *job, ptrdiff_t n, ptrdiff_t block) {
    double total = 0;
    for (ptrdiff_t b = 0; b < n; b += block) {
        double sum[2];
        job->run(job, b, b + block < n ? b + block : n, sum);
        total += sum[0] + sum[1];
    }
    return total;
}

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    const int operation = atoi(argv[2]), wide = atoi(argv[3]) == 64;
    const ptrdiff_t classes = atol(argv[4]), n = classes ? ELEMENTS / classes : ELEMENTS;
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
        .loop = kernel->loops[wide][operation],
        .summing = kernel->summing[wide][operation],
        .run = classes ? counted.run_classes[wide] : counted.run_pointwise[wide],
        .y = index ? (void *)labels : y,
        .z = z,
        .g = operation == FL_VALUE ? 0 : g,
        .h = operation >= FL_EXACT ? h : 0,
        .y_type = index ? FL_INT64 : wide ? FL_FLOAT64 : FL_FLOAT32,
        .w_repeat = 1,
        .scale = 1e-5,
        .floor = -1 / 0.0,
        .p = {classes ? 0 : 1.0, classes ? 0 : 0.5, 0.5}, /* delta = 1, q = 1 and 0.5; no smoothing, no z-loss */
        .classes = classes,
        .dense = kernel->dense,
        .logits = kernel->logits,
    };
    ptrdiff_t block = BLOCK; /* as the driver has it (Runner.fill) */
    if (classes) {
        block = 2 * BLOCK / classes;
        block = block < 1 ? 1 : block > TILE ? TILE : block;
        block -= block > LANES ? block % LANES : 0;
    }
    volatile double total = measure(&job, n, block);
    (void)total;
    printf("%td\n", classes ? n * classes : n);
    return 0;
}

/* What the driver does in the kernels' floating-point environment, whatever the caller's: blocks, and a little arithmetic.
 * Volatile operands keep each operation between entering and leaving it. */
#include "fastloss.h"
#include "control.h"

void fl_run_blocks(const fl_job *job, ptrdiff_t n, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last, double *sums) {
    const fl_control control = control_enter();
    for (ptrdiff_t b = first; b < last; b++)
        job->run(job, b * block, n < (b + 1) * block ? n : (b + 1) * block, sums ? sums + 2 * (b - first) : 0);
    if (job->put == FL_PAST_CACHE)
        stream_fence();
    control_leave(control);
}

/* Neumaier's sum of n blocks, each a sum and its error; the order is fixed, and so are the bits. */
void fl_add_blocks(double total[2], const double *blocks, ptrdiff_t n) {
    const fl_control control = control_enter();
    volatile double high = total[0], low = total[1];
    for (ptrdiff_t i = 0; i < n; i++) {
        const double a = high, x = blocks[2 * i], s = a + x, t = s - a;
        low += ((a - (s - t)) + (x - t)) + blocks[2 * i + 1];
        high = s;
    }
    total[0] = high;
    total[1] = low;
    control_leave(control);
}

void fl_add_arrays(double *total, const double *arrays, ptrdiff_t n, ptrdiff_t size) {
    const fl_control control = control_enter();
    for (ptrdiff_t k = 0; k < size; k++)
        total[k] = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t k = 0; k < size; k++)
            total[k] += arrays[i * size + k];
    control_leave(control);
}

/* What the two parts come to, divided. Beside an infinite or NaN sum the error is meaningless. */
double fl_quotient(const double total[2], double by) {
    const fl_control control = control_enter();
    volatile double high = total[0], low = total[1], sum = high + low, divisor = by;
    volatile double quotient = (high - high == 0 ? sum : high) / divisor;
    control_leave(control);
    return quotient;
}

double fl_inverse(double x) {
    const fl_control control = control_enter();
    volatile double divisor = x, quotient = 1 / divisor;
    control_leave(control);
    return quotient;
}

double fl_product(double x, double y) {
    const fl_control control = control_enter();
    volatile double a = x, b = y, product = a * b;
    control_leave(control);
    return product;
}

/* A subnormal number too, though the caller's environment take it for 0. */
int fl_is_positive(double x) {
    const fl_control control = control_enter();
    volatile double a = x;
    volatile int positive = a > 0;
    control_leave(control);
    return positive;
}

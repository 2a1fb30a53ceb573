/* Sample weights of losses without classes: read, spread, multiplied into a tile's results, summed. */

/* Expand weights that belong to w_repeat consecutive elements each: (n,) weights of an (n, m) array. */
static void FN(repeat_weights)(real *to, const fl_job *job, ptrdiff_t begin, ptrdiff_t n) {
    real one[1] = {1};
    for (ptrdiff_t i = 0; i < n;) {
        const ptrdiff_t row = (begin + i) / job->w_repeat;
        ptrdiff_t stop = (row + 1) * job->w_repeat - begin;
        stop = stop < n ? stop : n;
        FN(load)(one, job->w, job->w_type, row, 1);
        for (; i < stop; i++)
            to[i] = one[0];
    }
    for (ptrdiff_t i = n; i < PADDED(n, LANES); i++)
        to[i] = to[n - 1];
}

/* The weights of n values from begin on, padded: the caller's own memory where it serves, else the buffer. */
static const real *FN(weights)(real *buffer, const fl_job *job, ptrdiff_t begin, ptrdiff_t n) {
    if (job->w_repeat == 1)
        return FN(view)(buffer, job->w, job->w_type, begin, n);
    FN(repeat_weights)(buffer, job, begin, n);
    return buffer;
}

/* Multiply by weight and factor. A weight of 0 leaves an element out, whatever it holds: 0 times NaN or infinity is
 * not nothing. The factor joins the weight first and in double: of float32 weights, 1 / total may be infinite. */
static void FN(weigh)(real *restrict x, const real *restrict w, double factor, ptrdiff_t n) {
    SIMD for (ptrdiff_t k = 0; k < n; k++)
        x[k] = w[k] == 0 ? 0 : x[k] * (real)((double)w[k] * factor);
}

/* The sum of the weights, for a mean; without weights the driver counts. */
static void FN(total_weight)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]) {
    real buffer[TILE] ALIGNED;
    FN(lanes) total = {{0}, {0}};
    for (ptrdiff_t b = begin; b < end; b += TILE) {
        const ptrdiff_t n = end - b < TILE ? end - b : TILE;
        FN(accumulate)(&total, FN(view)(buffer, job->w, job->w_type, b, n), n);
    }
    FN(finish)(&total, sum);
}

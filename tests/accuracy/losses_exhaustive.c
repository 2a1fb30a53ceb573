/* The accuracy of losses over all float32 predictions: value, gradient and Hessian in ULP of the exact result.
 *
 *     losses_exhaustive [--stride N] [LOSS ...]     (all 2^32 of each case: half a minute each on two processors)
 *
 * What stands for the exact result is the float64 kernel at the same prediction: its own error, a few ULP of a double,
 * is 2^-27 of the unit here. That its formula is right is the business of the tests against the references and the
 * mpmath tables. Exit status 1 beyond a limit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernels.h"
EXPORT_ISA(tested, "tested")

enum { QUANTITIES = 3, RUN = 1024, CHUNK = 1 << 20 };
static const char *const QUANTITY[QUANTITIES] = {"value", "gradient", "Hessian"};

/* With this target a residual loss has the prediction itself as residual; p: the parameters of the kernel. */
typedef struct {
    const char *name, *kernel;
    char difference; /* what result is a difference of terms: by a letter (see counted_in) or 0 */
    double y, p[FL_PARAMETERS], limit[QUANTITIES];
} a_case;

/* 2, 2 and 4 ULP are what is asked for. Above that, and why (tools/precision.py says it to users):
 * cross-entropy's gradient E / (1 + E), its and log-cosh's Hessian E / (1 + E)^2, E = exp(-|z|): the error of E counts
 *   twice where the quotient is in the binade below, and each operation rounds;
 * focal loss, alpha u^2 log(1/t): u = E / (1 + E) enters squared, and so do the roundings of the products. Its Hessian is
 *   a difference and counts in units of its terms; where alpha u^2 t is subnormal it is that times a hundred;
 * pseudo-Huber and Geman-McClure, of w = 1 / (1 + (r/c)^2): c^2, the sum and the quotient round, and the latter's gradient and
 *   Hessian have w squared; so it is with Tukey's 1 - (r/c)^2. Welsch's has a product of five. */
static const a_case CASES[] = {
    {"squared_error", "squared_error", 0, 0, {0}, {2, 2, 4}},
    {"absolute_error", "absolute_error", 0, 0, {0x1p-60}, {2, 2, 4}},
    {"huber, delta = 1.5", "huber", 0, 0, {1.5}, {2, 2, 4}},
    {"smooth_l1, beta = 0.3", "smooth_l1", 0, 0, {(double)0.3f}, {2, 2, 4}},
    {"pseudo_huber, delta = 1.5", "pseudo_huber", 0, 0, {1.5, 1}, {4, 3, 4}},
    {"geman_mcclure, c = 0.3", "geman_mcclure", 'm', 0, {(double)0.3f, 1}, {4, 6, 8.5}},
    {"welsch, c = 1.5", "welsch", 'w', 0, {1.5, 0, 0, 0.75, 1.5, 1, 1}, {4, 3, 3.5}},
    {"tukey, c = 0.3", "tukey", 't', 0, {(double)0.3f}, {4, 4.5, 4}},
    {"smooth_quantile, q = h = 0.5", "smooth_quantile", 'q', 0, {0.5, 0.5, 0.5}, {2, 2.5, 5}},
    {"quantile, q = 0.9", "quantile", 0, 0, {(double)0.9f, 1 - (double)0.9f}, {2, 2, 4}},
    {"log_cosh", "log_cosh", 0, 0, {0}, {2, 2, 4.3}},
    {"poisson, y = 0", "poisson_log", 0, 0, {0}, {2, 2, 4}},
    {"gamma, y = 1", "gamma_log", 'g', 1, {0}, {2, 2, 4}},
    {"binary_cross_entropy, y = 0", "bce_logits", 0, 0, {0}, {2, 2.5, 4.3}},
    {"binary_cross_entropy, y = 1", "bce_logits", 0, 1, {0}, {2, 2.5, 4.3}},
    {"binary_focal, y = 0", "focal_logits_2", 'f', 0, {2, 0.25, 0.75}, {9, 11, 300}},
    {"binary_focal, y = 1", "focal_logits_2", 'f', 1, {2, 0.25, 0.75}, {9, 11, 300}},
    {"hinge, y = 1", "hinge", 0, 1, {0x1p-60}, {2, 2, 4}},
    {"squared_hinge, y = 1", "squared_hinge", 0, 1, {0}, {2, 2, 4}},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

/* Error in ULP of the float32 nearest to `scale`, of the smallest subnormal where that is subnormal. */
static inline double error_in_ulp(float result, double exact, double scale) {
    uint64_t bits;
    memcpy(&bits, &scale, 8);
    int64_t exponent = (int64_t)((bits >> 52) & 0x7ff);
    exponent = exponent < 1023 - 126 ? 1023 - 126 : exponent > 1023 + 127 ? 1023 + 127 : exponent;
    const uint64_t inverse = (uint64_t)(2 * 1023 + 23 - exponent) << 52;
    double per_ulp, r = result;
    memcpy(&per_ulp, &inverse, 8);
    const double end = 0x1p128, e = fabs(exact) < end ? exact : copysign(end, exact); /* infinite in float32 */
    r = fabs(r) < end ? r : copysign(end, r);
    const double error = fabs(r - e) * per_ulp;
    const int nan_result = result != result, nan_exact = exact != exact;
    return nan_exact ? (nan_result ? 0 : INFINITY) : (nan_result ? INFINITY : error);
}

typedef struct {
    double error;
    float at;
} worst;

/* What a quantity's error is counted in units of: itself, or the larger term of a difference. */
static inline double counted_in(const a_case *c, int quantity, double z, double exact) {
    double term = 0;
    if (c->difference == 'g') /* log mu + y / mu; 1 - y / mu; y / mu */
        term = quantity == 0 ? fmax(fabs(z), fabs(exact - z)) : quantity == 1 ? 1 : 0;
    if (c->difference == 'f' && quantity == 2) { /* of alpha u^2 ((4 t - 2 u) t log(1/t) + 5 u t), without the minus */
        const double margin = c->y > 0 ? z : -z, t = 1 / (1 + exp(-margin)), u = 1 / (1 + exp(margin));
        term = c->p[c->y > 0 ? 1 : 2] * u * u * (4 * t * t * -log(t) + 5 * u * t);
    }
    const double u2 = z / c->p[0] * (z / c->p[0]), d = 1 + u2;
    if (c->difference == 'm' && quantity == 2) /* 1 - 3 u^2 over (1 + u^2)^3 */
        term = fmax(1 / d, 3 * u2 / d) / d / d;
    if (c->difference == 'w' && quantity == 2 && u2 < 200) /* 1 - 2 u^2, times exp(-u^2) */
        term = fmax(1, 2 * u2) * exp(-u2);
    if (c->difference == 't' && quantity == 2 && u2 < 1) /* 1 - 5 u^2, times 1 - u^2 */
        term = fmax(1, 5 * u2) * (1 - u2);
    if (c->difference == 'q' && quantity == 1) /* sigmoid less q */
        term = c->p[1];
    return fabs(exact) < term ? term : exact;
}

static void pass(const a_case *c, const fl_kernel *kernel, int wide, int operation, void *y, void *z, void *v, void *g,
                 void *h, ptrdiff_t n) {
    fl_job job = {
        .loop = kernel->loops[wide][operation],
        .run = tested.run[kernel->kind][wide],
        .y = y, .z = z, .v = v, .g = g, .h = h,
        .y_type = wide ? FL_FLOAT64 : FL_FLOAT32,
        .width = 1,
        .w_repeat = 1,
        .scale = 1,
        .floor = -1 / 0.0,
    };
    memcpy(job.p, c->p, sizeof job.p);
    job.run(&job, 0, n, 0);
}

/* The predictions with bits first, first + stride, ... */
static void examine(const a_case *c, const fl_kernel *kernel, uint64_t first, uint64_t stride, worst *found) {
    static _Thread_local float z[RUN], y[RUN], out[QUANTITIES][RUN], again[RUN];
    static _Thread_local double wide_z[RUN], wide_y[RUN], exact[QUANTITIES][RUN], again_wide[RUN], units[RUN];
    ptrdiff_t n = 0;
    for (; n < RUN && first < (uint64_t)1 << 32; n++, first += stride) {
        const uint32_t bits = (uint32_t)first;
        memcpy(&z[n], &bits, 4);
        z[n] = z[n] == z[n] ? z[n] : 0;
        wide_z[n] = z[n];
        y[n] = (float)c->y;
        wide_y[n] = c->y;
    }
    pass(c, kernel, 0, FL_VALUE_GRADIENT, y, z, out[0], again, 0, n);
    pass(c, kernel, 0, FL_EXACT, y, z, 0, out[1], out[2], n);
    pass(c, kernel, 1, FL_VALUE_GRADIENT, wide_y, wide_z, exact[0], again_wide, 0, n);
    pass(c, kernel, 1, FL_EXACT, wide_y, wide_z, 0, exact[1], exact[2], n);
    for (ptrdiff_t i = 0; i < n; i++)
        if (memcmp(&out[1][i], &again[i], sizeof *again)) /* the gradient has the same bits in both passes */
            found[1] = (worst){INFINITY, z[i]};
    for (int q = 0; q < QUANTITIES; q++) {
        double most = 0;
        for (ptrdiff_t i = 0; i < n; i++) {
            units[i] = counted_in(c, q, wide_z[i], exact[q][i]);
            const double error = error_in_ulp(out[q][i], exact[q][i], units[i]);
            most = error > most ? error : most;
        }
        if (most > found[q].error) {
            found[q].error = most;
            for (ptrdiff_t i = 0; i < n; i++)
                if (error_in_ulp(out[q][i], exact[q][i], units[i]) == most)
                    found[q].at = z[i];
        }
    }
}

int main(int argc, char **argv) {
    uint64_t stride = 1;
    int failed = 0, measured = 0, first_name = 1;
    if (argc > 2 && !strcmp(argv[1], "--stride"))
        stride = strtoull(argv[2], 0, 10), first_name = 3;
    if (stride == 0)
        return fprintf(stderr, "usage: losses_exhaustive [--stride N] [LOSS ...]\n"), 2;
    const ptrdiff_t runs = (ptrdiff_t)((((uint64_t)1 << 32) / stride + RUN - 1) / RUN + 1);
    for (const a_case *c = CASES; c < CASES + CASE_COUNT; c++) {
        int wanted = argc == first_name;
        for (int i = first_name; i < argc; i++)
            wanted |= !strncmp(c->name, argv[i], strlen(argv[i]));
        if (!wanted)
            continue;
        measured = 1;
        const fl_kernel *kernel = 0;
        for (ptrdiff_t i = 0; i < tested.n_kernels; i++)
            if (!strcmp(tested.kernels[i].name, c->kernel))
                kernel = tested.kernels + i;
        if (!kernel)
            return fprintf(stderr, "no kernel %s\n", c->kernel), 2;
        worst all[QUANTITIES] = {{0, 0}};
#pragma omp parallel
        {
            worst mine[QUANTITIES] = {{0, 0}};
#pragma omp for schedule(dynamic, 256)
            for (ptrdiff_t r = 0; r < runs; r++)
                examine(c, kernel, (uint64_t)r * RUN * stride, stride, mine);
#pragma omp critical
            for (int q = 0; q < QUANTITIES; q++)
                if (mine[q].error > all[q].error)
                    all[q] = mine[q];
        }
        int beyond = 0;
        printf("%-30s", c->name);
        for (int q = 0; q < QUANTITIES; q++) {
            printf("  %s %.3f at %-14a", QUANTITY[q], all[q].error, (double)all[q].at);
            beyond |= !(all[q].error <= c->limit[q]);
        }
        puts(beyond ? "  TOO LARGE" : "");
        fflush(stdout);
        failed |= beyond;
    }
    if (!measured)
        return fprintf(stderr, "no such loss: the names begin the lines that a run without names prints\n"), 2;
    return failed;
}

/* The accuracy of vmath.h: float32 over all inputs, float64 over hard and random points, each instruction set.
 *
 *     python tests/programs.py FOLDER                        (builds it as FOLDER/functions)
 *     python tests/accuracy/vmath_hard_points.py > hard.csv  (mpmath; once)
 *     FOLDER/functions all --hard hard.csv                   (2 minutes per function; lgamma1p 8)
 *     FOLDER/functions exp log --stride 1009                 (every 1009th float32: seconds)
 *
 * `make accuracy` does all of that.
 *
 * float32 is compared with double libm, whose own error is below 2^-28 ULP of a float; float64 with long double libm
 * (2^-11 ULP) and with the mpmath points. The error counts in ULP of the exact result, of the smallest subnormal
 * where that is subnormal; an infinite result stands for 2^128 (2^1024) where the exact one is finite.
 * One pass computes the reference once and compares every instruction set the processor has. The hash of all outputs
 * must be the same for v3 and v4. Exit status 1 if a bound, a special value or that equality fails.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmath_kernels.h"

/* ---- The functions, their references and bounds ---- */

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static long double softplusl(long double x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static long double sigmoidl(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
/* Where the difference loses digits: u^2 (1/2 - u/3 + u^2/4 - ...), and u^2/2 (1 + u/3 (1 + u/4 (1 + ...))). */
static long double log1p_excessl(long double u) {
    if (!(u < 0.25L)) return u < INFINITY ? u - log1pl(u) : u;
    long double sum = 0;
    for (int k = u < 0x1p-10L ? 8 : 36; k >= 2; k--) sum = 1.0L / k - u * sum;
    return u * u * sum;
}
static long double expm1_excessl(long double u) {
    if (!(fabsl(u) < 0.25L)) return u < INFINITY ? expm1l(u) - u : u;
    long double sum = 1;
    for (int k = fabsl(u) < 0x1p-10L ? 8 : 20; k >= 3; k--) sum = 1 + u / k * sum;
    return u * u / 2 * sum;
}
static double expm1_excess(double u) { return (double)expm1_excessl(u); }
static double log1p_excess(double u) { return (double)log1p_excessl(u); }
/* log Gamma(1 + y), relative to the last place also near its zeros 0 and 1, where lgammal(1 + y) is not:
 * log Gamma(2 + z) = (1 - gamma) z + sum over k >= 2 of (-z)^k (zeta(k) - 1) / k. */
static long double lgamma1pl(long double y) {
    static long double zeta[48]; /* zeta(k) - 1, by Euler and Maclaurin from 300 on */
    for (int k = 2; k < 48 && !zeta[47]; k++) {
        const long double n = 300;
        zeta[k] = powl(n, 1 - k) / (k - 1) + powl(n, -k) / 2 + k * powl(n, -k - 1) / 12;
        zeta[k] += -powl(n, -k - 3) * k * (k + 1) * (k + 2) / 720 + powl(n, -k - 5) * k * (k + 1) * (k + 2) * (k + 3) * (k + 4) / 30240;
        for (int i = 299; i >= 2; i--) zeta[k] += powl(i, -k);
    }
    if (y > 1.5L) return lgammal(1 + y);
    const long double z = y < 0.5L ? y : y - 1;
    long double sum = 0;
    for (int k = 47; k >= 2; k--) sum = sum * -z + zeta[k] / k;
    sum = sum * z * z + 0.422784335098467139393487909917597569L * z;
    return y < 0.5L ? sum - log1pl(y) : sum;
}
static double lgamma1p(double y) { return y > 4 ? lgamma(1 + y) : (double)lgamma1pl(y); } /* the first is faster */

typedef struct {
    const char *name;
    double (*reference)(double);
    long double (*reference_long)(long double);
    double low, high;           /* domain: what lies outside is not judged */
    double interesting[2];      /* half of the random float64 points lie here, uniformly */
    double bound32, bound64;    /* ULP */
    double specials[6][2];      /* argument, exact result; ended by two zeros after the first */
    double without_fma;         /* bound32 of v2, if it is another */
} subject;

static const double inf = INFINITY;

static const subject SUBJECTS[] = {
    {"exp", exp, expl, -INFINITY, INFINITY, {-750, 715}, 1.0, 1.5, {{0.0, 1}, {-0.0, 1}, {INFINITY, INFINITY}, {-INFINITY, 0}}},
    {"exp_nonpositive", exp, expl, -INFINITY, 0, {-750, 0}, 1.0, 1.5, {{0.0, 1}, {-0.0, 1}, {-INFINITY, 0}}},
    {"expm1", expm1, expm1l, -INFINITY, INFINITY, {-40, 40}, 1.0, 1.5, {{0.0, 0.0}, {-0.0, -0.0}, {INFINITY, INFINITY}, {-INFINITY, -1}}},
    {"exp_growth", exp, expl, -INFINITY, INFINITY, {-750, 715}, 1.0, 1.5, {{0.0, 1}, {-0.0, 1}, {INFINITY, INFINITY}, {-INFINITY, 0}}},
    {"expm1_growth", expm1, expm1l, -INFINITY, INFINITY, {-40, 40}, 2.0, 2.0, {{0.0, 0.0}, {INFINITY, INFINITY}, {-INFINITY, -1}}},
    {"expm1_nonpositive", expm1, expm1l, -INFINITY, 0, {-40, 0}, 2.0, 2.0, {{0.0, 0.0}, {-INFINITY, -1}}},
    {"expm1_excess", expm1_excess, expm1_excessl, -INFINITY, INFINITY, {-40, 40}, 2.6, 2.6, {{0.0, 0.0}, {-0.0, 0.0}, {INFINITY, INFINITY}, {-INFINITY, INFINITY}}},
    {"log", log, logl, -INFINITY, INFINITY, {0, 10}, 1.0, 1.5, {{1, 0.0}, {0.0, -INFINITY}, {-0.0, -INFINITY}, {INFINITY, INFINITY}}},
    {"log1p", log1p, log1pl, -INFINITY, INFINITY, {-1, 3}, 1.0, 1.5, {{0.0, 0.0}, {-0.0, -0.0}, {-1, -INFINITY}, {INFINITY, INFINITY}}},
    {"log1p_unit", log1p, log1pl, 0, 1, {0, 1}, 1.0, 1.5, {{0.0, 0.0}}},
    {"log1p_nonnegative", log1p, log1pl, 0, INFINITY, {0, 3}, 2.0, 2.0, {{0.0, 0.0}, {INFINITY, INFINITY}}},
    {"log1p_excess", log1p_excess, log1p_excessl, 0, INFINITY, {0, 10}, 2.6, 2.6, {{0.0, 0.0}, {INFINITY, INFINITY}}},
    {"tanh", tanh, tanhl, -INFINITY, INFINITY, {-20, 20}, 1.0, 1.5, {{0.0, 0.0}, {-0.0, -0.0}, {INFINITY, 1}, {-INFINITY, -1}}},
    {"sigmoid", sigmoid, sigmoidl, -INFINITY, INFINITY, {-750, 40}, 1.0, 1.5, {{0.0, 0.5}, {-0.0, 0.5}, {INFINITY, 1}, {-INFINITY, 0}}},
    {"softplus", softplus, softplusl, -INFINITY, INFINITY, {-40, 40}, 1.0, 1.5, {{INFINITY, INFINITY}, {-INFINITY, 0}}},
    {"erf", erf, erfl, -INFINITY, INFINITY, {-6.5, 6.5}, 1.0, 1.5, {{0.0, 0.0}, {-0.0, -0.0}, {INFINITY, 1}, {-INFINITY, -1}}, .without_fma = 1.31},
    {"atan_unit", atan, atanl, -1, 1, {-1, 1}, 1.0, 1.5, {{0.0, 0.0}}, .without_fma = 1.2},
    {"lgamma1p", lgamma1p, lgamma1pl, 0, INFINITY, {0, 20}, 2.0, 2.0, {{0.0, 0.0}, {1, 0.0}, {INFINITY, INFINITY}}},
    {"sqrt", sqrt, sqrtl, -INFINITY, INFINITY, {0, 4}, 0.5, 0.501, {{0.0, 0.0}, {-0.0, -0.0}, {INFINITY, INFINITY}}},
};
enum { SUBJECT_COUNT = sizeof SUBJECTS / sizeof *SUBJECTS };

/* ---- One instruction set under test ---- */

typedef struct {
    const char *name;
    const vmath_kernel *table, *kernel;
    double worst, worst_at, worst_at_y;
    uint64_t hash;
} isa_state;

static isa_state ISAS[3];
static int isa_count, failures, v3, v4; /* v3, v4: their places in ISAS, or -1 */

static void find_isas(void) {
    v3 = v4 = -1;
    ISAS[isa_count++] = (isa_state){.name = "v2", .table = vmath_v2};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        v3 = isa_count, ISAS[isa_count++] = (isa_state){.name = "v3", .table = vmath_v3};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        v4 = isa_count, ISAS[isa_count++] = (isa_state){.name = "v4", .table = vmath_v4};
}

static void begin(const char *name) {
    for (int i = 0; i < isa_count; i++) {
        isa_state *s = &ISAS[i];
        s->worst = 0, s->worst_at = s->worst_at_y = NAN, s->hash = 0;
        for (s->kernel = s->table; s->kernel->name && strcmp(s->kernel->name, name); s->kernel++)
            ;
        if (!s->kernel->name) fprintf(stderr, "no kernel %s\n", name), exit(2);
    }
}

static void report(const char *name, const char *type, const char *points, double bound, double without_fma) {
    for (int i = 0; i < isa_count; i++) {
        const isa_state *s = &ISAS[i];
        const int fails = !(s->worst <= (s->table == vmath_v2 ? without_fma : bound));
        failures += fails;
        printf("%-16s %s %-10s %s  %.4f ULP at %-24.13a", name, type, points, s->name, s->worst, s->worst_at);
        if (!isnan(s->worst_at_y)) printf(" y %a", s->worst_at_y);
        printf("  hash %016" PRIx64 "%s\n", s->hash, fails ? "  ABOVE THE BOUND" : "");
    }
    if (v3 >= 0 && v4 >= 0 && ISAS[v3].hash != ISAS[v4].hash) failures++, printf("%s %s: v3 and v4 DIFFER\n", name, type);
    fflush(stdout);
}

static void progress(const char *name, double part) {
    if (isatty(2)) fprintf(stderr, "\r%-16s %5.1f %%  ", name, 100 * part);
}

static void end_progress(void) {
    if (isatty(2)) fprintf(stderr, "\r%40s\r", "");
}

/* Wrap-around sums of products: cheap, and vectorised like the kernels. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes) {
    const uint64_t *words = data;
    uint64_t sum = 0;
    for (size_t k = 0; k < bytes / 8; k++) sum += (words[k] ^ (words[k] >> 29)) * (2 * k + 0x9e3779b97f4a7c15);
    return (hash ^ sum) * 0xff51afd7ed558ccd + 1;
}

/* ---- float32 ---- */

enum { BLOCK = 1 << 14 };

/* Error in ULP of the exact result; infinite where one is NaN and the other not. */
static inline double error32(float result, double exact) {
    uint64_t bits;
    memcpy(&bits, &exact, 8);
    int64_t exponent = (int64_t)((bits >> 52) & 0x7ff);
    exponent = exponent < 1023 - 126 ? 1023 - 126 : exponent;
    const uint64_t inverse = (uint64_t)(2 * 1023 + 23 - exponent) << 52;
    double per_ulp, r = result;
    memcpy(&per_ulp, &inverse, 8);
    const int finite = fabs(exact) <= 0x1.fffffffffffffp127;
    exact = finite ? exact : copysign(0x1p128, exact); /* beyond: as good as infinite */
    r = fabs(r) <= 0x1p127 * 2 ? r : copysign(0x1p128, r);
    const double error = finite ? fabs(r - exact) * per_ulp : (r == exact ? 0 : inf);
    const int nan_result = result != result, nan_exact = bits << 1 > 0xffe0000000000000;
    return nan_exact ? (nan_result ? 0 : inf) : (nan_result ? inf : error);
}

static void check32(const subject *s, uint64_t stride) {
    static float x[BLOCK], out[BLOCK];
    static double exact[BLOCK];
    begin(s->name);
    uint64_t next = 0, blocks = 0;
    while (next < (uint64_t)1 << 32) {
        int n = 0;
        for (; n < BLOCK && next < (uint64_t)1 << 32; next += stride) {
            const uint32_t bits = (uint32_t)next;
            float value;
            memcpy(&value, &bits, 4);
            x[n++] = value >= s->low && value <= s->high ? value : NAN;
        }
        for (int k = 0; k < n; k++) exact[k] = x[k] == x[k] ? s->reference(x[k]) : NAN;
        for (int i = 0; i < isa_count; i++) {
            isa_state *state = &ISAS[i];
            memset(out, 0, sizeof out);
            state->kernel->f32(x, x, out, n);
            double worst = 0;
            for (int k = 0; k < n; k++) {
                out[k] = out[k] == out[k] ? out[k] : NAN; /* the hash shall not see the payload of a NaN */
                const double error = error32(out[k], exact[k]);
                worst = error > worst ? error : worst;
            }
            state->hash = hash_bytes(state->hash, out, sizeof out);
            if (worst > state->worst) {
                state->worst = worst;
                for (int k = 0; k < n; k++)
                    if (error32(out[k], exact[k]) == worst) state->worst_at = x[k];
            }
        }
        if (++blocks % 1024 == 0) progress(s->name, (double)next / 0x1p32);
    }
    end_progress();
    report(s->name, "float32", stride == 1 ? "all" : "sample", s->bound32, s->without_fma ? s->without_fma : s->bound32);
}

/* ---- float64 ---- */

/* The exact result is its nearest double plus `rest` ULP: the rest itself may underflow. */
typedef struct {
    double x, y, nearest, rest;
} point;

static int exponent64(double x) {
    const int exponent = x == 0 ? -1022 : ilogb(x);
    return exponent < -1022 ? -1022 : exponent;
}

static point make_point(double x, double y, long double exact) {
    point p = {x, y, NAN, 0};
    if (isnan(exact)) return p;
    p.nearest = (double)exact;
    if (isfinite(p.nearest)) p.rest = (double)ldexpl(exact - p.nearest, 52 - exponent64(p.nearest));
    return p;
}

static double error64(double result, double nearest, double rest) {
    if (isnan(nearest)) return isnan(result) ? 0 : inf;
    if (isnan(result)) return inf;
    if (isinf(nearest)) return result == nearest ? 0 : isinf(result) ? inf : error64(result, copysign(0x1.fffffffffffffp1023, nearest), 1);
    const long double r = isinf(result) ? copysignl(0x1p1024L, result) : (long double)result;
    return (double)fabsl(ldexpl(r - nearest, 52 - exponent64(nearest)) - rest);
}

static uint64_t random_state = 20240607;
static uint64_t random_bits(void) { /* splitmix64 */
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}
static double random_unit(void) { return (double)(random_bits() >> 11) * 0x1p-53; }
static double random_double(void) {
    const uint64_t bits = random_bits();
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

static void judge64(const point *p, ptrdiff_t n, int two) {
    static double x[BLOCK], y[BLOCK], out[BLOCK];
    for (ptrdiff_t start = 0; start < n; start += BLOCK, p += BLOCK) {
        const ptrdiff_t size = n - start < BLOCK ? n - start : BLOCK;
        for (ptrdiff_t k = 0; k < size; k++) x[k] = p[k].x, y[k] = p[k].y;
        for (int i = 0; i < isa_count; i++) {
            isa_state *state = &ISAS[i];
            state->kernel->f64(x, y, out, size);
            for (ptrdiff_t k = 0; k < size; k++) {
                const double error = error64(out[k], p[k].nearest, p[k].rest);
                if (isnan(out[k])) out[k] = NAN;
                if (error > state->worst) state->worst = error, state->worst_at = x[k], state->worst_at_y = two ? y[k] : NAN;
            }
            state->hash = hash_bytes(state->hash, out, 8 * (size_t)size);
        }
    }
}

static void check64_random(const subject *s, ptrdiff_t n) {
    static point p[BLOCK];
    random_state = 20240607;
    begin(s->name);
    for (ptrdiff_t start = 0; start < n; start += BLOCK) {
        for (ptrdiff_t k = 0; k < BLOCK; k++) {
            double x = random_double();
            if (k & 1) x = s->interesting[0] + (s->interesting[1] - s->interesting[0]) * random_unit();
            if (!(k & 3)) { /* log-uniform near zero or one */
                x = ldexp(1 + random_unit(), (int)(random_bits() % 60) - 50) * (random_bits() & 1 ? 1 : -1);
                if (k & 4) x = 1 + ldexp(x, -4);
            }
            if (!(x >= s->low && x <= s->high)) x = s->interesting[0] + (s->interesting[1] - s->interesting[0]) * random_unit();
            p[k] = make_point(x, 0, s->reference_long(x));
        }
        judge64(p, BLOCK, 0);
        if (start / BLOCK % 16 == 0) progress(s->name, (double)start / (double)n);
    }
    end_progress();
    report(s->name, "float64", "random", s->bound64, s->bound64);
}

/* Lines name,x,y,nearest,rest as vmath_hard_points.py writes them. */
static void check64_hard(const char *name, const char *path, double bound, int two) {
    FILE *file = fopen(path, "r");
    if (!file) perror(path), exit(2);
    point *p = 0;
    ptrdiff_t n = 0;
    char word[64];
    point q;
    while (fscanf(file, "%63[^,],%la,%la,%la,%la\n", word, &q.x, &q.y, &q.nearest, &q.rest) == 5)
        if (!strcmp(word, name)) {
            if (!(n & (n - 1))) p = realloc(p, (n ? 2 * n : 1) * sizeof *p);
            p[n++] = q;
        }
    fclose(file);
    if (n) begin(name), judge64(p, n, two), report(name, "float64", "mpmath", bound, bound);
    free(p);
}

/* ---- Special values, both types ---- */

static int same(double a, double b) { return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b)); }

static void check_specials(const char *name, const double (*wanted)[2], int count, double y) {
    for (int i = 0; i < isa_count; i++) {
        const vmath_kernel *k;
        for (k = ISAS[i].table; strcmp(k->name, name); k++)
            ;
        for (int j = 0; j < count; j++) {
            float x32 = (float)wanted[j][0], y32 = (float)y, out32;
            double out64;
            k->f32(&x32, &y32, &out32, 1);
            k->f64(&wanted[j][0], &y, &out64, 1);
            if (!same(out32, wanted[j][1]) || !same(out64, wanted[j][1])) {
                failures++;
                printf("%s %s(%g): float32 %g, float64 %g, WANTED %g\n", ISAS[i].name, name, wanted[j][0], out32, out64, wanted[j][1]);
            }
        }
    }
}

/* ---- pow: two arguments ---- */

static void check_pow(uint64_t stride, ptrdiff_t n64, const char *hard) {
    static float x[BLOCK], y[BLOCK], out[BLOCK];
    const uint64_t blocks = 1 + ((uint64_t)1 << 16) / stride; /* 2^30 pairs */
    random_state = 7;
    begin("pow");
    for (uint64_t block = 0; block < blocks; block++) {
        static double exact[BLOCK];
        for (int k = 0; k < BLOCK; k++) {
            const uint64_t r = random_bits();
            const uint32_t xb = (uint32_t)r & 0x7fffffff, yb = (uint32_t)(r >> 32);
            memcpy(&x[k], &xb, 4), memcpy(&y[k], &yb, 4);
            if (k & 1) x[k] = (float)random_unit(), y[k] = (float)(random_unit() * (k & 2 ? 8 : 110 / -log(x[k])));
            if ((k & 7) == 5) x[k] = 1 + (x[k] - 0.5f) * 0.0078125f, y[k] = (float)(random_unit() * 110 / fabs(log(x[k])));
            if (isnan(x[k])) x[k] = 2;
            exact[k] = pow(x[k], y[k]);
        }
        for (int i = 0; i < isa_count; i++) {
            isa_state *state = &ISAS[i];
            state->kernel->f32(x, y, out, BLOCK);
            for (int k = 0; k < BLOCK; k++) {
                if (isnan(out[k])) out[k] = NAN;
                const double error = error32(out[k], exact[k]);
                if (error > state->worst) state->worst = error, state->worst_at = x[k], state->worst_at_y = y[k];
            }
            state->hash = hash_bytes(state->hash, out, sizeof out);
        }
        if (block % 256 == 0) progress("pow", (double)block / (double)blocks);
    }
    end_progress();
    report("pow", "float32", "random", 2.0, 2.0);
    begin("pow");
    for (ptrdiff_t start = 0; start < n64; start += BLOCK) {
        static point p[BLOCK];
        for (ptrdiff_t k = 0; k < BLOCK; k++) {
            double x = fabs(random_double()), y = random_double();
            if (k & 1) x = random_unit(), y = random_unit() * (k & 2 ? 8 : 750 / -log(x));
            if ((k & 7) == 5) x = 1 + (x - 0.5) * 0x1p-8, y = random_unit() * 750 / fabs(log(x));
            if (isnan(x) || isnan(y)) x = 2, y = 3;
            p[k] = make_point(x, y, powl(x, y));
        }
        judge64(p, BLOCK, 1);
        if (start / BLOCK % 16 == 0) progress("pow", (double)start / (double)n64);
    }
    end_progress();
    report("pow", "float64", "random", 2.0, 2.0);
    if (hard) check64_hard("pow", hard, 2.0, 1);
    const double at_half[][2] = {{0.0, 0}, {INFINITY, INFINITY}, {1, 1}, {NAN, NAN}};
    const double at_zero[][2] = {{0.0, 1}, {INFINITY, 1}, {NAN, 1}, {3, 1}};
    const double at_minus[][2] = {{0.0, INFINITY}, {INFINITY, 0}, {1, 1}};
    const double at_infinity[][2] = {{0.5, 0}, {2, INFINITY}, {1, 1}, {0.0, 0}};
    const double at_nan[][2] = {{0.5, NAN}, {1, 1}};
    check_specials("pow", at_half, 4, 0.5), check_specials("pow", at_zero, 4, 0.0), check_specials("pow", at_minus, 3, -2);
    check_specials("pow", at_infinity, 4, INFINITY), check_specials("pow", at_nan, 2, NAN);
}

int main(int argc, char **argv) {
    uint64_t stride = 1;
    ptrdiff_t random_points = 100000000;
    const char *hard = 0;
    char wanted[SUBJECT_COUNT + 1] = {0};
    int any = 0;
    if (argc == 2 && !strcmp(argv[1], "--list")) { /* the longest first, for those who run them side by side */
        puts("lgamma1p\npow");
        for (int i = 0; i < SUBJECT_COUNT; i++)
            if (strcmp(SUBJECTS[i].name, "lgamma1p")) puts(SUBJECTS[i].name);
        return 0;
    }
    for (int a = 1; a < argc; a++) {
        if (!strcmp(argv[a], "--stride") && a + 1 < argc) {
            stride = strtoull(argv[++a], 0, 10);
            if (stride > 1) random_points = 200000;
            continue;
        }
        if (!strcmp(argv[a], "--random") && a + 1 < argc) {
            random_points = atoll(argv[++a]);
            continue;
        }
        if (!strcmp(argv[a], "--hard") && a + 1 < argc) {
            hard = argv[++a];
            continue;
        }
        int found = 0;
        for (int i = 0; i < SUBJECT_COUNT; i++)
            if (!strcmp(argv[a], "all") || !strcmp(argv[a], SUBJECTS[i].name)) found = any = wanted[i] = 1;
        if (!strcmp(argv[a], "all") || !strcmp(argv[a], "pow")) found = any = wanted[SUBJECT_COUNT] = 1;
        if (!found) any = 0, a = argc;
    }
    if (!any || !stride) {
        fprintf(stderr, "usage: vmath_exhaustive --list | all|FUNCTION... [--stride N] [--random N] [--hard FILE]\nfunctions:");
        for (int i = 0; i < SUBJECT_COUNT; i++) fprintf(stderr, " %s", SUBJECTS[i].name);
        fprintf(stderr, " pow\n");
        return 2;
    }
    find_isas();
    for (int i = 0; i < SUBJECT_COUNT; i++) {
        const subject *s = &SUBJECTS[i];
        if (!wanted[i]) continue;
        int specials = 1;
        while (specials < 6 && (s->specials[specials][0] != 0 || s->specials[specials][1] != 0 || signbit(s->specials[specials][0]))) specials++;
        check_specials(s->name, s->specials, specials, 0);
        const double nan[1][2] = {{NAN, NAN}};
        check_specials(s->name, nan, 1, 0);
        check32(s, stride);
        if (hard) check64_hard(s->name, hard, s->bound64, 0);
        check64_random(s, random_points);
    }
    if (wanted[SUBJECT_COUNT]) check_pow(stride, random_points, hard);
    if (failures) printf("%d FAILED\n", failures);
    return failures != 0;
}

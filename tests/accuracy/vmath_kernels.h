#include <stddef.h>

/* out[k] = f(a[k]), or f(a[k], b[k]) where f has two arguments. */
typedef struct {
    const char *name;
    void (*f32)(const float *a, const float *b, float *out, ptrdiff_t n);
    void (*f64)(const double *a, const double *b, double *out, ptrdiff_t n);
} vmath_kernel;

/* One table per instruction set, ended by a null name. */
extern const vmath_kernel vmath_v2[], vmath_v3[], vmath_v4[];

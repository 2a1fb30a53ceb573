/* The seam between the Cython driver and the kernels: one job, one block at a time.
 *
 * The driver fills a fl_job, asks the table of the instruction set in use for the kernel, and calls
 * fl_run_blocks for shares of the blocks, from any thread; that calls job->run(job, begin, end, sum) for
 * each. Nothing here depends on the real type or on the instruction set.
 */
#ifndef FASTLOSS_H
#define FASTLOSS_H

#include <stddef.h>
#include <stdint.h>

/* What a target or weight buffer may hold; it is converted to the real type tile by tile. */
#define FL_TYPES(X)                                                                                          \
    X(BOOL, uint8_t) X(INT8, int8_t) X(UINT8, uint8_t) X(INT16, int16_t) X(UINT16, uint16_t)                 \
    X(INT32, int32_t) X(UINT32, uint32_t) X(INT64, int64_t) X(UINT64, uint64_t)                              \
    X(FLOAT32, float) X(FLOAT64, double)

enum fl_type {
#define FL_ENUM(name, ctype) FL_##name,
    FL_TYPES(FL_ENUM)
#undef FL_ENUM
};

/* What one pass computes. Three also write the gradient and one kind of curvature; of a softmax, one the gradient and the
 * probabilities in the curvature's place, and one the Hessian times a vector in the gradient's. */
enum fl_operation {
    FL_VALUE,
    FL_GRADIENT,
    FL_VALUE_GRADIENT,
    FL_EXACT,
    FL_MAJORIZE,
    FL_FISHER,
    FL_SHARES,
    FL_PRODUCT,
    FL_OPERATIONS
};

enum fl_kind { FL_POINTWISE, FL_CLASSES, FL_OUTPUTS, FL_KINDS };
enum fl_real { FL_REAL32, FL_REAL64, FL_REALS };
enum fl_domain { FL_CLOSED, FL_OPEN_LOW, FL_TWO_VALUES };
enum fl_term { /* as in fastloss/losses/classes.py and distributions.py; the first four are functions of p, times t */
    FL_LOGARITHM,
    FL_FOCAL,
    FL_GENERALIZED,
    FL_POLY1,
    FL_REVERSE_KL,
    FL_JENSEN_SHANNON,
    FL_TOTAL_VARIATION,
    FL_BRIER
};
enum fl_put { FL_AS_IS, FL_PAST_CACHE, FL_AS_FLOAT }; /* the last: rounded to float, whatever the real type */
enum { FL_PARAMETERS = 7 };
enum { FL_MOST_COLUMNS = 64 }; /* the most classes of predictions that lie by columns */

typedef struct fl_job fl_job;
typedef struct fl_check fl_check;
typedef void (*fl_loop)(void); /* cast back by the runner that knows its type */
typedef void (*fl_run)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double sum[2]);

struct fl_job {
    fl_loop loop;            /* the kernel's loop for this operation and real type */
    fl_loop summing;         /* one that sums instead of storing the value, NULL: none, or not wanted */
    fl_run run;              /* its runner: one block of elements or rows */
    fl_check *checks;        /* what the runner looks through on its way */
    int n_checks;
    const void *y, *z, *w;   /* targets, predictions, weights (NULL: all one) */
    const void *u;           /* FL_PRODUCT: the vector */
    void *v, *g, *h;         /* outputs, NULL where not asked for; g or h may be z itself */
    int y_type, w_type;      /* enum fl_type; z, v, g, h have the real type, g and h unless `put` says else */
    ptrdiff_t width;         /* numbers of z for each value: 1, the K classes of a row, or its outputs */
    ptrdiff_t w_repeat;      /* consecutive values that share one weight */
    double scale;            /* factor on gradient and curvature: 1, or 1 / total weight */
    double floor;            /* least curvature; -inf for none */
    int put;                 /* enum fl_put: how outputs are written */
    double p[FL_PARAMETERS]; /* the loss's parameters, in the order of its formula */
    /* Losses over classes: */
    int dense;                /* y holds rows of K targets (of the real type), not labels */
    int logits;               /* z holds raw scores */
    int known;                /* all of z is known to be in its domain, without a NaN */
    int operation;            /* enum fl_operation, where a loop serves several */
    int has_ignore;           /* rows labelled ignore_index count for nothing */
    int64_t ignore_index;
    const void *class_weight; /* K factors of the real type, or NULL */
    ptrdiff_t columns;        /* how far apart the columns of z, g and h are, where they lie by columns; else 0 */
};

/* A scan of one buffer for the first element, label or row outside its domain. */
typedef struct {
    const void *x;
    int type;           /* enum fl_type */
    int domain;         /* enum fl_domain */
    int allow_nan;      /* NaN passes: it will propagate to the result */
    double low, high;   /* of an element, or of the sum of a row */
    ptrdiff_t classes;  /* labels: 0 .. classes - 1; rows: their length */
    int has_ignore;
    int64_t ignore_index;
} fl_domain_scan;

/* Index of the first offender in [begin, end), or -1. */
typedef ptrdiff_t (*fl_scan)(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end);

struct fl_check {
    fl_scan scan;
    fl_domain_scan what;
    int subject;      /* the driver's name for it */
    ptrdiff_t each;   /* entries of `what` for each element or row of the job, or */
    ptrdiff_t repeat; /* elements that share one entry */
    ptrdiff_t found;  /* the first offender; FL_NONE from the start */
};
#define FL_NONE PTRDIFF_MAX

typedef struct {
    const char *name;
    int kind;
    int width; /* numbers of z for each value; 0: as many as there are classes */
    int cost; /* of one element, 1, 2 or 4: decides whether loops sum, and how many threads are worth waking */
    int dense, logits; /* of a loss over classes */
    fl_loop loops[FL_REALS][FL_OPERATIONS], summing[FL_REALS][FL_OPERATIONS];
} fl_kernel;

/* Losses of embeddings: a job with several inputs, each of which has a gradient. w of the job has the real type. */
enum { FL_EMBEDDINGS = 3 };
typedef struct {
    fl_job job; /* first: a runner is given its address */
    int inputs;
    const void *x[FL_EMBEDDINGS]; /* rows of job.width numbers */
    void *g[FL_EMBEDDINGS];       /* NULL where no gradients are asked for */
} fl_pairs_job;

typedef struct {
    const char *name;
    int inputs;
    fl_loop formulas[FL_REALS]; /* of one row; NULL: the runner needs none */
    fl_run run[FL_REALS];
} fl_pairs_kernel;

/* Deviances of Tweedie distributions, in double; p as of the Tweedie loss. */
typedef struct {
    fl_job job;   /* first: a runner is given its address */
    int z_type;   /* enum fl_type: of the means, which are converted as targets are */
    double least; /* of a target */
} fl_deviance;

/* Losses of overlapping masks: arrays of samples, classes and places, cut into units of one class each. A job runs over
 * units. Weights are one per sample, of the real type. */
typedef struct {
    fl_job job;                      /* first: a runner is given its address */
    ptrdiff_t samples, classes, row; /* places of a row: those of one class of one sample */
    ptrdiff_t rows, places;          /* of a unit: whole rows of some samples, or one row's places */
    ptrdiff_t parts;                 /* units of a row */
    ptrdiff_t pieces;                /* units of a class */
    double *sums;                    /* of each class three, of each of its units, with the error */
    const double *slopes;            /* of each class two: the gradient where the target is 1, and where it is 0 */
} fl_overlap_job;

/* Bytes that a tile of a product may read behind its right factor: three vectors, of the widest. */
enum { FL_BEHIND = 192 };

/* A pass over X, (n, p), of a linear model. The job's blocks are shares of the rows; a share goes through X in blocks of
 * its own, and adds what comes out to a gradient of its own. */
enum fl_order { FL_ROWS, FL_COLUMNS, FL_SPARSE };
typedef struct {
    fl_job job;           /* first: a runner is given its address */
    const fl_job *loss;   /* what is run on a block's scores: y, w, and a z and u as run_linear says; NULL: nothing */
    int order;            /* enum fl_order: of the real type, contiguous; or CSR, */
    int wide_index;       /* its indices int64, not int32 */
    const void *x, *columns, *starts;
    ptrdiff_t n, p, k;    /* k: scores of a row */
    const ptrdiff_t *rows; /* which rows of X, by rows with k = 1 or sparse, and in which order; NULL: as they lie; */
    ptrdiff_t n_rows;      /* how many are known, of which the first n are meant */
    int intercept;        /* a last row of theta, as if X had a column of ones */
    ptrdiff_t block, share;
    const void *theta;    /* (p, k), of the real type, with FL_BEHIND bytes behind it; NULL: no scores */
    const double *b;      /* the last row of theta: beside columns far from 0 it has digits that the real type has not */
    void *z;              /* (n, k), where the scores are wanted; NULL: they stay with the share */
    const void *g;        /* (n, k), where slopes are given instead of a loss; of a Gram matrix the (n,) in its middle */
    double *gradients;    /* of each share, of size numbers; NULL: not wanted */
    ptrdiff_t size;
    char *scratch;        /* of each share, of scratch_size bytes, a multiple of 64 */
    ptrdiff_t scratch_size;
} fl_linear;

/* Stochastic descent over the rows of a linear model; the job's blocks are batches, one after the other. */
typedef struct {
    fl_job job;              /* first: a runner is given its address */
    const fl_linear *source; /* X and the loss of all rows; its gradients are room for one */
    const ptrdiff_t *rows;   /* in the order in which they are drawn */
    ptrdiff_t n_rows, batch;
    char *x, *y, *w;     /* room for a batch: its rows, unless they are read where they lie, targets and weights, */
    void *z, *g, *part;  /* its scores, slopes and sums, */
    double *wide;
    void *coefficients;  /* and for theta in the real type; each with FL_BEHIND bytes behind it */
    double *theta, *first, *second, *gradients; /* the last: their sum over the batches */
    const double *rates, *roots;                /* of each batch */
    double scale; /* rows over their total weight: a batch's sum times it, over the batch's rows, is its mean */
    double l1, l2;
    double keep, take, lead, follow, hold, add, floor; /* the rule: see step in stochastic.h */
} fl_descent;

/* Sorts n numbers in place; NaN last. The third argument is not used: the form is that of NumPy's sorts. */
typedef int (*fl_sort)(void *x, ptrdiff_t n, void *unused);
typedef struct {
    fl_sort singles, doubles;
} fl_sorts;

/* Samples of one distribution on a line, and what a call needs of memory for them. */
typedef struct {
    const void *x;   /* n numbers, in any order */
    const double *w; /* their weights, or NULL */
    void *g;         /* of x's type, where gradients go, or NULL; both sides have them, or neither */
    ptrdiff_t n;     /* up to 2^32: a sample's place in its row is 32 bits */
    int single;      /* float, or double */
    /* Memory for n each: values in order, their weights, where they came from, and for the sort. */
    double *sorted, *weight, *spare;
    uint64_t *keys;
    uint32_t *place;
    /* Found by sort_samples: samples with weight, and the sum of weights, NaN where one is bad. */
    ptrdiff_t kept;
    double all;
} fl_samples;

/* All that one instruction set exports. */
typedef struct {
    const char *isa;
    const fl_kernel *kernels;
    ptrdiff_t n_kernels;
    const fl_pairs_kernel *pairs;
    ptrdiff_t n_pairs;
    fl_run run[FL_KINDS][FL_REALS];
    fl_run overlap_sums[FL_REALS], overlap_gradient[FL_REALS];
    fl_run linear[FL_REALS], gram[FL_REALS], times[FL_REALS], descent[FL_REALS];
    fl_run deviance;
    fl_run run_checks; /* looks through the job's checks, computes nothing */
    fl_run total_weight[FL_REALS], total_row_weight[FL_REALS]; /* what a mean divides by */
    fl_scan first_outside[FL_REALS], first_bad_label, first_bad_row_sum[FL_REALS];
    void (*sort_samples)(fl_samples *samples, const fl_sorts *sorts); /* puts them in order */
    /* The p-th root of the mean |u - v|^p over what is moved from u to v, both in order, with gradients. */
    double (*transport)(const fl_samples *u, const fl_samples *v, double p);
    void (*triad)(double *a, const double *b, const double *c, ptrdiff_t begin, ptrdiff_t end, int stream);
} fl_isa;

/* Blocks first to last - 1 of the job's n elements or rows, each leaving a sum and its error, unless sums is NULL. */
void fl_run_blocks(const fl_job *job, ptrdiff_t n, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last, double *sums);
/* Sums of blocks and what is made of them, in the kernels' floating-point environment. */
void fl_add_blocks(double total[2], const double *blocks, ptrdiff_t n);
/* total = the sum of n arrays of `size` numbers, one after the other. */
void fl_add_arrays(double *total, const double *arrays, ptrdiff_t n, ptrdiff_t size);
double fl_quotient(const double total[2], double by);
double fl_inverse(double x);
double fl_product(double x, double y);
int fl_is_positive(double x);

/* Instruction sets built into this binary that this CPU runs, best first; NULL ends the list. */
const fl_isa *const *fl_available(void);
/* Names of all instruction sets in this binary, separated by spaces. */
const char *fl_built(void);
/* Memory for a call, NULL if there is none. What is given back is kept for the next call, unless that is too much: asked of
 * the system anew, page by page, it costs more than a tenth of a sort. */
void *fl_borrow(size_t bytes);
void fl_give_back(void *room);
/* Bytes of the last-level cache, as the system tells, or a cautious guess. */
size_t fl_cache_bytes(void);

#endif

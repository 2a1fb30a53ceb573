#ifndef FL_TRANSPORT_H
#define FL_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts n numbers in place; NaN last. The third argument is not used: the form is that of NumPy's sorts. */
typedef int (*fl_sort)(void *x, ptrdiff_t n, void *unused);
typedef struct {
    fl_sort singles, doubles;
} fl_sorts;

/* Samples of one distribution, and what a call needs of memory for them. */
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
    /* Found by fl_transport_sort: samples with weight, and the sum of weights, NaN where one is bad. */
    ptrdiff_t kept;
    double all;
} fl_samples;

/* Memory for a call, NULL if there is none. What is given back is kept for the next call, unless that is too much: asked of
 * the system anew, page by page, it costs more than a tenth of the sort. */
void *fl_borrow(size_t bytes);
void fl_give_back(void *room);

/* Puts the samples in order. */
void fl_transport_sort(fl_samples *s, const fl_sorts *sorts);
/* The p-th root of the mean |u - v|^p over what is moved from u to v, both in order, with gradients. */
double fl_transport(const fl_samples *u, const fl_samples *v, double p);

#endif

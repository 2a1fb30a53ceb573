#ifndef FL_TRANSPORT_H
#define FL_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts n numbers in place; NaN last. The third argument is not used: the form is that of NumPy's sorts. */
typedef int (*fl_sort)(void *x, ptrdiff_t n, void *unused);
typedef struct {
    fl_sort keys, singles, doubles; /* of uint64_t, float, double */
} fl_sorts;

/* Samples of one distribution, and what a call needs of memory for them. */
typedef struct {
    const void *x;   /* n numbers, in any order */
    const double *w; /* their weights, or NULL */
    void *g;         /* of x's type, where gradients go, or NULL; both sides have them, or neither */
    ptrdiff_t n;     /* up to 2^32: the order of a sample and its place share 64 bits */
    int single;      /* float, or double */
    /* Memory for n each: values in order, their weights, where they came from, and for the sort. */
    double *sorted, *weight;
    uint64_t *place, *keys;
    void *spare;
    /* Found by fl_transport_sort: samples with weight, and the sum of weights, NaN where one is bad. */
    ptrdiff_t kept;
    double all;
} fl_samples;

/* Puts the samples in order. */
void fl_transport_sort(fl_samples *s, const fl_sorts *sorts);
/* The p-th root of the mean |u - v|^p over what is moved from u to v, both in order, with gradients. */
double fl_transport(const fl_samples *u, const fl_samples *v, double p);

#endif

"""Wasserstein distances of samples on a line, rows shared out to threads. Part of _engine.pyx."""

cdef extern from "numpy/arrayobject.h":
    ctypedef struct array_functions "PyArray_ArrFuncs":
        fl_sort *sort
    array_functions *functions_of "PyDataType_GetArrFuncs"(cnp.dtype descr)


# NumPy's own sorts, for what src_c/transport.h does not sort by digits: vector code, callable without the GIL.
cdef fl_sorts sorts
sorts.singles = functions_of(np.dtype(np.float32)).sort[0]
sorts.doubles = functions_of(np.dtype(np.float64)).sort[0]
CAN_SORT = sorts.singles != NULL and sorts.doubles != NULL  # a later NumPy may hide them


def transport(double p, u, v, a, b, bint wants_gradients, out, n_threads, bint converted=False):
    """Wasserstein distances of rows of samples u and v, weighted by a and b, for `fastloss.wasserstein`.

    Returns a float, or an array of a distance per row of 2-D samples, with a pair of gradients or None. Returns None
    where an argument is not ready: u and v, and the arrays of `out`, which share no memory with the others, are
    contiguous and of one real type, weights are float64 or None. And where the weights of a row are bad, 0, or beyond
    what can be added and multiplied.
    """
    cdef fl_samples[2] sides
    cdef array_t[2] x, w, g
    cdef int k, j, t, threads, asked = asked_of(n_threads)
    cdef bint bad = False
    if asked < 0 or not CAN_SORT or (check_finite and not converted):
        return None
    if not is_side(&sides[0], &x[0], &w[0], u, a) or not is_side(&sides[1], &x[1], &w[1], v, b):
        return None
    if x[0].type != x[1].type or x[0].ndim != x[1].ndim or (x[0].ndim == 2 and x[0].shape[0] != x[1].shape[0]):
        return None
    if out is None and wants_gradients:
        out = (empty(u, x[0].ndim, not sides[0].single), empty(v, x[1].ndim, not sides[1].single))
    elif wants_gradients and (type(out) is not tuple or len(out) != 2):
        return None
    for k in range(2 if wants_gradients else 0):
        g[k] = array_of(out[k])
        if g[k].type != x[k].type or not g[k].writeable or not has_shape(&g[k], &x[k], x[k].ndim):
            return None
        for j in range(2):
            if share_memory(&g[k], &x[j]) or share_memory(&g[k], &w[j]):
                return None
        sides[k].g = g[k].data
    if wants_gradients and share_memory(&g[0], &g[1]):
        return None

    cdef ptrdiff_t size = sides[0].n + sides[1].n, first = 0, last
    cdef cnp.npy_intp rows = x[0].size // sides[0].n
    cdef double work = <double> rows * size * SORT_WORK
    threads = threads_for(asked, work)
    cdef int workers = max(1, min(threads, rows))  # rows are shared out; one row is sorted on two threads
    cdef cnp.ndarray values = cnp.PyArray_EMPTY(1, &rows, cnp.NPY_DOUBLE, 0)
    cdef double *value = <double *> cnp.PyArray_DATA(values)
    cdef double *memory = <double *> fl_borrow(workers * size * SAMPLE * sizeof(double))
    if memory == NULL:
        raise MemoryError
    try:
        while first < rows and not bad:
            last = min(rows, first + max(workers, CHUNK // size))
            if work < HOLD_GIL:
                bad = distances(sides, first, last, 1, p, memory, value)
            else:
                with nogil:
                    if workers == 1:
                        bad = distances(sides, first, last, threads, p, memory, value)
                    else:
                        for t in prange(workers, schedule="static", num_threads=workers):
                            bad |= distances(sides, first + (last - first) * t // workers,
                                             first + (last - first) * (t + 1) // workers, 1, p,
                                             memory + t * size * SAMPLE, value)
                PyErr_CheckSignals()
            first = last
    finally:
        fl_give_back(memory)
    if bad:
        return None
    return (values if x[0].ndim == 2 else value[0]), (out if wants_gradients else None)


cdef bint is_side(fl_samples *s, array_t *x, array_t *w, object values, object weights) noexcept:
    """Take samples and their weights; False where they are not ready."""
    x[0] = array_of(values)
    if (x.type != FL_FLOAT32 and x.type != FL_FLOAT64) or not 1 <= x.ndim <= 2 or x.size == 0:
        return False
    s.x = x.data
    s.n = x.shape[x.ndim - 1]
    s.single = x.type == FL_FLOAT32
    s.w = NULL
    s.g = NULL
    w.bytes = 0
    if weights is not None:
        w[0] = array_of(weights)
        if w.type != FL_FLOAT64 or not has_shape(w, x, x.ndim):
            return False
        s.w = <const double *> w.data
    return s.n <= MOST_SAMPLES


cdef bint distances(const fl_samples *sides, ptrdiff_t first, ptrdiff_t last, int threads, double p,
                    double *memory, double *value) noexcept nogil:
    """Of some rows, in turn; True if a row has no sum of weights to divide by, where it stops."""
    cdef fl_samples[2] row
    cdef ptrdiff_t r, n
    cdef int k
    row[0] = sides[0]
    row[1] = sides[1]
    for k in range(2):
        n = row[k].n
        row[k].sorted = memory
        row[k].spare = memory + n
        row[k].keys = <uint64_t *> (memory + 2 * n)
        row[k].place = <uint32_t *> (memory + 3 * n)
        row[k].weight = memory + 4 * n
        memory += n * SAMPLE
    for r in range(first, last):
        for k in range(2):
            n = row[k].n
            row[k].x = <const char *> sides[k].x + r * n * (4 if row[k].single else 8)
            if row[k].w != NULL:
                row[k].w = sides[k].w + r * n
            if row[k].g != NULL:
                row[k].g = <char *> sides[k].g + r * n * (4 if row[k].single else 8)
        if threads > 1:
            for k in prange(2, schedule="static", num_threads=2):
                isa.sort_samples(&row[k], &sorts)
        else:
            isa.sort_samples(&row[0], &sorts)
            isa.sort_samples(&row[1], &sorts)
        if not (1 / MOST_WEIGHT <= row[0].all <= MOST_WEIGHT and 1 / MOST_WEIGHT <= row[1].all <= MOST_WEIGHT):
            return True
        value[r] = isa.transport(&row[0], &row[1], p)
    return False

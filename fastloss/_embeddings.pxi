"""Losses of embeddings: their jobs over arrays that Python has made ready. Part of _engine.pyx."""

cdef extern from "fastloss.h" nogil:
    ctypedef struct fl_pairs_job:
        fl_job job
        int inputs
        const void *x[FL_EMBEDDINGS]
        void *g[FL_EMBEDDINGS]


def call_pairs(str name, tuple parameters, tuple given, str coding, bint width, reduction, out, bint wants_gradients,
               n_threads):
    """A whole call of a loss of embeddings, if its arguments are ready: its value, and its gradients or None.

    Ready are contiguous arrays of one real type and shape, with labels of this type or of integers, and no weights; and
    arrays of `out` that share no memory with them or with each other. Returns None for all else, of which
    `fastloss.embeddings` takes care.
    """
    cdef bint labelled = len(coding) > 0
    cdef Py_ssize_t i, j, inputs = pairs_kernel(name).inputs
    cdef array_t x, y
    cdef array_t[FL_EMBEDDINGS + 1] found
    cdef array_t[FL_EMBEDDINGS] g
    if check_finite or asked_of(n_threads) < 0 or len(given) != inputs + labelled or reduction not in ("mean", "sum"):
        return None
    x = array_of(given[labelled])
    if (x.type != FL_FLOAT32 and x.type != FL_FLOAT64) or x.ndim < 1 + width or x.size == 0:
        return None
    for i in range(inputs):
        found[i] = array_of(given[labelled + i])
        if found[i].type != x.type or not has_shape(&found[i], &x, x.ndim):
            return None
    labels = None
    if labelled:
        labels = given[0]
        y = array_of(labels)
        if y.type < 0 or (y.type >= FL_FLOAT32 and y.type != x.type) or not has_shape(&y, &x, x.ndim - width):
            return None
        if not are_labels(&y, &x, "-1" in coding, n_threads):
            return None
        found[inputs] = y
    if out is None and wants_gradients:
        out = tuple([empty(given[labelled], x.ndim, x.type == FL_FLOAT64) for i in range(inputs)])
    elif wants_gradients:
        if type(out) is not tuple or len(out) != inputs:
            return None
        for i in range(inputs):
            g[i] = array_of(out[i])
            if g[i].type != x.type or not g[i].writeable or not has_shape(&g[i], &x, x.ndim):
                return None
            for j in range(inputs + labelled):
                if share_memory(&g[i], &found[j]):
                    return None
            for j in range(i):
                if share_memory(&g[i], &g[j]):
                    return None
    value = run_pairs(name, parameters, labels, given[labelled:], None, None, out if wants_gradients else None,
                      x.size // (x.shape[x.ndim - 1] if width else 1) if reduction == "mean" else 1, n_threads, width)
    return value, out if wants_gradients else None


cdef bint are_labels(const array_t *y, const array_t *x, bint signs, n_threads) except -1:
    """Whether all are 0 or 1, or, with signs, all are -1 or 1, in the type of x."""
    return (signs and are_either(y, x, -1, n_threads)) or are_either(y, x, 0, n_threads)


cdef bint are_either(const array_t *y, const array_t *x, double low, n_threads) except -1:
    """Whether all are low or 1: a scan in threads, as of the targets of other losses."""
    cdef call_t call
    cdef domain_t domain
    domain.domain = FL_TWO_VALUES
    domain.low = low
    domain.high = 1
    call.real = x.type == FL_FLOAT64
    call.block = BLOCK
    call.asked = asked_of(n_threads)
    call.job.width = 1
    call.job.has_ignore = False
    call.job.checks = call.checks
    call.job.n_checks = 0
    add(&call, LABEL, domain_check(&call, y.data, y.type, 1, domain, False))
    scan(&call, &call.job, y.size)
    return call.checks[0].found == FL_NONE


def run_pairs(str name, tuple parameters, labels, tuple inputs, weight, values, gradients, double by, n_threads,
              bint width=True):
    """One pass of a loss of embeddings over arrays that `fastloss.embeddings` has made ready.

    All have one real type, but for labels, and are contiguous. Rows of the inputs lie along their last axis, or are
    numbers where a row has no axis (`width` is False). Values go to `values`; the gradients of their sum divided by
    `by` go to `gradients`, a tuple like the inputs. Either may be None. Returns the sum divided by `by`.
    """
    cdef const fl_pairs_kernel *kernel = pairs_kernel(name)
    cdef fl_pairs_job pairs
    cdef fl_job *job = &pairs.job
    cdef array_t x = array_of(inputs[0]), y
    cdef ptrdiff_t i, n, block
    cdef double[2] total
    if (x.type != FL_FLOAT32 and x.type != FL_FLOAT64) or x.ndim < width or len(inputs) != kernel.inputs:
        raise AssertionError("fastloss: embeddings are not ready for the kernel; please report this")
    pairs.inputs = kernel.inputs
    for i in range(FL_EMBEDDINGS):
        pairs.x[i] = pairs.g[i] = NULL
    for i in range(kernel.inputs):
        pairs.x[i] = like(inputs[i], &x, x.ndim, False)
        if gradients is not None:
            pairs.g[i] = like(gradients[i], &x, x.ndim, True)
    job.width = max(1, x.shape[x.ndim - 1]) if width else 1
    n = x.size // job.width
    job.y = NULL
    if labels is not None:
        y = array_of(labels)
        if y.type < 0 or not has_shape(&y, &x, x.ndim - width):
            raise AssertionError("fastloss: labels are not ready for the kernel; please report this")
        job.y = y.data
        job.y_type = y.type
    job.w = like(weight, &x, x.ndim - width, False)
    job.v = like(values, &x, x.ndim - width, True)
    job.scale = fl_inverse(by)
    for i in range(FL_PARAMETERS):
        job.p[i] = parameters[i] if i < len(parameters) else 0.0
    job.put = FL_AS_IS
    if x.bytes * (1 + (gradients is not None)) * kernel.inputs > <ptrdiff_t> cache_bytes:
        job.put = FL_PAST_CACHE
    job.loop = kernel.formulas[x.type == FL_FLOAT64]
    job.run = kernel.run[x.type == FL_FLOAT64]
    job.n_checks = 0
    block = BLOCK if job.loop == NULL else min(MAX_ROWS, max(1, 4 * BLOCK // job.width))
    over_blocks(job, n, block, <double> x.size * kernel.inputs, asked_of(n_threads), total)
    return fl_quotient(total, by)


cdef void *like(object array, const array_t *x, int ndim, bint written) except? NULL:
    """The data of an array of x's type and first dimensions, or NULL for None."""
    cdef array_t a
    if array is None:
        return NULL
    a = array_of(array)
    if a.type != x.type or not has_shape(&a, x, ndim) or (written and not a.writeable):
        raise AssertionError("fastloss: an array is not ready for the kernel; please report this")
    return a.data


def run_contrast(groups, positives, weight, similarities, values, ptrdiff_t first, double scale, bint gradient,
                 n_threads):
    """Contrast of some anchors, from `first` on, with all others: the sum of their weighted losses.

    Over their similarities (anchors, all) is written the gradient of that sum times `scale`, if `gradient` asks for it.
    Of all embeddings, `groups` are integers as wide as the real type, `positives`, `weight` and `values` (or None, else
    where their losses go) of the real type.
    """
    cdef fl_pairs_job pairs
    cdef fl_job *job = &pairs.job
    cdef array_t s = array_of(similarities), g = array_of(groups)
    cdef ptrdiff_t i
    cdef int real = s.type == FL_FLOAT64
    cdef ptrdiff_t skipped = first * (8 if real else 4)
    cdef array_t of_all
    cdef double[2] total
    of_all = s
    if s.type >= 0 and s.ndim == 2:
        of_all.shape = s.shape + 1
    if not (
        (s.type == FL_FLOAT32 or real) and s.ndim == 2 and s.writeable and s.size > 0
        and g.type == (FL_INT64 if real else FL_INT32) and has_shape(&g, &of_all, 1)
        and 0 <= first <= g.size - s.shape[0]
    ):
        raise AssertionError("fastloss: similarities are not ready for the kernel; please report this")
    pairs.inputs = 3
    for i in range(FL_EMBEDDINGS):
        pairs.g[i] = NULL
    pairs.x[0] = s.data
    pairs.x[1] = g.data
    pairs.x[2] = <char *> like(positives, &of_all, 1, False) + skipped
    pairs.g[0] = s.data if gradient else NULL
    job.w = <char *> like(weight, &of_all, 1, False) + skipped
    job.v = like(values, &of_all, 1, True)
    if job.v != NULL:
        job.v = <char *> job.v + skipped
    job.width = s.shape[1]
    job.scale = scale
    job.p[0] = first
    job.put = FL_AS_IS
    job.n_checks = 0
    job.run = pairs_kernel("contrast").run[real]
    over_blocks(job, s.shape[0], min(MAX_ROWS, max(1, 4 * BLOCK // job.width)), 4.0 * s.size, asked_of(n_threads),
                total)
    return fl_quotient(total, 1)


cdef const fl_pairs_kernel *pairs_kernel(str name) except NULL:
    cdef ptrdiff_t i
    for i in range(isa.n_pairs):
        if isa.pairs[i].name == name.encode():
            return &isa.pairs[i]
    raise LookupError(f"no kernel {name!r} for embeddings: add it to src_c/pairs.h")

"""Losses of masks: sums over units of one class, then the gradient. Part of _engine.pyx."""

cdef extern from "fastloss.h" nogil:
    ctypedef struct fl_overlap_job:
        fl_job job
        ptrdiff_t samples, classes, row, rows, places, parts, pieces
        double *sums
        const double *slopes


def overlap_sums(loss, y_true, y_pred, weight, tuple shape, n_threads):
    """What masks and predictions have in common and apart, for a loss of `fastloss.losses.overlap`.

    The arrays are contiguous, of a kernel's type, and read in the shape (samples, classes, places); weights are one per
    sample, or None. Returns for each class the sums of t p, (1 - t) p and t (1 - p); and of y_true and y_pred the first
    element outside its domain, or -1.
    """
    cdef fl_overlap_job masks
    cdef call_t call
    cdef array_t y = array_of(y_true), z = array_of(y_pred)
    cdef double[2] total
    cdef ptrdiff_t i
    cut_masks(&masks, &y, &z, weight, shape)
    call.real = z.type == FL_FLOAT64
    call.job = masks.job
    call.job.width = 1
    add(&call, TARGET, domain_check(&call, y.data, y.type, 1, as_domain(loss.target_domain), False))
    add(&call, PREDICTION, domain_check(&call, z.data, z.type, 1, as_domain(loss.prediction_domain), not check_finite))
    masks.job.checks = call.checks
    masks.job.n_checks = call.job.n_checks
    masks.job.run = isa.overlap_sums[call.real]
    cdef cnp.ndarray blocks = np.empty((masks.classes, 3, masks.pieces, 2)), sums = np.empty((masks.classes, 3))
    masks.sums = <double *> cnp.PyArray_DATA(blocks)
    over_units(&masks, z.size, n_threads)
    for i in range(3 * masks.classes):
        total[0] = total[1] = 0
        fl_add_blocks(total, masks.sums + 2 * i * masks.pieces, masks.pieces)
        (<double *> cnp.PyArray_DATA(sums))[i] = fl_quotient(total, 1)
    return sums, *[-1 if call.checks[i].found == FL_NONE else call.checks[i].found for i in range(2)]


def overlap_gradient(y_true, weight, slopes, out, tuple shape, n_threads):
    """Write the gradient: `slopes` has for each class what it is where the target is 1, and where it is 0.

    `out` has the type and size of the predictions; the rest is as in `overlap_sums`.
    """
    cdef fl_overlap_job masks
    cdef array_t y = array_of(y_true), g = array_of(out), s = array_of(slopes)
    cut_masks(&masks, &y, &g, weight, shape)
    if not g.writeable or s.type != FL_FLOAT64 or s.size != 2 * masks.classes:
        raise AssertionError("fastloss: masks are not ready for the kernel; please report this")
    masks.slopes = <const double *> s.data
    masks.job.g = g.data
    if y.bytes + 2 * g.bytes > <ptrdiff_t> cache_bytes:
        masks.job.put = FL_PAST_CACHE
    masks.job.run = isa.overlap_gradient[g.type == FL_FLOAT64]
    over_units(&masks, g.size, n_threads)


cdef int over_units(const fl_overlap_job *masks, ptrdiff_t size, object n_threads) except -1:
    return over_blocks(&masks.job, masks.pieces * masks.classes, 1, <double> size, asked_of(n_threads), NULL)


cdef int cut_masks(fl_overlap_job *masks, const array_t *y, const array_t *z, object weight, tuple shape) except -1:
    """Fill in a job over masks y, with z of the real type, and how it is cut into units."""
    cdef fl_job *job = &masks.job
    cdef ptrdiff_t samples = shape[0], classes = shape[1], row = shape[2]
    cdef array_t w
    if ((z.type != FL_FLOAT32 and z.type != FL_FLOAT64) or y.type < 0 or y.size != z.size
            or samples * classes * row != z.size):
        raise AssertionError("fastloss: masks are not ready for the kernel; please report this")
    job.w = NULL
    if weight is not None:
        w = array_of(weight)
        if w.type != z.type or w.size != samples:
            raise AssertionError("fastloss: weights are not ready for the kernel; please report this")
        job.w = w.data
    masks.samples = samples
    masks.classes = classes
    masks.row = row
    masks.rows = 1
    masks.places = BLOCK
    if row < SHORT_ROW:
        masks.places = max(1, row)
        masks.rows = MAX_ROWS // masks.places
    else:
        while masks.places < MAX_BLOCK and masks.places * ENOUGH_BLOCKS < z.size:
            masks.places *= 2
    masks.parts = (row + masks.places - 1) // masks.places
    masks.pieces = (samples + masks.rows - 1) // masks.rows * masks.parts
    job.width = masks.rows * masks.places
    job.w_type = z.type
    job.w_repeat = max(1, row)
    job.has_ignore = job.ignore_index = 0
    job.y = y.data
    job.y_type = y.type
    job.z = z.data
    job.put = FL_AS_IS
    job.n_checks = 0
    return 0

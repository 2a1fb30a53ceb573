"""Mean deviances, for `fastloss.metrics`. Part of _engine.pyx."""

cdef extern from "fastloss.h" nogil:
    ctypedef struct fl_deviance:
        fl_job job
        int z_type
        double least


def mean_deviance(y_true, y_pred, sample_weight, exponents, double least):
    """The weighted mean deviance of a Tweedie distribution, in float64.

    `exponents` is 1 - power and 2 - power, each as a float32 and the rest. NaN where an argument is not right: arrays
    that are not contiguous, 1-D and of one length, no weight, a target below `least`, a mean of 0 or less, a NaN.
    """
    cdef fl_deviance deviance
    cdef fl_job *job = &deviance.job
    cdef array_t y = array_of(y_true), z = array_of(y_pred), w = array_of(sample_weight)
    cdef double[2] total
    cdef double weight
    cdef int i
    cdef bint weighted = sample_weight is not None
    if y.type < 0 or z.type < 0 or y.ndim != 1 or not has_shape(&z, &y, 1):
        return NAN
    if y.size == 0 or (weighted and (w.type < 0 or not has_shape(&w, &y, 1))):
        return NAN
    job.y = y.data
    job.z = z.data
    job.w = w.data if weighted else NULL
    job.y_type = y.type
    job.w_type = w.type if weighted else FL_FLOAT64
    job.w_repeat = job.width = 1
    job.n_checks = 0
    job.put = FL_AS_IS
    for i in range(4):
        job.p[i] = exponents[i]
    deviance.z_type = z.type
    deviance.least = least
    weight = y.size
    if weighted:
        job.run = isa.total_weight[1]
        over_blocks(job, y.size, BLOCK, y.size, 0, total)
        weight = fl_quotient(total, 1)
    if not fl_is_positive(weight):
        return NAN
    job.run = isa.deviance
    over_blocks(job, y.size, BLOCK, 8.0 * y.size, 0, total)
    return 2 * fl_quotient(total, weight)

"""Gradient and curvature where scores and results lie otherwise than in a call of a loss. Part of _engine.pyx."""


def write_apart(Runner runner, int operation, y_true, y_pred, sample_weight, g, h, n_threads, double floor=-INF,
                double scale=1):
    """Write `scale` times the gradient of each sample to g, and as much of its curvature to h, unless that is None.

    Scores may lie by columns, as g and h then do; and of float64 scores g and h may be float32. What is written are the
    bits of a call of the loss, rounded. Returns False, and nothing is written, where the arguments are something else.
    """
    cdef call_t call
    cdef fl_job *job = &call.job
    cdef array_t y = array_of(y_true), w = array_of(sample_weight), z = array_of(y_pred), out, first
    cdef int i, out_type = -1
    cdef bint by_columns = z.type < 0
    like = y_pred
    if by_columns:
        if type(y_pred) is not np.ndarray or y_pred.ndim != 2:
            return False
        z = array_of(y_pred.T)
        like = np.empty(y_pred.shape, y_pred.dtype)  # for its shape and type: no number of it is looked at
    if z.type < 0 or runner.kernel.dense or not runner.fill(&call, y_true, like, sample_weight, None, None, n_threads):
        return False
    if job.w_repeat != 1 or (call.classes and not by_columns):
        return False
    if by_columns and (not call.classes or job.width > FL_MOST_COLUMNS or runner.prediction.domain >= 0
                       or check_finite):
        return False  # a wrong number's place would be that in the columns
    outs = [g, h]
    for i in range(1 if h is None else 2):
        array = outs[i]
        if type(array) is not np.ndarray or array.shape != y_pred.shape:
            return False
        out = array_of(array.T if by_columns else array)
        if (out.type < 0 or not out.writeable or (out.type != z.type and out.type != FL_FLOAT32)
                or (out_type >= 0 and out.type != out_type)
                or share_memory(&out, &z) or share_memory(&out, &y) or (job.w != NULL and share_memory(&out, &w))
                or (i == 1 and share_memory(&out, &first))):
            return False
        first = out
        out_type = out.type
    if runner.class_weight is not None and len(runner.class_weight[0]) != job.width:
        return False

    job.z = z.data
    runner.list_checks(&call)
    if call.ahead:
        runner.check(&call, y_true, y_pred, sample_weight)
    job.v = NULL
    job.g = cnp.PyArray_DATA(<cnp.ndarray> g)
    job.h = NULL if h is None else cnp.PyArray_DATA(<cnp.ndarray> h)
    job.scale = scale
    job.floor = floor
    job.operation = operation
    job.columns = call.n if by_columns else 0
    job.put = FL_AS_IS if out_type == z.type else FL_AS_FLOAT
    job.loop = runner.kernel.loops[call.real][operation]
    job.summing = NULL
    job.run = isa.run[runner.kernel.kind][call.real]
    over_blocks(job, call.n, call.block, call.work, call.asked, NULL)
    if job.n_checks:
        runner.objections(&call, y_true, y_pred, sample_weight)
    return True

"""Linear models: passes over X with a loss's job on each block of scores. Part of _engine.pyx."""

cdef extern from "fastloss.h" nogil:
    enum:
        FL_BEHIND
    ctypedef struct fl_linear:
        fl_job job
        const fl_job *loss
        int order, wide_index
        const void *x
        const void *columns
        const void *starts
        ptrdiff_t n, p, k
        const ptrdiff_t *rows
        ptrdiff_t n_rows
        int intercept
        ptrdiff_t block, share
        const void *theta
        const double *b
        void *z
        const void *g
        double *gradients
        ptrdiff_t size
        char *scratch
        ptrdiff_t scratch_size
    ctypedef struct fl_descent:
        fl_job job
        const fl_linear *source
        const ptrdiff_t *rows
        ptrdiff_t n_rows, batch
        char *x
        char *y
        char *w
        void *z
        void *g
        void *part
        double *wide
        void *coefficients
        double *theta
        double *first
        double *second
        double *gradients
        const double *rates
        const double *roots
        double scale, l1, l2
        double keep, take, lead, follow, hold, add, floor


cdef enum:
    SHARES = 64            # of the rows, each with a gradient of its own: as many threads have work
    BLOCK_BYTES = 1 << 15  # of the rows of X in a block: L1, and the next one on its way to L2
    LEAST_ROWS = 8         # of a block all the same: as many as are added up together
    TILE_ROWS = 64         # where rows are multiplied with a matrix: worth a tile's way to memory and back
    COLUMN_ROWS = 128      # where X lies by columns, and what is in the cache of them are pieces; eight times as much
    SPARSE_ROWS = 256
    LINE = 64


cdef class LinearPass:
    """Passes over X of a linear model: scores, a loss of them, and X^T times its slopes, block by block.

    Arguments are ready for the kernels: X a contiguous array or CSR, y and weights as the runner's loss takes them.
    They are looked through once, here: none of them may change. Coefficients, with a row for the intercept, and
    gradients, without any penalty, are float64, of shape (rows,) or (rows, outputs).
    """

    cdef Runner runner
    cdef object X, y, weight
    cdef call_t call
    cdef fl_linear of_x
    cdef double stored, total  # entries of X; what the mean divides by
    cdef tuple shape, scores_shape, arrays

    def __init__(self, Runner runner, X, y, weight, tuple scores_shape, bint fit_intercept, n_threads):
        cdef fl_linear *x = &self.of_x
        cdef array_t data, columns, starts
        cdef bint dense = type(X) is np.ndarray
        z = np.empty(scores_shape, X.dtype)  # for its shape and type: no number of it is looked at
        data = array_of(X if dense else X.data)
        x.order = FL_ROWS if dense else FL_SPARSE
        if dense and data.type < 0:
            data = array_of(X.T)
            x.order = FL_COLUMNS
        if data.type < 0 or not runner.fill(&self.call, y, z, weight, None, None, n_threads):
            raise AssertionError("fastloss: a linear model is not ready for the kernel; please report this")
        x.x = data.data
        if not dense:
            self.arrays = X.data, X.indices, X.indptr  # which an attribute of X is free to leave
            columns, starts = array_of(X.indices), array_of(X.indptr)
            if columns.type != starts.type or (columns.type != FL_INT32 and columns.type != FL_INT64):
                raise AssertionError("fastloss: a sparse matrix is not ready for the kernel; please report this")
            x.columns, x.starts, x.wide_index = columns.data, starts.data, columns.type == FL_INT64
        self.runner, self.X, self.y, self.weight = runner, X, y, weight
        self.stored = data.size
        x.n, x.p = X.shape
        x.k = self.call.job.width
        x.intercept = fit_intercept
        self.scores_shape = scores_shape
        self.shape = (x.p + fit_intercept, *scores_shape[1:])
        x.job.width = 1
        x.job.put = FL_AS_IS
        x.job.n_checks = 0

        if runner.class_weight is not None and len(runner.class_weight[0]) != x.k:
            raise ValueError(validation.class_weight_length(runner.loss, x.k))
        runner.list_checks(&self.call)
        runner.check(&self.call, y, z, weight)
        self.total = runner.total_weight(&self.call)
        if not fl_is_positive(self.total):
            raise ValueError(validation.empty_mean(runner.loss, x.n))

    def scores(self, theta):
        """X W + b."""
        z = np.empty(self.scores_shape, self.X.dtype)
        self.over_rows(NULL, theta, z, NULL, None, NULL)
        return z

    def value(self, theta):
        """The weighted mean of the losses."""
        cdef double[2] total
        cdef fl_job loss = self.loss_of(FL_VALUE)
        self.over_rows(&loss, theta, None, NULL, None, total)
        return fl_quotient(total, self.total)

    def value_and_gradient(self, theta):
        """The weighted mean of the losses, and its gradient."""
        cdef double[2] total
        cdef fl_job loss = self.loss_of(FL_VALUE_GRADIENT)
        gradient = np.empty(self.shape)
        self.over_rows(&loss, theta, None, NULL, gradient, total)
        return fl_quotient(total, self.total), gradient

    def pull_back(self, slope):
        """(X, 1)^T slope, of slopes in the scores, in their shape and X's type."""
        gradient = np.empty(self.shape)
        self.over_rows(NULL, None, None, self.scores_like(slope), gradient, NULL)
        return gradient

    def product(self, theta, at, bint diagonal):
        """X^T times the Hessian of the mean times X theta.

        `at`: where it is taken, of the shape of the scores, or the Hessian itself if it is `diagonal`.
        """
        cdef fl_job loss = self.loss_of(FL_PRODUCT)
        loss.z = self.scores_like(at)
        if diagonal:
            loss.run = isa.times[self.call.real]
        gradient = np.empty(self.shape)
        self.over_rows(&loss, theta, None, NULL, gradient, NULL)
        return gradient

    def gram(self, h):
        """(X, 1)^T diag(h) (X, 1): the upper triangle; what stands below it means nothing."""
        cdef fl_linear x = self.of_x
        cdef ptrdiff_t q = x.p + x.intercept
        cdef array_t of_h = array_of(h)
        if of_h.type != (FL_FLOAT64 if self.call.real else FL_FLOAT32) or of_h.ndim != 1 or of_h.size != x.n:
            raise AssertionError("fastloss: an array is not ready for the kernel; please report this")
        x.g = of_h.data
        x.job.run = isa.gram[self.call.real]
        result = np.empty((q, q))
        self.over_shares(&x, q, max(TILE_ROWS, BLOCK_BYTES // (max(1, q) * (4 << self.call.real))), result,
                         NULL)
        return result

    def descend(self, rows, ptrdiff_t size, rates, roots, double scale, tuple strengths, tuple rule, theta, first,
                second, gradients):
        """Steps of stochastic descent, one per batch of `size` of the `rows`, as fastloss.linear.stochastic has them.

        theta and both moments change in place, and the gradients of the batches are added to `gradients`. Returns the
        sum of the weighted losses of all rows, as they were met.
        """
        cdef fl_descent d
        cdef fl_linear x = self.of_x
        cdef fl_job loss = self.loss_of(FL_VALUE_GRADIENT)
        cdef ptrdiff_t real = 4 << self.call.real, steps, chunk, block
        cdef double[2] total, part
        cdef array_t at = array_of(rows)
        if x.order == FL_COLUMNS or at.type != FL_INT64 or at.ndim != 1 or size < 1 or (
                rows.min(initial=0) < 0 or rows.max(initial=0) >= x.n):
            raise AssertionError("fastloss: rows are not ready for the kernel; please report this")
        size = min(size, max(1, at.size))
        steps = (at.size + size - 1) // size
        d.l1, d.l2 = strengths
        d.keep, d.take, d.lead, d.follow, d.hold, d.add, d.floor = rule
        d.rates, d.roots = doubles(rates, steps), doubles(roots, steps)
        x.size = (x.p + x.intercept) * x.k
        x.block = self.call.block
        d.theta, d.first, d.second = doubles(theta, x.size), doubles(first, x.size), doubles(second, x.size)
        d.gradients = doubles(gradients, x.size)
        d.source, d.rows, d.n_rows, d.batch, d.scale = &x, <const ptrdiff_t *> at.data, at.size, size, scale
        x.loss = &loss

        kept = []
        d.x = room(kept, 0 if x.order == FL_SPARSE or x.k == 1 else size * x.p * real)
        d.y, d.w = room(kept, size * x.k * 8), room(kept, size * 8)
        d.z, d.g = room(kept, size * x.k * real), room(kept, size * x.k * real)
        d.coefficients = room(kept, x.size * real)
        d.part, d.wide = room(kept, max(size, x.p) * real), <double *> room(kept, max(size, x.k) * 8)
        x.gradients = <double *> room(kept, x.size * 8)

        d.job.run = isa.descent[self.call.real]
        d.job.put = FL_AS_IS
        d.job.n_checks = 0
        chunk = max(1, <ptrdiff_t> (CHUNK / max(1.0, self.stored / x.n * size * x.k)))
        total[0] = total[1] = 0
        block = 0
        while block * chunk < steps:
            with nogil:
                fl_run_blocks(&d.job, steps, chunk, block, block + 1, part)
            fl_add_blocks(total, part, 1)
            block += 1
            PyErr_CheckSignals()
        return fl_quotient(total, 1)

    cdef fl_job loss_of(self, int operation) noexcept:
        """The loss's own job; which rows, and what scores, is for each block to say."""
        cdef fl_job job = self.call.job
        job.operation = operation
        job.scale = fl_inverse(self.total)
        job.floor = -INF
        job.v = job.g = job.h = NULL
        job.z = job.u = NULL
        job.loop = self.runner.kernel.loops[self.call.real][operation]
        job.summing = NULL if job.w != NULL else self.runner.kernel.summing[self.call.real][operation]
        job.run = isa.run[self.runner.kernel.kind][self.call.real]
        return job

    cdef void *scores_like(self, object array) except? NULL:
        cdef array_t a = array_of(array)
        if a.type != (FL_FLOAT64 if self.call.real else FL_FLOAT32) or array.shape != self.scores_shape:
            raise AssertionError("fastloss: an array is not ready for the kernel; please report this")
        return a.data

    cdef int over_rows(self, const fl_job *loss, object theta, object z, const void *slopes, object gradient,
                       double *total) except -1:
        """Scores, unless theta is None, to z if that is asked for; the gradient, of the loss or of given slopes."""
        cdef fl_linear x = self.of_x
        cdef ptrdiff_t real = 4 << self.call.real, rows
        cdef cnp.ndarray padded, last
        if theta is not None:
            validation.check_coefficients(theta, self.shape)
            padded = np.zeros(x.p * x.k + FL_BEHIND // real, self.X.dtype)
            padded[: x.p * x.k] = theta[: x.p].ravel()
            x.theta = cnp.PyArray_DATA(padded)
            last = np.ascontiguousarray(theta[x.p :], np.float64)
            x.b = <const double *> cnp.PyArray_DATA(last) if x.intercept else NULL
        x.loss = loss
        x.g = slopes
        x.z = NULL if z is None else cnp.PyArray_DATA(<cnp.ndarray> z)
        x.job.run = isa.linear[self.call.real]
        rows = BLOCK_BYTES // (max(1, max(x.p, x.k)) * real)
        if x.order == FL_SPARSE:
            rows = SPARSE_ROWS
        elif x.k > 1:
            rows = max(TILE_ROWS, rows)
        else:
            rows = max(COLUMN_ROWS, 8 * rows) if x.order == FL_COLUMNS else max(LEAST_ROWS, rows)
        return self.over_shares(&x, x.k, rows, gradient, total)

    cdef int over_shares(self, fl_linear *x, ptrdiff_t columns, ptrdiff_t rows, object result,
                         double *total) except -1:
        """Run the job over shares of X, with about so many rows in a block; what they leave is added up.

        All is fixed by the shape of X, and so are the bits. Gradients have a quarter as many numbers as X or scores.
        """
        cdef ptrdiff_t real = 4 << self.call.real, blocks, shares
        cdef cnp.ndarray gradients, scratch
        rows = max(4, min(MAX_ROWS, rows))
        x.block = rows - rows % (64 if rows >= 64 else 16 if rows >= 16 else 4)
        x.size = (x.p + x.intercept) * columns
        blocks = (x.n + x.block - 1) // x.block
        shares = max(1, min(SHARES, min(blocks, <ptrdiff_t> (
            max(self.stored, <double> x.n * columns) / (4 * max(1, x.size))))))
        x.share = (blocks + shares - 1) // shares * x.block
        shares = (x.n + x.share - 1) // x.share
        x.scratch_size = 2 * (x.block * columns * real + FL_BEHIND + LINE) + (real + 8) * (
            max(x.block, max(x.p, x.k)) + LINE)
        x.scratch_size += LINE - x.scratch_size % LINE
        scratch = np.empty(shares * x.scratch_size + LINE, np.uint8)
        x.scratch = cnp.PyArray_BYTES(scratch)
        x.scratch += LINE - <size_t> x.scratch % LINE
        if result is not None:
            gradients = np.empty(shares * x.size)
            x.gradients = <double *> cnp.PyArray_DATA(gradients)
        else:
            x.gradients = NULL
        over_blocks(&x.job, x.n, x.share, self.stored * columns, self.call.asked, total)
        if result is not None:
            fl_add_arrays(<double *> cnp.PyArray_DATA(<cnp.ndarray> result), x.gradients, shares, x.size)
        return 0


cdef char *room(list kept, ptrdiff_t size):
    """Zeros that live as long as the list: on a cache line, with as much behind them as a tile may read."""
    cdef cnp.ndarray memory = np.zeros(size + FL_BEHIND + LINE, np.uint8)
    cdef char *at = cnp.PyArray_BYTES(memory)
    kept.append(memory)
    return at + LINE - <size_t> at % LINE


cdef double *doubles(object array, ptrdiff_t size) except? NULL:
    cdef array_t a = array_of(array)
    if a.type != FL_FLOAT64 or a.size != size or not a.writeable:
        raise AssertionError("fastloss: an array is not ready for the kernel; please report this")
    return <double *> a.data

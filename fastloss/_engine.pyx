# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, binding=False
# cython: freethreading_compatible=True
"""The compiled driver: NumPy buffers in, blocks of work out to the kernels, sums back in block order.

A `Runner` belongs to one loss object. A call whose arguments are ready (contiguous, aligned arrays of a kernel's
type and equal shape) goes straight through; anything else is handed to `fastloss.validation.run_converted`, which
converts it or says what is wrong with it, and comes back.
"""
cimport cython
from cython.parallel cimport prange
from libc.stdint cimport int64_t, uint32_t, uint64_t
cimport numpy as cnp

import os

import numpy as np

from fastloss import validation

cnp.import_array()

cdef extern from "fastloss.h" nogil:
    enum:
        FL_BOOL, FL_INT8, FL_UINT8, FL_INT16, FL_UINT16, FL_INT32, FL_UINT32, FL_INT64, FL_UINT64
        FL_FLOAT32, FL_FLOAT64
        FL_VALUE, FL_GRADIENT, FL_VALUE_GRADIENT, FL_EXACT, FL_MAJORIZE, FL_FISHER, FL_SHARES, FL_PRODUCT
        FL_OPERATIONS, FL_EMBEDDINGS
        FL_CLASSES, FL_CLOSED, FL_TWO_VALUES, FL_PARAMETERS
        FL_ROWS, FL_COLUMNS, FL_SPARSE, FL_MOST_COLUMNS
        FL_AS_IS, FL_PAST_CACHE, FL_AS_FLOAT
    ctypedef struct fl_job
    ctypedef struct fl_check
    ctypedef void (*fl_loop)() noexcept nogil
    ctypedef void (*fl_run)(const fl_job *job, ptrdiff_t begin, ptrdiff_t end, double *sum) noexcept nogil
    ctypedef struct fl_job:
        fl_loop loop, summing
        fl_run run
        fl_check *checks
        int n_checks
        const void *y
        const void *z
        const void *w
        const void *u
        void *v
        void *g
        void *h
        int y_type, w_type
        ptrdiff_t width, w_repeat
        double scale, floor
        double p[FL_PARAMETERS]
        int dense, logits, known, operation, has_ignore
        int64_t ignore_index
        const void *class_weight
        ptrdiff_t columns
        int put
    ctypedef struct fl_domain_scan:
        const void *x
        int type, domain, allow_nan
        double low, high
        ptrdiff_t classes
        int has_ignore
        int64_t ignore_index
    ctypedef ptrdiff_t (*fl_scan)(const fl_domain_scan *scan, ptrdiff_t begin, ptrdiff_t end) noexcept nogil
    ctypedef struct fl_check:
        fl_scan scan
        fl_domain_scan what
        int subject
        ptrdiff_t each, repeat, found
    ctypedef struct fl_kernel:
        const char *name
        int kind, width, cost, dense, logits
        fl_loop loops[2][FL_OPERATIONS]
        fl_loop summing[2][FL_OPERATIONS]
    ctypedef struct fl_pairs_kernel:
        const char *name
        int inputs
        fl_loop formulas[2]
        fl_run run[2]
    ctypedef int (*fl_sort)(void *x, ptrdiff_t n, void *unused) noexcept nogil
    ctypedef struct fl_sorts:
        fl_sort singles, doubles
    ctypedef struct fl_samples:
        const void *x
        const double *w
        void *g
        ptrdiff_t n
        int single
        double *sorted
        double *weight
        double *spare
        uint64_t *keys
        uint32_t *place
        ptrdiff_t kept
        double all
    ctypedef struct fl_isa:
        const char *isa
        const fl_kernel *kernels
        ptrdiff_t n_kernels
        const fl_pairs_kernel *pairs
        ptrdiff_t n_pairs
        fl_run run[3][2]
        fl_run overlap_sums[2]
        fl_run overlap_gradient[2]
        fl_run linear[2]
        fl_run gram[2]
        fl_run descent[2]
        fl_run times[2]
        fl_run deviance
        fl_run run_checks
        fl_run total_weight[2]
        fl_run total_row_weight[2]
        fl_scan first_outside[2]
        fl_scan first_bad_label
        fl_scan first_bad_row_sum[2]
        void (*sort_samples)(fl_samples *samples, const fl_sorts *sorts) noexcept nogil
        double (*transport)(const fl_samples *u, const fl_samples *v, double p) noexcept nogil
        void (*triad)(
            double *a, const double *b, const double *c, ptrdiff_t begin, ptrdiff_t end, int stream
        ) noexcept nogil
    void fl_run_blocks(const fl_job *job, ptrdiff_t n, ptrdiff_t block, ptrdiff_t first, ptrdiff_t last,
                       double *sums) nogil
    void fl_add_blocks(double *total, const double *blocks, ptrdiff_t n)
    void fl_add_arrays(double *total, const double *arrays, ptrdiff_t n, ptrdiff_t size)
    double fl_quotient(const double *total, double by)
    double fl_inverse(double x)
    double fl_product(double x, double y)
    bint fl_is_positive(double x)
    const fl_isa *const *fl_available()
    const char *fl_built()
    size_t fl_cache_bytes()
    void *fl_borrow(size_t bytes) nogil
    void fl_give_back(void *room) nogil
    const ptrdiff_t FL_NONE

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <dlfcn.h>
    #include <pthread.h>
    #ifdef _OPENMP
    #include <omp.h>
    static int fl_omp_version(void) { return _OPENMP; }
    static int fl_omp_max(void) { return omp_in_parallel() ? 1 : omp_get_max_threads(); }
    static const char *fl_omp_library(void) {
        Dl_info info;
        return dladdr((void *)omp_get_max_threads, &info) && info.dli_fname ? info.dli_fname : "";
    }
    #else
    static int fl_omp_version(void) { return 0; }
    static int fl_omp_max(void) { return 1; }
    static const char *fl_omp_library(void) { return ""; }
    #endif
    /* After fork() the OpenMP runtime of the child has lost its threads and would wait for them for ever. */
    static volatile int fl_forked = 0;
    static void fl_after_fork(void) { fl_forked = 1; }
    static void fl_watch_fork(void) { pthread_atfork(0, 0, fl_after_fork); }
    #if defined(__clang__)
    #define FL_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define FL_COMPILER "gcc " __VERSION__
    #else
    #define FL_COMPILER "unknown"
    #endif
    """
    int fl_omp_version() nogil
    int fl_omp_max() nogil
    const char *fl_omp_library() nogil
    int fl_forked
    void fl_watch_fork()
    const char *FL_COMPILER

cdef enum:
    BLOCK = 4096          # elements of a block; part of the bits of a sum
    MAX_BLOCK = 1 << 14   # of a long array, which has blocks enough for many threads all the same
    ENOUGH_BLOCKS = 32
    MAX_ROWS = 512        # rows of a block over classes: the kernels' tile
    CHUNK = 1 << 22       # elements between two looks for Ctrl-C: a few milliseconds of work
    CHUNK_BLOCKS = 1024   # and blocks, where they are short
    THREAD_WORK = 1 << 15  # work units worth a thread: a few microseconds, several times what its start takes
    HOLD_GIL = 1 << 14    # work units below which giving the GIL back costs more than it frees
    SHORT_ROW = 64        # places of a mask's row below which rows of several samples make a unit
    SORT_WORK = 16        # work units of a sample that is sorted
    SAMPLE = 5            # numbers of memory that it needs

cdef double INF = float("inf"), NAN = float("nan")
cdef ptrdiff_t MOST_SAMPLES = <ptrdiff_t> 1 << 32  # of a row: its order has 32 bits for a place
cdef double MOST_WEIGHT = 1e270  # sums of weights beyond it, or below its inverse, are not computed with
cdef double MAX_REAL[2]
MAX_REAL[0] = np.finfo(np.float32).max
MAX_REAL[1] = np.finfo(np.float64).max

cdef int TYPE_OF[32]
for _i in range(32):
    TYPE_OF[_i] = -1
for _name, _type in (
    ("bool", FL_BOOL), ("int8", FL_INT8), ("uint8", FL_UINT8), ("int16", FL_INT16), ("uint16", FL_UINT16),
    ("int32", FL_INT32), ("uint32", FL_UINT32), ("int64", FL_INT64), ("uint64", FL_UINT64),
    ("float32", FL_FLOAT32), ("float64", FL_FLOAT64),
):
    TYPE_OF[np.dtype(_name).num] = _type
for _alias in ("long", "ulong", "longlong", "ulonglong", "intc", "uintc"):  # same width, other type number
    TYPE_OF[np.dtype(_alias).num] = TYPE_OF[np.dtype(np.dtype(_alias).str).num]

cdef const fl_isa *isa = NULL


def _choose_isa():
    """Take the best instruction set this CPU runs, or the one that FASTLOSS_ISA names."""
    global isa
    cdef const fl_isa *const *found = fl_available()
    cdef int i = 0
    names = []
    while found[i] != NULL:
        names.append(found[i].isa.decode())
        i += 1
    if not names:
        raise ImportError("no kernels for this CPU (x86-64-v2 or better is needed)")
    wanted = os.environ.get("FASTLOSS_ISA") or names[0]
    if wanted not in names:
        raise ValueError(f"FASTLOSS_ISA={wanted!r} is not available here; choose one of {', '.join(names)}")
    isa = found[names.index(wanted)]
    return tuple(names)


isa_available = _choose_isa()
fl_watch_fork()
cdef int omp_at_import = fl_omp_max()
cdef int preferred_threads = 0  # set_num_threads, or FASTLOSS_NUM_THREADS; 0: what OpenMP says
cdef size_t cache_bytes = fl_cache_bytes()
cdef bint check_finite = False
cdef str PARTS = validation.PARTS
cdef double ROW_SUM_TOLERANCE = validation.ROW_SUM_TOLERANCE
cdef int MOST_THREADS = validation.MOST_THREADS


def set_num_threads(int n):
    global preferred_threads
    preferred_threads = n


def set_check_finite(bint enabled):
    global check_finite
    check_finite = enabled


def get_num_threads():
    return default_threads()


def isa_built():
    """Instruction sets in this binary, whether or not this CPU runs them."""
    return tuple(fl_built().decode().split())


def kernel_names():
    """Names of the compiled kernels, for the test that holds them against the registry."""
    return [isa.kernels[i].name.decode() for i in range(isa.n_kernels)]


def build_info():
    """What was built and what runs here."""
    return {
        "compiler": FL_COMPILER.decode(),
        "isa_built": isa_built(),
        "isa_available": isa_available,
        "isa_in_use": isa.isa.decode(),
        "openmp": fl_omp_version(),
        "openmp_library": fl_omp_library().decode(),
        "cache_bytes": cache_bytes,
    }


cdef int default_threads() noexcept nogil:
    """The preference, under a limit that someone (threadpoolctl, omp_set_num_threads) has set since import."""
    cdef int now = fl_omp_max()
    if preferred_threads == 0:
        return now
    if now != omp_at_import and now < preferred_threads:
        return now
    return preferred_threads


cdef inline int threads_for(int asked, double work) noexcept nogil:
    """Threads worth waking for so much work. After a fork: one."""
    cdef int n = asked if asked > 0 else default_threads()
    cdef double worth = work / THREAD_WORK
    if n <= 1 or fl_forked or worth < 2:
        return 1
    return n if worth >= n else <int>worth


cdef inline int asked_of(object n_threads) noexcept:
    """The threads that a caller asks for, 0 for None; -1: it is no such number."""
    if n_threads is None:
        return 0
    return n_threads if type(n_threads) is int and 1 <= n_threads <= MOST_THREADS else -1


cdef void parallel(const fl_job *job, ptrdiff_t n, ptrdiff_t block, ptrdiff_t first, ptrdiff_t count, int threads,
                   double *sums) noexcept nogil:
    """Run some blocks, a share on each thread."""
    cdef ptrdiff_t a, b
    cdef int t
    for t in prange(threads, schedule="static", num_threads=threads):
        a = count * t // threads
        b = count * (t + 1) // threads
        fl_run_blocks(job, n, block, first + a, first + b, sums + 2 * a if sums != NULL else NULL)


cdef int over_blocks(const fl_job *job, ptrdiff_t n, ptrdiff_t block, double work, int asked,
                     double *total) except -1:
    """Run the job over [0, n) in blocks; total gets the sum and its error, in block order, unless it is NULL."""
    cdef double[2 * CHUNK_BLOCKS] sums
    cdef double *into = sums if total != NULL else NULL
    cdef ptrdiff_t blocks = (n + block - 1) // block
    cdef ptrdiff_t chunk = CHUNK // (block * job.width)
    cdef ptrdiff_t first, count
    cdef int threads
    if blocks == 1 and work < HOLD_GIL:  # the smallest calls
        fl_run_blocks(job, n, block, 0, 1, total)
        return 0
    if total != NULL:
        total[0] = total[1] = 0
    threads = threads_for(asked, work)
    chunk = min(CHUNK_BLOCKS, max(threads, chunk))
    first = 0
    while first < blocks:  # not range: with a step that is no literal, that makes Python objects
        count = min(chunk, blocks - first)
        if work < HOLD_GIL:
            fl_run_blocks(job, n, block, first, first + count, into)
        else:
            with nogil:
                if threads == 1:
                    fl_run_blocks(job, n, block, first, first + count, into)
                else:
                    parallel(job, n, block, first, count, threads, into)
        if total != NULL:
            fl_add_blocks(total, sums, count)
        first += count
        if first < blocks:
            PyErr_CheckSignals()
    return 0


cdef struct array_t:  # what an array is, read once
    int type          # of its elements (enum fl_type), or -1: a kernel cannot read it as it stands
    int ndim
    const cnp.npy_intp *shape
    char *data
    ptrdiff_t size    # elements
    ptrdiff_t bytes
    bint writeable


cdef inline array_t array_of(object x) noexcept:
    cdef array_t a
    cdef int i, num
    a.type = -1
    if type(x) is not cnp.ndarray or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> x):
        return a
    num = cnp.PyArray_TYPE(<cnp.ndarray> x)
    a.type = TYPE_OF[num] if 0 <= num < 32 else -1
    a.ndim = cnp.PyArray_NDIM(<cnp.ndarray> x)
    a.shape = cnp.PyArray_DIMS(<cnp.ndarray> x)
    a.data = cnp.PyArray_BYTES(<cnp.ndarray> x)
    a.size = 1
    for i in range(a.ndim):
        a.size *= a.shape[i]
    a.bytes = a.size * cnp.PyArray_ITEMSIZE(<cnp.ndarray> x)
    a.writeable = cnp.PyArray_ISWRITEABLE(<cnp.ndarray> x)
    return a


cdef inline bint has_shape(const array_t *a, const array_t *like, int ndim) noexcept:
    """Whether a has the first ndim dimensions of `like`, and no others."""
    cdef int i
    if a.ndim != ndim:
        return False
    for i in range(ndim):
        if a.shape[i] != like.shape[i]:
            return False
    return True


cdef inline bint share_memory(const array_t *a, const array_t *b) noexcept:
    return a.bytes > 0 and b.bytes > 0 and a.data < b.data + b.bytes and b.data < a.data + a.bytes


cdef inline bint writable(const array_t *out, const array_t *y, const array_t *z, const array_t *w) noexcept:
    """Type and shape of y_pred, and no memory shared with an input but all of y_pred's."""
    return (out.type == z.type and out.writeable and has_shape(out, z, z.ndim)
            and (out.data == z.data or not share_memory(out, z))
            and not share_memory(out, y)
            and (w == NULL or not share_memory(out, w)))


cdef struct domain_t:
    int domain      # FL_CLOSED, FL_OPEN_LOW, FL_TWO_VALUES, or -1: anything goes
    double low, high


cdef enum:  # what a check is of, in the order in which it is objected to
    WEIGHT, LABEL, TARGET, TARGET_ROWS, PREDICTION, PREDICTION_ROWS, FINITE_PREDICTION, FINITE_TARGET, MOST_CHECKS


cdef struct call_t:   # what one call comes to
    fl_job job
    fl_check checks[MOST_CHECKS]
    bint ahead        # whether checks must come before the pass, or ride along
    bint in_place     # whether an output is y_pred
    bint classes      # a loss over classes
    bint rows         # whether y_pred has a row of numbers for each value: over classes, or of outputs
    int real          # 0: float32, 1: float64
    int ndim          # of y_pred
    int asked         # threads the caller asked for, or 0
    ptrdiff_t n       # values: elements or rows
    ptrdiff_t size    # elements of y_pred
    ptrdiff_t block   # elements or rows of a block
    double work       # in elements of squared error


cdef class Runner:
    """Runs one loss on the compiled kernels."""

    cdef readonly object loss, rows         # rows: None, or the runner of the same loss where targets are rows
    cdef const fl_kernel *kernel
    cdef double parameters[FL_PARAMETERS]
    cdef domain_t target, alternative, prediction
    cdef bint target_rows, prediction_rows  # whose sum must be 1
    cdef bint in_place                      # whether an output may be y_pred
    cdef bint weighs_rows                   # whether class weights count in what a mean divides by
    cdef object class_weight                # None, or one array per real type
    cdef int has_ignore
    cdef int64_t ignore_index

    def __init__(self, loss):
        cdef ptrdiff_t i
        spec = loss._kernel()
        self.loss = loss
        self.rows = loss._of_rows()._runner if loss.takes_labels and loss.takes_rows else None
        self.kernel = NULL
        for i in range(isa.n_kernels):
            if isa.kernels[i].name == spec.name.encode():
                self.kernel = &isa.kernels[i]
        if self.kernel == NULL:
            raise LookupError(f"no kernel {spec.name!r} for {loss.name!r}: add it to its family's list in src_c/losses")
        for i in range(FL_PARAMETERS):
            self.parameters[i] = spec.parameters[i] if i < len(spec.parameters) else 0.0
        self.target = as_domain(loss.target_domain)
        self.alternative = as_domain(loss.target_domain.alternative)
        self.prediction = as_domain(loss.prediction_domain)
        self.target_rows = loss.target_domain.rows_sum_to_one
        self.prediction_rows = loss.prediction_domain.rows_sum_to_one
        self.in_place = loss.in_place
        self.weighs_rows = loss.per_class == "class_weight"
        self.class_weight = spec.class_weight
        self.has_ignore = spec.ignore_index is not None
        self.ignore_index = spec.ignore_index if self.has_ignore else 0

    cpdef run(self, int operation, y_true, y_pred, sample_weight, reduction, out, n_threads, double floor=-INF,
              bint converted=False, vector=None):
        """One pass. Returns the value, the gradient, both, or gradient and curvature, as `operation` says."""
        cdef call_t call
        cdef fl_job *job = &call.job
        cdef bint mean = reduction == "mean", none = not mean and reduction == "none"
        cdef bint parts = not mean and not none and reduction == PARTS
        cdef bint wants_value = operation == FL_VALUE or operation == FL_VALUE_GRADIENT
        cdef bint wants_gradient = operation != FL_VALUE
        cdef bint wants_hessian = FL_EXACT <= operation < FL_PRODUCT
        cdef double[2] total
        cdef double weight = 0
        cdef object g = out, h = None, v = None

        # Is everything ready? The converter takes what is not, and also writes the error messages.
        if wants_hessian and type(out) is tuple and len(out) == 2:
            g, h = out
        if not (
            (mean or none or parts or reduction == "sum")
            and (not wants_hessian or out is None or (g is not None and h is not None))
            and self.fill(&call, y_true, y_pred, sample_weight, g, h, n_threads)
            and (operation != FL_PRODUCT or multiplied(&call, y_pred, vector, g))
        ):
            if converted:
                raise AssertionError("fastloss: converted arguments are not ready for the kernel; please report this")
            return validation.run_converted(self, operation, y_true, y_pred, sample_weight, reduction, out, n_threads,
                                            floor, vector)

        if self.class_weight is not None and len(self.class_weight[0]) != job.width:
            raise ValueError(validation.class_weight_length(self.loss, job.width))
        self.list_checks(&call)
        if call.ahead:
            self.check(&call, y_true, y_pred, sample_weight)
        if mean or parts:
            weight = self.total_weight(&call)
            if mean and not fl_is_positive(weight):
                self.check(&call, y_true, y_pred, sample_weight)
                raise ValueError(validation.empty_mean(self.loss, call.n))

        # Outputs, and the pass itself.
        if wants_gradient and g is None:
            g = empty(y_pred, call.ndim, call.real)
        if wants_hessian and h is None:
            h = empty(y_pred, call.ndim, call.real)
        if wants_value and none:
            v = empty(y_pred, call.ndim - call.rows, call.real)
        job.v = NULL if v is None else cnp.PyArray_DATA(<cnp.ndarray> v)
        job.g = NULL if g is None else cnp.PyArray_DATA(<cnp.ndarray> g)
        job.h = NULL if h is None else cnp.PyArray_DATA(<cnp.ndarray> h)
        job.scale = fl_inverse(weight) if mean else 1
        job.floor = floor
        job.operation = operation
        if (not call.in_place
                and ((call.size if job.dense else call.n) + call.size * (1 + wants_gradient + wants_hessian))
                * (4 << call.real) > <ptrdiff_t> cache_bytes):
            job.put = FL_PAST_CACHE
        job.loop = self.kernel.loops[call.real][operation]
        job.summing = NULL if none or job.w != NULL else self.kernel.summing[call.real][operation]
        job.run = isa.run[self.kernel.kind][call.real]
        over_blocks(job, call.n, call.block, call.work, call.asked, total if wants_value and not none else NULL)
        if job.n_checks:
            self.objections(&call, y_true, y_pred, sample_weight)
        if wants_value and not none:
            v = fl_quotient(total, weight if mean else 1)
            if parts:
                v = (v, weight)
        if operation == FL_VALUE:
            return v
        if operation == FL_GRADIENT or operation == FL_PRODUCT:
            return g
        return (v, g) if operation == FL_VALUE_GRADIENT else (g, h)

    cdef bint fill(self, call_t *call, object y_true, object y_pred, object weight, object g, object h,
                   object n_threads) noexcept:
        """Fill in the call from its arguments; False where one of them is not ready."""
        cdef fl_job *job = &call.job
        cdef array_t y = array_of(y_true), z = array_of(y_pred), w, g_out, h_out
        cdef array_t *weights = NULL
        cdef int v_ndim
        call.classes = self.kernel.kind == FL_CLASSES
        call.rows = self.kernel.width != 1
        if (z.type != FL_FLOAT32 and z.type != FL_FLOAT64) or y.type < 0:
            return False
        call.real = z.type == FL_FLOAT64
        call.ndim = z.ndim
        if call.rows and (z.ndim < 1 or z.shape[z.ndim - 1] < 1):
            return False
        job.width = z.shape[z.ndim - 1] if call.rows else 1
        if self.kernel.width > 0 and self.kernel.width != job.width:
            return False
        v_ndim = z.ndim - call.rows
        if not has_shape(&y, &z, z.ndim if self.kernel.dense else v_ndim):
            return False
        if self.kernel.dense and y.type != z.type:
            return False
        call.size = z.size
        call.n = call.size // job.width

        job.w = NULL
        job.w_type = FL_FLOAT64
        job.w_repeat = 1
        if weight is not None:
            w = array_of(weight)
            weights = &w
            if w.type < 0:
                return False
            if not has_shape(&w, &z, v_ndim):
                if call.classes or v_ndim < 2 or not has_shape(&w, &z, 1):
                    return False
                job.w_repeat = max(1, call.n // max(1, w.size))
            job.w = w.data
            job.w_type = w.type
        # A pass in place writes over what the checks read; and a wrong label would be a place outside its row.
        call.in_place = False
        if g is not None:
            g_out = array_of(g)
            if not writable(&g_out, &y, &z, weights):
                return False
            call.in_place |= g_out.data == z.data
        if h is not None:
            h_out = array_of(h)
            if not writable(&h_out, &y, &z, weights) or share_memory(&g_out, &h_out):
                return False
            call.in_place |= h_out.data == z.data
        if call.in_place and not self.in_place:
            return False
        call.ahead = call.in_place or (call.classes and not self.kernel.dense)
        call.asked = asked_of(n_threads)
        if call.asked < 0:
            return False

        job.checks = call.checks
        job.n_checks = 0
        job.known = False
        job.put = FL_AS_IS
        job.columns = 0
        job.y = y.data
        job.y_type = y.type
        job.z = z.data
        job.u = NULL
        job.p = self.parameters
        job.dense = self.kernel.dense
        job.logits = self.kernel.logits
        job.has_ignore = self.has_ignore
        job.ignore_index = self.ignore_index
        job.class_weight = NULL
        if self.class_weight is not None:
            job.class_weight = cnp.PyArray_DATA(self.class_weight[call.real])
        call.work = <double> call.size * self.kernel.cost
        if call.classes:
            call.block = min(MAX_ROWS, max(1, 2 * BLOCK // job.width))
            if call.block > 16:
                call.block -= call.block % 16
        else:
            call.block = BLOCK
            while call.block < MAX_BLOCK and call.block * ENOUGH_BLOCKS < call.n:
                call.block *= 2
        return True

    cdef double total_weight(self, call_t *call) except? -1:
        """What a mean divides by."""
        cdef fl_job *job = &call.job
        cdef const void *class_weight = job.class_weight
        cdef double[2] total
        if class_weight != NULL and not self.weighs_rows:
            job.class_weight = NULL
            total[0] = self.total_weight(call)
            job.class_weight = class_weight
            return total[0]
        if call.classes and (job.class_weight != NULL or job.has_ignore or job.w != NULL):
            job.run = isa.total_row_weight[call.real]
            over_blocks(job, call.n, call.block, <double> call.n, call.asked, total)
            return fl_quotient(total, 1)
        if job.w != NULL:
            job.run = isa.total_weight[call.real]
            over_blocks(job, call.n // job.w_repeat, call.block, <double> call.n, call.asked, total)
            return fl_product(fl_quotient(total, 1), <double> job.w_repeat)
        return call.n

    cdef int list_checks(self, call_t *call) except -1:
        """List what is to be looked through."""
        cdef const fl_job *job = &call.job
        cdef int z_type = FL_FLOAT64 if call.real else FL_FLOAT32
        cdef double most = MAX_REAL[call.real]
        cdef domain_t finite
        cdef bint index = call.classes and not job.dense
        finite.domain = FL_CLOSED
        finite.high = most
        if job.w != NULL:
            finite.low = 0
            add(call, WEIGHT, domain_check(call, job.w, job.w_type, 1, finite, False))
            call.checks[0].repeat = job.w_repeat
        if index:
            add(call, LABEL, check_of(call, isa.first_bad_label, job.y, job.y_type))
        elif self.target.domain >= 0:
            add(call, TARGET, self.target_check(call, self.alternative if self.starts_otherwise(call) else self.target))
            if self.target_rows:
                add(call, TARGET_ROWS, rows_check(call, job.y, z_type))
        if self.prediction.domain >= 0:
            # of labels: where all are inside and none is NaN, which passes, the kernel reads but those at the labels
            add(call, PREDICTION, prediction_check(call, self.prediction, not index))
            if self.prediction_rows:
                add(call, PREDICTION_ROWS, rows_check(call, job.z, z_type))
        if check_finite:
            finite.low = -most
            add(call, FINITE_PREDICTION, domain_check(call, job.z, z_type, job.width, finite, False))
            if not index:
                add(call, FINITE_TARGET, self.target_check(call, finite))
        return 0

    cdef fl_check target_check(self, const call_t *call, domain_t domain) noexcept:
        cdef const fl_job *job = &call.job
        return domain_check(call, job.y, job.y_type, job.width if job.dense else 1, domain, False)

    cdef bint starts_otherwise(self, const call_t *call) except -1:
        """Whether the first block of targets says that they are of the other of two kinds."""
        return self.alternative.domain >= 0 and self.outside(call, self.target, min(call.n, BLOCK)) != FL_NONE

    cdef ptrdiff_t outside(self, const call_t *call, domain_t domain, ptrdiff_t n) except -1:
        """The first of n targets outside a domain, or FL_NONE."""
        return first_found(call, self.target_check(call, domain), n)

    cdef int check(self, call_t *call, object y_true, object y_pred, object sample_weight) except -1:
        """All checks, ahead of anything else."""
        cdef int i
        scan(call, &call.job, call.n)
        self.objections(call, y_true, y_pred, sample_weight)
        for i in range(call.job.n_checks):
            if call.checks[i].subject == PREDICTION:
                call.job.known = not call.checks[i].what.allow_nan and call.checks[i].found == FL_NONE
        call.job.n_checks = 0
        return 0

    cdef int objections(self, call_t *call, object y_true, object y_pred, object sample_weight) except -1:
        """Raise for the first offender that the checks have found."""
        cdef ptrdiff_t at
        cdef int i, subject
        for i in range(call.job.n_checks):
            at = call.checks[i].found
            if at == FL_NONE:
                continue
            subject = call.checks[i].subject
            if subject == WEIGHT:
                validation.bad_weight(sample_weight, at)
            elif subject == LABEL:
                validation.bad_label(self.loss, y_true, at, call.job.width)
            elif subject == TARGET:
                if self.alternative.domain >= 0:  # one array may begin like the other kind
                    at = max(self.outside(call, self.target, call.n), self.outside(call, self.alternative, call.n))
                    if at == FL_NONE:
                        continue
                validation.bad_target(self.loss, y_true, at)
            elif subject == TARGET_ROWS:
                validation.bad_row(self.loss, "y_true", y_true, at)
            elif subject == PREDICTION:
                if not call.checks[i].what.allow_nan:  # a NaN is no offender
                    at = first_found(call, prediction_check(call, self.prediction, True), call.n)
                    if at == FL_NONE:
                        continue
                validation.bad_prediction(self.loss, y_pred, at)
            elif subject == PREDICTION_ROWS:
                validation.bad_row(self.loss, "y_pred", y_pred, at)
            elif subject == FINITE_PREDICTION:
                validation.not_finite("y_pred", y_pred, at)
            else:
                validation.not_finite("y_true", y_true, at)
        return 0


cdef bint multiplied(call_t *call, object y_pred, object vector, object out) noexcept:
    """Take what the Hessian is to be multiplied by; False where that is not ready, or would be written over."""
    cdef array_t z = array_of(y_pred), u = array_of(vector), g
    if u.type != z.type or not has_shape(&u, &z, z.ndim) or call.in_place:
        return False
    call.job.u = u.data
    g = array_of(out)
    return out is None or not share_memory(&g, &u)


cdef int scan(const call_t *call, fl_job *job, ptrdiff_t n) except -1:
    """Look through the job's checks for n elements or rows without computing anything."""
    cdef double work = 0
    cdef int i
    job.run = isa.run_checks
    for i in range(job.n_checks):
        work += job.checks[i].each * <double> n / job.checks[i].repeat
    return over_blocks(job, n, call.block, work, call.asked, NULL)


cdef ptrdiff_t first_found(const call_t *call, fl_check check, ptrdiff_t n) except -1:
    """What one check finds among n elements or rows."""
    cdef fl_job alone = call.job
    alone.checks = &check
    alone.n_checks = 1
    scan(call, &alone, n)
    return check.found


cdef void add(call_t *call, int subject, fl_check check) noexcept:
    check.subject = subject
    call.checks[call.job.n_checks] = check
    call.job.n_checks += 1


cdef fl_check check_of(const call_t *call, fl_scan scan, const void *x, int type) noexcept:
    """Of one entry per value."""
    cdef fl_check check
    check.scan = scan
    check.each = check.repeat = 1
    check.found = FL_NONE
    check.what.x = x
    check.what.type = type
    check.what.classes = call.job.width
    check.what.has_ignore = call.job.has_ignore
    check.what.ignore_index = call.job.ignore_index
    return check


cdef fl_check domain_check(const call_t *call, const void *x, int type, ptrdiff_t each, domain_t domain,
                           bint allow_nan) noexcept:
    """Each number, `each` per value, must be in a domain. An infinite end of a target's domain is not in it."""
    cdef fl_check check = check_of(call, isa.first_outside[call.real], x, type)
    check.each = each
    check.what.domain = domain.domain
    check.what.allow_nan = allow_nan
    check.what.low = domain.low
    check.what.high = domain.high if allow_nan else min(domain.high, MAX_REAL[call.real])
    return check


cdef fl_check prediction_check(const call_t *call, domain_t domain, bint allow_nan) noexcept:
    return domain_check(call, call.job.z, FL_FLOAT64 if call.real else FL_FLOAT32, call.job.width, domain, allow_nan)


cdef fl_check rows_check(const call_t *call, const void *x, int type) noexcept:
    """Each row must be probabilities that sum to 1."""
    cdef fl_check check = check_of(call, isa.first_bad_row_sum[call.real], x, type)
    check.what.low = 1 - ROW_SUM_TOLERANCE
    check.what.high = 1 + ROW_SUM_TOLERANCE
    return check


cdef inline object empty(object like, int ndim, int real):
    """A new array of the first ndim dimensions of `like`."""
    return cnp.PyArray_EMPTY(ndim, cnp.PyArray_DIMS(<cnp.ndarray> like), cnp.NPY_DOUBLE if real else cnp.NPY_FLOAT, 0)


cdef domain_t as_domain(object domain):
    cdef domain_t d
    d.domain = -1
    d.low = d.high = 0
    if domain is not None and domain.code is not None:
        d.domain = domain.code
        d.low = domain.low
        d.high = domain.high
    return d


# One module, for all of it shares the driver above; one file per subject.
include "_methods.pxi"
include "_apart.pxi"
include "_deviance.pxi"
include "_embeddings.pxi"
include "_overlap.pxi"
include "_linear.pxi"
include "_transport.pxi"


def triad_bandwidth(Py_ssize_t nbytes, int n_threads=0, int repeats=5, bint stream=True):
    """GB/s of a triad a = b + 3c over arrays of nbytes in all, with streaming or plain stores: the memory's limit."""
    import time

    cdef ptrdiff_t n = nbytes // 24
    cdef double[::1] a = np.zeros(n), x = np.ones(n), y = np.ones(n)
    cdef int threads = n_threads if n_threads > 0 else default_threads(), t
    if fl_forked:
        threads = 1
    best = INF
    for _ in range(repeats):
        start = time.perf_counter()
        with nogil:
            for t in prange(threads, schedule="static", num_threads=threads):
                isa.triad(&a[0], &x[0], &y[0], n * t // threads, n * (t + 1) // threads, stream)
        best = min(best, time.perf_counter() - start)
    return 24e-9 * n / best

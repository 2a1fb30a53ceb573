# The methods of a loss that small calls are made of, without the frame of Python that would be a quarter of their time. What they
# take and what they mean stands in fastloss/loss.py, whose own they replace.


cdef inline object passed(object loss, int operation, y_true, y_pred, sample_weight, str reduction, out, n_threads):
    runner = loss._runner
    if type(runner) is Runner:
        return (<Runner> runner).run(operation, y_true, y_pred, sample_weight, reduction, out, n_threads)
    return runner.run(operation, y_true, y_pred, sample_weight, reduction, out, n_threads)


@cython.binding(True)
def __call__(self, y_true, y_pred, sample_weight=None, *, str reduction="mean", n_threads=None):
    return passed(self, FL_VALUE, y_true, y_pred, sample_weight, reduction, None, n_threads)


@cython.binding(True)
def gradient(self, y_true, y_pred, sample_weight=None, *, str reduction="mean", out=None, n_threads=None):
    return passed(self, FL_GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)


@cython.binding(True)
def value_and_gradient(self, y_true, y_pred, sample_weight=None, *, str reduction="mean", out=None, n_threads=None):
    return passed(self, FL_VALUE_GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)


methods = {method.__name__: method for method in (__call__, gradient, value_and_gradient)}

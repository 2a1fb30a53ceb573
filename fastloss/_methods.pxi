# The methods of a loss that small calls are made of, without the frame of Python that would be a quarter of their time.
# What they take and what they mean stands in fastloss/loss.py, whose own they replace.


from inspect import Parameter

# What has no default, to `inspect` as well: Cython itself would only say how many arguments it takes.
cdef object MISSING = Parameter.empty


cdef inline object passed(object loss, int operation, y_true, y_pred, sample_weight, reduction, out, n_threads):
    if y_true is MISSING or y_pred is MISSING:
        refuse(loss, operation, y_true, y_pred)
    runner = loss._runner
    if type(runner) is Runner:
        return (<Runner> runner).run(operation, y_true, y_pred, sample_weight, reduction, out, n_threads)
    return runner.run(operation, y_true, y_pred, sample_weight, reduction, out, n_threads)


cdef int refuse(object loss, int operation, y_true, y_pred) except -1:
    method = {FL_VALUE: "__call__", FL_GRADIENT: "gradient", FL_VALUE_GRADIENT: "value_and_gradient"}[operation]
    names = [name for name, given in (("'y_true'", y_true), ("'y_pred'", y_pred)) if given is MISSING]
    raise TypeError(f"{type(loss).__name__}.{method}() missing {len(names)} required positional "
                    f"argument{'s' if len(names) > 1 else ''}: {' and '.join(names)}")


@cython.binding(True)
def __call__(self, y_true=MISSING, y_pred=MISSING, sample_weight=None, *, reduction="mean", n_threads=None):
    return passed(self, FL_VALUE, y_true, y_pred, sample_weight, reduction, None, n_threads)


@cython.binding(True)
def gradient(self, y_true=MISSING, y_pred=MISSING, sample_weight=None, *, reduction="mean", out=None, n_threads=None):
    return passed(self, FL_GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)


@cython.binding(True)
def value_and_gradient(self, y_true=MISSING, y_pred=MISSING, sample_weight=None, *, reduction="mean", out=None,
                       n_threads=None):
    return passed(self, FL_VALUE_GRADIENT, y_true, y_pred, sample_weight, reduction, out, n_threads)


methods = {method.__name__: method for method in (__call__, gradient, value_and_gradient)}

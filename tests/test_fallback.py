"""Without the compiled engine everything works, slower, and one warning says so."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LOSSES, WIDE, call, data, everything, for_classes

import fastloss as fl
from fastloss import backend, reference

SCRIPT = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    {block}
    import fastloss as fl
import numpy as np
value, gradient = fl.Huber().value_and_gradient([0.0, 0.0], np.float32([0.5, 3.0]), n_threads=2)
fl.set_num_threads(2)
print(json.dumps(dict(
    backend=fl.show_config(mode="dict")["backend"], value=value, gradient=gradient.tolist(), dtype=str(gradient.dtype),
    warnings=[[w.category.__name__, str(w.message)] for w in caught if "fastloss" in str(w.message)],
    names=len(fl.list_losses()), threads=fl.get_num_threads(),
)))
"""
BLOCK = """
    import sys
    class Block:
        def find_spec(self, name, path=None, target=None):
            if name == "fastloss._engine":
                raise ImportError("no compiled engine in this test")
    sys.meta_path.insert(0, Block())
"""


def result(fresh, **kwargs):
    import json

    return json.loads(fresh(SCRIPT.format(block=kwargs.pop("block", "pass").strip()), **kwargs))


def test_asked_for(fresh):
    for spelling in ("numpy", "NumPy"):
        found = result(fresh, FASTLOSS_BACKEND=spelling)
        assert found["backend"] == "numpy"
        assert found["warnings"] == []
        assert found["value"] == pytest.approx((0.125 + 2.5) / 2)
        assert found["gradient"] == [0.25, 0.5]
        assert found["dtype"] == "float32"
        assert found["names"] == len(fl.list_losses())


def test_missing(fresh):
    found = result(fresh, block=BLOCK, FASTLOSS_BACKEND=None)
    assert found["backend"] == "numpy"
    assert found["value"] == pytest.approx((0.125 + 2.5) / 2)
    assert len(found["warnings"]) == 1, "one warning"
    category, message = found["warnings"][0]
    assert category == "RuntimeWarning"
    for part in (
        "slow NumPy references",
        "no compiled engine in this test",
        "Install a C compiler",
        "FASTLOSS_BACKEND=numpy",
    ):
        assert part in message


def test_missing_and_asked_for_is_silent(fresh):
    found = result(fresh, block=BLOCK, FASTLOSS_BACKEND="numpy")
    assert found["warnings"] == []


@pytest.mark.engine
def test_the_engine_is_used_by_default(fresh):
    found = result(fresh, FASTLOSS_BACKEND=None)
    assert found["backend"] == "compiled"
    assert found["warnings"] == []
    assert backend.NAME == "compiled"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.longdouble], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_references_keep_the_contract(loss, dtype):
    """Shapes, dtypes, reductions, weights, out and in place on the NumPy runner; numbers as the engine's."""
    for n_classes in (3, WIDE) if loss.layout == "classes" else (0,):
        this = for_classes(loss, n_classes) if n_classes else loss
        slow = type(this)(**this.params)
        object.__setattr__(slow, "_runner", reference.Runner(slow))
        y, z = data(this, 31, np.float32, n_classes)
        z = z.astype(dtype)
        w = np.random.default_rng(0).uniform(0, 2, 31)
        real = np.float32 if dtype == np.float16 else dtype
        tolerance = {np.float32: 2e-4, np.float64: 1e-9, np.float16: 2e-3, np.longdouble: 1e-9}[dtype]
        for reduction in ("mean", "sum", "none"):
            for weight in (None, w):
                for operation, arguments in everything(this):
                    got = call(slow, operation, y, z, weight, reduction=reduction, **arguments)
                    want = call(this, operation, y, z, weight, reduction=reduction, **arguments)
                    for a, b in zip(got, want, strict=True):
                        where = f"{operation} {arguments} {reduction} K={n_classes}"
                        assert type(a) is type(b), where
                        if isinstance(a, np.ndarray):
                            assert a.dtype == dtype, where
                            assert a.shape == b.shape, where
                            assert a.flags.c_contiguous, where
                        scale = np.abs(np.where(np.isfinite(b), b, 0)).max(initial=0)
                        # the NumPy formulas keep fewer digits in float32, where terms cancel
                        np.testing.assert_allclose(
                            np.float64(a),
                            np.float64(b),
                            rtol=tolerance,
                            atol=tolerance * min(float(scale), 1.0),
                            err_msg=where,
                        )
        out, other = np.empty_like(z), np.empty_like(z)
        assert slow.gradient(y, z, out=out) is out
        assert slow.gradient_and_hessian(y, z, out=(out, other))[1] is other
        work = z.copy()
        assert slow.gradient(y, work, out=work) is work
        np.testing.assert_array_equal(work, out)
        del real


def test_sums_and_accumulators_on_the_references(fresh):
    code = """
import fastloss as fl, numpy as np, pickle
loss = 0.5 * fl.Huber() + 0.5 * fl.SquaredError()
a = loss.accumulator(); a.update([0.0, 1.0], [2.0, 1.0]); a = pickle.loads(pickle.dumps(a))
print(a.value() == loss([0.0, 1.0], [2.0, 1.0]), fl.Poisson().optimum([1, 3]), fl.BinaryFocal().optimum([0, 1, 1]))
"""
    equal, poisson, focal = fresh(code, FASTLOSS_BACKEND="numpy").split()
    assert equal == "True"
    assert float(poisson) == pytest.approx(np.log(2))
    assert float(focal) == pytest.approx(fl.BinaryFocal().optimum([0, 1, 1]), abs=1e-9)

"""Every loss, with every option, computes what its NumPy reference computes in longdouble, in ULP.

loss x parameters x dtype x operation x weights x reduction x threads here; x instruction set in a process of its own.
What an error is measured against stands in `bounds`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import bounds
import numpy as np
import pytest
from cases import (
    CLASSES,
    DTYPES,
    LOSSES,
    NOT_CLASSES,
    REDUCTIONS,
    WIDE,
    call,
    data,
    everything,
    for_classes,
    same_bits,
    sample_shape,
    seed_of,
)

import fastloss as fl
from fastloss import backend

THREADS = (2, 3, 7)
# Relative error of a sum, of the sum of magnitudes: four float32 are added in float32, everything else in float64.
SUM = {np.float32: 2.0**-23, np.float64: 2.0**-50}


def _weights(shape, dtype):
    """Weights of every kind that a call may bring, as (name, weights)."""
    rng = seed_of("weights", shape)
    n = math.prod(shape)
    yield "none", None
    yield "float32", rng.uniform(0, 3, shape).astype(np.float32)
    yield "float64", np.where(rng.random(shape) < 0.1, 0, np.exp(rng.normal(0, 2, shape)))
    yield "int", rng.integers(0, 5, shape).astype(np.int16)
    yield "bool", (np.arange(n) % 3 > 0).reshape(shape)
    if len(shape) == 2:
        yield "per sample", rng.uniform(0, 3, shape[0])


def _quantities(operation, arguments):
    """Which quantities an operation returns."""
    if operation == "gradient_and_hessian":
        kind = arguments["hessian"]
        return ("gradient", kind)
    return {"value": ("value",), "gradient": ("gradient",), "value_and_gradient": ("value", "gradient")}[operation]


def _check(loss, y, z, dtype):
    """Hold all operations, weights, reductions and threads against the exact result."""
    exact = bounds.exact(loss, y, z)
    scale = bounds.scales(loss, y, z, exact)
    exact["floor"] = np.where(exact["exact"] < 1e-6, np.longdouble(dtype(1e-6)), exact["exact"])  # keeps a NaN
    if loss.params.get("ignore_index") is not None:
        exact["floor"] = np.where((y == loss.ignore_index)[..., None], 0, exact["floor"])
    scale["floor"] = np.maximum(scale["exact"], exact["floor"])
    # a result that is subnormal has lost digits before a weight comes
    scale = {key: np.maximum(x, np.finfo(dtype).tiny) for key, x in scale.items()}
    # what overflows is infinite, though a small weight might have brought it back
    exact = {key: np.where(np.abs(x) > np.finfo(dtype).max, np.copysign(np.inf, x), x) for key, x in exact.items()}
    shape = sample_shape(loss, z)
    spread = (lambda w: w[..., None]) if loss.has_rows else lambda w: w
    row_weight = loss.row_weight(y, z.shape[-1]) if loss.layout == "classes" else np.ones(shape)
    for name, weight in _weights(shape, dtype):
        # the kernels see weights rounded to their own type
        w = (
            np.ones(shape)
            if weight is None
            else weight.astype(dtype).reshape(weight.shape + (1,) * (len(shape) - weight.ndim))
        )
        w = np.broadcast_to(w, shape).astype(np.longdouble)
        total = np.sum(w * row_weight)
        for reduction in REDUCTIONS:
            for operation, arguments in everything(loss):
                where = f"{operation} {arguments} weights={name} reduction={reduction}"
                got = call(loss, operation, y, z, weight, reduction=reduction, n_threads=1, **arguments)
                for n_threads in THREADS:
                    again = call(loss, operation, y, z, weight, reduction=reduction, n_threads=n_threads, **arguments)
                    assert all(map(same_bits, got, again)), f"{where}: n_threads={n_threads} has other bits"
                for quantity, result in zip(_quantities(operation, arguments), got, strict=True):
                    allowed = bounds.allowed(loss, "exact" if quantity == "floor" else quantity)
                    if quantity == "value" and reduction != "none":
                        _check_sum(
                            result,
                            exact["value"],
                            scale["value"],
                            w,
                            allowed,
                            dtype,
                            where,
                            total if reduction == "mean" else 1,
                        )
                        continue
                    assert result.dtype == dtype, where
                    factor = w if quantity == "value" else spread(w) / (total if reduction == "mean" else 1)
                    if weight is not None or reduction == "mean":
                        key = "exact" if quantity == "floor" else quantity
                        allowed += bounds.EXTRA[key]
                    with np.errstate(invalid="ignore"):
                        parts = [np.where(factor == 0, 0, x[quantity] * factor) for x in (exact, scale)]
                    _assert_close(
                        result,
                        *parts,
                        allowed,
                        where + " " + quantity,
                        y,
                        z,
                    )


def _assert_close(got, want, scale, allowed, where, y, z):
    assert got.shape == want.shape, where
    error = bounds.ulp_error(got, want, scale)
    if not error.max(initial=0) <= allowed:
        at = np.unravel_index(np.argmax(error), error.shape)
        row = at[0] if y.ndim and y.shape[0] == got.shape[0] else at
        raise AssertionError(
            f"{where}: {error[at]:.3g} ULP at {at}, {allowed} allowed; got {got[at]!r}, exact {want[at]!r}; "
            f"y_true {y[row]!r}, y_pred {z[row]!r}"
        )


def _check_sum(got, value, scale, w, allowed, dtype, where, divisor):
    value, scale = (np.where(w == 0, 0, x) for x in (value, scale))
    want = np.sum(value * w) / divisor
    if np.isinf(want):
        assert got == want, where
        return
    each = (allowed + bounds.EXTRA["value"]) * np.finfo(dtype).eps * np.sum(scale * w)
    error = abs(got - want)
    limit = (each + SUM[dtype] * np.sum(np.abs(value * w))) / divisor + np.spacing(abs(float(want)))
    assert isinstance(got, float), where
    assert error <= limit, f"{where}: {got!r} is {error} from {want}, {limit} allowed"


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_equals_the_reference(loss, dtype):
    # 3 classes: rows side by side in the lanes; many: one row across the lanes
    for n_classes in (3, 60, WIDE) if loss.layout == "classes" else (0,):
        this = for_classes(loss, n_classes) if n_classes else loss
        y, z = data(this, {0: 1003, 3: 83, 60: 20, WIDE: 9}[n_classes], dtype, n_classes)
        _check(this, y, z, dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", NOT_CLASSES, ids=repr)
def test_two_axes_and_weights_per_sample(loss, dtype):
    y, z = (x.reshape(37, 9, *x.shape[1:]) for x in data(loss, 333, dtype))
    _check(loss, y, z, dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", CLASSES, ids=repr)
def test_many_classes(loss, dtype):
    this = for_classes(loss, 1000)
    y, z = data(this, 5, dtype, 1000)
    _check(this, y, z, dtype)


# -- instruction sets -------------------------------------------------------------------------------------------------


def _shortened(x):
    """x to 20 bits: what NumPy's exp and log leave in the last places depends on the processor."""
    if x.dtype.kind != "f":
        return x
    return ((x.astype(np.float64).view(np.int64) + (1 << 31)) & -(1 << 32)).view(np.float64).astype(x.dtype)


def digests():
    """Of every loss, dtype, shape: hashes of its inputs and of the bits of every operation and reduction."""
    found = {}
    for loss in LOSSES:
        for dtype in DTYPES:
            for n, n_classes in (
                ((1, 2), (77, 5), (70, 60), (40, WIDE)) if loss.layout == "classes" else ((1, 0), (131, 0), (5000, 0))
            ):
                this = for_classes(loss, n_classes) if n_classes else loss
                y, z = (_shortened(x) for x in data(this, n, dtype, n_classes))
                w = _shortened(seed_of("digest", n).uniform(0, 3, n))
                w[0] = 1  # the only row of a set of one must have weight
                inputs, bits = (hashlib.sha256() for _ in range(2))
                for array in (y, z, w):
                    inputs.update(array.tobytes())
                for operation, arguments in everything(this):
                    for reduction in ("sum", "none"):
                        for result in call(this, operation, y, z, w, reduction=reduction, **arguments):
                            result = np.asarray(result)
                            bits.update(np.where(np.isnan(result), result.dtype.type(np.nan), result).tobytes())
                found[f"{this!r} {dtype.__name__} n={n} K={n_classes}"] = inputs.hexdigest()[:16], bits.hexdigest()[:16]
    return found | _digests_of_masks()


def _digests_of_masks():
    found = {}
    for loss in (fl.get_loss(name, per_class=way) for name in fl.list_losses("segmentation") for way in (False, True)):
        for dtype in DTYPES:
            for shape in ((131, 3), (9, 3, 50), (2, 2, 70, 71)):
                rng = seed_of("masks", shape)
                t, p, w = rng.uniform(size=shape), rng.uniform(size=shape).astype(dtype), rng.uniform(0, 3, shape[0])
                inputs, bits = (hashlib.sha256() for _ in range(2))
                for array in (t, p, w):
                    inputs.update(array.tobytes())
                for mask in (t, t > 0.5):
                    for weight in (None, w):
                        for result in loss.value_and_gradient(mask, p, weight):
                            bits.update(np.asarray(result).tobytes())
                found[f"{loss!r} {dtype.__name__} {shape}"] = inputs.hexdigest()[:16], bits.hexdigest()[:16]
    return found


@pytest.mark.engine
def test_bits_are_those_that_were():
    """A change, a compiler or a processor that moves a bit is noticed. If meant: run tests/data/make_digests.py."""
    if backend.engine.build_info()["isa_in_use"] == "x86-64-v2":
        pytest.skip("without fused multiply-add the bits are others")
    before = json.loads((Path(__file__).parent / "data" / "digests.json").read_text())
    now = {key: list(value) for key, value in digests().items()}
    same_inputs = [key for key in now if key in before and now[key][0] == before[key][0]]
    differing = [key for key in same_inputs if now[key] != before[key]]
    assert not differing, f"other bits in {len(differing)} of {len(same_inputs)}: {differing[:3]}"
    if len(same_inputs) < 0.9 * len(now):
        pytest.fail(f"only {len(same_inputs)} of {len(now)} cases are in digests.json: run tests/data/make_digests.py")


@pytest.mark.engine
def test_instruction_sets_with_fma_have_the_same_bits(fresh):
    available = [isa for isa in backend.engine.isa_available if isa != "x86-64-v2"]
    if len(available) < 2:
        pytest.skip(f"only {available} run here")
    code = "import json, test_equivalence; print(json.dumps(test_equivalence.digests()))"
    first, *others = [fresh(code, FASTLOSS_ISA=isa) for isa in available]
    for isa, other in zip(available[1:], others, strict=True):
        a, b = json.loads(first), json.loads(other)
        differing = [key for key in a if a[key] != b[key]]
        assert len(a) > 500
        assert not differing, f"{available[0]} and {isa} differ in {len(differing)}: {differing[:3]}"


@pytest.mark.engine
def test_every_instruction_set_is_as_exact(tmp_path):
    """The tests above, in a process per instruction set that is not the one in use here."""
    here = backend.engine.build_info()["isa_in_use"]
    # v3 has the bits of v4, as the test above says
    others = [isa for isa in backend.engine.isa_available if isa == "x86-64-v2" and isa != here]
    if not others:
        pytest.skip(f"only {here} runs here")
    for isa in others:
        quiet = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={tmp_path / isa}")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *quiet, "-m", "not engine", str(Path(__file__))],
            env={**os.environ, "FASTLOSS_ISA": isa},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{isa}:\n{done.stdout[-4000:]}"
        assert " passed" in done.stdout

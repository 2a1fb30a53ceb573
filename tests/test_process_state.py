"""A call leaves the process as it was, and does not depend on how it was: rounding, flush-to-zero, errno, signals."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import signal
import subprocess

import numpy as np
import pytest
from cases import DEFAULTS, data, everything, same_bits

import fastloss as fl

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads the x86 control words")

HELPER = """
#include <fenv.h>
#include <xmmintrin.h>
unsigned get_mxcsr(void) { return _mm_getcsr(); }
void set_mxcsr(unsigned x) { _mm_setcsr(x); }
unsigned get_x87(void) { unsigned short x; __asm__ volatile("fnstcw %0" : "=m"(x)); return x; }
int get_rounding(void) { return fegetround(); }
"""
FLUSH, UPWARD, NEAREST_MASKED = 0x8040, 0x4000, 0x1F80
FLAGS = 0x3F  # sticky exception flags


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the helper that reads the control words")
    folder = tmp_path_factory.mktemp("control")
    (folder / "control.c").write_text(HELPER)
    library = folder / "control.so"
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", str(folder / "control.c"), "-o", str(library), "-lm"], check=True
    )
    return ctypes.CDLL(str(library))


def state(control):
    return control.get_mxcsr() & ~FLAGS, control.get_x87(), control.get_rounding()


@pytest.fixture
def calls():
    """Every default loss on hard data: overflow, underflow, NaN and invalid operations all happen."""
    found = []
    for loss in DEFAULTS:
        y, z = data(loss, 300, np.float32)
        if loss.prediction_domain.code is None:
            z[:6].flat[:6] = [np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-45]
        found.append((loss, y, z))
    return found


def run(calls, n_threads=1, reduction="none"):
    return [
        part
        for loss, y, z in calls
        for operation, arguments in everything(loss)[2:]
        for part in getattr(loss, operation)(y, z, reduction=reduction, n_threads=n_threads, **arguments)
    ]


def test_nothing_changes(control, calls):
    handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGSEGV, signal.SIGFPE, signal.SIGTERM)]
    environment = dict(os.environ)
    before, flags = state(control), control.get_mxcsr() & FLAGS
    ctypes.set_errno(77)
    run(calls)
    assert state(control) == before
    assert control.get_mxcsr() & FLAGS & ~flags == 0 or flags == FLAGS, "a kernel left exception flags"
    with pytest.raises(ValueError, match="shapes"):
        fl.SquaredError()([1.0], [1.0, 2.0])
    assert state(control) == before
    assert ctypes.get_errno() == 77
    assert handlers == [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGSEGV, signal.SIGFPE, signal.SIGTERM)]
    assert environment == dict(os.environ)


def test_checks_leave_no_flags(control):
    """With exceptions unmasked a flag is the end of the process."""
    overflow = 0x8
    y = np.array([3e200, 0.0, 1.0, 1.0])
    control.set_mxcsr(NEAREST_MASKED)
    with pytest.raises(ValueError, match="hinge expects"):
        fl.Hinge()(y, np.zeros(4))
    assert control.get_mxcsr() & overflow == 0


modes = pytest.mark.parametrize(
    "mode", [FLUSH, UPWARD, FLUSH | UPWARD, 0x6000], ids=["flush", "up", "flush and up", "to zero"]
)


@modes
def test_the_callers_modes_do_not_change_the_bits(mode, control, calls):
    """torch.set_flush_denormal, or a library linked with -ffast-math (CTranslate2#1018)."""
    subnormals = fl.SquaredError(), np.zeros(100, np.float32), np.full(100, 1e-42, np.float32)
    calls = [*calls, subnormals, (fl.HalfSquaredError(), np.full(100, 1e-42), np.full(100, 3e-42, np.float32))]
    # parallel, too: the workers' own modes
    big = fl.LogCosh(), np.zeros(400_000), np.linspace(1e-320, 1e-300, 400_000)
    for n_threads, these in ((1, calls), (4, [big])):
        want = run(these, n_threads)
        old = control.get_mxcsr()
        control.set_mxcsr(NEAREST_MASKED | mode)
        try:
            got = run(these, n_threads)
            after = control.get_mxcsr()
        finally:
            control.set_mxcsr(old)
        assert after & ~FLAGS == NEAREST_MASKED | mode, "the caller's mode was not given back"
        assert all(map(same_bits, got, want))


def test_a_subnormal_total_weight_is_not_zero(control):
    """Though to the caller, who flushes subnormals, it is."""
    y, z, w = np.zeros(50), np.ones(50), np.full(50, 1e-310)
    old = control.get_mxcsr()
    control.set_mxcsr(NEAREST_MASKED | FLUSH)
    try:
        value = fl.AbsoluteError()(y, z, w)
    finally:
        control.set_mxcsr(old)
    assert value == 1.0


@modes
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_callers_modes_and_reductions(reduction, mode, control, calls):
    """The driver's own arithmetic, 1 / total weight and the sum over blocks."""
    calls = [call for call in calls if call[0].prediction_domain.code is not None]
    calls += [(loss, *data(loss, 9001, np.float32)) for loss in DEFAULTS if loss.layout != "classes"]
    want = run(calls, 1, reduction)
    old = control.get_mxcsr()
    control.set_mxcsr(NEAREST_MASKED | mode)
    try:
        got = run(calls, 1, reduction)
    finally:
        control.set_mxcsr(old)
    assert all(map(same_bits, got, want))


def test_flush_denormal_of_torch():
    torch = pytest.importorskip("torch")
    z = np.full(1000, 3e-42, np.float32)
    want = fl.HalfSquaredError().gradient(np.zeros(1000), z, reduction="none")
    assert want[0] != 0
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU does not flush")
    try:
        got = fl.HalfSquaredError().gradient(np.zeros(1000), z, reduction="none")
    finally:
        torch.set_flush_denormal(False)
    assert got.tobytes() == want.tobytes()


def test_import_changes_nothing(fresh, control):
    """Importing a -ffast-math library flushes subnormals in the whole process."""
    code = f"""
import ctypes, numpy, signal
control = ctypes.CDLL({control._name!r})
state = lambda: (control.get_mxcsr() & ~63, control.get_x87(), control.get_rounding(), signal.getsignal(signal.SIGINT))
before = state()
import fastloss
assert state() == before, (before, state())
assert numpy.float32(1e-40) * numpy.float32(0.5) != 0
"""
    fresh(code)


@pytest.mark.parametrize(
    "order", ["torch fastloss", "fastloss torch", "sklearn fastloss torch", "fastloss sklearn torch"]
)
def test_import_order(order, fresh):
    """Two OpenMP runtimes in one process, in any order, each used (pytorch#98836)."""
    for name in order.split():
        pytest.importorskip(name)
    code = "\n".join(f"import {name}" for name in order.split())
    code += """
import numpy as np
z = np.linspace(-3, 3, 600_000, dtype=np.float32)
a = fastloss.LogCosh()(z, -z, n_threads=2)
if "torch" in dir():
    t = torch.from_numpy(z)
    t.exp().sum()
assert fastloss.LogCosh()(z, -z, n_threads=2) == a
"""
    fresh(code, timeout=120)

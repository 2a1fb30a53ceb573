"""Threads change nothing but the time: the bits, forks, signals and other people's limits are as without."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from cases import DEFAULTS, DTYPES, WIDE, everything, for_classes, same_bits, seed_of
from cases import data as small_data

import fastloss as fl
from fastloss import backend

THREAD_WORK = 1 << 15  # as in the driver: below, one thread does it all
pytestmark = pytest.mark.skipif(
    backend.engine is None or not backend.engine.build_info()["openmp"], reason="built without OpenMP"
)


def data(loss, n, dtype, n_classes):
    """As cases.data, for large n: a piece of it repeated, then shuffled."""
    y, z = small_data(loss, min(n, 20_000), dtype, n_classes)
    at = seed_of(n).integers(0, len(z), n)
    return y[at], z[at]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", DEFAULTS, ids=repr)
def test_same_bits_for_any_number(loss, dtype):
    """At sizes that wake every thread asked for, with blocks that do not divide evenly among them."""
    for n_classes in (10, WIDE) if loss.layout == "classes" else (0,):
        this = for_classes(loss, n_classes) if n_classes else loss
        # cost of an element is 1, 2 or 4: 4 threads at least, 16 for the dear ones
        n = 4 * THREAD_WORK // n_classes + 13 if n_classes else 4 * THREAD_WORK + 4099
        y, z = data(this, n, dtype, n_classes)
        w = seed_of(n).uniform(0, 2, n).astype(np.float32)
        for operation, arguments in (("value_and_gradient", {}), everything(this)[-1]):
            for weight in (None, w):
                for reduction in ("sum", "none") if weight is None else ("mean",):
                    call = getattr(this, operation)
                    one = call(y, z, weight, reduction=reduction, n_threads=1, **arguments)
                    for n_threads in (2, 3, 7, 16):
                        many = call(y, z, weight, reduction=reduction, n_threads=n_threads, **arguments)
                        assert all(map(same_bits, one, many)), (
                            f"{operation} {reduction} n_threads={n_threads} K={n_classes}"
                        )


def test_threads_are_really_started(fresh):
    """Or the test above tests nothing."""
    code = """
import os, numpy as np, fastloss as fl
z = np.zeros(20 * (1 << 15) // 4, np.float32)
before = len(os.listdir("/proc/self/task"))
fl.LogCosh()(z, z, n_threads=1)
assert len(os.listdir("/proc/self/task")) == before, "n_threads=1 started threads"
fl.LogCosh()(z[:1000], z[:1000], n_threads=16)
assert len(os.listdir("/proc/self/task")) == before, "a small call started threads"
fl.LogCosh()(z, z, n_threads=5)
print(len(os.listdir("/proc/self/task")) - before)
"""
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("no /proc here")
    assert int(fresh(code, OPENBLAS_NUM_THREADS="1")) == 4


def test_bad_elements_are_found_first_whoever_finds_them():
    n = 5 * THREAD_WORK
    y, z = np.zeros(n, np.float32), np.full(n, 0.5, np.float32)
    for places in ([n - 1], [12345, n - 5], [n // 2, n // 2 + 1, 3 * n // 4]):
        bad = z.copy()
        bad[places] = 2.0
        for n_threads in (1, 2, 7):
            with pytest.raises(ValueError, match=rf"y_pred\[{places[0]}\] is 2.0"):
                fl.BinaryCrossEntropy()(y, bad, n_threads=n_threads)


# -- who decides ------------------------------------------------------------------------------------------------------


def test_who_decides(fresh):
    code = "from fastloss import *; print(get_num_threads(), end=' '); set_num_threads({}); print(get_num_threads())"
    unset = {"FASTLOSS_NUM_THREADS": None, "OMP_NUM_THREADS": None, "OMP_THREAD_LIMIT": None}
    cores = len(os.sched_getaffinity(0))
    assert fresh(code.format(3), **unset) == f"{cores} 3\n"
    assert fresh(code.format(3), **{**unset, "OMP_NUM_THREADS": "5"}) == "5 3\n"
    assert fresh(code.format(None), **{**unset, "OMP_NUM_THREADS": "5"}) == "5 5\n"
    assert fresh(code.format(3), **{**unset, "OMP_NUM_THREADS": "5", "FASTLOSS_NUM_THREADS": "4"}) == "4 3\n"
    assert fresh(code.format(None), **{**unset, "FASTLOSS_NUM_THREADS": "4"}) == f"4 {cores}\n"
    assert fresh(code.format(3), **{**unset, "FASTLOSS_NUM_THREADS": ""}) == f"{cores} 3\n"


def test_the_argument_wins():
    code_size = np.zeros(20 * THREAD_WORK // 4, np.float32)
    fl.set_num_threads(1)
    before = len(os.listdir("/proc/self/task"))
    fl.LogCosh()(code_size, code_size)
    assert len(os.listdir("/proc/self/task")) <= before
    assert fl.get_num_threads() == 1
    fl.LogCosh()(code_size, code_size, n_threads=before + 3)
    assert len(os.listdir("/proc/self/task")) > before
    assert fl.get_num_threads() == 1


def test_limits_of_threadpoolctl_hold():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    assert any(pool["user_api"] == "openmp" for pool in threadpoolctl.threadpool_info())
    default = fl.get_num_threads()
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        assert fl.get_num_threads() == 1
        fl.set_num_threads(8)
        assert default == 1 or fl.get_num_threads() == 1
    assert fl.get_num_threads() == 8
    fl.set_num_threads(None)
    assert fl.get_num_threads() == default


# -- forks ------------------------------------------------------------------------------------------------------------


def parallel_call():
    z = np.linspace(-5, 5, 20 * THREAD_WORK // 4)
    return fl.LogCosh().value_and_gradient(np.zeros_like(z), z, n_threads=4)


def _child(connection):
    value, gradient = parallel_call()
    connection.send((value, gradient.tobytes()))


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_child_process_works(method):
    """libgomp waits for ever for threads that a fork has left behind (scikit-learn#19272)."""
    value, gradient = parallel_call()
    context = multiprocessing.get_context(method)
    for _ in range(5 if method == "fork" else 1):
        here, there = context.Pipe()
        child = context.Process(target=_child, args=(there,), daemon=True)
        child.start()
        assert here.poll(60), f"the child ({method}) hangs"
        got = here.recv()
        child.join(10)
        assert child.exitcode == 0
        assert got == (value, gradient.tobytes())


def test_grandchildren_and_parents_work():
    value, _ = parallel_call()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # the child, which must not return into pytest
        status = 1
        try:
            inner = os.fork()
            if inner == 0:
                os.write(write, np.float64(parallel_call()[0]).tobytes())
                os._exit(0)
            os.waitpid(inner, 0)
            os.write(write, np.float64(parallel_call()[0]).tobytes())
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + 60
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            pytest.fail("a forked child hangs")
        time.sleep(0.01)
    assert np.frombuffer(os.read(read, 16)).tolist() == [value, value]
    os.close(read)
    os.close(write)
    assert parallel_call()[0] == value


# -- Python threads and signals ---------------------------------------------------------------------------------------


def test_eight_python_threads():
    jobs = []
    for loss in DEFAULTS:
        for n in (50, 5000):
            y, z = small_data(loss, n, np.float32, 10)
            jobs.append((loss, y, z, loss.value_and_gradient(y, z, reduction="none")))
    wrong = []
    switch = sys.getswitchinterval()

    def work(start):
        try:
            for k in range(len(jobs) * 3):
                loss, y, z, want = jobs[(start * 7 + k) % len(jobs)]
                got = loss.value_and_gradient(y, z, reduction="none", n_threads=1 + k % 2)
                if not all(map(same_bits, got, want)):
                    wrong.append(repr(loss))
        except BaseException as error:
            wrong.append(repr(error))

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
    finally:
        sys.setswitchinterval(switch)
    assert not wrong, wrong[:3]


def test_python_threads_with_parallel_calls():
    value, gradient = parallel_call()
    found = []
    threads = [threading.Thread(target=lambda: found.append(parallel_call())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 4
    assert all(v == value and same_bits(g, gradient) for v, g in found)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c(n_threads):
    """A signal is seen between chunks of the call: the call ends in KeyboardInterrupt, not after all its work."""
    n = 48_000_000
    z = np.zeros(n, np.float32)
    out = np.full(n, -77, np.float32)
    loss = fl.BinaryFocal(gamma=0.5, from_logits=True)  # a dear one: seconds
    y = np.broadcast_to(np.uint8(1), n).copy()

    def interrupt():
        time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    def call():
        thread.start()
        loss.gradient(y, z, out=out, n_threads=n_threads)
        time.sleep(5)  # the signal comes here if the call was done before: then the check of `out` below fails

    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):
        call()
    thread.join()
    assert (out[-1000:] == -77).all(), "the call ran to its end before it looked for signals"
    assert loss.gradient(y[:5], z[:5], n_threads=n_threads).shape == (5,)

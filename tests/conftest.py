"""What all tests share."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fastloss as fl
from fastloss import backend

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _restore_settings() -> Any:
    """No test leaves the process with other threads or checks than it found."""
    yield
    fl.set_num_threads(None)
    fl.set_check_finite(False)


@pytest.fixture
def fresh() -> Callable[..., str]:
    """Run Python code in a new interpreter with this environment; its output, or a failure that shows what it said."""

    def run(code: str, timeout: float = 300, **environment: str | None) -> str:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), **environment}
        env = {key: value for key, value in env.items() if value is not None}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=timeout, cwd=HERE
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def jax() -> Any:
    """JAX, in float64. What it adds to garbage collection goes again: it swallows the Ctrl-C of other tests."""
    callbacks = list(gc.callbacks)
    module = pytest.importorskip("jax", reason="JAX is not installed")
    before = module.config.jax_enable_x64
    module.config.update("jax_enable_x64", True)
    yield module
    module.config.update("jax_enable_x64", before)
    gc.callbacks[:] = callbacks


@pytest.fixture(scope="module")
def keras(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keras on torch, on JAX, or on NumPy, where it has values only."""
    os.environ.setdefault("KERAS_BACKEND", next(x for x in ("torch", "jax", "numpy") if importlib.util.find_spec(x)))
    os.environ.setdefault("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))  # it writes a file there
    if os.environ["KERAS_BACKEND"] == "jax":
        request.getfixturevalue("jax")
    return pytest.importorskip("keras", reason="Keras is not installed")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a background job is started; Ctrl-C is tested
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "engine: needs the compiled engine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the compiled engine need one."""
    if backend.engine is None:
        skip = pytest.mark.skip(reason="no compiled engine")
        for item in items:
            if "engine" in item.keywords:
                item.add_marker(skip)

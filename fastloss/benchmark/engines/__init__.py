"""The engines that are timed: fastloss and its peers, one file each.

An engine is a class with a ``program`` method: given a row's data, the Python expression to time, or None where the
library has nothing for it. ``ENGINES`` names them in the order of the table's columns; modules are imported in the
engine's own worker process only.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass

from fastloss.benchmark.engines.engine import Engine

__all__ = ["ENGINES", "PEERS", "EngineEntry", "load_engine"]


@dataclass(frozen=True)
class EngineEntry:
    """Where an engine lives and what it needs.

    Parameters
    ----------
    column : str
        Heading in the table, at most eight characters.
    module : str
        Module with a class ``Engine``.
    package : str
        What has to be importable.
    install : str
        What `pip install` calls it.
    quick : bool
        Whether a quick run has it: engines that compile for seconds per row, or that have a loss or two, are left to
        ``--full`` and ``--peers``.
    openmp : bool
        Whether its threads are OpenMP's, which the runner then binds to processors. Two spinning threads that wake
        on one processor cost a time slice at every barrier: scikit-learn took 500 microseconds a call for seconds,
        bound 5.
    """

    column: str
    module: str
    package: str
    install: str
    quick: bool = True
    openmp: bool = False

    @property
    def installed(self) -> bool:
        """Whether the package is there, without importing it."""
        return importlib.util.find_spec(self.package) is not None


_HERE = "fastloss.benchmark.engines."
ENGINES: dict[str, EngineEntry] = {
    "fastloss": EngineEntry("fastloss", _HERE + "fastloss_engine", "fastloss", "fastloss", openmp=True),
    "numpy": EngineEntry("numpy", _HERE + "numpy_engine", "numpy", "numpy"),
    "sklearn": EngineEntry("sklearn", _HERE + "sklearn_loss_engine", "sklearn", "scikit-learn", openmp=True),
    "sklearn.metrics": EngineEntry("metrics", _HERE + "sklearn_metrics_engine", "sklearn", "scikit-learn"),
    "torch": EngineEntry("torch", _HERE + "torch_engine", "torch", "torch", openmp=True),
    "torch.compile": EngineEntry("compile", _HERE + "torch_compile_engine", "torch", "torch", quick=False, openmp=True),
    "jax": EngineEntry("jax", _HERE + "jax_engine", "jax", "jax", quick=False),
    "numba": EngineEntry("numba", _HERE + "numba_engine", "numba", "numba", quick=False, openmp=True),
    "numexpr": EngineEntry("numexpr", _HERE + "numexpr_engine", "numexpr", "numexpr", quick=False),
    "scipy": EngineEntry("scipy", _HERE + "scipy_engine", "scipy", "scipy", quick=False),
}
PEERS = tuple(name for name in ENGINES if name != "fastloss")


def load_engine(module: str, threads: int) -> Engine:
    """Import an engine's module and make the engine, set to a number of threads."""
    engine: Engine = importlib.import_module(module).Engine(threads)
    return engine

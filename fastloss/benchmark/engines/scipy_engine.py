"""SciPy: the Wasserstein distance of samples, of which it has the value."""

from __future__ import annotations

import scipy
from scipy.stats import wasserstein_distance

from fastloss.benchmark.engines.engine import ArraysTask, Outputs, Program, Task

__all__ = ["Engine"]


class Engine:
    """`scipy.stats`; one thread, as it has it."""

    def __init__(self, threads: int) -> None:
        self.versions = {"scipy": scipy.__version__}

    def program(self, task: Task) -> Program | None:
        """No loss of one prediction."""
        return None

    def program_of_arrays(self, task: ArraysTask) -> Program | None:
        """The distance with p = 1, without gradients."""
        if (task.loss, task.operation, task.params.get("p")) != ("wasserstein_1d", "value", 1.0):
            return None
        names = {"distance": wasserstein_distance, **task.arrays}
        how = "scipy.stats.wasserstein_distance, which has no gradient"
        return Program(f"distance({task.call})", names, lambda value: Outputs(value=float(value)), how)

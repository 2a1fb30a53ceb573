# Written by hand: the compiled driver as the Python side sees it. Its code is _engine.pyx.

from collections.abc import Callable, Sequence
from typing import Any

from fastloss.loss import Loss

CAN_SORT: bool
isa_available: tuple[str, ...]
methods: dict[str, Callable[..., Any]]  # of a loss

class Runner:
    @property
    def loss(self) -> Loss: ...
    @property
    def rows(self) -> Runner | None: ...
    def __init__(self, loss: Loss) -> None: ...
    def run(
        self,
        operation: int,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any,
        reduction: str,
        out: Any,
        n_threads: int | None,
        floor: float = ...,
        converted: bool = ...,
        vector: Any = ...,
    ) -> Any: ...

def write_apart(
    runner: Runner,
    operation: int,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    g: Any,
    h: Any,
    n_threads: int | None,
    floor: float = ...,
    scale: float = ...,
) -> bool: ...
def mean_deviance(y_true: Any, y_pred: Any, sample_weight: Any, exponents: Sequence[float], least: float) -> float: ...

class LinearPass:
    def __init__(
        self,
        runner: Runner,
        X: Any,
        y: Any,
        weight: Any,
        scores_shape: tuple[int, ...],
        fit_intercept: bool,
        n_threads: int | None,
    ) -> None: ...
    def scores(self, theta: Any) -> Any: ...
    def value(self, theta: Any) -> float: ...
    def value_and_gradient(self, theta: Any) -> tuple[float, Any]: ...
    def pull_back(self, slope: Any) -> Any: ...
    def product(self, theta: Any, at: Any, diagonal: bool) -> Any: ...
    def gram(self, h: Any) -> Any: ...
    def descend(
        self,
        rows: Any,
        size: int,
        rates: Any,
        roots: Any,
        scale: float,
        strengths: tuple[float, float],
        rule: tuple[float, ...],
        theta: Any,
        first: Any,
        second: Any,
        gradients: Any,
    ) -> float: ...

def call_pairs(
    name: str,
    parameters: tuple[float, ...],
    given: tuple[Any, ...],
    coding: str,
    width: bool,
    reduction: Any,
    out: Any,
    wants_gradients: bool,
    n_threads: Any,
) -> tuple[float, tuple[Any, ...] | None] | None: ...
def build_info() -> dict[str, Any]: ...
def get_num_threads() -> int: ...
def isa_built() -> tuple[str, ...]: ...
def kernel_names() -> list[str]: ...
def overlap_gradient(
    y_true: Any, weight: Any, slopes: Any, out: Any, shape: tuple[int, int, int], n_threads: int | None
) -> None: ...
def overlap_sums(
    loss: Any, y_true: Any, y_pred: Any, weight: Any, shape: tuple[int, int, int], n_threads: int | None
) -> tuple[Any, int, int]: ...
def set_check_finite(enabled: bool) -> None: ...
def set_num_threads(n: int) -> None: ...
def transport(
    p: float,
    u: Any,
    v: Any,
    a: Any,
    b: Any,
    wants_gradients: bool,
    out: Any,
    n_threads: Any,
    converted: bool = False,
) -> tuple[Any, tuple[Any, Any] | None] | None: ...
def triad_bandwidth(nbytes: int, n_threads: int = 0, repeats: int = 5, stream: bool = True) -> float: ...
def run_contrast(
    groups: Any,
    positives: Any,
    weight: Any,
    similarities: Any,
    values: Any,
    first: int,
    scale: float,
    gradient: bool,
    n_threads: int | None,
) -> float: ...
def run_pairs(
    name: str,
    parameters: tuple[float, ...],
    labels: Any,
    inputs: tuple[Any, ...],
    weight: Any,
    values: Any,
    gradients: tuple[Any, ...] | None,
    by: float,
    n_threads: int | None,
    width: bool = ...,
) -> float: ...

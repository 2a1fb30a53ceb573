"""fastloss: loss functions with gradient and Hessian on NumPy buffers, fast and exact on the CPU.

>>> import fastloss as fl
>>> loss = fl.Huber(delta=1.5)
>>> loss([1.0, 2.0], [1.5, 4.0])
1.0
>>> value, gradient = loss.value_and_gradient([1.0, 2.0], [1.5, 4.0])
>>> gradient
array([0.25, 0.75])

Every loss is a class (``Huber``) and a function (``huber``); `list_losses` names them.
"""

from typing import Any as _Any

from fastloss import losses as _losses  # noqa: F401  fills the catalogue
from fastloss import registry as _registry
from fastloss import wasserstein as _wasserstein  # noqa: F401  likewise
from fastloss._version import __version__
from fastloss.accumulator import Accumulator
from fastloss.advisor import recommend
from fastloss.combination import WeightedSum
from fastloss.embeddings import EmbeddingLoss
from fastloss.loss import Loss
from fastloss.multitask import DynamicWeightAverage, UncertaintyWeighting
from fastloss.penalties import L1, L2, ElasticNet
from fastloss.registry import get_loss, list_losses
from fastloss.settings import get_num_threads, set_check_finite, set_num_threads, show_config

__all__ = [
    "L1",
    "L2",
    "Accumulator",
    "DynamicWeightAverage",
    "ElasticNet",
    "EmbeddingLoss",
    "Loss",
    "UncertaintyWeighting",
    "WeightedSum",
    "__version__",
    "get_loss",
    "get_num_threads",
    "list_losses",
    "recommend",
    "set_check_finite",
    "set_num_threads",
    "show_config",
]

# The catalogue: each loss under its class name and its snake_case function name.
for _task in (*_registry.TASKS, *_registry.OTHER_TASKS):
    for _cls in map(_registry.loss_class, list_losses(_task)):
        globals()[_cls.__name__] = _cls
        globals()[_cls.name] = _registry.function_form(_cls)
        __all__ += [_cls.__name__, _cls.name]
for _alias, _name in _registry.ALIASES.items():
    globals()[_alias] = globals()[_name]
    __all__ += [_alias]
del _task, _cls, _alias, _name


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> _Any:
    import difflib
    import importlib.util

    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}"):
        raise AttributeError(f"fastloss.{name} is a module: import fastloss.{name}")
    near = difflib.get_close_matches(name, __all__, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise AttributeError(f"module 'fastloss' has no attribute {name!r}{hint}")

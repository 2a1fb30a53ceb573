"""Write fastloss/__init__.pyi: the package as type checkers and editors see it.

``import fastloss`` fills the module from the registry when it runs, which a type checker does not follow. This script
runs it and writes down what came out: every loss class, every function form with the parameters of its class, every
alias. ``make stubs`` writes the file; ``make test`` (``--check``) fails where it is not up to date.
"""

from __future__ import annotations

import inspect
import sys

import generated

import fastloss as fl
from fastloss import registry

HEAD = """\
# Generated from the registry of losses by tools/make_stubs.py: run `make stubs` after a change.

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastloss._version import __version__ as __version__
from fastloss.accumulator import Accumulator as Accumulator
from fastloss.advisor import recommend as recommend
from fastloss.combination import WeightedSum as WeightedSum
from fastloss.embeddings import EmbeddingLoss as EmbeddingLoss
from fastloss.loss import Loss as Loss
from fastloss.loss import Reduction
"""

TAIL = """\
from fastloss.multitask import DynamicWeightAverage as DynamicWeightAverage
from fastloss.multitask import UncertaintyWeighting as UncertaintyWeighting
from fastloss.penalties import L1 as L1
from fastloss.penalties import L2 as L2
from fastloss.penalties import ElasticNet as ElasticNet
from fastloss.registry import get_loss as get_loss
from fastloss.registry import list_losses as list_losses
from fastloss.settings import get_num_threads as get_num_threads
from fastloss.settings import set_check_finite as set_check_finite
from fastloss.settings import set_num_threads as set_num_threads
from fastloss.settings import show_config as show_config
"""


def function_stub(cls: type) -> str:
    """The function form of a loss, as its signature has it."""
    signature = inspect.signature(getattr(fl, cls.name))
    taken = [
        f"{p.name}: {_annotation(p)}{'' if p.default is p.empty else f' = {p.default!r}'}"
        for p in signature.parameters.values()
    ]
    at = sum(p.kind is not p.KEYWORD_ONLY for p in signature.parameters.values())
    lines = "".join(f"    {argument},\n" for argument in (*taken[:at], "*", *taken[at:])).replace("'", '"')
    return f"def {cls.name}(\n{lines}) -> {signature.return_annotation}: ...\n"


def _annotation(parameter: inspect.Parameter) -> str:
    if isinstance(parameter.annotation, str):
        return parameter.annotation
    raise SystemExit(f"make_stubs: parameter {parameter} has no annotation that is text: import annotations there")


def stub() -> str:
    """The whole file."""
    tasks = (*registry.TASKS, *registry.OTHER_TASKS)
    classes = [registry.loss_class(name) for task in tasks for name in fl.list_losses(task)]
    imports = sorted(f"from {cls.__module__} import {cls.__name__} as {cls.__name__}\n" for cls in classes)
    imports = sorted([*imports, *TAIL.splitlines(keepends=True)], key=lambda line: line.split()[1])  # by module
    functions = "".join(map(function_stub, classes))
    aliases = "".join(f"{alias} = {name}\n" for alias, name in sorted(registry.ALIASES.items()))
    names = "".join(f'    "{name}",\n' for name in sorted(fl.__all__, key=lambda name: (not name.isupper(), name)))
    text = f"{HEAD}{''.join(imports)}\n__all__ = [\n{names}]\n\n{functions}\n{aliases}"
    used = [word for word in ("Callable", "Mapping", "Sequence") if f"{word}[" in text]
    collections = f"from collections.abc import {', '.join(used)}\n" if used else ""
    text = text.replace("from collections.abc import Callable, Mapping, Sequence\n", collections)
    return text if "NDArray[" in text else text.replace("import ArrayLike, NDArray", "import ArrayLike")


if __name__ == "__main__":
    sys.exit(generated.main(generated.ROOT / "fastloss" / "__init__.pyi", stub(), "make stubs"))

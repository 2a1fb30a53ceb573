"""What a run is made of: cases, the rows that they have, and what is true of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import fastloss as fl

__all__ = ["SEED", "Case", "Row", "Truth", "bootstrap"]

SEED = 20260101  # of the bootstrap, of random projections and pairs


def bootstrap(pool_size: int, samples: int) -> NDArray[np.uint16]:
    """Which sample of the pool each sample is: drawn with replacement and a fixed seed, the same in every process."""
    return np.random.default_rng(SEED).integers(0, pool_size, samples, dtype=np.uint16)


@dataclass(frozen=True)
class Truth:
    """Data, and what the reference of the loss makes of them in at least float64.

    Parameters
    ----------
    data : tuple of ndarray
        The arrays of a call, in the dtype of the row.
    value : ndarray
        Values that add up to the loss: of every element or sample. Of a loss that is no sum, the loss alone.
    derivatives : dict of str to tuple of ndarray
        ``"gradient"`` of each array that has one, and ``"hessian"`` where there is one: those of the values.
    """

    data: tuple[NDArray[Any], ...]
    value: NDArray[Any]
    derivatives: dict[str, tuple[NDArray[Any], ...]]


@dataclass(frozen=True)
class Case(ABC):
    """A loss with its parameters, and how to call it on which data.

    Parameters
    ----------
    loss : str
        Name in the registry.
    params : tuple of (str, value)
        Parameters that differ from the defaults.
    source : str
        Which data it takes, in a word.
    main : bool
        Whether a quick run has it.
    """

    loss: str
    params: tuple[tuple[str, Any], ...]
    source: str
    main: bool = field(default=True, kw_only=True)

    program: ClassVar[str]  # the method of an engine that makes its program; one without it has nothing for the case
    operations: ClassVar[tuple[str, ...]]

    @property
    def label(self) -> str:
        """The loss as one would write it: ``binary_cross_entropy(from_logits=True)``."""
        if not self.params:
            return self.loss
        return f"{self.loss}({', '.join(f'{name}={value!r}' for name, value in self.params)})"

    def make_loss(self) -> Any:
        """The loss object."""
        return fl.get_loss(self.loss, **dict(self.params))

    @property
    @abstractmethod
    def description(self) -> str:
        """The data, in a line for the report."""

    @property
    @abstractmethod
    def pooled(self) -> bool:
        """Whether samples count for themselves, so that a few thousand distinct ones can stand for millions."""

    @abstractmethod
    def shapes(self, sizes: Sequence[int]) -> list[tuple[int, ...]]:
        """The shapes that come near these numbers of elements."""

    def own_shapes(self, full: bool) -> list[tuple[int, ...]]:
        """Those that take the place of `shapes` where nobody asked for sizes, if there are some."""
        return []

    def wide_shapes(self, full: bool) -> list[tuple[int, ...]]:
        """More of them, for runs that have millions of elements."""
        return []

    @abstractmethod
    def distinct(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """What of a shape the truth depends on."""

    @abstractmethod
    def truth(self, shape: tuple[int, ...], dtype: str) -> Truth:
        """Data of a shape, or the pool from which they are drawn."""

    @abstractmethod
    def bytes(self, shape: tuple[int, ...], dtype: str, operation: str) -> int:
        """Bytes that have to move between memory and the cores: the inputs read once, the outputs written once."""

    @abstractmethod
    def task(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """What an engine has to know beside the loss, as JSON: fields of the task that `program` is given."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a case, an operation, a dtype and a shape."""

    case: Case
    operation: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def n(self) -> int:
        """Elements of the prediction."""
        return int(np.prod(self.shape))

    @property
    def samples(self) -> int:
        """Rows of the prediction: what a mean divides by."""
        return self.shape[0]

    @property
    def bytes(self) -> int:
        """Bytes of inputs and outputs."""
        return self.case.bytes(self.shape, self.dtype, self.operation)

    @property
    def size_label(self) -> str:
        """The shape, short: ``100``, ``1e6`` or ``1e5x10``."""
        return "x".join(_short(length) for length in self.shape)


def _short(n: int) -> str:
    text = f"{n:.0e}".replace("e+0", "e").replace("e+", "e")
    return text if n >= 1000 and float(text) == n else str(n)

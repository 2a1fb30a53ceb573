"""Objects that are their parameters: what losses, penalties and combinations of tasks have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["Immutable", "literal"]


class Immutable:
    """A class and its parameters: immutable, comparable, hashable, picklable, with a repr that evaluates back."""

    _params: Mapping[str, Any]

    def __init__(self, **params: Any) -> None:
        # Past __setattr__, into the instance: a __getattr__ would cost a small call a third of its time.
        self.__dict__.update(params, _params=params)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, as the constructor takes them."""
        return dict(self._params)

    def __setattr__(self, name: str, value: object) -> None:
        cls = type(self).__name__
        raise AttributeError(f"{cls} is immutable: make a new one, {cls}({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={literal(value)}' for key, value in self._params.items())})"

    def _identity(self) -> tuple[object, ...]:
        return type(self), tuple(self._params.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Immutable) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __deepcopy__(self, memo: object) -> Immutable:
        # Estimators are cloned by a host that copies its parameters deeply: the clone is to hold the same ones.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self._params)


def literal(value: Any) -> str:
    """repr, but of an infinite number, whose repr is a name."""
    return f"float({str(value)!r})" if isinstance(value, float) and math.isinf(value) else repr(value)


def _rebuild(cls: type[Immutable], params: Mapping[str, Any]) -> Immutable:
    return cls(**params)

"""A guess at what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`` (did you mean 'huber'?)``, or nothing if no known name is close."""
    close = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""

"""A guess at what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`` (did you mean 'huber'?)``, or nothing if no known name is close."""
    plain = {_plain(word): word for word in known}
    close = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.6)
    return f" (did you mean {plain[close[0]]!r}?)" if close else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")

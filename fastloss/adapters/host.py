"""The library that an adapter plugs into: that it is installed, and of a version whose contract is known."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from typing import Any


def require(module: str, install: str, least: str, below: str | None = None) -> Any:
    """Import a library, or say what to install instead.

    Parameters
    ----------
    module : str
        What is imported.
    install : str
        What pip is told to install.
    least : str
        First version whose contract the adapter knows.
    below : str, optional
        First version that it does not know any more; given where the adapter builds on what is not public.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        Naming what is wanted, and the versions.

    Examples
    --------
    >>> require("numpy", "numpy", "2.0").__name__
    'numpy'
    """
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this adapter needs {module}, which cannot be imported ({error}): pip install '{install}>={least}'"
        ) from error
    version = str(found.__version__)
    if numbers_of(version) < numbers_of(least):
        raise ImportError(f"{module} is {version}: this adapter needs {least} or later; pip install -U '{install}'")
    if below is not None and numbers_of(version) >= numbers_of(below):
        raise ImportError(
            f"{module} is {version}: this adapter builds on parts of it that are not public, and knows {least} up to, "
            f"but not, {below}; update fastloss, or pip install '{install}>={least},<{below}'"
        )
    return found


def numbers_of(version: str) -> tuple[int, ...]:
    """Major and minor number, to compare versions by."""
    return tuple(int(x) for x in re.findall(r"\d+", version)[:2])

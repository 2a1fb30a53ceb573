"""Files that are either old or complete."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastloss.usage import UsageError

__all__ = ["check_folder", "write_atomically", "write_json", "write_text", "written"]


def check_folder(path: Path | None, read: Path | None = None) -> None:
    """Raise before any work for a file that could not be written after it, or would replace what it was read from; None
    is none."""
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"there is no directory {path.absolute().parent} to write {path.name} to")
    if path is not None and read is not None and path.exists() and read.exists() and path.samefile(read):
        raise UsageError(f"{path} is the file to be read: write to another")


def written(path: Path | None, write: Callable[[Path], object]) -> int:
    """Write a file that a program was asked for; 0, or 1 where that failed, with the reason on standard error."""
    if path is None:
        return 0
    try:
        write(path)
    except ImportError as error:
        print(f"{path} not written: {error} (pip install 'fastloss[cli]')", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"{path} not written: {error}", file=sys.stderr)
    else:
        return 0
    return 1


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path` and put it in its place when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files for the owner only
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write a text."""
    write_atomically(path, lambda temporary: temporary.write_text(text))


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document."""
    write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")

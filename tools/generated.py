"""A committed file that is made from the registry: written, or with ``--check`` compared."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(path: Path, wanted: str, command: str) -> int:
    """Write the file, or compare; the exit status. `command` is what to run when it is not up to date."""
    name = path.relative_to(ROOT)
    parser = argparse.ArgumentParser(description=f"Write {name} from the registry of losses.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if it is not up to date")
    args = parser.parse_args()
    found = path.read_text() if path.exists() else ""
    if wanted == found:
        return 0
    if args.check:
        sys.stdout.writelines(difflib.unified_diff(*(x.splitlines(True) for x in (found, wanted)), "found", "wanted"))
        print(f"{name} is not what the registry says: run `{command}`", file=sys.stderr)
        return 1
    path.write_text(wanted)
    print(f"wrote {name}")
    return 0

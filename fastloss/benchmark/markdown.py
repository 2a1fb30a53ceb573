"""The tables of README.md and docs/performance.md, made from a run's document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastloss.benchmark.cases import OPERATIONS
from fastloss.benchmark.report import operation_label, ratio_text, time_text
from fastloss.writing import write_text

__all__ = ["as_markdown", "write_markdown"]


def as_markdown(document: dict[str, Any]) -> str:
    """A table for each operation and dtype, and what they were measured with.

    Parameters
    ----------
    document : dict
        From `results.as_document` or a file of ``--json``.
    """
    machine, settings = document["machine"], document["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    lines = [
        f"Measured {machine['date'][:10]} on {machine['cpu']}, {settings['threads']} threads for every engine,"
        f" {machine['last_level_cache_bytes'] >> 20} MiB last-level cache, Python {machine['python']}; {versions}."
        " Time per element is fastloss's median; a peer's column is its time over fastloss's, the median over rounds in"
        " which the engines take turns. **Bold**: fastloss is slower. †: the result disagrees with the reference."
        " -: the peer has no such function. Limit, for data larger than the cache: the larger of the time of a"
        " streaming-store triad over the same bytes and the loss's own in cache, over the time taken.",
    ]
    for operation in OPERATIONS:
        for dtype in dict.fromkeys(row["dtype"] for row in document["rows"]):
            rows = [r for r in document["rows"] if (r["operation"], r["dtype"]) == (operation, dtype)]
            if rows:
                lines += ["", f"**{operation_label(operation)}, {dtype}**", "", *_table(rows)]
    missing = [f"{name}: {why}" for name, why in document["engines"].items() if why != "ran"]
    if missing or document["notes"]:
        lines += ["", *(f"- {note}" for note in [*missing, *document["notes"]])]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    peers = [n for n in dict.fromkeys(name for row in rows for name in row["results"]) if n != "fastloss"]
    peers = [name for name in peers if any(r["results"].get(name, {}).get("ratio_to_fastloss") for r in rows)]
    lines = [
        f"| loss | n | ns per element | GB/s | of the limit | {' | '.join(peers)} |",
        f"|---|--:|--:|--:|--:|{'--:|' * len(peers)}",
    ]
    for row in rows:
        ours = row["results"].get("fastloss", {}).get("ns_per_element")
        limit = row["of_limit"]
        cells = [
            f"`{row['label']}`",
            " x ".join(f"{length:,}" for length in row["shape"]),
            time_text(ours["median"]) if ours else "failed",
            f"{row['gb_per_s']:.3g}" if row["gb_per_s"] else "",
            f"{limit:.0%}" if limit else "",
            *(_cell(row["results"].get(name)) for name in peers),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(result: dict[str, Any] | None) -> str:
    if result is None or result["status"] == "none":
        return "-"
    if result["ratio_to_fastloss"] is None:
        return "failed"
    ratio = result["ratio_to_fastloss"]["median"]
    mark = " †" if result["status"] == "disagrees" else ""
    return (f"**{ratio_text(ratio)}**" if ratio < 1 else ratio_text(ratio)) + mark


def write_markdown(path: Path, document: dict[str, Any]) -> None:
    """Write the tables."""
    text = as_markdown(document)
    write_text(path, text)

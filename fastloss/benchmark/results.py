"""The results of a run as a document for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastloss.benchmark.runner import RowResult, Spread

__all__ = ["SCHEMA", "as_document"]

SCHEMA = "fastloss-bench/1"


def as_document(
    outcomes: Sequence[RowResult],
    *,
    machine: dict[str, Any],
    settings: dict[str, Any],
    versions: dict[str, str],
    engines: dict[str, str],
    notes: Sequence[str],
    complete: bool,
) -> dict[str, Any]:
    """Everything about a run in one dictionary."""
    return {
        "schema": SCHEMA,
        "complete": complete,
        "machine": machine,
        "settings": settings,
        "versions": versions,
        "engines": engines,
        "notes": list(notes),
        "rows": [_row(outcome) for outcome in outcomes],
    }


def _spread(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else asdict(spread)


def _row(outcome: RowResult) -> dict[str, Any]:
    row = outcome.row
    return {
        "loss": row.case.loss,
        "label": row.case.label,
        "params": dict(row.case.params),
        "source": row.case.source,
        "operation": row.operation,
        "dtype": row.dtype,
        "shape": list(row.shape),
        "n": row.n,
        "bytes": row.bytes,
        "gb_per_s": outcome.gigabytes_per_second,
        "memory_gb_per_s": _spread(Spread.of(outcome.memory_samples)) if outcome.memory_samples else None,
        "memory_how": outcome.memory_how,
        "of_limit": outcome.of_limit,
        "results": {
            name: {
                "status": result.status,
                "ns_per_element": _spread(outcome.nanoseconds(name)),
                "ratio_to_fastloss": _spread(outcome.ratio(name)),
                "ns_per_call_samples": result.samples,
                "calls_per_sample": result.loops,
                "errors": result.errors,
                "statement": result.statement,
                "how": result.how,
                "note": result.note,
            }
            for name, result in outcome.results.items()
        },
    }

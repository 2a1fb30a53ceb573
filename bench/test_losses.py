"""Every loss, operation and dtype, in cache and at the size of one call's overhead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.benchmark.case import Row
from fastloss.benchmark.cases import DTYPES, OPERATIONS, make_plan

PLAN, _ = make_plan(fl.list_losses(), sizes=[100, 100_000], dtypes=DTYPES, operations=OPERATIONS, full=True)


@pytest.mark.parametrize("row", PLAN, ids=lambda row: f"{row.case.label}-{row.operation}-{row.dtype}-{row.size_label}")
def test_loss(row: Row, data: tuple[Any, Any, Any], benchmark: Any) -> None:
    loss, y, z = data
    benchmark.group = f"{row.case.loss} {row.operation}"
    benchmark.extra_info.update(n=row.n, bytes=row.bytes)
    g, h = np.empty_like(z), np.empty_like(z)
    if row.operation == "value":
        benchmark(loss, y, z)
    elif row.operation == "value_and_gradient":
        benchmark(loss.value_and_gradient, y, z, out=g)
    else:
        benchmark(loss.gradient_and_hessian, y, z, out=(g, h))

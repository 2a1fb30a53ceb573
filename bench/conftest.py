"""Rows of `fastloss bench` as pytest-benchmark cases: the same losses, predictions and sizes, for comparing commits.

pytest bench --benchmark-enable --benchmark-autosave            # on one commit
pytest bench --benchmark-enable --benchmark-compare             # on the next
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastloss.benchmark.case import Row, bootstrap

THREADS = 1  # the steadiest number on a machine that others use too


@pytest.fixture
def data(request: pytest.FixtureRequest) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """The loss, targets and predictions of a row."""
    row: Row = request.getfixturevalue("row")
    y, z = row.case.truth(row.shape, row.dtype).data
    index = bootstrap(len(z), row.samples)
    return row.case.make_loss(), y[index], z[index]


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    import fastloss as fl

    fl.set_num_threads(THREADS)
    with np.errstate(all="ignore"):
        yield
    fl.set_num_threads(None)

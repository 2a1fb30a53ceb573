"""What a target or a prediction may be, as data: the kernels check it, and the messages are made from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

# Codes of enum fl_domain in src_c/fastloss.h.
_CLOSED, OPEN_LOW, _TWO_VALUES = 0, 1, 2

# Probabilities of a row must sum to 1 this closely: float16 softmax outputs pass, raw scores do not.
ROW_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Domain:
    """A set of numbers: what was expected, and what to do when something else comes."""

    code: int | None  # how `low` and `high` are meant; None: any number
    low: float
    high: float
    expected: str
    fix: str
    alternative: Domain | None = None  # or else all elements are in this one
    rows_sum_to_one: bool = False


ANY = Domain(None, -inf, inf, "any number", "")
NON_NEGATIVE = Domain(_CLOSED, 0.0, inf, "a finite number >= 0", "drop or correct these rows")
POSITIVE = Domain(OPEN_LOW, 0.0, inf, "a finite number > 0", "drop or correct these rows")
ABOVE_MINUS_ONE = Domain(OPEN_LOW, -1.0, inf, "a finite number > -1", "drop or correct these rows")
FROM_MINUS_ONE = Domain(_CLOSED, -1.0, inf, "a number >= -1", "clip the predictions, or predict the logarithm of 1 + y")
PROBABILITY_TARGET = Domain(
    _CLOSED, 0.0, 1.0, "a label in {0, 1} or a probability in [0, 1]", "map the labels to 0 and 1"
)
BINARY = Domain(_TWO_VALUES, 0.0, 1.0, "a label in {0, 1}", "map the labels to 0 and 1")
SIGNS = Domain(
    _TWO_VALUES,
    0.0,
    1.0,
    "labels all in {0, 1}, or all in {-1, 1}",
    "use one coding for the whole array",
    alternative=Domain(_TWO_VALUES, -1.0, 1.0, "", ""),
)
WANTED = Domain(_CLOSED, 1.0, 1.0, "1, what the generator wants the critic to say", "pass ones, with generated samples")
PROBABILITY = Domain(_CLOSED, 0.0, 1.0, "a probability in [0, 1]", "pass from_logits=True if these are raw scores")
MEAN = Domain(_CLOSED, 0.0, inf, "a mean >= 0", "pass link='log' if these are raw scores")
LOG_PROBABILITY = Domain(
    _CLOSED, -inf, ROW_SUM_TOLERANCE, "a log-probability <= 0", "pass from_logits=True if these are raw scores"
)
LOG_SOFTMAX = replace(LOG_PROBABILITY, fix="take the log-softmax of raw scores, or use a loss with from_logits=True")
LABELS = Domain(None, 0.0, inf, "a class index", "count classes from 0")
LABEL_SETS = Domain(
    _TWO_VALUES,
    0.0,
    1.0,
    "a mask of each row's labels (bool, or 0.0 and 1.0), or integer rows of label indices filled up with -1",
    "pass a mask as y_true.astype(bool), label indices as integers",
)
PROBABILITY_ROWS = Domain(
    _CLOSED, 0.0, 1.0, "a probability in [0, 1]", "pass from_logits=True if these are raw scores", rows_sum_to_one=True
)
TARGET_ROWS = Domain(
    _CLOSED,
    0.0,
    1.0,
    "a probability in [0, 1], rows summing to 1",
    "normalise the rows, or use the sparse loss for class indices",
    rows_sum_to_one=True,
)

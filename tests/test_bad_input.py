# ruff: noqa: E501  (tables: one case a line)
"""Bad input raises, says which argument, where, what it is, what was expected and what to do, and loses nothing."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pytest

import fastloss as fl
from fastloss import backend, reference

NAN, INF = float("nan"), float("inf")
MSE, MAE = fl.SquaredError(), fl.AbsoluteError()
BCE, LOGITS = fl.BinaryCrossEntropy(), fl.BinaryCrossEntropy(from_logits=True)
CCE, CCE_LOGITS = fl.CategoricalCrossEntropy(), fl.CategoricalCrossEntropy(from_logits=True)
SPARSE, SPARSE_LOGITS = fl.SparseCategoricalCrossEntropy(), fl.SparseCategoricalCrossEntropy(from_logits=True)
KL = fl.KLDivergence()
NLL = fl.GaussianNLL()


class Row(NamedTuple):
    """One bad call, and what must be said about it."""

    loss: Any
    y_true: Any
    y_pred: Any
    error: type[Exception]
    says: str
    weight: Any = None
    more: dict[str, Any] = {}  # noqa: RUF012


def f(*values, dtype=np.float64):
    return np.array(values, dtype)


def bad(at, value, n=6, fill=0.5, dtype=np.float64):
    """An array of n equal numbers, but one."""
    x = np.full(n, fill, dtype)
    x[at] = value
    return x


OK = np.full(6, 0.5)
LABELS = np.array([0, 1, 0, 1, 1, 0])
ROWS = np.full((6, 4), 0.25)
INDEX = np.array([0, 1, 2, 3, 0, 1])


def LISTED(at, value):
    """Rows of two labels each, but one."""
    x = np.tile([2, 0, -1, 7], (6, 1))
    x[at] = value
    return x


LONG_BAD = bad(70_001, -1.0, 70_005)  # beyond a block, a scan's chunk and a tile


CALLS = {
    # -- shapes: nothing broadcasts
    "(n,) against (n, 1)": Row(MSE, OK, OK[:, None], ValueError, r"y_true has shape \(6,\) and y_pred has shape \(6, 1\): shapes must be equal.*y_pred\.ravel\(\)"),
    "(n, 1) against (n,)": Row(MSE, OK[:, None], OK, ValueError, r"\(6, 1\) and y_pred has shape \(6,\).*y_true\.ravel\(\)"),
    "(1,) against (n,)": Row(MSE, OK[:1], OK, ValueError, r"shape \(1,\) and y_pred has shape \(6,\): shapes must be equal"),
    "(n,) against (1,)": Row(MSE, OK, OK[:1], ValueError, r"\(6,\) and y_pred has shape \(1,\)"),
    "scalar against (n,)": Row(MSE, 0.5, OK, ValueError, r"y_true has shape \(\) and y_pred has shape \(6,\)"),
    "(n,) against scalar": Row(MSE, OK, 0.5, ValueError, r"y_true has shape \(6,\) and y_pred has shape \(\)"),
    "(2, 3) against (3, 2)": Row(MSE, OK.reshape(2, 3), OK.reshape(3, 2), ValueError, r"\(2, 3\) and y_pred has shape \(3, 2\)"),
    "(0,) against (1,)": Row(MSE, OK[:0], OK[:1], ValueError, r"\(0,\) and y_pred has shape \(1,\)"),
    "one too few": Row(LOGITS, LABELS[:5], OK, ValueError, r"\(5,\) and y_pred has shape \(6,\)"),
    "one too many": Row(LOGITS, LABELS, OK[:5], ValueError, r"\(6,\) and y_pred has shape \(5,\)"),
    "(1, n) against (n, 1)": Row(MAE, OK[None], OK[:, None], ValueError, r"\(1, 6\) and y_pred has shape \(6, 1\)"),
    "ragged y_true": Row(MSE, [[1.0, 2.0], [3.0]], OK[:2], TypeError, "y_true cannot be read as an array of numbers"),
    "ragged y_pred": Row(MSE, OK[:2], [[1.0, 2.0], [3.0]], TypeError, "y_pred cannot be read as an array of numbers"),
    # -- shapes of losses over classes
    "labels of rows": Row(CCE, INDEX, ROWS, ValueError, r"expected y_true of shape \(6, 4\).*SparseCategoricalCrossEntropy"),
    "rows of labels": Row(SPARSE, ROWS, ROWS, ValueError, r"expected y_true of shape \(6,\).*CategoricalCrossEntropy"),
    "labels (n, 1)": Row(SPARSE, INDEX[:, None], ROWS, ValueError, r"y_true has shape \(6, 1\).*expected y_true of shape \(6,\)"),
    "another K": Row(CCE, np.full((6, 3), 1 / 3), ROWS, ValueError, r"y_true has shape \(6, 3\).*expected y_true of shape \(6, 4\)"),
    "another n": Row(SPARSE, INDEX[:5], ROWS, ValueError, r"y_true has shape \(5,\).*expected y_true of shape \(6,\)"),
    "K = 0": Row(SPARSE_LOGITS, INDEX, ROWS[:, :0], ValueError, r"y_pred has shape \(6, 0\): expected \(n_samples, n_classes\) with at least one class"),
    "K = 0, rows": Row(CCE, ROWS[:, :0], ROWS[:, :0], ValueError, r"at least one class"),
    "scores without an axis": Row(SPARSE_LOGITS, 1, 0.5, ValueError, r"y_pred has shape \(\): expected \(n_samples, n_classes\)"),
    "KL of another K": Row(KL, np.full((6, 3), 1 / 3), ROWS, ValueError, r"expected y_true of shape \(6, 4\)"),
    "class weights of another K": Row(fl.SparseCategoricalCrossEntropy(class_weight=[1, 2, 3]), INDEX, ROWS, ValueError, "class_weight has 3 entries and y_pred has 4 classes: give one per class"),
    "class weights, one too many": Row(fl.CategoricalCrossEntropy(class_weight=[1] * 5), ROWS, ROWS, ValueError, "class_weight has 5 entries and y_pred has 4 classes"),
    # -- shapes of losses of two outputs
    "one output": Row(NLL, OK, OK, ValueError, r"y_pred has shape \(6,\): gaussian_nll expects \(n_samples, 2\), with location and log scale along the last axis"),
    "three outputs": Row(NLL, OK, np.zeros((6, 3)), ValueError, r"y_pred has shape \(6, 3\): gaussian_nll expects \(n_samples, 2\)"),
    "outputs first": Row(NLL, OK, np.zeros((2, 6)), ValueError, r"y_pred has shape \(2, 6\): gaussian_nll expects"),
    "an output, no axis": Row(NLL, 0.5, 0.5, ValueError, r"y_pred has shape \(\): gaussian_nll expects"),
    "targets of outputs": Row(NLL, np.zeros((6, 2)), np.zeros((6, 2)), ValueError, r"y_true has shape \(6, 2\).*expected y_true of shape \(6,\)"),
    "targets (n, 1) of outputs": Row(NLL, OK[:, None], np.zeros((6, 2)), ValueError, r"expected y_true of shape \(6,\) \(use y_true.ravel\(\)"),
    "weights of outputs": Row(NLL, OK, np.zeros((6, 2)), ValueError, r"sample_weight has shape \(6, 2\): expected \(6,\)", np.ones((6, 2))),
    "a negative weight of outputs": Row(NLL, OK, np.zeros((6, 2)), ValueError, r"sample_weight\[4\] is -1", bad(4, -1)),
    # -- what an array may be
    "y_true None": Row(MSE, None, OK, TypeError, "y_true is None: expected an array of numbers"),
    "y_pred None": Row(MSE, OK, None, TypeError, "y_pred is None: expected an array of numbers"),
    "y_true of strings": Row(MSE, ["a", "b"], OK[:2], TypeError, "y_true has dtype <U1: expected real numbers"),
    "y_pred of strings": Row(MSE, OK[:2], ["1", "2"], TypeError, "y_pred has dtype <U1: expected real numbers"),
    "complex": Row(MSE, OK, OK.astype(complex), TypeError, "y_pred has dtype complex128: expected real numbers"),
    "complex y_true": Row(MSE, OK.astype(np.complex64), OK, TypeError, "y_true has dtype complex64: expected real numbers"),
    "dates": Row(MSE, OK.astype("datetime64[s]"), OK, TypeError, r"y_true has dtype datetime64\[s\]: expected real numbers"),
    "durations": Row(MSE, OK, OK.astype("timedelta64[s]"), TypeError, r"y_pred has dtype timedelta64\[s\]: expected real numbers"),
    "bytes": Row(MSE, np.array([b"x", b"y"]), OK[:2], TypeError, "y_true has dtype .S1: expected real numbers"),
    "records": Row(MSE, np.zeros(2, [("a", float)]), OK[:2], TypeError, "y_true has dtype .*: expected real numbers"),
    "objects": Row(MSE, np.array([1.0, "x"], object), OK[:2], TypeError, r"y_true\[1\] is 'x': expected real numbers; drop or fill missing values"),
    "None inside": Row(MSE, [1.0, None, 2.0], OK[:3], TypeError, r"y_true\[1\] is None: expected real numbers; drop or fill missing values"),
    "None inside y_pred": Row(MSE, OK[:3], [1.0, 2.0, None], TypeError, r"y_pred\[2\] is None: expected real numbers"),
    "None inside weights": Row(MSE, OK[:3], OK[:3], TypeError, r"sample_weight\[0\] is None: expected real numbers", [None, 1, 1]),
    "masked y_true": Row(MSE, np.ma.array(OK, mask=[0, 1, 0, 0, 0, 0]), OK, TypeError, "y_true is a masked array.*pass sample_weight=~mask"),
    "masked y_pred": Row(MSE, OK, np.ma.array(OK), TypeError, "y_pred is a masked array"),
    "a dict": Row(MSE, {"a": 1}, OK, TypeError, r"y_true.* is \{'a': 1\}: expected real numbers"),
    "a function": Row(MSE, OK, len, TypeError, "y_pred.*: expected real numbers"),
    "a string": Row(MSE, "abc", OK, TypeError, "y_true has dtype <U3: expected real numbers"),
    "a set": Row(MSE, OK[:2], {1.0, 2.0}, TypeError, "y_pred.*: expected real numbers"),
    # -- weights
    "negative weight": Row(MSE, OK, OK, ValueError, r"sample_weight\[3\] is -1\.0: expected a finite number >= 0", bad(3, -1.0)),
    "negative weight, float32": Row(MSE, OK.astype("f4"), OK.astype("f4"), ValueError, r"sample_weight\[5\] is -0\.5: expected a finite number >= 0", bad(5, -0.5, dtype=np.float32)),
    "negative integer weight": Row(MSE, OK, OK, ValueError, r"sample_weight\[1\] is -2: expected a finite number >= 0", np.array([1, -2, 1, 1, 1, 1])),
    "NaN weight": Row(MSE, OK, OK, ValueError, r"sample_weight\[0\] is nan: expected a finite number >= 0", bad(0, NAN)),
    "infinite weight": Row(MSE, OK, OK, ValueError, r"sample_weight\[2\] is inf: expected a finite number >= 0", bad(2, INF)),
    "weight beyond float32": Row(MSE, OK.astype("f4"), OK.astype("f4"), ValueError, r"sample_weight\[2\] is 1e\+39: expected a finite number", bad(2, 1e39)),
    "first of two bad weights": Row(MSE, OK, OK, ValueError, r"sample_weight\[1\] is -3", f(1, -3, 1, -4, 1, 1)),
    "weight per row, negative": Row(SPARSE, INDEX, ROWS, ValueError, r"sample_weight\[4\] is -1", bad(4, -1.0)),
    "weights of another n": Row(MSE, OK, OK, ValueError, r"sample_weight has shape \(5,\): expected \(6,\), as y_pred has shape \(6,\)", OK[:5]),
    "weights (n, 1) of (n,)": Row(MSE, OK, OK, ValueError, r"sample_weight has shape \(6, 1\): expected \(6,\)", OK[:, None]),
    "scalar weight": Row(MSE, OK, OK, ValueError, r"sample_weight has shape \(\): expected \(6,\)", 2.0),
    "weights along the last axis": Row(MSE, np.ones((2, 3)), np.ones((2, 3)), ValueError, r"sample_weight has shape \(3,\): expected \(2,\) or \(2, 3\)", np.ones(3)),
    "weights (1, m)": Row(MSE, np.ones((2, 3)), np.ones((2, 3)), ValueError, r"sample_weight has shape \(1, 3\): expected \(2,\) or \(2, 3\)", np.ones((1, 3))),
    "weights per class entry": Row(CCE, ROWS, ROWS, ValueError, r"sample_weight has shape \(6, 4\): expected \(6,\)", np.ones((6, 4))),
    "weights of strings": Row(MSE, OK, OK, TypeError, "sample_weight has dtype <U1: expected real numbers", list("abcdef")),
    "masked weights": Row(MSE, OK, OK, TypeError, "sample_weight is a masked array", np.ma.array(OK)),
    # -- nothing to divide by
    "weights all 0": Row(MSE, OK, OK, ValueError, r"the mean of squared_error is undefined: the total weight is zero; use reduction='sum'", np.zeros(6)),
    "no samples": Row(MSE, [], [], ValueError, r"the mean of squared_error is undefined: there are no samples; use reduction='sum'"),
    "no rows": Row(CCE, ROWS[:0], ROWS[:0], ValueError, r"the mean of categorical_cross_entropy is undefined: there are no samples"),
    "every row ignored": Row(fl.SparseCategoricalCrossEntropy(ignore_index=-1), np.full(6, -1), ROWS, ValueError, "the total weight is zero"),
    "class weights all 0": Row(fl.SparseCategoricalCrossEntropy(class_weight=[0, 1, 1, 1]), np.zeros(6, int), ROWS, ValueError, "the total weight is zero"),
    # -- probabilities
    "p > 1": Row(BCE, LABELS, bad(2, 1.5), ValueError, r"y_pred\[2\] is 1\.5: binary_cross_entropy expects a probability in \[0, 1\]; pass from_logits=True if these are raw scores"),
    "p < 0": Row(BCE, LABELS, bad(0, -1e-9), ValueError, r"y_pred\[0\] is -1e-09: .*probability in \[0, 1\]; pass from_logits=True"),
    "p infinite": Row(BCE, LABELS, bad(5, INF), ValueError, r"y_pred\[5\] is inf: .*probability"),
    "p just above 1, float32": Row(BCE, LABELS, bad(5, np.nextafter(np.float32(1), np.float32(2)), dtype=np.float32), ValueError, r"y_pred\[5\] is 1\.0000001\d*: .*probability"),
    "p > 1, 2-D": Row(BCE, LABELS.reshape(2, 3), bad(4, 2.0).reshape(2, 3), ValueError, r"y_pred\[1, 1\] is 2\.0"),
    "first of two": Row(BCE, LABELS, f(0.5, 3, 0.5, 4, 0.5, 0.5), ValueError, r"y_pred\[1\] is 3\.0"),
    "far away": Row(BCE, np.zeros(70_005), LONG_BAD, ValueError, r"y_pred\[70001\] is -1\.0"),
    "integers as p": Row(BCE, LABELS, [0, 1, 2, 0, 1, 1], ValueError, r"y_pred\[2\] is 2"),
    "focal p > 1": Row(fl.BinaryFocal(), LABELS, bad(3, 1.01), ValueError, r"y_pred\[3\] is 1\.01: binary_focal expects a probability in \[0, 1\]; pass from_logits=True"),
    "row of scores": Row(SPARSE, INDEX, ROWS * 8, ValueError, r"y_pred\[0, 0\] is 2\.0: sparse_categorical_cross_entropy expects a probability in \[0, 1\]; pass from_logits=True"),
    "negative in a row": Row(CCE, ROWS, np.where(np.arange(24).reshape(6, 4) == 9, -0.1, ROWS), ValueError, r"y_pred\[2, 1\] is -0\.1: .*pass from_logits=True"),
    "row that sums to 0.9": Row(CCE, ROWS, ROWS - np.eye(6, 4) * 0.1, ValueError, r"y_pred\[0\] sums to 0\.9: .* rows that sum to 1; pass from_logits=True"),
    "row that sums to 1.01": Row(SPARSE, INDEX, np.where(np.arange(6)[:, None] == 4, ROWS * 1.01, ROWS), ValueError, r"y_pred\[4\] sums to 1\.01"),
    "row in float32": Row(SPARSE, INDEX, np.where(np.arange(6)[:, None] == 3, ROWS * 0.5, ROWS).astype("f4"), ValueError, r"y_pred\[3\] sums to 0\.5"),
    "row of three axes": Row(CCE, ROWS.reshape(2, 3, 4), (ROWS * (np.arange(6) != 5)[:, None]).reshape(2, 3, 4), ValueError, r"y_pred\[1, 2\] sums to 0"),
    "KL of scores": Row(KL, ROWS, ROWS * 8, ValueError, r"y_pred\[0, 0\] is 2\.0: kl_divergence expects a probability"),
    "KL, log-probability > 0": Row(fl.KLDivergence(from_log_probabilities=True), ROWS, np.where(np.arange(24).reshape(6, 4) == 5, 0.7, -1.4), ValueError, r"y_pred\[1, 1\] is 0\.7: kl_divergence expects a log-probability <= 0"),
    # -- targets
    "label 2": Row(BCE, bad(1, 2, fill=1), OK, ValueError, r"y_true\[1\] is 2\.0: binary_cross_entropy expects a label in \{0, 1\} or a probability in \[0, 1\]; map the labels to 0 and 1"),
    "label -1 of cross-entropy": Row(LOGITS, bad(4, -1, fill=1), OK, ValueError, r"y_true\[4\] is -1\.0: .*map the labels to 0 and 1"),
    "label NaN": Row(LOGITS, bad(4, NAN), OK, ValueError, r"y_true\[4\] is nan: .*label in \{0, 1\}"),
    "integer label 7": Row(LOGITS, np.array([0, 1, 7, 0, 1, 1], np.uint8), OK, ValueError, r"y_true\[2\] is 7: .*label in \{0, 1\}"),
    "soft label of focal": Row(fl.BinaryFocal(from_logits=True), bad(2, 0.3, fill=1), OK, ValueError, r"y_true\[2\] is 0\.3: binary_focal expects a label in \{0, 1\}"),
    "hinge, both codings": Row(fl.Hinge(), f(-1, 1, 0, 1, -1, 1), OK, ValueError, r"y_true\[2\] is 0\.0: hinge expects labels all in \{0, 1\}, or all in \{-1, 1\}; use one coding"),
    "soft margin, both codings": Row(fl.SoftMargin(), f(0, 1, 1, -1, 0, 1), OK, ValueError, r"y_true\[3\] is -1\.0: soft_margin expects labels all in"),
    "soft margin, -1 and 5": Row(fl.SoftMargin(), f(1, -1, 5, 0, -1, 1), OK, ValueError, r"y_true\[2\] is 5\.0: soft_margin expects labels all in"),
    "hinge, soft": Row(fl.SquaredHinge(), bad(3, 0.5, fill=1), OK, ValueError, r"y_true\[3\] is 0\.5: squared_hinge expects labels all in"),
    "hinge, label 2": Row(fl.Hinge(), np.array([1, 2, 1, 1, 1, 1]), OK, ValueError, r"y_true\[1\] is 2: hinge expects"),
    "negative count": Row(fl.Poisson(), bad(3, -1, fill=2), OK, ValueError, r"y_true\[3\] is -1\.0: poisson expects a finite number >= 0; drop or correct these rows"),
    "infinite count": Row(fl.Poisson(), bad(3, INF), OK, ValueError, r"y_true\[3\] is inf: poisson expects a finite number >= 0"),
    "NaN count": Row(fl.Poisson(), bad(0, NAN), OK, ValueError, r"y_true\[0\] is nan: poisson expects"),
    "negative integer count": Row(fl.Poisson(), np.array([3, 1, 4, 1, -5, 9], np.int8), OK, ValueError, r"y_true\[4\] is -5: poisson expects"),
    "negative mean": Row(fl.Poisson(link="identity"), OK, bad(2, -0.5), ValueError, r"y_pred\[2\] is -0\.5: poisson expects a mean >= 0; pass link='log'"),
    "gamma of 0": Row(fl.Gamma(), bad(5, 0.0), OK, ValueError, r"y_true\[5\] is 0\.0: gamma expects a finite number > 0"),
    "gamma of -0": Row(fl.Gamma(), bad(5, -0.0), OK, ValueError, r"y_true\[5\] is -0\.0: gamma expects a finite number > 0"),
    "gamma negative": Row(fl.Gamma(), bad(0, -2.0), OK, ValueError, r"y_true\[0\] is -2\.0: gamma expects"),
    "target row of scores": Row(CCE, ROWS * 8, ROWS, ValueError, r"y_true\[0, 0\] is 2\.0: categorical_cross_entropy expects a probability in \[0, 1\], rows summing to 1; normalise the rows, or use the sparse loss"),
    "target row that sums to 2": Row(CCE, np.where(np.arange(6)[:, None] == 1, 0.5, ROWS), ROWS, ValueError, r"y_true\[1\] sums to 2: .* rows that sum to 1; normalise the rows"),
    "JensenShannon of scores": Row(fl.JensenShannon(), ROWS, ROWS * 8, ValueError, r"y_pred\[0, 0\] is 2\.0: jensen_shannon expects a probability in \[0, 1\]; pass from_logits=True"),
    "ReverseKL, row of 2": Row(fl.ReverseKLDivergence(), ROWS, ROWS * (1 + (np.arange(6) == 3))[:, None], ValueError, r"y_pred\[3\] sums to 2: reverse_kl_divergence expects rows that sum to 1; pass from_logits=True"),
    "TotalVariation, labels": Row(fl.TotalVariation(), INDEX, ROWS, ValueError, r"y_true has shape \(6,\) and y_pred has shape \(6, 4\).*for class indices use fastloss.SparseCategoricalCrossEntropy"),
    "target row of zeros": Row(KL, ROWS * (np.arange(6) != 2)[:, None], ROWS, ValueError, r"y_true\[2\] sums to 0: kl_divergence expects rows that sum to 1"),
    "target row with NaN": Row(CCE, np.where(np.arange(24).reshape(6, 4) == 6, NAN, ROWS), ROWS, ValueError, r"y_true\[1, 2\] is nan"),
    # -- labels
    "label K": Row(SPARSE, bad(5, 4, fill=3, dtype=np.int64), ROWS, ValueError, r"y_true\[5\] is 4: expected an integer label in 0\.\.3, as y_pred has 4 classes; count classes from 0"),
    "label K of a margin": Row(fl.MultiMargin(), bad(5, 4, fill=3, dtype=np.int64), ROWS, ValueError, r"y_true\[5\] is 4: expected an integer label in 0\.\.3, as y_pred has 4 classes; count classes from 0"),
    "label -1 of a hinge": Row(fl.CategoricalHinge(), bad(2, -1, fill=1, dtype=np.int64), ROWS, ValueError, r"y_true\[2\] is -1: .*pass ignore_index=-1"),
    "one-hot rows as labels": Row(fl.CategoricalHinge(), np.eye(4)[INDEX], ROWS, ValueError, r"expected y_true of shape \(6,\); take y_true\.argmax\(axis=-1\) of one-hot rows"),
    "one label of many": Row(fl.MultiLabelMargin(), INDEX, ROWS, ValueError, r"expected y_true of shape \(6, 4\); of one label per row make rows: numpy\.eye\(4\)\[y_true\]"),
    "a listed label K": Row(fl.MultiLabelMargin(), LISTED((4, 1), 4), ROWS, ValueError, r"y_true\[4, 1\] is 4: expected label indices in 0\.\.3, filled up with -1, as y_pred has 4 classes; count classes from 0"),
    "a listed label -2": Row(fl.MultiLabelMargin(), LISTED((4, 1), -2), ROWS, ValueError, r"y_true\[4, 1\] is -2: expected label indices"),
    "the first of two": Row(fl.MultiLabelMargin(), LISTED(([4, 2], [0, 1]), 9), ROWS, ValueError, r"y_true\[2, 1\] is 9"),
    "a label listed twice": Row(fl.MultiLabelMargin(), LISTED((4, 1), 2), ROWS, ValueError, r"y_true\[4, 1\] is 2 for the second time in its row: expected different .*y_true\.astype\(bool\)"),
    "a mask of integers": Row(fl.MultiLabelMargin(), np.eye(4, dtype=int)[INDEX], ROWS, ValueError, r"y_true\[0, 2\] is 0 for the second time .*pass a mask of zeros and ones as y_true\.astype\(bool\)"),
    "label indices as floats": Row(fl.MultiLabelMargin(), LISTED((4, 1), 3).astype(float), ROWS, ValueError, r"y_true\[0, 0\] is 2\.0: multi_label_margin expects a mask of each row's labels .*label indices as integers"),
    "a soft mask": Row(fl.MultiLabelMargin(), ROWS, ROWS, ValueError, r"y_true\[0, 0\] is 0\.25: multi_label_margin expects a mask"),
    "a label of many that is 2": Row(fl.MultiLabelSoftMargin(), np.where(np.arange(24).reshape(6, 4) == 6, 2, ROWS), ROWS, ValueError, r"y_true\[1, 2\] is 2\.0: multi_label_soft_margin expects a label in \{0, 1\} or a probability"),
    "weights of another K": Row(fl.MultiLabelSoftMargin([1, 2, 3]), ROWS, ROWS, ValueError, "weight has 3 entries and y_pred has 4 classes: give one per class"),
    "label -1": Row(SPARSE, bad(2, -1, fill=1, dtype=np.int32), ROWS, ValueError, r"y_true\[2\] is -1: expected an integer label in 0\.\.3, .*pass ignore_index=-1 to leave such rows out"),
    "label -100, ignoring -1": Row(fl.SparseCategoricalCrossEntropy(ignore_index=-1), bad(2, -100, fill=1, dtype=np.int64), ROWS, ValueError, r"y_true\[2\] is -100: expected an integer label in 0\.\.3 or ignore_index=-1"),
    "label 1.5": Row(SPARSE_LOGITS, bad(3, 1.5, fill=1), ROWS, ValueError, r"y_true\[3\] is 1\.5: expected an integer label.*labels are class indices; for probabilities use fastloss\.CategoricalCrossEntropy"),
    "label NaN of classes": Row(SPARSE_LOGITS, bad(3, NAN, fill=1), ROWS, ValueError, r"y_true\[3\] is nan: expected an integer label in 0\.\.3"),
    "label inf": Row(SPARSE_LOGITS, bad(0, INF, fill=1), ROWS, ValueError, r"y_true\[0\] is inf: expected an integer label in 0\.\.3"),
    "uint8 label 255": Row(SPARSE, bad(4, 255, fill=1, dtype=np.uint8), ROWS, ValueError, r"y_true\[4\] is 255: expected an integer label in 0\.\.3"),
    "uint64 label 2**63 + 1": Row(SPARSE, bad(4, 2**63 + 1, fill=1, dtype=np.uint64), ROWS, ValueError, r"y_true\[4\] is 9223372036854775809: expected an integer label"),
    "int64 label 2**32": Row(SPARSE, bad(1, 2**32, fill=1, dtype=np.int64), ROWS, ValueError, r"y_true\[1\] is 4294967296: expected an integer label"),
    "label True of one class": Row(SPARSE, np.array([False, True]), np.ones((2, 1)), ValueError, r"y_true\[1\] is True: expected an integer label in 0\.\.0"),
    "label 1e300": Row(SPARSE, bad(1, 1e300, fill=1), ROWS, ValueError, r"y_true\[1\] is 1e\+300: expected an integer label"),
    "labels of strings": Row(SPARSE, list("abcabc"), ROWS, TypeError, "y_true has dtype <U1: expected real numbers"),
    "label of n-D": Row(SPARSE, np.array([[0, 1, 2], [3, 4, 0]]), ROWS.reshape(2, 3, 4), ValueError, r"y_true\[1, 1\] is 4"),
    # -- options of a call
    "reduction avg": Row(MSE, OK, OK, ValueError, "reduction='avg': expected one of 'mean', 'sum', 'none'", more={"reduction": "avg"}),
    "reduction None": Row(MSE, OK, OK, ValueError, "reduction=None: expected one of 'mean', 'sum', 'none'", more={"reduction": None}),
    "reduction 1": Row(MSE, OK, OK, ValueError, "reduction=1: expected one of 'mean', 'sum', 'none'", more={"reduction": 1}),
    "0 threads": Row(MSE, OK, OK, ValueError, "n_threads is 0: expected a positive integer", more={"n_threads": 0}),
    "-1 threads": Row(MSE, OK, OK, ValueError, "n_threads is -1: expected a positive integer", more={"n_threads": -1}),
    "1.5 threads": Row(MSE, OK, OK, TypeError, "n_threads is 1.5: expected a positive integer", more={"n_threads": 1.5}),
    "threads by word": Row(MSE, OK, OK, TypeError, "n_threads is 'all': expected a positive integer", more={"n_threads": "all"}),
    "True threads": Row(MSE, OK, OK, ValueError, "n_threads is True: expected a positive integer", more={"n_threads": True}),
    "too many threads": Row(MSE, OK, OK, (ValueError, OverflowError), "n_threads|int", more={"n_threads": 2**40}),
}  # fmt: skip


def _outs() -> dict[str, Row]:
    z = np.full(6, 0.5)
    both = np.full(12, 0.5)
    read_only = np.empty(6)
    read_only.flags.writeable = False
    unaligned = np.frombuffer(bytearray(6 * 8 + 1), np.float64, offset=1)

    def row(out, error, says, y=OK, pred=z, w=None):
        return Row(MSE, y, pred, error, says, w, {"out": out})

    return {
        "out of another shape": row(np.empty(5), ValueError, r"out has shape \(5,\): expected y_pred's shape \(6,\)"),
        "out (n, 1)": row(np.empty((6, 1)), ValueError, r"out has shape \(6, 1\): expected y_pred's shape \(6,\)"),
        "out of another dtype": row(np.empty(6, "f4"), TypeError, r"out has dtype float32: expected float64; use numpy.empty\(\(6,\), 'float64'\)"),
        "out of integers": row(np.empty(6, int), TypeError, "out has dtype int64: expected float64"),
        "out big-endian": row(np.empty(6, ">f8"), TypeError, "out has dtype >f8: expected float64"),
        "out with steps": row(np.empty(12)[::2], ValueError, "out is not a C-contiguous, aligned array: use numpy.empty"),
        "out Fortran": row(np.empty((2, 3), order="F"), ValueError, "out is not a C-contiguous", OK.reshape(2, 3), z.reshape(2, 3)),
        "out unaligned": row(unaligned, ValueError, "out is not a C-contiguous, aligned array"),
        "out read-only": row(read_only, ValueError, "out is read-only"),
        "out a list": row([0.0] * 6, TypeError, "out is list: expected a NumPy array"),
        "out a tuple": row((np.empty(6), np.empty(6)), TypeError, "out is tuple: expected a NumPy array"),
        "out is y_true": row(y := np.full(6, 0.25), ValueError, "out overlaps y_true: use another buffer", y),
        "out is the weights": row(w := np.ones(6), ValueError, "out overlaps sample_weight: use another buffer", w=w),
        "out beside y_pred": row(both[1:7], ValueError, "out overlaps y_pred without being y_pred", pred=both[:6]),
        "out one before y_pred": row(both[:6], ValueError, "out overlaps y_pred without being y_pred", pred=both[1:7]),
        "out for integers in": row(np.empty(6, "f4"), TypeError, "out has dtype float32: expected float64", pred=np.arange(6)),
        "out for float16 in": row(np.empty(6, "f4"), TypeError, "out has dtype float32: expected float16", pred=np.zeros(6, "f2")),
    }  # fmt: skip


CALLS |= _outs()


RUNNERS = ["reference"] if backend.engine is None else ["engine", "reference"]


def _with(loss, runner):
    """The loss, on the NumPy references if so."""
    loss = type(loss)(**loss.params)
    if runner == "reference":
        object.__setattr__(loss, "_runner", reference.Runner(loss))
    return loss


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("name", CALLS)
def test_call(name, runner):
    row = CALLS[name]
    loss = _with(row.loss, runner)
    own = row.more.get("out")
    try:
        given = np.asarray(row.y_pred)
        out = np.full(given.shape, -77.0, given.dtype if given.dtype.kind == "f" else np.float64)
    except ValueError:
        out = np.full(1, -77.0)
    kept = [np.array(x, copy=True) for x in (own if isinstance(own, tuple) else (own,)) if isinstance(x, np.ndarray)]
    with pytest.raises(row.error, match=row.says):
        loss.value_and_gradient(row.y_true, row.y_pred, row.weight, **{"out": out, **row.more})
    if runner != "engine" or row.error is TypeError or getattr(loss, "takes_labels", False):  # else checked on the way
        assert (out == -77).all(), "out was written"
    for before, after in zip(kept, own if isinstance(own, tuple) else (own,), strict=False):
        assert before.tobytes() == after.tobytes(), "out was written"
    if "out" not in row.more:  # nothing is lost in place, and the plain value raises too
        if isinstance(row.y_pred, np.ndarray) and row.y_pred.dtype.char in "fd" and row.y_pred.flags.c_contiguous:
            z = row.y_pred.copy()
            with pytest.raises(row.error, match=row.says):
                loss.value_and_gradient(row.y_true, z, row.weight, out=z, **row.more)
            assert z.tobytes() == row.y_pred.tobytes(), "y_pred was written"
        with pytest.raises(row.error, match=row.says):
            loss(row.y_true, row.y_pred, row.weight, **row.more)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        (np.empty(6), TypeError, r"out is ndarray: expected a tuple \(gradient, hessian\) of two arrays"),
        ((np.empty(6),), TypeError, "out is tuple: expected a tuple"),
        ((np.empty(6), None), TypeError, r"out\[1\] is NoneType: expected a NumPy array"),
        ((np.empty(6), np.empty(5)), ValueError, r"out\[1\] has shape \(5,\): expected y_pred's shape \(6,\)"),
        ((np.empty(6, "f4"), np.empty(6)), TypeError, r"out\[0\] has dtype float32: expected float64"),
        ((same := np.empty(6), same), ValueError, r"out\[0\] and out\[1\] overlap: use two buffers"),
        (((two := np.empty(7))[:6], two[1:]), ValueError, r"out\[0\] and out\[1\] overlap"),
    ],
)
def test_out_of_gradient_and_hessian(out, error, says, runner):
    with pytest.raises(error, match=says):
        _with(MSE, runner).gradient_and_hessian(OK, OK.copy(), out=out)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("loss", "kind", "says"),
    [
        (MSE, "none", "hessian='none': squared_error has 'exact', 'majorize', 'fisher', 'floor'"),
        (MSE, None, "hessian=None: squared_error has"),
        (MSE, ["exact"], "hessian=['exact']: squared_error has 'exact', 'majorize', 'fisher', 'floor'"),
        (MAE, "fisher", "hessian='fisher': absolute_error has 'exact', 'majorize', 'floor'"),
        (fl.Poisson(), "majorize", "hessian='majorize': poisson has 'exact', 'fisher', 'floor'"),
        (fl.BinaryFocal(), "majorize", "binary_focal has 'exact', 'floor'"),
        (BCE, "majorize", "binary_cross_entropy has 'exact', 'fisher', 'floor'"),
        (fl.BinaryCrossEntropy(from_logits=True, pos_weight=2.0), "fisher", "has 'exact', 'majorize', 'floor'"),
        (fl.CategoricalCrossEntropy(from_logits=True, z_loss=0.1), "majorize", "has 'exact', 'floor'"),
        (0.5 * MSE + 0.5 * MAE, "fisher", "weighted_sum has 'exact', 'majorize', 'floor'"),
    ],
)
def test_kinds_of_hessian(loss, kind, says, runner):
    with pytest.raises(ValueError, match=re.escape(says)):
        (loss if loss.name == "weighted_sum" else _with(loss, runner)).gradient_and_hessian(LABELS, OK, hessian=kind)


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("loss", "y", "z", "says"),
    [
        (MSE, OK, bad(1, NAN), r"y_pred\[1\] is nan: finite numbers expected, as set_check_finite\(True\) asks"),
        (MSE, OK, bad(5, -INF), r"y_pred\[5\] is -inf: finite numbers expected"),
        (NLL, OK, np.where(np.arange(12).reshape(6, 2) == 7, NAN, 0.0), r"y_pred\[3, 1\] is nan: finite numbers"),
        (NLL, bad(2, INF), np.zeros((6, 2)), r"y_true\[2\] is inf: finite numbers"),
        (MSE, bad(2, INF), OK, r"y_true\[2\] is inf: finite numbers expected"),
        (LOGITS, LABELS, bad(2, INF, dtype=np.float32), r"y_pred\[2\] is inf: finite numbers expected"),
        (SPARSE_LOGITS, INDEX, np.where(np.arange(24).reshape(6, 4) == 7, NAN, 0.0), r"y_pred\[1, 3\] is nan"),
    ],
)
def test_check_finite(loss, y, z, says, runner):
    loss(y, z)  # propagates
    fl.set_check_finite(True)
    with pytest.raises(ValueError, match=says):
        _with(loss, runner)(y, z)


SPARSE_CLASS = fl.SparseCategoricalCrossEntropy
CONSTRUCTORS = {
    "delta 0": (lambda: fl.Huber(delta=0), ValueError, "delta is 0: expected a finite number > 0"),
    "delta negative": (lambda: fl.Huber(-1.5), ValueError, "delta is -1.5: expected a finite number > 0"),
    "delta NaN": (lambda: fl.Huber(NAN), ValueError, "delta is nan: expected a finite number > 0"),
    "delta infinite": (lambda: fl.Huber(INF), ValueError, "delta is inf: expected a finite number > 0"),
    "delta of words": (lambda: fl.Huber("wide"), TypeError, "delta is 'wide': expected a number"),
    "delta None": (lambda: fl.Huber(None), TypeError, "delta is None: expected a number"),
    "beta negative": (lambda: fl.SmoothL1(-0.1), ValueError, "beta is -0.1: expected a finite number >= 0"),
    "quantile > 1": (lambda: fl.Quantile(1.5), ValueError, r"quantile is 1.5: expected a number in \[0, 1\]"),
    "quantile < 0": (lambda: fl.Quantile(-0.5), ValueError, r"quantile is -0.5: expected a number in \[0, 1\]"),
    "quantile in percent": (lambda: fl.quantile([1.0], [1.0], quantile=90), ValueError, "quantile is 90"),
    "gamma negative": (lambda: fl.BinaryFocal(gamma=-1), ValueError, "gamma is -1: expected a finite number >= 0"),
    "alpha > 1": (lambda: fl.BinaryFocal(alpha=2), ValueError, r"alpha is 2: expected a number in \[0, 1\]"),
    "pos_weight negative": (lambda: fl.BinaryCrossEntropy(pos_weight=-1), ValueError, "pos_weight is -1: expected a finite number >= 0"),
    "pos_weight array": (lambda: fl.BinaryCrossEntropy(pos_weight=[1, 2]), TypeError, r"pos_weight is \[1, 2\]: expected a number"),
    "label_smoothing > 1": (lambda: fl.BinaryCrossEntropy(label_smoothing=1.1), ValueError, r"label_smoothing is 1.1: expected a number in \[0, 1\]"),
    "clip > 1/2": (lambda: fl.BinaryCrossEntropy(clip=0.6), ValueError, r"clip is 0.6: expected a number in \[0, 0.5\]"),
    "clip of logits": (lambda: fl.BinaryCrossEntropy(from_logits=True, clip=1e-7), ValueError, "clip is 1e-07: raw scores need no clipping"),
    "from_logits 1": (lambda: fl.BinaryCrossEntropy(1), TypeError, "from_logits is 1: expected True or False"),
    "from_logits 'yes'": (lambda: SPARSE_CLASS(from_logits="yes"), TypeError, "from_logits is 'yes': expected True or False"),
    "link logit": (lambda: fl.Poisson(link="logit"), ValueError, "link is 'logit': expected one of 'log', 'identity'"),
    "link None": (lambda: fl.Poisson(link=None), ValueError, "link is None: expected one of 'log', 'identity'"),
    "links": (lambda: fl.Poisson(link=np.array(["log", "identity"])), ValueError, r"link is array\(.*\): expected one of 'log', 'identity'"),
    "full 'yes'": (lambda: fl.Poisson(full="yes"), TypeError, "full is 'yes': expected True or False"),
    "class_weight negative": (lambda: SPARSE_CLASS(class_weight=[1, -1]), ValueError, r"class_weight\[1\] is -1.0: expected a finite number >= 0"),
    "class_weight NaN": (lambda: SPARSE_CLASS(class_weight=[NAN, 1]), ValueError, r"class_weight\[0\] is nan: expected a finite number >= 0"),
    "class_weight empty": (lambda: SPARSE_CLASS(class_weight=[]), ValueError, "class_weight is empty: expected one number per class"),
    "class_weight 'balanced'": (lambda: SPARSE_CLASS(class_weight="balanced"), TypeError, "class_weight is 'balanced': expected one number per class"),
    "class_weight a number": (lambda: SPARSE_CLASS(class_weight=2.0), TypeError, "class_weight is 2.0: expected one number per class"),
    "class_weight keys": (lambda: SPARSE_CLASS(class_weight={1: 1.0, 2: 1.0}), ValueError, r"class_weight has keys \[1, 2\]: expected the class indices 0..1"),
    "class_weight names": (lambda: SPARSE_CLASS(class_weight={"cat": 1.0}), ValueError, r"class_weight has keys \['cat'\]: expected the class indices 0..0"),
    "ignore_index 1.5": (lambda: SPARSE_CLASS(ignore_index=1.5), TypeError, "ignore_index is 1.5: expected an integer or None"),
    "ignore_index of rows": (lambda: fl.CategoricalCrossEntropy(ignore_index=0), ValueError, "ignore_index goes with class indices: .*sample_weight of 0"),
    "z_loss negative": (lambda: SPARSE_CLASS(from_logits=True, z_loss=-1), ValueError, "z_loss is -1: expected a finite number >= 0"),
    "z_loss of probabilities": (lambda: SPARSE_CLASS(z_loss=0.1), ValueError, "z_loss is 0.1: .*pass from_logits=True"),
    "ReverseKL from both": (lambda: fl.ReverseKLDivergence(True, True), ValueError, "from_logits and from_log_probabilities are both True"),
    "p 3": (lambda: fl.MultiMargin(3), ValueError, "p is 3: expected 1 or 2"),
    "several p": (lambda: fl.MultiMargin(p=np.array([1, 2])), ValueError, r"p is array\(\[1, 2\]\): expected 1 or 2"),
    "p None": (lambda: fl.MultiMargin(p=None), ValueError, "p is None: expected 1 or 2"),
    "margin of classes negative": (lambda: fl.CategoricalHinge(-1), ValueError, "margin is -1: expected a finite number >= 0"),
    "weight of labels negative": (lambda: fl.MultiLabelSoftMargin([1, -1]), ValueError, r"weight\[1\] is -1.0: expected a finite number >= 0"),
    "optimum of margins": (lambda: fl.MultiMargin().optimum([0, 1]), ValueError, "no constant of least loss is known for this loss over classes"),
    "KL from both": (lambda: fl.KLDivergence(True, True), ValueError, "from_logits and from_log_probabilities are both True"),
    "unknown parameter": (lambda: fl.get_loss("huber", detla=1.0), TypeError, "huber has no parameter 'detla': it takes delta"),
    "parameter of none": (lambda: fl.get_loss("squared_error", delta=1.0), TypeError, "squared_error has no parameter 'delta': it takes none"),
    "unknown, as a function": (lambda: fl.huber([1.0], [1.0], detla=1.0), TypeError, r"huber has no argument 'detla' \(did you mean 'delta'\?\): it takes y_true, y_pred, sample_weight, reduction, n_threads, delta"),
    "unknown loss": (lambda: fl.get_loss("hubert"), ValueError, "there is no loss named 'hubert'; did you mean 'huber'"),
    "unknown loss, far": (lambda: fl.get_loss("xyzzy"), ValueError, "there is no loss named 'xyzzy'; there are squared_error, "),
    "loss by class": (lambda: fl.get_loss(fl.Huber), ValueError, "there is no loss named"),
    "loss by None": (lambda: fl.get_loss(None), ValueError, "there is no loss named None"),
    "parameters of a loss": (lambda: fl.get_loss(fl.Huber(), delta=2.0), TypeError, r"parameters \['delta'\] go with a name"),
    "unknown task": (lambda: fl.list_losses(task="ranking"), ValueError, "task='ranking': expected one of 'regression', 'count'"),
    "unknown attribute": (lambda: fl.huberr, AttributeError, "module 'fastloss' has no attribute 'huberr'; did you mean 'huber'"),
    "unknown loss attribute": (lambda: fl.Huber().beta, AttributeError, "'Huber' object has no attribute 'beta'"),
    "assignment": (lambda: setattr(fl.Huber(), "delta", 2.0), AttributeError, r"Huber is immutable: make a new one, Huber\(delta=...\)"),
    "deletion": (lambda: delattr(fl.Huber(), "delta"), AttributeError, "Huber is immutable"),
    "0 threads set": (lambda: fl.set_num_threads(0), ValueError, "n is 0: expected a positive integer"),
    "threads set by word": (lambda: fl.set_num_threads("2"), TypeError, "n is '2': expected a positive integer"),
    "config mode": (lambda: fl.show_config("json"), ValueError, "mode='json': expected 'stdout' or 'dict'"),
    "negative factor": (lambda: -1 * MSE, ValueError, "factor is -1: expected a finite number >= 0"),
    "factor of words": (lambda: "a" * MSE, TypeError, "factor is 'a': expected a number"),
    "sum with an overlap": (lambda: MSE + fl.Dice(), TypeError, "Dice can be no part of a sum of losses: .* no sum over elements.*; add the values and gradients of both, or make it a task of fastloss.UncertaintyWeighting"),
    "an overlap in a sum": (lambda: 0.5 * fl.Dice() + BCE, TypeError, "Dice can be no part"),
    "overlaps": (lambda: fl.Jaccard() + fl.Dice(), TypeError, "Jaccard can be no part"),
    "sum with a number": (lambda: MSE + 1, TypeError, "unsupported operand"),
    "sum over other classes": (lambda: MSE + SPARSE, ValueError, "cannot be added: one reads y_true and y_pred as numbers, .* the other as class indices"),
    "sum with outputs": (lambda: MSE + NLL, ValueError, "the other as numbers, rows of location and log scale"),
    "optimum of a sum of outputs": (lambda: (NLL + fl.GaussianCRPS()).optimum([1.0]), ValueError, "no constant of least loss is known for a sum of losses over outputs"),
    "sum over other links": (lambda: fl.Poisson() + fl.SquaredError(), ValueError, "activation 'exp', the other as .* activation 'identity'"),
    "sum of nothing": (lambda: fl.WeightedSum([], []), ValueError, "0 losses and 0 factors: give one factor per loss, at least one"),
    "sum of no losses": (lambda: fl.WeightedSum([1.0], [1.0]), (TypeError, AttributeError), "expected losses|attribute"),
    "factors missing": (lambda: fl.WeightedSum([MSE, MAE], [1.0]), ValueError, "2 losses and 1 factors"),
    "accumulator merged with another": (lambda: MSE.accumulator().merge(MAE.accumulator()), ValueError, r"cannot merge .* the losses must be equal"),
    "accumulator merged with a number": (lambda: MSE.accumulator().merge(1.0), ValueError, "cannot merge 1.0"),
    "accumulator of nothing": (lambda: MSE.accumulator().value(), ValueError, "the mean of squared_error is undefined: nothing with weight was added"),
    "accumulator reduction": (lambda: MSE.accumulator().value("none"), ValueError, "reduction='none': expected 'mean' or 'sum'"),
    "optimum of nothing": (lambda: MSE.optimum([]), ValueError, "the optimum of squared_error is undefined: there are no samples"),
    "optimum without weight": (lambda: MSE.optimum([1.0], [0.0]), ValueError, "the optimum of squared_error is undefined: .*the total weight is zero"),
    "optimum of 2-D": (lambda: MSE.optimum([[1.0]]), ValueError, r"y_true has shape \(1, 1\): expected \(n_samples,\)"),
    "optimum of bad labels": (lambda: BCE.optimum([0, 2]), ValueError, r"y_true\[1\] is 2.*map the labels"),
    "optimum of bad counts": (lambda: fl.Poisson().optimum([3, -1]), ValueError, r"y_true\[1\] is -1"),
    "optimum weights": (lambda: MSE.optimum([1.0, 2.0], [1.0]), ValueError, r"sample_weight has shape \(1,\): expected \(2,\)"),
    "optimum negative weight": (lambda: MSE.optimum([1.0, 2.0], [1.0, -1.0]), ValueError, r"sample_weight\[1\] is -1.0: expected a finite number >= 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_construction(name):
    call, error, says = CONSTRUCTORS[name]
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("name", ["__call__", "gradient", "value_and_gradient"])
def test_a_missing_argument_is_named_as_python_does(name):
    call = getattr(MSE, name)
    with pytest.raises(TypeError, match=rf"{name}\(\) missing 1 required positional argument: 'y_pred'$"):
        call(OK)
    with pytest.raises(TypeError, match=rf"{name}\(\) missing 1 required positional argument: 'y_true'$"):
        call(y_pred=OK)
    with pytest.raises(TypeError, match=rf"{name}\(\) missing 2 required positional arguments: 'y_true' and 'y_pred'$"):
        call()
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'y_pred'$"):
        fl.squared_error(OK)


def test_a_refused_update_changes_nothing():
    accumulator = MSE.accumulator()
    accumulator.update([1.0], [3.0])
    with pytest.raises(ValueError, match="shapes must be equal"):
        accumulator.update([1.0, 2.0], [1.0])
    assert accumulator.value() == 4.0


def test_environment(fresh):
    code = "import fastloss"
    for name, value, says in (
        ("FASTLOSS_NUM_THREADS", "many", "FASTLOSS_NUM_THREADS='many': expected a positive integer"),
        ("FASTLOSS_NUM_THREADS", "0", "FASTLOSS_NUM_THREADS='0': expected a positive integer"),
        ("FASTLOSS_ISA", "pentium", "FASTLOSS_ISA='pentium' is not available here; choose one of"),
    ):
        if name == "FASTLOSS_ISA" and backend.engine is None:
            continue
        with pytest.raises(AssertionError, match=re.escape(says)):
            fresh(code, **{name: value})


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [5000, 70_005, 1_000_003])
def test_the_first_offender_of_many_blocks_is_named(n, threads):
    y = np.zeros(n, np.float32)
    y[[n // 3, n // 2, n - 1]] = 7
    with pytest.raises(ValueError, match=rf"y_true\[{n // 3}\] is 7"):
        LOGITS.value_and_gradient(y, np.zeros_like(y), n_threads=threads)


def test_signed_labels_may_begin_with_ones():
    """A first block that both kinds of labels could begin with, and one array that has both."""
    y = np.ones(70_000, np.float32)
    y[-1] = -1
    assert fl.Hinge()(y, np.zeros_like(y)) == 1
    y[-2] = 0
    with pytest.raises(ValueError, match=r"y_true\[69999\] is -1"):
        fl.Hinge()(y, np.zeros_like(y))


def test_empty_outputs_overlap_nothing():
    weights = np.ones(3)
    out = np.ndarray((3, 0), buffer=weights, offset=8)
    assert MSE.gradient(np.zeros((3, 0)), np.zeros((3, 0)), weights, reduction="sum", out=out).shape == (3, 0)


@pytest.mark.parametrize("runner", RUNNERS)
def test_class_weights_must_fit_without_rows_too(runner):
    loss = _with(fl.SparseCategoricalCrossEntropy(from_logits=True, class_weight=[1, 2]), runner)
    with pytest.raises(ValueError, match="class_weight has 2 entries and y_pred has 3 classes"):
        loss(np.zeros(0, int), np.zeros((0, 3)), reduction="sum")


def test_weights_that_are_the_beginning_of_the_targets():
    y = np.ones((4, 2))
    y.flat[5] = -1  # no weight
    z = np.zeros((4, 2))
    assert MSE(y, z, y.ravel()[:4]) == 1
    y.flat[1] = -1
    with pytest.raises(ValueError, match=r"sample_weight\[1\] is -1"):
        MSE(y, z, y.ravel()[:4])
    counts = np.ones((4, 2), np.int64)
    counts.flat[1] = -1
    with pytest.raises(ValueError, match=r"sample_weight\[1\] is -1"):
        fl.Poisson()(counts, z, counts.ravel()[:4])


def test_an_error_of_an_element_carries_its_place():
    """For callers that know a row by another name; also across processes."""
    import pickle

    from fastloss.validation import ElementError

    y = np.zeros((4, 3))
    y[2, 1] = NAN
    with pytest.raises(ElementError) as caught:
        fl.CategoricalCrossEntropy()(y, np.full((4, 3), 1 / 3))
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert (error.argument, error.index) == ("y_true", (2, 1))
        assert str(error) == f"y_true[2, 1] {error.said}"

"""What a loss states about itself is true: smoothness and convexity, along lines through its domain; when to use it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cases import LOSSES, data, n_classes_of, seed_of, targets

import fastloss as fl
from fastloss import registry

ALL = [*LOSSES, fl.RootMeanSquaredError(), fl.AsymmetricFocal(gamma_pos=0.0, gamma_neg=0.0, margin=0.0)]
losses = pytest.mark.parametrize("loss", ALL, ids=repr)

LINES, INTERVALS = 8, 300
# Intervals are halved so often, and looked at after the one and the other number. By then a continuous function
# changes next to nothing across them, one that jumps, or has no bound, as much as before.
HALVINGS = 30, 40
# Derivatives may have no bound at the end of a domain.
EDGE = 1e-10

LIBRARIES = re.compile("scikit|sklearn|torch|keras|tensorflow|scipy|xgboost|lightgbm|catboost|optax", re.IGNORECASE)


def lines(loss):
    """Targets, and two ends of a line for each: across the domain, or from row to row."""
    if not loss.has_rows:
        domain = loss.prediction_domain
        low, high = (-30, 30) if domain.code is None else (domain.low + EDGE, min(domain.high - EDGE, 30))
        y = targets(loss, LINES, seed_of("lines", loss))
        if loss.target_domain.code is None:
            y[0] = 0  # in the middle of the line: a Hessian without bound on both sides is seen from there only
        return y, *np.full((2, LINES, 1), [[[low]], [[high]]])
    y, z = data(loss, 2 * LINES, classes=n_classes_of(loss))
    if loss.params.get("z_loss"):  # concave where the log-sum-exp is far below 0
        z = z - 500
    a, b = z[:LINES], z[LINES:]
    if loss.task == "distribution":  # a line that passes its target, or nearly
        passed = loss.inverse_link(0.4 * a[0] + 0.6 * b[0])
        y[0] = passed / passed.sum()
    return y[:LINES], 0.99 * a + 0.01 * b, 0.01 * a + 0.99 * b


def derivatives(loss, y, a, b, t):
    """Gradient and Hessian on each line at its parameters t, with the numbers of a prediction on the last axis."""
    z = a[:, None] + t[..., None] * (b - a)[:, None]
    y, rows = np.repeat(y, t.shape[1], axis=0), z.reshape(t.size, -1)
    points = rows if loss.has_rows else rows[:, 0]
    if loss.additive:
        found = loss.gradient_and_hessian(y, points, reduction="none")
    else:  # one sample at a time
        found = zip(*map(loss.gradient_and_hessian, y[:, None], points[:, None]), strict=True)
    return [np.clip(x, -1e300, 1e300).reshape(z.shape) for x in map(np.asarray, found)]


def jumps(f):
    """Whether a function of t has a jump on a line: each interval is halved towards where it changes more."""
    ends = np.tile(np.linspace(0, 1, INTERVALS + 1), (LINES, 1))
    left, right = ends[:, :-1], ends[:, 1:]
    at_left, at_right = f(left), f(right)
    size = np.maximum(np.abs(at_left), np.abs(at_right))
    changes = []
    for halving in range(1, HALVINGS[-1] + 1):
        middle = (left + right) / 2
        at_middle = f(middle)
        first = np.abs(at_middle - at_left) >= np.abs(at_right - at_middle)
        left, at_left = np.where(first, (left, at_left), (middle, at_middle))
        right, at_right = np.where(first, (middle, at_middle), (right, at_right))
        if halving in HALVINGS:
            changes.append(np.abs(at_right - at_left))
    before, after = changes
    # half of a jump is left where a value lies in its middle, and a point was found that has it
    return bool(((after > before / 4) & (after > 1e-9 * size) & (after > 1e-290)).any())  # not rounding, no underflow


@losses
def test_smoothness(loss):
    line = lines(loss)
    numbers = range(line[1].shape[1])

    def jump_of(which):
        return any(jumps(lambda t, k=k: derivatives(loss, *line, t)[which][..., k]) for k in numbers)

    assert (0 if jump_of(0) else 1 if jump_of(1) else 2) == loss.smoothness


@losses
def test_convexity(loss):
    """The slope along a line never falls, or it does somewhere."""
    y, a, b = lines(loss)
    t = np.tile(np.linspace(0, 1, INTERVALS + 1), (LINES, 1))
    slope = (derivatives(loss, y, a, b, t)[0] * (b - a)[:, None]).sum(axis=-1)
    size = np.maximum(np.abs(slope[:, 1:]), np.abs(slope[:, :-1]))
    assert (np.diff(slope) >= -1e-9 * size).all() == loss.convex


@pytest.mark.parametrize("name", fl.list_losses())
def test_when(name):
    cls = registry.loss_class(name)
    assert re.fullmatch(r"[A-Z][^.!?]*(\d\.\d[^.!?]*)*\.", cls.when), "one sentence that ends in a full stop"
    assert len(cls.when) <= 120
    assert [other for other in fl.list_losses() if registry.loss_class(other).when == cls.when] == [name]
    assert not LIBRARIES.search(cls.when), "a purpose, not a library"


@pytest.mark.parametrize("name", fl.list_losses())
def test_literature(name):
    references = registry.loss_class(name).__doc__.split("References\n")[1].split("Examples\n")[0]
    assert re.search(r"https?://\S+\.\S+", references), "a reference with an address"

# ruff: noqa: E501  (tables: one case a line)
"""Several tasks: values and gradients against the formulas, differences and torch; optima; what is refused."""

from __future__ import annotations

import collections
import copy
import math
import pickle

import numpy as np
import pytest
from cases import data, same_bits, seed_of

import fastloss as fl
from fastloss.spelling import did_you_mean
from fastloss.validation import ElementError

INF, NAN = math.inf, math.nan
LOSSES = {
    "depth": fl.Huber(delta=1.5),
    "edge": fl.BinaryCrossEntropy(from_logits=True),
    "segment": fl.SparseCategoricalCrossEntropy(from_logits=True, ignore_index=-1),
    "normal": 0.7 * fl.SquaredError() + 0.3 * fl.LogCosh(),
}
SIZES = {"depth": 60, "edge": 31, "segment": 40, "normal": 1}
UW, DWA = fl.UncertaintyWeighting(LOSSES), fl.DynamicWeightAverage(LOSSES)
S = {"depth": 0.4, "edge": -1.3, "segment": 0.0, "normal": 2.5}
HISTORY = [
    {"depth": 9.0, "edge": 0.1, "segment": 3.0, "normal": 2.0},
    {"depth": 2.0, "edge": 0.7, "segment": 2.0, "normal": 1.0},
    {"depth": 1.0, "edge": 0.6, "segment": 2.5, "normal": 1.0},
]
both = pytest.mark.parametrize(("tasks", "state"), [(UW, S), (DWA, HISTORY)], ids=["UW", "DWA"])


def batch(dtype=np.float64):
    pairs = {task: data(loss, SIZES[task], dtype, kinks=False) for task, loss in LOSSES.items()}
    return {task: y for task, (y, _) in pairs.items()}, {task: z for task, (_, z) in pairs.items()}


def weights():
    return {task: seed_of("weight", task).uniform(0.1, 2, n) for task, n in SIZES.items()}


def factors(tasks, state):
    """What multiplies each task's mean loss, by the papers' formulas."""
    if tasks is UW:
        return {task: 1 / (2 * np.exp(s)) for task, s in state.items()}
    ratio = np.array([state[-1][task] / state[-2][task] for task in LOSSES])
    e = np.exp(ratio / 2.0)
    return dict(zip(LOSSES, len(LOSSES) * e / e.sum(), strict=True))


# -- identity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tasks", [UW, DWA, fl.DynamicWeightAverage(LOSSES, temperature=1.0)], ids=repr)
def test_identity(tasks):
    again = eval(repr(tasks), {name: getattr(fl, name) for name in fl.__all__})
    for twin in (again, pickle.loads(pickle.dumps(tasks)), copy.copy(tasks), copy.deepcopy(tasks)):
        assert twin == tasks
        assert hash(twin) == hash(tasks)
        assert repr(twin) == repr(tasks)
        assert twin.losses == LOSSES
    assert tasks == type(tasks)(**tasks.params)
    assert tasks == type(tasks)(**{**tasks.params, "losses": dict(reversed(LOSSES.items()))})
    assert tasks != type(tasks)(**{**tasks.params, "losses": {**LOSSES, "depth": fl.Huber()}})
    assert tasks != "tasks"
    with pytest.raises(AttributeError, match="immutable"):
        tasks.losses = {}
    with pytest.raises(TypeError):
        tasks.losses["depth"] = fl.Huber()
    tasks.params["losses"].clear()  # a copy
    assert tasks.losses == LOSSES
    assert len({UW, DWA, fl.DynamicWeightAverage(LOSSES, temperature=1.0), fl.UncertaintyWeighting(LOSSES)}) == 3


def test_the_given_dict_may_change():
    given = dict(LOSSES)
    tasks = fl.UncertaintyWeighting(given)
    given.clear()
    assert tasks == UW


def test_losses_of_masks():
    mask, p = seed_of("mask").integers(0, 2, (6, 3, 4)), seed_of("p").uniform(size=(6, 3, 4))
    masks = {"dice": fl.Dice(), "jaccard": fl.Jaccard(per_class=True), "tversky": fl.Tversky(0.3, 0.7)}
    y, z, s = dict.fromkeys(masks, mask), {task: p.copy() for task in masks}, dict.fromkeys(masks, 0.5)
    w = {"jaccard": np.arange(6.0)}
    tasks = fl.UncertaintyWeighting(masks)
    value, gradients, slopes = tasks.value_and_gradient(y, z, s, w)
    assert value == tasks(y, z, s, w)
    for task, loss in masks.items():
        want, gradient = loss.value_and_gradient(mask, p, w.get(task))
        assert slopes[task] == pytest.approx((1 - want * math.exp(-0.5)) / 2)
        np.testing.assert_allclose(gradients[task], gradient * math.exp(-0.5) / 2, rtol=1e-14)
    assert tasks.value_and_gradient(y, z, s, w, out=z)[1]["tversky"] is z["tversky"]
    assert all(same_bits(z[task], gradients[task]) for task in masks)
    average = fl.DynamicWeightAverage({**masks, "edge": fl.BinaryCrossEntropy()})
    assert eval(repr(average), vars(fl)) == pickle.loads(pickle.dumps(average)) == average
    y, z = (dict.fromkeys(average.losses, x) for x in (mask, p))
    assert average(y, z) == pytest.approx(sum(average.task_losses(y, z).values()))


# -- values and gradients ---------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("weighted", ["none", "some", "all", "one for all"])
def test_formula(tasks, state, weighted):
    y, z = batch()
    w = {"none": None, "some": {"edge": weights()["edge"]}, "all": weights()}.get(weighted, [2.0])
    if weighted == "one for all":
        y, z = {task: x[:1] for task, x in y.items()}, {task: x[:1] for task, x in z.items()}
        y["segment"] = np.array([2])
    own = {task: w.get(task) if isinstance(w, dict) else w for task in LOSSES}
    losses = {task: loss(y[task], z[task], own[task]) for task, loss in LOSSES.items()}
    factor = factors(tasks, state)
    want = sum(factor[task] * losses[task] for task in LOSSES) + (sum(S.values()) / 2 if tasks is UW else 0)
    assert tasks.task_losses(y, z, w) == losses
    assert tasks(y, z, state, w) == pytest.approx(want, rel=1e-14)
    value, gradients, *more = tasks.value_and_gradient(y, z, state, w)
    assert value == tasks(y, z, state, w, n_threads=2)
    for task, loss in LOSSES.items():
        gradient = loss.gradient(y[task], z[task], own[task])
        np.testing.assert_allclose(gradients[task], factor[task] * gradient, rtol=1e-14)
    found = tasks.gradient(y, z, state, w)
    if tasks is UW:
        slopes = more[0]
        assert slopes == pytest.approx({task: (1 - losses[task] / np.exp(S[task])) / 2 for task in LOSSES}, rel=1e-13)
        assert slopes == found[1]
        sigma = {task: np.exp(s / 2) for task, s in S.items()}  # as tutorials write it
        tutorial = sum(losses[task] / (2 * sigma[task] ** 2) + np.log(sigma[task]) for task in LOSSES)
        assert value == pytest.approx(tutorial, rel=1e-13)
        found = found[0]
    assert all(same_bits(found[task], gradients[task]) for task in LOSSES)


@both
def test_differences(tasks, state):
    y, z = batch()
    gradients = tasks.value_and_gradient(y, z, state, weights())[1]
    h = 1e-5
    for task in LOSSES:
        for at in range(0, z[task].size, 7):
            ends = []
            for step in (h, -h):
                moved = z[task].copy()
                moved.flat[at] += step
                ends.append(tasks(y, {**z, task: moved}, state, weights()))
            assert gradients[task].flat[at] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5, abs=1e-9)
    if tasks is UW:
        slopes = UW.gradient(y, z, S, weights())[1]
        for task in LOSSES:
            ends = [UW(y, z, {**S, task: S[task] + step}, weights()) for step in (h, -h)]
            assert slopes[task] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-7, abs=1e-9)


@both
def test_torch(tasks, state):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    F = torch.nn.functional
    theirs = {
        "depth": lambda z, y: F.huber_loss(z, y, delta=1.5),
        "edge": F.binary_cross_entropy_with_logits,
        "segment": lambda z, y: F.cross_entropy(z, y, ignore_index=-1),
        "normal": lambda z, y: 0.7 * F.mse_loss(z, y) + 0.3 * torch.log(torch.cosh(z - y)).mean(),
    }
    y, z = batch()
    z = {task: np.clip(x, -8, 8) for task, x in z.items()}
    tensors = {task: torch.tensor(x, requires_grad=True) for task, x in z.items()}
    losses = torch.stack([theirs[task](tensors[task], torch.from_numpy(y[task])) for task in LOSSES])
    if tasks is UW:
        s = torch.tensor([S[task] for task in LOSSES], dtype=torch.float64, requires_grad=True)
        total = (losses / (2 * s.exp()) + s / 2).sum()  # LibMTL's
    else:
        now, before = (torch.tensor(list(epoch.values()), dtype=torch.float64) for epoch in (state[-1], state[-2]))
        total = (losses * len(LOSSES) * F.softmax(now / before / 2.0, dim=-1)).sum()  # LibMTL's
    total.backward()
    value, gradients, *more = tasks.value_and_gradient(y, z, state)
    assert value == pytest.approx(float(total.detach()), rel=1e-11)
    for task in LOSSES:
        np.testing.assert_allclose(gradients[task], tensors[task].grad.numpy(), rtol=1e-11, atol=1e-14)
    for slopes in more:
        np.testing.assert_allclose(list(slopes.values()), s.grad.numpy(), rtol=1e-11)


@both
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble], ids=lambda x: x.__name__)
def test_dtypes_and_out(tasks, state, dtype):
    y, z = batch(dtype)
    value, gradients = tasks.value_and_gradient(y, z, state)[:2]
    for task, loss in LOSSES.items():
        assert gradients[task].dtype == dtype
        assert gradients[task].shape == z[task].shape
        want = factors(tasks, state)[task] * loss.gradient(y[task], z[task]).astype(np.longdouble)
        close = {"rtol": 2 * np.finfo(dtype).eps + 1e-15, "atol": np.finfo(dtype).smallest_subnormal}
        np.testing.assert_allclose(gradients[task].astype(np.longdouble), want, **close)
    out = {task: np.empty_like(x) for task, x in z.items()}
    found = tasks.value_and_gradient(y, z, state, out=out)
    assert found[0] == value
    assert all(found[1][task] is out[task] for task in LOSSES)
    assert all(same_bits(out[task], gradients[task]) for task in LOSSES)
    work = {task: x.copy() for task, x in z.items()}
    some = {task: work[task] for task in ("depth", "segment")}
    found = tasks.value_and_gradient(y, work, state, out=some)
    assert found[0] == value
    assert all(found[1][task] is some[task] for task in some)
    assert all(same_bits(found[1][task], gradients[task]) for task in LOSSES)
    assert all(same_bits(work[task], z[task]) for task in set(LOSSES) - set(some))


@both
def test_lists_scalars_and_shared_arrays(tasks, state):
    y, z = batch()
    want = tasks.value_and_gradient(y, z, state)
    got = tasks.value_and_gradient(*({task: x.tolist() for task, x in side.items()} for side in (y, z)), state)
    assert got[0] == want[0]
    assert all(same_bits(got[1][task], want[1][task]) for task in LOSSES)
    pair = type(tasks)({"a": fl.SquaredError(), "b": fl.AbsoluteError()})
    state = {"a": 0.0, "b": 0.0} if tasks is UW else ()
    one = np.array(3.0)  # no axis, and the same for both
    gradients = pair.value_and_gradient({"a": 1.0, "b": 1.0}, {"a": one, "b": one}, state)[1]
    half = 0.5 if tasks is UW else 1.0
    assert gradients == {"a": 4 * half, "b": half}
    assert one == 3


# -- uncertainty ------------------------------------------------------------------------------------------------------


def test_the_optimum_is_a_minimum():
    y, z = batch()
    losses = UW.task_losses(y, z)
    best, least = UW.optimum(losses)
    assert UW(y, z, best) == pytest.approx(least, rel=1e-14)
    assert least == pytest.approx(sum((1 + math.log(x)) / 2 for x in losses.values()), rel=1e-14)
    assert all(abs(slope) < 1e-15 for slope in UW.gradient(y, z, best)[1].values())
    for task in LOSSES:
        for step in (-1.0, -0.01, 0.01, 1.0):
            assert UW(y, z, {**best, task: best[task] + step}) > least


def test_the_value_may_be_negative():
    one = fl.UncertaintyWeighting({"a": fl.SquaredError()})
    best, least = one.optimum({"a": 0.01})
    assert least == pytest.approx((1 + math.log(0.01)) / 2)
    assert least < 0
    assert one({"a": [0.1]}, {"a": [0.0]}, best) == pytest.approx(least)
    assert one.optimum({"a": 0.0}) == ({"a": -INF}, -INF)
    assert one.optimum({"a": INF}) == ({"a": INF}, INF)
    assert math.isnan(one.optimum({"a": NAN})[1])
    assert one.optimum({"a": np.float32(1)}) == ({"a": 0.0}, 0.5)


def test_a_perfect_fit_stays_one_at_any_log_variance():
    for dtype in (np.float16, np.float32, np.float64):
        x = np.ones(3, dtype)
        for s in (-700.0, -100.0, 100.0, 700.0):
            one = fl.UncertaintyWeighting({"a": fl.SquaredError()})
            value, gradients, slopes = one.value_and_gradient({"a": x}, {"a": x}, {"a": s})
            assert value == s / 2
            assert gradients["a"].tolist() == [0, 0, 0]
            assert slopes == {"a": 0.5}


def test_infinity_and_nan_propagate():
    two = {"a": fl.SquaredError(), "b": fl.AbsoluteError()}
    for bad in (INF, NAN):
        y, z = {"a": [1.0], "b": [1.0]}, {"a": [bad], "b": [2.0]}
        value, gradients, slopes = fl.UncertaintyWeighting(two).value_and_gradient(y, z, {"a": 0.0, "b": 0.0})
        assert repr(value) == repr(bad)
        assert repr(slopes["a"]) == repr(-bad)
        assert slopes["b"] == 0
        assert gradients["b"].tolist() == [0.5]
        value, gradients = fl.DynamicWeightAverage(two).value_and_gradient(y, z)
        assert repr(value) == repr(bad)
        assert gradients["b"].tolist() == [1]


# -- dynamic weights --------------------------------------------------------------------------------------------------


def test_weights_of_the_first_epochs_are_one():
    y, z = batch()
    for history in ([], (), HISTORY[:1]):
        assert DWA.weights(history) == dict.fromkeys(LOSSES, 1.0)
        assert DWA(y, z, history) == sum(DWA.task_losses(y, z).values())
    assert DWA(y, z) == DWA(y, z, [])
    assert DWA.weights([HISTORY[0]] * 2) == pytest.approx(dict.fromkeys(LOSSES, 1.0))


def test_weights():
    found = DWA.weights(HISTORY)
    assert found == pytest.approx(factors(DWA, HISTORY), rel=1e-14)
    assert sum(found.values()) == pytest.approx(len(LOSSES))
    assert found == DWA.weights(HISTORY[1:]) == DWA.weights(collections.deque(HISTORY))
    assert max(found, key=found.get) == "segment"  # whose loss rose
    cold, hot = (fl.DynamicWeightAverage(LOSSES, t).weights(HISTORY) for t in (1e-3, 1e6))
    assert cold["segment"] == pytest.approx(len(LOSSES))
    assert hot == pytest.approx(dict.fromkeys(LOSSES, 1.0), rel=1e-5)


@pytest.mark.parametrize(
    ("before", "now", "want"),
    [
        ((0.0, 1.0, 1.0), (0.0, 1.0, 1.0), (1, 1, 1)),
        ((0.0, 1.0, 1.0), (0.5, 1.0, 9.0), (3, 0, 0)),
        ((0.0, 0.0, 1.0), (0.5, 2.0, 9.0), (1.5, 1.5, 0)),
        ((1e-300, 1.0, 1.0), (1e300, 1.0, 1.0), (3, 0, 0)),
        ((1.0, 1.0, 1.0), (INF, 1.0, 1.0), (3, 0, 0)),
        ((1.0, 1.0, 1.0), (NAN, 1.0, 1.0), (NAN, NAN, NAN)),
        ((INF, 1.0, 1.0), (INF, 1.0, 1.0), (NAN, NAN, NAN)),
    ],
)
def test_weights_at_the_ends(before, now, want):
    tasks = fl.DynamicWeightAverage(dict.fromkeys("abc", fl.Huber()))
    found = tasks.weights([dict(zip("abc", losses, strict=True)) for losses in (before, now)])
    np.testing.assert_allclose(list(found.values()), want)


# -- what is refused --------------------------------------------------------------------------------------------------

TWO = {"depth": fl.SquaredError(), "edge": fl.BinaryCrossEntropy()}
PAIR = fl.UncertaintyWeighting(TWO)
AVERAGE = fl.DynamicWeightAverage(TWO)
GOOD_Y, GOOD_Z, ZERO = {"depth": [1.0], "edge": [1.0]}, {"depth": [1.0], "edge": [0.5]}, {"depth": 0.0, "edge": 0.0}
ONE, OTHER = np.full(1, 0.5), np.full(1, 0.5)
BAD = {
    "losses a list": (lambda: fl.UncertaintyWeighting([fl.Huber()]), TypeError, r"losses is list: expected a dict {task: loss}"),
    "no losses": (lambda: fl.UncertaintyWeighting({}), ValueError, "losses is empty: expected at least one task"),
    "a task's number": (lambda: fl.UncertaintyWeighting({1: fl.Huber()}), TypeError, "losses has the task 1: expected a string"),
    "a loss's name": (lambda: fl.UncertaintyWeighting({"a": "huber"}), TypeError, r"losses\['a'\] is 'huber': expected a loss"),
    "a class": (lambda: fl.UncertaintyWeighting({"a": fl.Huber}), TypeError, r"losses\['a'\] is <class.*such as fastloss.Huber\(\)"),
    "several inputs": (lambda: fl.UncertaintyWeighting({"a": fl.Triplet()}), TypeError, r"losses\['a'\] is Triplet\(.*\): expected a loss of y_true and y_pred, such as fastloss.Huber\(\); a task has one of each, and this loss is called with anchor, positive, negative"),
    "samples": (lambda: fl.UncertaintyWeighting({"a": fl.Wasserstein1D()}), TypeError, "expected a loss of y_true and y_pred.*is called with u_values, v_values"),
    "temperature": (lambda: fl.DynamicWeightAverage(TWO, 0.0), ValueError, "temperature is 0.0: expected a finite number > 0"),
    "misspelt": (lambda: PAIR({"detph": [1.0], "edge": [1]}, GOOD_Z, ZERO), ValueError, r"y_true has the unknown task 'detph' \(did you mean 'depth'\?\); the tasks are 'depth', 'edge'"),
    "unknown": (lambda: PAIR(GOOD_Y, {**GOOD_Z, "xyz": 1}, ZERO), ValueError, r"y_pred has the unknown task 'xyz'; the tasks"),
    "a number": (lambda: PAIR(GOOD_Y, {**GOOD_Z, 3: 1}, ZERO), ValueError, r"y_pred has the unknown task 3; the tasks"),
    "missing": (lambda: PAIR(GOOD_Y, {"depth": [1.0]}, ZERO), ValueError, r"y_pred has no task 'edge': expected an entry for each of 'depth', 'edge'"),
    "no dict": (lambda: PAIR([1.0], GOOD_Z, ZERO), TypeError, r"y_true is list: expected a dict with the tasks 'depth', 'edge'"),
    "weights misspelt": (lambda: PAIR(GOOD_Y, GOOD_Z, ZERO, {"Edges": [1.0]}), ValueError, r"sample_weight has the unknown task 'Edges' \(did you mean 'edge'\?\)"),
    "s missing": (lambda: PAIR(GOOD_Y, GOOD_Z, {"depth": 0.0}), ValueError, "log_variances has no task 'edge'"),
    "s NaN": (lambda: PAIR(GOOD_Y, GOOD_Z, {**ZERO, "edge": NAN}), ValueError, r"log_variances\['edge'\] is nan: expected a number in \[-700, 700\]"),
    "s too small": (lambda: PAIR(GOOD_Y, GOOD_Z, {**ZERO, "edge": -701}), ValueError, r"log_variances\['edge'\] is -701: expected a number in"),
    "s text": (lambda: PAIR(GOOD_Y, GOOD_Z, {**ZERO, "edge": "0"}), TypeError, r"log_variances\['edge'\] is '0': expected a number"),
    "optimum": (lambda: PAIR.optimum({"depth": 1.0, "edge": -0.25}), ValueError, r"task_losses\['edge'\] is -0.25: expected a loss >= 0"),
    "history a dict": (lambda: AVERAGE.weights(ZERO), TypeError, "history is dict: expected a list with a dict {task: loss} for each epoch"),
    "history of numbers": (lambda: AVERAGE.weights([1.0, 2.0]), TypeError, r"history\[-2\] is float: expected a dict with the tasks"),
    "history misspelt": (lambda: AVERAGE.weights([ZERO, {"depth": 1.0, "egde": 1.0}]), ValueError, r"history\[-1\] has the unknown task 'egde' \(did you mean 'edge'\?\)"),
    "history < 0": (lambda: AVERAGE.weights([ZERO, {"depth": 1.0, "edge": -1.0}]), ValueError, r"history\[-1\]\['edge'\] is -1.0: expected a loss >= 0"),
    "a shape": (lambda: PAIR({**GOOD_Y, "edge": [1, 0]}, GOOD_Z, ZERO), ValueError, r"task 'edge': y_true has shape \(2,\) and y_pred has shape \(1,\)"),
    "a value": (lambda: AVERAGE(GOOD_Y, {**GOOD_Z, "edge": [1.5]}), ValueError, r"task 'edge': y_pred\[0\] is 1.5.*from_logits=True"),
    "text": (lambda: AVERAGE({**GOOD_Y, "depth": ["a"]}, GOOD_Z), TypeError, "task 'depth': y_true has dtype <U1"),
    "a weight": (lambda: AVERAGE(GOOD_Y, GOOD_Z, [], {"edge": [-1.0]}), ValueError, r"task 'edge': sample_weight\[0\] is -1"),
    "no weight": (lambda: AVERAGE(GOOD_Y, GOOD_Z, [], [0.0]), ValueError, "task 'depth': the mean of squared_error is undefined"),
    "threads": (lambda: AVERAGE(GOOD_Y, GOOD_Z, n_threads=0), ValueError, "n_threads is 0"),
    "out an array": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, out=np.empty(1)), TypeError, "out is ndarray: expected a dict"),
    "out misspelt": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, out={"dept": ONE}), ValueError, r"out has the unknown task 'dept' \(did you mean 'depth'"),
    "out's shape": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, out={"edge": np.empty(2)}), ValueError, r"task 'edge': out has shape \(2,\): expected y_pred's shape"),
    "out's dtype": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, out={"edge": np.empty(1, "f4")}), TypeError, "task 'edge': out has dtype float32: expected float64"),
    "out a list": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, out={"edge": [0.0]}), TypeError, "task 'edge': out is list: expected a NumPy array"),
    "out twice": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, out={"depth": ONE, "edge": ONE}), ValueError, "task 'depth': out overlaps out of task 'edge'"),
    "out a target": (lambda: AVERAGE.gradient({"depth": OTHER, "edge": ONE}, GOOD_Z, out={"edge": ONE}), ValueError, "task 'edge': out overlaps y_true of task 'edge'"),
    "out another's": (lambda: AVERAGE.gradient(GOOD_Y, {"depth": ONE, "edge": ONE}, out={"edge": ONE}), ValueError, "task 'edge': out overlaps y_pred of task 'depth'"),
    "out the weights": (lambda: AVERAGE.gradient(GOOD_Y, GOOD_Z, [], ONE, out={"edge": ONE}), ValueError, "task 'edge': out overlaps sample_weight of task 'depth'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, says = BAD[name]
    with pytest.raises(error, match=says):
        call()
    assert ONE == OTHER == 0.5


def test_a_bad_element_keeps_its_place():
    """Of the task's array, for those who look it up in a file or a frame; also where the error crosses processes."""
    with pytest.raises(ElementError, match=r"^task 'edge': y_pred\[1\] is 1.5: ") as caught:
        AVERAGE({**GOOD_Y, "edge": [1, 0]}, {**GOOD_Z, "edge": [0.5, 1.5]})
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert (error.argument, error.index) == ("y_pred", (1,))
        assert str(error) == str(caught.value)


@both
def test_what_one_task_refuses_leaves_all_predictions(tasks, state):
    y, z = batch()
    for task, bad in (("normal", np.ones((1, 1))), ("segment", np.full(40, 7))):
        work = {name: x.copy() for name, x in z.items()}
        with pytest.raises(ValueError, match=f"task '{task}': y_true"):
            tasks.gradient({**y, task: bad}, work, state, out=work)
        assert all(same_bits(work[name], z[name]) for name in LOSSES)


def test_spelling_knows_capitals():
    assert did_you_mean("dpeth", ["DEPTH", "Edge"]) == " (did you mean 'DEPTH'?)"
    assert did_you_mean("Half-Squared", ["half_squared"]) == " (did you mean 'half_squared'?)"
    assert did_you_mean("xyz", ["DEPTH", "Edge"]) == ""

"""The loss object: identity, names and functions, sums, accumulators, optima, links, documentation."""

from __future__ import annotations

import copy
import doctest
import inspect
import math
import pickle
import re

import numpy as np
import pytest
from cases import DEFAULTS, LOSSES, data, n_classes_of, same_bits, seed_of

import fastloss as fl
from fastloss import backend, registry
from fastloss.loss import Loss

names = pytest.mark.parametrize("name", fl.list_losses())
losses = pytest.mark.parametrize("loss", LOSSES, ids=repr)
SUMS = [
    0.7 * fl.Huber() + 0.3 * fl.LogCosh(),
    fl.SquaredError() * 2,
    fl.BinaryFocal(from_logits=True) + 0.5 * fl.BinaryCrossEntropy(True),
    0.5 * fl.CategoricalCrossEntropy(True) + fl.KLDivergence(True),
    0.5 * fl.GaussianNLL() + fl.GaussianNLL(full=True),
]


def namespace():
    return {name: getattr(fl, name) for name in fl.__all__}


# -- identity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*LOSSES, *SUMS], ids=repr)
def test_identity(loss):
    again = eval(repr(loss), namespace())
    y, z = data(loss, 30)
    for twin in (
        again,
        pickle.loads(pickle.dumps(loss)),
        copy.copy(loss),
        copy.deepcopy(loss),
        *(pickle.loads(pickle.dumps(loss, p)) for p in range(2, 6)),
    ):
        assert twin == loss
        assert hash(twin) == hash(loss)
        assert repr(twin) == repr(loss)
        assert type(twin) is type(loss)
        assert twin.params == loss.params
        assert same_bits(twin(y, z), loss(y, z))
    assert loss != "loss"
    assert loss in {again: 1}


def test_all_cases_differ():
    assert len(set(LOSSES)) == len(LOSSES) == len(set(map(repr, LOSSES)))
    for i, a in enumerate(LOSSES):
        assert all(a != b for b in LOSSES[i + 1 :])
    assert fl.Huber(1) == fl.Huber(1.0) == fl.Huber(np.float32(1)) == fl.Huber()
    assert fl.SquaredError() != fl.HalfSquaredError()
    assert fl.SparseCategoricalCrossEntropy(class_weight=np.array([1, 2])) == fl.SparseCategoricalCrossEntropy(
        class_weight={0: 1, 1: 2}
    )


@pytest.mark.parametrize("name", ["__call__", "gradient", "value_and_gradient"])
def test_a_method_of_the_engine_takes_what_is_documented(name):
    def parameters(function):
        of = inspect.signature(function, follow_wrapped=False).parameters.values()
        return [(p.name, p.kind, p.default) for p in of]

    method = getattr(fl.Loss, name)
    documented = inspect.unwrap(method)
    assert parameters(method) == parameters(documented)
    assert method.__doc__ == documented.__doc__
    assert pickle.loads(pickle.dumps(method)) is method


@losses
def test_parameters(loss):
    assert list(loss.params) == [key for key in inspect.signature(type(loss)).parameters if key in loss.params]
    for key, value in loss.params.items():
        assert getattr(loss, key) == value
        with pytest.raises(AttributeError, match="immutable"):
            setattr(loss, key, value)
    loss.params.clear()  # a copy
    assert loss == type(loss)(**loss.params)
    with pytest.raises(AttributeError, match="immutable"):
        loss.extra = 1
    assert loss.task in registry.TASKS
    assert loss.name == type(loss).name


# -- names ------------------------------------------------------------------------------------------------------------


@names
def test_names_and_functions(name):
    cls = registry.loss_class(name)
    assert getattr(fl, cls.__name__) is cls
    assert fl.get_loss(name) == cls()
    assert fl.get_loss(cls()) == cls()
    assert cls.__name__.lower() == name.replace("_", "")
    function = getattr(fl, name)
    assert function.__name__ == name
    assert cls.__name__ in function.__doc__
    y, z = data(cls(), 20)
    w = seed_of(name).uniform(0, 2, 20)
    for more in ({}, {"reduction": "sum"}, {"reduction": "none", "n_threads": 2})[: 3 if cls.additive else 1]:
        assert same_bits(function(y, z, w, **more), cls()(y, z, w, **more))
    for loss in LOSSES:
        if loss.name == name:
            y, z = data(loss, 20)
            assert same_bits(function(y, z, **loss.params), loss(y, z)), loss
            assert fl.get_loss(name, **loss.params) == loss
    signature = inspect.signature(function)
    assert set(inspect.signature(cls).parameters) | {
        "y_true",
        "y_pred",
        "sample_weight",
        "reduction",
        "n_threads",
    } == set(signature.parameters)


@pytest.mark.parametrize(("alias", "name"), registry.ALIASES.items())
def test_aliases(alias, name):
    assert fl.get_loss(alias) == fl.get_loss(name)
    assert getattr(fl, alias) is getattr(fl, name)
    assert alias not in fl.list_losses()
    assert alias in dir(fl)


def test_list_losses():
    everything = fl.list_losses()
    assert len(everything) == len(set(everything)) >= 16
    assert sorted(everything) == sorted(name for task in registry.TASKS for name in fl.list_losses(task=task))
    for task in registry.TASKS:
        assert all(fl.get_loss(name).task == task for name in fl.list_losses(task))
    everything.clear()
    assert fl.list_losses()
    assert all(isinstance(fl.get_loss(name), fl.Loss) for name in fl.list_losses())
    with pytest.raises(ValueError, match="two losses are named 'huber'"):
        registry.register(fl.Huber)


@pytest.mark.parametrize("task", registry.OTHER_TASKS)
def test_losses_with_calls_of_their_own(task):
    names = fl.list_losses(task)
    assert names
    assert not set(names) & set(fl.list_losses())
    for name in names:
        loss = fl.get_loss(name)
        assert (loss.name, loss.task) == (name, task)
        assert type(loss) is getattr(fl, type(loss).__name__)
        assert fl.get_loss(loss) is loss
        function = getattr(fl, name)
        assert function.__name__ == name
        assert type(loss).__name__ in function.__doc__
        taken = inspect.signature(function).parameters
        assert [*taken][len(taken) - len(loss.params) :] == [*loss.params]
        assert all(taken[parameter].kind is inspect.Parameter.KEYWORD_ONLY for parameter in loss.params)
        assert re.fullmatch(r"[A-Z].{20,118}\.", loss.when)
    assert fl.get_loss("triplet", margin=0.5) == fl.Triplet(margin=0.5)
    with pytest.raises(TypeError, match="dice has no parameter 'margin': it takes smooth, per_class"):
        fl.get_loss("dice", margin=0.5)
    with pytest.raises(ValueError, match="did you mean 'triplet'"):
        fl.get_loss("triplett")
    with pytest.raises(ValueError, match=r"Misplaced has task 'embedding': expected one of \('regression'"):
        registry.register(type("Misplaced", (fl.Loss,), {"name": "Misplaced", "task": "embedding"}))


@pytest.mark.engine
def test_registry_and_kernels_are_one_to_one():
    """A kernel that no loss uses, or a loss without its kernel, is said in a sentence."""
    compiled = set(backend.engine.kernel_names())
    used = {loss._kernel().name: loss for loss in LOSSES}
    for name in compiled - set(used):
        pytest.fail(
            f"the kernel {name!r} is compiled and no loss of the catalogue names it: declare the loss, "
            "or add the parameters that reach it to tests/cases.py"
        )
    for name, loss in used.items():
        assert name in compiled, (
            f"{loss!r} names the kernel {name!r}, which is not compiled: add it to its family in src_c/losses"
        )
    assert len(backend.engine.kernel_names()) == len(compiled)


@pytest.mark.engine
def test_a_loss_without_a_kernel_says_so():
    class Nameless(Loss):
        name, task = "nameless", "regression"

    with pytest.raises(LookupError, match="Nameless names no kernel"):
        Nameless()


# -- documentation ----------------------------------------------------------------------------------------------------


@names
def test_docstrings(name):
    cls = registry.loss_class(name)
    doc = inspect.getdoc(cls)
    parameters = inspect.signature(cls).parameters
    assert doc.splitlines()[0].endswith("."), "the first line says what it is, with the formula"
    for section in ("References", "Examples", *(["Parameters"] if parameters else [])):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc, f"{cls.__name__} has no section {section!r}"
    for parameter in parameters:
        if parameter in cls().params:
            assert re.search(rf"^{parameter} : ", doc, re.M), f"{parameter} is not documented"
    assert ">>> " in doc
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    found = doctest.DocTestFinder(recurse=False).find(cls, globs={})
    assert sum(len(test.examples) for test in found) >= 2
    for test in found:
        assert runner.run(test).failed == 0


def test_public_functions_are_documented():
    for name in fl.__all__:
        assert name.startswith("__") or inspect.getdoc(getattr(fl, name)), name
    for name in (
        "__call__",
        "gradient",
        "value_and_gradient",
        "gradient_and_hessian",
        "optimum",
        "inverse_link",
        "accumulator",
    ):
        assert inspect.getdoc(getattr(Loss, name)), name


# -- sums of losses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", SUMS, ids=repr)
def test_sums(loss):
    y, z = data(loss.losses[0], 50)
    w = seed_of("sum").uniform(0, 2, 50)
    for weight in (None, w):
        for reduction in ("mean", "sum", "none"):
            want = sum(f * part(y, z, weight, reduction=reduction) for f, part in loss._terms())
            np.testing.assert_allclose(loss(y, z, weight, reduction=reduction), want, rtol=1e-14)
            value, gradient = loss.value_and_gradient(y, z, weight, reduction=reduction)
            want_gradient = sum(f * part.gradient(y, z, weight, reduction=reduction) for f, part in loss._terms())
            np.testing.assert_allclose(gradient, want_gradient, rtol=1e-14, atol=1e-18)
            np.testing.assert_allclose(value, want, rtol=1e-14)
            for kind in loss.hessian_kinds:
                hessian = loss.gradient_and_hessian(y, z, weight, reduction=reduction, hessian=kind)[1]
                each = sum(
                    f * part.gradient_and_hessian(y, z, weight, reduction=reduction, hessian=kind)[1]
                    for f, part in loss._terms()
                )
                if kind != "floor":
                    np.testing.assert_allclose(hessian, each, rtol=1e-14)
    out = np.empty_like(z)
    assert loss.gradient(y, z, out=out) is out
    np.testing.assert_allclose(out, loss.gradient(y, z))
    work = z.copy()
    assert loss.value_and_gradient(y, work, out=work)[1] is work
    np.testing.assert_allclose(work, out)
    pair = np.empty_like(z), np.empty_like(z)
    got = loss.gradient_and_hessian(y, z, out=pair)
    assert got[0] is pair[0]
    assert got[1] is pair[1]
    for dtype in (np.float32, np.float16):
        assert loss.gradient(y, z.astype(dtype)).dtype == dtype
    accumulator = loss.accumulator()
    for piece in np.array_split(np.arange(50), 4):
        accumulator.update(y[piece], z[piece], w[piece])
    assert accumulator.value() == pytest.approx(loss(y, z, w), rel=1e-14)
    assert loss.task == loss.losses[0].task
    assert loss.activation == loss.losses[0].activation
    assert loss.layout == loss.losses[0].layout


def test_arithmetic_of_losses():
    a, b, c = fl.Huber(), fl.LogCosh(), fl.SquaredError()
    assert 0.5 * a + 0.5 * b == fl.WeightedSum([a, b], [0.5, 0.5])
    assert a + b + c == fl.WeightedSum([a, b, c], [1, 1, 1]) == sum([a, b, c])
    assert 2 * (a + 3 * b) == fl.WeightedSum([a, b], [2, 6])
    assert a * 2 == 2 * a
    y, z = data(c, 20)
    assert (1.0 * c)(y, z) == c(y, z)
    assert (0.0 * c)(y, z) == 0
    floor = (0.5 * fl.AbsoluteError() + 0.0 * c).gradient_and_hessian(y, z, reduction="none", hessian="floor")[1]
    assert (floor > 0).all()


@pytest.mark.parametrize("loss", SUMS[:2], ids=repr)
def test_optimum_of_a_sum(loss):
    y = seed_of("sum optimum").normal(3, 2, 101)
    best = loss.optimum(y)
    assert all(loss(y, np.full(101, best)) <= loss(y, np.full(101, best + d)) for d in (-1e-4, 1e-4, -1, 1))


# -- accumulators -----------------------------------------------------------------------------------------------------


@losses
def test_accumulators(loss):
    y, z = data(loss, 200, np.float32)
    w = seed_of("accumulator").uniform(0, 2, 200)
    parts = [slice(0, 1), slice(1, 50), slice(50, 50), slice(50, 193), slice(193, 200)]
    one = loss.accumulator()
    one.update(y, z, w)
    many = [loss.accumulator() for _ in range(2)]
    for i, part in enumerate(parts):
        many[i % 2].update(y[part], z[part], w[part])
    both = pickle.loads(pickle.dumps(many[0]))
    both.merge(pickle.loads(pickle.dumps(many[1])))
    for reduction in ("mean", "sum"):
        want = loss(y, z, w, reduction=reduction)
        assert one.value(reduction) == want
        assert both.value(reduction) == pytest.approx(want, rel=2e-7)
    assert both.value() == pytest.approx(loss(y, z, w), rel=2e-7)
    other = pickle.loads(pickle.dumps(many[1]))
    other.merge(many[0])
    assert other.value() == both.value(), "the order of merging matters"
    assert loss.accumulator().value("sum") == 0
    assert repr(loss) in repr(both)
    copied = copy.deepcopy(both)
    copied.update(y, z)
    assert both.value() != copied.value() or math.isinf(both.value())


def test_an_accumulator_may_be_merged_with_itself():
    a = fl.SquaredError().accumulator()
    a.update([0.0, 0.0], [1.0, 3.0])
    a.merge(a)
    assert a.value() == 5
    assert a.value("sum") == 20


# -- optimum ----------------------------------------------------------------------------------------------------------


def total_at(loss, y, w, constant):
    """The weighted sum of the loss at one constant prediction."""
    if loss.has_rows:
        return loss(y, np.tile(constant, (len(y), 1)), w, reduction="sum")
    return loss(y, np.full(len(y), constant), w, reduction="sum")


# Linear or quadratic programs over all pairs of classes.
NO_OPTIMUM = ("multi_margin", "multi_label_margin")


@losses
def test_optimum(loss):
    n_classes = n_classes_of(loss)
    if loss.name in NO_OPTIMUM:
        with pytest.raises(ValueError, match="no constant of least loss is known for this loss over classes"):
            loss.optimum([0, 0, 2] if loss.takes_labels else np.eye(3))
        return
    for n in (1, 2, 51):
        y, _ = data(loss, n)
        rng = seed_of("optimum", n)
        w = rng.integers(1, 4, n).astype(float)
        if loss.takes_labels:
            if loss.ignore_index is not None:
                y = np.where(y == loss.ignore_index, 0 if loss.ignore_index != 0 else 2, y)
                if loss.ignore_index == 1:
                    y = np.where(y == 1, 2, y)
            y = np.concatenate([y, [n_classes - 1 if loss.ignore_index != n_classes - 1 else 0]])
            w = np.concatenate([w, [1.0]])
            if loss.params.get("class_weight") is None and loss.ignore_index is not None and y.max() != n_classes - 1:
                continue
        if loss.params.get("class_weight") and 0.0 in loss.class_weight:
            continue
        for weight in (None, w):
            best = loss.optimum(y, weight)
            least = total_at(loss, y, weight, best)
            if np.isinf(best).any() or np.isnan(least):
                continue
            if not loss.has_rows:
                assert isinstance(best, float)
                steps = [best + d for d in (-1.0, -0.01, -1e-4, 1e-4, 0.01, 1.0)]
                low, high = loss.prediction_domain.low, loss.prediction_domain.high
                steps = [x for x in steps if low <= x <= high]
            else:
                assert best.shape == (len(loss.outputs) or n_classes,) or loss.takes_labels
                steps = []
                for _ in range(8):
                    direction = rng.normal(size=best.shape) * rng.choice([1e-3, 0.1, 1])
                    if loss.prediction_domain.rows_sum_to_one:
                        near = best * np.exp(direction)
                        steps.append(near / near.sum())
                    elif loss.prediction_domain.code is not None:
                        near = best + direction
                        steps.append(near - np.log(np.exp(near).sum()))
                    else:
                        steps.append(best + direction)
            for other in steps:
                there = total_at(loss, y, weight, other)
                assert least <= there * (1 + 1e-12) + 1e-12, f"n={n}: {least} at {best}, {there} at {other}"


def test_optimum_by_scipy():
    optimize = pytest.importorskip("scipy.optimize")
    rng = seed_of("scipy")
    for loss in LOSSES:
        if loss.has_rows or not loss.convex:
            continue
        y, _ = data(loss, 61)
        w = rng.uniform(0.5, 2, 61)
        best = loss.optimum(y, w)
        bounds = (
            (1e-9, 1 - 1e-9)
            if loss.prediction_domain.high == 1
            else (1e-9, 50)
            if loss.prediction_domain.low == 0
            else (-50, 50)
        )
        found = optimize.minimize_scalar(
            lambda c, loss=loss, y=y, w=w: total_at(loss, y, w, c),
            bounds=bounds,
            method="bounded",
            options={"xatol": 1e-10},
        )
        if np.isfinite(best):
            assert total_at(loss, y, w, best) <= found.fun + 1e-9 * abs(found.fun) + 1e-12, loss


def test_known_optima():
    assert fl.SquaredError().optimum([1.0, 2.0, 6.0]) == 3
    assert fl.SquaredError().optimum([1.0, 2.0], [3.0, 1.0]) == 1.25
    assert fl.AbsoluteError().optimum([1.0, 2.0, 100.0]) == 2
    assert fl.AbsoluteError().optimum([1.0, 2.0]) == 1.5
    assert fl.Quantile(0.9).optimum(np.arange(1, 11)) == 9.5
    assert fl.Poisson().optimum([1, 3]) == pytest.approx(math.log(2))
    assert fl.Poisson().optimum([0, 0]) == -math.inf
    assert fl.Gamma().optimum([1.0, 3.0]) == pytest.approx(math.log(2))
    assert fl.BinaryCrossEntropy().optimum([0, 0, 0, 1]) == 0.25
    assert fl.BinaryCrossEntropy(True).optimum([0, 0, 0, 1]) == pytest.approx(-math.log(3))
    assert fl.BinaryCrossEntropy(True).optimum([1, 1]) == math.inf
    assert fl.BinaryCrossEntropy(True, pos_weight=3.0).optimum([0, 0, 0, 1]) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(fl.SparseCategoricalCrossEntropy().optimum([0, 2, 2, 1]), [0.25, 0.25, 0.5])
    np.testing.assert_allclose(fl.SparseCategoricalCrossEntropy(True).optimum([0, 2, 2, 1]), np.log([0.25, 0.25, 0.5]))
    np.testing.assert_allclose(fl.KLDivergence().optimum([[0.5, 0.5], [1.0, 0.0]]), [0.75, 0.25])
    assert fl.Huber().optimum([5.0] * 7) == 5
    assert fl.BinaryCrossEntropy(pos_weight=0.0).optimum([1, 1]) == 0.5
    with pytest.raises(ValueError, match=r"the optimum.*undefined: the total weight is zero"):
        fl.SparseCategoricalCrossEntropy(class_weight=[0, 1]).optimum([0, 0])
    assert fl.Hinge().optimum([1, 1, 0]) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(fl.GaussianNLL().optimum([1.0, 3.0, 9.0], [1, 2, 0]), [7 / 3, np.log(8 / 9) / 2])
    assert fl.GaussianNLL().optimum([2.0, 2.0]).tolist() == [2, -math.inf]
    assert fl.GaussianCRPS().optimum([2.0, 2.0]).tolist() == [2, -math.inf]
    assert np.isnan(fl.GaussianCRPS().optimum([2.0, math.nan])).all()


VALLEYS = [
    fl.GemanMcClure(0.3),
    fl.GemanMcClure(0.05),
    fl.Arctan(0.05),
    fl.Tukey(1.0),
    fl.Welsch(0.3) + 0.01 * fl.AbsoluteError(),
    fl.GeneralRobust(alpha=0.5),
    fl.GeneralRobust(alpha=-2.0, c=0.05),
    fl.Wing(1.0, 0.2),
    fl.SymmetricAbsolutePercentageError(),
]


@pytest.mark.parametrize("loss", VALLEYS, ids=repr)
@pytest.mark.parametrize(
    "y",
    [
        [-3.0, -1.0, -0.5, 0.5, 2.0, 4.0, 10.0],
        [0.0, 0.9, 5.0, 5.5, 5.9, 10.0, 10.2, 20.0],
        [100 * k**2 / 361 for k in range(20)],
        [-1.0, 1.0],
    ],
    ids=["both signs", "pairs", "ever wider", "two"],
)
def test_optimum_is_the_deepest_valley(loss, y):
    """Where the lowest target is not in the deepest valley, and the valleys are narrow."""
    best, y = loss.optimum(y), np.array(y)
    tried = np.unique(np.concatenate([y, np.linspace(y.min(), y.max(), 20001)]))
    least = min(total_at(loss, y, None, c) for c in tried)
    assert total_at(loss, y, None, best) <= least * (1 + 1e-9)


@pytest.mark.parametrize(
    ("loss", "y", "want"),
    [
        (fl.SmoothQuantile(0.3, width=1e5), [0.0], -1e5 * math.log(0.7 / 0.3)),
        (fl.SmoothQuantile(1e-12, width=1000.0), [5.0], 5 - 1000 * math.log(1e12)),
        (fl.SmoothQuantile(0.0, width=1.0), [0.0, 1.0], -math.inf),
        (fl.SmoothQuantile(1.0, width=1.0), [0.0, 1.0], math.inf),
        (fl.Poisson() + fl.NegativeBinomial(), [0.0, 0.0], -math.inf),
        (fl.Poisson(link="identity") + fl.Tweedie(1.5, link="identity"), [0.0, 2.0, 7.0], 3.0),
        (fl.Poisson(link="identity") + fl.Tweedie(1.5, link="identity"), [0.0, 0.0], 0.0),
        (fl.Linex(a=1e-12), [1.0, 2.0, 3.0], 2.0),
        (fl.Linex(a=-1e-9), [1.0, 2.0, 4.0], 7 / 3),
    ],
    ids=repr,
)
def test_optimum_far_out_and_at_ends(loss, y, want):
    assert loss.optimum(y) == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("heavy", range(11))
def test_optimum_of_the_crps(heavy):
    """By another solver; with 0.7 of the weight on one value there is no width any more."""
    optimize = pytest.importorskip("scipy.optimize")
    loss, rng = fl.GaussianCRPS(), seed_of("crps", heavy)
    y = np.concatenate([np.full(10 * heavy, 0.5), rng.standard_t(1.5, 100 - 10 * heavy)])
    best = loss.optimum(y)
    if heavy >= 8:
        assert best.tolist() == [0.5, -math.inf]
    ends = [
        optimize.minimize(lambda x: total_at(loss, y, None, x), [np.median(y), s], method="Nelder-Mead", tol=1e-12)
        for s in (-8, -3, 1)
    ]
    least = total_at(loss, y, None, best)
    assert all(least <= end.fun * (1 + 1e-12) for end in ends)
    if np.isfinite(best[1]):
        assert abs(loss.gradient(y, np.tile(best, (100, 1)))).max() < 1
        assert np.abs(loss.gradient(y, np.tile(best, (100, 1))).sum(axis=0)).max() < 1e-10


def test_optimum_of_the_crps_of_weights_that_differ_by_rounding():
    for weights in ([1.0, 1 - 2**-53], [1 - 2**-53, 1.0]):
        np.testing.assert_allclose(
            fl.GaussianCRPS().optimum([0.0, 1.0], weights), fl.GaussianCRPS().optimum([0.0, 1.0])
        )


def test_ignored_rows_do_not_move_the_optimum():
    loss = fl.SparseCategoricalCrossEntropy(ignore_index=-1)
    np.testing.assert_allclose(loss.optimum([0, -1, 1, -1, 1, 1]), [0.25, 0.75])


# -- links ------------------------------------------------------------------------------------------------------------


@losses
def test_links(loss):
    _, z = data(loss, 40)
    mean = loss.inverse_link(z)
    assert mean.shape == z.shape
    assert mean is not z
    want = {
        "identity": lambda: z if loss.layout != "outputs" else np.stack([z[:, 0], np.exp(z[:, 1])], axis=1),
        "exp": lambda: np.exp(z),
        "sigmoid": lambda: 1 / (1 + np.exp(-z)),
        "softmax": lambda: (
            np.exp(z - z.max(-1, keepdims=True)) / np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True)
        ),
    }[loss.activation]()
    np.testing.assert_allclose(mean, want, rtol=1e-12)
    assert loss.inverse_link(z.astype(np.float32)).dtype == np.float32
    assert loss.inverse_link(z.tolist()).dtype == np.float64
    if loss.params.get("from_logits"):
        assert loss.activation in ("sigmoid", "softmax")


def test_links_in_the_tails():
    sigmoid = fl.BinaryCrossEntropy(True).inverse_link
    np.testing.assert_allclose(
        sigmoid([-700.0, -40.0, 0.0, 40.0, 1e4, -1e4]),
        [9.8596765437597708e-305, 4.248354255291589e-18, 0.5, 1, 1, 0],
        rtol=1e-14,
    )
    softmax = fl.CategoricalCrossEntropy(True).inverse_link
    np.testing.assert_allclose(softmax([[1e4, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]]), [[1, 0], [0.5, 0.5], [1, 0]])
    assert np.isnan(sigmoid([np.nan]))
    assert fl.Poisson().inverse_link([1000.0])[0] == np.inf


# -- settings ---------------------------------------------------------------------------------------------------------


def test_check_finite_is_a_switch():
    z = np.array([1.0, np.nan])
    assert math.isnan(fl.SquaredError()([1.0, 1.0], z))
    fl.set_check_finite(True)
    with pytest.raises(ValueError, match=r"y_pred\[1\] is nan"):
        fl.SquaredError()([1.0, 1.0], z)
    fl.set_check_finite(False)
    assert math.isnan(fl.SquaredError()([1.0, 1.0], z))


def test_show_config(capsys):
    assert fl.show_config() is None
    printed = capsys.readouterr().out
    config = fl.show_config(mode="dict")
    for key, value in config.items():
        assert key in printed
        assert str(value) in printed
    assert config["version"] == fl.__version__
    assert config["backend"] in ("compiled", "numpy")
    assert config["threads"] == fl.get_num_threads()
    if config["backend"] == "compiled":
        assert config["isa_in_use"] in config["isa_available"]
        assert set(config["isa_available"].split(", ")) <= set(config["isa_built"].split(", "))


def test_defaults_cover_the_catalogue():
    additive = {name for name in fl.list_losses() if registry.loss_class(name).additive}  # the other: test_root.py
    assert {loss.name for loss in DEFAULTS} == additive
    assert set(DEFAULTS) <= set(LOSSES)
    for name in additive:
        assert fl.get_loss(name) in LOSSES

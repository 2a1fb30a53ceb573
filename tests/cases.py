"""Cases for every loss of the catalogue: parameters and data, made from what the loss says about itself.

A new loss is covered by being declared: its constructor's signature gives the parameter sets, its domains give the
data. What a test of numbers may be wrong by stands in `bounds`.
"""

from __future__ import annotations

import inspect
import itertools
import zlib
from typing import Any

import numpy as np

import fastloss as fl
from fastloss import registry
from fastloss.loss import Loss

DTYPES = (np.float32, np.float64)
OPERATIONS = ("value", "gradient", "value_and_gradient", "gradient_and_hessian")
REDUCTIONS = ("none", "sum", "mean")
# So many classes that the kernels put one row across the lanes (from 128 or 256 on), with a remainder.
WIDE = 300

# What else than its default a parameter may be, by the parameter's name. A bool is tried both ways, in every
# combination; these are tried one at a time on top of each combination that the constructor takes.
ALTERNATIVES: dict[str, tuple[Any, ...]] = {
    "delta": (0.1, 7.5),
    "beta": (0.0, 0.3, 7.5),
    "epsilon": (0.0, 2.5),
    "c": (0.3, 7.5),
    "width": (0.02, 3.0),
    "q": (1.0, 2.0, 3.5),
    "a": (-0.3, 2.0),
    "b": (3.0,),
    "zero": ("epsilon",),
    "w": (0.5,),
    "power": (-1.0, 0.0, 1.0, 1.9, 2.0, 3.0),
    "theta": (1e-6, 0.1, 7.5),
    "gamma_pos": (0.0, 2.5),
    "gamma_neg": (0.0, 1.0, 2.5),
    "margin": (0.0, 0.3),
    "kind": ("minimax", "least_squares", "hinge", "wasserstein"),
    "expectile": (0.0, 0.1, 0.999, 1.0),
    "quantile": (0.0, 0.1, 0.999, 1.0),
    "gamma": (0.0, 0.5, 1.0, 3.5),
    "alpha": (0.25,),
    "pos_weight": (0.0, 0.3, 5.0),
    "label_smoothing": (0.1, 1.0),
    "clip": (1e-9, 0.05),
    "class_weight": ((0.5, 2.0, 0.3), (1.0, 0.0, 3.0)),
    "weight": ((0.5, 2.0, 0.3), (1.0, 0.0, 3.0)),
    "p": (2,),
    "ignore_index": (-100, 1),
    "z_loss": (0.01,),
    "link": ("log", "identity"),
}
# Several options at once, where their code meets.
TOGETHER: dict[str, tuple[dict[str, Any], ...]] = {
    "binary_cross_entropy": (
        {"from_logits": True, "pos_weight": 3.0, "label_smoothing": 0.1},
        {"pos_weight": 3.0, "label_smoothing": 0.1, "clip": 0.01},
    ),
    "binary_focal": (
        {"from_logits": True, "gamma": 0.5, "alpha": 0.9},
        {"gamma": 3.5, "alpha": 0.9},
    ),
    "poisson": ({"link": "identity", "full": True},),
    "tweedie": tuple({"link": "identity", "power": power} for power in (-1.0, 0.0, 1.0, 1.9, 2.0, 3.0)),
    "asymmetric_focal": ({"gamma_neg": 2.5, "margin": 0.0},),
    "general_robust": tuple({"alpha": alpha} for alpha in (-np.inf, -20.0, -2.0, 0.0, 1e-12, 1.9, 2 - 1e-12, 2.0, 5.0)),
    "adaptive_robust": ({"alpha": 0.0, "c": 3.0}, {"alpha": 1.9}),
    "multi_margin": ({"p": 2, "margin": 0.3, "class_weight": (1.0, 0.0, 3.0), "ignore_index": 2},),
    "categorical_hinge": ({"margin": 0.3, "class_weight": (1.0, 0.0, 3.0), "ignore_index": 2},),
    "categorical_cross_entropy": (
        {"from_logits": True, "class_weight": (0.5, 2.0, 0.3), "label_smoothing": 0.1, "z_loss": 0.01},
        {"class_weight": (0.5, 2.0, 0.3), "label_smoothing": 0.1},
    ),
    "sparse_categorical_cross_entropy": (
        {
            "from_logits": True,
            "class_weight": (0.5, 2.0, 0.3),
            "label_smoothing": 0.1,
            "ignore_index": -1,
            "z_loss": 0.01,
        },
        {"class_weight": (0.5, 2.0, 0.3), "label_smoothing": 0.1, "ignore_index": 2},
    ),
    **{
        name: (
            {
                "from_logits": True,
                "class_weight": (0.5, 2.0, 0.3),
                "label_smoothing": 0.1,
                "ignore_index": -1,
                "z_loss": 0.01,
            },
            {"class_weight": (0.5, 2.0, 0.3), "label_smoothing": 0.1, "ignore_index": 2},
        )
        for name in ("categorical_focal", "generalized_cross_entropy", "poly1")
    },
}


def parameter_sets(name: str) -> list[Loss]:
    """The loss with its defaults, and with every option."""
    cls = registry.loss_class(name)
    signature = inspect.signature(cls).parameters
    flags = [key for key, p in signature.items() if isinstance(p.default, bool)]
    sets: list[dict[str, Any]] = []
    for values in itertools.product((False, True), repeat=len(flags)):
        base = dict(zip(flags, values, strict=True))
        sets.append(base)
        sets += [{**base, key: value} for key in signature for value in ALTERNATIVES.get(key, ())]
    found = {}
    for params in (*sets, *TOGETHER.get(name, ())):
        try:
            loss = cls(**params)
        except ValueError:  # a combination that the loss refuses; test_bad_input says which must be
            continue
        found[loss] = None
    return list(found)


def _reading(loss: Loss) -> tuple[Any, ...]:
    return tuple(value for value in loss.params.values() if isinstance(value, (bool, str)))


LOSSES = [loss for name in fl.list_losses() for loss in parameter_sets(name) if loss.additive]
POINTWISE = [loss for loss in LOSSES if loss.layout == "pointwise"]
CLASSES = [loss for loss in LOSSES if loss.layout == "classes"]
# Losses of labels that take rows as well: as the losses of rows that they make.
OF_ROWS = [loss._of_rows() for loss in CLASSES if loss.takes_rows]
NOT_CLASSES = [loss for loss in LOSSES if loss.layout != "classes"]
# Each class with each of its ways to read the data, for what does not depend on the numbers among the parameters.
DEFAULTS = [
    next(loss for loss in LOSSES if loss.name == name and _reading(loss) == way)
    for name, way in dict.fromkeys((loss.name, _reading(loss)) for loss in LOSSES)
]


def seed_of(*facts: Any) -> np.random.Generator:
    """Reproducible random numbers, different for different facts."""
    return np.random.default_rng(zlib.crc32(repr(facts).encode()))


def for_classes(loss: Loss, n_classes: int) -> Loss:
    """The same loss, its class weights cut or cycled to so many classes and its ignored label kept meaningful."""
    params = loss.params
    if params.get(loss.per_class) is not None:
        weights = tuple(itertools.islice(itertools.cycle(params[loss.per_class]), n_classes))
        params[loss.per_class] = weights if sum(weights) else (1.0,) * n_classes
    return type(loss)(**params)


def n_classes_of(loss: Loss, default: int = 3) -> int:
    """K that the loss's class weights ask for."""
    factors = loss.params.get(loss.per_class)
    return default if factors is None else len(factors)


def data(loss: Loss, n: int, dtype: Any = np.float64, classes: int = 3, *, kinks: bool = True) -> tuple[Any, Any]:
    """Targets and predictions inside the loss's domains, with ordinary and hard values; floats are of `dtype`.

    Without `kinks`, none sits on or beside a point where a loss has no derivative.
    """
    rng = seed_of(loss.name, n, classes)
    if loss.layout == "classes":
        y, z = _rows(loss, n, n_classes_of(loss, classes), rng)
    elif loss.layout == "outputs":
        y, z = _outputs(loss, n, rng, kinks)
    else:
        y, z = _points(loss, n, rng, kinks)
    y = y if loss.takes_labels else _inside(loss.target_domain, y, dtype)
    return y, _inside(loss.prediction_domain, z, dtype)


def _inside(domain: Any, x: Any, dtype: Any) -> Any:
    """Rounding to float32 must not leave the domain."""
    x = x.astype(dtype)
    if domain.code is not None and not domain.rows_sum_to_one:
        x = np.clip(x, np.asarray(domain.low, dtype), np.asarray(domain.high, dtype))
    return np.maximum(x, np.finfo(dtype).tiny) if domain.code == 1 else x


def _points(loss: Loss, n: int, rng: Any, kinks: bool) -> tuple[Any, Any]:
    y = targets(loss, n, rng)
    domain = loss.prediction_domain
    if domain.code is None:
        z = rng.normal(0, 3, n)
        tail = rng.random(n) < 0.2
        z[tail] = np.sign(z[tail]) * 10 ** rng.uniform(-6, 1.4, tail.sum())
        special = np.array([0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 1e-8, -1e-8, 40.0, -40.0])
    elif domain.high == 1:
        z = rng.uniform(0, 1, n)
        tail = rng.random(n) < 0.2
        z[tail] = 10 ** rng.uniform(-6, -1, tail.sum())
        flip = rng.random(n) < 0.1
        z[flip] = 1 - z[flip]
        special = np.array([0.5, 0.25, 0.75, 1 - 2.0**-20, 2.0**-20])
    else:
        z = np.exp(rng.normal(0, 2, n))
        special = np.array([1.0, 0.5, 1e-4, 1e4])
    if kinks:
        at = rng.permutation(n)[: n // 8]
        z[at] = rng.choice(special, at.size)
        if domain.code is None and loss.target_domain.code is None:
            near = rng.random(n) < 0.1  # a good fit, and a perfect one, in either dtype
            y = np.where(near, z.astype(np.float32), y)
            z = np.where(near, y + rng.choice([0, 1, -1], n) * np.abs(y) * 10 ** rng.uniform(-7, -1, n), z)
    return y, z


def _outputs(loss: Loss, n: int, rng: Any, kinks: bool) -> tuple[Any, Any]:
    """A location as of a pointwise loss, and a log scale."""
    y, location = _points(loss, n, rng, kinks)
    scale = rng.normal(0, 1, n)
    tail = rng.random(n) < 0.2
    scale[tail] = np.sign(scale[tail]) * 10 ** rng.uniform(-6, 1.4, tail.sum())
    return y, np.stack([location, scale], axis=-1)


def targets(loss: Loss, n: int, rng: Any) -> Any:
    """Targets of a loss without classes."""
    domain = loss.target_domain
    if domain.code is None:
        return rng.normal(0, 2, n)
    if domain.code == 2:
        return rng.choice([domain.low, domain.high], n)
    if domain.low == domain.high:
        return np.full(n, domain.low)
    if domain.high == 1:  # hard labels mostly, soft ones too
        return np.where(rng.random(n) < 0.3, rng.uniform(0, 1, n), rng.integers(0, 2, n))
    if domain.code == 1:
        return np.exp(rng.normal(0, 2, n))
    return np.where(rng.random(n) < 0.2, np.exp(rng.normal(0, 1, n)), rng.poisson(3, n))


def _rows(loss: Loss, n: int, n_classes: int, rng: Any) -> tuple[Any, Any]:
    z = rng.normal(0, 2, (n, n_classes)) + rng.normal(0, 5, (n, 1))
    z[rng.random(n) < 0.2] *= 4  # confident rows
    top = z.max(axis=1, keepdims=True)
    p = np.exp(z - top) / np.exp(z - top).sum(axis=1, keepdims=True)
    p = np.maximum(p, 1e-30)
    if loss.prediction_domain.rows_sum_to_one:
        z = p
    elif loss.prediction_domain.code is not None:
        z = np.log(p)
    if loss.takes_labels:
        y = rng.integers(0, n_classes, n)
        ignore = loss.params.get("ignore_index")
        if ignore is not None:
            y[rng.random(n) < 0.2] = ignore
        return y, z
    if not loss.target_domain.rows_sum_to_one:  # labels on their own: none, all, soft ones if they may be
        t = rng.integers(0, 2, (n, n_classes)) * 1.0
        t[rng.random(n) < 0.05] = 0
        t[rng.random(n) < 0.05] = 1
        if loss.target_domain.code == 0:
            t = np.where(rng.random(t.shape) < 0.3, rng.uniform(0, 1, t.shape), t)
        return t, z
    t = rng.dirichlet(np.full(n_classes, 0.7), n) if n_classes > 1 else np.ones((n, 1))
    hard = rng.random(n) < 0.4
    t[hard] = np.eye(n_classes)[rng.integers(0, n_classes, hard.sum())]
    if loss.name == "reverse_kl_divergence":  # which is infinite there: almost all are smoothed
        t[n // 20 :] = t[n // 20 :] * 0.999 + 0.001 / n_classes
    return t, z


def sample_shape(loss: Loss, z: Any) -> tuple[int, ...]:
    """The shape of a value per element or row."""
    return z.shape[:-1] if loss.has_rows else z.shape


def parts_of(result: Any) -> tuple[Any, ...]:
    """Results of any operation, as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def call(loss: Loss, operation: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """One call of an operation by name, as a tuple."""
    method = loss if operation == "value" else getattr(loss, operation)
    return parts_of(method(*args, **kwargs))


def everything(loss: Loss) -> list[tuple[str, dict[str, Any]]]:
    """Each operation with its own arguments: every kind of Hessian that the loss has."""
    plain = [(operation, {}) for operation in OPERATIONS[:3]]
    return [*plain, *(("gradient_and_hessian", {"hessian": kind}) for kind in loss.hessian_kinds)]


def same_bits(a: Any, b: Any) -> bool:
    """The same bits; NaNs of any payload are equal."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    nan = np.isnan(a)
    return bool((nan == np.isnan(b)).all() and ((a == b) & (np.signbit(a) == np.signbit(b)) | nan).all())

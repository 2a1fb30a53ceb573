# ruff: noqa: E501  (tables: one case a line)
"""Losses of pairs, triplets and batches of embeddings: definitions, gradients, ties and zeros, what they refuse."""

from __future__ import annotations

import inspect
import math
import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from cases import same_bits, seed_of

import fastloss as fl
from fastloss import backend, description, registry
from fastloss.cli import main
from fastloss.losses import contrast

LONG = np.longdouble
INF, NAN = math.inf, math.nan
ROWS = [
    fl.Contrastive(),
    fl.Contrastive(7.5),
    fl.Triplet(),
    fl.Triplet(0.3, swap=True),
    fl.Triplet(p=1),
    fl.Triplet(p=1, swap=True),
    fl.Triplet(p=1.5),
    fl.Triplet(2.0, p=4, swap=True),
    fl.Triplet(p=math.inf),
    fl.Triplet(0.7, p=math.inf, swap=True),
    fl.CosineEmbedding(),
    fl.CosineEmbedding(0.4),
    fl.CosineSimilarity(),
    fl.MarginRanking(),
    fl.MarginRanking(0.7),
]
CATALOGUE = [registry.loss_class(name) for name in fl.list_losses("embedding")]
BATCHES = [fl.NTXent(), fl.NTXent(0.07), fl.SupervisedContrastive(), fl.SupervisedContrastive(0.5)]
DTYPES = (np.float32, np.float64)

rows = pytest.mark.parametrize("loss", ROWS, ids=repr)
batches = pytest.mark.parametrize("loss", BATCHES, ids=repr)
every = pytest.mark.parametrize("loss", ROWS + BATCHES, ids=repr)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
engine = pytest.mark.skipif(backend.engine is None, reason="no compiled engine")


def arguments(loss, n, width=5, dtype=np.float64):
    """Embeddings some of which are alike, and labels."""
    rng = seed_of(loss.name, n, width)
    names = loss.arguments[bool(loss.coding) :]
    base = rng.normal(size=(n, width))
    inputs = [(base + rng.normal(size=(n, width)) * rng.uniform(0.01, 1.5, (n, 1))).astype(dtype) for _ in names]
    if not loss.coding:
        return tuple(inputs)
    if loss.batch:
        return rng.integers(0, max(1, n // 3), n), *inputs
    labels = rng.choice([-1, 1] if "-1" in loss.coding else [0, 1], n if loss.width else (n, width))
    return labels, *inputs


def plain(loss, *given):
    """Each sample's value by the formula of the docstring, in longdouble: the terms as they stand."""
    labels = given[0] if loss.coding else None
    x = [np.asarray(a).astype(LONG) for a in given[bool(loss.coding) :]]
    y = None if labels is None else np.asarray(labels) > 0
    if loss.name == "contrastive":
        D = np.sqrt(((x[0] - x[1]) ** 2).sum(-1))
        return np.where(y, D**2 / 2, np.maximum(loss.margin - D, 0) ** 2 / 2)
    if loss.name == "triplet":
        ap, an, pn = (
            np.abs(r).max(-1) if loss.p == INF else (np.abs(r) ** LONG(loss.p)).sum(-1) ** (1 / LONG(loss.p))
            for r in (x[0] - x[1], x[0] - x[2], x[1] - x[2])
        )
        return np.maximum(ap - (np.minimum(an, pn) if loss.swap else an) + LONG(loss.margin), 0)
    if loss.name in ("cosine_embedding", "cosine_similarity"):
        cos = (x[0] * x[1]).sum(-1) / np.sqrt((x[0] ** 2).sum(-1) * (x[1] ** 2).sum(-1))
        return -cos if y is None else np.where(y, 1 - cos, np.maximum(cos - loss.margin, 0))
    if loss.name == "margin_ranking":
        return np.maximum(loss.margin - np.where(y, 1, -1) * (x[0] - x[1]), 0)
    z = np.concatenate(x)
    n = len(x[0])
    groups = np.tile(np.arange(n), 2) if loss.name == "ntxent" else np.asarray(labels)
    u = z / np.sqrt((z**2).sum(-1, keepdims=True))
    s = (u[:, None] * u[None]).sum(-1) / LONG(loss.temperature)
    others = ~np.eye(len(z), dtype=bool)
    alike = others & (groups[:, None] == groups)
    log = s - np.log(np.exp(s).sum(-1, where=others))[:, None]
    count = alike.sum(-1)
    value = -log.sum(-1, where=alike) / np.maximum(count, 1)
    return (value[:n] + value[n:]) / 2 if loss.name == "ntxent" else value


def counted(loss, given, w):
    """What a mean divides by: a sample without a positive does not count."""
    if loss.name == "supervised_contrastive":
        w = np.where(np.bincount(given[0])[given[0]] > 1, w, 0)
    return w.sum()


def slopes(loss, given, w, step):
    """Central differences of the weighted sum, in longdouble."""
    found = []
    for k in range(bool(loss.coding), len(given)):
        x = given[k].astype(LONG)
        d = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            ends = []
            for h in (step, -step):
                moved = x.copy()
                moved[at] += h
                ends.append((plain(loss, *given[:k], moved, *given[k + 1 :]) * w).sum())
            d[at] = (ends[0] - ends[1]) / (2 * step)
        found.append(d)
    return found


# -- numbers ----------------------------------------------------------------------------------------------------------


@every
@dtypes
@pytest.mark.parametrize("width", [1, 2, 31, 32, 33, 128, 600])
def test_values(loss, dtype, width):
    given = arguments(loss, 40, width, dtype)
    want = plain(loss, *given)
    eps = float(np.finfo(dtype).eps)
    size = 1 + np.abs(want) + max(np.abs(x.astype(float)).max() for x in given[bool(loss.coding) :])
    size = size * (width if getattr(loss, "p", 2) == 1 else 1)  # distances before they are subtracted
    size = size / getattr(loss, "temperature", 1.0) * math.sqrt(width)
    got = loss(*given, reduction="none")
    assert got.dtype == dtype
    assert (np.abs(got - want) <= 8 * eps * size).all()
    w = seed_of("weights").uniform(0, 2, want.shape[0])
    w[::7] = 0
    spread = w.reshape(-1, *[1] * (want.ndim - 1)) * np.ones(want.shape)
    total = counted(loss, given, spread)
    near = {"rel": 4 * eps * math.sqrt(width), "abs": float(8 * eps * np.max(size))}
    assert loss(*given, w) == pytest.approx(float((want * spread).sum() / total), **near)
    assert loss(*given, sample_weight=w, reduction="sum") == pytest.approx(
        float((want * spread).sum()), rel=1e-4, abs=1e-4
    )
    assert loss.value_and_gradients(*given, w)[0] == loss(*given, w)
    assert same_bits(loss.value_and_gradients(*given, reduction="none")[0], got)


@every
@pytest.mark.parametrize("width", [1, 3, 34])
def test_gradients_by_differences(loss, width):
    given = arguments(loss, 6, width)
    w = seed_of("weights").uniform(0.2, 2, 6)
    spread = w if loss.width else w[:, None]
    found = loss.gradients(*given, w, reduction="sum")
    assert type(found) is tuple
    for got, want in zip(found, slopes(loss, given, spread, LONG(2.0**-20)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-8)
    by = counted(loss, given, np.broadcast_to(spread, plain(loss, *given).shape))
    for mean, total in zip(loss.gradients(*given, w), found, strict=True):
        np.testing.assert_allclose(mean, total / by, rtol=1e-11, atol=1e-15)


@every
@dtypes
@pytest.mark.parametrize("width", [1, 33, 128])
def test_the_engine_equals_its_reference(loss, dtype, width, monkeypatch):
    given = arguments(loss, 70, width, dtype)
    w = seed_of("weights").uniform(0, 2, 70).astype(dtype)
    got = loss.value_and_gradients(*given, w)
    none = loss(*given, w, reduction="none")
    with monkeypatch.context() as patch:
        patch.setattr(backend, "engine", None)
        want = loss.value_and_gradients(*given, w)
        np.testing.assert_allclose(
            none,
            loss(*given, w, reduction="none"),
            rtol=1e-5 if dtype == np.float32 else 1e-12,
            atol=40 * np.finfo(dtype).eps * math.sqrt(width) / getattr(loss, "temperature", 1),
        )
        wide = (
            loss.value_and_gradients(given[0], *(x.astype(LONG) for x in given[1:]), w)
            if loss.coding
            else loss.value_and_gradients(*(x.astype(LONG) for x in given), w)
        )
    eps = float(np.finfo(dtype).eps) / getattr(loss, "temperature", 1.0) ** 2
    for other in (want, wide):
        assert got[0] == pytest.approx(other[0], rel=40 * eps, abs=40 * eps)
        for mine, theirs in zip(got[1], other[1], strict=True):
            assert mine.dtype == dtype
            np.testing.assert_allclose(
                mine, theirs.astype(float), rtol=200 * eps, atol=20 * eps * (float(np.abs(theirs).max()) + 0.3)
            )


def torch_form(F, torch, loss, labels):
    """The same of torch, without the 1e-6 that it adds to differences."""
    sign = None if labels is None else torch.tensor(np.where(np.asarray(labels) > 0, 1, -1))

    def contrastive(a, b):
        D = (a - b).norm(dim=1)
        return torch.where(sign > 0, D**2 / 2, (loss.margin - D).clamp_min(0) ** 2 / 2).mean()

    def all_pairs(z, groups):
        s = F.normalize(z) @ F.normalize(z).T / loss.temperature
        others = ~torch.eye(len(z), dtype=torch.bool)
        alike = others & (groups[:, None] == groups)
        log = s - torch.logsumexp(s.masked_fill(~others, -INF), 1, keepdim=True)
        count = alike.sum(1)
        return (-(log * alike).sum(1)[count > 0] / count[count > 0]).mean()

    return {
        "contrastive": contrastive,
        "triplet": lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=loss.margin, p=loss.p, eps=0, swap=loss.swap),
        "cosine_embedding": lambda a, b: F.cosine_embedding_loss(a, b, sign, margin=loss.margin),
        "cosine_similarity": lambda a, b: -F.cosine_similarity(a, b).mean(),
        "margin_ranking": lambda a, b: F.margin_ranking_loss(a, b, sign, margin=loss.margin),
        "ntxent": lambda a, b: all_pairs(torch.cat([a, b]), torch.arange(len(a)).repeat(2)),
        "supervised_contrastive": lambda z: all_pairs(z, torch.tensor(labels)),
    }[loss.name]


@every
def test_torch(loss):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    given = arguments(loss, 60, 9)
    tensors = [torch.tensor(x, requires_grad=True) for x in given[bool(loss.coding) :]]
    theirs = torch_form(torch.nn.functional, torch, loss, given[0] if loss.coding else None)(*tensors)
    theirs.backward()
    value, gradients = loss.value_and_gradients(*given)
    assert value == pytest.approx(theirs.item(), rel=1e-12)  # cosine: torch has 1e-8 under the root
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_torch_s_epsilon_is_all_that_differs():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    a, p, n = (torch.tensor(x) for x in arguments(fl.Triplet(), 60, 9))
    theirs = torch.nn.functional.triplet_margin_loss(a, p, n).item()
    assert fl.Triplet()((a + 1e-6).numpy(), p.numpy(), n.numpy()) == pytest.approx(theirs, rel=1e-12)
    assert fl.Triplet()(a.numpy(), p.numpy(), n.numpy()) == pytest.approx(theirs, rel=1e-5)


@dtypes
@pytest.mark.parametrize("width", [1, 5, 40])
def test_ties_of_the_largest_difference(dtype, width):
    """Each has an equal part of the gradient, as in torch; and what torch makes of infinite entries."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    a, p, n = (x.round() for x in arguments(fl.Triplet(), 60, width, dtype))
    p[3] = a[3]
    p[7, 0] = INF
    loss = fl.Triplet(3.1, p=INF)  # no sum of whole numbers is 0, where torch has a gradient
    tensors = [torch.tensor(x, requires_grad=True) for x in (a, p, n)]
    torch_form(torch.nn.functional, torch, loss, None)(*tensors).backward()
    ties = np.abs(a - p) == np.abs(a - p).max(-1, keepdims=True)
    assert (ties.sum(-1) > 1).any() or width == 1
    for gradient, tensor in zip(loss.gradients(a, p, n), tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=4 * np.finfo(dtype).eps, atol=1e-9)


def test_supervised_with_a_label_per_sample_is_ntxent():
    z1, z2 = arguments(fl.NTXent(), 30)
    value, (g,) = fl.SupervisedContrastive(0.5).value_and_gradients(np.tile(np.arange(30), 2), np.concatenate([z1, z2]))
    other, (g1, g2) = fl.NTXent(0.5).value_and_gradients(z1, z2)
    assert value == pytest.approx(other, rel=1e-14)
    np.testing.assert_allclose(g, np.concatenate([g1, g2]), rtol=1e-12, atol=1e-16)


# -- bits and memory --------------------------------------------------------------------------------------------------


@engine
@rows
@dtypes
def test_bits_do_not_depend_on_threads(loss, dtype):
    given = arguments(loss, 5000, 37, dtype)
    w = seed_of("weights").uniform(0, 2, 5000)
    want = loss.value_and_gradients(*given, w, n_threads=1)
    for n_threads in (2, 3, 7):
        got = loss.value_and_gradients(*given, w, n_threads=n_threads)
        assert got[0] == want[0]
        assert all(same_bits(x, y) for x, y in zip(got[1], want[1], strict=True))


PROGRAM = """
import hashlib, sys
sys.path.insert(0, "tests")
import numpy as np
from test_embeddings import ROWS, arguments
for loss in ROWS:
    for dtype in (np.float32, np.float64):
        for width in (3, 37, 300):
            value, gradients = loss.value_and_gradients(*arguments(loss, 50, width, dtype))
            print(repr(loss), value, *(hashlib.md5(g.tobytes()).hexdigest() for g in gradients))
"""


@engine
def test_bits_do_not_depend_on_the_vector_width():
    names = [isa for isa in ("x86-64-v3", "x86-64-v4") if isa in backend.engine.isa_available]
    if len(names) < 2:
        pytest.skip("this CPU runs one of v3 and v4 at most")
    said = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"FASTLOSS_ISA": isa},
            cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for isa in names
    ]
    assert said[0].count("\n") == 6 * len(ROWS)
    assert said[0] == said[1]


@engine
@dtypes
def test_streamed_gradients_are_the_same(dtype):
    """Beyond the cache gradients take another way, in pieces, or row by row where a row is longer than a piece."""
    for width in (48, 3000):
        n = int(1.3 * backend.engine.build_info()["cache_bytes"] / (4 * width * np.dtype(dtype).itemsize))
        given = arguments(fl.Contrastive(), n, width, dtype)
        value, large = fl.Contrastive().value_and_gradients(*given, reduction="sum")
        parts = [
            fl.Contrastive().value_and_gradients(*(x[i : i + 500] for x in given), reduction="sum")
            for i in range(0, n, 500)
        ]
        assert value == pytest.approx(sum(part[0] for part in parts), rel=float(np.finfo(dtype).eps))
        for k in range(2):
            assert same_bits(large[k], np.concatenate([part[1][k] for part in parts]))


@batches
@dtypes
def test_blocks_do_not_matter(loss, dtype, monkeypatch):
    given = arguments(loss, 300, 8, dtype)
    want = loss.value_and_gradients(*given, reduction="none")
    monkeypatch.setattr(contrast, "_SIMILARITIES", 1)
    got = loss.value_and_gradients(*given, reduction="none")
    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(got[0], want[0], **close)
    for mine, theirs in zip(got[1], want[1], strict=True):
        np.testing.assert_allclose(mine, theirs, **close)


def test_no_matrix_of_all_pairs():
    z = seed_of("large").normal(size=(12_000, 4)).astype(np.float32)
    labels = np.arange(12_000) % 100
    tracemalloc.start()
    fl.SupervisedContrastive().value_and_gradients(labels, z)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    blocks = 1 if backend.engine is not None else 6  # the reference has a few of them at a time, too
    assert peak < blocks * 40e6 < 12_000 * 12_000 * 4 / 2


# -- zeros, ties, extremes --------------------------------------------------------------------------------------------


@every
@dtypes
def test_identical_and_zero_embeddings_have_no_nan(loss, dtype):
    given = arguments(loss, 8, 4, dtype)
    for x in (np.ones((8, 4), dtype), np.zeros((8, 4), dtype)):
        same = (given[0],) * bool(loss.coding) + (x,) * (len(given) - bool(loss.coding))
        value, gradients = loss.value_and_gradients(*same)
        assert np.isfinite(value)
        assert all(np.isfinite(g).all() for g in gradients)
        if loss.name not in ("margin_ranking",):
            assert all(np.abs(g).max() < 1e-5 for g in gradients)


def test_what_zeros_give():
    zero, one = np.zeros((1, 3)), np.eye(1, 3)
    assert fl.Contrastive(2.0)([0], zero, zero) == 2.0
    assert fl.Triplet(0.5)(zero, zero, zero) == 0.5
    assert fl.CosineSimilarity()(zero, one) == 0
    assert fl.CosineEmbedding()([1], zero, one) == 1
    assert fl.CosineEmbedding(-0.5)([-1], zero, one) == 0.5
    for g in (*fl.CosineEmbedding(-0.5).gradients([-1], zero, one), *fl.CosineSimilarity().gradients(zero, one)):
        assert not g.any()
    (g,) = fl.SupervisedContrastive().gradients([0, 0, 1], np.concatenate([zero, one, 2 * one]))
    assert not g[0].any()
    assert fl.MarginRanking().gradients([1], [2.0], [2.0]) == (-1, 1)


@dtypes
@pytest.mark.parametrize("power", [-0.95, -0.6, 0.6, 0.95])
def test_extreme_magnitudes(dtype, power):
    """Squares that overflow or vanish do not spoil distances and cosines."""
    size = dtype(float(np.finfo(dtype).max) ** power)
    a, b, c = (x.astype(dtype) for x in arguments(fl.Triplet(), 20, 7))
    for p in (1, 2, 3, INF):
        loss = fl.Triplet(0.0, p=p, swap=True)
        want, have = (
            loss.value_and_gradients(a, b, c, reduction="none"),
            loss.value_and_gradients(a * size, b * size, c * size, reduction="none"),
        )
        np.testing.assert_allclose(have[0] / size, want[0], rtol=2e-5, atol=2e-5)
        for x, y in zip(have[1], want[1], strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=2e-4)
    want, have = (fl.CosineSimilarity()(s * a, b / s, reduction="none") for s in (dtype(1), size))
    np.testing.assert_allclose(have, want, rtol=2e-5, atol=2e-5)
    of_a, of_b = fl.CosineSimilarity().gradients(a, b)
    scaled = fl.CosineSimilarity().gradients(a * size, b)
    np.testing.assert_allclose(scaled[0] * size, of_a, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(scaled[1], of_b, rtol=1e-3, atol=1e-5)
    a, b = a * size, b * size
    far = fl.Contrastive(float(size)).gradients(np.zeros(20), a, b, reduction="none")[0]
    assert np.isfinite(far).all()
    tiny = fl.NTXent().value_and_gradients(a, b)
    assert tiny[0] == pytest.approx(fl.NTXent()(a / size, b / size), rel=1e-4)
    assert not any(np.isnan(g).any() for g in tiny[1])


@dtypes
def test_one_less_cosine_keeps_its_digits(dtype):
    a = seed_of("near").normal(size=(50, 30)).astype(dtype)
    turn = seed_of("turn").normal(size=(50, 30)) * 1e-3
    b = (a + turn).astype(dtype)
    wide = [x.astype(LONG) for x in (a, b)]
    u, v = (x / np.sqrt((x**2).sum(-1, keepdims=True)) for x in wide)
    want = ((u - v) ** 2).sum(-1) / 2
    got = fl.CosineEmbedding()(np.ones(50), a, b, reduction="none")
    np.testing.assert_allclose(got, want.astype(float), rtol=3e3 * np.finfo(dtype).eps)


@every
@dtypes
def test_nan_and_infinity_propagate(loss, dtype):
    for bad in (NAN, INF):
        given = list(arguments(loss, 8, 4, dtype))
        at = len(given) - 1
        given[at] = given[at].copy()
        given[at][3, 2] = bad
        if loss.coding and not loss.batch:
            given[0] = np.ones_like(given[0]) if loss.width else np.ones((8, 4))
        value, gradients = loss.value_and_gradients(*given, reduction="none")
        assert not np.isfinite(value[3]).all() or loss.name in ("triplet", "margin_ranking")
        if math.isnan(bad):
            assert np.isnan(np.asarray(value)[3]).any()
            assert all(np.isnan(g[3]).any() for g in gradients)
        if not loss.batch:
            others = np.arange(8) != 3
            assert np.isfinite(value[others]).all()
            assert all(np.isfinite(g[others]).all() for g in gradients)
            w = np.where(others, 1.0, 0.0)  # a weight of 0 leaves it out, whatever it holds
            value, gradients = loss.value_and_gradients(*given, w)
            assert np.isfinite(value)
            assert all(np.isfinite(g).all() and not g[3].any() for g in gradients)


@every
@dtypes
def test_none_and_one(loss, dtype):
    none = arguments(loss, 0, 4, dtype)
    value, gradients = loss.value_and_gradients(*none, reduction="sum")
    assert value == 0
    assert all(g.shape == (0, 4) and g.dtype == dtype for g in gradients)
    assert loss(*none, reduction="none").size == 0
    with pytest.raises(ValueError, match=f"the mean of {loss.name} is undefined: there are no samples"):
        loss(*none)
    one = arguments(loss, 1, 4, dtype)
    if loss.name == "supervised_contrastive":
        assert loss(*one, reduction="sum") == 0
        return
    assert loss(*one) == pytest.approx(float(plain(loss, *one).mean()), rel=1e-4, abs=1e-5)


def test_a_sample_without_a_positive_does_not_count():
    labels, z = arguments(fl.SupervisedContrastive(), 12)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 5, 6])
    value = fl.SupervisedContrastive()(labels, z, reduction="none")
    assert not value[8:].any()
    assert fl.SupervisedContrastive()(labels, z) == pytest.approx(value.sum() / 8, rel=1e-14)
    names = np.array([10.5, 10.5, 10.5, 7, 7, 3, 3, 3, -1, -2, -3, -4])
    assert fl.SupervisedContrastive()(names, z) == fl.SupervisedContrastive()(labels, z)
    with pytest.raises(ValueError, match="undefined: the total weight is zero"):
        fl.SupervisedContrastive()([0, 1, 2], z[:3])


@batches
def test_a_weight_is_that_of_a_sample_s_own_term(loss):
    """One of weight 0 is still compared with."""
    given = arguments(loss, 12)
    w = np.ones(12)
    w[5] = 0
    value, gradients = loss.value_and_gradients(*given, w)
    terms = loss(*given, reduction="none")
    assert value == pytest.approx((w * terms).sum() / counted(loss, given, w), rel=1e-13)
    assert gradients[-1][5].all()
    given[-1][5] = NAN
    assert math.isnan(loss(*given, w))


def test_names_are_labels_by_their_index():
    """As the docstring says."""
    labels, z = arguments(fl.SupervisedContrastive(), 12)
    names = np.array(["ant", "bee", "cat", "dog"])[labels]
    index = np.unique(names, return_inverse=True)[1]
    assert fl.SupervisedContrastive()(index, z) == fl.SupervisedContrastive()(labels, z)
    with pytest.raises(TypeError, match="labels has dtype <U3: expected real numbers"):
        fl.SupervisedContrastive()(names, z)


# -- what comes in and goes out ---------------------------------------------------------------------------------------


@every
def test_other_input_is_converted(loss):
    given = arguments(loss, 9, 4)
    whole = [x if k < bool(loss.coding) else np.round(4 * x) for k, x in enumerate(given)]
    want = loss.value_and_gradients(*whole)
    for convert in (
        lambda x: x.astype(np.int64),
        lambda x: x.astype(np.int8).tolist(),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: x.astype(">f8"),
    ):
        got = loss.value_and_gradients(*map(convert, whole))
        assert got[0] == want[0]
        assert all(same_bits(x, y) and x.dtype == np.float64 for x, y in zip(got[1], want[1], strict=True))
    named = dict(zip(loss.arguments, whole, strict=True))
    assert loss(**named) == want[0]
    half = [x if k < bool(loss.coding) else x.astype(np.float16) for k, x in enumerate(given)]
    value, gradients = loss.value_and_gradients(*half)
    single = loss.value_and_gradients(
        *(x if k < bool(loss.coding) else x.astype(np.float32) for k, x in enumerate(half))
    )
    assert value == single[0]
    assert all(same_bits(x, y.astype(np.float16)) for x, y in zip(gradients, single[1], strict=True))


@every
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, LONG], ids=lambda dtype: dtype.__name__)
def test_out(loss, dtype):
    given = arguments(loss, 9, 4, dtype)
    want = loss.value_and_gradients(*given)
    out = tuple(np.full_like(x, 7) for x in given[bool(loss.coding) :])
    got = loss.value_and_gradients(*given, out=out)
    assert got[0] == want[0]
    assert all(x is y for x, y in zip(got[1], out, strict=True))
    assert all(same_bits(x, y) for x, y in zip(out, want[1], strict=True))


@pytest.mark.parametrize("loss", [x for x in ROWS if x.coding], ids=repr)
@dtypes
@pytest.mark.parametrize("n", [1, 700, 5000])
def test_labels_of_any_type_are_the_same(loss, dtype, n):
    labels, *inputs = arguments(loss, n, 3, dtype)
    want = loss.value_and_gradients(labels.astype(dtype), *inputs)
    types = [np.int8, np.int16, np.int32, np.int64, np.float16, np.float32, np.float64]
    for given in [*map(labels.astype, types), labels > 0, *((labels > 0).astype(t) for t in (np.uint8, np.uint64))]:
        got = loss.value_and_gradients(given, *inputs)
        assert got[0] == want[0]
        assert all(same_bits(x, y) for x, y in zip(got[1], want[1], strict=True))


@pytest.mark.parametrize("loss", [x for x in ROWS if x.coding], ids=repr)
@pytest.mark.parametrize("wrong", [2.0, 0.5, np.nan, 1 + 2.0**-30])
def test_a_wrong_label_is_found_wherever_it_is(loss, wrong):
    signs = "-1" in loss.coding
    for n in (5, 40_001):
        _, *inputs = arguments(loss, n, 2, np.float32)
        labels = np.ones(n if loss.width else (n, 2))
        labels.flat[0] = -1 if signs else 0
        for at in (1, n - 1):
            bad = labels.copy()
            bad[at] = wrong
            out = tuple(np.full_like(x, 7) for x in inputs)
            with pytest.raises(ValueError, match=rf"y_true\[{at}.*expects labels"):
                loss.value_and_gradients(bad, *inputs, out=out)
            assert all((x == 7).all() for x in out)


def test_more_axes_of_samples():
    a, b = (x.reshape(4, 5, 6) for x in arguments(fl.CosineSimilarity(), 20, 6))
    flat = fl.CosineSimilarity().value_and_gradients(a.reshape(20, 6), b.reshape(20, 6), reduction="none")
    value, gradients = fl.CosineSimilarity().value_and_gradients(a, b, reduction="none")
    assert same_bits(value, flat[0].reshape(4, 5))
    assert same_bits(gradients[0], flat[1][0].reshape(4, 5, 6))
    w = np.arange(1.0, 5)
    assert fl.CosineSimilarity()(a, b, w) == fl.CosineSimilarity()(a, b, np.repeat(w, 5).reshape(4, 5))


@every
def test_identity_and_function(loss):
    again = eval(repr(loss), {name: getattr(fl, name) for name in fl.__all__})
    for twin in (again, pickle.loads(pickle.dumps(loss))):
        assert twin == loss
        assert hash(twin) == hash(loss)
    assert sum(loss == other for other in ROWS + BATCHES) == 1
    given = arguments(loss, 9, 4)
    function = getattr(fl, loss.name)
    assert function(*given, **loss.params) == loss(*given)
    assert list(inspect.signature(function).parameters)[: len(loss.arguments)] == list(loss.arguments)


def test_the_catalogue_has_them(capsys):
    assert {type(loss) for loss in ROWS + BATCHES} == set(CATALOGUE)
    assert main(["list", "--task", "embedding"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for cls in CATALOGUE:
        assert cls.when in said
        assert main(["show", cls.name]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert f"{cls.name}({', '.join(cls.arguments)}, sample_weight=None, *" in shown
        assert cls.when in shown
        assert "References" in description.sections(cls)


X = np.arange(12.0).reshape(4, 3)
ONES = np.ones(4)
C, T, E, R, N, S = (
    fl.Contrastive(),
    fl.Triplet(),
    fl.CosineEmbedding(),
    fl.MarginRanking(),
    fl.NTXent(),
    fl.SupervisedContrastive(),
)
BAD = {
    "margin": (lambda: fl.Contrastive(-1), ValueError, "margin is -1: expected a finite number >= 0"),
    "p": (lambda: fl.Triplet(p=0.5), ValueError, r"p is 0.5: expected a number >= 1, or infinity"),
    "p below all": (lambda: fl.Triplet(p=-INF), ValueError, r"p is -inf: expected a number >= 1, or infinity"),
    "p NaN": (lambda: fl.Triplet(p=NAN), ValueError, r"p is nan: expected a number >= 1, or infinity"),
    "swap": (lambda: fl.Triplet(swap=1), TypeError, "swap is 1: expected True or False"),
    "a cosine": (lambda: fl.CosineEmbedding(2), ValueError, r"margin is 2: expected a number in \[-1, 1\]"),
    "temperature": (lambda: fl.NTXent(0), ValueError, "temperature is 0: expected a finite number > 0"),
    "temperature of float32": (lambda: fl.NTXent(1e-40)(X.astype("f4"), X.astype("f4")), ValueError, r"temperature is 1e-40: its inverse overflows float32, in which these embeddings are computed; expected at least 3e-39"),
    "temperature of float16": (lambda: fl.SupervisedContrastive(1e-40)([0, 0, 1, 1], X.astype("f2")), ValueError, "temperature is 1e-40: its inverse overflows float32"),
    "temperature of float64": (lambda: fl.NTXent(1e-310).gradients(X, X), ValueError, "temperature is 1e-310: its inverse overflows float64"),
    "shapes": (lambda: T(X, X[:, :2], X), ValueError, r"anchor has shape \(4, 3\) and positive has shape \(4, 2\): shapes must be equal"),
    "batch sizes": (lambda: N(X, X[:2]), ValueError, r"z1 has shape \(4, 3\) and z2 has shape \(2, 3\)"),
    "one axis": (lambda: T(ONES, ONES, ONES), ValueError, r"anchor has shape \(4,\): triplet expects embeddings of shape \(n_samples, width\); for one sample use anchor\[numpy.newaxis\]"),
    "no width": (lambda: T(X[:, :0], X[:, :0], X[:, :0]), ValueError, r"anchor has shape \(4, 0\): triplet expects"),
    "three axes": (lambda: N(X[None], X[None]), ValueError, r"z1 has shape \(1, 4, 3\): ntxent expects embeddings of shape"),
    "a label": (lambda: C([0, 1, 2, 1], X, X), ValueError, r"y_true\[2\] is 2: contrastive expects labels in \{0, 1\}, 1 for a similar pair; map the labels"),
    "signs": (lambda: C([1, 1, -1, 1], X, X), ValueError, r"y_true\[2\] is -1: contrastive expects"),
    "both codings": (lambda: E([1, 0, -1, 1], X, X), ValueError, r"y_true\[1\] is 0: cosine_embedding expects labels all in \{-1, 1\}, or all in \{0, 1\}.*use one coding"),
    "a NaN label": (lambda: E([1, NAN, -1, 1], X, X), ValueError, r"y_true\[1\] is nan"),
    "a soft label": (lambda: R([1, 0, 0.5], X[0], X[1]), ValueError, r"y_true\[2\] is 0.5: margin_ranking expects"),
    "a group": (lambda: S([1, NAN, 0, 0], X), ValueError, r"labels\[1\] is nan: supervised_contrastive expects one label per sample"),
    "label shape": (lambda: C(ONES[:3], X, X), ValueError, r"y_true has shape \(3,\) and h1 has shape \(4, 3\): expected y_true of shape \(4,\)"),
    "label column": (lambda: C(ONES[:, None], X, X), ValueError, r"expected y_true of shape \(4,\) \(use y_true.ravel\(\)"),
    "scores": (lambda: R(ONES, ONES, X), ValueError, r"x1 has shape \(4,\) and x2 has shape \(4, 3\)"),
    "weights": (lambda: T(X, X, X, [1, 2]), ValueError, r"sample_weight has shape \(2,\): expected \(4,\), one per sample"),
    "a weight": (lambda: T(X, X, X, [1, -2, 1, 1]), ValueError, r"sample_weight\[1\] is -2"),
    "a NaN weight": (lambda: T(X, X, X, [1, 1, 1, NAN]), ValueError, r"sample_weight\[3\] is nan"),
    "no weight": (lambda: T(X, X, X, 0 * ONES), ValueError, "the mean of triplet is undefined: the total weight is zero"),
    "missing": (lambda: T(X, X), TypeError, "negative is missing; Triplet is called with anchor, positive, negative and"),
    "too many": (lambda: T(X, X, X, ONES, 1), TypeError, "Triplet is called with .*: 5 arrays were given"),
    "misspelt": (lambda: T(X, X, negativ=X), TypeError, r"unknown argument 'negativ' \(did you mean 'negative'\?\)"),
    "twice": (lambda: T(X, X, X, anchor=X), TypeError, "anchor was given twice"),
    "a parameter": (lambda: fl.triplet(X, X, X, margn=1), TypeError, r"triplet has no argument 'margn' \(did you mean 'margin'\?\)"),
    "reduction": (lambda: T(X, X, X, reduction="avg"), ValueError, "reduction='avg': expected one of"),
    "threads": (lambda: T(X, X, X, n_threads=0), ValueError, "n_threads is 0"),
    "text": (lambda: T(X, X, [["a"]]), TypeError, "negative has dtype <U1"),
    "None": (lambda: T(X, None, X), TypeError, "positive is None"),
    "out an array": (lambda: T.gradients(X, X, X, out=np.empty_like(X)), TypeError, "out is ndarray: expected a tuple of 3 arrays, for the gradients in anchor, positive, negative"),
    "out too short": (lambda: T.gradients(X, X, X, out=(np.empty_like(X),)), TypeError, "out is tuple of 1: expected a tuple of 3"),
    "out's shape": (lambda: C.gradients(ONES, X, X, out=(np.empty((4, 3)), np.empty((3, 4)))), ValueError, r"out\[1\] has shape \(3, 4\): expected h1's shape"),
    "out's dtype": (lambda: C.gradients(ONES, X, X, out=(np.empty((4, 3), "f4"), np.empty((4, 3)))), TypeError, r"out\[0\] has dtype float32: expected float64"),
    "out an input": (lambda: C.gradients(ONES, X, X + 1, out=(np.empty_like(X), X)), ValueError, r"out\[1\] overlaps h1"),
    "out twice": (lambda: (lambda g: C.gradients(ONES, X, X + 1, out=(g, g)))(np.empty_like(X)), ValueError, r"out\[1\] overlaps out\[0\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, says = BAD[name]
    before = X.copy()
    with pytest.raises(error, match=says):
        call()
    assert (before == X).all()


def test_check_finite():
    bad = X.copy()
    bad[2, 1] = NAN
    fl.set_check_finite(True)
    try:
        with pytest.raises(ValueError, match=r"positive\[2, 1\] is nan: finite numbers expected"):
            T(X, bad, X)
    finally:
        fl.set_check_finite(False)
